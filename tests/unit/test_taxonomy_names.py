"""Normalisation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlfg.taxonomy import normalize


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Black-footed  Albatross.", "black footed albatross"),
        ("black_footed/albatross", "black footed albatross"),
        ("Brewer's Blackbird", "brewers blackbird"),
        ("Brewer\u2019s Blackbird", "brewers blackbird"),
        ("Brewer\u00b4s Blackbird", "brewers blackbird"),
        ("\u02bbI\u02bbiwi", "iiwi"),
        ("Rüppell's Vulture", "ruppells vulture"),
        ("Ru\u0308ppell's Vulture", "ruppells vulture"),
        ("Black & White Warbler", "black and white warbler"),
        ("**Larus** (argentatus)", "larus argentatus"),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("か", "か"),
        ("が", "が"),
        ("", ""),
        (" -?! ", ""),
    ],
)
def test_folds(text: str, folded: str) -> None:
    assert normalize(text) == folded


@given(st.text())
def test_a_second_time_changes_nothing(text: str) -> None:
    once = normalize(text)
    assert normalize(once) == once


@given(st.text())
def test_case_and_outer_space_do_not_matter(text: str) -> None:
    assert normalize(f"  {text.casefold()}\n") == normalize(text.casefold())
    assert normalize(text.casefold()) == normalize(text)
