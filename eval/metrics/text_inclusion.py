"""Text inclusion: is the truth named in the answer's text?

`text_inclusion` is the raw test as published: the lower-cased truth, stripped, is a substring of the lower-cased
answer. lmms-owc (Conti et al., ICCV 2025; `textual_inclusion`) and Fine-R1 (ICLR 2026; open world) both compute it;
underscores of dataset labels become spaces in both, and may stay here. Fine-R1 compares cars without the last two
words of the truth, and the whole completion where there is no answer tag; neither is done here.

It is fooled by "caterpillar" for "cat" and by an answer that lists every class. `word_inclusion` wants whole words;
`sole_inclusion` besides that nothing else is named (`names_truth` of `rewards.fine_r1`).
"""

from __future__ import annotations

from rewards.fine_r1 import names_truth
from rlfg.taxonomy import normalize


def text_inclusion(answer: str, truth: str) -> bool:
    """1 where the truth is a substring, case apart; an empty answer names nothing."""
    wanted, said = truth.lower().strip(), answer.lower()
    return wanted in said or wanted.replace("_", " ") in said


def word_inclusion(answer: str, truth: str) -> bool:
    """1 where the truth stands in the answer in whole words, case, accents and punctuation apart."""
    return f" {normalize(truth)} " in f" {normalize(answer)} "


def sole_inclusion(answer: str, truth: str) -> bool:
    """1 where the truth stands there in whole words and is the one thing named: no list, at most six words more."""
    return names_truth(answer, truth)
