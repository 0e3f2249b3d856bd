"""From answers to taxa, and labels that do not resolve."""

from __future__ import annotations

import pytest

from rlfg.taxonomy import check_labels, resolve, taxonomy_from_lineages

TOY = taxonomy_from_lineages(
    {
        "Herring Gull": [
            "Animals", {"name": "Larus", "common": ["gull", "gulls"]},
            {"name": "Herring Gull", "synonyms": "Larus argentatus"},
        ],
        "Common Gull": ["Animals", "Larus", "Common Gull"],
        "Prunella": ["Animals", "Accentors", "Prunella"],
        "Prunella vulgaris": ["Plants", "Prunella", "Prunella vulgaris"],
        "Black-and-white Warbler": ["Animals", "Mniotilta", "Black-and-white Warbler"],
        "cakes/pies": ["Food", "cakes/pies"],
        "salt, pepper or both": ["Food", "salt, pepper or both"],
    },
    root="thing",
)  # fmt: skip


def names(text: str) -> list[str]:
    return [TOY.names[node] for node in resolve(TOY, text).candidates]


@pytest.mark.parametrize(
    ("text", "status", "found"),
    [
        (" herring-gull. ", "exact", ["Herring Gull"]),
        ("Larus argentatus", "synonym", ["Herring Gull"]),
        ("GULLS", "vernacular", ["Larus"]),
        ("thing", "exact", ["thing"]),
        ("Prunella", "ambiguous", ["Prunella", "Prunella"]),
        ("Black & white warbler", "exact", ["Black-and-white Warbler"]),
        ("Cakes/Pies", "exact", ["cakes/pies"]),
        ("salt, pepper, or both", "exact", ["salt, pepper or both"]),
        ("Herring Gull or Common Gull", "several", ["Herring Gull", "Common Gull"]),
        ("either a Tern or Common Gull", "several", ["Common Gull"]),
        ("Herring Gull/Common Gull", "several", ["Herring Gull", "Common Gull"]),
        ("Tern, Auk, Skua", "several", []),
        ("Prunella or gull", "several", ["Prunella", "Prunella", "Larus"]),
        ("None or Herring Gull", "several", ["Herring Gull"]),
        ("Herring Gull, Larus argentatus", "exact", ["Herring Gull"]),
        ("Herring Gull and Common Gull", "several", ["Herring Gull", "Common Gull"]),
        ("Herring Gull vs. gull", "several", ["Herring Gull", "Larus"]),
        ("Prunella and friends", "unresolved", []),
        ("Herring Gull,", "exact", ["Herring Gull"]),
        ("Pink-bellied Gull", "unresolved", []),
        ("Herring", "unresolved", []),
        ("Herring Gull from the harbour", "unresolved", []),
        ("", "unresolved", []),
        ("?!", "unresolved", []),
    ],
)
def test_statuses(text: str, status: str, found: list[str]) -> None:
    assert resolve(TOY, text).status == status
    assert names(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "None", "none.", "N/A", "n/a", "Unknown", "I don't know", "I don\u2019t know what this is.",
        "I do not know, sorry", "I cannot tell", "Unable to determine the species", "I'm not sure", "no idea",
        "None, unknown",
    ],
)  # fmt: skip
def test_abstentions(text: str) -> None:
    assert resolve(TOY, text).status == "abstain"
    assert resolve(TOY, text).candidates == ()


@pytest.mark.parametrize("text", ["Nonesuch", "I donate", "nothing but a bird", "unknown gull"])
def test_not_abstentions(text: str) -> None:
    assert resolve(TOY, text).status == "unresolved"


def test_an_abstention_is_never_a_taxon() -> None:
    tree = taxonomy_from_lineages({"None": ["Aves", "None"]})
    assert resolve(tree, "None").status == "abstain"


def test_the_span_and_trace_can_be_checked() -> None:
    found = resolve(TOY, " larus Argentatus")
    assert found.span == "larus Argentatus"
    assert found.trace == ('normalised to "larus argentatus"', "a synonym of Herring Gull")
    assert resolve(TOY, "Prunella").trace[1] == "a name of 2 taxa: Prunella in Accentors; Prunella in Plants"
    assert resolve(TOY, "Tern or gull").trace[1] == "2 options: Larus"
    assert resolve(TOY, "Tern or gull").span is None


def test_check_labels_says_what_is_wrong_with_each_distinct_label_once() -> None:
    problems = check_labels(TOY, ["Hering Gull", "Common gull", "Prunella", "xyzzy", "Hering Gull", "gull"])
    assert [problem.label for problem in problems] == ["Hering Gull", "Prunella", "xyzzy"]
    missing, shared, unlike = problems
    assert missing.suggestions[0] == "Herring Gull"
    assert missing.message.startswith('label "Hering Gull" is not in the taxonomy; did you mean "Herring Gull"')
    assert len(shared.candidates) == 2
    assert "thing > Plants > Prunella" in shared.message
    assert unlike.suggestions == ()
    assert unlike.message == 'label "xyzzy" is not in the taxonomy'


def test_check_labels_suggests_at_most_three_names_for_the_first_twenty() -> None:
    tree = taxonomy_from_lineages({f"warbler {i}": ["Aves", f"warbler {i}"] for i in range(9)})
    problems = check_labels(tree, [f"warbler {i}x" for i in range(25)])
    assert [len(problem.suggestions) for problem in problems] == [3] * 20 + [0] * 5
