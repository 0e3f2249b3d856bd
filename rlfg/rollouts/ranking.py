"""Log-probabilities of a list of texts as answers: each prompt is run once, the texts against its cache."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from rlfg.models.logps import Row, logps_after
from rlfg.models.prefix import run_prefix
from rlfg.models.prompts import EncodedPrompt, collate


@torch.no_grad()
def rank_texts(
    lm: Any, prompts: Sequence[EncodedPrompt], texts: Sequence[Sequence[tuple[int, ...]]], *, pad_id: int, max_rows: int
) -> list[NDArray[np.float64]]:
    """The summed log-probability of each text.

    Args:
        lm: The causal LM of `rlfg.models.prefix.language_model`.
        prompts: P prompts.
        texts: For each prompt, the tokens of its texts, none empty.
        pad_id: Padding token.
        max_rows: Texts run together.

    Returns:
        For each prompt, a number a text, in nats.
    """
    prefix = run_prefix(lm, collate(prompts, pad_id=pad_id, device=lm.lm_head.weight.device))
    rows = [Row(prompt=p, token_ids=ids) for p, of_prompt in enumerate(texts) for ids in of_prompt]
    order = sorted(range(len(rows)), key=lambda r: len(rows[r].token_ids))  # alike in length: little padding
    sums_R = np.empty(len(rows))
    for start in range(0, len(rows), max_rows):
        chosen = order[start : start + max_rows]
        found = logps_after(lm, prefix, [rows[r] for r in chosen], pad_id=pad_id)
        sums_R[chosen] = found.logps_RL.double().sum(-1).cpu().numpy()
    return np.split(sums_R, np.cumsum([len(of_prompt) for of_prompt in texts])[:-1])
