"""Prediction over processes: what `recipes/evaluate.py` and `rlfg predict` call."""

from __future__ import annotations

from accelerate import PartialState

from eval.predict import PredictConfig, merge, pending, predict_share
from rlfg.data import load_examples
from rlfg.rollouts.local import LocalModel


def run_predict(config: PredictConfig) -> int:
    """Answers what is still to be answered, on as many processes as `accelerate launch` started.

    Returns:
        Exit status: 1 if a picture could not be answered, else 0.
    """
    state = PartialState(cpu=config.use_cpu)
    examples = load_examples(config.data)
    done, todo = pending(config, examples)
    state.wait_for_everyone()
    share = todo[state.process_index :: state.num_processes]
    if state.is_main_process:
        print(f"{config.out}: {len(done)} of {len(examples)} answered already, {len(todo)} to do")
    if share:
        model = LocalModel(config.model, device=state.device, max_rows=config.rows)
        predict_share(config, examples, share, model, state.process_index)
    state.wait_for_everyone()
    if not state.is_main_process:
        return 0
    out = merge(config, examples)
    failed = len(pending(config, examples)[1])
    print(f"{out}: {len(examples) - failed} answered, {failed} failed")
    return int(failed > 0)
