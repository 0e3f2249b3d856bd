"""What a GRPO config would do, found without weights: sizes, steps, savings, memory, and what cannot work."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from rewards.setup import VerifierSpec
from rlfg.data import DataSpec, Examples, load_examples
from rlfg.errors import RlfgError
from rlfg.models.load import DTYPES, load_processor, trainable_parameters
from rlfg.models.merge import can_merge
from rlfg.models.pictures import can_encode_once
from rlfg.models.prefix import check_supported, language_model
from rlfg.models.prompts import EncodedPrompt
from rlfg.models.skeleton import Skeleton, load_skeleton
from rlfg.taxonomy import Taxonomy, profile_of
from rlfg.taxonomy.hierarchies import BUILTIN
from rlfg.training import savings
from rlfg.training.budget import PromptBudget, check_budgets, prompt_budget
from rlfg.training.config import GrpoConfig
from rlfg.training.curriculum import Course, describe
from rlfg.training.forms import require_closed
from rlfg.training.labels import require_labels
from rlfg.training.memory import MemoryEstimate, estimate_memory
from rlfg.training.microbatch import TrainRow, pack
from rlfg.training.savings import size
from rlfg.training.tapo import PLAIN


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What `rlfg plan` prints."""

    config: GrpoConfig
    processes: int
    skeleton: Skeleton
    prompt: PromptBudget
    pictures: int | None
    """In the training set; None where it is not at hand."""
    memory: MemoryEstimate
    prompt_runs: tuple[int, int]
    """Prompts one process runs in an optimizer step, all completions at full length: as configured, and once a row."""
    microbatches: int
    """Of one process in an optimizer step, all completions at full length."""
    labels: str
    """What was found of the truths."""
    course: Course | None = None
    """What the curriculum makes of the dataset; None without one, or where data or taxonomy are not at hand."""

    @property
    def rows(self) -> int:
        """Completions a process makes between two rollouts."""
        return self.config.rows_per_process(self.processes)

    @property
    def steps_per_epoch(self) -> int | None:
        """Optimizer steps; pictures that do not fill a rollout wait for another epoch's order."""
        if self.pictures is None:
            return None
        return self.pictures // self.config.prompts_per_step * self.config.optimizer_steps_per_rollout

    @property
    def steps(self) -> int | None:
        """Optimizer steps in all."""
        run, per_epoch = self.config.run, self.steps_per_epoch
        if run.steps is not None:
            return run.steps
        return None if per_epoch is None or run.epochs is None else int(run.epochs * per_epoch)

    def __str__(self) -> str:
        """A block of text, one subject a line."""
        lines = {
            "model": f"{self.config.model.path} ({self.skeleton.source})",
            "parameters": self._parameters(),
            "prompt": self._prompt(),
            "completion": self._completion(),
            "rollout": self._rollout(),
            "steps": self._steps(),
            "labels": self.labels,
            "curriculum": describe(self.config.curriculum, self.course),
            "update": self._update(),
            **self._savings(),
            "memory": self._memory(),
        }
        return "\n".join(f"{name:<16}{text}" for name, text in lines.items())

    def _parameters(self) -> str:
        trained, total = trainable_parameters(self.skeleton.model)
        vision = "frozen" if self.config.model.freeze_vision else "trained"
        targets = len(self.skeleton.targets)
        how = f"LoRA on {targets} modules" if targets else f"no LoRA, vision tower {vision}"
        return f"{trained:,} trained of {total:,} ({trained / total:.2%}), {how}"

    def _prompt(self) -> str:
        about, guess = ("", "") if self.prompt.counted else ("about ", " (text estimated: no tokenizer at hand)")
        return (
            f"up to {self.prompt.picture:,} picture + {about}{self.prompt.text:,} text = "
            f"{self.prompt.total:,} tokens{guess}"
        )

    def _completion(self) -> str:
        mode = self.config.parse_mode
        form = {"answer": ", an answer span without thoughts", "bare": ", a bare answer without tags"}.get(mode, "")
        return f"up to {self.config.sampling.max_new_tokens:,} tokens{form}"

    def _rollout(self) -> str:
        config = self.config
        groups = self.rows / config.group_size
        whole = "whole" if self.rows % config.group_size == 0 else "split over processes, scored together all the same"
        return (
            f"{config.prompts_per_step:,} pictures × {config.group_size} answers = "
            f"{config.prompts_per_step * config.group_size:,} rows; on each of {self.processes} process(es) "
            f"{self.rows:,} rows, {groups:g} groups ({whole})"
        )

    def _steps(self) -> str:
        run, path = self.config.run, self.config.data.path
        if self.pictures is None:
            total = f"{self.steps:,} in all" if run.steps is not None else f"{run.epochs:g} epochs"
            return f"{total}; steps an epoch unknown: {path} is not there"
        epochs = (
            f"{run.epochs:g}" if run.epochs is not None else f"{(self.steps or 0) / (self.steps_per_epoch or 1):.1f}"
        )
        return (
            f"{self.steps_per_epoch:,} an epoch of {self.pictures:,} pictures, {self.steps:,} in all ({epochs} epochs)"
        )

    def _update(self) -> str:
        config = self.config
        steps = config.optimizer_steps_per_rollout
        extra = ["another forward for the KL"] if config.objective.kl_coef else []
        each = (
            f"{steps} optimizer step(s) a rollout, {self.rows // steps:,} rows a process each, in up to "
            f"{self.microbatches:,} micro-batch(es) of {config.max_tokens_per_microbatch:,} tokens"
        )
        return "; ".join([each, *extra])

    def _savings(self) -> dict[str, str]:
        config, model = self.config, self.skeleton.model
        memories = {
            on: estimate_memory(
                replace(config, run=replace(config.run, gradient_checkpointing=on)),
                model,
                prompt_tokens=self.prompt.total,
                processes=self.processes,
            ).activations
            for on in (False, True)
        }
        return {
            "shared prefix": savings.shared_prefix(config, *self.prompt_runs),
            "pictures": self._pictures(),
            "rollout adapter": savings.merged(config, possible=can_merge(model)),
            "old log-probs": savings.old_logps(config),
            "zero advantage": savings.zero_advantage(config),
            "rebalance": savings.rebalance(config, self.processes),
            "dynamic samples": savings.dynamic_sampling(config, self.pictures),
            "triplets": savings.triplets(config),
            "SFT lessons": savings.lessons(config),
            "checkpointing": savings.checkpointing(config, memories[False], memories[True]),
        }

    def _pictures(self) -> str:
        lm = language_model(self.skeleton.model)
        layers = 1 + len(getattr(lm.config.vision_config, "deepstack_visual_indexes", None) or ())
        values = self.prompt.picture * lm.config.get_text_config().hidden_size * layers
        return savings.pictures_once(
            self.config,
            possible=can_encode_once(self.skeleton.model, lm),
            kept=None if self.pictures is None else self.pictures * values * DTYPES[self.config.model.dtype].itemsize,
        )

    def _memory(self) -> str:
        m = self.memory
        return (
            f"about {size(m.total)} at the peak (an estimate; one process holding the whole model): weights "
            f"{size(m.weights)} + gradients {size(m.gradients)} + optimizer {size(m.optimizer)} + the larger of "
            f"rollouts {size(m.rollout)} (KV cache) and update {size(m.activations + m.logits)} (activations "
            f"{size(m.activations)}, logits {size(m.logits)})"
        )


