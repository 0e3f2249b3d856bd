"""Stored rollouts under another reward, verifier, prompt or taxonomy: what would have been different?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from rewards.audit import Agreement
from rewards.scoring import Scored, varied_groups, verify_some
from rewards.verifier import Verifier
from rlfg.data import ParseMode, parse_answer
from rlfg.types import Verdict

TOLERANCE = 1e-6
"""Rewards and advantages that differ by less are equal; the files hold them in full."""


@dataclass
class Signal:
    """How much a reward gives the gradient to work with."""

    groups: int = 0
    with_variance: int = 0
    """Groups whose rewards are not all equal: the others carry no gradient."""
    rollouts: int = 0
    masked: int = 0
    reward: float = 0.0
    """Sum over the rollouts that have one."""
    advantage: float = 0.0
    """Sum of absolute advantages."""

    def add(self, scored: Sequence[Scored]) -> None:
        """Count one set of rollouts."""
        rewards = [one.score.reward for one in scored if one.score.reward is not None]
        self.reward += sum(rewards)
        self.masked += len(scored) - len(rewards)
        self.advantage += sum(abs(one.advantage) for one in scored)
        self.rollouts += len(scored)
        self.groups += len({one.rollout.group_id for one in scored})
        self.with_variance += len(varied_groups(scored))

    def to_json(self) -> dict[str, Any]:
        """Counts, and the shares and means they give."""
        paid = self.rollouts - self.masked
        return {
            "rollouts": self.rollouts,
            "masked": self.masked,
            "groups": self.groups,
            "groups_with_variance": self.with_variance,
            "share_with_variance": self.with_variance / self.groups if self.groups else None,
            "mean_reward": self.reward / paid if paid else None,
            "mean_abs_advantage": self.advantage / paid if paid else None,
        }


@dataclass
class Difference:
    """What changed from one scoring of rollouts to another."""

    verdicts: Agreement = field(default_factory=Agreement)
    rewards: int = 0
    """Rollouts whose reward changed, or came or went."""
    advantages: int = 0
    flipped: int = 0
    """Rollouts that were pushed up and would now be pushed down, or the other way round."""
    groups: int = 0
    """Groups in which any advantage changed."""
    pairs: Counter[tuple[str | None, str | None, str, str]] = field(default_factory=Counter)
    """(truth, answer, label before, label after) of the verdicts that changed."""

    def add(self, before: Sequence[Scored], after: Sequence[Scored]) -> Iterator[dict[str, Any]]:
        """Count one set of rollouts, and give a line for each that changed."""
        self.verdicts.add([b.verdict for b in before], [a.verdict for a in after])
        changed: set[str] = set()
        for b, a in zip(before, after, strict=True):
            verdict, reward = b.verdict.label != a.verdict.label, _differ(b.score.reward, a.score.reward)
            advantage = _differ(b.advantage, a.advantage)
            self.rewards += reward
            self.advantages += advantage
            self.flipped += b.advantage * a.advantage < 0
            if verdict:
                self.pairs[a.verdict.truth, a.verdict.answer, b.verdict.label, a.verdict.label] += 1
            if advantage:
                changed.add(b.rollout.group_id)
            if verdict or reward or advantage:
                yield _line(b, a)
        self.groups += len(changed)

    def to_json(self) -> dict[str, Any]:
        """Everything; the pairs by how often they changed, up to a hundred."""
        return {
            "verdicts": sum(n for (a, b), n in self.verdicts.counts.items() if a != b),
            "confusion": self.verdicts.to_json()["confusion"],
            "rewards": self.rewards,
            "advantages": self.advantages,
            "advantages_flipped": self.flipped,
            "groups": self.groups,
            "pairs": [
                {"truth": truth, "answer": answer, "before": before, "after": after, "rollouts": n}
                for (truth, answer, before, after), n in self.pairs.most_common(100)
            ],
        }


def reverify(scored: Sequence[Scored], verifier: Verifier | None, parse_mode: ParseMode | None) -> list[Verdict]:
    """The verdicts of `verifier` on the stored completions; the stored ones where there is no other verifier."""
    if verifier is None:
        return [one.verdict for one in scored]
    answers = [parse_answer(one.rollout.completion, parse_mode or "lenient").answer for one in scored]
    return verify_some(verifier, [(a, one.rollout.truth) for a, one in zip(answers, scored, strict=True)])


def _differ(before: float | None, after: float | None) -> bool:
    if before is None or after is None:
        return before is not after
    return abs(before - after) > TOLERANCE


def _line(before: Scored, after: Scored) -> dict[str, Any]:
    rollout = before.rollout
    return {
        "step": rollout.step,
        "group_id": rollout.group_id,
        "index": rollout.index,
        "truth": rollout.truth,
        "answer": after.verdict.answer,
        "verdict": [before.verdict.label, after.verdict.label],
        "reason": after.verdict.reason,
        "reward": [before.score.reward, after.score.reward],
        "advantage": [before.advantage, after.advantage],
    }
