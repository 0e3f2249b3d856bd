"""Questions about several pictures, and one question a rank: drawn from any classes, balanced, and no trivial ones."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path

import pytest
from http_model import HttpModel
from protocol_toys import chat, collection, config, examples

from eval.predictions import read_predictions
from eval.protocols.counting import CountSpec
from eval.protocols.pairs import PairsSpec
from eval.protocols.per_rank import PerRankSpec
from eval.protocols.ranking import RankSpec
from eval.tally import tally
from rlfg.cli import main
from rlfg.data import DataSpec, load_examples
from rlfg.data.images import png_url
from rlfg.errors import RlfgError
from rlfg.taxonomy import load_taxonomy
from rlfg.training.evaluation import run_predict


def test_half_of_the_pairs_are_the_same_and_none_comes_twice(tmp_path: Path) -> None:
    data = examples(tmp_path, each=6)
    items = PairsSpec(pairs=41, duplicates="ignore").items(data, None, 3)
    assert len(items) == 40 and Counter(item.truth for item in items) == {"yes": 20, "no": 20}
    shown = [item.questions[0].pictures for item in items]
    assert len({frozenset(pair) for pair in shown}) == 40
    for item, (a, b) in zip(items, shown, strict=True):
        assert (data[a].label == data[b].label) == (item.truth == "yes") and a != b
    same = Counter(item.told["class"] for item in items if item.truth == "yes")
    assert set(same.values()) == {4}, "classes take turns"
    assert PairsSpec(pairs=41, duplicates="ignore").items(data, None, 3) == items
    assert PairsSpec(pairs=41, duplicates="ignore").items(data, None, 4) != items


def test_different_pairs_may_be_of_the_nearest_classes(tmp_path: Path) -> None:
    data = examples(tmp_path, each=6)
    tree = load_taxonomy(tmp_path / "tree.csv", root="bird")
    items = PairsSpec(pairs=40, negatives="taxonomic", duplicates="ignore").items(data, tree, 0)
    for item in items:
        if item.truth == "no" and "Herring Gull" in item.told["classes"][:1]:
            assert item.told["classes"][1] in ("Common Gull", "Common Tern")
    with pytest.raises(RlfgError, match="need a taxonomy"):
        PairsSpec(pairs=40, negatives="taxonomic", duplicates="ignore").items(data, None, 0)


def test_a_picture_beside_its_copy_is_no_question(tmp_path: Path) -> None:
    manifest = collection(tmp_path, each=1)
    lines = [json.loads(line) for line in manifest.read_text().splitlines()]
    for line in list(lines):
        shutil.copy(tmp_path / line["image"], tmp_path / f"copy-{line['image']}")
        lines.append({**line, "id": f"copy-{line['id']}", "image": f"copy-{line['image']}"})
    manifest.write_text("".join(json.dumps(line) + "\n" for line in lines))
    data = load_examples(DataSpec(path=str(manifest)))
    with pytest.raises(RlfgError, match="for want of pictures of one class"):
        PairsSpec(pairs=4, duplicates="exact").items(data, None, 0)
    assert len(PairsSpec(pairs=4, duplicates="ignore").items(data, None, 0)) == 4


def test_no_more_pairs_than_there_are(tmp_path: Path) -> None:
    data = examples(tmp_path, each=2)  # five pairs of one class
    assert len(PairsSpec(pairs=10, duplicates="ignore").items(data, None, 0)) == 10
    with pytest.raises(RlfgError, match="only about 10 can be had, for want of pictures of one class"):
        PairsSpec(pairs=12, duplicates="ignore").items(data, None, 0)


def test_each_count_comes_as_often(tmp_path: Path) -> None:
    data = examples(tmp_path, each=5)
    items = CountSpec(questions=122, duplicates="ignore").items(data, None, 1)
    assert Counter(item.truth for item in items) == {"0": 30, "1": 30, "2": 30, "3": 30}
    for item in items:
        reference, *shown = item.questions[0].pictures
        assert str(sum(data[i].label == data[reference].label for i in shown)) == item.truth
        assert len({reference, *shown}) == 4
    where = Counter(
        place for item in items if item.truth == "1" for place, name in enumerate(item.told["classes"][1:])
        if name == item.told["class"]
    )  # fmt: skip
    assert len(where) == 3 and min(where.values()) > 3, "the one that matches stands at every place"
    many = [item.questions[0].pictures for item in CountSpec(questions=240, duplicates="ignore").items(data, None, 1)]
    assert len({(pictures[0], frozenset(pictures[1:])) for pictures in many}) == 240, "none twice"
    with pytest.raises(RlfgError, match=r"count: only about \d+ questions can be had"):  # all three match: 5 × 5 × 4
        CountSpec(questions=404, duplicates="ignore").items(data, None, 1)
    with pytest.raises(RlfgError, match="no class has four pictures"):
        CountSpec(questions=4, duplicates="ignore").items(examples(tmp_path, each=3), None, 0)


@pytest.mark.parametrize(("protocol", "truths"), [("pairs", {"yes", "no"}), ("count", {"0", "1", "2", "3"})])
def test_a_model_that_sees_is_right(tmp_path: Path, protocol: str, truths: set[str]) -> None:
    """Through the whole way: drawn, asked with all its pictures, written, read, tallied."""
    manifest = collection(tmp_path, each=5)
    data = load_examples(DataSpec(path=str(manifest)))
    labels = {png_url(data.open_image(i)): e.label for i, e in enumerate(data)}

    def script(text: str, urls: list[str], time: int) -> str:
        first, *others = (labels[url] for url in urls)
        same = sum(other == first for other in others)
        return f"<answer>{same if len(others) == 3 else ('no', 'yes')[same]}</answer>"

    section = {"pairs": {"pairs": 20}, "count": {"questions": 20}}[protocol]
    with HttpModel(script) as model:
        asked = config(manifest, backend=chat(model.url), protocol={protocol: {**section, "duplicates": "ignore"}})
        assert run_predict(asked) == 0
    lines = read_predictions(tmp_path / "answers.jsonl")
    assert {line.truth for line in lines} == truths
    _, metrics = tally(lines)
    assert metrics["accuracy"] == 1.0 and metrics["items"] == 20 and metrics["classes"] == 5


def test_each_rank_is_asked_for_by_itself(tmp_path: Path) -> None:
    manifest = collection(tmp_path, each=1)
    tree = load_taxonomy(tmp_path / "tree.csv", root="bird")
    data = load_examples(DataSpec(path=str(manifest)))
    items = PerRankSpec(ranks=("family", "species")).items(data, tree, 0)
    assert [len(item.questions) for item in items] == [2] * 5 and items[0].told["ranks"] == ["family", "species"]
    assert "Which family" in items[0].questions[0].text and "Which species" in items[0].questions[1].text
    assert PerRankSpec().items(data, tree, 0)[0].told["ranks"] == ["order", "family", "genus", "species"]
    with pytest.raises(RlfgError, match="no rank 'tribe'"):
        PerRankSpec(ranks=("tribe",)).items(data, tree, 0)
    with pytest.raises(RlfgError, match="needs a taxonomy with ranks"):
        PerRankSpec().items(data, None, 0)


def test_braces_may_stand_in_a_question_or_form(tmp_path: Path) -> None:
    data = examples(tmp_path, each=1)
    tree = load_taxonomy(tmp_path / "tree.csv", root="bird")
    (asked,) = (
        PerRankSpec(ranks=("genus",), question='Say {"rank": "{rank}"}: which {rank}?')
        .items(data, tree, 0)[0]
        .questions
    )
    assert asked.text.startswith('Say {"rank": "genus"}: which genus?')
    (ranked,) = RankSpec(form='{"name": "{}"}').items(data, None, 0)[0].questions
    assert '{"name": "Raven"}' in ranked.candidates


def test_one_rank_that_fails_makes_the_line_fail(tmp_path: Path) -> None:
    """Half a path is not scored as a path; the next run asks for all of it."""
    manifest = collection(tmp_path, each=1)
    down = True

    def script(text: str, urls: list[str], time: int) -> str | int:
        if down and "genus" in text:
            return 400
        return "<answer>Laridae</answer>"

    with HttpModel(script) as model:
        asked = config(manifest, backend=chat(model.url), protocol={"per_rank": {"ranks": ["family", "genus"]}})
        assert run_predict(asked) == 1
        lines = read_predictions(tmp_path / "answers.jsonl")
        assert all(line.error is not None and not line.completions for line in lines)
        assert lines[0].extra["usage"]["prompt_tokens"] == 100, "what the other question took is not forgotten"
        down = False
        assert run_predict(asked) == 0
    lines = read_predictions(tmp_path / "answers.jsonl")
    _, metrics = tally(lines, load_taxonomy(tmp_path / "tree.csv", root="bird"))
    assert metrics["right_at_family"] == 0.6 and metrics["right_at_genus"] == 0.0 and metrics["questions"] == 10


def test_every_prompt_variant_is_a_line_of_its_own(tmp_path: Path) -> None:
    from rlfg.data import load_prompt, prompt_names

    manifest = collection(tmp_path, each=1)
    with HttpModel(lambda text, urls, time: f"<answer>{len(text)}</answer>") as model:
        assert run_predict(config(manifest, backend=chat(model.url), protocol={"open": {"prompts": "all"}})) == 0
    lines = read_predictions(tmp_path / "answers.jsonl")
    assert len(lines) == 5 * len(prompt_names())
    for line in lines:
        assert line.id.endswith(f"@{line.extra['prompt']}")
        assert line.completions == (f"<answer>{len(load_prompt(line.extra['prompt']).text)}</answer>",)


def test_each_prompt_is_read_as_it_asks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A model that does what it is told, under every prompt: none of its answers is unparsed for want of tags."""
    from rlfg.data import load_prompt, prompt_names

    manifest = collection(tmp_path, each=1, labels=("Raven", "Magpie"))

    def script(text: str, urls: list[str], time: int) -> str:
        thoughts = "<think>Not a Magpie.</think>" if "<think>" in text or text == load_prompt("short").text else ""
        return thoughts + ("<answer>Raven</answer>" if "<answer>" in text else "A Raven.")

    with HttpModel(script) as model:
        assert run_predict(config(manifest, backend=chat(model.url), protocol={"open": {"prompts": "all"}})) == 0
    out = str(tmp_path / "answers.jsonl")
    told = {line.extra["prompt"]: line.extra["tags"] for line in read_predictions(out)}
    assert {name for name, tags in told.items() if not tags} == {"bare", "short"} and set(told) == set(prompt_names())
    scoring = ("--taxonomy", str(tmp_path / "tree.csv"), "--root", "bird", "--predictions", out, "--group-by", "prompt")
    found = {}
    for name, more in (("asked", ()), ("one way", ("--parse", "lenient"))):
        with pytest.raises(SystemExit):
            main(["score", *scoring, *more, "--out", str(tmp_path / name)])
        groups = json.loads((tmp_path / name / "metrics.json").read_text())["groups"]
        found[name] = {prompt for prompt, group in groups.items() if group["counts"]["UNPARSED"]}
        assert all(group["correctness"] == 0.5 for prompt, group in groups.items() if prompt not in found[name])
    assert found == {"asked": set(), "one way": {"bare", "short"}}


