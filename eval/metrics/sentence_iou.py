"""Sentence IoU: how many words answer and truth share (VIC, Conti et al., NeurIPS 2023).

|W(a) ∩ W(t)| / |W(a) ∪ W(t)|, with W the set of words once every character but letters, digits and spaces is dropped
and case is folded: "black-footed" is one word, "blackfooted". The metric is the mean over answers.
"""

from __future__ import annotations


def sentence_iou(answer: str, truth: str) -> float:
    """In [0, 1]; 0 for an empty answer."""
    a, t = words(answer), words(truth)
    return len(a & t) / len(a | t) if a | t else 0.0


def words(text: str) -> set[str]:
    """The words of a text as VIC's code splits it."""
    return set("".join(c for c in text if c.isalnum() or c == " ").lower().split())
