"""A CLIP-style baseline by the real open_clip, with random weights: what is compared, and how it is averaged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
open_clip = pytest.importorskip("open_clip", reason="pip install 'rlfg[clip]'")

from protocol_toys import collection, config, examples  # noqa: E402

from eval.predictions import read_predictions  # noqa: E402
from eval.tally import tally  # noqa: E402
from rlfg.errors import RlfgError  # noqa: E402
from rlfg.rollouts.clip import ClipSpec, DualEncoder  # noqa: E402
from rlfg.training.evaluation import run_predict  # noqa: E402

TINY: dict[str, Any] = {
    "embed_dim": 32,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 32, "head_width": 16, "patch_size": 8},
    "text_cfg": {"context_length": 32, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2},
}


@pytest.fixture
def tiny(tmp_path: Path) -> dict[str, Any]:
    """An architecture and a file of weights."""
    path = tmp_path / "tiny-clip.json"
    path.write_text(json.dumps(TINY))
    open_clip.add_model_config(path)
    torch.manual_seed(0)
    model = open_clip.create_model("tiny-clip", load_weights=False)
    torch.save(model.state_dict(), tmp_path / "weights.pt")
    return {"model": str(path), "pretrained": str(tmp_path / "weights.pt")}


def test_labels_are_ranked_by_cosine(tmp_path: Path, tiny: dict[str, Any]) -> None:
    data = examples(tmp_path, each=1)
    encoder = DualEncoder(ClipSpec(**tiny), device="cpu")
    pictures, labels = [data.open_image(i) for i in range(5)], ("Raven", "Herring Gull")
    found_NM = encoder.logps(encoder.encode(pictures), labels)
    model, _, transform = open_clip.create_model_and_transforms("tiny-clip", pretrained=tiny["pretrained"])
    tokenize = open_clip.get_tokenizer("tiny-clip")
    with torch.no_grad():
        image, text, scale = model(
            torch.stack([transform(p) for p in pictures]), tokenize([f"a photo of a {label}." for label in labels])
        )
        expected_NM = (scale * image @ text.T).log_softmax(-1)
    torch.testing.assert_close(found_NM, expected_NM, rtol=1e-4, atol=1e-4)


def test_a_tag_brings_its_activation(tmp_path: Path, tiny: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """The name of OpenAI's ViT-L-14 means another activation than its weights were trained with."""
    assert open_clip.get_pretrained_cfg("ViT-L-14", "openai")["quick_gelu"] is True
    assert not open_clip.get_model_config("ViT-L-14").get("quick_gelu", False)
    monkeypatch.setenv("HOME", str(tmp_path))  # where downloads are kept
    (tmp_path / ".cache" / "clip").mkdir(parents=True)
    (tmp_path / "weights.pt").rename(tmp_path / ".cache" / "clip" / "weights.pt")
    for quick in (True, False):
        tags = {"toy": {"url": "https://example.org/weights.pt", "quick_gelu": quick}}
        monkeypatch.setitem(open_clip.pretrained._PRETRAINED, "tiny-clip", tags)
        encoder = DualEncoder(ClipSpec(model=tiny["model"], pretrained="toy"), device="cpu")
        assert ("QuickGELU" in {type(module).__name__ for module in encoder.model.modules()}) == quick


def test_weights_that_are_not_there_or_of_another_model(tmp_path: Path, tiny: dict[str, Any]) -> None:
    wide = tmp_path / "wide-clip.json"
    wide.write_text(json.dumps(TINY | {"text_cfg": {**TINY["text_cfg"], "width": 64}}))
    for spec, says in (
        ({"model": "no.json"}, "there is no file 'no.json'"),
        ({"model": "ViT-B-32", "pretrained": "no-tag"}, "'no-tag' cannot be had for ViT-B-32"),
        ({"model": str(wide), "pretrained": tiny["pretrained"]}, "cannot be had for wide-clip"),
    ):
        with pytest.raises(RlfgError, match=says):
            DualEncoder(ClipSpec(**spec), device="cpu")


