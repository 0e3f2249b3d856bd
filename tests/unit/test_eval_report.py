from __future__ import annotations

import base64
import gzip
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from eval_toys import ANSWERS, sampled, scored, toy_tree
from PIL import Image

from eval.folders import told_of_predictions
from eval.pairing import answers_by_id
from eval.predictions import read_predictions
from eval.report import ReportInput, build_report, read_curves, report_from_folders
from eval.report.audit import audit
from eval.report.closed import ClosedRun
from eval.report.curves import draw_curves, not_drawn
from eval.report.gallery import choose_examples
from eval.report.mistakes import find_mistakes, partings
from eval.report.ranks import levels_of, rank_panels
from eval.report.svg import Scale, round_ticks
from eval.resolution import resolution_summary
from eval.score import ScoredItem, score, write_items
from eval.summary import summarise
from eval.tally import read_tallied, tally, write_marks
from rewards.verifier import TaxonomyVerifier
from rlfg.errors import RlfgError
from rlfg.taxonomy import Taxonomy
from rlfg.types import Prediction

VOID = {"meta", "img", "path", "line", "rect", "circle", "input", "br"}


class Balance(HTMLParser):
    """Every opened tag is closed in its turn."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


def check_page(html: str) -> None:
    """Well formed, and nothing in it is fetched from anywhere."""
    page = Balance()
    page.feed(html)
    assert not page.open
    assert not re.search(r"https?:|//cdn|@import|url\(", html)
    assert all(source.startswith(("data:", "#")) for source in re.findall(r'(?:src|href)="([^"]*)"', html))


def unpacked(html: str) -> dict[str, Any]:
    """What the page's script unpacks."""
    (packed,) = re.findall(r'id="packed">([^<]*)<', html)
    found: dict[str, Any] = json.loads(gzip.decompress(base64.b64decode(packed)))
    return found


def grouped_runs(tree: Taxonomy, folder: Path) -> dict[str, list[ScoredItem]]:
    Image.new("RGB", (300, 200), "teal").save(folder / "a.png")
    before = [replace(i, group="ab"[k % 2]) for k, i in enumerate(scored(tree, *ANSWERS))]
    before[0] = replace(before[0], image=str(folder / "a.png"))
    before[1] = replace(before[1], image=str(folder / "missing.png"))
    after = [replace(i, group="ab"[k % 2]) for k, i in enumerate(scored(tree, *(["Larus"] * 8), "Sterna", "None"))]
    return {"before": before, "after": after}


def test_a_full_report_is_one_sound_file(tmp_path: Path) -> None:
    tree = toy_tree(tmp_path)
    log = [
        {"step": float(s), "reward": s / 9, "verdict/wrong": 0.2, "verdict/specific": 0.8, "odd": 1.0} for s in range(9)
    ]
    html = build_report(
        ReportInput(
            title="Gulls & <others>",
            runs=grouped_runs(tree, tmp_path),
            taxonomy=tree,
            curves={"grpo": log},
            unions={"a+b": ("a", "b")},
            provenance={"seed": 3},
        )
    )
    check_page(html)
    assert "<title>Gulls &amp; &lt;others&gt;</title>" in html
    for words in (
        "a + b",
        "before",
        "after",
        "data:image/jpeg;base64,",
        "no such picture file",
        "Also logged: odd.",
        "<dt>seed</dt><dd>3</dd>",
    ):
        assert words in html
    data = unpacked(html)
    assert len(data["pictures"]["id"]) == 10 and [len(run["answer"]) for run in data["runs"]] == [10, 10]
    assert sorted(data["pictures"]["embedded"]) == [-1] * 9 + [0] and data["pictures"]["embedded"][0] == 0


def test_what_models_say_cannot_break_the_page(tmp_path: Path) -> None:
    tree = toy_tree(tmp_path)
    evil = "</article><script>alert(1)</script>"
    html = build_report(ReportInput(title="t", runs={'r"><b>': scored(tree, evil, '"><i>')}, taxonomy=tree))
    check_page(html)
    assert "<script>alert" not in html and 'r"><b>' not in html
    assert evil in unpacked(html)["texts"], "the answer itself is there, packed"


def test_a_picture_that_no_model_answered_is_still_of_its_class(tmp_path: Path) -> None:
    tree = toy_tree(tmp_path)
    lines = [Prediction(id="p", truth="Larus fuscus", answers=("Larus",))]
    lines += [
        Prediction(id=truth, truth=truth, error="HTTP 503") for truth in ("Corvus corax", "Passeriformes", "Dodo")
    ]
    items = score(lines, TaxonomyVerifier(tree), tree)
    data = unpacked(build_report(ReportInput(title="t", runs={"r": items}, taxonomy=tree)))
    above = [data["texts"][text] for text in data["pictures"]["lineage"]]
    assert above == [
        "Charadriiformes › Laridae › Larus",
        "Passeriformes › Corvidae › Corvus",
        "order Passeriformes",
        "not in the taxonomy",
    ]
    without = unpacked(build_report(ReportInput(title="t", runs={"r": score(lines, TaxonomyVerifier(tree))})))
    assert not any(without["pictures"]["lineage"]), "nothing is said of a taxonomy where there is none"


