# Each target sets up .venv itself; nothing else is needed but Python 3.11 and a package registry.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
ENV := HF_HUB_OFFLINE=1 TOKENIZERS_PARALLELISM=false

.PHONY: demo test test-slow lint format study clean

demo: $(STAMP)
	$(ENV) $(BIN)/rlfg demo --out runs/demo

test: $(STAMP)
	$(ENV) $(BIN)/python -m pytest

test-slow: $(STAMP)
	$(ENV) $(BIN)/python -m pytest -m "slow and not gpu and not vllm"

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

clean:
	rm -rf $(VENV) runs .pytest_cache .ruff_cache .mypy_cache .import_linter_cache .hypothesis
