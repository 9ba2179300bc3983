# What one can do here. Every target can be run again: what is done already takes seconds.
PYTHON ?= python3
BIN := .venv/bin
WHEEL := build/musicnn-0.1.0-py3-none-any.whl
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help run setup test lint bench samples lock weights assets screenshots clean

help:            ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: setup       ## set up what is missing, then serve the page on http://127.0.0.1:8000
	$(BIN)/genrelab serve

setup: .venv/users weights assets   ## virtual environment, packages, backbone weights, page assets

test: .venv/developers weights assets   ## every test
	$(BIN)/pytest -n logical --dist loadfile --no-loadscope-reorder --durations 20

lint: .venv/developers   ## locked packages, style, types, direction of imports
	$(BIN)/pip check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

bench: setup     ## measure again what the documentation states; writes docs/benchmarks.md
	$(BIN)/python -m benchmarks.run

samples: setup   ## make clips to listen to, with their spectrograms, in build/samples
	$(BIN)/python -m benchmarks.samples

screenshots: .venv/developers weights assets   ## take the pictures of the documentation again
	$(BIN)/python docs/screenshots.py

.venv/created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Genrelab needs Python 3.11 or newer; this is $$($(PYTHON) --version 2>&1). Try: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || \
	  { echo "Python's venv module is missing. On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	$(PYTHON) -m venv .venv
	@touch $@

.venv/users: .venv/created requirements.lock pyproject.toml
	$(BIN)/pip install --quiet --no-deps --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --no-deps --editable .
	@touch $@

.venv/developers: .venv/users requirements-dev.lock
	$(BIN)/pip install --quiet --no-deps --require-hashes -r requirements-dev.lock
	@touch $@

weights: .venv/users   ## fetch and convert the pretrained backbone, once
	@$(BIN)/python -m models.musicnn_weights --wheel $(WHEEL) 2>/dev/null || \
	  { $(BIN)/pip download --quiet --no-deps --require-hashes -r requirements-weights.txt -d build && \
	    $(BIN)/python -m models.musicnn_weights --wheel $(WHEEL); } || \
	  { echo "The backbone weights are missing, and pip could not fetch them. Put $(notdir $(WHEEL)) into build/ and run 'make weights'."; exit 1; }

assets: .venv/users   ## the page's player from npm; without npm the page uses the browser's own
	@$(BIN)/python -m service.web.build_assets

lock:            ## write the lock files again after a change of requirements*.txt
	$(PYTHON) -m venv build/lock && build/lock/bin/pip install --quiet uv
	build/lock/bin/uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --quiet \
	  requirements.txt -o requirements.lock
	build/lock/bin/uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --quiet \
	  requirements.txt requirements-dev.txt requirements-cluster.txt -c requirements.lock -o requirements-dev.lock

clean:           ## remove what set-up made here; the data folder stays
	rm -rf .venv build node_modules service/web/static/vendor
