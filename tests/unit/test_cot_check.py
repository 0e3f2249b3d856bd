"""`rlfg cot check`: what a student may learn from, and why not the rest."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rewards.verifier import TaxonomyVerifier
from rlfg.cli import main
from rlfg.cot import FORMATS, Limits, Sample, check, read_samples, write_samples
from rlfg.cot.check import FILTERS
from rlfg.cot.parts import split_parts
from rlfg.errors import RlfgError
from rlfg.taxonomy import load_taxonomy

ANALYSIS = """\
The bird in the image stands on a rock beside the water. Its back and wings are pale grey, the head and the breast
are white, and the wing tips are black with small white spots. The bill is yellow and has a red spot near the tip, and
the legs are pink. The body is large and heavy, and the eye looks pale from this distance."""
COMPARISON = """\
The wing tips of an Ivory Gull are white, and its bill is darker, so that it does not fit what is seen here. A
California Gull has legs of a greenish yellow and a dark eye, while the legs of this bird are pink and its eye is pale.
The heavy bill with a red spot and the pale grey back are those of a Herring Gull."""
NAMES = ("Herring Gull", "California Gull", "Ivory Gull")
QUESTION = "What is the species of the bird that is shown in this picture, as far as you can tell from what you see?"


def rationale(
    analysis: str = ANALYSIS, names: Any = NAMES, comparison: str = COMPARISON, last: str = "Herring Gull"
) -> str:
    listed = "\n".join(f"- {name}" for name in names)
    return (
        f"1. **Visual Analysis**: {analysis}\n\n2. **Candidate Sub-categories**:\n{listed}\n\n"
        f"3. **Comparison**: {comparison}\n\n4. **Prediction**: {last}"
    )


def sample(text: str | None = None, answer: str = "Herring Gull", **changes: Any) -> Sample:
    completion = f"<think>{rationale() if text is None else text}</think><answer>{answer}</answer>"
    good = Sample(
        where="a.json:1", id="1", images=("p.jpg",), question=QUESTION, completion=completion, label="Herring Gull"
    )
    return replace(good, **changes)


@pytest.fixture(scope="module")
def birds() -> Any:
    return load_taxonomy("builtin:cub200")


def reasons(birds: Any, one: Sample, **limits: Any) -> dict[str, str]:
    report = check([one], verifier=TaxonomyVerifier(birds), taxonomy=birds, limits=Limits(**limits))
    return report.checked[0].reasons


BAD: dict[str, tuple[str, Sample]] = {
    "no tags": ("format", sample(completion=rationale() + "\nHerring Gull")),
    "text after the answer": ("format", sample(completion=sample().completion + " That is all.")),
    "no comparison": ("parts", sample(rationale(ANALYSIS * 2).replace(f"3. **Comparison**: {COMPARISON}\n\n", ""))),
    "wrong label": ("label", sample(rationale(last="California Gull"), "California Gull")),
    "coarser than the label": ("label", sample(rationale(names=["gull", *NAMES[1:]]), "gull")),
    "five candidates": ("candidates", sample(rationale(names=[*NAMES, "Heermann Gull", "Western Gull"]))),
    "one candidate": ("candidates", sample(rationale(names=NAMES[:1]))),
    "answer no candidate": ("prediction", sample(rationale(names=NAMES[1:]))),
    "invented bird": ("taxonomy", sample(rationale(names=[*NAMES, "Azure-tailed Snorkler"]))),
    "far candidate": ("near", sample(rationale(names=[*NAMES, "Ruby-throated Hummingbird"]))),
    "another script": ("language", sample(rationale(comparison=COMPARISON + " 这只鸟的嘴很大"))),
    "another language": (
        "language",
        sample(
            rationale(
                comparison="Der Schnabel dieser Möwe trägt einen roten Fleck, und ihre Beine wirken rosa, während "
                "andere Arten gelbe Beine haben und viel kleiner sind als dieser Vogel auf dem Felsen am Wasser."
            )
        ),
    ),
    "too short": ("length", sample(rationale(analysis="It is grey.", comparison="It is the largest of the three."))),
    "too long": ("length", sample(rationale(analysis=" ".join([ANALYSIS] * 20)))),
    "told": ("leakage", sample(rationale(comparison=COMPARISON + " This matches the provided description."))),
    "copied": ("copying", sample(rationale(analysis=f"{QUESTION} {ANALYSIS}"))),
}


def test_a_good_sample_is_accepted(birds: Any) -> None:
    assert reasons(birds, sample()) == {}
    signs = " It leans by 45º on a naïve ʻIʻiwi's perch near Kākāpō, and its eye ring is 5 µm or ½ a hair wide."
    assert reasons(birds, sample(rationale(ANALYSIS + signs))) == {}


@pytest.mark.parametrize("case", BAD)
def test_each_fault_is_found_for_its_own_reason(birds: Any, case: str) -> None:
    name, bad = BAD[case]
    assert [*reasons(birds, bad)] == [name], case


@pytest.mark.parametrize(
    "text",
    [
        "### Visual analysis\nGrey.\n### Possible candidates\n* A\n* B: small\n### Comparison\nB is small.\n"
        "### Final prediction\nA",
        "Step 1: Visual Analysis: Grey.\nStep 2: Candidates: A, B\nStep 3: Comparison: B is small.\n"
        "Step 4: Prediction: A",
        "**1. Image Analysis:** Grey.\n**2. Candidates:**\n1. **A** – large\n2. **B** (small)\n"
        "**3. Comparative Analysis:** B is small.\n**4. Conclusion:** A",
        "Visual analysis: Grey.\nCandidates: The candidates are A and B.\nComparison: B is small.\nPrediction: A",
        "Visual analysis: Grey.\nCandidate 1: A\nCandidate 2: B\nComparison: B is small.\nPrediction: A",
        "[Visual Analysis]\nGrey.\n[Candidate Sub-Categories]\nA\nB\n[Comparison]\nB is small.\n[Prediction]\nA",
        "1. **Visual Analysis:**\n   - Grey.\n2. **Candidate Species:**\n   - A\n   - B\n"
        "3. **Comparison:**\n   B is small.\n4. **Prediction:**\n   A",
        "#### Step 1: Visual Features\nGrey.\n#### Step 2: Potential Candidates\n1. **A** is large.\n   - grey\n"
        "2. **B**\n- dark\n#### Step 3: Candidate Comparison\nB is small.\n#### Step 4: Final Answer\nA",
        "Analysis: Grey.\nCandidate Sub-Categories: Possible sub-categories include the A, and the B. Both fit.\n"
        "Comparison: B is small.\nPrediction: A",
    ],
)
def test_parts_are_found_however_they_are_marked(text: str) -> None:
    parts = split_parts(text)
    assert parts.missing == ()
    assert parts.candidates == ("A", "B")
    assert parts.texts["prediction"] == "A" and parts.texts["comparison"] == "B is small."


def test_parts_without_headings_of_their_own_are_found() -> None:
    """The picture is described first, and what follows the list speaks of the candidates again."""
    text = (
        "A red sedan. Its features:\n\n1. Grille: sharp.\n2. Logo: Hyundai.\n\n"
        "The analysis of candidate subcategories:\nThese could be considered:\n"
        "1. Hyundai Elantra\n2. Hyundai Sonata\n\n\n"
        "- Hyundai Elantra: compact.\n\n- Hyundai Sonata: larger than the Elantra.\n\n"
        "The prediction is: a Hyundai Elantra."
    )
    parts = split_parts(text)
    assert parts.missing == () and parts.candidates == ("Hyundai Elantra", "Hyundai Sonata")
    assert parts.texts["analysis"].startswith("A red sedan") and parts.texts["analysis"].endswith("Hyundai.")
    assert parts.texts["comparison"].startswith("- Hyundai Elantra: compact.")
    alone = split_parts(text.replace("- Hyundai Sonata: larger than the Elantra.\n\n", ""))
    assert alone.missing == ("comparison",), "one candidate is compared with nothing"


def test_a_comparison_may_speak_of_candidates_under_their_numbers() -> None:
    parts = split_parts(
        "Analysis: Grey.\nCandidates:\n- A\n- B\nComparison:\nCandidate 1: A fits.\nCandidate 2: B not.\nPrediction: A"
    )
    assert parts.candidates == ("A", "B") and parts.texts["comparison"] == "Candidate 1: A fits.\nCandidate 2: B not."


def test_a_rationale_without_parts_is_rejected_and_the_rest_unchecked(birds: Any) -> None:
    prose = sample(f"{ANALYSIS} {COMPARISON}")
    assert [*reasons(birds, prose)] == ["parts"]
    [one] = check([prose], taxonomy=birds).checked
    assert one.unchecked == ("candidates", "label", "prediction", "taxonomy", "near")
    assert [*reasons(birds, sample("", completion="<think></think><answer></answer>"))] == ["format", "parts", "length"]


def test_what_cannot_be_checked_is_counted_not_passed_over() -> None:
    report = check([sample(label=None)])
    assert report.rejected == []
    assert {name for name, n in report.counts().items() if n["unchecked"]} == {"label", "taxonomy", "near"}


@pytest.mark.parametrize("form", FORMATS)
def test_a_sample_survives_each_form(tmp_path: Path, form: str) -> None:
    (tmp_path / "pictures").mkdir()
    made = [sample(system="Be brief."), sample(id="2", where="a.json:2", images=("q ü.jpg",))]
    path = tmp_path / "out" / "data.jsonl"
    assert write_samples(path, made, form, images=tmp_path / "pictures") == 2
    back = read_samples(path)
    for one, two in zip(made, back, strict=True):
        assert (one.id, one.question, one.answer, one.rationale, one.label) == (
            two.id, two.question, two.answer, two.rationale, two.label
        )  # fmt: skip
        assert two.images == (f"../pictures/{one.images[0]}",)
        assert two.completion == one.completion
    if form != "manifest":
        assert back[0].system == "Be brief."


def test_a_sharegpt_conversation_is_read(tmp_path: Path) -> None:
    turns = [{"from": "human", "value": f"<image>{QUESTION}"}, {"from": "gpt", "value": sample().completion}]
    (tmp_path / "a.json").write_text(json.dumps([{"conversations": turns, "images": ["p.jpg"]}]))
    [found] = read_samples(tmp_path / "a.json")
    assert (found.question, found.answer, found.images) == (QUESTION, "Herring Gull", ("p.jpg",))


@pytest.mark.parametrize("form", ["sharegpt", "trl"])
@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        ("<image><image>Which is it?", "Which is it?"),
        ("<image>\n<image>\nWhich is it?", "Which is it?"),
        ("Is <image> what <image> shows?", "Is <image> what <image> shows?"),
        ("Which is it? <image><image>", "Which is it? <image><image>"),
        ("Which is it?", "Which is it?"),
    ],
)
def test_several_pictures_stay_in_their_places(tmp_path: Path, form: str, asked: str, kept: str) -> None:
    """LLaMA-Factory's column `system`, too."""
    turns = [{"from": "human", "value": asked}, {"from": "gpt", "value": sample().completion}]
    record = {"system": "Be brief.", "conversations": turns, "images": ["p.jpg", "q.jpg"]}
    (tmp_path / "a.json").write_text(json.dumps([record]))
    [read] = read_samples(tmp_path / "a.json")
    assert (read.question, read.images, read.system) == (kept, ("p.jpg", "q.jpg"), "Be brief.")
    write_samples(tmp_path / "b.json", [read], form, images=tmp_path)
    [back] = read_samples(tmp_path / "b.json")
    assert back == replace(read, where=back.where)


