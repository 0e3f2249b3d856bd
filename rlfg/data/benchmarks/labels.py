"""From the class names of an archive or a copy of it to the labels of the manifests."""

from __future__ import annotations

import re
from collections.abc import Mapping

from rlfg.data.benchmarks.model import Benchmark
from rlfg.errors import RlfgError
from rlfg.taxonomy import Taxonomy, normalize, resolve
from rlfg.taxonomy.hierarchies import hierarchy

_NUMBER = re.compile(r"^(?:\d+\.|n\d{8}-)")
"""Before the name in CUB ("001.") and in Stanford Dogs ("n02085620-")."""


class Labels:
    """The labels of a benchmark's classes, however a source spells these."""

    def __init__(self, benchmark: Benchmark) -> None:
        self._title = benchmark.title
        self._hierarchy = benchmark.hierarchy
        labels: Mapping[str, str] | None = benchmark.labels()
        self._known = None if labels is None else dict(labels) | {_key(k): v for k, v in labels.items()}
        self._nodes: dict[int, str] | None = None

    def of(self, name: str, where: str) -> str:
        """The label of a class; by its official name but for case and punctuation, else by another name of its taxon.

        Raises:
            RlfgError: it is no class of the benchmark.
        """
        if self._known is None:
            return name
        found = self._known.get(name) or self._known.get(_key(name)) or self._by_taxon(name)
        if found is None:
            hint = "; a column of numbers needs the names, as text or ClassLabel" if name.isdigit() else ""
            raise RlfgError(f"{where}: {name!r} is no class of {self._title}{hint}")
        self._known[name] = found
        return found

    def _by_taxon(self, name: str) -> str | None:
        if self._hierarchy is None or self._known is None:
            return None
        taxonomy = hierarchy(self._hierarchy)
        if self._nodes is None:
            self._nodes = {taxonomy.lookup(label)[0]: label for label in set(self._known.values())}
        return self._nodes.get(_taxon(taxonomy, _NUMBER.sub("", name).replace("_", " ")))


def _key(name: str) -> str:
    return normalize(_NUMBER.sub("", name))


def _taxon(taxonomy: Taxonomy, text: str) -> int:
    found = resolve(taxonomy, text)
    return found.candidates[0] if len(found.candidates) == 1 and found.named and not found.group else -1
