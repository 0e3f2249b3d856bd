"""The tree and the answers that the evaluation tests compute by hand."""

from __future__ import annotations

from pathlib import Path

from eval.score import ScoredItem, score
from rewards.verifier import TaxonomyVerifier
from rlfg.taxonomy import Taxonomy, load_taxonomy
from rlfg.types import Prediction

TREE = """\
order,family,genus,species
Charadriiformes,Laridae,Larus,Larus fuscus
Charadriiformes,Laridae,Larus,Larus canus
Charadriiformes,Laridae,Sterna,Sterna hirundo
Passeriformes,Corvidae,Corvus,Corvus corax
"""
ANSWERS = (
    "Larus fuscus",  # SPECIFIC, depth 4 of 4
    "Larus",  # LESS_SPECIFIC, 3 of 4
    "Laridae",  # LESS_SPECIFIC, 2 of 4
    "Charadriiformes",  # GENERIC, 1 of 4
    "bird",  # GENERIC, 0 of 4
    "Larus canus",  # WRONG, parts at the genus (height 1)
    "Corvus corax",  # WRONG, parts at the root (height 4)
    "pink-bellied finch",  # WRONG, no taxon
    "None",  # ABSTAIN
    "",  # UNPARSED
)
"""Answers to pictures of Larus fuscus: 5 of 10 correct, specificity (4 + 3 + 2 + 1 + 0) / 4 / 5 = 0.5."""


def toy_tree(folder: Path) -> Taxonomy:
    path = folder / "tree.csv"
    path.write_text(TREE)
    return load_taxonomy(path, root="bird")


def scored(tree: Taxonomy, *answers: str, truth: str = "Larus fuscus", name: str = "i") -> list[ScoredItem]:
    """One item per answer."""
    predictions = [Prediction(id=f"{name}{k}", truth=truth, answers=(a,)) for k, a in enumerate(answers)]
    return score(predictions, TaxonomyVerifier(tree), tree)


def sampled(tree: Taxonomy, id_: str, *answers: str, truth: str = "Larus fuscus") -> list[ScoredItem]:
    """One item with several answers."""
    return score([Prediction(id=id_, truth=truth, answers=answers)], TaxonomyVerifier(tree), tree)
