"""Encoded pictures on disk: what is read back is what was kept, and nothing else's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from PIL import Image  # noqa: E402

from rlfg.models.load import ModelSpec, load_model, load_processor  # noqa: E402
from rlfg.models.picture_cache import PictureCache  # noqa: E402
from rlfg.models.pictures import encode_pictures  # noqa: E402
from rlfg.models.prefix import language_model  # noqa: E402


def ask(text: str = "What is this?") -> list[dict[str, Any]]:
    return [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": text}]}]


RED = Image.new("RGB", (84, 84), "red")


@pytest.fixture
def lm(tiny_model: Path) -> Any:
    return language_model(load_model(ModelSpec(path=str(tiny_model), dtype="float32")))


def cache(
    folder: Path, lm: Any, tiny_model: Path, max_pixels: int | None = None, precision: str = "no"
) -> PictureCache:
    processor = load_processor(ModelSpec(path=str(tiny_model), max_pixels=max_pixels))
    return PictureCache(folder, lm, processor, precision=precision)


def fill(kept: PictureCache, lm: Any) -> Any:
    [prompt] = encode_pictures(lm, [kept.encode(ask(), [RED])])
    kept.keep([prompt])
    return prompt


def test_what_is_read_is_what_was_kept(tmp_path: Path, lm: Any, tiny_model: Path) -> None:
    first = fill(cache(tmp_path, lm, tiny_model), lm)
    later = cache(tmp_path, lm, tiny_model)
    again = later.encode(ask(), [RED.copy()])
    assert again.pixel_values_ND is None and again.features is not None
    for name in ("input_ids_T", "mm_token_type_ids_T", "image_grid_thw_K3"):
        assert torch.equal(getattr(again, name), getattr(first, name))
    assert torch.equal(again.features.embeds_NH, first.features.embeds_NH)
    assert later.take_share() == 1.0


def test_layers_besides_are_kept_too(tmp_path: Path, lm: Any, tiny_model: Path) -> None:
    kept = cache(tmp_path, lm, tiny_model)
    [prompt] = encode_pictures(lm, [kept.encode(ask(), [RED])])
    features = replace(prompt.features, deepstack=(prompt.features.embeds_NH + 1, prompt.features.embeds_NH + 2))
    kept.keep([replace(prompt, features=features)])
    again = kept.encode(ask(), [RED])
    assert [torch.equal(a, b) for a, b in zip(again.features.deepstack, features.deepstack, strict=True)] == [True] * 2


def test_anything_else_is_another_entry(tmp_path: Path, lm: Any, tiny_model: Path) -> None:
    fill(cache(tmp_path, lm, tiny_model), lm)
    kept = cache(tmp_path, lm, tiny_model)
    assert kept.encode(ask(), [Image.new("RGB", (84, 84), "blue")]).features is None
    assert kept.encode(ask("Which bird?"), [RED]).features is None
    assert kept.encode(ask(), [RED.resize((42, 168))]).features is None
    assert kept.take_share() == 0.0
    assert cache(tmp_path, lm, tiny_model, max_pixels=56 * 56).encode(ask(), [RED]).features is None
    assert cache(tmp_path, lm, tiny_model, precision="bf16").encode(ask(), [RED]).features is None
    tower = next(p for n, p in lm.named_parameters() if "visual" in n)
    with torch.no_grad():
        tower[0] += 1
    assert cache(tmp_path, lm, tiny_model).encode(ask(), [RED]).features is None


def test_a_file_cut_short_is_made_anew(tmp_path: Path, lm: Any, tiny_model: Path) -> None:
    first = fill(cache(tmp_path, lm, tiny_model), lm)
    [path] = tmp_path.rglob("*.safetensors")
    path.write_bytes(path.read_bytes()[:100])
    kept = cache(tmp_path, lm, tiny_model)
    assert torch.equal(fill(kept, lm).features.embeds_NH, first.features.embeds_NH)
    assert kept.encode(ask(), [RED]).features is not None
    assert [p.suffix for p in tmp_path.rglob("*") if p.is_file()] == [".safetensors"]
