"""Which groups are trained on, and which pictures are answered instead of those that teach nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from rewards.scoring import Scored, varied_groups
from rlfg.errors import RlfgError
from rlfg.training.refill import DynamicSampling, choose_groups, refill
from rlfg.types import Relation, Rollout, Score, Verdict


def scored(**groups: Sequence[float | None]) -> list[Scored]:
    verdict = Verdict(relation=None)
    return [
        Scored(
            rollout=Rollout(step=0, group_id=group, prompt_key=group, index=i, truth="x", completion=""),
            verdict=verdict,
            score=Score(reward=reward, verdict=verdict),
            advantage=0.0,
            valid=reward is not None,
        )
        for group, rewards in groups.items()
        for i, reward in enumerate(rewards)
    ]


ROUNDS = scored(a=[1, 1, 1], b=[0, 1, 1], c=[None, 1, 1], d=[None, 0, 1], e=[None, None, 0], f=[0.5, 0, 0])


def test_what_has_no_verdict_makes_no_difference() -> None:
    assert varied_groups(ROUNDS) == ["b", "d", "f"]


@pytest.mark.parametrize(("count", "chosen"), [(2, "bd"), (3, "bdf"), (4, "abdf"), (5, "abcdf"), (6, "abcdef")])
def test_the_first_varied_groups_are_chosen_then_the_first_others(count: int, chosen: str) -> None:
    wanted = DynamicSampling().wanted(ROUNDS)
    assert wanted == varied_groups(ROUNDS) and choose_groups(ROUNDS, wanted, count) == set(chosen)


def test_groups_are_wanted_by_their_accuracy() -> None:
    """Whatever the rewards: a format term tells answers apart that are all right, which is nothing to learn from."""
    right, wrong, broad = (Verdict(relation=Relation(name)) for name in ("MORE_SPECIFIC", "WRONG", "LESS_SPECIFIC"))
    verdicts = {"a": (right, right), "b": (right, wrong), "c": (broad, broad), "d": (broad, right), "e": (None, right)}
    rows = [
        replace(one, score=Score(reward=0.5, verdict=verdict), valid=True)
        for group, found in verdicts.items()
        for one, verdict in zip(scored(**{group: [1, 0]}), found, strict=True)
        if verdict is not None
    ]
    assert DynamicSampling(accuracy=(0.01, 0.99)).wanted(rows) == ["b", "d"]
    assert DynamicSampling(accuracy=(-0.1, 0.99)).wanted(rows) == ["b", "c", "d"]
    with pytest.raises(RlfgError, match="a lower and an upper bound"):
        DynamicSampling(accuracy=(0.99, 0.01))


def test_a_group_split_over_processes_is_one() -> None:
    rows = scored(a=[1], b=[0, 0]) + scored(a=[0])
    assert varied_groups(rows) == ["a"]


def test_refills_are_new_pictures_drawn_by_seed_step_and_round_alone() -> None:
    def drawn(seed: int = 0, step: int = 3, round_: int = 1, shown: Sequence[int] = range(40, 50)) -> list[int]:
        return refill(seed=seed, step=step, round_=round_, pictures=50, shown=shown, count=12)

    assert drawn() == drawn(shown=list(reversed(range(40, 50))))
    assert len(set(drawn())) == 12 and not set(drawn()) & set(range(40, 50))
    assert len({tuple(x) for x in (drawn(), drawn(seed=1), drawn(step=4), drawn(round_=2))}) == 4
    assert sorted(drawn(shown=range(5, 50))) == [0, 1, 2, 3, 4]
    assert drawn(shown=range(50)) == []


def test_later_rounds_leave_the_prompts_that_are_trained_on() -> None:
    """Of 30 rounds no more than two are kept: the first, and what is wanted."""
    pytest.importorskip("trl")
    from rlfg.training.balance import Drawn
    from rlfg.training.collecting import Collected, Collector
    from rlfg.training.tapo import TapoSpec

    rows = [replace(one, rollout=replace(one.rollout, prompt_key=key)) for one, key in zip(
        scored(a=[1, 1], b=[0, 1]), ("4", "4/positive", "5", "5/positive"), strict=True
    )]  # fmt: skip
    prompts: dict[str, Any] = {f"{n}{picture}": object() for n in "45" for picture in ("", "/positive", "/negative")}
    drawn = [Drawn(scored=one, home=0, prompt_tokens=9) for one in rows]
    made = Collected(drawn=drawn, prompts=prompts, times={}, metrics={})
    for tapo, kept in (
        (TapoSpec(), {"5", "5/negative"}),
        (TapoSpec(conditioning="own", divergence_coef=0.0), {"5", "5/positive"}),
    ):
        unused: Any = None
        collector = Collector(
            config=unused, accelerator=unused, examples=unused, lessons=unused, tapo=tapo, course=unused,
            answerer=unused, score=unused,
        )  # fmt: skip
        assert collector._wanted_prompts(DynamicSampling(), made).keys() == kept


def test_a_single_round_is_no_dynamic_sampling() -> None:
    with pytest.raises(RlfgError, match=r"max_rounds counts the first rollouts too"):
        DynamicSampling(max_rounds=1)
