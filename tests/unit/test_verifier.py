"""The taxonomy verifier: its policy on a toy tree, its failures of record, and real answers."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from rewards import FINE_R1, Group, RewardSpec, TaxonomyVerifier, build_rubric
from rlfg.errors import RlfgError
from rlfg.taxonomy import Taxonomy, load_taxonomy, taxonomy_from_lineages
from rlfg.types import VERDICT_LABELS

TABLE = """\
order,family,genus,genus_common,species,species_common,subspecies
Charadriiformes,Laridae,Larus,gull,Larus argentatus,Herring Gull,
Charadriiformes,Laridae,Larus,gull,Larus fuscus,Lesser Black-backed Gull,Larus fuscus graellsii
Passeriformes,Prunellidae,Prunella,,Prunella modularis,Dunnock,
Lamiales,Lamiaceae,Prunella,,Prunella vulgaris,Selfheal,
"""
DATA = Path(__file__).parents[3] / "shared" / "data"


@pytest.fixture(scope="module")
def taxonomy(tmp_path_factory: pytest.TempPathFactory) -> Taxonomy:
    path = tmp_path_factory.mktemp("toy") / "toy.csv"
    path.write_text(TABLE)
    return load_taxonomy(path, root="organism")


@pytest.fixture(scope="module")
def verifier(taxonomy: Taxonomy) -> TaxonomyVerifier:
    return TaxonomyVerifier(taxonomy)


@pytest.mark.parametrize(
    ("answer", "label", "specificity"),
    [
        ("Larus fuscus", "SPECIFIC", 1.0),
        ("lesser black backed GULL", "SPECIFIC", 1.0),
        ("Larus fuscus graellsii", "MORE_SPECIFIC", 1.0),
        ("gull", "LESS_SPECIFIC", 0.75),
        ("Laridae", "LESS_SPECIFIC", 0.5),
        ("Charadriiformes", "GENERIC", 0.25),
        ("organism", "GENERIC", 0.0),
        ("Herring Gull", "WRONG", None),
        ("Dunnock", "WRONG", None),
        ("Prunella", "WRONG", None),
        ("Pink-bellied Gull", "WRONG", None),
        ("Lesser Black-backed Gull or Herring Gull", "WRONG", None),
        ("I don't know", "ABSTAIN", None),
        ("None", "ABSTAIN", None),
        (None, "UNPARSED", None),
        ("", "UNPARSED", None),
        (" \n\u200b", "UNPARSED", None),
        ("...", "UNPARSED", None),
    ],
)
def test_policy(verifier: TaxonomyVerifier, answer: str | None, label: str, specificity: float | None) -> None:
    (verdict,) = verifier.verify([(answer, "Lesser Black-backed Gull")])
    assert (verdict.label, verdict.specificity) == (label, specificity)
    assert verdict.reason
    assert verdict.truth == "Lesser Black-backed Gull"
    assert verdict.truth_node is not None, "the truth is known whatever the answer"
    assert verdict.answer == (None if label == "UNPARSED" else answer)
    assert verdict.source == ("parser" if label == "UNPARSED" else "taxonomy")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("Larus fuscus", "species Larus fuscus is the truth"),
        (
            "Larus fuscus graellsii",
            "subspecies Larus fuscus graellsii stands below the truth, species Larus fuscus",
        ),
        ("gull", "genus Larus stands above the truth, species Larus fuscus"),
        ("Herring Gull", "species Larus argentatus and the truth, species Larus fuscus, part at genus Larus"),
        ("Pink-bellied Gull", "unresolved: the answer is not in the taxonomy"),
        ("gull, dunnock", "the answer names several options"),
    ],
)
def test_reasons_can_be_checked(verifier: TaxonomyVerifier, answer: str, reason: str) -> None:
    assert verifier.verify([(answer, "Larus fuscus")])[0].reason == reason


@pytest.mark.parametrize("truth", ["Dunnock", "Selfheal"])
def test_an_ambiguous_answer_counts_as_its_best_taxon(verifier: TaxonomyVerifier, truth: str) -> None:
    (verdict,) = verifier.verify([("Prunella", truth)])
    assert verdict.label == "LESS_SPECIFIC"
    assert "truth-assisted: the answer names 2 taxa" in verdict.reason


@pytest.mark.parametrize(
    ("answer", "label"), [("Dunnock", "MORE_SPECIFIC"), ("Lamiales", "LESS_SPECIFIC"), ("gull", "WRONG")]
)
def test_an_ambiguous_truth_counts_as_its_best_taxon(verifier: TaxonomyVerifier, answer: str, label: str) -> None:
    (verdict,) = verifier.verify([(answer, "Prunella")])
    assert verdict.label == label
    assert "truth-assisted: the truth names 2 taxa" in verdict.reason


def test_an_unknown_truth_gives_no_verdict_but_unparsed_stays_unparsed(verifier: TaxonomyVerifier) -> None:
    answers = ["gull", "None", "gull or dunnock", None]
    labels = [verdict.label for verdict in verifier.verify([(answer, "dodo") for answer in answers])]
    assert labels == ["NO_VERDICT", "NO_VERDICT", "NO_VERDICT", "UNPARSED"]
    assert verifier.verify([("gull", "dodo")])[0].reason == 'the truth "dodo" is not in the taxonomy'


def test_help_from_the_truth_is_counted_apart(verifier: TaxonomyVerifier) -> None:
    pairs = [("Prunella", "Dunnock"), ("Dunnock", "Prunella"), ("Dunnock", "Dunnock"), ("gull or dunnock", "Dunnock")]
    assert [verdict.truth_assisted for verdict in verifier.verify(pairs)] == [True, True, False, False]


def test_a_verdict_tells_how_both_texts_resolved(verifier: TaxonomyVerifier) -> None:
    answers = ["Larus fuscus", "gull", "a gull", "lesser black-backed gul", "gull or dunnock", "None", "xyzzy", None]
    statuses = [verdict.status for verdict in verifier.verify([(answer, "dodo") for answer in answers])]
    assert statuses[:3] == ["exact", "vernacular", "parsed"]
    assert statuses[4:] == ["several", "abstain", "unresolved", None]
    assert {v.truth_status for v in verifier.verify([("gull", "dodo"), (None, "gull or dunnock")])} == {
        "unresolved",
        "several",
    }


GROUPS = {
    "Herring Gull": ["Laridae", "Larus", "Herring Gull"],
    "Western Gull": ["Laridae", "Larus", "Western Gull"],
    "Ivory Gull": ["Laridae", "Pagophila", "Ivory Gull"],
    "Arctic Tern": ["Laridae", "Sterna", "Arctic Tern"],
    "Common Tern": ["Laridae", "Sterna", "Common Tern"],
    "American Crow": ["Corvidae", "Corvus", "American Crow"],
    "Common Raven": ["Corvidae", "Corvus", "Common Raven"],
}


@pytest.mark.parametrize(
    ("answer", "truth", "label", "taxon"),
    [
        ("gull", "Herring Gull", "LESS_SPECIFIC", "Larus"),
        ("gull", "Ivory Gull", "LESS_SPECIFIC", "Pagophila"),
        ("gull", "Arctic Tern", "WRONG", "Larus"),
        ("gull", "Larus", "LESS_SPECIFIC", "Laridae"),  # of two genera: broader than either
        ("gull", "Laridae", "MORE_SPECIFIC", "Larus"),
        ("tern", "Sterna", "SPECIFIC", "Sterna"),  # of one genus: that genus
        ("crow", "American Crow", "LESS_SPECIFIC", "Corvus"),  # never SPECIFIC to a leaf
        ("crow", "Common Raven", "WRONG", "American Crow"),
        ("crow", "Corvus", "MORE_SPECIFIC", "American Crow"),
    ],
)
def test_a_group_noun_counts_as_what_holds_the_truth(answer: str, truth: str, label: str, taxon: str) -> None:
    judge = TaxonomyVerifier(taxonomy_from_lineages(GROUPS, root="bird"))
    (verdict,) = judge.verify([(answer, truth)])
    assert (verdict.label, verdict.answer_taxon, verdict.truth_assisted) == (label, taxon, False)


def test_the_border_is_an_option(taxonomy: Taxonomy) -> None:
    pairs = [("gull", "Larus fuscus"), ("Laridae", "Larus fuscus"), ("Charadriiformes", "Larus fuscus")]
    labels = {b: [v.label for v in TaxonomyVerifier(taxonomy, border=b).verify(pairs)] for b in (0, 1, 3)}
    assert labels == {
        0: ["GENERIC", "GENERIC", "GENERIC"],
        1: ["LESS_SPECIFIC", "GENERIC", "GENERIC"],
        3: ["LESS_SPECIFIC", "LESS_SPECIFIC", "LESS_SPECIFIC"],
    }
    with pytest.raises(RlfgError, match="border is -1"):
        TaxonomyVerifier(taxonomy, border=-1)


def test_order_is_kept_and_seen_pairs_are_remembered(verifier: TaxonomyVerifier) -> None:
    pairs = [("gull", "Dunnock"), (None, "Dunnock"), ("Dunnock", "Dunnock"), ("gull", "Dunnock")]
    verdicts = verifier.verify(pairs)
    assert [verdict.label for verdict in verdicts] == ["WRONG", "UNPARSED", "SPECIFIC", "WRONG"]
    assert verdicts[0] is verdicts[3] is verifier.verify(pairs[:1])[0]


def test_an_empty_answer_in_good_form_earns_the_form_only(verifier: TaxonomyVerifier) -> None:
    verdicts = tuple(verifier.verify([(None, "Dunnock"), ("Dunnock", "Dunnock")]))
    completions = ("<think>Brown.</think><answer></answer>", "<think>Brown.</think><answer>Dunnock</answer>")
    group = Group(verdicts=verdicts, completions=completions)
    fine_r1 = [score.reward for score in build_rubric(FINE_R1)(group)]
    assert fine_r1[0] == pytest.approx(0.1)
    assert fine_r1[1] == pytest.approx(1)
    assert [score.reward for score in build_rubric(RewardSpec())(group)] == [-1, 1]


def test_real_answers() -> None:
    """577 guesses of a language model against CUB-200; every line gets one verdict with its reason."""
    answers, tree = DATA / "answers/bird200_guesses.jsonl", DATA / "taxonomies/hierarchy_CUB200.json"
    if not answers.exists():
        pytest.skip(f"{DATA} holds the real data and is not here")
    taxonomy = load_taxonomy(tree, root="bird", root_aliases=["birds"])
    rows = [json.loads(line) for line in answers.read_text().splitlines()]
    verdicts = TaxonomyVerifier(taxonomy).verify([(row["answer"], row["truth"]) for row in rows])
    counts = Counter(verdict.label for verdict in verdicts)
    assert len(verdicts) == 577 == sum(counts.values())
    assert counts.keys() <= set(VERDICT_LABELS)
    assert all(verdict.reason for verdict in verdicts)
    exact = [v.label for v, row in zip(verdicts, rows, strict=True) if row["answer"] == row["truth"] and v.truth_node]
    assert set(exact) == {"SPECIFIC"}
