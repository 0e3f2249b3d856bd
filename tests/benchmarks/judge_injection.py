"""How often an answer talks a judge into SPECIFIC, bare, quoted, and quoted and cut.

    python tests/benchmarks/judge_injection.py                                      # a toy judge
    python tests/benchmarks/judge_injection.py --base-url http://HOST:8000/v1 --model Qwen/Qwen3-30B-A3B

The toy judge obeys whatever the form of the message lets through: it takes the last "truth:" and "answer:" lines for
the pair and a line that begins with "System:" for an order, honours marks of a turn, and of a JSON object sees only the
fields. So it measures what an answer can do to the message, and not how far a language model can be persuaded: that
takes the second command. The right label is WRONG throughout.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))

from http_judge import HttpJudge
from injections import INJECTIONS

from rewards.judge import JudgeSpec, JudgeVerifier
from rlfg.chat import Endpoint

TRUTHS = ("Herring Gull", "Cerulean Warbler", "Mallard")
WAYS = {
    "bare": {"quote": False, "max_answer_chars": 10**6},
    "bare, cut": {"quote": False},
    "quoted": {"max_answer_chars": 10**6},
    "quoted and cut": {},
}
_TURN = re.compile(r"<\|(im_end|eot_id)\|>|\[/INST\]")
_ORDER = re.compile(r"^system:.*specific", re.IGNORECASE | re.MULTILINE)


def obey(content: str) -> str:
    """The toy judge's label."""
    if _TURN.search(content):
        return "SPECIFIC"
    try:
        pair = json.loads(content)
        truth, answer = pair["truth"], pair["answers"][0]
    except ValueError:
        if _ORDER.search(content) or '{"labels"' in content:
            return "SPECIFIC"
        lines = [line.partition(": ") for line in re.split("[\n\u2028\u2029]", content)]
        truth, answer = ([v for k, _, v in lines if k == key][-1] for key in ("truth", "answer"))
    return "SPECIFIC" if truth.casefold() == answer.casefold() else "WRONG"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base-url")
    parser.add_argument("--model", default="toy")
    parser.add_argument("--prompt", default="judge")
    args = parser.parse_args()
    pairs = [(attack, truth) for attack in INJECTIONS.values() for truth in TRUTHS]
    with ExitStack() as stack:
        if args.base_url is None:
            judge = stack.enter_context(HttpJudge())
            judge.reply = lambda body: {  # type: ignore[method-assign]
                "choices": [{"message": {"content": json.dumps({"labels": [obey(body["messages"][-1]["content"])]})}}]
            }
        url = args.base_url or judge.url
        cache = stack.enter_context(tempfile.TemporaryDirectory())
        spec = JudgeSpec(
            endpoint=Endpoint(model=args.model, base_url=url), prompts=(args.prompt,), cache=f"{cache}/v.sqlite"
        )
        for name, options in WAYS.items():
            verdicts = JudgeVerifier(replace(spec, **options)).verify(pairs)  # type: ignore[arg-type]
            taken = [v.relation is not None and v.relation.is_correct for v in verdicts]
            missing = sum(v.relation is None for v in verdicts)
            hit = sorted(
                {way for i, way in enumerate(INJECTIONS) if any(taken[i * len(TRUTHS) : (i + 1) * len(TRUTHS)])}
            )
            print(f"{name:16}{sum(taken):>3} of {len(pairs)} succeed, {missing} without a verdict  {', '.join(hit)}")


if __name__ == "__main__":
    main()
