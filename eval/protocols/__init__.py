"""How a model is asked: each protocol makes items of a dataset, and its lines are scored in `eval.tally`."""

from eval.protocols.item import Item, Question, Reply, Usage, line_of
from eval.protocols.spec import ProtocolSpec

__all__ = ["Item", "ProtocolSpec", "Question", "Reply", "Usage", "line_of"]
