"""What a run asks for, learns, reads and pays must agree: the form of completions, and the kind of questions."""

from __future__ import annotations

from collections.abc import Sequence

from rewards.choices import CLOSED_REWARDS
from rewards.rubric import TermSpec
from rewards.setup import VerifierSpec
from rlfg.data import Examples, Form, ParseMode, load_prompt
from rlfg.errors import RlfgError


def check_form(form: Form, said: str, prompt: str) -> None:
    """A prompt does not ask for thoughts that are then left out or punished.

    Args:
        form: of completions.
        said: the setting that wants it, for the error.
        prompt: by name.

    Raises:
        RlfgError: It does.
    """
    if form != "think" and "<think>" in load_prompt(prompt).text:
        raise RlfgError(f"the prompt {prompt!r} asks for thoughts, which {said} leaves out; set prompt: {form}")


def check_reading(mode: ParseMode, prompt: str, terms: Sequence[TermSpec]) -> None:
    """Prompt, parser and terms of a GRPO run agree.

    Raises:
        RlfgError: Thoughts are asked for or paid that the parser does not take, or another form is paid than is read.
    """
    if mode != "answer" and mode != "bare":
        return
    check_form(mode, f"parse_mode: {mode}", prompt)
    for term in terms:
        if term.name == "lineage":
            raise RlfgError(f"the term lineage reads thoughts, and parse_mode: {mode} takes none; leave the term out")
        if term.name == "format" and term.options.get("form", "think") != mode:
            raise RlfgError(
                f"the term format pays another form than parse_mode: {mode} reads; give it {{form: {mode}}}"
            )


def require_closed(reward: str, verifier: VerifierSpec, examples: Examples) -> None:
    """A reward that pays closed answers alone is not given open questions.

    Raises:
        RlfgError: Names the first of them.
    """
    for where, example in zip(examples.where, examples, strict=True):
        if reward in CLOSED_REWARDS and verifier.is_open(example.label):
            raise RlfgError(
                f"{where}: reward {reward} pays closed answers alone, and the label is {example.label!r}; set "
                "verifier.text for closed questions; for both kinds set a reward of dynamic, hedged or binary, which "
                "pay closed ones alike"
            )
