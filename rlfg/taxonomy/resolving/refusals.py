"""Texts that decline to answer, in whole or in one of their clauses."""

from __future__ import annotations

import re

from rlfg.taxonomy.resolving.wordset import word_set

ABSTENTIONS = frozenset({
    "none", "none of the above", "none of these", "none of them", "nothing", "null", "nil", "n a", "na", "nan",
    "no answer", "abstain", "i abstain", "unknown", "unsure", "uncertain", "undetermined", "indeterminate",
    "unidentified", "unidentifiable", "unrecognizable", "unrecognisable", "unclear", "undecided", "inconclusive",
    "ambiguous", "other", "pass", "skip", "idk", "dunno", "cannot tell", "cant tell", "hard to tell", "hard to say",
    "i have no idea", "beats me", "who knows", "not applicable", "not available", "not known", "not specified",
    "not visible", "not clear", "not enough information", "insufficient information", "could be anything",
    "no identification", "no label", "no clue", "something", "anything", "keine ahnung", "ich weiss nicht",
    "unbekannt", "je ne sais pas", "inconnu", "no se", "no lo se", "desconocido", "nao sei", "non lo so", "не знаю",
    "неизвестно", "不知道", "我不知道", "未知", "无法确定", "不明", "わかりません", "분からない", "모르겠습니다",
})  # fmt: skip
"""Normalised texts that decline to answer; they do so even where a taxon bears that name."""
_OPENINGS = (
    "i dont have", "i do not have", "i dont see", "i do not see",
    "i dont know", "i do not know", "dont know", "do not know", "not sure", "im not sure", "i am not sure",
    "not certain", "im not certain", "i am not certain", "im unsure", "i am unsure", "i cannot", "i cant",
    "i can not", "cannot", "cant tell", "i could not", "i couldnt", "i am unable", "im unable", "unable to",
    "im not able", "i am not able", "not able to", "cant be", "no idea", "no clue", "i have no", "impossible to",
    "it is impossible to", "its impossible to", "not possible to", "it is not possible to", "its not possible to",
    "not identifiable", "sorry", "im sorry", "i am sorry", "i apologize", "i apologise", "apologies", "as an ai",
    "hard to", "it is hard to", "its hard to", "difficult to", "it is difficult to", "its difficult to",
    "it is unclear", "its unclear", "unclear", "not enough", "insufficient", "there is not enough",
    "there isnt enough", "there is no", "there are no", "no bird", "no animal", "no visible", "i decline",
    "i prefer not", "i would rather not", "i refuse", "i would need", "i need more", "need more", "without more",
    "too blurry", "the image is too", "the picture is too", "the photo is too", "image too", "the image does not",
    "the image doesnt", "none of the", "none of these", "could be anything", "who knows", "beats me",
    "unknown species", "unknown bird", "unknown animal", "unknown plant", "unknown flower", "unknown breed",
    "unknown dog", "unknown car", "unknown object",
)  # fmt: skip
"""Normalised clauses that begin with one of these decline, whatever follows."""
_OPENING = re.compile(rf"(?:{'|'.join(sorted(_OPENINGS, key=len, reverse=True))})(?: |$)")
_INSIDE = re.compile(
    r"\b(?:can ?not|cant|could not|couldnt|unable to|not able to|(?:im|not )possible to|difficult to|hard to|tough to"
    r"|too (?:blurry|dark|small|far|unclear)\b.{0,40}? to|not enough .{0,40}? to|insufficient .{0,40}? to)"
    r"(?: \w+){0,4}? (?:determined?|identif\w+|tell|say|recogni[sz]ed?|know|classif\w+|see|named?"
    r"|specif\w+|discern\w*)\b"
    r"|\b(?:is|are|remains) (?:unidentifiable|unknown|unclear|unrecogni[sz]able|indeterminate|uncertain"
    r"|not (?:clear|identifiable))$"
)
_INSIDE_WORDS = word_set(
    """
    cannot not cant couldnt unable impossible difficult hard tough too insufficient unidentifiable unknown unclear
    unrecognizable unrecognisable indeterminate uncertain
    """
)
"""`_INSIDE` needs one of these; to look for them takes a quarter of its time."""


def abstains(key: str) -> bool:
    """Whether a whole normalised text declines."""
    return key in ABSTENTIONS


def declines(key: str) -> bool:
    """Whether a normalised text or clause declines, by its opening or by what it says of telling."""
    if key in ABSTENTIONS or _OPENING.match(key):
        return True
    return not _INSIDE_WORDS.isdisjoint(key.split()) and _INSIDE.search(key) is not None
