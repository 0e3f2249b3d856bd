"""Rollouts through vLLM: a server beside the trainer, or an engine in each of its processes."""

from __future__ import annotations

from rlfg.rollouts.vllm.spec import VllmSpec

__all__ = ["VllmSpec"]
