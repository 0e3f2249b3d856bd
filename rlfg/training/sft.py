"""Chain-of-thought SFT: TRL's SFTTrainer on pictures and targets made by the answer contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from datasets import Dataset
from trl import SFTConfig, SFTTrainer

from rlfg.data import DataSpec, Examples, Form, format_answer, load_prompt, user_message
from rlfg.errors import RlfgError
from rlfg.models.load import ModelSpec
from rlfg.training.atomic import AtomicCheckpoints
from rlfg.training.forms import check_form
from rlfg.training.runspec import RunSpec, shared_arguments


@dataclass(frozen=True, kw_only=True)
class SftTrainConfig:
    """Supervised fine-tuning on pictures with rationales."""

    model: ModelSpec
    data: DataSpec
    run: RunSpec
    prompt: str = "think"
    """A prompt variant, or a text file; must be that of the GRPO stage."""
    target: Form = "think"
    """What is learnt. think: rationale and answer, in tags; answer: the answer in its tags alone; bare: its text alone.
    The last two read no rationales."""
    batch_size: int = 64
    """Pictures an optimizer step, all processes."""
    pictures_per_device: int | None = None
    """Pictures that one process runs at once; the rest is accumulated. Default: its whole share."""

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise RlfgError(f"batch_size is {self.batch_size}; at least 1 is needed")
        check_form(self.target, f"target: {self.target}", self.prompt)

    def accumulation(self, processes: int) -> tuple[int, int]:
        """(Pictures per device, accumulation steps).

        Raises:
            RlfgError: The batch cannot be split evenly.
        """
        share, rest = divmod(self.batch_size, processes)
        per_device = self.pictures_per_device or share
        if rest or per_device < 1 or share % per_device:
            raise RlfgError(
                f"batch_size {self.batch_size} cannot be split over {processes} processes in parts of {per_device}; "
                f"set batch_size to a multiple of {processes * max(per_device, 1)}"
            )
        return per_device, share // per_device


def sft_rows(examples: Examples, prompt_name: str, form: Form = "think") -> Dataset:
    """Prompt, completion and picture of each example; pictures are opened when a batch needs them.

    Raises:
        RlfgError: An example has no rationale where the form wants one; names it.
    """
    prompt = load_prompt(prompt_name)
    rows: dict[str, list[Any]] = {"prompt": [], "completion": [], "image": []}
    for index, example in enumerate(examples):
        if form == "think" and not example.rationale:
            raise RlfgError(
                f"{example.id}: SFT needs a `rationale` for every example, and this one has none; "
                "to learn answers alone, set target: answer"
            )
        rows["prompt"].append([_as_text(user_message(prompt, example.question))])
        target = format_answer(example.rationale, example.label, form)
        rows["completion"].append([{"role": "assistant", "content": target}])
        rows["image"].append(index)

    def open_pictures(batch: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
        return {**batch, "image": [examples.open_image(i) for i in batch["image"]]}

    return Dataset.from_dict(rows).with_transform(open_pictures)


def _as_text(message: Mapping[str, Any]) -> dict[str, str]:
    """TRL puts the picture first itself."""
    text = "".join(part["text"] for part in message["content"] if part["type"] == "text")
    return {"role": str(message["role"]), "content": text}


def sft_arguments(config: SftTrainConfig, processes: int) -> SFTConfig:
    """TRL's arguments for a config."""
    per_device, accumulation = config.accumulation(processes)
    return SFTConfig(
        **shared_arguments(config.run),
        per_device_train_batch_size=per_device,
        gradient_accumulation_steps=accumulation,
        completion_only_loss=True,
        max_length=None,
    )


class CotTrainer(AtomicCheckpoints, SFTTrainer):  # type: ignore[misc]
    """SFTTrainer with whole checkpoints."""

    def __init__(
        self,
        *,
        config: SftTrainConfig,
        model: Any,
        processor: Any,
        train: Examples,
        contract: dict[str, Any],
        processes: int,
        callbacks: Sequence[Any] = (),
    ) -> None:
        self.contract, self.keep_checkpoints = contract, config.run.keep_checkpoints
        super().__init__(
            model=model,
            args=sft_arguments(config, processes),
            train_dataset=sft_rows(train, config.prompt, config.target),
            processing_class=processor,
            callbacks=list(callbacks),
        )
