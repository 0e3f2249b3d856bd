"""Vision-language models: loading, prompts as tensors, the shared prefix, the tiny model."""
