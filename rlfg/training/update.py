"""One optimizer step's forwards and backwards, owned by us: exact under any micro-batching and sharding.

accelerate tells DeepSpeed by `sync_gradients` which backward ends the step. Under DDP the gradients of
the trained parameters (a LoRA's, usually) are summed once at the end, without DDP's own hooks: those
would expect one forward per backward, and the shared prefix needs several.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedType
from torch import Tensor

from rewards.scoring import Scored
from rlfg.data import Shown
from rlfg.models.load import REFERENCE
from rlfg.models.logps import CHUNK, TokenLogps, completion_logps
from rlfg.models.prefix import language_model, unwrapped
from rlfg.models.prompts import EncodedPrompt
from rlfg.training.balance import Drawn, shares
from rlfg.training.microbatch import Microbatch, TrainRow, pack
from rlfg.training.objectives import Objective, row_weights, token_losses
from rlfg.training.sharding import inside
from rlfg.training.tapo import PLAIN, TapoSpec, contrast_losses
from rlfg.types import Relation


@dataclass(frozen=True, kw_only=True)
class StepBatch:
    """What one process trains on in one optimizer step."""

    rows: list[TrainRow]
    """Valid rows only; a rollout without a verdict is not here and in no count below."""
    prompts: dict[str, EncodedPrompt]
    total_rows: int
    """Valid rows of all processes."""
    total_tokens: int
    """Valid tokens of all processes."""


def step_batches(
    drawn: Sequence[Drawn],
    *,
    steps: int,
    rank: int,
    world: int,
    rebalance: bool,
    trains_on: Callable[[float], bool],
    prompts_of: Callable[[set[str]], dict[str, EncodedPrompt]],
    mask_truncated: bool = False,
    tapo: TapoSpec = PLAIN,
) -> tuple[list[StepBatch], float]:
    """A process's optimizer steps from one set of rollouts, and the mean share of groups that change process.

    Rollouts without a verdict are in no row and in no count: they weigh on nothing.

    Args:
        drawn: the rollouts of all processes, in the order of their places; the k-th slice of every process's places
            makes the k-th step.
        steps: optimizer steps to make.
        rank: of this process.
        world: number of processes.
        rebalance: spread the rows over the processes, instead of leaving each where it was made.
        trains_on: whether a row of this advantage is run.
        prompts_of: encodes the prompts of these keys, where that is not done yet.
        mask_truncated: rollouts that were cut at the token limit are in no row and in no count either.
        tapo: which pictures a rollout is trained on under, and told apart from.
    """
    size = len(drawn) // (steps * world)
    batches, moves = [], 0.0

    def counts(one: Scored) -> bool:
        return one.valid and not (mask_truncated and one.rollout.finish_reason == "length")

    for k in range(steps):
        valid = [one for i, one in enumerate(drawn) if i // size % steps == k and counts(one.scored)]
        found, moved = shares([d for d in valid if trains_on(d.scored.advantage)], world, rebalance=rebalance)
        rows = [_train_row(one, tapo) for one in found[rank]]
        tokens = sum(len(one.scored.rollout.token_ids) for one in valid)
        prompts = prompts_of({key for row in rows for key in (row.prompt_key, row.negative_key) if key is not None})
        batches.append(StepBatch(rows=rows, prompts=prompts, total_rows=len(valid), total_tokens=tokens))
        moves += moved / steps
    return batches, moves


def _train_row(one: Scored, tapo: TapoSpec) -> TrainRow:
    shown, relation = Shown.of(one.rollout.prompt_key), one.score.verdict.relation
    negative = tapo.negative(shown)
    return TrainRow(
        prompt_key=tapo.trained_under(shown).key,
        token_ids=one.rollout.token_ids,
        advantage=one.advantage,
        negative_key=None if negative is None else negative.key,
        diverges=tapo.answers == "all" or (relation is not None and relation.order >= Relation.SPECIFIC.order),
    )


@dataclass(frozen=True, kw_only=True)
class Updater:
    """Runs a `StepBatch` through the model, backwards included."""

    accelerator: Accelerator
    objective: Objective
    pad_id: int
    temperature: float
    max_tokens: int
    max_length: int
    shared_prefix: bool
    drop_zero_advantage: bool
    tapo: TapoSpec = PLAIN
    recompute: bool = False
    autocast: Callable[[], AbstractContextManager[Any]] = nullcontext

    def __call__(self, model: Any, batch: StepBatch) -> tuple[Tensor, dict[str, float]]:
        """Accumulates the gradient of the step in `model`.

        Returns:
            This process's share of the loss, times the number of processes, so that their mean is the
            loss of the step; and metrics, already summed over processes.
        """
        micro = self._microbatches(batch)
        world = self.accelerator.num_processes
        # DeepSpeed and FSDP average over processes; ours is a sum.
        scale = 1.0 if self._sums_itself else float(world)
        total = torch.zeros((), device=self.accelerator.device)
        sums: dict[str, float] = defaultdict(float)
        with self._no_ddp_hooks(model):
            for i, part in enumerate(micro):
                _begin_microbatch(model)
                loss = self._loss(model, part, sums)
                self.accelerator.gradient_state._set_sync_gradients(i == len(micro) - 1)
                self.accelerator.backward(loss * scale)
                total += loss.detach() * world
        if self._sums_itself and world > 1:
            _sum_gradients(model, self.accelerator)
        return total, self._metrics(sums, batch)

    @property
    def _sums_itself(self) -> bool:
        return self.accelerator.distributed_type in (
            DistributedType.NO,
            DistributedType.MULTI_CPU,
            DistributedType.MULTI_GPU,
        )

    @property
    def shards_parameters(self) -> bool:
        """Whether modules fetch their parameters when they run, so that processes must run the same ones."""
        plugin = self.accelerator.state.deepspeed_plugin
        return self.accelerator.distributed_type == DistributedType.FSDP or (
            plugin is not None and plugin.zero_stage == 3
        )

    def _no_ddp_hooks(self, model: Any) -> AbstractContextManager[Any]:
        return model.no_sync() if self._sums_itself and hasattr(model, "no_sync") else nullcontext()

    def _microbatches(self, batch: StepBatch) -> list[Microbatch]:
        rows = weigh(batch, self.objective, self.max_length)
        return self._pack([row for row in rows if row.lesson or self.trains_on(row.advantage)], batch)

    def trains_on(self, advantage: float) -> bool:
        """Whether a row of this advantage is run at all."""
        needed = self.objective.needs_all_rows or self.tapo.contrasts
        return advantage != 0 or needed or not self.drop_zero_advantage

    def _pack(self, rows: list[TrainRow], batch: StepBatch) -> list[Microbatch]:
        """The same number on every process, one at least: ranks must run the same forwards."""
        micro = pack(rows, batch.prompts, max_tokens=self.max_tokens, shared_prefix=self.shared_prefix)
        count = torch.tensor([max(len(micro), 1)], device=self.accelerator.device)
        most = int(self.accelerator.gather(count).max())
        return micro + [self._idle(batch)] * (most - len(micro))

    def _idle(self, batch: StepBatch) -> Microbatch:
        """One row that weighs nothing."""
        key, prompt = next(iter(batch.prompts.items()))
        row = TrainRow(prompt_key=key, token_ids=(self.pad_id,), advantage=0.0, weight=0.0)
        negatives = [prompt] if self.tapo.contrasts else []
        return Microbatch(
            rows=[row], prompts=[prompt], prompt_of=[0], negatives=negatives, negative_of=[0] * len(negatives)
        )

    def logps(self, model: Any, part: Microbatch, *, negative: bool = False, entropy_coef: float = 0.0) -> TokenLogps:
        """Of the policy as it is now, given the rows' prompts or their negatives.

        The entropy carries gradient where it has a coefficient.
        """
        prompts, on = (part.negatives, part.negative_of) if negative else (part.prompts, part.prompt_of)

        def run() -> tuple[Tensor, Tensor, Tensor]:
            found = completion_logps(
                language_model(model),
                prompts,
                part.conditioned(on),
                pad_id=self.pad_id,
                temperature=self.temperature,
                shared_prefix=self.shared_prefix,
                entropy_grad=entropy_coef != 0,
                recompute=self.recompute,
                chunks=-(-self.max_tokens // CHUNK) if self.shards_parameters else None,
            )
            return found.logps_RL, found.entropy_RL, found.mask_RL

        with self.autocast():
            logps_RL, entropy_RL, mask_RL = inside(model, run)
        return TokenLogps(logps_RL=logps_RL, entropy_RL=entropy_RL, mask_RL=mask_RL)

    def _loss(self, model: Any, part: Microbatch, sums: dict[str, float]) -> Tensor:
        reference = None
        if self.objective.kl_coef:
            with torch.no_grad(), reference_policy(model):
                reference = self.logps(model, part).logps_RL
        policy = self.logps(model, part, entropy_coef=self.objective.entropy_coef)
        device = policy.logps_RL.device
        losses_RL, logs = token_losses(
            self.objective,
            logps_RL=policy.logps_RL,
            old_logps_RL=_pad_floats([r.old_logps for r in part.rows], policy.logps_RL),
            reference_logps_RL=reference,
            entropy_RL=policy.entropy_RL,
            advantages_R=torch.tensor([r.advantage for r in part.rows], device=device),
            mask_RL=policy.mask_RL,
        )
        if self.tapo.contrasts:
            added, more = self._contrast(model, part, policy.logps_RL)
            losses_RL, logs = losses_RL + added, logs | more
        lesson_R = torch.tensor([r.lesson for r in part.rows], device=device)
        losses_RL = torch.where(lesson_R[:, None], -policy.logps_RL, losses_RL)
        weights_R = torch.tensor([r.weight for r in part.rows], device=device)
        counted = policy.mask_RL * (weights_R != 0)[:, None]
        taught = counted * lesson_R[:, None]
        sums["lesson_loss"] -= float((policy.logps_RL.detach() * taught).sum())
        sums["lesson_tokens"] += float(taught.sum())
        counted = counted - taught
        for name, value in {**logs, "entropy": policy.entropy_RL.detach()}.items():
            sums[name] += float((value * counted).sum())
        sums["tokens"] += float(counted.sum())
        # `where`, not a product: a padded position must not turn an infinity into NaN.
        return (torch.where(policy.mask_RL.bool(), losses_RL, 0.0).sum(1) * weights_R).sum()

    def _contrast(self, model: Any, part: Microbatch, logps_RL: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """What the negatives add to the loss of every token."""
        spec = self.tapo
        trained = spec.negative_entropy_coef != 0 or spec.negative_branch == "live"
        with nullcontext() if trained else torch.no_grad():
            found = self.logps(model, part, negative=True, entropy_coef=spec.negative_entropy_coef)
        return contrast_losses(
            spec,
            logps_RL=logps_RL,
            negative_logps_RL=found.logps_RL,
            negative_entropy_RL=found.entropy_RL,
            contrast_R=torch.tensor([float(r.diverges) for r in part.rows], device=logps_RL.device),
        )

    @torch.no_grad()
    def with_old_logps(self, model: Any, batch: StepBatch) -> StepBatch:
        """The batch with every row's log-probabilities under the policy as it is now."""
        found: dict[int, tuple[float, ...]] = {}
        position = {id(row): i for i, row in enumerate(batch.rows)}
        for part in self._pack(batch.rows, batch):
            logps = self.logps(model, part).logps_RL.tolist()
            for row, values in zip(part.rows, logps, strict=True):
                if id(row) in position:  # not that of an idle process
                    found[position[id(row)]] = tuple(values[: len(row.token_ids)])
        rows = [replace(row, old_logps=found[i]) for i, row in enumerate(batch.rows)]
        return replace(batch, rows=rows)

    def _metrics(self, sums: dict[str, float], batch: StepBatch) -> dict[str, float]:
        """Means over the tokens that were trained on, in all processes."""
        names = ["clip_share", "entropy", "tokens", "lesson_loss", "lesson_tokens"]
        names += ["kl"] if self.objective.kl_coef else []
        names += ["divergence", "negative_entropy"] if self.tapo.contrasts else []
        values = torch.tensor([sums[n] for n in names], device=self.accelerator.device, dtype=torch.float64)
        total = dict(zip(names, self.accelerator.reduce(values, reduction="sum").tolist(), strict=True))
        tokens, lesson_tokens, lesson_loss = (total.pop(n) for n in ("tokens", "lesson_tokens", "lesson_loss"))
        means = {name: value / max(tokens, 1.0) for name, value in total.items()}
        if lesson_tokens:
            means["lesson_loss"] = lesson_loss / lesson_tokens
        return {**means, "tokens_trained_share": tokens / max(batch.total_tokens, 1)}