def test_trls_plain_texts_are_read(tmp_path: Path) -> None:
    line = {"prompt": QUESTION, "completion": sample().completion, "image": "p.jpg"}
    (tmp_path / "a.jsonl").write_text(json.dumps(line))
    [read] = read_samples(tmp_path / "a.jsonl")
    assert (read.question, read.answer, read.images) == (QUESTION, "Herring Gull", ("p.jpg",))


SAYS = [{"role": "user", "content": "<image>What?"}, {"role": "assistant", "content": "<answer>A</answer>"}]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "no samples"),
        (json.dumps([{"messages": SAYS}]), ":1: 1 <image> in its question, and 0 pictures"),
        (json.dumps([{"messages": SAYS, "images": ["a", "b"]}]), ":1: 1 <image> in its question, and 2 pictures"),
        (json.dumps([{"messages": [*SAYS, *SAYS], "images": ["a"]}]), ":1: a sample has one question .* 2 answers"),
        (json.dumps([{"messages": SAYS, "images": ["a\ud83d"]}]), ":1: half a character"),
        ("{", "not valid JSON"),
        ('[{"a": 1}]', r":1: no chain-of-thought sample .* found a"),
        ("[3]", "must be a JSON object"),
        ('[{"messages": [{"role": "user"}]}]', r":1: a message lacks 'content'"),
        ('[{"messages": [{"role": "tool", "content": "x"}]}]', "'tool'"),
        ('[{"messages": [{"role": "user", "content": "x"}]}]', "0 answers"),
    ],
)
def test_a_file_that_is_no_samples_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(RlfgError, match=said):
        read_samples(tmp_path / "a.json")


