"""rlfg: reinforcement learning for open-world fine-grained classification with multimodal LLMs.

A model is shown a picture and no label list; it must name what it sees as specifically as it truly
knows, and never at the cost of being wrong. Importing this package imports nothing else.
"""

__version__ = "0.1.0"
