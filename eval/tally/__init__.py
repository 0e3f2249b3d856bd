"""Scores of closed questions: what was asked stands on each line, and is read as strictly as it was asked."""

from eval.tally.mark import Mark, Outcome
from eval.tally.marked import Marked, write_marks
from eval.tally.summary import tally

__all__ = ["Mark", "Marked", "Outcome", "tally", "write_marks"]
