"""An estimate of a process's GPU memory, from shapes alone.

Of plain data parallelism, where every process holds the whole model: ZeRO-2 divides gradients and optimizer
state by the number of processes, ZeRO-3 and FSDP2 the weights too. The formulas count what autograd keeps in
this code (transformers 5.17 Qwen-VL layers with SDPA, PEFT's LoRA layers); a test compares them with the
tensors that are really kept. Not counted: fragmentation, kernels' work space, the CUDA context (about 1 GB).

Legend: e bytes of an activation, h hidden, q heads × head size, v key/value heads × head size, i MLP width.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import nn

from rlfg.models.load import DTYPES
from rlfg.models.logps import CHUNK
from rlfg.models.prefix import language_model
from rlfg.models.spec import is_vision
from rlfg.rollouts.transformers_engine import COMPACT_BELOW
from rlfg.training.config import GrpoConfig

BYTES_4BIT = 0.5 + 4 / 64
"""nf4: half a byte a weight, and a float32 scale every 64."""
LOGIT_COPIES = 6


@dataclass(frozen=True, kw_only=True)
class MemoryEstimate:
    """Bytes."""

    weights: int
    gradients: int
    """With the buffers in which processes sum them."""
    optimizer: int
    """AdamW's two moments, in the dtype of the trained weights."""
    rollout: int
    """Key/value cache of the rows decoded together, at the full completion budget, while finished rows leave."""
    activations: int
    """What autograd keeps of one micro-batch."""
    logits: int

    @property
    def total(self) -> int:
        """The peak: rollouts and updates take turns."""
        return self.weights + self.gradients + self.optimizer + max(self.rollout, self.activations + self.logits)


def estimate_memory(config: GrpoConfig, model: Any, *, prompt_tokens: int, processes: int) -> MemoryEstimate:
    """The estimate for a model (on any device, the meta device too)."""
    trained = sum(p.numel() * p.element_size() for p in model.parameters() if p.requires_grad)
    reference = trained if config.objective.kl_coef and config.model.adapter else 0
    return MemoryEstimate(
        weights=_weights(model, four_bit=config.model.load_in_4bit) + reference,
        gradients=trained * (3 if processes > 1 else 1),
        optimizer=2 * trained,
        rollout=_rollout(config, model, prompt_tokens, config.rows_per_process(processes)),
        activations=_activations(config, model, prompt_tokens, config.rows_per_process(processes)),
        logits=_logits(model, min(CHUNK, config.max_tokens_per_microbatch)),
    )


def _weights(model: nn.Module, *, four_bit: bool) -> int:
    total = sum(p.numel() * p.element_size() for p in model.parameters())
    if four_bit:
        total -= sum(
            int(m.weight.numel() * (m.weight.element_size() - BYTES_4BIT))
            for name, m in model.named_modules()
            if isinstance(m, nn.Linear) and "lora_" not in name and "lm_head" not in name
        )
    return total


def _rollout(config: GrpoConfig, model: Any, prompt_tokens: int, rows: int) -> int:
    """Cache of every row, the copies of those that go on, one layer's keys and values for all heads, logits."""
    text, (_, q, v) = _text(model), _widths(model)
    rows = min(rows, max(config.max_rollout_rows, config.group_size))
    tokens = rows * (prompt_tokens + config.sampling.max_new_tokens)
    cache = tokens * 2 * v * text.num_hidden_layers * (1 + COMPACT_BELOW)
    return int((cache + tokens * 2 * q) * _activation_bytes(config)) + _logits(model, rows)


def _activations(config: GrpoConfig, model: Any, prompt_tokens: int, rows: int) -> int:
    """Of a full micro-batch.

    A token in a layer: two norms keep a float32 copy (8h), attention its query and output (2qe), the MLP gate,
    its activation and the other factor (3ie), each adapter its input and its rank in its own dtype; without
    adapters the linear layers and norms keep theirs ((4h + i)e). A position attended to: keys and values for
    all heads (2qe), and in the cache (2ve); a shared prompt is attended to once a row. With gradient
    checkpointing each layer's input stays (he), and the inside of one layer is there at a time.
    """
    text, (h, q, v), e = _text(model), _widths(model), _activation_bytes(config)
    layers = text.num_hidden_layers
    longest = rows // config.optimizer_steps_per_rollout * (prompt_tokens + config.sampling.max_new_tokens)
    tokens = attended = min(config.max_tokens_per_microbatch, longest)
    if config.shared_prefix:
        attended += (config.group_size - 1) * prompt_tokens
    kept = 8 * h + 2 * q * e + 3 * text.intermediate_size * e
    kept += _adapter_inputs(config, model) // layers or (4 * h + text.intermediate_size) * e
    inside = tokens * kept + attended * (2 * q + 2 * v) * e
    return layers * tokens * h * e + inside if config.run.gradient_checkpointing else layers * inside


def _adapter_inputs(config: GrpoConfig, model: Any) -> int:
    """Bytes a token that the language model's adapters keep: their inputs and rank activations."""
    size = 2 if config.run.bf16 else 4
    return sum(
        size * (module.in_features + module.lora_A["default"].out_features)
        for name, module in model.named_modules()
        if hasattr(module, "lora_A") and not is_vision(name)
    )


def _logits(model: Any, tokens: int) -> int:
    """float32 copies: scaled, log-softmax, its exponential, products, their gradients."""
    return tokens * int(_text(model).vocab_size) * 4 * LOGIT_COPIES


def _activation_bytes(config: GrpoConfig) -> int:
    return 2 if config.run.bf16 else DTYPES[config.model.dtype].itemsize


def _text(model: Any) -> Any:
    return language_model(model).config.get_text_config()


def _widths(model: Any) -> tuple[int, int, int]:
    """h, q, v of the legend."""
    text = _text(model)
    head = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    return text.hidden_size, text.num_attention_heads * head, text.num_key_value_heads * head
