"""What a configuration says of the judge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rewards.checks import require_choice, require_count
from rewards.judge.prompt import Structured, load_judge_prompt
from rlfg.chat import Endpoint
from rlfg.errors import RlfgError


@dataclass(frozen=True, kw_only=True)
class JudgeSpec:
    """A language model that grades (truth, answer) pairs."""

    endpoint: Endpoint
    prompts: tuple[str, ...] = ("judge",)
    """Phrasings, by name (judge, judge-2, judge-3) or as text files; with several the majority decides."""
    answers_per_request: int = 1
    """Answers to one truth that are graded together."""
    explain: bool = False
    """Ask for a short reason before each label."""
    structured: Structured = "json_schema"
    """How the reply is held to the labels: "json_schema" where the endpoint can, else "json_object" or "none"."""
    quote: bool = True
    """Answers go as JSON strings."""
    max_answer_chars: int = 200
    """Longer answers are cut there, and marked so."""
    max_tokens: int | None = None
    """Of a reply; None for what the labels and reasons need."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Further fields of the request, as `{chat_template_kwargs: {enable_thinking: false}}` for Qwen3."""
    revision: str = ""
    """Tells apart models that are served under one name; a part of every verdict's key."""
    cache: str = "runs/verdicts.sqlite"
    """Where verdicts are kept; one file for all runs."""
    deadline_s: float = 300.0
    """For one batch; pairs without a verdict by then have none."""
    down_s: float = 600.0
    """The run stops when the judge has given no usable reply for so long."""

    def __post_init__(self) -> None:
        """Refuse values out of range, and prompts that are not there."""
        require_count("answers_per_request", self.answers_per_request, least=1)
        require_count("max_answer_chars", self.max_answer_chars, least=1)
        require_choice("structured", self.structured, ("json_schema", "json_object", "none"))
        if not self.prompts or len(set(self.prompts)) < len(self.prompts):
            raise RlfgError(f"prompts is {list(self.prompts)}; give one or more, each once")
        if self.deadline_s <= 0 or self.down_s <= 0:
            raise RlfgError("deadline_s and down_s must be above 0")
        for prompt in self.prompts:
            load_judge_prompt(prompt)

    def settings(self, prompt: str, context: str) -> dict[str, Any]:
        """Everything but the pair that decides a verdict; `prompt` is the phrasing's text.

        `context` is what else the caller's verdicts hang on: the taxonomy's hash in a cascade.
        """
        return {
            "model": self.endpoint.model,
            "revision": self.revision,
            "prompt": prompt,
            "answers_per_request": self.answers_per_request,
            "explain": self.explain,
            "structured": self.structured,
            "quote": self.quote,
            "max_answer_chars": self.max_answer_chars,
            "max_tokens": self.max_tokens,
            "extra": dict(self.extra),
            "context": context,
        }
