"""An adapter as a plain model: the same answers, loaded by others, and refused where it is not the same."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

import yaml  # noqa: E402
from peft import LoraConfig, get_peft_model  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402

from rlfg.cli import main  # noqa: E402
from rlfg.data import contract_hash, load_prompt  # noqa: E402
from rlfg.data.contract import write_contract  # noqa: E402
from rlfg.errors import RlfgError  # noqa: E402
from rlfg.models.load import LANGUAGE_LINEARS, LoraSpec, ModelSpec, load_model, load_processor  # noqa: E402
from rlfg.training.exporting import export as exporting  # noqa: E402
from rlfg.training.exporting.card import revision_of  # noqa: E402
from rlfg.training.exporting.export import ExportSpec, export  # noqa: E402

QUICK: dict[str, Any] = {"pictures": 2, "max_new_tokens": 8}


@pytest.fixture
def trained(tiny_model: Path, tmp_path: Path) -> Path:
    """A run's final adapter that is no identity, with the run's records."""
    torch.manual_seed(3)
    model = load_model(ModelSpec(path=str(tiny_model), dtype="float32", lora=LoraSpec(r=4, alpha=8)), trainable=True)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.2)
    folder = tmp_path / "run" / "final"
    model.save_pretrained(folder)
    load_processor(ModelSpec(path=str(tiny_model))).save_pretrained(folder)
    write_contract(folder, {"prompt": contract_hash(load_prompt("short")), "max_pixels": None, "taxonomy": "abc123"})
    config = {
        "model": {"path": str(tiny_model), "revision": "9f3e1c7"},
        "data": {"path": "birds|<b>.jsonl"},
        "reward": {"name": "hedged"},
    }
    (folder.parent / "run.json").write_text(json.dumps({"config": {**config, "run": {"steps": 7, "seed": 1}}}))
    lines = [
        {"step": s, "eval_hm": h, "eval_correctness": 0.9, "eval_specificity": 0.5} for s, h in ((2, 0.4), (4, 0.6))
    ]
    (folder.parent / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def test_the_export_is_the_base_plus_the_adapter(trained: Path, tiny_model: Path, tmp_path: Path) -> None:
    found = export(ExportSpec(trained=trained, out=tmp_path / "plain", **QUICK))
    assert (found.pictures, found.ties) == (2, 0) and found.gap < 1e-4 and found.tokens > 2
    base, merged = (load_file(folder / "model.safetensors") for folder in (tiny_model, tmp_path / "plain"))
    assert base.keys() == merged.keys()
    lora = load_file(trained / "adapter_model.safetensors")
    name = "language_model.layers.0.mlp.up_proj"
    key = next(k for k in base if k.endswith("layers.0.mlp.up_proj.weight") and "visual" not in k)
    a, b = (next(t for k, t in lora.items() if f"{name}.lora_{x}." in k) for x in "AB")
    torch.testing.assert_close(merged[key], base[key] + b @ a * 2, rtol=1e-5, atol=1e-6)
    assert (tmp_path / "plain" / "contract.json").read_text() == (trained / "contract.json").read_text()
    assert not list((tmp_path / "plain").glob("adapter*")) and not list((tmp_path / "plain").glob("*.bin"))


def test_a_prompt_of_ones_own_is_named(trained: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.txt"
    own.write_text("Which bird?")
    write_contract(trained, {"prompt": contract_hash(load_prompt(str(own)))})
    with pytest.raises(RlfgError, match=r"a prompt of its own; name its \.txt file with --prompt"):
        export(ExportSpec(trained=trained, out=tmp_path / "plain", **QUICK))
    export(ExportSpec(trained=trained, out=tmp_path / "plain", prompt=str(own), **QUICK))
    assert (tmp_path / "plain" / "model.safetensors").is_file()


def test_it_is_loaded_without_this_project(trained: Path, tmp_path: Path) -> None:
    export(ExportSpec(trained=trained, out=tmp_path / "plain", **QUICK))
    code = """
import sys
sys.modules["rlfg"] = None
from transformers import AutoModelForImageTextToText, AutoProcessor
from PIL import Image
model = AutoModelForImageTextToText.from_pretrained(sys.argv[1])
processor = AutoProcessor.from_pretrained(sys.argv[1])
messages = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "What is this?"}]}]
text = processor.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
batch = processor(text=[text], images=[Image.new("RGB", (84, 84))], return_tensors="pt")
print(model.generate(**batch, max_new_tokens=4, do_sample=False).shape[1] > batch["input_ids"].shape[1])
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "plain")], capture_output=True, text=True, cwd=tmp_path, timeout=600
    )
    assert done.stdout.strip() == "True", done.stderr[-2000:]


def test_the_card_says_what_it_was_made_from(trained: Path, tmp_path: Path) -> None:
    export(ExportSpec(trained=trained, out=tmp_path / "plain", licence="apache-2.0", **QUICK))
    text = (tmp_path / "plain" / "README.md").read_text()
    front = yaml.safe_load(text.split("---")[1])
    assert (front["license"], front["pipeline_tag"]) == ("apache-2.0", "image-text-to-text")
    for expected in ("abc123", "9f3e1c7", "hedged", "| step | 4 |", "| hm | 0.600 |", "2 of 2 greedy answers the same"):
        assert expected in text, expected
    assert "birds\\|&lt;b>.jsonl" in text