def plan(config: GrpoConfig, *, processes: int, skeleton: Skeleton | None = None) -> Plan:
    """Resolves a config without weights.

    Args:
        config: The run.
        processes: How many would train.
        skeleton: That of `config.model`, where it is at hand already.

    Raises:
        RlfgError: The config cannot work; names the setting and the fix.
    """
    config.rows_per_process(processes)
    skeleton = skeleton or load_skeleton(config.model)
    lm = language_model(skeleton.model)
    check_supported(lm)
    examples = _examples(config.data)
    if examples is not None and config.prompts_per_step > len(examples):
        raise RlfgError(
            f"prompts_per_step is {config.prompts_per_step} but {config.data.path} has {len(examples)} pictures"
        )
    if examples is not None:
        require_closed(config.reward.name, config.verifier, examples)
    tree = _tree(config.verifier)
    prompt = prompt_budget(
        config, lm.config, _processor(config, skeleton), max_pixels=skeleton.max_pixels, examples=examples
    )
    check_budgets(config, prompt, lm.config)
    runs, per_row, count = _packed(config, prompt.total, processes)
    found = Plan(
        config=config,
        processes=processes,
        skeleton=skeleton,
        prompt=prompt,
        pictures=None if examples is None else len(examples),
        memory=estimate_memory(config, skeleton.model, prompt_tokens=prompt.total, processes=processes),
        prompt_runs=(runs, per_row),
        microbatches=count,
        labels=_labels(config, tree),
        course=_course(config, examples, tree),
    )
    if config.curriculum is not None:
        config.curriculum.check_length(found.steps)
    return found


