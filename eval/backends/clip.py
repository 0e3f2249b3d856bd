"""A CLIP-style baseline: zero-shot over a list of labels."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, final

from PIL import Image

from eval.backends.backend import Asked, Tell
from eval.protocols.item import Question, Reply, Usage
from rlfg.data import ImageError
from rlfg.errors import RlfgError
from rlfg.rollouts.clip import ClipSpec, DualEncoder


@final
class ClipBackend:
    """Ranks labels; writes no answers."""

    def __init__(self, spec: ClipSpec, *, rows: int, device: Any) -> None:
        self.encoder, self.rows = DualEncoder(spec, device=device), rows

    def rows_of(self, question: Question) -> int:
        """Its picture; labels are encoded once."""
        return 1

    def answer(self, asked: Sequence[Asked], tell: Tell) -> None:
        """Pictures that are compared with the same labels go through together.

        Raises:
            RlfgError: A question is no picture and a list of labels.
        """
        began = time.perf_counter()
        batches: dict[tuple[str, ...], dict[int, Image.Image]] = defaultdict(dict)
        for n, one in enumerate(asked):
            if len(one.question.pictures) != 1 or not one.question.labels:
                raise RlfgError("backend.clip compares one picture with a list of labels: protocol.rank, without prior")
            try:
                (batches[one.question.labels][n],) = one.open()
            except ImageError as error:
                tell(n, Reply(error=str(error)))
        for labels, pictures in batches.items():
            logps_NM = self.encoder.logps(list(pictures.values()), labels)
            usage = Usage(seconds=(time.perf_counter() - began) / len(pictures))
            for n, logps_M in zip(pictures, logps_NM.tolist(), strict=True):
                tell(n, Reply(logps=tuple(logps_M), tokens=(1,) * len(labels), usage=usage))
            began = time.perf_counter()
