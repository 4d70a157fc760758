# Every target sets up what it needs: a virtual environment in .venv with the pinned packages of constraints.txt.
# The only requirement is Python 3.10 or later; `make PYTHON=/path/to/python3 install` picks another interpreter.
# ARGS passes arguments on: `make demo ARGS="seed=1"`.
# BENCHMARK picks a benchmark: `make benchmark BENCHMARK=sizes`.
PYTHON ?= python3
VENV ?= .venv
ARGS ?=
BENCHMARK ?= speed
BASE ?= HEAD

BIN := $(VENV)/bin
STAMP := $(VENV)/.vdworld-installed
PIP := $(BIN)/python -m pip --disable-pip-version-check
NEEDS := vdworld needs Python 3.10 or later with venv and pip. Name one: make install PYTHON=/path/to/python3
INSTALL := $(PIP) install --constraint constraints.txt

.DEFAULT_GOAL := help
.PHONY: help install demo test lint types layers unit same-bytes benchmark gpu gpu-bundle clean

help:
	@echo "make demo        record PushT, train a world, plan in it, and let the plans act in the real environment"
	@echo "make test        run every check: style, types, layers, tests"
	@echo "make benchmark   imagined frames per second on this machine; BENCHMARK=sizes runs another one"
	@echo "make gpu         on a machine with a GPU: tests, speed and training there, in ten minutes (docs/gpu.md)"
	@echo "make gpu-bundle  beforehand, on any machine: collect the packages and clips that 'make gpu' needs"
	@echo "make same-bytes  compare training, dreams and plans with those of BASE=REVISION, byte for byte"
	@echo "make install     create the virtual environment; the other targets do this first"
	@echo "make clean       remove the virtual environment and files that tools left behind"

install: $(STAMP)
	@echo "vdworld is ready in $(VENV): $(BIN)/vdworld --help"

$(STAMP): pyproject.toml constraints.txt
	@command -v "$(PYTHON)" >/dev/null || { echo "There is no '$(PYTHON)'. $(NEEDS)"; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
		{ echo "'$(PYTHON)' is older. $(NEEDS)"; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' || { echo "'$(PYTHON)' comes without them. $(NEEDS)"; exit 1; }
	@echo "Installing the pinned packages into $(VENV); this takes some minutes, and happens once."
	"$(PYTHON)" -m venv "$(VENV)"
	$(INSTALL) --quiet pip setuptools
	$(INSTALL) torch
	@# Without its warning that a folder named like the package may take precedence: that folder is the package.
	PYTHONWARNINGS=ignore $(INSTALL) --quiet --no-build-isolation --editable ".[dev]"
	@# gym-pusht brings opencv-python, which fails on a machine without libGL; the headless files take its place.
	$(PIP) uninstall --quiet --yes opencv-python
	$(INSTALL) --quiet --force-reinstall --no-deps opencv-python-headless
	@# Its solvers alone: the rest of the package wants torchvision.
	$(INSTALL) --quiet --no-deps stable-worldmodel
	@touch $@

demo: $(STAMP)
	$(BIN)/vdworld demo $(ARGS)

same-bytes: $(STAMP)
	$(BIN)/python tests/regression/same_bytes.py $(BASE)

benchmark: $(STAMP)
	$(BIN)/vdworld benchmark $(BENCHMARK) $(ARGS)

# The machine's own Python, with its torch, unless there is a virtual environment already.
gpu:
	"$(firstword $(wildcard $(BIN)/python) $(PYTHON))" vdworld/benchmarks/gpu/needs.py $(ARGS)

gpu-bundle: $(STAMP)
	$(BIN)/python -m vdworld.benchmarks.gpu.bundle $(ARGS)

test: lint layers types unit

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

layers: $(STAMP)
	$(BIN)/lint-imports

types: $(STAMP)
	$(BIN)/pyright --pythonpath $(BIN)/python

unit: $(STAMP)
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile $(ARGS)

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
