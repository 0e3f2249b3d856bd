"""The format term: is the whole completion what was asked for?"""

from __future__ import annotations

from rewards.checks import require_choice
from rewards.group import Group
from rlfg.data.answers import FORMS, Form, has_form


def well_formed(group: Group, *, form: Form = "think") -> list[float]:
    """1 for a completion that is of the form and nothing else, 0 for any other.

    Args:
        group: with its completions.
        form: think: `<think>…</think><answer>…</answer>`. answer: `<answer>…</answer>` alone. bare: text without tags.

    Raises:
        RlfgError: on an unknown form.
    """
    require_choice("form", form, FORMS)
    return [float(has_form(completion, form)) for completion in group.completions]
