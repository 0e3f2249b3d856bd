"""Tokens of a row, and what cannot work because of them."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Any

from PIL import Image

from rlfg.data import Examples, Prompt, load_prompt, user_message
from rlfg.errors import RlfgError
from rlfg.models.prompts import encode_prompt
from rlfg.training.config import GrpoConfig

CHARACTERS_PER_TOKEN = 3.5
TEMPLATE_TOKENS = 30
"""Without a tokenizer: of the chat template, default system prompt included."""


@dataclass(frozen=True, kw_only=True)
class PromptBudget:
    """Tokens of the longest prompt."""

    picture: int
    """At the picture budget; smaller pictures take fewer."""
    text: int
    pixels_per_token: int | None
    """None where the model sizes pictures in a way of its own."""
    counted: bool
    """The text was counted with the model's tokenizer, not guessed."""

    @property
    def total(self) -> int:
        """Picture and text."""
        return self.picture + self.text


def prompt_budget(
    config: GrpoConfig, model_config: Any, processor: Any | None, *, max_pixels: int | None, examples: Examples | None
) -> PromptBudget:
    """Tokens of the longest prompt a run can meet.

    Args:
        config: The run.
        model_config: The transformers config of its model.
        processor: The model's, with `model.max_pixels` applied; None where it is not at hand.
        max_pixels: Picture budget to assume without a processor or `model.max_pixels`.
        examples: Whose own questions replace the prompt variant's; None where they are not at hand.

    Raises:
        RlfgError: The picture budget is nowhere to be found.
    """
    prompt = load_prompt(config.prompt)
    question = max((e.question or prompt.text for e in examples or ()), key=len, default=prompt.text)
    pixels_per_token = _pixels_per_token(model_config)
    if processor is None:
        text = ceil(len(question) / CHARACTERS_PER_TOKEN) + TEMPLATE_TOKENS
        max_pixels = config.model.max_pixels or max_pixels
    else:
        text = _text_tokens(processor, prompt, question)
        if pixels_per_token is None:
            picture = _encoded_tokens(processor, prompt, question) - text
            return PromptBudget(picture=picture, text=text, pixels_per_token=None, counted=True)
        max_pixels = int(processor.image_processor.size["longest_edge"])
    if max_pixels is None or pixels_per_token is None:
        raise RlfgError(
            f"{config.model.path}: its processor is not at hand, so the size of a picture in tokens is not known; "
            "set model.max_pixels, or give a folder that holds the processor"
        )
    return PromptBudget(
        picture=max_pixels // pixels_per_token,
        text=text,
        pixels_per_token=pixels_per_token,
        counted=processor is not None,
    )


def check_rows(config: GrpoConfig, model_config: Any, processor: Any, examples: Examples) -> None:
    """Refuses a run whose longest row cannot fit; for a stage that has everything at hand.

    Raises:
        RlfgError: As `check_budgets`.
    """
    budget = prompt_budget(config, model_config, processor, max_pixels=None, examples=examples)
    check_budgets(config, budget, model_config)


def check_budgets(config: GrpoConfig, prompt: PromptBudget, model_config: Any) -> None:
    """Refuses a run whose longest row fits neither the model nor a micro-batch.

    Raises:
        RlfgError: With the setting to change and its value.
    """
    completion = config.sampling.max_new_tokens
    row = prompt.total + completion
    positions = getattr(model_config.get_text_config(), "max_position_embeddings", None)
    if positions is not None and row > positions:
        raise RlfgError(
            f"a picture takes up to {prompt.picture:,} tokens, its text {prompt.text:,} and a completion "
            f"{completion:,}: {row:,}, more than the {positions:,} positions of {config.model.path}; "
            f"{_fix(config, prompt, positions)}"
        )
    limit = config.max_tokens_per_microbatch
    if row > limit:
        raise RlfgError(
            f"max_tokens_per_microbatch is {limit:,}, but one row takes up to {prompt.picture:,} picture + "
            f"{prompt.text:,} text + {completion:,} completion tokens; set it to at least {row}, or "
            f"{_fix(config, prompt, limit)}"
        )


def _fix(config: GrpoConfig, prompt: PromptBudget, limit: int) -> str:
    """What to lower so that a row fits `limit` tokens."""
    room = limit - prompt.text - config.sampling.max_new_tokens
    if prompt.pixels_per_token and room > 0:
        return f"set model.max_pixels to at most {room * prompt.pixels_per_token}"
    return f"lower sampling.max_new_tokens by {prompt.total + config.sampling.max_new_tokens - limit} or more"


def _pixels_per_token(model_config: Any) -> int | None:
    """Of the Qwen-VL families: the square of patch side × merged patches."""
    vision = model_config.vision_config
    patch, merge = getattr(vision, "patch_size", None), getattr(vision, "spatial_merge_size", None)
    return (patch * merge) ** 2 if patch and merge else None


def _text_tokens(processor: Any, prompt: Prompt, question: str) -> int:
    """Tokens of the templated prompt without its picture's place."""
    message = user_message(prompt, question)
    text = processor.apply_chat_template([message], tokenize=False, add_generation_prompt=True)
    return len(processor.tokenizer(text)["input_ids"]) - 1


def _encoded_tokens(processor: Any, prompt: Prompt, question: str) -> int:
    """Tokens of the prompt with a blank picture, for models that give every picture the same number."""
    return len(encode_prompt(processor, [user_message(prompt, question)], [Image.new("RGB", (512, 512))]))
