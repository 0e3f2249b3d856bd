"""The format term: is the whole completion thinking, then an answer?"""

from __future__ import annotations

from rewards.group import Group
from rlfg.data.answers import parse_answer


def well_formed(group: Group) -> list[float]:
    """1 for a completion that is `<think>…</think><answer>…</answer>` and nothing else, 0 for any other."""
    return [float(parse_answer(completion).well_formed) for completion in group.completions]
