"""What a test wants to know of a vLLM worker. vLLM loads it by name, into the engine's process."""

from __future__ import annotations

from typing import Any


class CountsPictures:
    """A `worker_extension_cls`: how often the vision tower was asked."""

    def pictures_encoded(self) -> int:
        """Since the first call of this."""
        worker: Any = self
        model = worker.model_runner.get_model()
        if not hasattr(worker, "encoded"):
            worker.encoded, encode = 0, model.embed_multimodal

            def counted(**pictures: Any) -> Any:
                worker.encoded += 1
                return encode(**pictures)

            model.embed_multimodal = counted
        return int(worker.encoded)
