"""The model card of an export: what it was made from, how, and how well it does, as far as the run's files say."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from rlfg.training.exporting.parity import Parity

if TYPE_CHECKING:
    from rlfg.training.exporting.export import ExportSpec

PACKAGES = ("rlfg", "torch", "transformers", "peft")


def write_card(
    folder: Path, spec: ExportSpec, *, base: str, dtype: str, contract: dict[str, Any], parity: Parity
) -> None:
    """README.md with front matter."""
    run = _read_record(spec.trained.parent / "run.json")
    licence = spec.licence or licence_of(base)
    front = {
        "license": licence or "other",
        "base_model": str(run.get("config", {}).get("model", {}).get("path") or base),
        "pipeline_tag": "image-text-to-text",
        "library_name": "transformers",
        "tags": ["fine-grained-classification", "grpo"],
    }
    lines = [
        f"---\n{yaml.safe_dump(front, sort_keys=False)}---",
        f"# {spec.out.name}",
        "An open-world fine-grained classifier: shown a picture and no list of labels, it names what it sees as "
        "specifically as it knows.",
        "## Made from\n\n" + _table(_made_from(spec, base, dtype, contract, run, licence)),
        "## Measured\n\n" + (_metrics(spec.trained.parent / "metrics.jsonl") or "No evaluation is on record."),
        f"## Checked\n\nAgainst the trained weights before they were merged: {parity}.",
        "## Use\n\n"
        "Plain transformers (`AutoModelForImageTextToText`) and vLLM (`vllm serve FOLDER`) load it. As an API that "
        "classifies: `rlfg serve --model FOLDER --taxonomy …`; prompt and picture budget are in `contract.json`.",
    ]
    (folder / "README.md").write_text("\n\n".join(lines) + "\n", encoding="utf-8")


def licence_of(base: str) -> str | None:
    """That of the card of a local base."""
    card = Path(base) / "README.md"
    if not card.is_file():
        return None
    text = card.read_text(encoding="utf-8")
    if not text.startswith("---"):
        return None
    try:
        front = yaml.safe_load(text.split("---")[1])
    except yaml.YAMLError:
        return None
    found = front.get("license") if isinstance(front, dict) else None
    return str(found) if found else None


def revision_of(trained: Path, base: str) -> str | None:
    """Which revision of a base on the hub the run was told to train; None: the newest of its time."""
    model = _read_record(trained.parent / "run.json").get("config", {}).get("model", {})
    return model.get("revision") if model.get("path") == base else None


def _made_from(
    spec: ExportSpec, base: str, dtype: str, contract: dict[str, Any], run: dict[str, Any], licence: str | None
) -> dict[str, Any]:
    config = run.get("config", {})
    return {
        "base": base,
        "base's revision": revision_of(spec.trained, base),
        "trained": spec.trained,
        "weights": f"{dtype}, adapter merged" if base != str(spec.trained) else dtype,
        "licence": licence or "unknown: the base's card names none; check it before you share this",
        "data": config.get("data", {}).get("path"),
        "taxonomy": contract.get("taxonomy"),
        "prompt": contract.get("prompt"),
        "picture budget": contract.get("max_pixels"),
        "reward": config.get("reward", {}).get("name"),
        "steps": config.get("run", {}).get("steps") or config.get("run", {}).get("epochs"),
        "seed": config.get("run", {}).get("seed"),
        "revision": run.get("revision"),
        "exported with": ", ".join(f"{name} {version(name)}" for name in PACKAGES),
    }


def _metrics(path: Path) -> str:
    """The best greedy evaluation of the run."""
    if not path.is_file():
        return ""
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    evaluations = [record for record in records if "eval_hm" in record]
    if not evaluations:
        return ""
    best = max(evaluations, key=lambda record: record["eval_hm"])
    shown = {"step": best.get("step")}
    shown |= {name: f"{best[f'eval_{name}']:.3f}" for name in ("correctness", "specificity", "hm")}
    return "Greedy answers to the run's evaluation pictures, at its best step:\n\n" + _table(shown)


def _table(values: dict[str, Any]) -> str:
    rows = [f"| {name} | {_cell(value)} |" for name, value in values.items() if value is not None]
    return "\n".join(["| | |", "|---|---|", *rows])


def _cell(value: Any) -> str:
    """As text: nothing in it is Markdown or HTML."""
    text = " ".join(str(value).split())
    return "".join(f"\\{c}" if c in "\\|*_[]`#" else c for c in text).replace("<", "&lt;")


def _read_record(path: Path) -> dict[str, Any]:
    """A JSON object of a run's; empty where there is none."""
    if not path.is_file():
        return {}
    found = json.loads(path.read_text(encoding="utf-8"))
    return found if isinstance(found, dict) else {}
