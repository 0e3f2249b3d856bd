"""A CLIP-style baseline: zero-shot over a list of labels."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
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
        """All pictures go through together; a multiple-choice question gets the answer that chooses the nearest label.

        Raises:
            RlfgError: A question is not about one picture and a list of labels.
        """
        began, pictures = time.perf_counter(), dict[int, Image.Image]()
        for n, one in enumerate(asked):
            if len(one.question.pictures) != 1 or not one.question.labels:
                raise RlfgError(
                    "backend.clip compares one picture with labels: for protocol.choice and .rank, no prior"
                )
            try:
                (pictures[n],) = one.open()
            except ImageError as error:
                tell(n, Reply(error=str(error)))
        if not pictures:
            return
        shown_ND = self.encoder.encode(list(pictures.values()))
        replies = [self._reply(asked[n].question, shown_ND[i : i + 1]) for i, n in enumerate(pictures)]
        usage = Usage(seconds=(time.perf_counter() - began) / len(pictures))
        for n, reply in zip(pictures, replies, strict=True):
            tell(n, replace(reply, usage=usage))

    def _reply(self, question: Question, shown_1D: Any) -> Reply:
        logps_M = self.encoder.logps(shown_1D, question.labels)[0].tolist()
        if question.choosing:
            said = question.choosing[max(range(len(logps_M)), key=logps_M.__getitem__)]
            return Reply(texts=(f"<answer>{said}</answer>",))
        return Reply(logps=tuple(logps_M), tokens=(1,) * len(logps_M))
