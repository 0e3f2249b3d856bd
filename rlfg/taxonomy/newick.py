"""Newick trees: one a file, ended by ";".

    ((Larus_argentatus:1.2,'Larus canus')Larus,Sterna_hirundo)Laridae;

In a label without quotes "_" is a space, and in quotes '' is an apostrophe. Comments in brackets and branch
lengths are dropped. An internal node without a label, or with a number (a support value), is no taxon: its
children go to the nearest labelled node above, and only a top without a label is joined by a synthetic root.
In Open Tree labels the "_ott123" is the identifier, and "mrcaott…" is no name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rlfg.errors import RlfgError
from rlfg.taxonomy.build import TaxonRecord
from rlfg.taxonomy.ledger import Ledger
from rlfg.taxonomy.reading import Reading, ReadOptions
from rlfg.taxonomy.text import read_text

_TOKEN = re.compile(
    r"\s*(?:(?P<comment>\[[^\]]*\])|(?P<mark>[(),;])|:\s*(?P<length>[^\s()\[\],:;']+)"
    r"|'(?P<quoted>(?:[^']|'')*)'|(?P<plain>[^\s()\[\],:;'][^()\[\],:;]*))"
)
_SUPPORT = re.compile(r"[\d.+\-/eE]*\d[\d.+\-/eE]*")
_SUPPORT_AND_NAME = re.compile(r"[\d.]+:(.+)")
_OTT = re.compile(r"(.*)[_ ](ott\d+)", re.DOTALL)
_UNNAMED_OTT = re.compile(r"mrcaott\d+ott\d+")


@dataclass(slots=True)
class _Node:
    parent: int | None
    line: int
    label: str | None = None
    ott: str | None = None
    internal: bool = False


def read_newick(path: Path, options: ReadOptions, ledger: Ledger) -> Reading:
    """Read a tree; it is held in memory, since a label stands behind what is below it.

    Raises:
        RlfgError: parentheses that do not match, a leaf without a label, or anything behind the ";".
    """
    return Reading(records=_records(path, ledger), main_ranks=())


def _records(path: Path, ledger: Ledger) -> Iterator[TaxonRecord]:
    nodes = _parse(path)
    ledger.entries["nodes"] += len(nodes)
    for index, node in enumerate(nodes):
        if node.label is None:
            ledger.skipped["internal node without a name"] += 1
            continue
        above = node.parent
        while above is not None and nodes[above].label is None:
            above = nodes[above].parent
        ledger.used["taxon"] += 1
        yield TaxonRecord(
            id=index,
            parent=above,
            name=node.label,
            ids=(node.ott,) if node.ott else (),
            where=f"{path}:{node.line}",
        )


def _parse(path: Path) -> list[_Node]:
    nodes = [_Node(None, 1)]
    open_nodes: list[int] = []
    current = 0
    done = False
    for line, kind, text in _tokens(path):
        where = f"{path}:{line}"
        if done:
            raise RlfgError(f"{where}: more behind the end of the tree; keep one tree a file")
        node = nodes[current]
        if kind in ("quoted", "plain"):
            if node.label is not None:
                raise RlfgError(f'{where}: two labels in a row, "{node.label}" and "{text}"; a comma is missing')
            _label(node, text, quoted=kind == "quoted")
            node.line = line
        elif text == "(":
            if node.internal or node.label is not None:
                raise RlfgError(f'{where}: "(" behind a label or a clade; a comma is missing')
            node.internal = True
            open_nodes.append(current)
            current = _add(nodes, current, line)
        else:
            _check_leaf(node, where)
            if text == ";":
                done = True
            elif not open_nodes:
                raise RlfgError(f'{where}: "{text}" outside all parentheses')
            else:
                current = open_nodes.pop() if text == ")" else _add(nodes, open_nodes[-1], line)
    if not done or open_nodes:
        raise RlfgError(f'{path}: the tree is cut off: no ";" at its end, or {len(open_nodes)} "(" without their ")"')
    return nodes


def _add(nodes: list[_Node], parent: int, line: int) -> int:
    nodes.append(_Node(parent, line))
    return len(nodes) - 1


def _label(node: _Node, text: str, *, quoted: bool) -> None:
    """The name in a label, if it is one."""
    raw = text.replace("''", "'") if quoted else text.strip()
    if node.internal and (_SUPPORT.fullmatch(raw) or _UNNAMED_OTT.fullmatch(raw)):
        return
    if node.internal and (found := _SUPPORT_AND_NAME.fullmatch(raw)):
        raw = found[1]
    if found := _OTT.fullmatch(raw):
        raw, node.ott = found[1], found[2]
    node.label = " ".join((raw if quoted else raw.replace("_", " ")).split())


def _check_leaf(node: _Node, where: str) -> None:
    if not node.internal and node.label is None:
        raise RlfgError(f"{where}: a leaf has no label")


def _tokens(path: Path) -> Iterator[tuple[int, str, str]]:
    """Line, kind and text of what matters."""
    text = read_text(path)
    at, line, counted = 0, 1, 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            if not text[at:].strip():
                return
            line += text.count("\n", counted, at)
            raise RlfgError(f'{path}:{line}: cannot read on at "{text[at : at + 20].strip()}"')
        kind = found.lastgroup or ""
        if kind not in ("comment", "length"):
            line += text.count("\n", counted, found.start(kind))
            counted = found.start(kind)
            yield line, kind, found[kind]
        at = found.end()
