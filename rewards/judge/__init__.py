"""A language model as the verifier."""

from rewards.judge.outage import JudgeDown
from rewards.judge.spec import JudgeSpec
from rewards.judge.verifier import JudgeVerifier

__all__ = ["JudgeDown", "JudgeSpec", "JudgeVerifier"]
