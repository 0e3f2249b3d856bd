"""From an example to the prompt that the model is shown, its pictures encoded once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PIL import Image

from rlfg.data import Examples, Shown, load_prompt, user_message
from rlfg.errors import RlfgError
from rlfg.models.picture_cache import PictureCache
from rlfg.models.pictures import can_encode_once, encode_pictures
from rlfg.models.prefix import language_model
from rlfg.models.prompts import EncodedPrompt, encode_prompt
from rlfg.rollouts.vllm.asking import Ask
from rlfg.training.config import GrpoConfig


class Prompter:
    """Makes the prompts of a run.

    Args:
        config: the run.
        model: for the vision tower.
        processor: that of the model.
        precision: of autocast, as a word.
        shards_parameters: the tower's weights are spread over processes.

    Raises:
        RlfgError: `picture_cache` is asked for where nothing can be kept.
    """

    def __init__(
        self, config: GrpoConfig, model: Any, processor: Any, *, precision: str, shards_parameters: bool
    ) -> None:
        lm = language_model(model)
        self.template, self.processor = load_prompt(config.prompt), processor
        self.encode_once = config.encode_pictures_once and can_encode_once(model, lm)
        self.cache: PictureCache | None = None
        if config.picture_cache is None:
            return
        if not self.encode_once:
            raise RlfgError(
                "picture_cache keeps what a frozen vision tower makes of pictures; this one is trained, of an unknown "
                "kind, or encode_pictures_once is false: leave picture_cache out"
            )
        if shards_parameters:
            raise RlfgError("picture_cache needs the whole vision tower on each process, not ZeRO-3 or FSDP2")
        self.cache = PictureCache(config.picture_cache, lm, processor, precision=precision)

    def prompt(self, examples: Examples, shown: Shown) -> EncodedPrompt:
        """The prompt of one example, with one of its pictures."""
        messages, pictures = self._said(examples, shown)
        if self.cache is not None:
            return self.cache.encode(messages, pictures)
        return encode_prompt(self.processor, messages, pictures)

    def ask(
        self, examples: Examples, shown: Shown, prompt: EncodedPrompt, keys: Sequence[tuple[int | str, ...]]
    ) -> Ask:
        """The same prompt as another engine is asked it."""
        messages, pictures = self._said(examples, shown)
        return Ask(prompt=prompt, messages=messages, pictures=pictures, keys=keys)

    def _said(self, examples: Examples, shown: Shown) -> tuple[list[dict[str, Any]], list[Image.Image]]:
        question = examples[shown.index].question
        return [user_message(self.template, question)], [examples.open_image(shown.index, shown.picture)]

    def encode(self, lm: Any, prompts: Sequence[EncodedPrompt]) -> list[EncodedPrompt]:
        """The prompts with features in place of pixels, where pictures are encoded once."""
        if not self.encode_once:
            return list(prompts)
        encoded = encode_pictures(lm, prompts)
        if self.cache is not None:
            self.cache.keep(encoded)
        return encoded
