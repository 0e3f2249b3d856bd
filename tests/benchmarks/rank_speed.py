"""Ranking a label list: prompts run once against a pass over prompt and label for each label.

python tests/benchmarks/rank_speed.py --labels 200 [--model FOLDER]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import torch
from PIL import Image

from rlfg.models.load import ModelSpec
from rlfg.models.logps import Row, completion_logps
from rlfg.models.prefix import language_model
from rlfg.models.prompts import EncodedPrompt, encode_prompt
from rlfg.resources import recipes_folder
from rlfg.rollouts.local import LocalModel
from rlfg.rollouts.ranking import rank_texts


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default=str(recipes_folder() / "assets" / "world-base"))
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--labels", type=int, default=200)
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--pictures", type=int, default=3)
    args = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    local = LocalModel(ModelSpec(path=args.model, dtype=args.dtype), device=device)
    lm, pad = language_model(local.model), local.processor.tokenizer.pad_token_id
    message = {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "What is this?"}]}
    pictures = [Image.effect_noise((84, 84), 60 + i).convert("RGB") for i in range(args.pictures)]
    prompts = [encode_prompt(local.processor, [message], [picture]) for picture in pictures]
    ids = [tuple(20 + (i * 7 + k) % 200 for k in range(4 + i % 5)) for i in range(args.labels)]

    def plain(prompt: EncodedPrompt) -> torch.Tensor:
        parts = []
        for start in range(0, len(ids), args.rows):
            rows = [Row(prompt=0, token_ids=row) for row in ids[start : start + args.rows]]
            with torch.no_grad():
                parts.append(completion_logps(lm, [prompt], rows, pad_id=pad, shared_prefix=False).logps_RL.sum(-1))
        return torch.cat(parts).double().cpu()

    def shared(prompt: EncodedPrompt) -> torch.Tensor:
        return torch.from_numpy(rank_texts(lm, [prompt], [ids], pad_id=pad, max_rows=args.rows)[0])

    def timed(way: Callable[[EncodedPrompt], torch.Tensor]) -> tuple[float, list[torch.Tensor]]:
        way(prompts[0])
        began = time.perf_counter()
        found = [way(prompt) for prompt in prompts]
        return (time.perf_counter() - began) / len(prompts), found

    (slow, theirs), (fast, ours) = timed(plain), timed(shared)
    far = max(float((a - b).abs().max()) for a, b in zip(theirs, ours, strict=True))
    print(f"{device.type}: prompt {len(prompts[0])} tokens, {len(ids)} labels of 4 to 8 tokens, a picture:")
    print(
        f"plain {slow:.3f} s, shared prefix {fast:.3f} s: {slow / fast:.1f} times as fast; largest difference {far:.1e}"
    )


if __name__ == "__main__":
    main()
