"""Specificity-aware GRPO: TRL's GRPOTrainer with our rollouts, scoring, update, evaluation and checkpoints.

TRL keeps the loop, the optimizer, the sampler (each picture repeated G times over the processes) and the
trackers. Overridden here, read in TRL 1.16 and transformers 5.17: `_get_train_sampler`, `_prepare_inputs`,
`training_step`, `evaluate`; checkpoints are those of `atomic`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from accelerate.utils import broadcast_object_list, gather_object
from datasets import Dataset
from trl import GRPOConfig, GRPOTrainer

from rewards.judge.outage import JudgeDown
from rewards.records import RolloutLog
from rewards.rubric import build_rubric
from rewards.scoring import Scored, Scorer, scoring_metrics
from rewards.setup import Verification
from rlfg.data import Examples, Shown
from rlfg.errors import RlfgError
from rlfg.models.load import add_reference
from rlfg.models.merge import can_merge
from rlfg.models.prefix import language_model
from rlfg.models.prompts import EncodedPrompt
from rlfg.rollouts.sampling import Sampling
from rlfg.training.answering import Answerer
from rlfg.training.atomic import AtomicCheckpoints
from rlfg.training.balance import Drawn
from rlfg.training.collecting import Collector
from rlfg.training.config import GrpoConfig
from rlfg.training.curriculum import Course
from rlfg.training.microbatch import TrainRow
from rlfg.training.mixin import Lessons
from rlfg.training.order import EpochOrder, shuffled
from rlfg.training.peak import peak_memory
from rlfg.training.prompting import Prompter
from rlfg.training.refill import choose_groups
from rlfg.training.runspec import shared_arguments
from rlfg.training.samples import console_table, sample_rows, send
from rlfg.training.sharding import shard
from rlfg.training.tapo import PLAIN
from rlfg.training.update import StepBatch, Updater, step_batches
from rlfg.training.vllm_rollouts import build_rollouts
from rlfg.types import Rollout


def trl_arguments(config: GrpoConfig, processes: int) -> GRPOConfig:
    """TRL's arguments for a config; batch fields are derived, never given."""
    run, rows = config.run, config.rows_per_process(processes)
    return GRPOConfig(
        **{**shared_arguments(run), "gradient_checkpointing": False},  # ours keeps the cache: rlfg.models.recompute
        per_device_train_batch_size=rows // config.optimizer_steps_per_rollout,
        steps_per_generation=config.optimizer_steps_per_rollout,
        gradient_accumulation_steps=1,
        num_generations=config.group_size,
        max_completion_length=config.sampling.max_new_tokens,
        temperature=config.sampling.temperature,
        beta=0.0,
        remove_unused_columns=False,
        eval_strategy="steps" if run.eval_every else "no",
        eval_steps=run.eval_every,
        metric_for_best_model="eval_hm" if run.eval_every else None,
        greater_is_better=True if run.eval_every else None,
    )


