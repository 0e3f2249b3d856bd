"""What deduplication, the cache and the cascade save, with a local judge that answers at once.

    python tests/benchmarks/judge.py                      # answers drawn by the rule below
    python tests/benchmarks/judge.py --rollouts runs/demo # answers of a run

One batch of 2,560 pairs (256 groups of 10) goes to the judge four times: one request a pair, as frameworks do it;
deduplicated, on first sight; the same again, from the cache; and by the cascade, behind a taxonomy. Where there is no
run, a group's answers are drawn from the names a policy tends to: the truth (.40), its genus (.25), its family (.15),
its order (.05), one sibling species that the group shares (.10), an invented name that it shares (.05).
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))

from http_judge import HttpJudge

from rewards.cascade import Cascade
from rewards.judge import JudgeSpec, JudgeVerifier
from rewards.judge.prompt import load_judge_prompt, messages, read_reply, response_format
from rewards.records import iter_rollouts
from rewards.verifier import Pair, TaxonomyVerifier, Verifier
from rlfg.chat import ChatClient, Endpoint
from rlfg.taxonomy import Taxonomy, load_taxonomy

GROUPS, SIZE = 256, 10


def draw_pairs(tree: Taxonomy, seed: int = 0) -> list[Pair]:
    """By the rule of the module."""
    draw = random.Random(seed)
    species = list(tree.leaves())
    pairs: list[Pair] = []
    for _ in range(GROUPS):
        truth = draw.choice(species)
        genus = int(tree.parent[truth])
        family = int(tree.parent[genus])
        siblings = [n for n in species if int(tree.parent[n]) == genus]
        options = [truth, genus, family, int(tree.parent[family]), draw.choice(siblings)]
        names = [*(tree.names[n] for n in options), f"{draw.choice(('Grey', 'Lesser'))}-bellied {tree.names[genus]}"]
        answers = draw.choices(names, weights=(40, 25, 15, 5, 10, 5), k=SIZE)
        pairs += [(answer, tree.names[truth]) for answer in answers]
    return pairs


def pairs_of_run(run: Path) -> list[Pair]:
    """The answers of a run's last rollouts."""
    found: list[Pair] = [(one.verdict.answer, one.rollout.truth) for scored in iter_rollouts(run) for one in scored]
    return found[-GROUPS * SIZE :]


def one_by_one(endpoint: Endpoint, pairs: list[Pair]) -> tuple[int, float]:
    """Requests and seconds of a request for each pair, without memory."""
    prompt = load_judge_prompt("judge")

    async def ask_all() -> None:
        slots = asyncio.Semaphore(endpoint.max_concurrency)

        async def ask(client: ChatClient, answer: str, truth: str) -> None:
            body = {"messages": messages(prompt, truth, [answer], quote=True), "temperature": 0}
            async with slots:
                await client.ask(
                    {**body, **response_format(1, structured="json_schema", explain=False)},
                    lambda text: read_reply(text, 1),
                )

        async with ChatClient(endpoint) as client:
            await asyncio.gather(*(ask(client, a, t) for a, t in pairs if a))

    began = time.perf_counter()
    asyncio.run(ask_all())
    return sum(a is not None for a, _ in pairs), time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rollouts", type=Path)
    args = parser.parse_args()
    tree = load_taxonomy("builtin:cub200", root="bird")
    pairs = draw_pairs(tree) if args.rollouts is None else pairs_of_run(args.rollouts)
    with tempfile.TemporaryDirectory() as folder, HttpJudge() as server:
        endpoint = Endpoint(model="local", base_url=server.url)
        plain, plain_s = one_by_one(endpoint, pairs)
        print(f"{len(pairs)} pairs, {len(set(pairs))} distinct")
        print(f"{'one request a pair':26}{plain:>6} requests  {plain_s:7.2f} s")

        def show(name: str, verifier: Verifier) -> None:
            before, began = server.requests, time.perf_counter()
            verifier.verify(pairs)
            requests, seconds = server.requests - before, time.perf_counter() - began
            ratios = f"{requests / plain:.3f} of the requests, {plain_s / seconds:.1f} times as fast"
            print(f"{name:26}{requests:>6} requests  {seconds:7.2f} s  {ratios}")

        judge = JudgeVerifier(JudgeSpec(endpoint=endpoint, cache=f"{folder}/a.sqlite"))
        show("judge, first sight", judge)
        show("judge, second sight", judge)
        eight = JudgeSpec(endpoint=endpoint, cache=f"{folder}/b.sqlite", answers_per_request=8)
        show("judge, 8 answers a request", JudgeVerifier(eight))
        if args.rollouts is None:
            second = JudgeVerifier(JudgeSpec(endpoint=endpoint, cache=f"{folder}/c.sqlite"))
            show("cascade, first sight", Cascade(TaxonomyVerifier(tree), second))


if __name__ == "__main__":
    main()
