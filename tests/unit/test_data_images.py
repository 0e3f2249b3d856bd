from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rlfg.data import DataSpec, ImageError, check_images, load_examples, open_image
from rlfg.data.images import inspect_image
from rlfg.errors import RlfgError

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "images"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason=f"the shared pictures are not at {SHARED}")


def test_sixteen_bits_are_scaled_not_clipped(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 32768, 65535]], dtype=np.uint16)).save(tmp_path / "deep.png")
    picture, kind = inspect_image(tmp_path / "deep.png")
    assert kind == "16-bit"
    assert np.asarray(picture)[0, :, 0].tolist() == [0, 128, 255]


def test_exif_orientation_turns_the_picture(tmp_path: Path) -> None:
    picture = Image.new("RGB", (4, 2), "red")
    exif = picture.getexif()
    exif[0x0112] = 6
    picture.save(tmp_path / "turned.jpg", exif=exif)
    opened, kind = inspect_image(tmp_path / "turned.jpg")
    assert (opened.size, kind) == ((2, 4), "exif-rotated")


def test_transparency_becomes_white_and_an_animation_its_first_frame(tmp_path: Path) -> None:
    Image.new("RGBA", (2, 2), (255, 0, 0, 0)).save(tmp_path / "clear.png")
    assert open_image(tmp_path / "clear.png").getpixel((0, 0)) == (255, 255, 255)
    frames = [Image.new("RGB", (2, 2), colour) for colour in ("blue", "red")]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    picture, kind = inspect_image(tmp_path / "moving.gif")
    assert (picture.getpixel((0, 0)), kind) == ((0, 0, 255), "animated")


@pytest.mark.parametrize(("content", "kind"), [(None, "missing"), (b"", "empty"), (b"not a picture", "unreadable")])
def test_what_is_no_picture_says_so(tmp_path: Path, content: bytes | None, kind: str) -> None:
    path = tmp_path / "x.png"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ImageError, match=str(path)) as caught:
        open_image(path)
    assert caught.value.kind == kind


@needs_shared
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("african_elephants", "ok"),
        ("african_elephants_bw", "greyscale"),
        ("african_elephants_cmyk", "cmyk"),
        ("african_elephants_with_exif_orientation", "exif-rotated"),
    ],
)
def test_real_pictures_of_one_scene_look_alike(name: str, kind: str) -> None:
    picture, found = inspect_image(SHARED / f"{name}.jpg")
    assert found == kind
    plain = open_image(SHARED / "african_elephants.jpg")
    assert picture.size == plain.size
    small = [np.asarray(p.convert("L").resize((32, 32)), dtype=float) for p in (picture, plain)]
    assert abs(small[0] - small[1]).mean() < 12


@needs_shared
def test_a_check_counts_every_line(tmp_path: Path) -> None:
    names = sorted(p.name for p in SHARED.glob("*.jpg"))
    lines = [f'{{"image": "{SHARED / name}", "label": "x"}}\n' for name in [*names, "gone.jpg"]]
    (tmp_path / "m.jsonl").write_text("".join(lines))
    examples = load_examples(DataSpec(path=str(tmp_path / "m.jsonl")))
    good, report = check_images(examples, on_bad="skip")
    assert sum(report.counts.values()) == report.total == len(names) + 1
    assert len(good) + len(report.bad) == report.total
    assert {b.kind for b in report.bad} == {"truncated", "missing"}
    with pytest.raises(RlfgError, match=r"m\.jsonl:\d+: truncated"):
        check_images(examples)
