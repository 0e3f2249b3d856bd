from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from rlfg.data import DataSpec, check_images, load_examples
from rlfg.errors import RlfgError


def write(path: Path, *lines: dict[str, object] | str) -> DataSpec:
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    return DataSpec(path=str(path))


def test_a_line_becomes_an_example(tmp_path: Path) -> None:
    spec = write(
        tmp_path / "m.jsonl",
        {"image": "a.png", "label": " robin ", "split": "train", "meta": {"place": "garden"}, "camera": 3},
        "",
        {"image": "b.png", "label": "wren", "id": "w1", "question": "Which bird?"},
    )
    first, second = load_examples(spec)
    assert (first.id, first.label, first.image) == ("m:1", "robin", str(tmp_path / "a.png"))
    assert first.meta == {"camera": 3, "place": "garden"}
    assert (second.id, second.question) == ("w1", "Which bird?")


def test_csv_and_mapped_columns(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_text('file,species,meta\nx/a.png,robin,"{""place"": ""garden""}"\n')
    (example,) = load_examples(
        DataSpec(path=str(path), columns={"image": "file", "label": "species"}, image_root="pics")
    )
    assert example.image == "pics/x/a.png"
    assert example.meta == {"place": "garden"}


def test_a_table_of_a_spreadsheet(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_bytes("\ufeffimage;label\r\n1.png;Möwe\r\n".encode())
    (example,) = load_examples(DataSpec(path=str(path)))
    assert (example.id, example.label) == ("m:2", "Möwe")
    path.write_bytes("image;label\n1.png;Möwe\n".encode("cp1252"))
    with pytest.raises(RlfgError, match=r"m\.csv: not UTF-8 text .* save it as UTF-8"):
        load_examples(DataSpec(path=str(path)))
    path.write_text("Datei;label\n1.png;Amsel\n")
    with pytest.raises(RlfgError, match=r"m\.csv:2: no `image` here .* rename that column, or .*data.columns="):
        load_examples(DataSpec(path=str(path)))
    with pytest.raises(RlfgError, match="birds: no such file or folder; what kind of dataset"):
        load_examples(DataSpec(path="birds"))


def test_parquet_reads_as_jsonl_does(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    lines = [{"image": f"{i}.png", "label": "robin", "id": str(i)} for i in range(5000)]
    pq.write_table(pa.Table.from_pylist(lines), tmp_path / "m.parquet")
    spec = write(tmp_path / "m.jsonl", *lines)
    assert load_examples(DataSpec(path=str(tmp_path / "m.parquet"))).items == load_examples(spec).items


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "no examples"),
        (["{"], r"m\.jsonl:1: not valid JSON"),
        (["[]"], r"m\.jsonl:1: a line must be a JSON object"),
        ([{"image": "a"}], r"m\.jsonl:1: no `label`"),
        ([{"image": "a", "lable": "x"}], "did you mean 'lable'"),
        ([{"image": "a", "label": " "}], "`label` is empty"),
        ([{"image": "a", "label": "x", "id": 1}, {"image": "b", "label": "x", "id": 1}], r"m\.jsonl:2: id '1' .*:1;"),
    ],
)
def test_a_bad_manifest_names_the_line(tmp_path: Path, lines: list, message: str) -> None:
    with pytest.raises(RlfgError, match=message):
        load_examples(write(tmp_path / "m.jsonl", *lines))


def test_a_folder_of_splits_as_a_hugging_face_dataset(tmp_path: Path) -> None:
    """Unless one is asked for, none of several is taken: an evaluation must not be of training pictures."""
    pytest.importorskip("datasets")
    for folder in ("both/train/robin", "both/train/wren", "both/test/robin", "both/test/wren", "alone/robin"):
        (tmp_path / folder).mkdir(parents=True)
        Image.new("RGB", (5, 7)).save(tmp_path / folder / "a.png")
    both, alone = str(tmp_path / "both"), str(tmp_path / "alone")
    with pytest.raises(RlfgError, match="has several splits; set split to one of train, test"):
        load_examples(DataSpec(path=both, format="hf"))
    found = load_examples(DataSpec(path=both, format="hf", split="test"))
    assert sorted(e.label for e in found) == ["robin", "wren"]
    with pytest.raises(RlfgError, match=r"no column 'label' \(found: image\)"):  # one class: `datasets` drops it
        load_examples(DataSpec(path=alone, format="hf"))


