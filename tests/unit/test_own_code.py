"""Rewards, terms, profiles and encoders of the user's own, named in a config as file.py:name."""

from __future__ import annotations

from pathlib import Path

import pytest

from rewards import Group, RewardSpec, TermSpec, build_rubric
from rewards.similarity import similarity
from rlfg.errors import RlfgError
from rlfg.named import load_named
from rlfg.taxonomy import load_taxonomy, profile_of, resolve
from rlfg.types import Relation, Verdict

MINE = """
from __future__ import annotations

from dataclasses import dataclass

from rewards.group import pay_relations
from rlfg.taxonomy import Profile


@dataclass
class Pay:
    exact: float


def bold(verdicts, *, exact=2.0):
    pay = Pay(exact)
    return pay_relations(verdicts, lambda relation: pay.exact if relation.name == "SPECIFIC" else 0.5)


def forgetful(verdicts):
    return [1.0 for verdict in verdicts]


def short(verdicts):
    return [1.0 for verdict in verdicts if verdict.relation is not None]


def words(group, *, taxonomy, most=3):
    return [float(len(text.split()) <= most and taxonomy is not None) for text in group.completions]


def one_number(texts):
    return [[float(len(text))] for text in texts]


STRICT = Profile(name="whatever", fuzzy=False)
"""
VERDICTS = (
    Verdict(relation=Relation.SPECIFIC),
    Verdict(relation=Relation.GENERIC),
    Verdict(relation=None, unparsed=True),
    Verdict(relation=None),
)
GROUP = Group(verdicts=VERDICTS, completions=("a gull", "it is a bird", "", "x"))


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(MINE)
    return path


def test_a_reward_and_a_term_of_ones_own(mine: Path) -> None:
    spec = RewardSpec(
        name=f"{mine}:bold",
        options={"exact": 3.0},
        terms=(TermSpec(name=f"{mine}:words", weight=0.1, options={"most": 2}),),
    )
    scores = build_rubric(spec, load_taxonomy("builtin:cub200"))(GROUP)
    assert [score.reward for score in scores] == [3.1, 0.5, -0.9, None]
    assert scores[0].parts == {f"{mine}:bold": 3.0, f"{mine}:words": 0.1}
    with pytest.raises(RlfgError, match='has no option "exakt"; its options are exact'):
        RewardSpec(name=f"{mine}:bold", options={"exakt": 1})


@pytest.mark.parametrize("name", ["forgetful", "short"])
def test_a_reward_that_breaks_the_contract_is_stopped(mine: Path, name: str) -> None:
    with pytest.raises(
        RlfgError, match=r"each of 4 rollouts a number, and None to those without a verdict \(1\) alone"
    ):
        build_rubric(RewardSpec(name=f"{mine}:{name}"))(GROUP)


def test_a_profile_of_ones_own_is_called_what_it_was_named_by(mine: Path) -> None:
    tree = load_taxonomy("builtin:cub200")
    profile = profile_of(tree, f"{mine}:STRICT")
    assert (profile.name, profile.fuzzy, profile.binomials) == (f"{mine}:STRICT", False, True)
    assert resolve(tree, "Hering Gull").status == "fuzzy"
    assert resolve(tree, "Hering Gull", f"{mine}:STRICT").status == "unresolved"
    with pytest.raises(RlfgError, match="it is no `Profile` of rlfg.taxonomy, but function"):
        profile_of(tree, f"{mine}:bold")


def test_an_encoder_in_a_file(mine: Path) -> None:
    verdict = Verdict(relation=Relation.SPECIFIC, answer="gull", truth="gulls")
    assert similarity([verdict], encoder=f"{mine}:one_number") == [pytest.approx(1.0)]


def test_a_file_is_run_once_and_what_is_not_there_is_named(mine: Path) -> None:
    assert load_named(f"{mine}:bold", "reward") is load_named(f"{mine}:bold", "reward")
    assert load_named("math:sqrt", "reward")(4) == 2
    for text, message in (
        (f"{mine}:timid", "has no attribute 'timid'"),
        (f"{mine.with_name('no.py')}:bold", "there is no file"),
        ("no_such_package.mine:bold", "No module named 'no_such_package'"),
        (":bold", "Empty module name"),
    ):
        with pytest.raises(RlfgError, match=message) as raised:
            load_named(text, "reward")
        assert "give package.module:name or folder/file.py:name" in str(raised.value)
