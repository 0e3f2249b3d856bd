"""The shared-prefix pass against the plain one: log-probabilities and gradients, float32."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from PIL import Image  # noqa: E402
from transformers import AutoProcessor, LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM  # noqa: E402

from rlfg.errors import RlfgError  # noqa: E402
from rlfg.models.load import LoraSpec, ModelSpec, load_model  # noqa: E402
from rlfg.models.logps import Row, completion_logps  # noqa: E402
from rlfg.models.pictures import can_encode_once, encode_pictures  # noqa: E402
from rlfg.models.prefix import check_supported, language_model  # noqa: E402
from rlfg.models.prompts import EncodedPrompt, encode_prompt  # noqa: E402
from rlfg.models.recompute import decoder_layers  # noqa: E402
from rlfg.models.spec import is_vision  # noqa: E402

PAD = 0
ROWS = [
    Row(prompt=0, token_ids=(40, 41, 42, 43, 44)),
    Row(prompt=2, token_ids=(50,)),
    Row(prompt=1, token_ids=(60, 61)),
    Row(prompt=0, token_ids=(70, 71, 72)),
]


def picture(seed: int, size: tuple[int, int]) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 255, (*size, 3), dtype=np.uint8))


@pytest.fixture(scope="module")
def policy(tiny_model: Path) -> Any:
    torch.manual_seed(1)
    spec = ModelSpec(path=str(tiny_model), dtype="float32", lora=LoraSpec(r=4, alpha=8))
    model = load_model(spec, trainable=True)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:  # They start at zero, where half of the gradients vanish.
            torch.nn.init.normal_(parameter, std=0.1)
    return model


@pytest.fixture(scope="module")
def prompts(tiny_model: Path) -> list[EncodedPrompt]:
    """One picture; two pictures of other sizes; no picture."""
    processor = AutoProcessor.from_pretrained(tiny_model, padding_side="left")
    processor.image_processor.size = {"shortest_edge": 28 * 28, "longest_edge": 140 * 140}

    def ask(n: int, text: str) -> list[dict[str, Any]]:
        return [{"role": "user", "content": [{"type": "image"}] * n + [{"type": "text", "text": text}]}]

    return [
        encode_prompt(processor, ask(1, "What is this?"), [picture(0, (84, 84))]),
        encode_prompt(processor, ask(2, "Which of the two?"), [picture(1, (56, 112)), picture(2, (84, 56))]),
        encode_prompt(processor, ask(0, "Hello"), []),
    ]


def run(
    model: Any, prompts: list[EncodedPrompt], rows: list[Row], shared: bool, **how: bool
) -> tuple[Any, dict[str, Any]]:
    model.zero_grad()
    out = completion_logps(
        language_model(model),
        prompts,
        rows,
        pad_id=PAD,
        temperature=0.7,
        shared_prefix=shared,
        entropy_grad=True,
        **how,
    )
    weights = torch.linspace(0.5, 1.5, out.logps_RL.numel()).view_as(out.logps_RL)
    (out.logps_RL * weights + 0.3 * out.entropy_RL).sum().backward()
    return out, {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("rows", [ROWS, ROWS[1:2], ROWS[:1]], ids=["ragged", "one token", "one row"])
def test_the_shared_prefix_changes_nothing(policy: Any, prompts: list[EncodedPrompt], rows: list[Row]) -> None:
    plain, plain_gradients = run(policy, prompts, rows, shared=False)
    shared, shared_gradients = run(policy, prompts, rows, shared=True)
    torch.testing.assert_close(shared.logps_RL, plain.logps_RL, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(shared.entropy_RL, plain.entropy_RL, rtol=1e-5, atol=1e-5)
    assert shared_gradients.keys() == plain_gradients.keys()
    scale = max(g.abs().max() for g in plain_gradients.values())
    for name, gradient in plain_gradients.items():
        assert (shared_gradients[name] - gradient).abs().max() <= 1e-5 * scale, name


@pytest.mark.parametrize("shared", [True, False], ids=["shared", "plain"])
def test_recomputed_layers_change_nothing(policy: Any, prompts: list[EncodedPrompt], shared: bool) -> None:
    kept, gradients = run(policy, prompts, ROWS, shared=shared)
    again, same = run(policy, prompts, ROWS, shared=shared, recompute=True)
    assert torch.equal(kept.logps_RL, again.logps_RL)
    assert gradients.keys() == same.keys()
    scale = max(g.abs().max() for g in gradients.values())
    for name, gradient in gradients.items():
        assert (same[name] - gradient).abs().max() <= 1e-6 * scale, name
    for layer in decoder_layers(language_model(policy)):
        assert "forward" not in vars(layer)


def test_a_row_does_not_depend_on_its_neighbours(policy: Any, prompts: list[EncodedPrompt]) -> None:
    lm = language_model(policy)
    together = completion_logps(lm, prompts, ROWS, pad_id=PAD)
    for i, row in enumerate(ROWS):
        alone = completion_logps(lm, [prompts[row.prompt]], [Row(prompt=0, token_ids=row.token_ids)], pad_id=PAD)
        length = len(row.token_ids)
        torch.testing.assert_close(together.logps_RL[i, :length], alone.logps_RL[0], rtol=1e-5, atol=1e-5)
        assert together.logps_RL[i, length:].abs().sum() == 0


def test_the_picture_conditions_the_answer(policy: Any, prompts: list[EncodedPrompt], tiny_model: Path) -> None:
    processor = AutoProcessor.from_pretrained(tiny_model, padding_side="left")
    message = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "What is this?"}]}]
    other = encode_prompt(processor, message, [picture(9, (84, 84))])
    row = [Row(prompt=0, token_ids=(40, 41, 42))]
    a, b = (completion_logps(language_model(policy), [p], row, pad_id=PAD).logps_RL for p in (prompts[0], other))
    assert (a - b).abs().max() > 1e-4


def test_plain_rope_models_work_too() -> None:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=100, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2,
    )  # fmt: skip
    model = LlamaForCausalLM(config)
    check_supported(model)
    prompts = [
        EncodedPrompt(
            input_ids_T=torch.arange(1, n), mm_token_type_ids_T=None, pixel_values_ND=None, image_grid_thw_K3=None
        )
        for n in (4, 9, 6)
    ]
    plain, _ = run(model, prompts, ROWS, shared=False)
    shared, _ = run(model, prompts, ROWS, shared=True)
    torch.testing.assert_close(shared.logps_RL, plain.logps_RL, rtol=1e-5, atol=1e-5)


def test_a_sliding_window_is_refused() -> None:
    config = MistralConfig(
        vocab_size=100, hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=4,
        num_key_value_heads=2, sliding_window=4,
    )  # fmt: skip
    config.layer_types = ["sliding_attention"]
    with pytest.raises(RlfgError, match="full attention"):
        check_supported(MistralForCausalLM(config))


def qwen3() -> Any:
    """Two layers of Qwen3-VL, whose pictures also enter between the first layers (deepstack)."""
    from transformers import Qwen3VLConfig, Qwen3VLForConditionalGeneration

    vision = {
        "depth": 2, "hidden_size": 32, "intermediate_size": 64, "num_heads": 2, "out_hidden_size": 64, "patch_size": 14,
        "num_position_embeddings": 144, "deepstack_visual_indexes": [0],
    }  # fmt: skip
    rope = {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [2, 3, 3], "mrope_interleaved": True}
    text = {
        "vocab_size": 600, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "head_dim": 16,
        "num_attention_heads": 4, "num_key_value_heads": 2,
        "rope_parameters": rope,
    }  # fmt: skip
    ids = {"image_token_id": 5, "video_token_id": 6, "vision_start_token_id": 3, "vision_end_token_id": 4}
    torch.manual_seed(2)
    return Qwen3VLForConditionalGeneration(Qwen3VLConfig(vision_config=vision, text_config=text, **ids))


def assert_shared_is_plain(model: Any, prompts: list[EncodedPrompt]) -> None:
    plain, gradients = run(model, prompts, ROWS, shared=False)
    scale = max(g.abs().max() for g in gradients.values())
    for recompute in (False, True):
        shared, same = run(model, prompts, ROWS, shared=True, recompute=recompute)
        torch.testing.assert_close(shared.logps_RL, plain.logps_RL, rtol=1e-5, atol=1e-5)
        for name, gradient in gradients.items():
            assert (same[name] - gradient).abs().max() <= 1e-5 * scale, name


def test_the_shared_prefix_of_qwen3_trained_in_full(prompts: list[EncodedPrompt]) -> None:
    assert_shared_is_plain(qwen3(), prompts)


def test_the_shared_prefix_of_a_model_with_plain_positions() -> None:
    """LLaVA: pictures of one size, no grids, one-dimensional RoPE."""
    from transformers import CLIPVisionConfig, LlavaConfig, LlavaForConditionalGeneration

    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    config = LlavaConfig(
        vision_config=CLIPVisionConfig(**sizes, image_size=28, patch_size=14),
        text_config=LlamaConfig(**sizes, num_key_value_heads=2, vocab_size=100), image_token_id=5,
    )  # fmt: skip
    torch.manual_seed(3)
    model = LlavaForConditionalGeneration(config)
    check_supported(model)
    assert not can_encode_once(model, model)
    prompts = [
        EncodedPrompt(
            input_ids_T=torch.tensor([7, *[5] * 4, *range(8, 8 + n)]), mm_token_type_ids_T=None,
            pixel_values_ND=torch.randn(1, 3, 28, 28), image_grid_thw_K3=None,
        )
        for n in (2, 5, 3)
    ]  # fmt: skip
    assert_shared_is_plain(model, prompts)
    dark = [replace(prompt, pixel_values_ND=torch.zeros(1, 3, 28, 28)) for prompt in prompts]
    seen, unseen = (run(model, found, ROWS, shared=True)[0].logps_RL for found in (prompts, dark))
    assert (seen - unseen).abs().max() > 1e-3, "the picture reaches the answer"


@pytest.mark.parametrize("family", ["Qwen2.5-VL", "Qwen3-VL"])
@pytest.mark.parametrize("shared", [True, False], ids=["shared", "plain"])
def test_pictures_encoded_once_change_nothing(
    policy: Any, prompts: list[EncodedPrompt], family: str, shared: bool
) -> None:
    model = policy if family == "Qwen2.5-VL" else qwen3()
    for name, parameter in model.named_parameters():
        if is_vision(name):
            parameter.requires_grad_(False)
    lm = language_model(model)
    assert can_encode_once(model, lm)
    pixels, gradients = run(model, prompts, ROWS, shared=shared)
    calls = []
    hook = lm.model.visual.register_forward_hook(lambda *_: calls.append(1))
    encoded = encode_pictures(lm, prompts)
    features, same = run(model, encoded, ROWS, shared=shared)
    hook.remove()
    assert len(calls) == 1
    assert [p.features is not None for p in encoded] == [True, True, False]
    torch.testing.assert_close(features.logps_RL, pixels.logps_RL, rtol=1e-5, atol=1e-5)
    scale = max(g.abs().max() for g in gradients.values())
    for name, gradient in gradients.items():
        assert (same[name] - gradient).abs().max() <= 1e-5 * scale, name
    assert "get_image_features" not in vars(lm.model)


def test_a_trained_tower_is_not_skipped(tiny_model: Path) -> None:
    model = load_model(ModelSpec(path=str(tiny_model), dtype="float32", freeze_vision=False), trainable=True)
    assert not can_encode_once(model, language_model(model))
