"""Fixtures: a tiny random Qwen2.5-VL and a miniature embedded world, made once a session."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# The same examples every time, however slow the machine: what fails is the change's doing. To look for new ones,
# pytest --hypothesis-profile=default.
settings.register_profile("same", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("same")

COUNTS = {
    "sft": {"seen": 1},
    "rl": {"seen": 1},
    "val": {"seen": 0, "rare": 1},
    "test": {"seen": 1, "rare": 1, "unseen": 1},
}


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random model folder with its processor: two layers of 64."""
    torch = pytest.importorskip("torch")
    from rlfg.data.world import species_list
    from rlfg.models.tiny import tiny_model, tiny_processor, tiny_tokenizer

    torch.set_num_threads(1)
    torch.manual_seed(0)
    corpus = [f"What is this? {s.name} {s.genus} {s.family} {s.order}" for s in species_list()] * 3
    tokenizer = tiny_tokenizer(corpus, vocab_size=512)
    folder = tmp_path_factory.mktemp("tiny")
    tiny_model(tokenizer, hidden=64, layers=2).save_pretrained(folder)
    tiny_processor(tokenizer).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures, manifests and taxonomy; a few dozen pictures in all."""
    from rlfg.data.world import WorldSpec, write_world

    folder = tmp_path_factory.mktemp("world")
    write_world(folder, WorldSpec(seed=11, counts=COUNTS))
    return folder
