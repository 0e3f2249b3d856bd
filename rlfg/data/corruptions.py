"""Pictures made worse in ways that photos are: for how far a model's answers hold (after Hendrycks & Dietterich 2019).

Each is a function of the picture, the severity (1 to 3) and a key, so that the same call writes the same pictures.
Strengths go by the picture's size where it matters: a severity means the same on every picture.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from rlfg.data.examples import Examples
from rlfg.data.splits import record_of
from rlfg.errors import RlfgError
from rlfg.randomness import generator

SEVERITIES = (1, 2, 3)
CLEAN = "none"
Corruption = Callable[[Image.Image, int, np.random.Generator], Image.Image]


def blur(picture: Image.Image, severity: int, rng: np.random.Generator) -> Image.Image:
    """Gaussian, of 0.5, 1 or 2 % of the shorter side."""
    return picture.filter(ImageFilter.GaussianBlur(min(picture.size) * (0.005, 0.01, 0.02)[severity - 1]))


def noise(picture: Image.Image, severity: int, rng: np.random.Generator) -> Image.Image:
    """Gaussian, with a standard deviation of 6, 12 or 24 % of full brightness, on each pixel and colour."""
    values = np.asarray(picture, dtype=np.float64)
    values = values + rng.normal(0.0, 255 * (0.06, 0.12, 0.24)[severity - 1], values.shape)
    return Image.fromarray(values.round().clip(0, 255).astype(np.uint8))


def jpeg(picture: Image.Image, severity: int, rng: np.random.Generator) -> Image.Image:
    """Compressed with quality 30, 15 or 7."""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=(30, 15, 7)[severity - 1])
    return Image.open(buffer).convert("RGB")


def greyscale(picture: Image.Image, severity: int, rng: np.random.Generator) -> Image.Image:
    """A third, two thirds or all of the colour taken away."""
    return Image.blend(picture, ImageOps.grayscale(picture).convert("RGB"), severity / 3)


def crop(picture: Image.Image, severity: int, rng: np.random.Generator) -> Image.Image:
    """A part of 80, 60 or 40 % of each side, from a place that is drawn, scaled to the old size."""
    width, height = picture.size
    share = (0.8, 0.6, 0.4)[severity - 1]
    wide, high = max(1, round(width * share)), max(1, round(height * share))
    left, top = int(rng.integers(width - wide + 1)), int(rng.integers(height - high + 1))
    return picture.crop((left, top, left + wide, top + high)).resize((width, height), Image.Resampling.BICUBIC)


def brightness(picture: Image.Image, severity: int, rng: np.random.Generator) -> Image.Image:
    """1.5, 2 or 3 times as bright, what is brighter than white being white."""
    return ImageEnhance.Brightness(picture).enhance((1.5, 2.0, 3.0)[severity - 1])


CORRUPTIONS: Mapping[str, Corruption] = {
    "blur": blur,
    "noise": noise,
    "jpeg": jpeg,
    "greyscale": greyscale,
    "crop": crop,
    "brightness": brightness,
}


def write_corrupted(
    examples: Examples, out: Path, *, kinds: Sequence[str] = tuple(CORRUPTIONS), seed: int = 0
) -> dict[str, int]:
    """Writes every picture in every kind and severity, and `data.jsonl`, which has the clean ones, too.

    A line's `meta` has `corruption`, `severity` (0: clean) and `condition` ("blur-2"), to report by, and `clean_id`.

    Returns:
        Lines by condition.

    Raises:
        RlfgError: A kind is unknown; the pictures are no files; the folder has a manifest.
    """
    unknown = [kind for kind in kinds if kind not in CORRUPTIONS]
    if unknown:
        raise RlfgError(f"{unknown[0]!r} is no corruption; there are {', '.join(CORRUPTIONS)}")
    kinds = tuple(dict.fromkeys(kinds))
    examples.require_files("corrupt")
    manifest = out / "data.jsonl"
    if manifest.exists():
        raise RlfgError(f"{manifest}: is there already; give another folder")
    lines: dict[str, list[str]] = {CLEAN: []}
    for i, example in enumerate(examples):
        picture = examples.open_image(i)
        places = [(CLEAN, 0, Path(example.image)), *_write(picture, example.id, i, out, kinds, seed)]
        for kind, severity, path in places:
            condition = kind if kind == CLEAN else f"{kind}-{severity}"
            told = {"corruption": kind, "severity": severity, "condition": condition, "clean_id": example.id}
            name = example.id if kind == CLEAN else f"{example.id}@{condition}"
            record = record_of(example, out, image=str(path), id=name, meta=told)
            lines.setdefault(condition, []).append(json.dumps(record, ensure_ascii=False) + "\n")
    manifest.write_text("".join(line for of_kind in lines.values() for line in of_kind), encoding="utf-8")
    return {condition: len(of_kind) for condition, of_kind in lines.items()}


def _write(
    picture: Image.Image, name: str, number: int, out: Path, kinds: Sequence[str], seed: int
) -> list[tuple[str, int, Path]]:
    """The picture in every kind and severity; files are named by number, ids need not be names."""
    written = []
    for kind in kinds:
        for severity in SEVERITIES:
            path = out / "images" / f"{kind}-{severity}" / f"{number:06d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            CORRUPTIONS[kind](picture, severity, generator(seed, kind, severity, name)).save(path, compress_level=1)
            written.append((kind, severity, path))
    return written
