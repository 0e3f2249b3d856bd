"""Pictures made worse: in the way that is said, more with each severity, and the same each time."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from protocol_toys import collection, config, stored

from rlfg.cli import main
from rlfg.data import DataSpec, load_examples
from rlfg.data.corruptions import CORRUPTIONS, SEVERITIES, write_corrupted
from rlfg.errors import RlfgError
from rlfg.randomness import generator
from rlfg.training.evaluation import run_predict


def photo() -> Image.Image:
    """Smooth colours with edges, and something in every corner."""
    y, x = np.mgrid[0:90, 0:120]
    colours = np.stack([x * 2, y * 2, 120 * ((x // 15 + y // 15) % 2)], axis=-1)
    return Image.fromarray(colours.astype(np.uint8))


def distance(a: Image.Image, b: Image.Image) -> float:
    return float(np.abs(np.asarray(a, dtype=np.float64) - np.asarray(b, dtype=np.float64)).mean())


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_each_severity_is_further_from_the_picture(kind: str) -> None:
    made = [CORRUPTIONS[kind](photo(), severity, generator(0, kind, severity, "a")) for severity in SEVERITIES]
    far = [distance(photo(), picture) for picture in made]
    assert all(picture.size == (120, 90) and picture.mode == "RGB" for picture in made)
    assert far[0] > 0.5
    if kind != "crop":  # whose place is drawn
        assert far[0] < far[1] < far[2]


def test_each_does_what_it_says() -> None:
    rng = generator(0)
    grey = np.asarray(CORRUPTIONS["greyscale"](photo(), 3, rng))
    assert (grey[..., 0] == grey[..., 1]).all() and (grey[..., 1] == grey[..., 2]).all()
    bright = np.asarray(CORRUPTIONS["brightness"](photo(), 2, rng)).astype(int)
    assert (bright == np.minimum(255, 2 * np.asarray(photo()).astype(int))).all()
    flat = Image.new("RGB", (200, 200), (128, 128, 128))
    spread = np.asarray(CORRUPTIONS["noise"](flat, 1, rng), dtype=float).std()
    assert spread == pytest.approx(0.06 * 255, rel=0.03)
    assert distance(CORRUPTIONS["blur"](flat, 3, rng), flat) == 0
    assert len({CORRUPTIONS["crop"](photo(), 3, generator(0, k)).tobytes() for k in range(5)}) == 5


def test_a_robustness_set_is_the_same_each_time_and_is_scored_by_condition(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = collection(tmp_path, each=1)
    for out in ("one", "two"):
        with pytest.raises(SystemExit) as ended:
            main(["data", "corrupt", str(manifest), "--out", str(tmp_path / out), "--kinds", "noise,crop"])
        assert ended.value.code == 0
    assert "35 lines, 5 pictures clean and in 6 conditions" in capsys.readouterr().out
    one, two = (load_examples(DataSpec(path=str(tmp_path / out / "data.jsonl"))) for out in ("one", "two"))
    assert [e.id for e in one] == [e.id for e in two] and len(one) == 35
    assert all(one.open_image(i).tobytes() == two.open_image(i).tobytes() for i in range(35))
    assert len({one.open_image(i).tobytes() for i, e in enumerate(one) if e.meta["corruption"] != "crop"}) == 20
    clean = [e for e in one if e.meta["severity"] == 0]
    assert [e.label for e in clean] == [e.label for e in load_examples(DataSpec(path=str(manifest)))]
    answers = {e.id: [f"<answer>{e.label if e.meta['severity'] < 3 else 'bird'}</answer>"] for e in one}
    asked = config(tmp_path / "one" / "data.jsonl", backend=stored(tmp_path, answers), protocol={}, taxonomy=None)
    assert run_predict(asked) == 0
    tree = ["--taxonomy", str(tmp_path / "tree.csv"), "--root", "bird"]
    with pytest.raises(SystemExit):
        main(["score", *tree, "--predictions", asked.out, "--group-by", "condition", "--out", str(tmp_path / "scored")])
    groups = json.loads((tmp_path / "scored" / "metrics.json").read_text())["groups"]
    assert set(groups) == {"none", *(f"{kind}-{severity}" for kind in ("noise", "crop") for severity in SEVERITIES)}
    assert [groups[name]["specificity"] for name in ("none", "noise-2", "noise-3", "crop-3")] == [1.0, 1.0, 0.0, 0.0]


def test_what_cannot_be_made_is_said(tmp_path: Path) -> None:
    data = load_examples(DataSpec(path=str(collection(tmp_path, each=1))))
    with pytest.raises(RlfgError, match="'fog' is no corruption; there are blur"):
        write_corrupted(data, tmp_path / "out", kinds=("fog",))
    counts = write_corrupted(data, tmp_path / "out", kinds=("blur", "blur"))
    assert counts == dict.fromkeys(("none", "blur-1", "blur-2", "blur-3"), 5)
    with pytest.raises(RlfgError, match="is there already"):
        write_corrupted(data, tmp_path / "out", kinds=("blur",))
