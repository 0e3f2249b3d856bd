"""Detectors on synthetic logs, and the numbers they read."""

from __future__ import annotations

import pytest

from rewards.detectors import Detectors, DetectorSpec
from rewards.scoring import dominant_share
from rlfg.errors import RlfgError
from rlfg.types import Relation, Verdict

HEALTHY = {
    "reward": 0.5,
    "hack/dominant_answer": 0.2,
    "verdict/abstain": 0.02,
    "length/mean": 100.0,
    "hack/wrong_specific": 0.1,
}


def watch(*logs: dict[str, float], **spec: float) -> list[list[str]]:
    detectors = Detectors(DetectorSpec(**spec))  # type: ignore[arg-type]
    return [detectors(log) for log in logs]


def test_a_healthy_run_is_silent() -> None:
    assert watch(*[HEALTHY] * 50, {"eval_hm": 0.7}, *[HEALTHY] * 10, {"eval_hm": 0.8}) == [[]] * 62


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("hack/dominant_answer", 0.7, "one answer makes 70%"),
        ("verdict/abstain", 0.6, "60% of the answers abstain"),
        ("length/mean", 220.0, "2.2 times as many"),
        ("length/mean", 30.0, "0.3 times as many"),
        (
            "hack/wrong_specific",
            0.3,
            r"30% of the answers are as specific as the truth and wrong \(at the beginning 10%\)",
        ),
    ],
)
def test_each_sign_warns_once_until_it_was_gone(name: str, value: float, says: str) -> None:
    sick = HEALTHY | {name: value}
    found = watch(*[HEALTHY] * 6, sick, sick, HEALTHY, sick)
    assert [len(warnings) for warnings in found] == [0] * 6 + [1, 0, 0, 1]
    with pytest.raises(AssertionError, match=says):
        raise AssertionError(found[6][0])


def test_reward_up_while_hm_goes_down() -> None:
    richer = HEALTHY | {"reward": 0.8}
    found = watch(HEALTHY, {"eval_hm": 0.7}, richer, {"eval_hm": 0.6}, HEALTHY, {"eval_hm": 0.5})
    assert [len(warnings) for warnings in found] == [0, 0, 0, 1, 0, 0], "the last time the reward fell, too"
    assert "rose by 0.300 and the evaluation's HM fell by 0.100" in found[3][0]
    assert watch(HEALTHY, {"eval_hm": 0.7}, richer, {"eval_hm": 0.68}) == [[]] * 4


def test_a_slow_fall_of_hm_is_seen() -> None:
    """Each evaluation falls by less than the limit; against the best one the fall adds up."""
    logs = [log for i in range(4) for log in (HEALTHY | {"reward": 0.5 + 0.05 * i}, {"eval_hm": 0.7 - 0.02 * i})]
    found = watch(*logs)
    assert [len(warnings) for warnings in found] == [0, 0, 0, 0, 0, 1, 0, 0]
    assert "rose by 0.100 and the evaluation's HM fell by 0.040 since its best" in found[5][0]


def test_a_resumed_run_goes_on_as_if_it_had_not_stopped() -> None:
    logs = [*[HEALTHY] * 6, HEALTHY | {"length/mean": 300.0}, HEALTHY | {"length/mean": 310.0}]
    resumed = Detectors()
    resumed.replay(logs[:7])
    assert resumed(logs[7]) == [], "it has warned already"
    again = Detectors()
    again.replay(logs[:6])
    assert len(again(logs[6])) == 1, "it knows the beginning"


def test_how_dominant_an_answer_is() -> None:
    def verdicts(*pairs: tuple[str, str | None]) -> list[Verdict]:
        return [Verdict(relation=Relation.WRONG, truth=truth, answer=answer) for truth, answer in pairs]

    assert dominant_share(verdicts(("a", "x"), ("b", "X "), ("c", "x"))) == 1
    assert dominant_share(verdicts(("a", "a"), ("a", "a"), ("b", "b"), ("b", "b"))) == 0.5
    assert dominant_share(verdicts(("a", "x"), ("a", "y"), ("b", "x"), ("b", None))) == 0.75
    assert dominant_share([]) == 0


def test_limits_are_checked() -> None:
    with pytest.raises(RlfgError, match=r"detectors.abstain is 5; it must be a number from 0 to 1"):
        DetectorSpec(abstain=5)
    with pytest.raises(RlfgError, match="length_ratio is 1"):
        DetectorSpec(length_ratio=1.0)