def test_a_base_on_the_hub_is_that_which_was_trained(trained: Path, tiny_model: Path) -> None:
    assert revision_of(trained, str(tiny_model)) == "9f3e1c7"
    assert revision_of(trained, "another/base") is None
    assert revision_of(trained / "nowhere", str(tiny_model)) is None


def test_a_merge_gone_wrong_leaves_nothing(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "merge", lambda model: model.unload())
    with pytest.raises(RlfgError, match="the exported model"):
        export(ExportSpec(trained=trained, out=tmp_path / "plain", **QUICK))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["run"]


def test_a_base_that_is_not_safe_is_refused(trained: Path, tiny_model: Path, tmp_path: Path) -> None:
    for name, change in (("pickled", None), ("coded", {"auto_map": {"AutoModel": "x.Y"}})):
        base = tmp_path / name
        base.mkdir()
        for path in tiny_model.iterdir():
            if name == "coded" or path.suffix != ".safetensors":
                (base / path.name).write_bytes(path.read_bytes())
        if change:
            config = json.loads((base / "config.json").read_text())
            (base / "config.json").write_text(json.dumps({**config, **change}))
        else:
            (base / "pytorch_model.bin").write_bytes(b"x")
        said = "code of its own" if change else "no .safetensors weights"
        with pytest.raises(RlfgError, match=said):
            export(ExportSpec(trained=trained, out=tmp_path / "plain", model=str(base), **QUICK))


def test_what_is_there_is_not_overwritten(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "mine.txt").write_text("mine")
    with pytest.raises(RlfgError, match="is there already"):
        export(ExportSpec(trained=trained, out=tmp_path / "plain", **QUICK))
    with pytest.raises(RlfgError, match="neither an adapter"):
        export(ExportSpec(trained=tmp_path / "plain", out=tmp_path / "other", **QUICK))


@pytest.mark.filterwarnings("ignore:Model has `tie_word_embeddings=True`:UserWarning")
@pytest.mark.parametrize("more", [{"use_dora": True}, {"modules_to_save": ["lm_head"]}])
def test_adapters_made_elsewhere_are_exported_too(tiny_model: Path, tmp_path: Path, more: dict[str, Any]) -> None:
    """DoRA; and a head that is tied to the embedding no more, which the config must say: vLLM goes by that."""
    torch.manual_seed(3)
    base = load_model(ModelSpec(path=str(tiny_model), dtype="float32"))
    model = get_peft_model(base, LoraConfig(r=4, target_modules=LANGUAGE_LINEARS, **more))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name or "modules_to_save" in name:
                parameter.add_(0.2 * torch.randn_like(parameter))
    model.save_pretrained(tmp_path / "trained")
    found = export(ExportSpec(trained=tmp_path / "trained", out=tmp_path / "plain", **QUICK))
    assert found.gap < 1e-4
    config = json.loads((tmp_path / "plain" / "config.json").read_text())
    tied = "use_dora" in more
    assert config.get("tie_word_embeddings", True) == tied
    assert config["text_config"].get("tie_word_embeddings", tied) == tied
    assert ("lm_head.weight" in load_file(tmp_path / "plain" / "model.safetensors")) != tied


def test_half_precision_is_kept(trained: Path, tiny_model: Path, tmp_path: Path) -> None:
    base = tmp_path / "half"
    load_model(ModelSpec(path=str(tiny_model), dtype="bfloat16")).save_pretrained(base)
    load_processor(ModelSpec(path=str(tiny_model))).save_pretrained(base)
    export(ExportSpec(trained=trained, out=tmp_path / "plain", model=str(base), **QUICK))
    assert {t.dtype for t in load_file(tmp_path / "plain" / "model.safetensors").values()} == {torch.bfloat16}


def test_a_whole_model_is_exported_too_by_the_command(tiny_model: Path, tmp_path: Path, capsys: Any) -> None:
    options = ("--pictures", "1", "--max-new-tokens", "4", "--out", str(tmp_path / "plain"))
    with pytest.raises(SystemExit) as stopped:
        main(["export", str(tiny_model), *options])
    assert not stopped.value.code and "1 of 1 greedy answers the same" in capsys.readouterr().out
    before, after = (load_file(folder / "model.safetensors") for folder in (tiny_model, tmp_path / "plain"))
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_a_corrupted_file_is_noticed(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = exporting._write

    def harm(local: Any, spec: Any, folder: Path) -> None:
        write(local, spec, folder)
        path = folder / "model.safetensors"
        found = load_file(path)
        found = {n: t.flip(0) if n.endswith("layers.1.mlp.down_proj.weight") else t for n, t in found.items()}
        save_file({n: t.contiguous() for n, t in found.items()}, path, metadata={"format": "pt"})

    monkeypatch.setattr(exporting, "_write", harm)
    with pytest.raises(RlfgError, match="the exported model"):
        export(ExportSpec(trained=trained, out=tmp_path / "plain", **QUICK))
