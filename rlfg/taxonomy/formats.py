"""The formats by name, and which of them a file is in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from rlfg.errors import RlfgError
from rlfg.taxonomy.archive import Archive, file_lines, is_archive
from rlfg.taxonomy.coldp import is_coldp, read_coldp
from rlfg.taxonomy.darwin_core import META, read_darwin_core
from rlfg.taxonomy.gtdb import LINE as GTDB_LINE
from rlfg.taxonomy.gtdb import read_gtdb
from rlfg.taxonomy.inat_json import is_inat_json, read_inat_json
from rlfg.taxonomy.ledger import Ledger
from rlfg.taxonomy.lineage_json import read_lineage_json
from rlfg.taxonomy.ncbi import read_ncbi
from rlfg.taxonomy.newick import read_newick
from rlfg.taxonomy.parent_table import read_parent_table
from rlfg.taxonomy.paths import SEPARATOR, read_paths
from rlfg.taxonomy.rank_csv import read_rank_table
from rlfg.taxonomy.reading import Reading, ReadOptions
from rlfg.taxonomy.speciesnet import LINE as SPECIESNET_LINE
from rlfg.taxonomy.speciesnet import read_speciesnet
from rlfg.taxonomy.text import DELIMITERS, open_table, suffix_of
from rlfg.taxonomy.wordnet import is_lmf, read_wordnet

NEWICK_SUFFIXES = {".nwk", ".newick", ".tre", ".tree", ".nw"}
_PEEK = 200
"""Lines of a text file that are looked at to tell what it is."""


@dataclass(frozen=True, kw_only=True)
class Format:
    """One kind of source."""

    read: Callable[[Path, ReadOptions, Ledger], Reading]
    about: str
    """What such a file is, for a list of formats."""
    takes: frozenset[str] = frozenset()
    """Which fields of `ReadOptions` say something about it."""


FORMATS: dict[str, Format] = {
    "rank-table": Format(
        read=read_rank_table,
        about="CSV, TSV or Parquet with a column a rank",
        takes=frozenset({"rank_columns", "common_column"}),
    ),
    "parent-table": Format(
        read=read_parent_table, about="CSV, TSV or Parquet with id and parent_id", takes=frozenset({"ranks"})
    ),
    "lineage-json": Format(read=read_lineage_json, about="JSON object of label → lineage", takes=frozenset({"ranks"})),
    "inat-json": Format(read=read_inat_json, about="iNaturalist competition JSON with categories"),
    "speciesnet": Format(read=read_speciesnet, about="SpeciesNet label list, uuid;class;…;common name"),
    "ncbi": Format(read=read_ncbi, about="NCBI taxdump, folder or archive with nodes.dmp", takes=frozenset({"ranks"})),
    "darwin-core": Format(
        read=read_darwin_core,
        about="Darwin Core Archive of taxa, with meta.xml",
        takes=frozenset({"ranks", "languages"}),
    ),
    "coldp": Format(
        read=read_coldp,
        about="Catalogue of Life Data Package, with NameUsage",
        takes=frozenset({"ranks", "languages"}),
    ),
    "newick": Format(read=read_newick, about="Newick tree"),
    "wordnet": Format(read=read_wordnet, about="WordNet in LMF XML, for the wn library", takes=frozenset({"hypernym"})),
    "gtdb": Format(read=read_gtdb, about="lines of d__…;p__…;…;s__…"),
    "paths": Format(read=read_paths, about="text list of A > B > C"),
}


def open_source(path: Path, format_name: str | None, options: ReadOptions, ledger: Ledger) -> tuple[str, Reading]:
    """Start reading a source in the named format, or in that it looks like.

    Raises:
        RlfgError: no such format, none that fits, or an option that the format has no use for.
    """
    name = detect(path) if format_name is None else format_name
    if name not in FORMATS:
        raise RlfgError(f'{path}: there is no format "{name}"; {_listed()}')
    chosen = FORMATS[name]
    for option, default in vars(ReadOptions()).items():
        if getattr(options, option) != default and option not in chosen.takes:
            raise RlfgError(f"{path}: {_unused(name, option)}")
    return name, chosen.read(path, options, ledger)


def detect(path: Path) -> str:
    """The format that a file's extension and first lines speak for.

    Raises:
        RlfgError: none does; the message lists the formats.
    """
    if is_archive(path):
        return _detect_archive(path)
    suffix = suffix_of(path)
    if suffix == ".parquet" or suffix in DELIMITERS:
        return _detect_table(path)
    if suffix == ".json":
        return "inat-json" if is_inat_json(path) else "lineage-json"
    if suffix in NEWICK_SUFFIXES:
        return "newick"
    if suffix == ".xml" and is_lmf(path):
        return "wordnet"
    if suffix == ".txt":
        return _detect_text(path)
    raise _unknown(path)


def _detect_archive(path: Path) -> str:
    archive = Archive(path)
    if archive.find("nodes.dmp"):
        return "ncbi"
    if archive.find(META):
        return "darwin-core"
    if is_coldp(archive):
        return "coldp"
    raise RlfgError(f"{path}: none of its files ({', '.join(archive.names[:8])}) tells the format; {_listed()}")


def _detect_table(path: Path) -> str:
    if suffix_of(path) != ".parquet" and any(GTDB_LINE.fullmatch(line) for line in islice(file_lines(path), 2)):
        return "gtdb"
    header, _ = open_table(path, Ledger())
    return "parent-table" if "parent_id" in header else "rank-table"


def _detect_text(path: Path) -> str:
    for line in islice(_lines_of_text(path), _PEEK):
        if SPECIESNET_LINE.fullmatch(line):
            return "speciesnet"
        if GTDB_LINE.fullmatch(line):
            return "gtdb"
        if SEPARATOR.search(line):
            return "paths"
        if line.lstrip().startswith("("):
            return "newick"
    raise _unknown(path)


def _lines_of_text(path: Path) -> Iterator[str]:
    return (line for line in file_lines(path) if line.strip() and not line.startswith("#"))


def _unused(name: str, option: str) -> str:
    if (name, option) == ("rank-table", "ranks"):
        return "a rank table's columns are its ranks; drop the ranks given beside it"
    return f"{option} says nothing about the format {name}; drop it"


def _unknown(path: Path) -> RlfgError:
    if not path.exists():
        return RlfgError(f"{path}: cannot read: No such file or directory")
    return RlfgError(f"{path}: unknown kind of taxonomy; {_listed()}")


def _listed() -> str:
    return "name one of these formats: " + "; ".join(f"{name} ({kind.about})" for name, kind in FORMATS.items())
