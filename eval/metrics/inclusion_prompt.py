"""What the model of LLM inclusion is sent, in one of two layouts.

- A prompt without placeholders is the system message; the pair follows as a JSON object, which an answer cannot break
  out of. The prompt that comes with the package is one.
- A prompt with `{answer}` and `{truth}` is the one user message, with both texts put in as they stand: the layout of
  lmms-owc. There an answer may talk to the judge.
"""

from __future__ import annotations

import json
import re
from importlib import resources
from pathlib import Path

from rlfg.errors import RlfgError

_PROMPTS = resources.files("eval.metrics") / "prompts"
_PLACES = re.compile(r"\{(answer|truth)\}")


def load_prompt(name: str) -> str:
    """The text of a prompt, by name or by path.

    Raises:
        RlfgError: There is none, or it has one of the two placeholders only.
    """
    path = Path(name) if name.endswith(".txt") else _PROMPTS / f"{name}.txt"
    try:
        text = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise RlfgError(f"prompt {name!r}: {error.strerror}; give a .txt file") from error
    if len(places := set(_PLACES.findall(text))) == 1:
        raise RlfgError(f"prompt {name!r} has {{{places.pop()}}} only; write both {{answer}} and {{truth}}, or neither")
    return text


def is_template(prompt: str) -> bool:
    """Whether the texts are put into the prompt."""
    return _PLACES.search(prompt) is not None


def messages(prompt: str, answer: str, truth: str) -> list[dict[str, str]]:
    """The chat about one pair."""
    if is_template(prompt):
        texts = {"answer": answer, "truth": truth}
        # In one pass: an answer that says "{truth}" must not be filled in.
        return [{"role": "user", "content": _PLACES.sub(lambda place: texts[place[1]], prompt)}]
    content = json.dumps({"answer": answer, "truth": truth}, ensure_ascii=False)
    return [{"role": "system", "content": prompt}, {"role": "user", "content": content}]
