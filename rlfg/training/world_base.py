"""Trains the base model of the embedded world: `python -m rlfg.training.world_base --out DIR`.

Two phases, neither of which sees the answer contract or a reward:

1. vision: the tower and a linear head per trait, on random combinations of all trait values;
2. language: picture → caption (every combination, 60 %), picture → bare name of a seen species' taxon
   (25 %; order 40, family 30, genus 20, species 10 %), text-only field guide of seen species (15 %).

It writes the model (bfloat16), the processor and `metrics.json` (held-out accuracy of each trait in
captions, captions all right, settings). About eight minutes on two cores.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn

from rlfg.data.world.draw import draw_organism
from rlfg.data.world.species import TRAITS, Species, species_list
from rlfg.data.world.text import DESCRIBE, RANKS, caption, label_at, rationale
from rlfg.models.tiny import tiny_model, tiny_processor, tiny_tokenizer

NAME, GUIDE = "What is this?", "Describe "
TASK_MIX = {"caption": 0.60, "name": 0.25, "guide": 0.15}
NAME_MIX = {"order": 0.4, "family": 0.3, "genus": 0.2, "species": 0.1}


@dataclass(frozen=True, kw_only=True)
class BaseSpec:
    """What decides the base model."""

    seed: int = 1
    vision_steps: int = 350
    language_steps: int = 450
    batch: int = 64
    learning_rate: float = 1.5e-3
    hidden: int = 128
    layers: int = 4


def _corpus(seen: list[Species], rng: np.random.Generator) -> list[str]:
    """Text in the proportions the model will meet it, so that its words become single tokens."""
    lines = [DESCRIBE, NAME, "system", "user", "assistant", "None"] * 20
    for species in seen:
        relatives = [s for s in seen if s.genus == species.genus]
        for rank in (*RANKS, None):
            label = label_at(species, rank)
            lines += [label, f" {label}", rationale(species, rank, relatives, rng)] * 2
    return lines


def _random_traits(rng: np.random.Generator, n: int) -> np.ndarray:
    """(n, 5) trait indices, every combination equally likely."""
    return np.stack([rng.integers(len(values), size=n) for values in TRAITS.values()], axis=1)


class _Trainer:
    """Model, processor and the two phases."""

    def __init__(self, spec: BaseSpec) -> None:
        torch.manual_seed(spec.seed)
        self.spec = spec
        self.rng = np.random.default_rng(spec.seed)
        self.seen = [s for s in species_list() if s.group == "seen"]
        self.tokenizer = tiny_tokenizer(_corpus(self.seen, np.random.default_rng(0)))
        self.processor = tiny_processor(self.tokenizer)
        self.model = tiny_model(self.tokenizer, hidden=spec.hidden, layers=spec.layers)
        self.heads = nn.ModuleList(nn.Linear(9 * spec.hidden, len(v)) for v in TRAITS.values())

    def pixels(self, pictures: list[Image.Image]) -> dict[str, torch.Tensor]:
        return dict(self.processor.image_processor(images=pictures, return_tensors="pt"))

    def trait_logits(self, traits: np.ndarray, rng: np.random.Generator) -> list[torch.Tensor]:
        batch = self.pixels([draw_organism(tuple(t), rng) for t in traits.tolist()])
        features = self.model.model.get_image_features(**batch).pooler_output
        flat = torch.stack(list(features)).flatten(1)
        return [head(flat) for head in self.heads]

    def run(self, steps: int, parameters: list[nn.Parameter], peak: float, loss_of: Any, name: str) -> None:
        """AdamW with a short warm-up and cosine decay to a tenth."""
        optimizer = torch.optim.AdamW(parameters, lr=peak, weight_decay=0.01)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, peak, total_steps=steps, pct_start=0.08, div_factor=10, final_div_factor=10
        )
        began = time.perf_counter()
        for step in range(1, steps + 1):
            loss = loss_of()
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
            schedule.step()
            if step % 50 == 0 or step == 1:
                print(f"{name} {step}/{steps} loss {loss.item():.3f} {time.perf_counter() - began:.0f} s", flush=True)

    def vision(self) -> None:
        def loss() -> torch.Tensor:
            traits = _random_traits(self.rng, self.spec.batch)
            targets = torch.from_numpy(traits)
            logits = self.trait_logits(traits, self.rng)
            return sum((nn.functional.cross_entropy(x, targets[:, k]) for k, x in enumerate(logits)), torch.zeros(()))

        parameters = [*self.model.model.visual.parameters(), *self.heads.parameters()]
        self.run(self.spec.vision_steps, parameters, self.spec.learning_rate, loss, "vision")

    def lesson(self) -> tuple[Image.Image | None, str, str]:
        """One (picture or None, question, reply)."""
        kind = self.rng.choice(list(TASK_MIX), p=list(TASK_MIX.values()))
        if kind == "caption":
            traits = tuple(_random_traits(self.rng, 1)[0].tolist())
            return draw_organism(traits, self.rng), DESCRIBE, caption(traits)
        species = self.seen[self.rng.integers(len(self.seen))]
        if kind == "guide":
            rank = str(self.rng.choice(RANKS))
            return None, f"{GUIDE}{label_at(species, rank)}", _guide(species, rank)
        rank = str(self.rng.choice(list(NAME_MIX), p=list(NAME_MIX.values())))
        return draw_organism(species.traits, self.rng), NAME, label_at(species, rank)

    def language(self) -> None:
        def loss() -> torch.Tensor:
            lessons = [self.lesson() for _ in range(self.spec.batch)]
            batch = self.encode(lessons)
            loss: torch.Tensor = self.model(**batch).loss
            return loss

        self.run(self.spec.language_steps, list(self.model.parameters()), self.spec.learning_rate, loss, "language")

    def encode(self, lessons: list[tuple[Image.Image | None, str, str]]) -> dict[str, torch.Tensor]:
        """Right-padded batch whose labels cover the replies only."""
        texts, replies = [], []
        for picture, question, reply in lessons:
            content = [{"type": "image"}] if picture is not None else []
            message = {"role": "user", "content": [*content, {"type": "text", "text": question}]}
            texts.append(self.processor.apply_chat_template([message], add_generation_prompt=True))
            replies.append(f"{reply}<|im_end|>")
        pictures = [p for p, _, _ in lessons if p is not None]
        full = [t + r for t, r in zip(texts, replies, strict=True)]
        batch = dict(
            self.processor(
                text=full, images=pictures, padding=True, padding_side="right", return_tensors="pt",
                return_mm_token_type_ids=True,
            )
        )  # fmt: skip
        labels = batch["input_ids"].masked_fill(batch["attention_mask"] == 0, -100)
        for row, reply in enumerate(replies):
            end = int(batch["attention_mask"][row].sum())
            labels[row, : end - len(self.tokenizer(reply).input_ids)] = -100
        return {**batch, "labels": labels}

    def metrics(self, n: int = 400) -> dict[str, Any]:
        """Held-out accuracy of each trait word in greedy captions, and share of captions that are all right."""
        rng = np.random.default_rng(self.spec.seed + 10_000)
        traits = [tuple(t) for t in _random_traits(rng, n).tolist()]
        pictures = [draw_organism(t, rng) for t in traits]
        return {**caption_accuracy(self.model, self.processor, traits, pictures), "n": n}


@torch.no_grad()
def caption_accuracy(
    model: Any, processor: Any, traits: list[tuple[int, ...]], pictures: list[Image.Image]
) -> dict[str, Any]:
    """How well a model describes pictures whose traits are known."""
    message = {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": DESCRIBE}]}
    text = processor.apply_chat_template([message], add_generation_prompt=True)
    inputs = processor(text=[text] * len(pictures), images=pictures, return_tensors="pt", return_mm_token_type_ids=True)
    out = model.generate(**inputs, max_new_tokens=24, do_sample=False)
    replies = processor.tokenizer.batch_decode(out[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
    pairs = [(reply.split(", "), caption(t).split(", ")) for reply, t in zip(replies, traits, strict=True)]
    right = np.array([[len(r) > k and r[k] == word for k, word in enumerate(wanted)] for r, wanted in pairs])
    return {
        "trait_accuracy": {name: round(float(right[:, k].mean()), 4) for k, name in enumerate(TRAITS)},
        "caption_exact": round(float(right.all(1).mean()), 4),
    }


def _guide(species: Species, rank: str) -> str:
    """A field-guide line: the traits that a taxon's members share."""
    words = caption(species.traits).split(", ")
    return ", ".join(words[: {"order": 1, "family": 2, "genus": 3, "species": 5}[rank]])


def train_base(spec: BaseSpec, out: Path) -> dict[str, Any]:
    """Trains both phases, saves to `out` in bfloat16 and returns the metrics."""
    began = time.perf_counter()
    trainer = _Trainer(spec)
    trainer.vision()
    trainer.language()
    trainer.model.eval()
    metrics = {
        **trainer.metrics(),
        "parameters": sum(p.numel() for p in trainer.model.parameters()),
        "mix": {"task": TASK_MIX, "name": NAME_MIX},
        "spec": asdict(spec),
        "seconds": round(time.perf_counter() - began),
    }
    out.mkdir(parents=True, exist_ok=True)
    trainer.model.to(torch.bfloat16).save_pretrained(out)
    trainer.processor.save_pretrained(out)
    (out / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n")
    return metrics


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=BaseSpec.seed)
    parser.add_argument("--vision-steps", type=int, default=BaseSpec.vision_steps)
    parser.add_argument("--language-steps", type=int, default=BaseSpec.language_steps)
    args = parser.parse_args()
    spec = BaseSpec(seed=args.seed, vision_steps=args.vision_steps, language_steps=args.language_steps)
    print(json.dumps(train_base(spec, args.out), indent=2))


if __name__ == "__main__":
    main()