def test_one_run_without_taxonomy_groups_or_curves(tmp_path: Path) -> None:
    tree = toy_tree(tmp_path)
    html = build_report(ReportInput(title="t", runs={"only": sampled(tree, "x", "Larus", "bird", "", "Corvus corax")}))
    check_page(html)
    assert (
        "all pictures" in html
        and "needs the taxonomy" in html
        and "since" not in re.sub(r"<style>.*?</style>", "", html, flags=re.S)
    )


def test_without_unions_the_headline_is_about_everything(tmp_path: Path) -> None:
    tree = toy_tree(tmp_path)
    page = build_report(ReportInput(title="t", runs=grouped_runs(tree, tmp_path)))
    assert "10 pictures</a>\n    of 1 classes\n    (all pictures), 10 answers" in page
    union = build_report(ReportInput(title="t", runs=grouped_runs(tree, tmp_path), unions={"b only": ("b",)}))
    assert "5 pictures</a>\n    of 1 classes\n    (b only), 5 answers" in union and "all pictures" not in union


def test_a_report_about_nothing_is_refused(tmp_path: Path) -> None:
    tree = toy_tree(tmp_path)
    failed = score([Prediction(id="f", truth="Larus", error="timeout")], TaxonomyVerifier(tree), tree)
    with pytest.raises(RlfgError, match="at least one scored run"):
        ReportInput(title="t", runs={})
    with pytest.raises(RlfgError, match='run "r" has no answers'):
        ReportInput(title="t", runs={"r": failed})
    with pytest.raises(RlfgError, match='example "nope" is in none of the runs'):
        build_report(ReportInput(title="t", runs={"r": scored(tree, "Larus")}, examples=["nope"]))


def test_every_wrong_answer_is_counted_once(tmp_path: Path) -> None:
    tree = toy_tree(tmp_path)
    runs = {"a": scored(tree, *ANSWERS), "b": scored(tree, "Sterna hirundo", "Larus canus", "Larus canus", "x or y")}
    found = find_mistakes({name: partings(items, tree) for name, items in runs.items()}, tree)
    assert found.totals == (3, 4) and found.nowhere == (1, 1) and found.root is not None
    assert [(f.rank, f.name, f.own, f.total) for f in found.root.walk()] == [
        ("root", "bird", (1, 0), (2, 3)),
        ("family", "Charadriiformes › Laridae", (0, 1), (1, 3)),
        ("genus", "Larus", (1, 2), (1, 2)),
    ]
    for fork in found.root.walk():
        for run in range(2):
            below = sum(child.total[run] for child in fork.children)
            pairs = sum(pair.counts[run] for pair in (*fork.pairs, *fork.rest)) + fork.more[run]
            assert fork.own[run] == pairs and fork.total[run] == fork.own[run] + below
    assert all(found.root.total[run] + found.nowhere[run] == found.totals[run] for run in range(2))
    assert found.levels == (("genus", (1, 2)), ("family", (0, 1)), ("root", (1, 0)))
    assert [(p.truth, p.answer, p.under, p.counts) for p in found.worst] == [
        ("Larus fuscus", "Larus canus", "Larus", (1, 2)),
        ("Larus", "Sterna", "Laridae", (0, 1)),
        ("Charadriiformes", "Passeriformes", "bird", (1, 0)),
    ]


def test_ranks_say_of_each_answer_whether_it_is_right_wrong_or_short(tmp_path: Path) -> None:
    tree = toy_tree(tmp_path)
    found = levels_of(scored(tree, *ANSWERS), tree)
    assert found.names == ("order", "family", "genus", "species")
    # Larus fuscus, Larus, Laridae, Charadriiformes, (bird), Larus canus | Corvus corax | the rest names no taxon.
    assert found.right_NL.sum(0).tolist() == [5, 4, 3, 1]
    assert found.missed_NL.sum(0).tolist() == [1, 1, 1, 2]
    assert (found.right_NL.sum(0) + found.missed_NL.sum(0) + found.short_NL.sum(0)).tolist() == [10] * 4
    panels = rank_panels({"r": found}, {"r": summarise(scored(tree, *ANSWERS), tree)})
    assert [cell[0] for panel in panels for cell in panel.cells] == ["0.833", "0.800", "0.750", "0.333"]
    assert "right=genus" in panels[2].picture and "3 of 10 (30.0%)" in panels[2].picture


