"""Rubrics: weighted parts that add up, and the terms that read completions."""

from __future__ import annotations

import pytest

from rewards import FINE_R1, Group, Noise, RewardSpec, TermSpec, build_rubric, build_term
from rlfg.config import build_config, to_dict
from rlfg.errors import RlfgError
from rlfg.types import Relation, Verdict

GOOD = "<think>Long bill.</think><answer>gull</answer>"
BARE = "<answer>gull</answer>"
VERDICTS = (
    Verdict(relation=Relation.SPECIFIC, answer="gull", truth="gull"),
    Verdict(relation=Relation.SPECIFIC, answer="gull", truth="gull"),
    Verdict(relation=None, answer="gull", truth="gull"),
    Verdict(relation=None, unparsed=True, truth="gull"),
)
GROUP = Group(verdicts=VERDICTS, completions=(GOOD, BARE, GOOD, "gull"), lengths=(10, 100, 10, 75))


def test_verdicts_alone_need_no_completions() -> None:
    scores = build_rubric(RewardSpec())(Group(verdicts=VERDICTS))
    assert [score.reward for score in scores] == [1, 1, None, -1]
    assert [dict(score.parts) for score in scores] == [{"dynamic": 1}, {"dynamic": 1}, {}, {"dynamic": -1}]
    assert tuple(score.verdict for score in scores) == VERDICTS


def test_parts_are_weighted_and_add_up() -> None:
    terms = (
        TermSpec(name="format", weight=0.1),
        TermSpec(name="length_guard", weight=0.5, options={"limit": 100, "buffer": 50}),
    )
    scores = build_rubric(RewardSpec(name="hedged", weight=2.0, terms=terms))(GROUP)
    assert [dict(score.parts) for score in scores] == [
        {"hedged": 2.0, "format": 0.1, "length_guard": 0.0},
        {"hedged": 2.0, "format": 0.0, "length_guard": -0.5},
        {},  # no verdict: nothing is paid, not even the format
        {"hedged": -2.0, "format": 0.0, "length_guard": -0.25},
    ]
    assert [score.reward for score in scores] == [
        sum(score.parts.values()) if score.verdict.decided else None for score in scores
    ]


def test_fine_r1() -> None:
    assert [score.reward for score in build_rubric(FINE_R1)(GROUP)] == [pytest.approx(1.0), 0.9, None, 0.0]


def test_length_guard_is_soft_then_hard() -> None:
    lengths = (0, 50, 51, 75, 100, 500)
    group = Group(verdicts=(VERDICTS[0],) * 6, lengths=lengths)
    assert build_term("length_guard", limit=100, buffer=50)(group) == [0, 0, -0.02, -0.5, -1, -1]
    assert build_term("length_guard", limit=75, buffer=0)(group) == [0, 0, 0, 0, -1, -1]


def test_noise_is_applied_before_the_reward_and_shown() -> None:
    scores = build_rubric(RewardSpec(name="binary", noise=Noise(probability=1.0)))(GROUP)
    assert [score.reward for score in scores] == [0, 0, None, -1]
    assert scores[0].verdict.label == "LESS_SPECIFIC"


def test_a_spec_is_read_from_a_configuration_and_written_back() -> None:
    values = {
        "name": "hedged",
        "options": {"hedge": 0.6},
        "weight": 0.9,
        "terms": [{"name": "length_guard", "weight": 0.1, "options": {"limit": 100, "buffer": 50}}],
        "noise": {"probability": 0.1, "seed": 7},
    }
    spec = build_config(RewardSpec, values, "run.yaml")
    assert (spec.terms[0].name, spec.noise) == ("length_guard", Noise(probability=0.1, seed=7))
    assert build_config(RewardSpec, to_dict(spec), "run.yaml") == spec
    with pytest.raises(RlfgError, match='run.yaml: reward "hedged" has no option "hedges"'):
        build_config(RewardSpec, values | {"options": {"hedges": 0.6}}, "run.yaml")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"name": "best"}, 'unknown reward "best"'),
        ({"options": {"hedge": 1}}, 'reward "dynamic" has no option "hedge"'),
        ({"terms": (TermSpec(name="fmt", weight=1),)}, 'unknown term "fmt"; choose from format'),
        (
            {"terms": (TermSpec(name="length_guard", weight=1, options={"limit": 5}),)},
            'needs the option "buf',
        ),
        ({"terms": (TermSpec(name="format", weight=1),) * 2}, '"format" is twice'),
    ],
)
def test_a_spec_is_checked_when_it_is_made(spec: dict[str, object], message: str) -> None:
    with pytest.raises(RlfgError, match=message):
        RewardSpec(**spec)  # type: ignore[arg-type]


def test_missing_columns_are_an_error_not_a_zero() -> None:
    rubric = build_rubric(RewardSpec(terms=(TermSpec(name="format", weight=0.1),)))
    with pytest.raises(RlfgError, match="needs its completions"):
        rubric(Group(verdicts=VERDICTS, group_id="7"))
    with pytest.raises(RlfgError, match='group "7" has 4 verdicts but 1 completions'):
        Group(verdicts=VERDICTS, completions=("x",), group_id="7")
