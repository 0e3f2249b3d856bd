"""Runs of several seeds over the same items, of open questions or of closed ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from eval.compare import run_estimates
from eval.compare.tallied import pair_tallies
from eval.intervals import SAMPLES
from eval.marks import tallied_estimates
from eval.pairing import answers_by_id
from eval.score import ScoredItem
from eval.seeds.over import Seeds, combine
from eval.tally import TalliedItem
from eval.tally.summary import value_names
from rlfg.errors import RlfgError
from rlfg.taxonomy import Taxonomy

State = Literal["answered", "failed", "duplicate"]


def over_seeds(
    runs: Mapping[str, Sequence[ScoredItem]],
    taxonomy: Taxonomy | None = None,
    *,
    samples: int = SAMPLES,
    seed: int = 0,
) -> Seeds:
    """Each metric over runs that `rlfg score` judged.

    Args:
        runs: scored items of each seed, over the same pictures.
        taxonomy: adds the metrics over the tree.
        samples: bootstrap resamples.
        seed: of the bootstrap.

    Raises:
        RlfgError: There is no run, two are not over the same pictures, or none was answered in all.
    """
    pictures = {name: answers_by_id(items) for name, items in runs.items()}
    shared = _shared(
        {
            name: {id_: "answered" if items[0].error is None else "failed" for id_, items in by_id.items()}
            for name, by_id in pictures.items()
        }
    )
    kept = {name: [item for id_ in shared.answered for item in by_id[id_]] for name, by_id in pictures.items()}
    return Seeds(
        runs=tuple(runs),
        items=len(shared.answered),
        failed=shared.failed,
        metrics=combine({name: run_estimates(items, taxonomy, samples, seed) for name, items in kept.items()}, seed),
    )


def tallies_over_seeds(
    protocol: str, runs: Mapping[str, Sequence[TalliedItem]], *, samples: int = SAMPLES, seed: int = 0
) -> Seeds:
    """Each metric over runs of the same closed questions.

    Args:
        protocol: of all.
        runs: of each seed, as `read_tallied` gives them.
        samples: bootstrap resamples, as in a tally.
        seed: of the bootstrap, as in a tally.

    Raises:
        RlfgError: There is no run, two were asked other questions, or none was answered in all.
    """
    by_id = {name: {item.id: item for item in items} for name, items in runs.items()}
    shared = _shared({name: {id_: _state(item) for id_, item in items.items()} for name, items in by_id.items()})
    first, *others = runs.values()
    for other in others:
        pair_tallies(first, other)  # refuses another question behind an id
    kept = {name: [items[id_] for id_ in shared.answered] for name, items in by_id.items()}
    marks = [item.mark for items in kept.values() for item in items if item.mark is not None]
    names = value_names(marks)
    found = {name: tallied_estimates(items, names=names, samples=samples, seed=seed) for name, items in kept.items()}
    return Seeds(
        protocol=protocol,
        runs=tuple(runs),
        items=len(shared.answered),
        questions=sum(len(mark.outcomes) for mark in marks) // len(runs),  # the same in each
        failed=shared.failed,
        duplicates=shared.duplicates,
        metrics=combine(found, seed),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Shared:
    """The ids of all runs, each in one place."""

    answered: tuple[str, ...]
    failed: tuple[str, ...]
    duplicates: tuple[str, ...]


def _shared(runs: Mapping[str, Mapping[str, State]]) -> _Shared:
    if not runs:
        raise RlfgError("give the scored or tallied runs of one or more seeds")
    (first, states), *others = runs.items()
    for name, other in others:
        if differing := states.keys() ^ other.keys():
            raise RlfgError(
                f'runs "{first}" and "{name}" are not over the same items: {len(differing)} ids are in one only, '
                f'"{min(differing)}" among them; seeds are combined over the same test set'
            )
    where: dict[State, list[str]] = {"answered": [], "failed": [], "duplicate": []}
    for id_ in states:
        found = {run[id_] for run in runs.values()}
        where["duplicate" if "duplicate" in found else "failed" if "failed" in found else "answered"].append(id_)
    if not where["answered"]:
        raise RlfgError(f"no item was answered in all of {', '.join(runs)}; run rlfg predict again where it failed")
    return _Shared(
        answered=tuple(where["answered"]), failed=tuple(where["failed"]), duplicates=tuple(where["duplicate"])
    )


def _state(item: TalliedItem) -> State:
    return "duplicate" if item.copy_of is not None else "failed" if item.mark is None else "answered"