def test_several_templates_are_averaged_as_unit_vectors(tmp_path: Path, tiny: dict[str, Any]) -> None:
    templates = ("a photo of a {}.", "{}", "a bird, the {}.")
    alone = [DualEncoder(ClipSpec(**tiny, templates=(t,)), device="cpu") for t in templates]
    together = DualEncoder(ClipSpec(**tiny, templates=templates), device="cpu")
    labels = ("Raven", "Magpie")
    with torch.no_grad():
        mean_MD = torch.stack([encoder.label_vectors(labels) for encoder in alone]).mean(0)
        expected_MD = torch.nn.functional.normalize(mean_MD, dim=-1)
        torch.testing.assert_close(together.label_vectors(labels), expected_MD)
        assert not torch.allclose(alone[0].label_vectors(labels), expected_MD, atol=1e-3)


def test_a_template_may_hold_other_braces(tiny: dict[str, Any]) -> None:
    found_MD = DualEncoder(ClipSpec(**tiny, templates=("{x} a {}.",)), device="cpu").label_vectors(["Raven"])
    plain_MD = DualEncoder(ClipSpec(**tiny, templates=("{}",)), device="cpu").label_vectors(["{x} a Raven."])
    torch.testing.assert_close(found_MD, plain_MD)


def test_a_list_of_labels_is_ranked_through_the_protocol(tmp_path: Path, tiny: dict[str, Any]) -> None:
    manifest = collection(tmp_path)
    (tmp_path / "Raven-1.png").write_bytes(b"no picture")
    asked = config(manifest, backend={"clip": tiny, "rows": 3}, protocol={"rank": {}}, use_cpu=True)
    assert run_predict(asked) == 1
    lines = read_predictions(tmp_path / "answers.jsonl")
    assert len(lines) == 10 and [line.id for line in lines if line.error] == ["Raven-1"]
    for line in lines:
        if line.error is None:
            (scored,) = line.extra["logprobs"]
            assert sum(np.exp(scored["sum"])) == pytest.approx(1.0, abs=1e-4)
            assert line.answers == (line.extra["options"][int(np.argmax(scored["sum"]))],)
    _, metrics = tally(lines, samples=10)
    assert metrics["top1_sum"] == metrics["top1_mean"] == metrics["accuracy"] and metrics["top5_sum"] == 1.0


def test_the_nearest_option_is_chosen_wherever_it_stands(tmp_path: Path, tiny: dict[str, Any]) -> None:
    manifest = collection(tmp_path)
    choice = {"options": "all", "order": "cyclic"}
    asked = config(manifest, backend={"clip": tiny}, protocol={"choice": choice}, use_cpu=True)
    assert run_predict(asked) == 0
    _, chosen = tally(read_predictions(asked.out), samples=10)
    ranks = config(manifest, backend={"clip": tiny}, protocol={"rank": {}}, use_cpu=True, out=str(tmp_path / "r.jsonl"))
    assert run_predict(ranks) == 0
    _, ranked = tally(read_predictions(ranks.out), samples=10)
    assert chosen["consistent"] == 1.0 and chosen["counts"]["unreadable"] == 0
    assert chosen["accuracy"] == pytest.approx(ranked["top1_sum"]) and chosen["questions"] == 50


def test_what_it_cannot_do_is_refused(tmp_path: Path, tiny: dict[str, Any]) -> None:
    manifest = collection(tmp_path)
    for protocol in ({"pairs": {"pairs": 2, "duplicates": "ignore"}}, {"rank": {"prior": True}}, {}):
        with pytest.raises(RlfgError, match="compares one picture with labels"):
            run_predict(config(manifest, backend={"clip": tiny}, protocol=protocol, use_cpu=True))
    with pytest.raises(RlfgError, match="knows no 'ViT-Z'"):
        DualEncoder(ClipSpec(model="ViT-Z"), device="cpu")
