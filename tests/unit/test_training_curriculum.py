"""The curriculum: orders and truths that a reader computes by hand."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("trl")

from trl.trainer.utils import RepeatSampler

from rewards.verifier import TaxonomyVerifier
from rlfg.data import Examples
from rlfg.errors import RlfgError
from rlfg.taxonomy import Taxonomy, load_taxonomy
from rlfg.training.curriculum import Course, Curriculum, ancestor_at, describe, name_of
from rlfg.training.order import EpochOrder, shuffled
from rlfg.types import Example, Relation

BIRDS = """family,genus,species,species_common
Laridae,Larus,Larus argentatus,Herring Gull
Laridae,Larus,Larus californicus,California Gull
Laridae,Larus,Larus canus,Common Gull
Laridae,Pagophila,Pagophila eburnea,Ivory Gull
Corvidae,Cyanocitta,Cyanocitta cristata,Blue Jay
Corvidae,Cyanocitta,Cyanocitta stelleri,Steller's Jay
"""
LABELS = ("Herring Gull", "Blue Jay", "Ivory Gull", "Larus", "Corvidae", "Common Gull")
"""Others under the parent: 2, 1, 0, 1 (Pagophila has one leaf), 4 (the gulls), 2. Depths: 3, 3, 3, 2, 1, 3."""


@pytest.fixture(scope="module")
def birds(tmp_path_factory: pytest.TempPathFactory) -> Taxonomy:
    path = tmp_path_factory.mktemp("birds") / "birds.csv"
    path.write_text(BIRDS)
    return load_taxonomy(path, root="bird")


def examples(labels: Any = LABELS) -> Examples:
    items = tuple(Example(id=str(i), image=f"{i}.png", label=label) for i, label in enumerate(labels))
    return Examples(items=items, where=tuple(f"data:{i}" for i in range(len(items))))


def course(birds: Taxonomy, labels: Any = LABELS, **spec: Any) -> Course:
    return Course(Curriculum(**spec), examples(labels), birds)


@pytest.mark.parametrize(
    ("by", "difficulty"),
    [("siblings", [2, 1, 0, 1, 4, 2]), ("depth", [3, 3, 3, 2, 1, 3])],
)
def test_easy_pictures_come_first(birds: Taxonomy, by: str, difficulty: list[int]) -> None:
    for seed in range(5):
        base = shuffled(6, seed=seed, epoch=0)
        order = course(birds, by=by).order(base, 0, per_rollout=2)
        assert sorted(order) == list(range(6))
        assert [difficulty[i] for i in order] == sorted(difficulty)
        equals = [i for i in order if difficulty[i] == max(Counter(difficulty), key=Counter(difficulty).__getitem__)]
        assert equals == [i for i in base if i in equals], "what is alike stays shuffled"


def test_what_fills_no_rollout_is_left_to_chance(birds: Taxonomy) -> None:
    """Six pictures in rollouts of four: the hardest is not always the one that waits."""
    waiting = set()
    for seed in range(12):
        base = shuffled(6, seed=seed, epoch=0)
        order = course(birds, by="siblings").order(base, 0, per_rollout=4)
        assert order[4:] == base[4:]
        waiting |= set(order[4:])
    assert waiting == set(range(6))


def test_later_epochs_are_shuffled(birds: Taxonomy) -> None:
    base = shuffled(6, seed=1, epoch=2)
    twice = course(birds, by="depth", epochs=2)
    assert twice.order(base, 1, per_rollout=1) != base
    assert twice.order(base, 2, per_rollout=1) == base
    assert course(birds, coarse_to_fine={"family": 3}).order(base, 0, per_rollout=1) == base


def test_truths_deepen_with_the_steps(birds: Taxonomy) -> None:
    found = course(birds, coarse_to_fine={"family": 3, "genus": 5})
    at = {step: [found.truth(i, step) for i in range(6)] for step in (0, 2, 3, 4, 5, 99)}
    assert at[0] == at[2] == ["Laridae", "Corvidae", "Laridae", "Laridae", "Corvidae", "Laridae"]
    assert at[3] == at[4] == ["Larus", "Cyanocitta", "Pagophila", "Larus", "Corvidae", "Larus"]
    assert at[5] == at[99] == list(LABELS)


def test_every_truth_is_as_its_verifier_reads_it(birds: Taxonomy) -> None:
    """A coarse truth is paid for what it is, and for what is finer and within it."""
    truth = course(birds, coarse_to_fine={"family": 3}).truth(0, 0)
    answers = {"Laridae": "SPECIFIC", "Ivory Gull": "MORE_SPECIFIC", "bird": "GENERIC", "Blue Jay": "WRONG"}
    verdicts = TaxonomyVerifier(birds).verify([(answer, truth) for answer in answers])
    assert [v.relation for v in verdicts] == [Relation(r) for r in answers.values()]


def test_without_a_curriculum_nothing_changes(birds: Taxonomy) -> None:
    plain = Course(None, examples(("anything", "at all")), None)
    assert plain.order([1, 0], 0, per_rollout=1) == [1, 0] and plain.truth(1, 0) == "at all"


def test_a_rank_that_a_path_lacks_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("family,genus,species\nLaridae,,Larus canus\n,Corvus,Corvus corax\n")
    tree = load_taxonomy(tmp_path / "t.csv")
    named = {name: tree.lookup(name)[0] for name in ("Laridae", "Larus canus", "Corvus", "Corvus corax")}
    assert ancestor_at(tree, named["Larus canus"], "genus") == named["Laridae"]
    assert ancestor_at(tree, named["Corvus corax"], "genus") == named["Corvus"]
    # Nothing of a family or above it: the truth stays.
    assert ancestor_at(tree, named["Corvus corax"], "family") == named["Corvus corax"]


def test_a_truth_is_called_by_a_name_that_means_it_alone(tmp_path: Path) -> None:
    rows = "Iris,{0}Iris,Iris pumila\nIris,{0}Crocus,Crocus vernus\nLiliaceae,{1}Lilium,Lilium bulbiferum\n"
    (tmp_path / "t.csv").write_text("family,family_common,genus,species\n" + rows.format("iris family,", ","))
    tree = load_taxonomy(tmp_path / "t.csv")
    family = tree.lineage(tree.lookup("Crocus vernus")[0])[1]
    assert tree.lookup("Iris") != (family,) and name_of(tree, family, "exact") == "iris family"
    (tmp_path / "u.csv").write_text("family,genus,species\n" + rows.format("", ""))
    with pytest.raises(RlfgError, match="family Iris has no name that means it alone; give it a synonym"):
        course(load_taxonomy(tmp_path / "u.csv"), ("Iris pumila",), coarse_to_fine={"family": 1})


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({}, "give `by`, `coarse_to_fine` or both"),
        ({"by": "depth", "epochs": 0}, "1 or more"),
        ({"coarse_to_fine": {"family": 5, "genus": 5}}, "steps must rise"),
        ({"coarse_to_fine": {"family": 0}}, "from 1 on"),
    ],
)
def test_what_is_no_curriculum_is_refused(spec: dict[str, Any], message: str) -> None:
    with pytest.raises(RlfgError, match=message):
        Curriculum(**spec)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"coarse_to_fine": {"tribe": 5}}, "has no rank 'tribe'; its ranks are family, genus, species"),
        ({"coarse_to_fine": {"genus": 5, "family": 9}}, "ranks go from the top down"),
    ],
)
def test_ranks_are_those_of_the_taxonomy(birds: Taxonomy, spec: dict[str, Any], message: str) -> None:
    with pytest.raises(RlfgError, match=message):
        course(birds, **spec)


def test_labels_must_be_taxa(birds: Taxonomy) -> None:
    with pytest.raises(RlfgError, match=r"data:1: label 'Penguin' is no taxon of bird \(unresolved\)"):
        course(birds, ("Blue Jay", "Penguin"), by="depth")
    with pytest.raises(RlfgError, match=r"add verifier\.taxonomy"):
        Course(Curriculum(by="depth"), examples(), None)


def test_a_run_that_never_comes_to_whole_truths_is_refused() -> None:
    spec = Curriculum(coarse_to_fine={"family": 3, "genus": 5})
    spec.check_length(None)
    spec.check_length(6)
    with pytest.raises(RlfgError, match="lasts 5 steps and the run 5: no truth would ever be whole"):
        spec.check_length(5)


def test_it_is_told(birds: Taxonomy) -> None:
    spec = Curriculum(by="siblings", coarse_to_fine={"family": 3, "genus": 1000})
    start = "pictures by siblings in the first epoch, then shuffled; truths: family until step 3"
    assert describe(spec, None) == f"{start}, then genus until step 1,000, then labels"
    found = describe(spec, Course(spec, examples(), birds))
    assert found == f"{start} (2 of them), then genus until step 1,000 (4 of them), then labels (6 of them)"
    assert describe(None, None).startswith("off")


@pytest.mark.parametrize(("repeat", "steps"), [(1, 2), (2, 4)])
def test_epochs_have_trls_order_wherever_a_run_begins(repeat: int, steps: int) -> None:
    """Seven pictures, rollouts of three, each picture twice in a row; TRL's own sampler is asked epoch by epoch."""
    make = {"mini_repeat_count": 2, "batch_size": 3, "repeat_count": repeat, "seed": 5}
    theirs = RepeatSampler(range(7), **make)
    for epoch in range(3):
        ours = EpochOrder(RepeatSampler(range(7), **make), lambda: shuffled(7, seed=5, epoch=epoch))  # noqa: B023
        assert list(ours) == list(theirs) and len(ours) == len(theirs) == 6 * steps
