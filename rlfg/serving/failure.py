"""The lines of a server's log that say why it failed."""

from __future__ import annotations

import re
from pathlib import Path

TAIL_BYTES = 200_000
MAX_LENGTH = 600
PREFIX = re.compile(r"^(?:\([\w .=-]*pid=\d+\)\s*)?(?:(?:ERROR|WARNING|INFO|CRITICAL) \d\d-\d\d [\d:]+ \[[^]]*\]\s*)?")
"""vLLM's: the process, the level, the time and the place."""
CAUSE = re.compile(
    r"^\S*?(?:[A-Z]\w*(?:Error|Exception|Interrupt)\b:? *|error: |Killed\b|Segmentation fault)|\berror: "
)
"""The last line of a traceback, or argparse's complaint."""
HEADLINE = re.compile(r"ValidationError: \d+ validation errors? for \w+$")
CONSEQUENCE = re.compile(r"Engine core initialization failed|EngineDeadError|EngineCore encountered|KeyboardInterrupt")
"""What other processes report after the cause."""


def telling_lines(log: Path, *, start: int = 0, count: int = 3) -> list[str]:
    """The last `count` causes of failure in the log from byte `start`; its last lines where there is none."""
    with log.open("rb") as file:
        file.seek(max(start, log.stat().st_size - TAIL_BYTES))
        text = file.read().decode(errors="replace")
    lines = _joined([line for line in (PREFIX.sub("", raw).rstrip() for raw in text.splitlines()) if line])
    causes = _distinct([line for line in lines if CAUSE.search(line) and not CONSEQUENCE.search(line)])
    return [line.strip()[:MAX_LENGTH] for line in (causes or lines)[-count:]]


def _joined(lines: list[str]) -> list[str]:
    """Pydantic says what is wrong on the line after the error's name."""
    joined: list[str] = []
    for line in lines:
        if joined and HEADLINE.search(joined[-1]):
            joined[-1] += f": {line.partition(' [type=')[0].strip()}"
        else:
            joined.append(line)
    return joined


def _distinct(causes: list[str]) -> list[str]:
    """Without those that only wrap an earlier one's message."""
    distinct: list[str] = []
    messages: list[str] = []
    for line in causes:
        message = line.partition(": ")[2].strip()
        if not any(earlier in line for earlier in messages):
            distinct.append(line)
            messages.append(message or line)
    return distinct
