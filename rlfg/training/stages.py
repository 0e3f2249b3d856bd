"""A stage from its config to its final weights: what `recipes/sft.py` and `recipes/grpo.py` call.

A run folder holds `run.json` (resolved config, versions, revision, taxonomy hash), `metrics.jsonl`,
`checkpoint-N/`, `rollouts/` and, at the end, `final/`: the best checkpoint's weights, or the last one's.
Running the same command again resumes from the newest checkpoint.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import platform
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from accelerate.utils import DistributedType
from transformers import set_seed

from rewards.detectors import Detectors
from rewards.setup import build_verifier
from rlfg.data import (
    DataSpec,
    Examples,
    Picture,
    check_images,
    contract_hash,
    form_of,
    load_examples,
    load_prompt,
)
from rlfg.data.contract import check_contract, check_target, write_contract
from rlfg.errors import RlfgError
from rlfg.models.load import ModelSpec, load_model, load_processor, trainable_parameters
from rlfg.revision import revision
from rlfg.training.budget import check_rows
from rlfg.training.callbacks import MetricsLog, StopOnSigterm, install
from rlfg.training.checkpoints import latest_checkpoint
from rlfg.training.config import GrpoConfig
from rlfg.training.forms import require_closed
from rlfg.training.grpo import GrpoTrainer
from rlfg.training.labels import require_labels
from rlfg.training.mixin import read_lessons
from rlfg.training.sft import CotTrainer, SftTrainConfig

PACKAGES = ("rlfg", "torch", "transformers", "trl", "peft", "accelerate", "datasets", "deepspeed", "vllm")
SIGTERM_STATUS = 143
"""Exit status after SIGTERM, as a shell would report it."""


def run_sft(config: SftTrainConfig) -> Path:
    """Trains the SFT stage (or goes on with it) and returns the folder of its final weights."""
    state = PartialState(cpu=config.run.use_cpu)
    train = _load(config.data)
    set_seed(config.run.seed)
    model, processor = load_model(config.model, trainable=True), load_processor(config.model)
    contract = _contract(config.model, model, processor, config.prompt) | {"target": config.target}

    def build(callbacks: list[Any]) -> CotTrainer:
        return CotTrainer(
            config=config, model=model, processor=processor, train=train, contract=contract,
            processes=state.num_processes, callbacks=callbacks,
        )  # fmt: skip

    return _run(config, contract, processor, build)


def run_grpo(config: GrpoConfig) -> Path:
    """Trains the GRPO stage (or goes on with it) and returns the folder of its final weights."""
    state = PartialState(cpu=config.run.use_cpu)
    if config.tapo:
        config.tapo.require_pictures(load_examples(config.data))
    train = _load(config.data, besides=config.tapo.pictures if config.tapo else ())
    evaluation = _load(config.eval) if config.eval else None
    taught = _load(config.sft_mix.data) if config.sft_mix else None
    verification = build_verifier(config.verifier)
    require_closed(config.reward.name, config.verifier, train)
    if verification.judge is not None:
        verification.judge.probe()
    elif verification.taxonomy is not None:
        for examples in (train, evaluation) if evaluation else (train,):
            require_labels(config.verifier, verification.taxonomy, examples)
    set_seed(config.run.seed)
    model, processor = load_model(config.model, trainable=True), load_processor(config.model)
    check_rows(config, model.config, processor, train)
    contract = _contract(config.model, model, processor, config.prompt)
    for start in {config.model.path, config.model.adapter} - {None}:
        check_contract(Path(str(start)), {k: contract[k] for k in ("prompt", "max_pixels")})
        check_target(Path(str(start)), config.parse_mode)
    contract |= {"parse_mode": config.parse_mode, "taxonomy": verification.hash}
    lessons = None
    if config.sft_mix and taught:
        lessons = read_lessons(
            config.sft_mix, taught, processor.tokenizer, form=form_of(config.parse_mode), seed=config.run.seed
        )

    def build(callbacks: list[Any]) -> GrpoTrainer:
        return GrpoTrainer(
            config=config, model=model, processor=processor, train=train, evaluation=evaluation, lessons=lessons,
            verification=verification, contract=contract, processes=state.num_processes, callbacks=callbacks,
        )  # fmt: skip

    return _run(config, contract, processor, build)


def _load(spec: DataSpec, *, besides: Sequence[Picture] = ()) -> Examples:
    """The examples, every picture looked at unless told otherwise, and those named in `besides` too."""
    examples = load_examples(spec)
    if spec.on_bad_image == "unchecked":
        return examples
    examples, report = check_images(examples, on_bad=spec.on_bad_image, besides=besides)
    if PartialState().is_main_process:
        print(f"{spec.path}: {report}")
    return examples


def _run(
    config: SftTrainConfig | GrpoConfig,
    contract: dict[str, Any],
    processor: Any,
    build: Callable[[list[Any]], Any],
) -> Path:
    run = Path(config.run.output_dir)
    final = run / "final"
    if final.is_dir():
        check_contract(final, contract)
        print(f"{run}: this run is complete; its weights are in {final}")
        return final
    checkpoint = latest_checkpoint(run)
    if checkpoint:
        check_contract(checkpoint, contract)
        print(f"resuming from {checkpoint}")
    stop = StopOnSigterm()
    limits = getattr(config, "detectors", None)
    trainer = build([MetricsLog(run, None if limits is None else Detectors(limits)), stop])
    install(trainer, stop)
    _check_sharding(trainer.accelerator)
    if trainer.accelerator.is_main_process:
        _write_record(run, config, contract, trainer)
    try:
        with _full_disk(run):
            trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    finally:
        trainer.close()
    if stop.stopped:
        print(f"{run}: stopped by SIGTERM at step {trainer.state.global_step}; run the same command to resume")
        raise SystemExit(SIGTERM_STATUS)
    with _full_disk(run):
        _finish(run, trainer, processor, contract)
    return final


def _check_sharding(accelerator: Any) -> None:
    """Under FSDP, parameters are sharded and saved.

    Raises:
        RlfgError: No GPU, where accelerate would train unsharded without a word; a format that saves no weights.
    """
    if os.environ.get("ACCELERATE_USE_FSDP") != "true":
        return
    if accelerator.distributed_type != DistributedType.FSDP:
        raise RlfgError(
            "the launch file asks for FSDP, which accelerate has on GPUs only; use zero2.yaml or zero3.yaml"
        )
    if "FULL" not in str(accelerator.state.fsdp_plugin.state_dict_type):
        raise RlfgError(
            "fsdp_config: set `fsdp_state_dict_type: FULL_STATE_DICT`; otherwise transformers saves no weights to load"
        )


@contextmanager
def _full_disk(run: Path) -> Iterator[None]:
    """A full disk as one clear error, whatever was being written."""
    try:
        yield
    except Exception as error:
        # Some libraries report it only in words (safetensors).
        if getattr(error, "errno", None) != errno.ENOSPC and "No space left" not in str(error):
            raise
        saved = latest_checkpoint(run)
        state = f"{saved.name} is intact" if saved else "no checkpoint was complete yet"
        raise RlfgError(f"{run}: the disk is full; {state}. Free some space and run the same command") from error


def _finish(run: Path, trainer: Any, processor: Any, contract: dict[str, Any]) -> None:
    """Writes `final/` aside and renames it."""
    aside = run / ".final"
    best = trainer.state.best_model_checkpoint
    trainer.save_model(str(aside))
    if trainer.accelerator.is_main_process:
        if best and Path(best).is_dir():
            for source in Path(best).iterdir():
                if source.suffix in (".safetensors", ".json") and (aside / source.name).exists():
                    shutil.copy2(source, aside / source.name)
        processor.save_pretrained(aside)
        write_contract(aside, contract)
        aside.replace(run / "final")
    trainer.accelerator.wait_for_everyone()


def _contract(spec: ModelSpec, model: Any, processor: Any, prompt: str) -> dict[str, Any]:
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    shapes = sorted(
        (n.replace(".base_layer", ""), tuple(p.shape)) for n, p in base.named_parameters() if "lora_" not in n
    )
    return {
        "base_shapes": _digest(repr(shapes)),
        "tokenizer": _digest(json.dumps(processor.tokenizer.get_vocab(), sort_keys=True)),
        "prompt": contract_hash(load_prompt(prompt)),
        "max_pixels": spec.max_pixels,
    }


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _write_record(run: Path, config: Any, contract: dict[str, Any], trainer: Any) -> None:
    """`run.json`: everything needed to say what this run was."""
    run.mkdir(parents=True, exist_ok=True)
    trained, total = trainable_parameters(trainer.model)
    record = {
        "config": asdict(config),
        "contract": contract,
        "packages": {name: _version(name) for name in PACKAGES},
        "python": platform.python_version(),
        "revision": revision(),
        "processes": trainer.accelerator.num_processes,
        "distributed": str(trainer.accelerator.distributed_type.value),
        "threads": torch.get_num_threads(),
        "device": str(trainer.accelerator.device),
        "parameters": {"trained": trained, "all": total},
    }
    (run / "run.json").write_text(json.dumps(record, indent=2, default=str) + "\n")
    print(f"{run}: training {trained:,} of {total:,} parameters on {trainer.accelerator.num_processes} process(es)")


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
