"""What our vLLM workers can do besides: take whole weights while they run. vLLM loads it by name."""

from __future__ import annotations

from typing import Any


class WholeWeights:
    """A `worker_extension_cls`: its methods become the worker's own. Read in vLLM 0.31."""

    def take_weights(self, folder: str) -> None:
        """Puts a model's folder in place of the weights; what the old ones computed is the caller's to drop."""
        from vllm.model_executor.layers.vocab_parallel_embedding import VocabParallelEmbedding

        worker: Any = self
        worker.reload_weights(weights_path=folder)
        # An output head tied to the embedding is not in the folder, so reloading passes it by; the CPU engine computes
        # it with a copy that was packed when the weights were first loaded.
        for layer in worker.model_runner.get_model().modules():
            if isinstance(layer, VocabParallelEmbedding):
                layer.quant_method.process_weights_after_loading(layer)
