"""The classes of a dataset: taxa where there is a taxonomy, else names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from rlfg.data.examples import Examples
from rlfg.errors import RlfgError
from rlfg.taxonomy import Taxonomy, normalize, resolve


def classes_of(examples: Examples, taxonomy: Taxonomy | None) -> tuple[list[str], dict[str, int]]:
    """The class of each example, and the taxon of each class.

    Raises:
        RlfgError: A label is not in the taxonomy, or may be several taxa.
    """
    if taxonomy is None:
        spelled: dict[str, str] = {}
        return [spelled.setdefault(normalize(e.label), e.label) for e in examples], {}
    nodes: dict[str, int] = {}
    for example, where in zip(examples, examples.where, strict=True):
        if example.label not in nodes:
            found = resolve(taxonomy, example.label)
            if len(found.candidates) != 1 or not found.named or found.group:
                raise RlfgError(
                    f"{where}: label {example.label!r} is no taxon of {taxonomy.node_name(0)} ({found.status})"
                )
            nodes[example.label] = found.candidates[0]
    names = {node: taxonomy.node_name(node) for node in nodes.values()}
    twice = {name for name, n in Counter(names.values()).items() if n > 1}
    for node, name in names.items():
        if name in twice:
            names[node] = f"{name} ({taxonomy.describe(int(taxonomy.parent[node]))})"
    return [names[nodes[example.label]] for example in examples], {name: node for node, name in names.items()}


def nested_classes(taxonomy: Taxonomy, nodes: Mapping[str, int]) -> dict[str, set[str]]:
    """The classes that lie in each, or that it lies in; classes without any are not in it."""
    by_node = {node: name for name, node in nodes.items()}
    found: dict[str, set[str]] = {}
    for name, node in nodes.items():
        for above in taxonomy.lineage(node):
            if above != node and above in by_node:
                found.setdefault(name, set()).add(by_node[above])
                found.setdefault(by_node[above], set()).add(name)
    return found
