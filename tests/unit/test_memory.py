"""The memory estimate against the tensors autograd really keeps."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
import torch

from rewards.setup import VerifierSpec
from rlfg.data import DataSpec
from rlfg.models.load import LoraSpec, ModelSpec, attach_lora, lora_config
from rlfg.models.logps import Row, completion_logps
from rlfg.models.prefix import language_model
from rlfg.models.prompts import EncodedPrompt
from rlfg.models.tiny import tiny_model, tiny_tokenizer
from rlfg.rollouts.sampling import Sampling
from rlfg.training.config import GrpoConfig
from rlfg.training.memory import estimate_memory
from rlfg.training.runspec import RunSpec

PROMPT, COMPLETION, GROUP = 60, 50, 4
LORA = LoraSpec(r=8, alpha=8)


def settings(*, dtype: str, bf16: bool, lora: bool, shared: bool) -> GrpoConfig:
    tokens = PROMPT + GROUP * COMPLETION if shared else GROUP * (PROMPT + COMPLETION)
    return GrpoConfig(
        model=ModelSpec(path="tiny", dtype=dtype, lora=LORA if lora else None),  # type: ignore[arg-type]
        data=DataSpec(path="none.jsonl"),
        verifier=VerifierSpec(taxonomy="none.csv"),
        run=RunSpec(output_dir="none", steps=1, bf16=bf16),
        sampling=Sampling(max_new_tokens=COMPLETION),
        prompts_per_step=1,
        group_size=GROUP,
        shared_prefix=shared,
        max_tokens_per_microbatch=tokens,
    )


def kept_bytes(model: torch.nn.Module, config: GrpoConfig) -> int:
    """Of distinct tensors that autograd holds after a forward, parameters apart."""
    own = {p.untyped_storage().data_ptr() for p in model.parameters()}
    kept: dict[int, int] = {}
    alive = []

    def note(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        alive.append(tensor)
        return tensor

    prompt = EncodedPrompt(
        input_ids_T=torch.arange(PROMPT) + 20,
        mm_token_type_ids_T=torch.zeros(PROMPT, dtype=torch.long),
        pixel_values_ND=None,
        image_grid_thw_K3=None,
    )
    # One completion is longer, so that there is padding and a mask, as there always is.
    rows = [Row(prompt=0, token_ids=(100,) * (COMPLETION - bool(i))) for i in range(GROUP)]
    autocast = torch.autocast("cpu", dtype=torch.bfloat16) if config.run.bf16 else nullcontext()
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor), autocast:
        completion_logps(language_model(model), [prompt], rows, pad_id=0, shared_prefix=config.shared_prefix)
    return sum(kept.values())


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize(
    ("dtype", "bf16", "lora"),
    [("bfloat16", True, True), ("bfloat16", False, True), ("float32", False, True), ("bfloat16", False, False)],
)
def test_activations_are_close_to_what_is_kept(dtype: str, bf16: bool, lora: bool, shared: bool) -> None:
    config = settings(dtype=dtype, bf16=bf16, lora=lora, shared=shared)
    torch.manual_seed(0)
    model = tiny_model(tiny_tokenizer(["a bird"]), hidden=128, layers=4).to(getattr(torch, dtype))
    if lora:
        model = attach_lora(model, lora_config(LORA), config.model)
    model.train()
    estimated = estimate_memory(config, model, prompt_tokens=PROMPT, processes=1).activations
    assert 0.9 < estimated / kept_bytes(model, config) < 1.25


def test_static_parts_by_hand() -> None:
    config = settings(dtype="float32", bf16=False, lora=False, shared=True)
    model = tiny_model(tiny_tokenizer(["a bird"]), hidden=128, layers=4)
    bytes_ = 4 * sum(p.numel() for p in model.parameters())
    one = estimate_memory(config, model, prompt_tokens=PROMPT, processes=1)
    two = estimate_memory(config, model, prompt_tokens=PROMPT, processes=2)
    assert (one.weights, one.gradients, one.optimizer) == (bytes_, bytes_, 2 * bytes_)
    assert two.gradients == 3 * bytes_
    assert one.total == 4 * bytes_ + max(one.rollout, one.activations + one.logits)
