"""What a teacher gives away, sentence by sentence and in a file of the released form."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from leak_sentences import INNOCENT, LEAKS

from rlfg.cli import main
from rlfg.cot import check, read_samples
from rlfg.cot.leakage import find_leak

BODY = """\
<think>
### Visual Analysis
The bird stands on a rock beside the water. {analysis} The head and the breast are white, and the wing tips are black.

### Candidate Sub-Categories
1. **Herring Gull**: a large gull with pink legs.
2. **California Gull**: a smaller gull with legs of a greenish yellow.
   - its eye is dark.
3. **Western Gull**

### Comparison
- **Herring Gull**: the pale back and the pink legs fit. {comparison}
- **California Gull**: the legs of this bird are not greenish, and its eye is pale.
- **Western Gull**: its back is darker than what is seen here.

### Prediction
All in all, the bird is a **Herring Gull**.
</think>
<answer>Herring Gull</answer>"""


def test_every_leak_is_found_and_no_near_miss_is_taken_for_one() -> None:
    assert len(LEAKS) > 150 and len(INNOCENT) > 150
    around = "The bill is long. {} The legs are pink."
    assert [text for text in LEAKS if find_leak(around.format(text)) is None] == []
    found = {text: find_leak(around.format(text)) for text in INNOCENT}
    assert {text: leak for text, leak in found.items() if leak is not None} == {}


def test_the_words_of_the_leak_are_told() -> None:
    assert find_leak("It is white. This matches the\nprovided description of it. It is a gull.") == (
        "It is white. This matches the provided description of it. It is a gull."
    )


def test_a_file_of_which_three_in_ten_leak(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """LLaMA-Factory's form, no labels beside the answers, no pictures, headings as teachers write them."""
    records, leaking = [], set()
    for n in range(400):
        said = {"analysis": INNOCENT[n % len(INNOCENT)], "comparison": INNOCENT[-n % len(INNOCENT)]}
        if n % 10 < 3:
            leaking.add(n + 1)
            said["comparison" if n % 2 else "analysis"] = LEAKS[(7 * n) % len(LEAKS)]
        turns = [
            {"role": "system", "content": "You are a helpful assistant."},
            {"role": "user", "content": "<image>What is the sub-category of the bird?"},
            {"role": "assistant", "content": BODY.format(**said)},
        ]
        records.append({"messages": turns, "images": [f"CUB/{n}.jpg"]})
    path = tmp_path / "stage1.json"
    path.write_text(json.dumps(records))
    report = check(read_samples(path))
    assert {one.sample.where for one in report.rejected} == {f"{path}:{n}" for n in leaking}
    assert all([*one.reasons] == ["leakage"] for one in report.rejected)
    with pytest.raises(SystemExit) as left:
        main(["cot", "check", str(path), "--taxonomy", "builtin:cub200"])
    assert left.value.code == 1
    out = capsys.readouterr().out
    assert "400 samples: 280 accepted, 120 rejected (30.0%" in out
