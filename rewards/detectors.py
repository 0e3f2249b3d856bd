"""Signs that a policy games its reward, read from what training logs; they warn, and change nothing.

A detector looks at one number a log, against a limit or against the run's own beginning. It warns when its sign
appears, and again only after it was gone. All state comes from the logs, so that a resumed run that is shown
the earlier ones goes on as if it had not stopped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import mean

from rewards.checks import require_between, require_count
from rlfg.errors import RlfgError


@dataclass(frozen=True, kw_only=True)
class DetectorSpec:
    """Limits; see each field."""

    dominant_answer: float = 0.6
    """One answer's share over all truths of a step."""
    abstain: float = 0.5
    """Share of abstentions."""
    length_ratio: float = 2.0
    """Mean completion length over that of the beginning, or the beginning's over it."""
    wrong_specific: float = 0.15
    """Rise, over the beginning, of the share of answers as specific as the truth and wrong."""
    hm_drop: float = 0.03
    """Fall of the evaluation's HM below its best, where the training reward is above what it was then."""
    beginning: int = 5
    """Logs whose mean is the beginning."""

    def __post_init__(self) -> None:
        """Refuse limits that mean nothing."""
        for name in ("dominant_answer", "abstain", "wrong_specific", "hm_drop"):
            require_between(f"detectors.{name}", getattr(self, name), 0, 1)
        if self.length_ratio <= 1:
            raise RlfgError(f"detectors.length_ratio is {self.length_ratio}; it must be above 1")
        require_count("detectors.beginning", self.beginning, least=1)


@dataclass
class Detectors:
    """Shown one log after the other, says what a person should look at."""

    spec: DetectorSpec = field(default_factory=DetectorSpec)
    _first: dict[str, list[float]] = field(default_factory=dict)
    _raised: set[str] = field(default_factory=set)
    _rewards: list[float] = field(default_factory=list)
    """Since the last evaluation."""
    _best: tuple[float, float] | None = None
    """HM of the best evaluation, and the mean reward before it."""

    def __call__(self, log: Mapping[str, float]) -> list[str]:
        """New warnings of one log, of a training step or of an evaluation (`eval_hm`); usually none."""
        found = self._evaluation(log) if "eval_hm" in log else self._training(log)
        warnings = [text for name, text in found.items() if text and name not in self._raised]
        self._raised = (self._raised - found.keys()) | {name for name, text in found.items() if text}
        return warnings

    def replay(self, logs: Iterable[Mapping[str, float]]) -> None:
        """Catch up with a run's earlier logs, in silence."""
        for log in logs:
            self(log)

    def _training(self, log: Mapping[str, float]) -> dict[str, str]:
        if "reward" in log:
            self._rewards.append(log["reward"])
        spec, found = self.spec, {}
        if (share := log.get("hack/dominant_answer")) is not None:
            found["dominant"] = _say(
                share > spec.dominant_answer,
                f"one answer makes {share:.0%} of all, whatever the picture; look at the samples. A reward that "
                "pays coarse answers too well, or a learning rate too high, ends so",
            )
        if (share := log.get("verdict/abstain")) is not None:
            found["abstain"] = _say(
                share > spec.abstain,
                f"{share:.0%} of the answers abstain; `abstention: never` pays them nothing",
            )
        if (length := log.get("length/mean")) is not None and (start := self._beginning("length", length)):
            ratio = length / max(start, 1e-9)
            found["length"] = _say(
                not 1 / spec.length_ratio <= ratio <= spec.length_ratio,
                f"completions have {length:.0f} tokens on average, {ratio:.1f} times as many as at the beginning; "
                "the term `length_guard` holds them",
            )
        if (share := log.get("hack/wrong_specific")) is not None:
            start = self._beginning("wrong_specific", share)
            found["wrong_specific"] = _say(
                start is not None and share > start + spec.wrong_specific,
                f"{share:.0%} of the answers are as specific as the truth and wrong (at the beginning "
                f"{start or 0:.0%}): guessing pays. `hedged` with a higher hedge asks for more certainty",
            )
        return found

    def _evaluation(self, log: Mapping[str, float]) -> dict[str, str]:
        reward, hm = mean(self._rewards) if self._rewards else None, log["eval_hm"]
        if reward is None:
            return {}
        self._rewards = []
        if self._best is None or hm > self._best[0]:
            self._best = hm, reward
        fell, rose = self._best[0] - hm, reward - self._best[1]
        return {
            "hm": _say(
                fell > self.spec.hm_drop and rose > 0,
                f"the training reward rose by {rose:.3f} and the evaluation's HM fell by {fell:.3f} since its best: "
                "what is paid is not what is wanted. `rlfg replay` shows which answers are paid",
            )
        }

    def _beginning(self, name: str, value: float) -> float | None:
        """Mean of the first values; None while they are collected."""
        first = self._first.setdefault(name, [])
        if len(first) < self.spec.beginning:
            first.append(value)
            return None
        return mean(first)


def _say(raised: bool, text: str) -> str:
    return text if raised else ""
