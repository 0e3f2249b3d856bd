"""Optimizer, length and bookkeeping of a run: the same for both stages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from rlfg.errors import RlfgError


@dataclass(frozen=True, kw_only=True)
class RunSpec:
    """Optimizer, length and bookkeeping, the same for both stages."""

    output_dir: str
    seed: int = 0
    steps: int | None = None
    """Optimizer steps; exclusive with `epochs`."""
    epochs: float | None = None
    learning_rate: float = 3e-5
    schedule: Literal["constant", "cosine", "linear", "constant_with_warmup"] = "constant"
    warmup_steps: int = 0
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    save_every: int = 50
    """Steps between checkpoints."""
    eval_every: int | None = None
    """Steps between greedy evaluations of the `eval` set; the checkpoint with the best HM is kept."""
    keep_checkpoints: int = 2
    """The newest ones; the best is kept besides."""
    log_every: int = 1
    report_to: tuple[str, ...] = ("tensorboard",)
    """Trackers: tensorboard, trackio, wandb."""
    gradient_checkpointing: bool = False
    bf16: bool = False
    """Autocast to bfloat16 (for float32 master weights); a bfloat16 model needs none."""
    use_cpu: bool = False

    def __post_init__(self) -> None:
        for name in ("steps", "epochs", "save_every", "eval_every", "log_every"):
            if (value := getattr(self, name)) is not None and value <= 0:
                raise RlfgError(f"run.{name} is {value}; it must be above 0")
        if (self.steps is None) == (self.epochs is None):
            raise RlfgError("run: give either `steps` or `epochs`")
        if self.eval_every and self.eval_every % self.save_every:
            raise RlfgError("run.eval_every must be a multiple of run.save_every: what is best must be on disk")


def shared_arguments(run: RunSpec) -> dict[str, Any]:
    """The arguments that TRL's SFTConfig and GRPOConfig have in common."""
    return {
        "output_dir": run.output_dir,
        "seed": run.seed,
        "max_steps": run.steps or -1,
        "num_train_epochs": run.epochs or 1,
        "learning_rate": run.learning_rate,
        "lr_scheduler_type": run.schedule,
        "warmup_steps": run.warmup_steps,
        "weight_decay": run.weight_decay,
        "max_grad_norm": run.max_grad_norm,
        "use_cpu": run.use_cpu,
        "bf16": run.bf16,
        "gradient_checkpointing": run.gradient_checkpointing,
        "dataloader_pin_memory": not run.use_cpu,
        "logging_steps": run.log_every,
        "save_steps": run.save_every,
        "save_strategy": "steps",
        "report_to": list(run.report_to),
        "disable_tqdm": True,
    }
