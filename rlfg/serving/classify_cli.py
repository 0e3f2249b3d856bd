"""`rlfg classify`: pictures in files, answers out; goes on where it stopped."""

from __future__ import annotations

import argparse
import csv
import io
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

from eval.predictions import drop_torn_line, read_json_lines
from rlfg.data.folders import PICTURES, pictures_below
from rlfg.errors import RlfgError
from rlfg.one_writer import only_writer
from rlfg.progress import show_progress
from rlfg.serving.client import ApiRefusal, Client, key_of

COLUMNS = ("picture", "answer", "abstained", "taxon_id", "rank", "confidence", "error")
NOT_THE_PICTURES = (401, 404, 405)
"""Refusals that every other picture would get, too: of the key or the address."""


def add_classify(commands: Any) -> None:
    """Add `classify` to the command line."""
    parser = commands.add_parser("classify", help="classify picture files through `rlfg serve` (resumable)")
    parser.add_argument("pictures", nargs="+", type=Path, help="files, or folders of them")
    parser.add_argument("--out", type=Path, required=True, help="answers.jsonl, or answers.csv")
    parser.add_argument("--url", default="http://127.0.0.1:8080", help="of rlfg serve (http://127.0.0.1:8080)")
    parser.add_argument("--api-key-env", metavar="NAME", help="environment variable with the key")
    parser.add_argument("--samples", type=int, help="answers a picture; by default the server's number")
    parser.add_argument("--workers", type=int, default=16, help="pictures at the server at once (16)")
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    if args.out.suffix not in (".jsonl", ".csv"):
        raise RlfgError(f"--out {args.out}: its name ends with .jsonl or .csv")
    if args.workers < 1:
        raise RlfgError("--workers is at least 1")
    client = Client(url=args.url, api_key=key_of(args.api_key_env))
    pictures = find(args.pictures)
    # Lines are appended as answers come; a CSV is made of them whenever a run ends.
    lines = args.out if args.out.suffix == ".jsonl" else args.out.with_suffix(".csv.jsonl")
    try:
        with only_writer(lines):
            found = _complete(lines, client, pictures, args)
            if lines != args.out:
                _write_csv(args.out, found)
    except OSError as error:
        raise RlfgError(f"{args.out}: cannot be written: {error.strerror or error}") from error
    failed = sum(bool(record.get("error")) for record in found)
    abstained = sum(bool(record.get("abstained")) for record in found)
    named = len(found) - failed - abstained
    print(f"{args.out}: {len(found)} pictures: {named} named, {abstained} abstained, {failed} failed")
    return int(failed > 0)


def _complete(lines: Path, client: Client, pictures: Sequence[str], args: argparse.Namespace) -> list[dict[str, Any]]:
    """The record of each picture, those of earlier runs and new ones."""
    done = read_done(lines)
    todo = [picture for picture in pictures if done.get(picture, {"error": True}).get("error")]
    if todo:
        # A name that is no UTF-8 is written as JSON's own escapes.
        with lines.open("a", encoding="utf-8", errors="backslashreplace") as file:
            for number, record in enumerate(_answers(client, todo, args), 1):
                file.write(json.dumps(record, ensure_ascii=False) + "\n")
                file.flush()
                done[record["picture"]] = record
                show_progress(number, len(todo))
    return [done[picture] for picture in pictures]


def find(given: Sequence[Path]) -> list[str]:
    """Picture files, each once, in order.

    Raises:
        RlfgError: A path is not there or cannot be looked into, or there is no picture.
    """
    found: dict[str, None] = {}
    for path in given:
        if path.is_dir():
            found |= dict.fromkeys(map(str, pictures_below(path)))
        elif path.is_file():
            found[str(path)] = None
        else:
            raise RlfgError(f"{path}: no such file or folder")
    if not found:
        raise RlfgError(f"{given[0]}: no pictures in it ({', '.join(sorted(PICTURES))})")
    return list(found)


def read_done(path: Path) -> dict[str, dict[str, Any]]:
    """The last record of each picture; a torn last line is dropped.

    Raises:
        RlfgError: The file is of something else.
    """
    if not path.exists():
        return {}
    drop_torn_line(path)
    done = {}
    for where, record in read_json_lines(path):
        if not isinstance(record.get("picture"), str):
            raise RlfgError(f"{where}: not an answer of `rlfg classify`; use another file")
        done[record["picture"]] = record
    return done


def _answers(client: Client, pictures: Sequence[str], args: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Records as they come; a few more pictures are read than are at the server."""
    waiting: set[Future[dict[str, Any]]] = set()
    rest = iter(pictures)
    with ThreadPoolExecutor(args.workers) as pool:
        while True:
            for picture in rest:
                waiting.add(pool.submit(_answer, client, picture, args.samples))
                if len(waiting) >= 2 * args.workers:
                    break
            if not waiting:
                return
            ready, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            yield from (one.result() for one in ready)


def _answer(client: Client, picture: str, samples: int | None) -> dict[str, Any]:
    try:
        return {"picture": picture, **client.classify(picture, samples=samples)}
    except RlfgError as error:
        if isinstance(error, ApiRefusal) and error.status in NOT_THE_PICTURES:
            raise
        return {"picture": picture, "error": str(error)}


def _write_csv(path: Path, records: Sequence[dict[str, Any]]) -> None:
    """A row a picture, with the confidence at each rank; written aside and renamed."""
    ranks = list(dict.fromkeys(rank for record in records for rank in record.get("confidence", {})))
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([*COLUMNS, *(f"confidence_{rank}" for rank in ranks)])
    for record in records:
        taxon = record.get("taxon") or {}
        shares = {taxon_["id"]: taxon_["confidence"] for taxon_ in record.get("lineage", [])}
        head = [record["picture"], record.get("answer"), record.get("abstained"), taxon.get("id"), taxon.get("rank")]
        row = [*head, shares.get(taxon.get("id")), record.get("error")]
        writer.writerow(["" if v is None else v for v in [*row, *(record.get("confidence", {}).get(r) for r in ranks)]])
    aside = path.with_name(f".{path.name}.partial")
    aside.write_text(text.getvalue(), encoding="utf-8", errors="surrogateescape")
    aside.replace(path)