def test_a_broken_record_is_rejected_and_the_others_are_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = {"image": "p.jpg", "label": "Herring Gull", "rationale": rationale()}
    broken = ('{"image": "p.jpg", "lab', '{"a": 1}', "3", '{"image": "p.jpg", "label": "", "rationale": "It is."}')
    path = tmp_path / "made.jsonl"
    path.write_text("\n".join([json.dumps(good), *broken, json.dumps(good)]))
    with pytest.raises(RlfgError, match=r"made.jsonl:2: not valid JSON"):
        read_samples(path)
    lost = tmp_path / "lost.jsonl"
    with pytest.raises(SystemExit) as left:
        main(["cot", "check", str(path), "--rejected", str(lost)])
    assert left.value.code == 1 and "6 samples: 2 accepted, 4 rejected" in capsys.readouterr().out
    assert [[*json.loads(line)["reasons"]] for line in lost.read_text().splitlines()] == [["record"]] * 4
    for text in ("\n".join(broken), json.dumps([good])[:-1]):
        path.write_text(text)
        with pytest.raises(SystemExit) as left:
            main(["cot", "check", str(path)])
        assert left.value.code == 2, "nothing in it can be read"
    path.write_bytes(b"\xff\xfe{")
    with pytest.raises(RlfgError, match="not UTF-8"):
        read_samples(path)


