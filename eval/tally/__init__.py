"""Scores of closed questions: what was asked stands on each line, and is read as strictly as it was asked."""

from eval.tally.items import TalliedItem, read_tallied, write_marks
from eval.tally.mark import Mark, Outcome
from eval.tally.marked import Marked
from eval.tally.summary import tally

__all__ = ["Mark", "Marked", "Outcome", "TalliedItem", "read_tallied", "tally", "write_marks"]
