# What can be done with this folder. `make` lists it.
# Everything runs in .venv, which holds the exact versions of requirements-dev.lock, by their hashes.
# Nothing is installed on the system.

PYTHON ?= python3
WORKERS ?= auto
VENV := .venv
BIN := $(VENV)/bin
COMPILE := $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --no-annotate --quiet

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo up test again check bench faults docs format lock wheel clean
.DEFAULT_GOAL := help

help:  ## List the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST)

demo: $(VENV)/ready  ## Show the whole story on a temporary site, in well under a minute
	$(BIN)/mailer demo

up: $(VENV)/ready secrets.toml  ## Run this folder's own site on this machine
	$(BIN)/mailer up

test: $(VENV)/ready  ## Run every test; says which real parts are missing
	@$(BIN)/python -m tests.real.parts
	$(BIN)/python -m pytest -n $(WORKERS) --maxprocesses=8 -q -rs

again: $(VENV)/ready  ## Run once more, one by one, the tests that failed in the last run
	$(BIN)/python -m pytest --last-failed --last-failed-no-failures none --maxfail=1 -q -rs

check: $(VENV)/ready  ## Lint, types, import contracts, house rules
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest tests/house -q

bench: $(VENV)/ready  ## Measure, each against a named reference in the same run (QUICK=1: small sizes; ONLY="send_sqlite ...")
	$(BIN)/python -m benchmarks $(ONLY)

faults: $(VENV)/ready  ## Kill and disturb sending for half an hour: 300 rounds by printed seeds, and 1 000 opt-outs in a send to 100 000
	MAILER_FAULT_LEAVERS="100000 1000" $(BIN)/python -m pytest tests/faults -q -rs -n 2 -k "not rounds"
	$(BIN)/python -m tests.faults.rounds

docs: $(VENV)/ready  ## Write what documents take from the program: commands, tests per requirement
	$(BIN)/python -m tests.house.reference
	$(BIN)/python -m tests.house.requirements

format: $(VENV)/ready  ## Put the code in its usual form
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

lock: $(VENV)/ready  ## Choose new versions of the dependencies
	$(COMPILE) --upgrade -o requirements.lock
	$(COMPILE) --upgrade --extra dev -c requirements.lock -o requirements-dev.lock

wheel: $(VENV)/ready  ## Build the wheel into dist/
	$(BIN)/python -m pip wheel . --no-deps --no-build-isolation --wheel-dir dist

clean:  ## Remove what was built; people and secrets stay
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

secrets.toml: | $(VENV)/ready
	$(BIN)/mailer init .

$(VENV)/ready: requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; name one: make PYTHON=/usr/bin/python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || \
		{ echo "This Python cannot make environments. On Debian: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@
