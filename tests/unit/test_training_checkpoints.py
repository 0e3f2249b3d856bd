from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch")

from rlfg.data.contract import check_contract, write_contract
from rlfg.errors import RlfgError
from rlfg.training.checkpoints import (
    STAGING,
    checkpoints,
    latest_checkpoint,
    publish,
)


def stage(run: Path, step: int) -> Path:
    folder = run / STAGING / f"checkpoint-{step}"
    folder.mkdir(parents=True)
    (folder / "weights").write_text(str(step))
    return run / STAGING


def test_the_newest_and_the_best_are_kept(tmp_path: Path) -> None:
    for step in (10, 20, 30, 100):
        publish(stage(tmp_path, step), tmp_path, keep=2, best_step=10)
    assert [p.name for p in checkpoints(tmp_path)] == ["checkpoint-10", "checkpoint-30", "checkpoint-100"]
    assert not (tmp_path / STAGING).exists()


def test_a_checkpoint_being_written_is_never_found(tmp_path: Path) -> None:
    publish(stage(tmp_path, 10), tmp_path, keep=2, best_step=None)
    stage(tmp_path, 20)
    assert latest_checkpoint(tmp_path) == tmp_path / "checkpoint-10"


def test_a_contract_names_what_differs(tmp_path: Path) -> None:
    write_contract(tmp_path, {"prompt": "a", "taxonomy": "x"})
    check_contract(tmp_path, {"prompt": "a", "parse_mode": "strict"})
    with pytest.raises(RlfgError, match=r"prompt \(was 'a', now 'b'\)"):
        check_contract(tmp_path, {"prompt": "b", "taxonomy": "x"})
    check_contract(tmp_path / "elsewhere", {"prompt": "b"})