class GrpoTrainer(AtomicCheckpoints, GRPOTrainer):  # type: ignore[misc]
    """Trains on whole groups; see the module."""

    def __init__(
        self,
        *,
        config: GrpoConfig,
        model: Any,
        processor: Any,
        train: Examples,
        evaluation: Examples | None,
        lessons: Lessons | None,
        verification: Verification,
        contract: dict[str, Any],
        processes: int,
        callbacks: Sequence[Any] = (),
    ) -> None:
        if config.objective.kl_coef and config.model.adapter:
            add_reference(model)
        if config.prompts_per_step > len(train):
            raise RlfgError(
                f"prompts_per_step is {config.prompts_per_step} but the training set has {len(train)} pictures"
            )
        super().__init__(
            model=model,
            reward_funcs=[_never_called],
            args=trl_arguments(config, processes),
            train_dataset=_rows(train),
            eval_dataset=_rows(evaluation) if evaluation is not None else None,
            processing_class=processor,
            callbacks=list(callbacks),
        )
        self.config, self.tapo, self.lessons = config, config.tapo or PLAIN, lessons
        self.examples, self.evaluation = train, evaluation
        self.verification = verification
        self.contract, self.keep_checkpoints = contract, config.run.keep_checkpoints
        self.course = Course(config.curriculum, train, verification.taxonomy, profile=config.verifier.profile)
        self.scorer = Scorer(
            verifier=verification.verifier,
            rubric=build_rubric(config.reward, verification.taxonomy),
            parse_mode=config.parse_mode,
            scale=config.objective.advantage_scale,
        )
        self.log_rollouts = RolloutLog(Path(config.run.output_dir), _decided_by(config))
        self._pending: list[StepBatch] = []
        self._build_step(config, processor, processes)

    def _build_step(self, config: GrpoConfig, processor: Any, processes: int) -> None:
        """What answers, collects and updates; the model is sharded where the launch file asks for it."""
        self.updater = self._build_updater(config)
        whole = not self.updater.shards_parameters
        self.prompter = Prompter(
            config, self.model, processor, precision=self.accelerator.mixed_precision, shards_parameters=not whole
        )
        shard(self.model, self.accelerator)
        exact = self.accelerator.mixed_precision == "no" and whole
        self.rebalance = config.rebalance and processes > 1 and whole
        self.vllm = build_rollouts(config, self.accelerator, self.model, processor) if config.rollouts else None
        self.answerer = self._build_answerer(
            config, merge=config.merge_for_rollouts and exact and can_merge(self.model)
        )
        self.collector = Collector(
            config=config,
            accelerator=self.accelerator,
            examples=self.examples,
            lessons=self.lessons,
            tapo=self.tapo,
            course=self.course,
            answerer=self.answerer,
            score=self._score,
        )

    def _build_answerer(self, config: GrpoConfig, *, merge: bool) -> Answerer:
        return Answerer(
            accelerator=self.accelerator,
            model=lambda: self.model_wrapped,
            prompter=self.prompter,
            updater=self.updater,
            tokenizer=self._tokenizer,
            stop_ids=frozenset(self.eos_token_ids),
            max_rows=config.max_rollout_rows,
            merge=merge,
            vllm=self.vllm,
        )

    def _build_updater(self, config: GrpoConfig) -> Updater:
        return Updater(
            accelerator=self.accelerator,
            objective=config.objective,
            pad_id=self._tokenizer.pad_token_id,
            temperature=config.sampling.temperature,
            max_tokens=config.max_tokens_per_microbatch,
            max_length=config.sampling.max_new_tokens,
            shared_prefix=config.shared_prefix,
            drop_zero_advantage=config.drop_zero_advantage,
            tapo=self.tapo,
            recompute=config.run.gradient_checkpointing,
            autocast=self.accelerator.autocast,
        )

    def close(self) -> None:
        """Gives back what rollouts took outside of this process."""
        if self.vllm is not None:
            self.vllm.close()

    def _get_train_sampler(self, dataset: Any = None) -> EpochOrder:
        """TRL's, over the order of the epoch that the next step is in."""
        config, pictures = self.config, len(self.examples)
        steps = pictures // config.prompts_per_step * config.optimizer_steps_per_rollout

        def order() -> list[int]:
            epoch = self.state.global_step // steps
            base = shuffled(pictures, seed=config.run.seed, epoch=epoch)
            return self.course.order(base, epoch, per_rollout=config.prompts_per_step)

        return EpochOrder(super()._get_train_sampler(dataset), order)

    # Rollouts

    def _prepare_inputs(self, generation_batch: list[dict[str, Any]]) -> StepBatch:
        """The next optimizer step's batch; new rollouts when the last are used up."""
        if not self._pending:
            self._pending = self._roll_out([row["example"] for row in generation_batch])
        return self._pending.pop(0)

    def _roll_out(self, indices: list[int]) -> list[StepBatch]:
        """Answers this process's rows, scores all processes' rows together, cuts them into optimizer steps."""
        lessons = self._lessons()
        keys = list(dict.fromkeys(row.prompt_key for rows in lessons for row in rows))
        found = self.collector(indices, keys, step=self.state.global_step)
        drawn, times = found.drawn, found.times
        began, scored = time.perf_counter(), [d.scored for d in drawn]
        if self.accelerator.is_main_process:
            self._record({**scoring_metrics(scored), **self.verification.metrics()})
            self.log_rollouts.write(scored)
            self._show_samples(scored)
        self._record({**found.metrics, **peak_memory(self.accelerator.device)})
        if self.prompter.cache is not None:
            self._record({"pictures_from_disk": self.prompter.cache.take_share()})
        times["records"] = time.perf_counter() - began
        self._record({f"time/{name}": seconds for name, seconds in times.items()})
        if self.config.dynamic_sampling:
            wanted = self.config.dynamic_sampling.wanted(scored)
            chosen = choose_groups(scored, wanted, self.config.prompts_per_step)
            drawn = [d for d in drawn if d.scored.rollout.group_id in chosen]
        batches = self._cut(drawn, found.prompts)
        return [replace(batch, rows=[*batch.rows, *rows]) for batch, rows in zip(batches, lessons, strict=True)]

    def _lessons(self) -> list[list[TrainRow]]:
        """This process's lessons of each optimizer step of the coming rollout."""
        steps, first = self.config.optimizer_steps_per_rollout, self.state.global_step
        if self.lessons is None:
            return [[] for _ in range(steps)]
        rank, world = self.accelerator.process_index, self.accelerator.num_processes
        contrasts = self.tapo.contrasts
        return [self.lessons.at(first + k, rank=rank, world=world, contrasts=contrasts) for k in range(steps)]

    def _score(self, everyone: list[Rollout]) -> list[Scored]:
        """Verdicts, rewards and advantages of all processes' rollouts, decided on the main one.

        Raises:
            JudgeDown: On every process, after a checkpoint: nothing has been trained on since the last step.
        """
        box: list[Any] = [None]
        if self.accelerator.is_main_process:
            try:
                box = [self.scorer(everyone)]
            except JudgeDown as down:
                box = [down]
        result: list[Scored] | JudgeDown = broadcast_object_list(box)[0]
        if isinstance(result, JudgeDown):
            self._save_checkpoint(self.model, trial=None)
            raise JudgeDown(
                f"{result}. Step {self.state.global_step} is saved; mend the judge and run the same command"
            )
        return result

    def _show_samples(self, scored: Sequence[Scored]) -> None:
        if self.config.sample_groups and self.state.global_step % self.config.samples_every == 0:
            rows = sample_rows(scored, self.config.sample_groups)
            print(console_table(rows), flush=True)
            send(rows, self.state.global_step, self.callback_handler.callbacks)

    def _cut(self, drawn: Sequence[Drawn], prompts: dict[str, EncodedPrompt]) -> list[StepBatch]:
        """This process's optimizer steps from one set of rollouts."""
        batches, moved = step_batches(
            drawn,
            steps=self.config.optimizer_steps_per_rollout,
            rank=self.accelerator.process_index,
            world=self.accelerator.num_processes,
            rebalance=self.rebalance,
            trains_on=self.updater.trains_on,
            prompts_of=lambda keys: self._with_prompts(keys, prompts),
            mask_truncated=self.config.mask_truncated,
            tapo=self.tapo,
        )
        if self.rebalance:
            self._record({"groups_moved": moved})
        # The first is on-policy: its ratio is 1.
        return [self.updater.with_old_logps(self.model, batch) if k else batch for k, batch in enumerate(batches)]

    def _with_prompts(self, needed: set[str], prompts: dict[str, EncodedPrompt]) -> dict[str, EncodedPrompt]:
        """This process's prompts and those that it takes over, encoded like its own."""
        taken = sorted(needed - prompts.keys())
        encoded = [self.prompter.prompt(self.examples, Shown.of(key)) for key in taken]
        with self.accelerator.autocast():
            encoded = self.prompter.encode(language_model(self.model), encoded)
        return prompts | dict(zip(taken, encoded, strict=True))

    # Update

    def training_step(self, model: Any, inputs: StepBatch, num_items_in_batch: Any = None) -> torch.Tensor:
        """All forwards and backwards of one optimizer step."""
        batch = self._prepare_inputs(inputs)  # type: ignore[arg-type]
        began = time.perf_counter()
        model.train()
        loss, metrics = self.updater(model, batch)
        self._step += 1
        self._record({**metrics, "time/update": time.perf_counter() - began})
        return loss

    def _record(self, metrics: Mapping[str, float]) -> None:
        """Averages over the steps between two logs, as TRL does."""
        for name, value in metrics.items():
            self._metrics["train"][name].append(value)

    # Evaluation

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """Greedy answers to every evaluation picture exactly once, whatever the number of processes."""
        if self.evaluation is None:
            raise RlfgError("run.eval_every is set but the config has no `eval` dataset")
        began = time.perf_counter()
        world, rank = self.accelerator.num_processes, self.accelerator.process_index
        mine = list(range(rank, len(self.evaluation), world))
        greedy = Sampling(temperature=0, max_new_tokens=self.config.sampling.max_new_tokens)
        asked = [
            self.collector.asked(self.evaluation, Shown(index=i), [(self.config.run.seed, "eval", i)]) for i in mine
        ]
        step = self.state.global_step
        _, found, logs = self.answerer(self.evaluation, asked, greedy, step=step)
        self._record(logs)  # a sync that evaluation needs first is the next step's
        local = [
            self.answerer.rollout(
                self.evaluation[i],
                Shown(index=i),
                one,
                truth=self.evaluation[i].label,
                step=step,
                group_id=f"eval-{i}",
                index=0,
            )
            for i, (one,) in zip(mine, found, strict=True)
        ]
        metrics = scoring_metrics(self._score(sorted(gather_object(local), key=lambda r: int(r.prompt_key))))
        kept = {
            f"eval_{name}": value
            for name, value in metrics.items()
            if name in ("correctness", "specificity", "hm", "length/mean") or name.startswith("verdict/")
        }
        kept["eval_seconds"] = time.perf_counter() - began
        self.model.eval()  # TRL's `log` tells training from evaluation by the model's mode.
        self.log(dict(kept))
        self.control: Any = self.callback_handler.on_evaluate(self.args, self.state, self.control, kept)
        return kept


def _decided_by(config: GrpoConfig) -> dict[str, Any]:
    """What decided the rewards of a run's rollouts."""
    return {
        "reward": asdict(config.reward),
        "scale": config.objective.advantage_scale,
        "parse_mode": config.parse_mode,
        "verifier": asdict(config.verifier),
    }


def _rows(examples: Examples) -> Dataset:
    """What TRL's sampler walks over: indices. Pictures are opened when they are needed."""
    return Dataset.from_dict({"prompt": ["" for _ in range(len(examples))], "example": list(range(len(examples)))})


def _never_called(**_: Any) -> list[float]:
    raise AssertionError("rewards are made by GrpoTrainer._score")
