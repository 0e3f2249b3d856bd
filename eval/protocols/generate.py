"""Open generation: the picture and a prompt, no label list. One answer, or N sampled ones (best of N, majority)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from eval.protocols.item import Item, Question, item_about
from eval.reading import asks_for_tags
from rlfg.data import Examples, contract_hash, load_prompt, prompt_names
from rlfg.errors import RlfgError
from rlfg.taxonomy import Taxonomy


@dataclass(frozen=True, kw_only=True)
class OpenSpec:
    """What is asked of each picture."""

    prompts: tuple[str, ...] | Literal["all"] = ("think",)
    """Prompt variants by name or text file; "all" for all that come with rlfg. With several, each picture has a line
    for each, with the id `ID@PROMPT` (`rlfg score --group-by prompt`)."""
    samples: int = 1
    """Answers a picture; more than one needs a temperature above 0."""

    def __post_init__(self) -> None:
        if self.samples < 1 or not self.prompts:
            raise RlfgError("open: at least one prompt and one sample")
        if len(self.texts) < len(self.names):
            raise RlfgError("open: two prompts have one name, and lines go by it; rename a file")

    @property
    def names(self) -> tuple[str, ...]:
        """The variants."""
        return tuple(prompt_names()) if self.prompts == "all" else self.prompts

    @property
    def texts(self) -> dict[str, str]:
        """Hash of each prompt's text, by its name: a file may change under its name."""
        return {prompt.name: contract_hash(prompt) for prompt in map(load_prompt, self.names)}

    def items(self, examples: Examples, taxonomy: Taxonomy | None, seed: int) -> list[Item]:
        """A line for each picture and prompt.

        Raises:
            RlfgError: Several prompts, and a picture with a question of its own in place of them all.
        """
        prompts = [load_prompt(name) for name in self.names]
        found = []
        for prompt in prompts:
            for i, (example, where) in enumerate(zip(examples, examples.where, strict=True)):
                if len(prompts) > 1 and example.question is not None:
                    raise RlfgError(f"{where}: has a question of its own, that every prompt would give way to")
                text = example.question or prompt.text
                question = Question(text=text, pictures=(i,), samples=self.samples)
                tags = asks_for_tags(text)
                told = {"protocol": "open", "prompt": prompt.name, "tags": tags, "samples": self.samples}
                name = example.id if len(prompts) == 1 else f"{example.id}@{prompt.name}"
                found.append(item_about(example, [question], told, id_=name))
        return found