def test_splits_and_limits(tmp_path: Path) -> None:
    lines = [{"image": f"{i}", "label": "x", "split": "train" if i % 2 else "test"} for i in range(6)]
    spec = write(tmp_path / "m.jsonl", *lines)
    assert len(load_examples(DataSpec(path=spec.path, split="test", limit=2))) == 2
    with pytest.raises(RlfgError, match="limit is a number of examples, at least 1, not 0"):
        DataSpec(path=spec.path, limit=0)
    with pytest.raises(RlfgError, match="limit_seed draws `limit` examples"):
        DataSpec(path=spec.path, limit_seed=0)
    with pytest.raises(RlfgError, match=r"test \(3\), train \(3\)"):
        load_examples(DataSpec(path=spec.path, split="val"))


def test_a_limit_is_drawn_by_ids_alone_and_a_smaller_one_is_part_of_a_larger(tmp_path: Path) -> None:
    lines = [{"id": f"{i}", "image": f"{i}", "label": f"class {i // 50}"} for i in range(200)]

    def ids(name: str, order: list[dict[str, str]], limit: int, seed: int = 0) -> list[str]:
        path = write(tmp_path / name, *order).path
        return [e.id for e in load_examples(DataSpec(path=path, limit=limit, limit_seed=seed))]

    forth, back = ids("a.jsonl", lines, 40), ids("b.jsonl", lines[::-1], 40)
    assert forth == back and len(set(forth)) == 40 and ids("a.jsonl", lines, 10) == forth[:10]
    assert ids("a.jsonl", lines, 40, seed=1) != forth
    assert len({int(i) // 50 for i in forth}) == 4, "not the first class alone"


def test_linked_folders_of_an_image_folder_are_read(tmp_path: Path) -> None:
    """Under each name that they have, and no circle is followed for ever."""
    for folder in ("data/robin", "elsewhere"):
        (tmp_path / folder).mkdir(parents=True)
        Image.new("RGB", (5, 7)).save(tmp_path / folder / "a.PNG")
    (tmp_path / "data" / "robin" / "folder.png").mkdir()
    for link, target in (("wren", "elsewhere"), ("winter_wren", "elsewhere"), ("robin/round", "data")):
        (tmp_path / "data" / link).symlink_to(tmp_path / target)
    (tmp_path / "elsewhere" / "other").symlink_to(tmp_path / "data" / "robin")
    (tmp_path / "data" / "robin" / "back").symlink_to(tmp_path / "elsewhere")
    found = {example.id: example.label for example in load_examples(DataSpec(path=str(tmp_path / "data")))}
    assert found == {
        "robin/a.PNG": "robin", "robin/back/a.PNG": "back", "wren/a.PNG": "wren", "wren/other/a.PNG": "other",
        "winter_wren/a.PNG": "winter wren", "winter_wren/other/a.PNG": "other",
    }  # fmt: skip


def test_an_image_folder_takes_labels_from_its_folders(tmp_path: Path) -> None:
    for name in ("train/house_wren/1.png", "train/robin/1.png", "test/robin/2.png"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4)).save(path)
    examples = load_examples(DataSpec(path=str(tmp_path), split="train"))
    assert [e.label for e in examples] == ["house wren", "robin"]
    assert examples.open_image(0).size == (4, 4)


def test_a_hugging_face_dataset_with_embedded_pictures(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    Image.new("L", (5, 7), 9).save(tmp_path / "a.png")
    features = datasets.Features(
        {
            "picture": datasets.Image(),
            "label": datasets.ClassLabel(names=["robin", "wren"]),
            "site": datasets.Value("string"),
        }
    )
    data = datasets.Dataset.from_dict(
        {"picture": [str(tmp_path / "a.png")] * 3, "label": [1, 0, 1], "site": ["x", "y", "z"]}, features=features
    )
    data.save_to_disk(tmp_path / "saved")
    examples = load_examples(DataSpec(path=str(tmp_path / "saved"), columns={"image": "picture"}))
    assert [e.label for e in examples] == ["wren", "robin", "wren"]
    assert examples[1].meta == {"site": "y"}
    assert examples.open_image(2).mode == "RGB"
    assert check_images(examples)[1].counts == {"greyscale": 3}
    several = str(tmp_path / "several")
    datasets.DatasetDict({"train": data, "test": data.select([1])}).save_to_disk(several)
    columns = {"image": "picture"}
    assert [e.label for e in load_examples(DataSpec(path=several, split="test", columns=columns))] == ["robin"]
    for split, says in ((None, "has several splits; set split to one of train, test"), ("val", "has no split 'val'")):
        with pytest.raises(RlfgError, match=says):
            load_examples(DataSpec(path=several, split=split, columns=columns))
    datasets.DatasetDict({"only": data}).save_to_disk(tmp_path / "one")
    assert len(load_examples(DataSpec(path=str(tmp_path / "one"), columns=columns))) == 3