def weigh(batch: StepBatch, objective: Objective, max_length: int) -> list[TrainRow]:
    """Each row with its weight in the loss of the step; lessons have theirs."""
    rows = [row for row in batch.rows if not row.lesson]
    weights = row_weights(
        [len(r.token_ids) for r in rows],
        objective.aggregation,
        tokens=batch.total_tokens,
        rows=batch.total_rows,
        max_length=max_length,
    )
    lessons = [row for row in batch.rows if row.lesson]
    return [*(replace(row, weight=w) for row, w in zip(rows, weights, strict=True)), *lessons]


@contextmanager
def reference_policy(model: Any) -> Iterator[None]:
    """The policy the stage started from: its frozen adapter copy, or the base where it began a new one."""
    model = unwrapped(model)
    if REFERENCE in model.peft_config:
        model.set_adapter(REFERENCE)
        try:
            yield
        finally:
            model.set_adapter("default")
            for name, parameter in model.named_parameters():
                if f".{REFERENCE}." in name:
                    parameter.requires_grad_(False)
    else:
        with model.disable_adapter():
            yield


def _pad_floats(rows: list[tuple[float, ...] | None], like_RL: Tensor) -> Tensor | None:
    if all(row is None for row in rows):
        return None
    padded = like_RL.new_zeros(like_RL.shape)
    for i, row in enumerate(rows):
        if row:
            padded[i, : len(row)] = like_RL.new_tensor(row)
    return padded


def _begin_microbatch(model: Any) -> None:
    """Tells DeepSpeed that the last backward is over, as its engine's forward would, which is not called here.

    ZeRO-3 (0.19) counts micro-batches by that, and would keep the gradient of the last one alone.
    """
    optimizer: Any = getattr(model, "optimizer", None)
    if hasattr(optimizer, "clear_backward_seen_flag"):
        optimizer.clear_backward_seen_flag()


def _sum_gradients(model: Any, accelerator: Accelerator) -> None:
    """Sums the trained parameters' gradients over processes, in one flat buffer."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    flat = torch.cat([(torch.zeros_like(p) if p.grad is None else p.grad).flatten() for p in parameters])
    flat = accelerator.reduce(flat, reduction="sum")
    for parameter, gradient in zip(parameters, flat.split([p.numel() for p in parameters]), strict=True):
        parameter.grad = gradient.view_as(parameter).clone()