def test_the_audit_adds_up_to_the_answers_and_the_verdicts(tmp_path: Path) -> None:
    items = scored(toy_tree(tmp_path), *ANSWERS)
    found = audit("r", items, resolution_summary(items))
    assert {row.status: row.total[0] for row in found.rows} == {
        "exact": 7, "abstain": 1, "unresolved": 1, "UNPARSED": 1
    }  # fmt: skip
    assert dict(zip(found.labels, (n for n, _ in found.totals), strict=True)) == {
        "SPECIFIC": 1, "LESS_SPECIFIC": 2, "GENERIC": 2, "ABSTAIN": 1, "WRONG": 3, "UNPARSED": 1
    }  # fmt: skip
    assert found.rows[0].verdicts[0][1] == "#items?run=r&status=exact&verdict=SPECIFIC"


def test_sampled_answers_bring_back_off_and_reliability(tmp_path: Path) -> None:
    tree = toy_tree(tmp_path)
    items = sampled(tree, "x", "Larus fuscus", "Larus canus") + sampled(tree, "y", "Corvus corax", "Corvus corax",
                                                                      truth="Corvus corax")  # fmt: skip
    html = build_report(ReportInput(title="t", runs={"r": items}, taxonomy=tree))
    check_page(html)
    # Both must agree: x says Larus (3 of 4 levels), y its species. One will do: x is split, and may say either species.
    assert "Saying less" in html and "100% must agree: answers 100.0%, of these 100.0% right, specificity 0.875" in html
    assert 'aria-label="Reliability at the rank species"' in html
    single = build_report(ReportInput(title="t", runs={"r": scored(tree, "Larus")}, taxonomy=tree))
    assert "Saying less" not in single


def test_closed_questions_share_the_cards_of_their_pictures(tmp_path: Path) -> None:
    tree = toy_tree(tmp_path)
    told = {"protocol": "choice", "options": [["Larus", "Corvus"]] * 2, "answer_as": "letter", "class": "Larus"}
    lines = [
        Prediction(id="a", truth="Larus", answers=("A", "B"), extra=told | {"correct": "Larus"}),
        Prediction(id="b", truth="Corvus", answers=("A or B", ""), image="b.png", extra=told | {"correct": "Corvus"}),
        Prediction(id="c", truth="Corvus", answers=("A", "A"), image="b.png", extra=told | {"correct": "Corvus"}),
        Prediction(id="d", truth="Larus", error="timeout", extra=told | {"correct": "Larus"}),
    ]
    marked, metrics = tally(lines)
    write_marks(tmp_path / "items.jsonl", marked)
    run = ClosedRun(items=read_tallied(tmp_path / "items.jsonl"), metrics=metrics)
    openly = [replace(item, id=id_) for id_, item in zip("ab", scored(tree, "Larus", truth="Larus") * 2, strict=True)]
    html = build_report(ReportInput(title="t", runs={"open": openly}, closed={"mcq": run}, taxonomy=tree))
    check_page(html)
    data = unpacked(html)
    rows = data["runs"][1]
    texts, labels = data["texts"], [data["labels"][k] for k in rows["label"]]
    assert labels == ["RIGHT", "WRONG", "UNREADABLE", "EMPTY", "COPY", "FAILED"]
    # a is the open picture's card; b has another truth there, so that it stands apart, like c and d.
    assert [texts[k] for k in data["pictures"]["id"]] == ["a", "b", "b", "c", "d"]
    assert rows["picture"] == [0, 0, 2, 2, 3, 4]
    assert rows["scores"]["all_right"] == [0, None, 0, None, None, None]
    traces = [[texts[k] for k in rows["traces"][t]] for t in rows["trace"]]
    assert traces[0] == ["question 1 of 2", "said: A", "read as: Larus", "the truth stood at A, A was chosen"]
    assert traces[4:] == [["asks again what b asks"], ["failed: timeout"]]
    alone = build_report(ReportInput(title="t", runs={}, closed={"mcq": run}))
    check_page(alone)
    assert "Closed questions" in alone and 'id="results"' not in alone
    with pytest.raises(RlfgError, match='two runs are called "mcq"'):
        ReportInput(title="t", runs={"mcq": openly}, closed={"mcq": run})


def test_large_runs_embed_few_pictures_and_keep_every_answer(tmp_path: Path) -> None:
    tree = toy_tree(tmp_path)
    Image.new("RGB", (30, 20), "teal").save(tmp_path / "a.png")
    items = [replace(item, image=str(tmp_path / "a.png")) for item in scored(tree, *(["Larus", "Corvus corax"] * 500))]
    html = build_report(ReportInput(title="t", runs={"r": items}, taxonomy=tree, embedded=7))
    assert html.count("data:image/jpeg;base64,") == 7 and "7 of 1,000 pictures are embedded" in html
    data = unpacked(html)
    assert len(data["runs"][0]["label"]) == 1000 and sum(place >= 0 for place in data["pictures"]["embedded"]) == 7


