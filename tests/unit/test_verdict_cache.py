"""The cache file: what it keeps, whose claim holds, and `rlfg cache`."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rewards.cache import Cached, Question, VerdictCache, setting_id
from rlfg.cli import main
from rlfg.errors import RlfgError
from rlfg.types import Relation

OLD, NEW = {"model": "m", "prompt": "Grade."}, {"model": "m", "prompt": "Grade well."}


def question(answer: str, setting: str = "s") -> Question:
    return Question(setting, "gull", answer)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "verdicts.sqlite"


def test_what_is_put_is_there_for_everybody_later(path: Path) -> None:
    many = {question(str(i)): Cached(Relation.WRONG, f"reason {i}") for i in range(1201)}
    with VerdictCache(path) as cache:
        cache.put(many)
    with VerdictCache(path) as cache:
        assert cache.get([*many, question("unknown")]) == many
        cache.put({question("7"): Cached(Relation.SPECIFIC)})
        assert cache.get([question("7")])[question("7")].relation is Relation.WRONG, "the first verdict stays"


def test_every_part_of_a_question_makes_its_key() -> None:
    questions = [Question("s", "a", "bc"), Question("s", "ab", "c"), Question("sa", "b", "c"), Question("s", "a", "b")]
    assert len({q.key for q in questions}) == 4
    assert setting_id({"a": 1, "b": 2}) == setting_id({"b": 2, "a": 1}) != setting_id({"a": 1, "b": 3})


def test_a_claim_holds_until_its_verdict_its_release_its_time_or_its_end(path: Path) -> None:
    a, b, c = (question(x) for x in "abc")
    with VerdictCache(path) as one, VerdictCache(path) as two:
        assert one.claim([a, b, c], seconds=60) == [a, b, c]
        assert one.claim([a], seconds=60) == [a], "one's own claim is no hindrance"
        assert two.claim([a, b, c], seconds=60) == []
        one.put({a: Cached(Relation.WRONG)})
        one.release([b])
        assert two.claim([a, b, c], seconds=60) == [b]
        assert one.claim([b], seconds=60) == []
        assert one.claim([c], seconds=-1) == [c]
        assert two.claim([c], seconds=60) == [c], "its time was over"
        one.release([c])
        assert one.claim([c], seconds=60) == [], "nobody ends another's claim"
    with VerdictCache(path) as one:
        assert one.claim([b, c], seconds=60) == [b, c]


def test_a_dead_process_holds_nothing(path: Path) -> None:
    work = f"""
import os
from rewards.cache import Question, VerdictCache
cache = VerdictCache({str(path)!r})
print(len(cache.claim([Question("s", "gull", "a")], seconds=600)), flush=True)
os.kill(os.getpid(), 9)
"""
    done = subprocess.run([sys.executable, "-c", work], capture_output=True, text=True)
    assert (done.stdout, done.returncode) == ("1\n", -9)
    with VerdictCache(path) as cache:
        assert cache.stats()["under_way"] == 0
        assert cache.claim([question("a")], seconds=60) == [question("a")]


def test_a_file_that_is_no_cache_is_an_error_that_names_it(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("these are notes, and rather long ones at that" * 20)
    other = tmp_path / "other.sqlite"
    with sqlite3.connect(other) as db:
        db.execute("CREATE TABLE mine (x)")
    db.close()
    for file, why in ((text, "file is not a database"), (other, "not a verdict cache"), (tmp_path, "unable to open")):
        with pytest.raises(RlfgError, match=f"{file.name}.*{why}"):
            VerdictCache(file)
    assert sqlite3.connect(other).execute("SELECT count(*) FROM mine").fetchone() == (0,)
    with pytest.raises(RlfgError, match="no such verdict cache"):
        VerdictCache(tmp_path / "none.sqlite", create=False)


@pytest.fixture
def filled(path: Path) -> Path:
    with VerdictCache(path) as cache:
        old, new = cache.describe(OLD), cache.describe(NEW)
        cache.put({question(x, old): Cached(Relation.WRONG) for x in "abc"})
        cache.put({question("é", new): Cached(Relation.SPECIFIC, "the same")})
    with sqlite3.connect(path) as db:
        db.execute("UPDATE verdicts SET created = ? WHERE setting = ?", (time.time() - 40 * 86400, old))
    db.close()
    return path


def test_stats_and_export(filled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["cache", "stats", str(filled)])
    shown = capsys.readouterr().out
    assert "4 verdicts" in shown and '"Grade well.…"' in shown and "WRONG 3" in shown
    with pytest.raises(SystemExit):
        main(["cache", "export", str(filled), "--out", str(tmp_path / "out.jsonl")])
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [line["answer"] for line in lines][-1] == "é"
    assert sorted(line["answer"] for line in lines) == ["a", "b", "c", "é"]
    assert lines[-1] | {"created": 0} == {
        "setting": setting_id(NEW), "truth": "gull", "answer": "é", "label": "SPECIFIC", "reason": "the same",
        "created": 0,
    }  # fmt: skip


def test_prune_by_setting_and_age(filled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def prune(*options: str) -> str:
        with pytest.raises(SystemExit):
            main(["cache", "prune", str(filled), *options])
        return "".join(capsys.readouterr())

    assert "say what to prune" in prune()
    assert "0 settings begin with 'nothing'" in prune("--setting", "nothing")
    assert "3 verdicts would be removed" in prune("--older-than", "30", "--dry-run")
    assert "0 verdicts removed" in prune("--older-than", "30", "--setting", setting_id(NEW)[:8])
    assert "3 verdicts removed" in prune("--setting", setting_id(OLD)[:8])
    with VerdictCache(filled) as cache:
        assert list(cache.stats()["settings"]) == [setting_id(NEW)]


def test_it_can_be_opened_by_many_at_once(path: Path) -> None:
    work = f"from rewards.cache import VerdictCache; VerdictCache({str(path)!r}).close()"
    running = [subprocess.Popen([sys.executable, "-c", work], env=dict(os.environ)) for _ in range(6)]
    assert [process.wait() for process in running] == [0] * 6
