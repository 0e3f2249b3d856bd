from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from PIL import Image  # noqa: E402
from transformers import AutoProcessor  # noqa: E402

from rlfg.errors import RlfgError  # noqa: E402
from rlfg.models.load import ModelSpec, load_model  # noqa: E402
from rlfg.models.prompts import EncodedPrompt, collate, encode_prompt  # noqa: E402
from rlfg.rollouts.sampling import Sampling, pick  # noqa: E402
from rlfg.rollouts.transformers_engine import TransformersEngine  # noqa: E402


def test_inverting_the_distribution_draws_each_token_with_its_probability() -> None:
    logits = torch.log(torch.tensor([[0.5, 0.0, 0.3, 0.2]]))
    uniforms = (torch.arange(1000) + 0.5) / 1000  # none at a border between two tokens
    ids, logps = pick(logits.expand(1000, -1), uniforms, Sampling())
    assert torch.bincount(ids, minlength=4).tolist() == [500, 0, 300, 200]
    torch.testing.assert_close(logps[0], torch.tensor(0.5).log())


def test_top_p_keeps_the_nucleus_and_greedy_the_best() -> None:
    logits = torch.log(torch.tensor([[0.2, 0.5, 0.3]])).expand(100, -1)
    ids, _ = pick(logits, torch.arange(100) / 100, Sampling(top_p=0.6))
    assert set(ids.tolist()) == {1, 2}
    ids, _ = pick(logits, None, Sampling(temperature=0))
    assert set(ids.tolist()) == {1}
    with pytest.raises(RlfgError):
        Sampling(top_p=0)


@pytest.fixture(scope="module")
def engine(tiny_model: Path) -> TransformersEngine:
    model = load_model(ModelSpec(path=str(tiny_model), dtype="float32")).eval()
    return TransformersEngine(
        model=model, pad_id=0, stop_ids=frozenset({2}), banned_ids=(model.config.image_token_id,), max_rows=7
    )


@pytest.fixture(scope="module")
def prompts(tiny_model: Path) -> list[EncodedPrompt]:
    processor = AutoProcessor.from_pretrained(tiny_model, padding_side="left")
    rng = np.random.default_rng(0)
    out = []
    for text in ("What is this?", "Name the organism in this picture, please", "?"):
        message = {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": text}]}
        pixels = rng.integers(0, 255, (84, 84, 3), dtype=np.uint8)
        out.append(encode_prompt(processor, [message], [Image.fromarray(pixels)]))
    return out


def keys(n: int, prompt: int = 0) -> list[tuple[int | str, ...]]:
    return [(7, "test", prompt, k) for k in range(n)]


def test_a_completion_depends_on_its_prompt_and_key_alone(engine: Any, prompts: list[EncodedPrompt]) -> None:
    sampling = Sampling(max_new_tokens=24)
    together = engine.generate(prompts, [keys(5, p) for p in range(3)], sampling)
    assert [len(c) for c in together] == [5, 5, 5]
    for p, prompt in enumerate(prompts):
        for k in (0, 4):
            (alone,) = engine.generate([prompt], [[keys(5, p)[k]]], sampling)[0]
            assert alone.token_ids == together[p][k].token_ids
            np.testing.assert_allclose(alone.logps, together[p][k].logps, atol=1e-4)
    assert len({c.token_ids for found in together for c in found}) == 15


def test_finished_rows_leave_and_the_rest_goes_on(engine: Any, prompts: list[EncodedPrompt]) -> None:
    eager = TransformersEngine(
        model=engine.model, pad_id=0, stop_ids=frozenset(range(2, 120)), banned_ids=engine.banned_ids, max_rows=64
    )
    found = eager.generate(prompts, [keys(8, p) for p in range(3)], Sampling(max_new_tokens=24))
    completions = [c for row in found for c in row]
    assert len({len(c.token_ids) for c in completions}) > 3
    for completion in completions:
        stops = [token in eager.stop_ids for token in completion.token_ids]
        assert not any(stops[:-1])
        assert completion.finish_reason == ("stop" if stops[-1] else "length")


def test_greedy_equals_transformers_generate(engine: Any, prompts: list[EncodedPrompt]) -> None:
    found = engine.generate(prompts, [[()]] * 3, Sampling(temperature=0, max_new_tokens=12))
    batch = collate(prompts, pad_id=0, device=torch.device("cpu"))
    out = engine.model.generate(
        **batch, max_new_tokens=12, do_sample=False, eos_token_id=2, pad_token_id=0,
        suppress_tokens=list(engine.banned_ids),
    )  # fmt: skip
    for mine, theirs in zip(found, out[:, batch["input_ids"].shape[1] :].tolist(), strict=True):
        ids = list(mine[0].token_ids)
        assert ids == theirs[: len(ids)]
