"""From answers to rewards: verifiers, group rewards, rubrics, advantages. Needs no torch."""

from rewards.advantages import Advantages, group_advantages
from rewards.build import build_reward, build_term
from rewards.group import UNPARSED_REWARD, Group, GroupReward, GroupTerm
from rewards.noise import Noise
from rewards.rubric import FINE_R1, RewardSpec, Rubric, TermSpec, build_rubric
from rewards.verifier import TaxonomyVerifier, Verifier

__all__ = [
    "FINE_R1",
    "UNPARSED_REWARD",
    "Advantages",
    "Group",
    "GroupReward",
    "GroupTerm",
    "Noise",
    "RewardSpec",
    "Rubric",
    "TaxonomyVerifier",
    "TermSpec",
    "Verifier",
    "build_reward",
    "build_rubric",
    "build_term",
    "group_advantages",
]
