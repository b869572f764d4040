# Two commands do all the set-up: `make demo` and `make test`. Both can be run again at once.

PYTHON ?= python3
VENV   ?= .venv
# Anything pip should be told besides, such as an index with torch's CPU build.
PIP_ARGS ?=

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check --prefer-binary -c constraints.txt $(PIP_ARGS)

.DEFAULT_GOAL := help
.PHONY: help demo test lint clean

help:
	@echo "make demo    watch a sample camera with the real daemon, and see alerts arrive (first run installs)"
	@echo "make test    every check and every test"
	@echo "make lint    ruff, mypy and the floors' contracts alone"
	@echo "make clean   remove the virtual environment and caches"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v < (3, 14) else "framewarden needs Python 3.11, 3.12 or 3.13; $(PYTHON) is %d.%d. Name another one: make PYTHON=python3.12" % v)'
	@echo "==> creating the virtual environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "no virtual environment: on Debian and Ubuntu, install python3-venv"; exit 1; }

$(VENV)/.demo: $(BIN)/python pyproject.toml constraints.txt
	@echo "==> installing framewarden and what its demo needs (once; torch is large, this takes minutes)"
	@$(PIP) -e '.[demo]'
	@touch $@

$(VENV)/.dev: $(VENV)/.demo
	@echo "==> installing what the tests need (once)"
	@$(PIP) -e '.[demo,dev]'
	@touch $@

demo: $(VENV)/.demo
	@$(BIN)/framewarden demo $(if $(VIDEO),--video "$(VIDEO)")

lint: $(VENV)/.dev
	@echo "==> ruff, mypy, import contracts"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

test: lint
	@echo "==> tests"
	@$(BIN)/python -m tests.javascript
	@# Not loadscope: after the crash of a worker it waits for ever for what that one still had to do.
	@$(BIN)/python -m pytest -n 2 --dist worksteal
	@echo "==> all checks and tests passed"

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
