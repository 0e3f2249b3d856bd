"""A trained adapter as a plain model folder, that transformers and vLLM load without rlfg."""
