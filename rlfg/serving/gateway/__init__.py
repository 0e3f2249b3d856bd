"""The classification API in front of a vLLM server."""

from __future__ import annotations

from rlfg.serving.gateway.spec import GatewaySpec, Limits

__all__ = ["GatewaySpec", "Limits"]