def _examples(spec: DataSpec) -> Examples | None:
    """The dataset's metadata where it is on this machine."""
    return load_examples(spec) if Path(spec.path).exists() else None


def _tree(verifier: VerifierSpec) -> Taxonomy | None:
    """The taxonomy, where it is on this machine."""
    path = verifier.taxonomy
    if path is None or not (path.startswith(BUILTIN) or Path(path).exists()):
        return None
    tree = verifier.read_taxonomy(path)
    profile_of(tree, verifier.profile)  # refuses one that there is not
    return tree


def _labels(config: GrpoConfig, tree: Taxonomy | None) -> str:
    """What was found of the truths; the run would be refused for the same ones."""
    verifier = config.verifier
    if verifier.taxonomy is None:
        return "not looked at: there is no taxonomy"
    if verifier.judge is not None:
        return "not looked at: the judge decides where the taxonomy has no such taxon"
    if tree is None:
        return f"not looked at: {verifier.taxonomy} is not there"
    paths = {spec.path: _examples(spec) for spec in (config.data, config.eval) if spec is not None}
    found = [
        f"{path} is not there" if examples is None else f"{require_labels(verifier, tree, examples)} of {path}"
        for path, examples in paths.items()
    ]
    return f"all in {verifier.taxonomy}: {', '.join(found)}"


def _course(config: GrpoConfig, examples: Examples | None, tree: Taxonomy | None) -> Course | None:
    if config.curriculum is None or examples is None or tree is None:
        return None
    return Course(config.curriculum, examples, tree, profile=config.verifier.profile)


def _processor(config: GrpoConfig, skeleton: Skeleton) -> Any | None:
    """The model's processor, where the architecture was found beside it."""
    if skeleton.max_pixels is not None:
        return None
    try:
        return load_processor(config.model)
    except (OSError, ValueError):
        return None


def _packed(config: GrpoConfig, prompt_tokens: int, processes: int) -> tuple[int, int, int]:
    """Prompt runs, prompt runs if each row had its own, and micro-batches of a process's optimizer step.

    Completions are at full length.
    """
    rows = config.rows_per_process(processes) // config.optimizer_steps_per_rollout
    tokens = (0,) * config.sampling.max_new_tokens
    tapo = config.tapo or PLAIN
    shown = [tapo.shown(row // config.group_size, row % config.group_size, config.group_size) for row in range(rows)]
    keys = [tapo.trained_under(one).key for one in shown]
    negatives = [None if negative is None else negative.key for negative in map(tapo.negative, shown)]
    blank = EncodedPrompt(
        input_ids_T=torch.empty(prompt_tokens, device="meta", dtype=torch.long),
        mm_token_type_ids_T=None,
        pixel_values_ND=None,
        image_grid_thw_K3=None,
    )
    batches = pack(
        [
            TrainRow(prompt_key=key, token_ids=tokens, advantage=1.0, negative_key=negative)
            for key, negative in zip(keys, negatives, strict=True)
        ],
        {key: blank for key in (*keys, *negatives) if key is not None},
        max_tokens=config.max_tokens_per_microbatch,
        shared_prefix=config.shared_prefix,
    )
    passes = 2 if tapo.contrasts else 1
    return sum(len(b.prompts) + len(b.negatives) for b in batches), rows * passes, len(batches)
