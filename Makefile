# Everything that a maintainer runs. `make ci` is what continuous integration runs.
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

PYTHON ?= python3
TOOLS  := .tools
VENV   := .venv
BIN    := $(VENV)/bin
UV     := $(shell command -v uv 2>/dev/null || echo $(TOOLS)/bin/uv)
WORKERS ?= 2
COG := PYTHONPATH=. $(BIN)/cog -P -p "from tools import figures" --verbosity=1
PAGES := README.md docs/guide.md docs/lifecycle.md
TEMPLATES := $(patsubst templates/%/template.toml,%,$(wildcard templates/*/template.toml))

# A wheel folder that pip knows of serves uv as well.
ifdef PIP_FIND_LINKS
export UV_FIND_LINKS ?= $(PIP_FIND_LINKS)
endif

# The tests start Python some thousand times: without bytecode each would compile its imports.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup format lint types test network-test gate bench docs docs-check locks ci clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(TOOLS)/bin/uv:
	$(PYTHON) -m venv $(TOOLS)
	$(TOOLS)/bin/pip install --quiet "uv>=0.13,<0.14"

$(VENV)/.ready: pyproject.toml requirements-dev.lock | $(if $(findstring /,$(firstword $(UV))),$(UV))
	$(UV) venv --quiet --clear --python $(PYTHON) $(VENV)
	$(UV) pip sync --quiet --python $(VENV) --require-hashes requirements-dev.lock
	$(UV) pip install --quiet --python $(VENV) --no-deps --editable .
	@touch $@

setup: $(VENV)/.ready ## make the environment, from the lock

format: setup ## format the generator and the living templates
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: setup ## ruff, dependencies, project files, workflows
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/deptry scaffold
	$(BIN)/validate-pyproject pyproject.toml $(wildcard templates/*/pyproject.toml)
	$(BIN)/repo-review .
	$(BIN)/typos
	$(BIN)/zizmor --offline --persona pedantic --quiet .github

types: setup ## mypy and pyright, both strict
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python

test: setup ## the generator's tests, render matrix included
	$(BIN)/pytest -n $(WORKERS) --dist worksteal

gate: setup ## generate each default project and run its own full gate in its own environment
	@for name in $(TEMPLATES); do \
	  $(BIN)/scaffold verify $$name --timeout 1800 --evidence build/evidence-$$name.md --junit build/gate-$$name.xml || exit 1; \
	done

bench: setup ## side by side with copier and cookiecutter, ratios within one run
	$(BIN)/python -m benchmarks.generation
	$(UV) pip install --quiet --python $(VENV) --group bench
	$(BIN)/python -m benchmarks.updates

docs: setup ## write pictures, recordings and figures into README and docs
	$(BIN)/python -m tools.record
	$(COG) -r $(PAGES)

docs-check: setup ## fail when a figure or a documented command has drifted
	$(COG) --check --diff $(PAGES)

locks: setup ## resolve again, and write every lock (no addresses in them)
	$(UV) pip compile --quiet --universal --generate-hashes --no-header --no-annotate \
	  --python-version 3.11 --group dev pyproject.toml --output-file requirements-dev.lock
	@for name in $(TEMPLATES); do $(BIN)/python -m scaffold.seed templates/$$name || exit 1; done

ci: ## all of it, from a clean clone on a new machine
	@.ci/browser
	@$(MAKE) --no-print-directory lint types docs-check
	@$(MAKE) --no-print-directory gate
	@$(MAKE) --no-print-directory test

clean: ## remove what the targets above made
	rm -rf $(VENV) $(TOOLS) build dist .pytest_cache .mypy_cache .ruff_cache
