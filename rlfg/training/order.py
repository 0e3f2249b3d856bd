"""The order in which TRL's sampler draws pictures, given by epoch rather than by how often it was asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
from torch.utils.data import Sampler
from trl.trainer.utils import RepeatSampler


class EpochOrder(Sampler[int]):
    """TRL 1.16's RepeatSampler over an order that is asked for at the start of each epoch.

    By itself it draws from a generator that no checkpoint holds: a run resumed in its third epoch would show the
    pictures of the first again.
    """

    def __init__(self, sampler: RepeatSampler, order: Callable[[], Sequence[int]]) -> None:
        """Repeat as `sampler` does, over what `order` returns."""
        sampler.shuffle = False
        self.sampler = sampler
        self.order = order

    def __iter__(self) -> Iterator[int]:
        order = self.order()
        return (order[place] for place in self.sampler)

    def __len__(self) -> int:
        return len(self.sampler)


def shuffled(pictures: int, *, seed: int, epoch: int) -> list[int]:
    """The permutation that TRL's sampler draws for an epoch, from 0, of a run that was never interrupted."""
    generator = torch.Generator()
    generator.manual_seed(seed)
    order = torch.randperm(pictures, generator=generator)
    for _ in range(epoch):
        order = torch.randperm(pictures, generator=generator)
    return [int(place) for place in order]