def test_a_label_that_is_no_taxon_is_unchecked_and_not_held_against_the_answer(birds: Any) -> None:
    [one] = check([sample(label="Glossy Snorkler")], verifier=TaxonomyVerifier(birds), taxonomy=birds).checked
    assert one.reasons == {} and one.unchecked == ("label",)


def test_the_command_writes_both_and_counts_add_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    everyone = [sample(), *(bad for _, bad in BAD.values())]
    records = [
        {
            "messages": [
                {"role": "user", "content": f"<image>{s.question}"},
                {"role": "assistant", "content": s.completion},
            ],
            "images": list(s.images),
            "label": s.label,
        }
        for s in everyone
    ]
    (tmp_path / "made.json").write_text(json.dumps(records))
    kept, lost = tmp_path / "kept.jsonl", tmp_path / "lost.jsonl"
    command = ["cot", "check", str(tmp_path / "made.json"), "--taxonomy", "builtin:cub200"]
    with pytest.raises(SystemExit) as left:
        main([*command, "--out", str(kept), "--rejected", str(lost)])
    assert left.value.code == 1
    out = capsys.readouterr().out
    assert f"{len(everyone)} samples: 1 accepted, {len(BAD)} rejected" in out
    rejected = [json.loads(line) for line in lost.read_text().splitlines()]
    assert [[*one["reasons"]] for one in rejected] == [[name] for name, _ in BAD.values()]
    assert len(read_samples(kept)) + len(rejected) == len(everyone)
    assert {name for name, _ in BAD.values()} == set(FILTERS) - {"record"}
    assert f"{len(everyone)} of {len(everyone)} pictures are not there" in out
    with pytest.raises(SystemExit) as left:
        main(["cot", "check", str(kept), "--taxonomy", "builtin:cub200"])
    assert left.value.code == 0
    with pytest.raises(SystemExit) as left:
        main([*command, "--out", str(tmp_path / "made.json")])
    assert left.value.code == 2 and "the file that is read" in capsys.readouterr().err
