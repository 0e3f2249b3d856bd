"""The adapter inside the weights while rollouts last."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from PIL import Image  # noqa: E402

from rlfg.models.load import LoraSpec, ModelSpec, add_reference, load_model, load_processor  # noqa: E402
from rlfg.models.logps import Row, completion_logps  # noqa: E402
from rlfg.models.merge import can_merge, merged  # noqa: E402
from rlfg.models.prefix import language_model  # noqa: E402
from rlfg.models.prompts import encode_prompt  # noqa: E402


def policy(tiny_model: Path, dtype: Any = "float32") -> Any:
    torch.manual_seed(1)
    spec = ModelSpec(path=str(tiny_model), dtype=dtype, lora=LoraSpec(r=4, alpha=8))
    model = load_model(spec, trainable=True)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    return model.eval()


def test_the_policy_is_the_same_and_the_weights_come_back(tiny_model: Path) -> None:
    model = policy(tiny_model)
    add_reference(model)  # a second adapter, as a KL term has it
    assert can_merge(model)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_A.default" in name:  # a step away from the reference
                parameter += 0.05
    message = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "What is this?"}]}]
    prompt = encode_prompt(load_processor(ModelSpec(path=str(tiny_model))), message, [Image.new("RGB", (84, 84))])
    rows = [Row(prompt=0, token_ids=(40, 41, 42, 43))]

    def logps() -> Any:
        with torch.no_grad():
            return completion_logps(language_model(model), [prompt], rows, pad_id=0).logps_RL

    before, weights = logps(), {n: p.clone() for n, p in model.named_parameters()}
    products = []
    hooks = [m.register_forward_hook(lambda *_: products.append(1)) for n, m in model.named_modules() if "lora_A." in n]
    with merged(model):
        torch.testing.assert_close(logps(), before, rtol=1e-5, atol=1e-5)
    assert not products
    assert torch.equal(logps(), before) and products
    assert all(torch.equal(p, weights[n]) for n, p in model.named_parameters())
    for hook in hooks:
        hook.remove()


def test_weights_come_back_after_an_error(tiny_model: Path) -> None:
    model = policy(tiny_model)
    weights = {n: p.clone() for n, p in model.named_parameters()}
    with pytest.raises(RuntimeError, match="out of memory"), merged(model):
        raise RuntimeError("out of memory")
    assert all(torch.equal(p, weights[n]) for n, p in model.named_parameters())


def test_what_would_round_is_not_merged(tiny_model: Path) -> None:
    assert not can_merge(policy(tiny_model, "bfloat16"))
    assert not can_merge(load_model(ModelSpec(path=str(tiny_model), dtype="float32")))
