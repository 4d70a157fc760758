# Every target sets up what it needs: a virtual environment in .venv with the pinned packages of constraints.txt.
# Nothing has to be there but Python 3.10 or later. `make PYTHON=/path/to/python3 install` picks another one,
# and ARGS passes words on: `make demo ARGS="seed=1"`.
PYTHON ?= python3
VENV ?= .venv
ARGS ?=

BIN := $(VENV)/bin
STAMP := $(VENV)/.vdworld-installed
PIP := $(BIN)/python -m pip --disable-pip-version-check
NEEDS := vdworld needs Python 3.10 or later with venv and pip. Name one: make install PYTHON=/path/to/python3
INSTALL := $(PIP) install --constraint constraints.txt

.DEFAULT_GOAL := help
.PHONY: help install demo test lint types layers unit benchmark clean

help:
	@echo "make demo        record PushT, train a world model, plan in it, and show that the plan works for real"
	@echo "make test        every check: style, types, layers, tests"
	@echo "make benchmark   imagined frames per second on this machine"
	@echo "make install     the virtual environment alone; the others do this first"
	@echo "make clean       remove the virtual environment and what tools left behind"

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
	$(INSTALL) --quiet --no-build-isolation --editable ".[dev]"
	@# gym-pusht brings opencv-python, which fails on a machine without libGL; the headless files take its place.
	$(PIP) uninstall --quiet --yes opencv-python
	$(INSTALL) --quiet --force-reinstall --no-deps opencv-python-headless
	@# Its solvers alone: the rest of the package wants torchvision.
	$(INSTALL) --quiet --no-deps stable-worldmodel
	@touch $@

demo: $(STAMP)
	$(BIN)/vdworld demo $(ARGS)

benchmark: $(STAMP)
	$(BIN)/vdworld benchmark $(or $(ARGS),speed)

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