def test_stored_answers_are_lined_up_by_id(tmp_path: Path) -> None:
    from protocol_toys import stored

    manifest = collection(tmp_path, each=1, labels=("Raven", "Magpie", "Common Tern"))
    backend = stored(tmp_path, {"Magpie-0": ["<answer>Pica</answer>"], "Raven-0": ["<answer>bird</answer>"]})
    assert run_predict(config(manifest, backend=backend, protocol={})) == 1
    raven, magpie, tern = read_predictions(tmp_path / "answers.jsonl")
    assert (raven.completions, magpie.completions) == (("<answer>bird</answer>",), ("<answer>Pica</answer>",))
    assert (raven.truth, magpie.truth) == ("Raven", "Magpie")
    assert "no line with this id" in str(tern.error)


def test_a_ranked_list_says_which_of_its_labels_are_true_of_a_picture_too(tmp_path: Path) -> None:
    data, tree = examples(tmp_path), load_taxonomy(tmp_path / "tree.csv", root="bird")
    (tmp_path / "more.txt").write_text("Larus\nLaridae\nCorvus\n")
    items = RankSpec(labels=str(tmp_path / "more.txt")).items(data, tree, 0)
    true = {item.truth: item.told.get("also_true") for item in items}
    gull, corvid = ["Laridae", "Larus"], ["Corvus"]
    assert {label: sorted(of) if of else of for label, of in true.items()} == {
        "Herring Gull": gull, "Common Gull": gull, "Common Tern": ["Laridae"], "Raven": corvid, "Magpie": None,
    }  # fmt: skip
    assert all(len(item.told["options"]) == 8 for item in items), "one list for all pictures"
