"""Text inclusion: is the truth named in the answer's text?

`text_inclusion`: the lower-cased truth, stripped, is a substring of the lower-cased answer; underscores, of dataset
labels, are spaces on both sides. As published (`raw_inclusion`) no underscore is touched: lmms-owc (Conti et al., ICCV
2025; `textual_inclusion`), where the datasets' loaders replace those of the truth before, and VLMClassifier (Zhang et
al., NeurIPS 2024). Fine-R1 (ICLR 2026) replaces those of the truth, in closed worlds those of the answer too; it takes
cars without the last two words of the truth, what stands between the first `<answer>` and the last `</answer>`, and
the whole completion where there is none; these three are not done here.

It is fooled by "caterpillar" for "cat" and by an answer that lists every class. `word_inclusion` wants whole words;
`sole_inclusion` besides that nothing else is named (`names_truth` of `rewards.fine_r1`).
"""

from __future__ import annotations

from rewards.fine_r1 import names_truth
from rlfg.taxonomy import normalize


def text_inclusion(answer: str, truth: str) -> bool:
    """1 where the truth is a substring, case and underscores apart; an empty answer names nothing."""
    return raw_inclusion(answer.replace("_", " "), truth.replace("_", " "))


def raw_inclusion(answer: str, truth: str) -> bool:
    """1 where the truth is a substring, case apart."""
    return truth.lower().strip() in answer.lower()


def word_inclusion(answer: str, truth: str) -> bool:
    """1 where the truth stands in the answer in whole words, case, accents and punctuation apart."""
    return f" {normalize(truth)} " in f" {normalize(answer)} "


def sole_inclusion(answer: str, truth: str) -> bool:
    """1 where the truth stands there in whole words and is the one thing named: no list, at most six words more."""
    return names_truth(answer, truth)
