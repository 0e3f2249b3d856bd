"""From rollouts to advantages, whatever process made them: gather, verify, reward whole groups, hand back.

Everything is decided once, on the main process, over whole groups; so a group that is split over two
processes is scored exactly as it would be on one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from rewards.advantages import Scale, group_advantages
from rewards.group import Group
from rewards.rubric import Rubric
from rewards.verifier import Verifier
from rlfg.data import parse_answer
from rlfg.types import VERDICT_LABELS, Rollout, Score


@dataclass(frozen=True, kw_only=True, slots=True)
class Scored:
    """A rollout with its score and advantage."""

    rollout: Rollout
    score: Score
    advantage: float
    valid: bool
    """False where there is no verdict: masked out of everything."""


@dataclass(frozen=True, kw_only=True)
class Scorer:
    """Verifier, rubric and advantage scale of a run."""

    verifier: Verifier
    rubric: Rubric
    parse_mode: Literal["strict", "lenient"]
    scale: Scale

    def __call__(self, rollouts: Sequence[Rollout]) -> list[Scored]:
        """Scores the rollouts of all processes, in their order; groups may be scattered."""
        answers = [parse_answer(r.completion, self.parse_mode).answer for r in rollouts]
        verdicts = self.verifier.verify([(a, r.truth) for a, r in zip(answers, rollouts, strict=True)])
        members: dict[str, list[int]] = defaultdict(list)
        for i, rollout in enumerate(rollouts):
            members[rollout.group_id].append(i)
        scores: dict[int, Score] = {}
        for group_id, found in members.items():
            order = sorted(found, key=lambda i: rollouts[i].index)
            group = Group(
                verdicts=tuple(verdicts[i] for i in order),
                completions=tuple(rollouts[i].completion for i in order),
                lengths=tuple(len(rollouts[i].token_ids) for i in order),
                step=rollouts[order[0]].step,
                group_id=group_id,
            )
            scores |= dict(zip(order, self.rubric(group), strict=True))
        rewards = [scores[i].reward for i in range(len(rollouts))]
        advantages = group_advantages(rewards, group_ids=[r.group_id for r in rollouts], scale=self.scale)
        return [
            Scored(
                rollout=rollout,
                score=scores[i],
                advantage=float(advantages.values[i]),
                valid=bool(advantages.valid[i]),
            )
            for i, rollout in enumerate(rollouts)
        ]


def scoring_metrics(scored: Sequence[Scored]) -> dict[str, float]:
    """What is logged of one set of rollouts: verdict shares, correctness, specificity, HM, group variance.

    Shares are of all rollouts and add up to 1; correctness leaves out NO_VERDICT, as in evaluation.
    """
    verdicts = [s.score.verdict for s in scored]
    labels = [v.label for v in verdicts]
    decided = [v for v in verdicts if v.decided]
    right = [v.specificity or 0.0 for v in decided if v.relation is not None and v.relation.is_correct]
    correctness = len(right) / max(len(decided), 1)
    specificity = float(np.mean(right)) if right else 0.0
    groups: dict[str, set[float]] = defaultdict(set)
    for s in scored:
        if s.score.reward is not None:
            groups[s.rollout.group_id].add(round(s.score.reward, 9))
    lengths = [len(s.rollout.token_ids) for s in scored]
    rewards = [s.score.reward for s in scored if s.score.reward is not None]
    return {
        **{f"verdict/{label.lower()}": labels.count(label) / len(labels) for label in VERDICT_LABELS},
        "reward": float(np.mean(rewards)) if rewards else 0.0,
        "reward_std": float(np.std(rewards)) if rewards else 0.0,
        "correctness": correctness,
        "specificity": specificity,
        "hm": 2 * correctness * specificity / max(correctness + specificity, 1e-12),
        "zero_variance_groups": sum(len(v) < 2 for v in groups.values()) / max(len(groups), 1),
        "length/mean": float(np.mean(lengths)),
        "length/max": float(max(lengths)),
        "length/truncated": sum(s.rollout.finish_reason == "length" for s in scored) / len(scored),
    }
