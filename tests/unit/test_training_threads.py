"""The gradient does not depend on how the threads come by."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")

SCRIPT = """
import sys
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForImageTextToText
from rlfg.models.prefix import language_model
from rlfg.models.prompts import EncodedPrompt
from rlfg.models.logps import Row, completion_logps

torch.set_num_threads(4)  # more than there are cores, and rows of one prompt in two threads
torch.manual_seed(0)
model = AutoModelForImageTextToText.from_pretrained(sys.argv[1])
model = get_peft_model(model, LoraConfig(r=8, target_modules=["k_proj", "v_proj"], init_lora_weights=False))
prompts = [
    EncodedPrompt(
        input_ids_T=torch.randint(20, 90, (64,)), mm_token_type_ids_T=None, pixel_values_ND=None, image_grid_thw_K3=None
    )
    for _ in range(13)
]
rows = [Row(prompt=i // 9, token_ids=tuple(torch.randint(20, 90, (12,)).tolist())) for i in range(117)]


def gradients():
    model.zero_grad()
    completion_logps(language_model(model), prompts, rows, pad_id=0, temperature=1.0).logps_RL.sum().backward()
    return [p.grad.clone() for p in model.parameters() if p.grad is not None]


first = gradients()
for _ in range(12):
    for a, b in zip(first, gradients(), strict=True):
        assert torch.equal(a, b), (a - b).abs().max()
print("equal", len(first))
"""


def test_gradients_are_equal_to_the_bit_whatever_the_threads_do(tiny_model: Path) -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT, str(tiny_model)], capture_output=True, text=True, check=False)
    assert done.stdout.startswith("equal"), done.stderr
