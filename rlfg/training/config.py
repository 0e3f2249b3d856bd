"""What a GRPO run is configured by; TRL's batch fields are derived from it."""

from __future__ import annotations

from dataclasses import dataclass, field

from rewards.detectors import DetectorSpec
from rewards.rubric import RewardSpec
from rewards.setup import VerifierSpec
from rlfg.data import DataSpec, ParseMode
from rlfg.errors import RlfgError
from rlfg.models.load import ModelSpec
from rlfg.rollouts.sampling import Sampling
from rlfg.rollouts.vllm import VllmSpec
from rlfg.training.curriculum import Curriculum
from rlfg.training.forms import check_reading
from rlfg.training.mixin import SftMix
from rlfg.training.objectives import Objective
from rlfg.training.refill import DynamicSampling
from rlfg.training.runspec import RunSpec
from rlfg.training.tapo import TapoSpec


@dataclass(frozen=True, kw_only=True)
class GrpoConfig:
    """Specificity-aware GRPO on pictures."""

    model: ModelSpec
    data: DataSpec
    verifier: VerifierSpec
    run: RunSpec
    eval: DataSpec | None = None
    prompt: str = "think"
    """A prompt variant, or a text file."""
    parse_mode: ParseMode = "lenient"
    """lenient: the first answer span. Others take a whole completion of one form: strict: thoughts, then an answer;
    answer: an answer span alone; bare: the text of an answer, without tags."""
    reward: RewardSpec = field(default_factory=RewardSpec)
    objective: Objective = field(default_factory=Objective)
    tapo: TapoSpec | None = None
    """Triplets: answers to another picture of the class, and a divergence from a look-alike's; null for none."""
    sft_mix: SftMix | None = None
    """Lessons beside the rollouts of each step; null for none."""
    detectors: DetectorSpec | None = field(default_factory=DetectorSpec)
    """Warn of reward hacking; null does not look."""
    sampling: Sampling = field(default_factory=Sampling)
    rollouts: VllmSpec | None = None
    """Let vLLM make the rollouts; null makes them with the model that is trained."""
    prompts_per_step: int = 256
    """Pictures answered between two weight updates of the sampler, all processes."""
    group_size: int = 10
    """Answers a picture."""
    optimizer_steps_per_rollout: int = 1
    """Updates made of one set of rollouts; from the second on the clip is at work."""
    max_tokens_per_microbatch: int = 16_384
    """Tokens, prompts and padding included, that are in memory at once."""
    shared_prefix: bool = True
    """Run each prompt once in the update. Exact."""
    encode_pictures_once: bool = True
    """Run the vision tower once a picture and rollout, where it is frozen; its output serves every pass. Exact."""
    picture_cache: str | None = None
    """Folder that keeps encoded pictures over epochs and runs; null keeps them for one rollout. Exact."""
    merge_for_rollouts: bool = True
    """Roll out with the LoRA inside a copy of the weights, where they are float32 and whole. Exact up to rounding."""
    drop_zero_advantage: bool = True
    """Skip rows without gradient. Exact; has no effect with a KL or entropy term."""
    mask_truncated: bool = False
    """Leave completions that were cut at the token limit out of the loss and its normaliser (DAPO's overlong filtering,
    TRL's `mask_truncated_completions`); their rewards count in their group all the same."""
    dynamic_sampling: DynamicSampling | None = None
    """Answer other pictures too until `prompts_per_step` groups have rewards that differ, and train on those. Not
    exact: it changes what is trained on. null for off."""
    curriculum: Curriculum | None = None
    """Easy pictures first, or coarse names. Not exact: it changes what is trained on. null for off."""
    rebalance: bool = True
    """Spread the rows of an optimizer step over the processes by their tokens, groups whole. Exact; not under ZeRO-3,
    where a process cannot encode another's picture by itself."""
    samples_every: int = 50
    """Steps between tables of sample completions, on the console and in the trackers."""
    sample_groups: int = 4
    """Groups of which a table shows the best and the worst completion; 0 for no table."""
    max_rollout_rows: int = 512
    """Rows the transformers engine decodes together."""

    def __post_init__(self) -> None:
        for name in (
            "prompts_per_step",
            "optimizer_steps_per_rollout",
            "max_tokens_per_microbatch",
            "max_rollout_rows",
        ):
            if getattr(self, name) < 1:
                raise RlfgError(f"{name} is {getattr(self, name)}; at least 1 is needed")
        if self.group_size < 2:
            raise RlfgError("group_size must be at least 2: an advantage compares the answers to one picture")
        if self.prompts_per_step % self.optimizer_steps_per_rollout:
            raise RlfgError(
                f"prompts_per_step ({self.prompts_per_step}) must be a multiple of "
                f"optimizer_steps_per_rollout ({self.optimizer_steps_per_rollout})"
            )
        if self.run.save_every % self.optimizer_steps_per_rollout:
            raise RlfgError(
                "run.save_every must be a multiple of optimizer_steps_per_rollout, so that a run can resume"
            )
        if self.verifier.taxonomy is None and any(term.name == "lineage" for term in self.reward.terms):
            raise RlfgError("the term lineage reads ranks by a taxonomy; add verifier.taxonomy, or leave the term out")
        if self.curriculum and self.verifier.taxonomy is None:
            raise RlfgError("a curriculum goes by the taxonomy; add verifier.taxonomy, or leave curriculum out")
        if self.curriculum and self.verifier.text:
            raise RlfgError("a curriculum goes by taxa, and closed questions have none; leave verifier.text out")
        if self.curriculum:
            self.curriculum.check_length(self.run.steps)
        check_reading(self.parse_mode, self.prompt, self.reward.terms)
        if self.dynamic_sampling and self.objective.advantage_scale == "batch":
            raise RlfgError(
                "objective.advantage_scale is batch: its deviation would be that of other groups than those that "
                "dynamic_sampling trains on; set it to group or none, or leave dynamic_sampling out"
            )
        if self.tapo and self.tapo.positives >= self.group_size:
            raise RlfgError(
                f"tapo.positives is {self.tapo.positives} of a group of {self.group_size}; "
                "leave at least one answer to the anchor"
            )
        if self.samples_every < 1:
            raise RlfgError("samples_every counts steps; set sample_groups to 0 for no table")
        if self.sampling.temperature == 0:
            raise RlfgError("sampling.temperature is 0: equal answers carry no gradient")
        adapted = self.model.lora or self.model.adapter
        if self.rollouts and self.rollouts.mode == "server" and not adapted:
            raise RlfgError(
                "rollouts.mode server sends a LoRA after each step; add `model.lora`, or set mode: colocated, which "
                "takes whole weights"
            )
        if self.objective.kl_coef and not adapted:
            raise RlfgError("objective.kl_coef needs an adapter to measure from; add `model.lora` or set it to 0")
        if self.run.eval_every and self.eval is None:
            raise RlfgError("run.eval_every is set but the config has no `eval` dataset; add one or leave it out")

    def rows_per_process(self, processes: int) -> int:
        """Completions that one process generates and trains on between two rollouts.

        Raises:
            RlfgError: The step cannot be split evenly; names the nearest `prompts_per_step` that can.
        """
        rows, parts = self.prompts_per_step * self.group_size, processes * self.optimizer_steps_per_rollout
        if rows % parts:
            fix = -(-self.prompts_per_step // parts) * parts
            raise RlfgError(
                f"prompts_per_step × group_size = {rows} rows cannot be split over {processes} processes and "
                f"{self.optimizer_steps_per_rollout} optimizer steps; set prompts_per_step to {fix}"
            )
        return rows // processes
