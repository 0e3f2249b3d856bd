"""Evaluation: predictions in; verdicts, metrics with intervals, comparisons and a report out. Needs no torch."""