def test_examples_are_spread_over_groups_and_verdicts(tmp_path: Path) -> None:
    tree = toy_tree(tmp_path)
    items = scored(tree, *(["Larus"] * 50), *(["Corvus corax"] * 50))
    items = [replace(item, group="ab"[k % 2]) for k, item in enumerate(items)]
    chosen = choose_examples(answers_by_id(items), shown=12)
    kinds = [(items[int(id_[1:])].group, items[int(id_[1:])].label) for id_ in chosen]
    assert len(set(chosen)) == 12 and {kinds.count(kind) for kind in set(kinds)} == {3} and len(set(kinds)) == 4
    assert len(choose_examples(answers_by_id(items[:3]))) == 3


def test_curves_join_training_and_evaluation_of_a_step(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 5, "reward": 0.1, "note": "x"}\n{"step": 5, "eval_hm": 0.7}\n{"step": 1, "reward": 0}\n')
    assert read_curves(path) == [{"step": 1.0, "reward": 0.0}, {"step": 5.0, "reward": 0.1, "eval_hm": 0.7}]
    path.write_text('{"reward": 0.1}\n')
    with pytest.raises(RlfgError, match=r'metrics\.jsonl:1: has no number "step"'):
        read_curves(path)


def test_only_logged_panels_are_drawn() -> None:
    log = [{"step": float(s), "loss": 1.0 / (s + 1), "kl": float("nan"), "hm": 0.5, "other": 1.0} for s in range(60)]
    drawn = draw_curves(log)
    assert [panel.title for panel in drawn] == ["Correctness, specificity, HM", "Loss"]
    assert "nan" not in drawn[1].picture and not_drawn(log) == ["other"]
    assert draw_curves(log[:1]) == []


def test_axes() -> None:
    assert round_ticks(0, 1) == [0, 0.5, 1] and round_ticks(0, 0.8) == [0, 0.2, 0.4, 0.6, 0.8]
    assert round_ticks(0.42, 0.58) == [0.45, 0.5, 0.55]
    assert round_ticks(3, 3) == [3]
    assert Scale(0, 10, 100, 0)(5) == 50


def test_a_report_from_scored_folders(tmp_path: Path) -> None:
    tree = toy_tree(tmp_path)
    for name, answer in (("one", "Larus"), ("two", "Larus fuscus")):
        write_items(tmp_path / name / "items.jsonl", scored(tree, answer))
        (tmp_path / name / "metrics.json").write_text(json.dumps({"taxonomy": {"hash": tree.hash}, "parse": "lenient"}))
    report_from_folders([tmp_path / "one", tmp_path / "two"], tmp_path / "out" / "r.html", taxonomy=tree)
    check_page(html := (tmp_path / "out" / "r.html").read_text())
    assert "one → two" in html
    (tmp_path / "two" / "metrics.json").write_text('{"taxonomy": {"hash": "0123"}}')
    with pytest.raises(RlfgError, match="scored with another taxonomy"):
        report_from_folders([tmp_path / "two"], tmp_path / "r.html", taxonomy=tree)
    with pytest.raises(RlfgError, match="give a folder that `rlfg score` or `rlfg tally` wrote"):
        report_from_folders([tmp_path / "three"], tmp_path / "r.html", taxonomy=tree)
    with pytest.raises(RlfgError, match="given twice"):
        report_from_folders([tmp_path / "one", tmp_path / "one"], tmp_path / "r.html", taxonomy=tree)


def test_reasoning_is_not_read_from_predictions_that_changed_since(tmp_path: Path) -> None:
    """A run that went on in the same file has other thoughts behind the ids of the answers that were scored."""
    tree, path = toy_tree(tmp_path), tmp_path / "answers.jsonl"
    line = {"id": "a", "truth": "Larus fuscus", "completion": "<think>dark wings</think><answer>Larus</answer>"}
    path.write_text(json.dumps(line) + "\n")
    write_items(tmp_path / "run" / "items.jsonl", score(read_predictions(path), TaxonomyVerifier(tree), tree))
    (tmp_path / "run" / "metrics.json").write_text(json.dumps(told_of_predictions(path)))

    def page() -> str:
        report_from_folders([tmp_path / "run"], tmp_path / "r.html", taxonomy=tree)
        return (tmp_path / "r.html").read_text()

    assert "dark wings" in unpacked(page())["texts"] and "changed since it was scored" not in page()
    path.write_text(json.dumps(line).replace("dark wings", "pale wings") + "\n")
    assert "pale wings" not in unpacked(page())["texts"] and "changed since it was scored" in page()
    path.unlink()
    assert "no longer there" in page()
