"""One step's rollouts: which prompts are answered, by which keys, in how many rounds; scored over all processes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from accelerate import Accelerator
from accelerate.utils import gather_object

from rewards.scoring import Scored
from rlfg.data import Examples, Shown
from rlfg.models.prompts import EncodedPrompt
from rlfg.training.answering import Answerer, Asked, Key
from rlfg.training.balance import Drawn
from rlfg.training.config import GrpoConfig
from rlfg.training.curriculum import Course
from rlfg.training.mixin import Lessons, shown_by
from rlfg.training.refill import DynamicSampling, refill
from rlfg.training.tapo import TapoSpec
from rlfg.types import Rollout

Place = tuple[tuple[int, int], int]
"""A row: its group and its place in that, and the picture's index."""


@dataclass(frozen=True, kw_only=True)
class Collected:
    """The rollouts of one step."""

    drawn: list[Drawn]
    """Rows of all processes, in their order."""
    prompts: dict[str, EncodedPrompt]
    """This process's, by key."""
    times: dict[str, float]
    """Seconds of generation and reward."""
    metrics: dict[str, float]
    """What there is to log besides."""


@dataclass(frozen=True, kw_only=True)
class Collector:
    """Answers and scores this process's share of a step; every process must call it."""

    config: GrpoConfig
    accelerator: Accelerator
    examples: Examples
    lessons: Lessons | None
    tapo: TapoSpec
    course: Course
    answerer: Answerer
    score: Callable[[list[Rollout]], list[Scored]]
    """Of the rollouts of all processes, alike on each."""

    def __call__(self, indices: Sequence[int], lessons: Sequence[str], *, step: int) -> Collected:
        """The rollouts of a step.

        Args:
            indices: Pictures of this process's rows, each repeated for its answers.
            lessons: Keys of prompts to encode besides.
            step: Optimizer steps so far.
        """
        first = self.accelerator.process_index * len(indices)
        mine = [(divmod(first + i, self.config.group_size), index) for i, index in enumerate(indices)]
        found = self._answer(mine, lessons, step)
        if self.config.dynamic_sampling is None:
            return found
        return self._refilled(self.config.dynamic_sampling, found, step)

    def asked(self, examples: Examples, shown: Shown, keys: Sequence[Key]) -> Asked:
        """A prompt about a picture, with a key for each answer."""
        return Asked(shown=shown, prompt=self.answerer.prompter.prompt(examples, shown), keys=keys)

    def _refilled(self, spec: DynamicSampling, found: Collected, step: int) -> Collected:
        """With the rows of more rounds, until enough groups are wanted."""
        size, count, rounds = self.config.group_size, self.config.prompts_per_step, 1
        world, rank = self.accelerator.num_processes, self.accelerator.process_index
        while len(spec.wanted([d.scored for d in found.drawn])) < count and rounds < spec.max_rounds:
            fresh = refill(
                seed=self.config.run.seed,
                step=step,
                round_=rounds,
                pictures=len(self.examples),
                shown={Shown.of(d.scored.rollout.prompt_key).index for d in found.drawn},
                count=count,
            )
            if not fresh:
                break
            start, rows = len(found.drawn) // size, len(fresh) * size
            places = range(rank * rows // world, (rank + 1) * rows // world)
            more = self._answer([((start + row // size, row % size), fresh[row // size]) for row in places], (), step)
            found = Collected(
                drawn=found.drawn + more.drawn,
                prompts=found.prompts | self._wanted_prompts(spec, more),
                times={name: seconds + more.times[name] for name, seconds in found.times.items()},
                metrics=found.metrics | more.metrics,
            )
            rounds += 1
        varied = len(spec.wanted([d.scored for d in found.drawn])) / (len(found.drawn) // size)
        found.metrics.update(rounds=rounds, varied_groups=varied)
        return found

    def _wanted_prompts(self, spec: DynamicSampling, more: Collected) -> dict[str, EncodedPrompt]:
        """Of a later round, those that are trained on: over many rounds the others would fill the memory.

        What is not wanted and fills up all the same comes from the first round.
        """
        wanted = set(spec.wanted([d.scored for d in more.drawn]))
        shown = {Shown.of(d.scored.rollout.prompt_key) for d in more.drawn if d.scored.rollout.group_id in wanted}
        keys = {one.key for it in shown for one in self.tapo.trained_on(it)}
        return {key: prompt for key, prompt in more.prompts.items() if key in keys}

    def _answer(self, mine: Sequence[Place], lessons: Sequence[str], step: int) -> Collected:
        """One set of rows."""
        began = time.perf_counter()
        shown = [self.tapo.shown(index, place, self.config.group_size) for (_, place), index in mine]
        keys = self._keys(mine, shown, step)
        asked = [self.asked(self.examples, Shown.of(key), found) for key, found in keys.items()]
        prompts, completions, logs = self.answerer(
            self.examples, [*asked, *map(self._lesson, lessons)], self.config.sampling, step=step
        )
        prompt_of = dict(zip([*keys, *lessons], prompts, strict=True))
        answers = {key: iter(found) for key, found in zip([*keys, *lessons], completions, strict=True)}
        generated = time.perf_counter()
        local = [
            self.answerer.rollout(
                self.examples[index],
                one,
                next(answers[one.key]),
                truth=self.course.truth(index, step),
                step=step,
                group_id=f"{step}-{group}",
                index=place,
            )
            for ((group, place), index), one in zip(mine, shown, strict=True)
        ]
        rank = self.accelerator.process_index
        everyone = gather_object([(rank, len(prompt_of[r.prompt_key]), r) for r in local])
        scored = self.score([rollout for _, _, rollout in everyone])
        return Collected(
            drawn=[
                Drawn(scored=one, home=home, prompt_tokens=tokens)
                for one, (home, tokens, _) in zip(scored, everyone, strict=True)
            ],
            prompts=prompt_of,
            times={"generation": generated - began, "reward": time.perf_counter() - generated},
            metrics=dict(logs),
        )

    def _keys(self, mine: Sequence[Place], shown: Sequence[Shown], step: int) -> dict[str, list[Key]]:
        """The random keys of each prompt: none of those that are trained under, or told apart from, only."""
        keys: dict[str, list[Key]] = {}
        for (place, _), one in zip(mine, shown, strict=True):
            keys.setdefault(one.key, []).append((self.config.run.seed, "rollout", step, *place))
            for other in self.tapo.trained_on(one):
                keys.setdefault(other.key, [])
        return keys

    def _lesson(self, key: str) -> Asked:
        """The prompt of a lesson, to be encoded."""
        assert self.lessons is not None
        return self.asked(self.lessons.examples, shown_by(key), ())
