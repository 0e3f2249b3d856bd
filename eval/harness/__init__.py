"""Runs in the layout of lm-evaluation-harness 0.4, which lmms-eval took over: a results file and samples."""

from eval.harness.layout import Exported, Measured, higher_is_better, results_record
from eval.harness.scored import ScoredRun
from eval.harness.tallied import TalliedRun

__all__ = ["Exported", "Measured", "ScoredRun", "TalliedRun", "higher_is_better", "results_record"]
