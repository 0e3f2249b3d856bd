"""Which backend a configuration names. Torch is imported when a model is loaded."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from eval.backends.answers import StoredAnswers
from eval.backends.backend import Backend
from eval.backends.chat import ChatBackend, ChatSpec
from eval.backends.clip import ClipBackend
from eval.backends.vllm import EngineSpec, VllmBackend
from eval.backends.weights import fingerprint
from rlfg.errors import RlfgError
from rlfg.models.spec import ModelSpec
from rlfg.rollouts.clip import ClipSpec
from rlfg.rollouts.sampling import Sampling

KINDS = ("transformers", "vllm", "chat", "clip", "answers")


@dataclass(frozen=True, kw_only=True)
class BackendSpec:
    """Who answers: exactly one of them."""

    transformers: ModelSpec | None = None
    """A model in this process."""
    vllm: EngineSpec | None = None
    """A vLLM engine in each process."""
    chat: ChatSpec | None = None
    """An OpenAI-compatible endpoint."""
    clip: ClipSpec | None = None
    """A dual encoder, for protocol.rank and protocol.choice."""
    answers: str | None = None
    """A predictions file with answers to the same items."""
    rows: int = 512
    """Answers (transformers, vllm), candidates (transformers) or pictures (clip) made together."""

    def __post_init__(self) -> None:
        given = [kind for kind in KINDS if getattr(self, kind) is not None]
        if len(given) != 1:
            raise RlfgError(f"name one of {', '.join(KINDS)}; found {', '.join(given) or 'none'}")
        if self.rows < 1:
            raise RlfgError("rows is at least 1")

    @property
    def kind(self) -> str:
        """The one that is given."""
        return next(kind for kind in KINDS if getattr(self, kind) is not None)

    @property
    def runs_a_model(self) -> bool:
        """Whether a model is run here, on a device."""
        return self.kind in ("transformers", "vllm", "clip")

    @property
    def settings(self) -> dict[str, Any]:
        """What answers depend on, for the record and for resuming: names, and what lies there now."""
        if self.chat is not None:
            return {self.kind: self.chat.settings}
        named = self.answers if self.answers is not None else asdict(getattr(self, self.kind))
        return {self.kind: named, "is": [fingerprint(path) for path in self._paths]}

    @property
    def _paths(self) -> list[str | None]:
        """Where what answers may lie."""
        if self.clip is not None:
            return [self.clip.model, self.clip.pretrained]
        model = self.vllm.model if self.vllm is not None else self.transformers
        return [self.answers] if model is None else [model.path, model.adapter]


def build_backend(spec: BackendSpec, sampling: Sampling, *, seed: int, device: Any, local_rank: int) -> Backend:
    """Loads what answers.

    Args:
        spec: of the configuration.
        sampling: how answers are drawn.
        seed: of all draws.
        device: of the model, where it is in this process.
        local_rank: which of the machine's GPUs an engine beside it takes.
    """
    if spec.chat is not None:
        return ChatBackend(spec.chat, sampling, seed=seed)
    if spec.answers is not None:
        return StoredAnswers(spec.answers)
    if spec.vllm is not None:
        return VllmBackend(spec.vllm, sampling, seed=seed, rows=spec.rows, local_rank=local_rank)
    if spec.clip is not None:
        return ClipBackend(spec.clip, rows=spec.rows, device=device)
    from eval.backends.local import LocalBackend
    from rlfg.rollouts.local import LocalModel

    assert spec.transformers is not None, "BackendSpec wants one"
    local = LocalModel(spec.transformers, device=device, max_rows=spec.rows)
    return LocalBackend(local, sampling, seed=seed, rows=spec.rows)
