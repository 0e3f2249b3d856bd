"""The circuit breaker: a judge that has been down for too long stops the run, rather than let it train on nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import final

from rlfg.errors import RlfgError


class JudgeDown(RlfgError):
    """The judge gave no usable reply for longer than allowed."""


@final
class Outage:
    """How long the judge has been failing; told of every attempt."""

    def __init__(self, where: str, down_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Allow `down_s` seconds between the first of a row of failures and the next success."""
        self.where = where
        self.down_s = down_s
        self._clock = clock
        self._since: float | None = None
        self._reason = ""

    @property
    def failing_s(self) -> float:
        """Seconds since the first failure after the last success; 0 while the judge answers."""
        return 0.0 if self._since is None else self._clock() - self._since

    def note(self, reason: str | None) -> None:
        """An attempt that succeeded (None), or why it did not.

        Raises:
            JudgeDown: The failures have gone on for too long.
        """
        if reason is None:
            self._since = None
            return
        self._reason = reason
        if self._since is None:
            self._since = self._clock()
        if self.failing_s > self.down_s:
            raise JudgeDown(
                f"the judge at {self.where} has given no usable reply for {self.failing_s:.0f} s "
                f"(down_s: {self.down_s:g}); the last failure: {self._reason}"
            )
