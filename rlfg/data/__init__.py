"""Datasets, pictures, and the contract of prompts and answers. Needs no torch."""

from rlfg.data.answers import ParsedAnswer, ParseMode, format_answer, parse_answer
from rlfg.data.check import ImageReport, check_images
from rlfg.data.examples import Examples, Picture, Shown, load_examples
from rlfg.data.images import ImageError, open_image
from rlfg.data.prompts import Prompt, contract_hash, load_prompt, prompt_names, user_message
from rlfg.data.spec import DataSpec

__all__ = [
    "DataSpec",
    "Examples",
    "ImageError",
    "ImageReport",
    "ParseMode",
    "ParsedAnswer",
    "Picture",
    "Prompt",
    "Shown",
    "check_images",
    "contract_hash",
    "format_answer",
    "load_examples",
    "load_prompt",
    "open_image",
    "parse_answer",
    "prompt_names",
    "user_message",
]
