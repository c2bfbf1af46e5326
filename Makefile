# Each target sets up .venv first; all it needs is Python 3.11 or newer with venv, and make.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: demo test lint ui clean
demo: $(INSTALLED)  ## train the three architectures and say what was found
	$(BIN)/python train.py --multirun model=cnn,attention,lstm
	$(BIN)/sizewise runs --last 3
	@echo "Browse them with: make ui"

test: $(INSTALLED)  ## the whole test suite
	$(BIN)/pytest --numprocesses auto --dist loadfile

lint: $(INSTALLED)  ## formatting, style and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

ui: $(INSTALLED)  ## MLflow's UI over mlruns/, on 127.0.0.1
	$(BIN)/sizewise ui

clean:  ## remove the environment and caches, never results
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "sizewise needs Python 3.11 or newer: make PYTHON=python3.11"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@
