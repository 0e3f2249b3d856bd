from __future__ import annotations

import pytest

pytest.importorskip("torch")

from rewards.scoring import Scored
from rlfg.training.samples import COLUMNS, console_table, markdown_table, sample_rows
from rlfg.types import Relation, Rollout, Score, Verdict


def scored(group: str, index: int, reward: float | None, answer: str | None = "gull") -> Scored:
    rollout = Rollout(
        step=3,
        group_id=group,
        prompt_key=group,
        index=index,
        truth="Herring Gull",
        completion="a | b\nc",
        image="x.png",
    )
    verdict = Verdict(relation=Relation.LESS_SPECIFIC, answer=answer, answer_taxon="genus Larus")
    return Scored(
        rollout=rollout,
        verdict=verdict,
        score=Score(reward=reward, verdict=verdict),
        advantage=0.0,
        valid=reward is not None,
    )


SET = [scored("a", 0, 0.5), scored("b", 0, 1.0), scored("a", 1, None), scored("a", 2, 1.0), scored("b", 1, 1.0)]


def test_best_and_worst_of_each_group_and_one_where_all_are_equal() -> None:
    rows = sample_rows(SET, groups=4)
    assert [row["reward"] for row in rows] == [1.0, None, 1.0]
    assert all(set(row) == set(COLUMNS) for row in rows)
    assert len(sample_rows(SET, groups=1)) == 2
    assert sample_rows(SET, groups=0) == []


def test_tables_hold_every_row_and_stay_tables_whatever_the_text() -> None:
    rows = sample_rows([*SET, scored("c", 0, -1.0, answer=None), scored("d", 0, 0.0, answer="word " * 40)], groups=9)
    lines = console_table(rows).splitlines()
    assert len(lines) == 1 + len(rows)
    assert "genus Larus" in lines[1] and "LESS_SPECIFIC" in lines[1] and "1.00" in lines[1]
    assert max(map(len, lines)) < 120
    assert {line.replace("\\|", "").count("|") for line in markdown_table(rows).splitlines()} == {len(COLUMNS) + 1}
