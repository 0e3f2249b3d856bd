"""Paired comparison of runs over the same items: what changed, and whether it is significant."""

from eval.compare.comparison import Change, Comparison, Difference, McNemar
from eval.compare.scored import compare, compare_many, differences, run_estimates

__all__ = ["Change", "Comparison", "Difference", "McNemar", "compare", "compare_many", "differences", "run_estimates"]
