"""Datasets, pictures, and the contract of prompts and answers. Needs no torch."""

from rlfg.data.answers import (
    FORMS,
    PARSE_MODES,
    Form,
    ParsedAnswer,
    ParseMode,
    form_of,
    format_answer,
    has_form,
    parse_answer,
)
from rlfg.data.check import ImageReport, check_images
from rlfg.data.examples import Examples, Picture, Shown, load_examples
from rlfg.data.images import ImageError, open_image
from rlfg.data.prompts import Prompt, contract_hash, load_prompt, prompt_names, user_message
from rlfg.data.spec import DataSpec

__all__ = [
    "FORMS",
    "PARSE_MODES",
    "DataSpec",
    "Examples",
    "Form",
    "ImageError",
    "ImageReport",
    "ParseMode",
    "ParsedAnswer",
    "Picture",
    "Prompt",
    "Shown",
    "check_images",
    "contract_hash",
    "form_of",
    "format_answer",
    "has_form",
    "load_examples",
    "load_prompt",
    "open_image",
    "parse_answer",
    "prompt_names",
    "user_message",
]
