"""The options of `rlfg score` that are about text metrics, and what it prints of them."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eval.score import ScoredItem
    from eval.sections import Sections
    from eval.textual import TextMetrics
    from rlfg.taxonomy import Taxonomy

_SHOWN = ("text_inclusion", "word_inclusion", "llm_inclusion", "semantic_similarity", "concept_similarity")


def add_text_options(parser: argparse.ArgumentParser) -> None:
    """Adds them; docs/metrics.md says what each metric is."""
    options = parser.add_argument_group("text metrics (docs/metrics.md)")
    options.add_argument("--embeddings", type=Path, help=".npz with texts and embeddings, for the similarities")
    options.add_argument(
        "--encoder",
        help="model of sentence-transformers, or package.module:function, for texts without a stored embedding; "
        "what it gives is added to --embeddings",
    )
    options.add_argument(
        "--chunker", default="rules", help="rules, spacy, spacy:MODEL, or a .json of text → noun chunks (rules)"
    )
    options.add_argument("--super-category", help='for relative similarity ("bird"); the root\'s name without')
    options.add_argument("--llm-inclusion", type=Path, help="YAML: endpoint, prompt, … of the model that is asked")
    options.add_argument("--text-only", action="store_true", help="no verdicts: neither taxonomy nor judge is needed")
    options.add_argument("--needed-texts", type=Path, help="write all texts to be embedded as a JSON list, and stop")


def text_metrics(args: argparse.Namespace, taxonomy: Taxonomy | None) -> TextMetrics:
    """What the options describe; loads what is asked for and nothing else."""
    from eval.chunkers import load_chunker
    from eval.encoders import Embeddings, load_encoder
    from eval.metrics.llm_inclusion import LlmInclusionSpec
    from eval.textual import TextMetrics
    from rlfg.config import load_config
    from rlfg.taxonomy.tree import UNNAMED_ROOT

    encoder = load_encoder(args.encoder) if args.encoder else None
    store = None
    if args.embeddings is not None and (encoder is None or args.embeddings.exists()):
        store = Embeddings.read(args.embeddings, encoder)
    elif encoder is not None:
        store = Embeddings(encoder=encoder)
    root = None if taxonomy is None or taxonomy.names[0] == UNNAMED_ROOT else taxonomy.names[0]
    return TextMetrics(
        embeddings=store,
        encoder=" + ".join(str(given) for given in (args.embeddings, args.encoder) if given) or None,
        chunker=load_chunker(args.chunker),
        super_category=args.super_category or root,
        llm=load_config(LlmInclusionSpec, args.llm_inclusion) if args.llm_inclusion else None,
    )


def done_with_texts(args: argparse.Namespace, items: Sequence[ScoredItem], metrics: TextMetrics) -> bool:
    """Whether the texts were all that was asked for."""
    from eval.textual import needed_texts

    if args.needed_texts is None:
        return False
    texts = needed_texts(items, metrics)
    args.needed_texts.write_text(json.dumps(texts, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")
    print(f"{args.needed_texts}: {len(texts)} texts")
    return True


def save_embeddings(args: argparse.Namespace, metrics: TextMetrics) -> None:
    """Keeps what was encoded, for the next time."""
    if args.embeddings is not None and args.encoder and metrics.embeddings is not None:
        metrics.embeddings.write(args.embeddings)


def write_pictures(out: Path, sections: Sections) -> None:
    """`pictures.jsonl`, where pictures have several answers."""
    from eval.selective import picture_records

    if sections.sampled is None or sections.taxonomy is None:
        return
    with (out / "pictures.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(
            json.dumps(record, ensure_ascii=False) + "\n"
            for record in picture_records(sections.sampled, sections.taxonomy)
        )


def section_lines(metrics: Mapping[str, Any]) -> Iterator[str]:
    """The first metrics for a person to read; metrics.json has them all."""
    for name in _SHOWN:
        if (entry := metrics["text"].get(name)) is not None:
            yield _line(name.replace("_", " "), entry)
    rates = {name: entry for name, entry in metrics["behaviour"].items() if name.endswith("_rate")}
    yield "  ".join(
        f"{name.removesuffix('_rate').replace('_', ' ')} {_percent(entry)}" for name, entry in rates.items()
    )
    if "selective" in metrics:
        yield _line("AURC", metrics["selective"]["aurc"]) + "   " + _line("hAURC", metrics["selective"]["haurc"])


def _line(name: str, entry: Mapping[str, Any]) -> str:
    value, ci = entry["value"], entry["ci"]
    shown = "undefined" if value is None else f"{value:.3f}"
    bounds = f"  95 % [{ci[0]:.3f}, {ci[1]:.3f}]" if ci else ""
    return f"{name:<20}{shown}{bounds}  of {entry['denominator']}"


def _percent(entry: Mapping[str, Any]) -> str:
    return "–" if entry["value"] is None else f"{entry['value']:.1%}"
