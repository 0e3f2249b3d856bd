"""vLLM's own OpenAI-compatible server: described, started, watched and stopped."""

from __future__ import annotations

from rlfg.serving.spec import ServerSpec
from rlfg.serving.vllm_server import VllmServer

__all__ = ["ServerSpec", "VllmServer"]
