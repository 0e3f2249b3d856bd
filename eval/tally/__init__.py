"""Scores of closed questions: what was asked stands on each line, and is read as strictly as it was asked."""

from eval.tally.mark import Mark, Outcome
from eval.tally.summary import tally, write_marks

__all__ = ["Mark", "Outcome", "tally", "write_marks"]
