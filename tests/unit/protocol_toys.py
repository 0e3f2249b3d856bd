"""A small collection of birds, with a picture of its own colour for each line, and how it is asked about."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from PIL import Image

from eval.predict import PredictConfig
from rlfg.config import build_config
from rlfg.data import DataSpec, Examples, load_examples

TREE = """\
order,family,genus,species
Charadriiformes,Laridae,Larus,Herring Gull
Charadriiformes,Laridae,Larus,Common Gull
Charadriiformes,Laridae,Sterna,Common Tern
Passeriformes,Corvidae,Corvus,Raven
Passeriformes,Corvidae,Pica,Magpie
"""
SPECIES = ("Herring Gull", "Common Gull", "Common Tern", "Raven", "Magpie")


def collection(folder: Path, *, each: int = 2, labels: tuple[str, ...] = SPECIES) -> Path:
    """A manifest of `each` pictures a species, and `tree.csv` beside it. Pictures look different to a hash, too."""
    lines = []
    for s, label in enumerate(labels):
        for k in range(each):
            name = f"{label.replace(' ', '-')}-{k}"
            picture = Image.new("RGB", (64, 64), (40 * s + 20, 30 * k + 20, 90))
            for x in range(64):  # a bar of its own place and width
                for y in range(8 * ((s + 2 * k) % 8), 8 * ((s + 2 * k) % 8) + 4 + s):
                    if (x * (k + 1) + y * (s + 1)) % (3 + s + k) < 2 and y < 64:
                        picture.putpixel((x, y), (250, 250 - 20 * s, 20 * k))
            picture.save(folder / f"{name}.png")
            lines.append({"id": name, "image": f"{name}.png", "label": label})
    manifest = folder / "data.jsonl"
    manifest.write_text("".join(json.dumps(line) + "\n" for line in lines))
    (folder / "tree.csv").write_text(TREE)
    return manifest


def examples(folder: Path, **how: Any) -> Examples:
    return load_examples(DataSpec(path=str(collection(folder, **how))))


def config(manifest: Path, *, backend: dict[str, Any], protocol: dict[str, Any], **more: Any) -> PredictConfig:
    values = {
        "backend": backend,
        "data": {"path": str(manifest)},
        "out": str(manifest.with_name("answers.jsonl")),
        "protocol": protocol,
        "taxonomy": {"path": str(manifest.with_name("tree.csv")), "root": "bird"},
        **more,
    }
    return build_config(PredictConfig, values, "test")


def chat(url: str, **more: Any) -> dict[str, Any]:
    """A backend section; impatient."""
    endpoint = {"model": "toy", "base_url": url, "retry": {"attempts": 2, "first_wait_s": 0.01}}
    return {"chat": {"endpoint": endpoint, **more}}


def stored(folder: Path, answers: dict[str, list[str]]) -> dict[str, Any]:
    """A backend section of answers by item."""
    path = folder / "stored.jsonl"
    lines = [{"id": key, "truth": "unknown", "completions": texts} for key, texts in answers.items()]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return {"answers": str(path)}
