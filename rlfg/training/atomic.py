"""A Trainer mixin: a checkpoint is written aside and renamed when it is whole.

Overrides `_get_output_dir` and `_save_checkpoint` of transformers 5.17's Trainer (TRL 1.16 adds to the
latter).
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from transformers.trainer import TRAINER_STATE_NAME

from rlfg.data.contract import write_contract
from rlfg.training.checkpoints import STAGING, publish


class AtomicCheckpoints:
    """Goes before a Trainer class; set `contract` and `keep_checkpoints` on the instance."""

    contract: dict[str, Any]
    keep_checkpoints: int
    _saving = False
    # Of the Trainer this is mixed into.
    args: Any
    state: Any
    accelerator: Any

    def _get_output_dir(self, trial: Any) -> str:
        """Where a checkpoint is written: aside while saving, so that a half-written one is never found."""
        folder = Path(super()._get_output_dir(trial))  # type: ignore[misc]
        return str(folder / STAGING if self._saving else folder)

    def close(self) -> None:
        """Gives back what is held outside of this process: nothing, here."""

    def create_model_card(self, *_: Any, **__: Any) -> None:
        """None: the run's own record says more, and TRL's would be rewritten at every checkpoint."""

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        run = Path(self.args.output_dir)
        staging = run / STAGING
        if self.accelerator.is_main_process:
            shutil.rmtree(staging, ignore_errors=True)
        self.accelerator.wait_for_everyone()
        self._saving = True
        try:
            super()._save_checkpoint(model, trial)  # type: ignore[misc]
            self.accelerator.wait_for_everyone()
            if self.accelerator.is_main_process:
                self._publish(staging, run)
        except Exception:
            shutil.rmtree(staging, ignore_errors=True)
            raise
        finally:
            self._saving = False
        self.accelerator.wait_for_everyone()

    def _publish(self, staging: Path, run: Path) -> None:
        """The state must name the best checkpoint where it will be, not where it was staged."""
        best = self.state.best_global_step
        folder = staging / f"checkpoint-{self.state.global_step}"
        self.state.best_model_checkpoint = str(run / f"checkpoint-{best}") if best else None
        self.state.save_to_json(str(folder / TRAINER_STATE_NAME))
        write_contract(folder, self.contract)
        publish(staging, run, keep=self.keep_checkpoints, best_step=best)
