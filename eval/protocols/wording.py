"""The words that closed questions share: every answer is asked for inside the tags of the answer contract."""

from __future__ import annotations

REASON = "Reason step by step inside <think> and </think>, then give {what}, and nothing else, inside {tags}."
PLAIN = "Give {what}, and nothing else, inside {tags}."


def how_to_answer(what: str, *, reason: bool) -> str:
    """The sentence that says what stands in the answer's tags."""
    return (REASON if reason else PLAIN).format(what=what, tags="<answer> and </answer>")
