# Each target sets up .venv first; all it needs is Python 3.11 or newer with venv, and make.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
BENCH ?= .venv-bench
TUNERS ?= .venv-tuners
INSTALLED := $(VENV)/.installed

.PHONY: demo test test-slow test-gpu lint ui chaos bench bench-tuners clean
demo: $(INSTALLED)  ## sweep the three architectures at a few sizes and say what was found
	$(BIN)/python train.py experiment=demo
	@echo "Open the report named above in a browser, or browse the runs with: make ui"

test: $(INSTALLED)  ## the test suite; minutes
	$(BIN)/pytest --numprocesses auto --dist loadfile --no-loadscope-reorder

test-slow: $(INSTALLED)  ## what that leaves out: clusters, outages, kills, every study
	$(BIN)/pytest -m slow

test-gpu: $(INSTALLED)  ## what only a machine with a GPU can check, and a step's rate there
	$(BIN)/pytest -m gpu
	$(BIN)/python -m benchmarks.gpu_step

lint: $(INSTALLED)  ## formatting, style and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

ui: $(INSTALLED)  ## MLflow's UI over mlruns/, on 127.0.0.1
	$(BIN)/sizewise ui

chaos: $(INSTALLED)  ## kill a sweep 100 times at random, and see whether anything is lost (an hour)
	$(BIN)/python -m benchmarks.chaos --kills 100 --seed 0

bench: $(BENCH)/.installed  ## how fast it is, beside Keras, Lightning and PyTorch (an hour)
	$(BENCH)/bin/python -m benchmarks.start_speed
	$(BENCH)/bin/python -m benchmarks.peers
	$(BENCH)/bin/python -m benchmarks.step_profile
	$(BENCH)/bin/python -m benchmarks.threads
	$(BENCH)/bin/python -m benchmarks.tracking_cost
	$(BENCH)/bin/python -m benchmarks.sweep_speed
	$(BENCH)/bin/python -m benchmarks.growth

bench-tuners: $(TUNERS)/.installed  ## what Optuna and FLAML find in the time that advice has (half an hour)
	$(TUNERS)/bin/python -m benchmarks.advise_peers --folder outputs/advise_peers

clean:  ## remove the environment and caches, never results
	rm -rf $(VENV) $(BENCH) $(TUNERS) .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "sizewise needs Python 3.11 or newer: make PYTHON=python3.11"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

$(BENCH)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/pip install --quiet --constraint constraints.txt --editable '.[bench]'
	@touch $@

$(TUNERS)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(TUNERS)
	grep -v '^optuna==' constraints.txt > $(TUNERS)/constraints.txt  # what is pinned is for tune
	$(TUNERS)/bin/pip install --quiet --constraint $(TUNERS)/constraints.txt --editable '.[tuners]'
	@touch $@
