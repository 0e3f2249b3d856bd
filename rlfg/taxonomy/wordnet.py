"""Nouns of a WordNet in LMF (.xml), read by the `wn` library.

    <Synset id="ewn-02084071-n" partOfSpeech="n"><SynsetRelation relType="hypernym" target="…"/></Synset>

A synset's first word is its name and the others are synonyms. Hypernyms make a graph in which a synset may
have several parents; one is kept: the first listed, or that on the shortest or the longest way up to the top
(the first of equals). Instances, such as persons and places, and other parts of speech are skipped. Depth
counts edges, and siblings with one name become one taxon.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from itertools import islice
from pathlib import Path
from typing import Any

from rlfg.errors import RlfgError
from rlfg.taxonomy.archive import file_lines
from rlfg.taxonomy.build import TaxonRecord
from rlfg.taxonomy.ledger import Ledger
from rlfg.taxonomy.reading import Hypernym, Reading, ReadOptions

_PEEK = 20
_Above = dict[str, list[str]]


def is_lmf(path: Path) -> bool:
    """Whether an XML file is a lexical resource."""
    return any("LexicalResource" in line for line in islice(file_lines(path), _PEEK))


def read_wordnet(path: Path, options: ReadOptions, ledger: Ledger) -> Reading:
    """Read all lexicons of the file.

    Raises:
        RlfgError: `wn` is missing, the file is not LMF, or hypernyms go round in a circle.
    """
    try:
        from wn import lmf
    except ImportError as error:
        raise RlfgError(f"{path}: reading WordNet needs the wn library; pip install 'rlfg[wordnet]'") from error
    if not path.is_file():
        raise RlfgError(f"{path}: cannot read the taxonomy: there is no such file")
    if not lmf.is_lmf(path):
        raise RlfgError(f"{path}: not LMF that wn can read; unpack it, and look whether it names its DTD")
    return Reading(records=_records(path, lmf, options.hypernym, ledger), main_ranks=(), siblings="merge")


def _records(path: Path, lmf: Any, hypernym: Hypernym, ledger: Ledger) -> Iterator[TaxonRecord]:
    try:
        resource = lmf.load(path, progress_handler=None)
    except (lmf.LMFError, ValueError, LookupError, SyntaxError) as error:
        raise RlfgError(f"{path}: not readable LMF: {error}") from error
    for lexicon in resource["lexicons"]:
        words = _words(lexicon)
        above = _hypernyms(lexicon, ledger)
        parents = _parents(path, above, hypernym)
        ledger.notes["further hypernym left out"] += sum(max(len(upper) - 1, 0) for upper in above.values())
        for synset, parent in parents.items():
            where = f"{path}: synset {synset}"
            if not words.get(synset):
                ledger.bad(f"{where} has no word")
                continue
            ledger.used["taxon"] += 1
            name, *others = words[synset]
            yield TaxonRecord(
                id=synset, parent=parent, name=name, synonyms=tuple(others), ids=(synset,), where=where
            )  # fmt: skip
    ledger.drop_zeros()


def _words(lexicon: Mapping[str, Any]) -> dict[str, list[str]]:
    """Synset → its words in the order of its members, or else of the lexicon."""
    found: dict[str, dict[str, str]] = {}
    for entry in lexicon.get("entries", ()):
        for sense in entry.get("senses", ()):
            lemma = entry["lemma"]["writtenForm"]
            found.setdefault(sense["synset"], {}).update({entry["id"]: lemma, sense["id"]: lemma})
    members = {synset["id"]: synset.get("members", ()) for synset in lexicon.get("synsets", ())}
    return {
        synset: list(dict.fromkeys([*(lemmas[m] for m in members.get(synset, ()) if m in lemmas), *lemmas.values()]))
        for synset, lemmas in found.items()
    }


def _hypernyms(lexicon: Mapping[str, Any], ledger: Ledger) -> _Above:
    """Noun that is a class → its hypernyms among those, as listed."""
    found: _Above = {}
    for synset in lexicon.get("synsets", ()):
        ledger.entries["synsets"] += 1
        kinds = [relation["relType"] for relation in synset.get("relations", ())]
        if synset.get("partOfSpeech") != "n":
            ledger.skipped["not a noun"] += 1
        elif "instance_hypernym" in kinds and "hypernym" not in kinds:
            ledger.skipped["instance, not a class"] += 1
        else:
            targets = [r["target"] for r in synset.get("relations", ()) if r["relType"] == "hypernym"]
            found[synset["id"]] = list(dict.fromkeys(targets))
    return {synset: [target for target in targets if target in found] for synset, targets in found.items()}


def _parents(path: Path, above: _Above, hypernym: Hypernym) -> dict[str, str | None]:
    try:
        order = list(TopologicalSorter(above).static_order())
    except CycleError as error:
        circle = " is below ".join(reversed(error.args[1]))
        raise RlfgError(f"{path}: hypernyms go round in a circle: {circle}; correct one of them") from error
    steps: dict[str, int] = {}
    parents: dict[str, str | None] = {}
    for synset in order:
        ways = [steps[upper] for upper in above[synset]]
        chosen = {"first": ways[:1], "shortest": [min(ways, default=0)], "longest": [max(ways, default=0)]}[hypernym]
        parents[synset] = above[synset][ways.index(chosen[0])] if ways else None
        steps[synset] = chosen[0] + 1 if ways else 0
    return {synset: parents[synset] for synset in above}
