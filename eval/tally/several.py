"""Questions about several pictures: same or different, how many of three."""

from __future__ import annotations

from eval.tally.fgvqa import says_number, says_yes_or_no
from eval.tally.mark import Mark, answers_of
from rewards.choices import read_count, read_yes_no
from rlfg.data import ParseMode
from rlfg.errors import RlfgError
from rlfg.types import Prediction


def mark_pair(line: Prediction, mode: ParseMode) -> Mark:
    """Same or not; `right_of_same` and `right_of_different` show a model that always says one of them.

    `fgvqa_accuracy` is by the reading of FGVQA's code (`eval.tally.fgvqa`).
    """
    if line.truth not in ("yes", "no"):
        raise RlfgError(f'prediction "{line.id}": the truth of a pair is yes or no, not {line.truth!r}')
    (answer,) = answers_of(line, 1, mode)
    said = None if answer is None else read_yes_no(answer)
    right = said == line.truth
    published = says_yes_or_no(_reply(line)) == line.truth
    name = "right_of_same" if line.truth == "yes" else "right_of_different"
    return Mark(
        outcomes=("empty" if answer is None else "unreadable" if said is None else "right" if right else "wrong",),
        said=(said,),
        answers=(answer,),
        values={name: float(right), "says_same": float(said == "yes"), "fgvqa_accuracy": float(published)},
        chance=0.5,
    )


def mark_count(line: Prediction, mode: ParseMode) -> Mark:
    """The number; `right_of_N` by the true one, and `off_by` how far the numbers given are off.

    `fgvqa_accuracy` is by the reading of FGVQA's code, as for pairs.
    """
    if line.truth not in ("0", "1", "2", "3"):
        raise RlfgError(f'prediction "{line.id}": the truth is a count of three, not {line.truth!r}')
    (answer,) = answers_of(line, 1, mode)
    said = None if answer is None else read_count(answer)
    said = said if said in ("0", "1", "2", "3") else None
    right = said == line.truth
    published = says_number(_reply(line)) == line.truth
    values = {f"right_of_{line.truth}": float(right), "fgvqa_accuracy": float(published)}
    if said is not None:
        values["off_by"] = float(abs(int(said) - int(line.truth)))
    return Mark(
        outcomes=("empty" if answer is None else "unreadable" if said is None else "right" if right else "wrong",),
        said=(said,),
        answers=(answer,),
        values=values,
        chance=0.25,
    )


def _reply(line: Prediction) -> str:
    """The one reply as it stood, thoughts and tags included."""
    return (line.completions or line.answers)[0]
