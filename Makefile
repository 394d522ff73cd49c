# Everything happens in a virtual environment of its own: VENV=folder chooses another one,
# CONSTRAINTS=file other pins (tests/constraints-oldest.txt has the oldest supported Airflow).
PYTHON ?= python3
VENV ?= .venv
CONSTRAINTS ?= constraints.txt
KILLS ?= 500
PYTHONS ?= 3.12 3.13

BIN := $(VENV)/bin
READY := $(VENV)/.ready
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

# The processes that tests start would compile all modules anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo demo-ui test test-fast coverage test-airflow test-installed test-pythons test-ui test-celery test-fab lint docs package audit bench chaos clean

help: ## Show this help
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-14s %s\n", $$1, $$2}'

# The pins have hashes, which pip compares; an older pip does not take those of constraints. The provider of MySQL comes alone, because mysqlclient has to be compiled; the tests take its other driver, too.
$(READY): pyproject.toml $(CONSTRAINTS)
	$(PYTHON) -m venv $(VENV)
	@sed -n '/^pip==/,/[^\\]$$/p' $(CONSTRAINTS) >$(VENV)/pip.txt
	$(PIP) --require-hashes -r $(VENV)/pip.txt
	$(PIP) -c $(CONSTRAINTS) --group dev
	$(PIP) -c $(CONSTRAINTS) --no-deps apache-airflow-providers-mysql
	$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

demo: $(READY) ## Kill a running load on a real Airflow and watch its retry go on
	@$(BIN)/python -m tests.acceptance.demo

demo-ui: $(READY) ## The same, and leave Airflow running to look around
	@$(BIN)/python -m tests.acceptance.demo --ui

test: $(READY) ## Run all tests, on real databases and a real Airflow; show the coverage of those that need neither
	$(BIN)/python -m pytest -m "not server and not slow" --cov=airflow_checkpoint_provider --cov-report=term:skip-covered
	$(BIN)/python -m pytest -m "server or slow"

test-fast: $(READY) ## Run what needs no server but SQLite, and no whole Airflow
	$(BIN)/python -m pytest -m "not server and not slow"

coverage: $(READY) ## Run all tests and show which lines none of them runs; takes about half as long again
	$(BIN)/python -m pytest --cov=airflow_checkpoint_provider --cov-report=term-missing:skip-covered

test-airflow: $(READY) ## Run what touches Airflow, for another version: VENV=... CONSTRAINTS=... FOLDERS=...
	$(BIN)/python -m pytest -m airflow $(FOLDERS)

test-installed: $(READY) ## Test the wheel beside plain Airflow, with the lowest versions that it allows, and with those of a release
	$(BIN)/python -m pytest -n 2 tests/installed

test-pythons: ## Run the unit tests on the Pythons of PYTHONS, too
	@for version in $(PYTHONS); do \
	  python$$version -c "" || { echo "python$$version is needed; without it, give others: make test-pythons PYTHONS=..." >&2; exit 1; }; \
	done
	@set -e; for version in $(PYTHONS); do \
	  $(MAKE) PYTHON=python$$version VENV=.venv-$$version .venv-$$version/.ready; \
	  .venv-$$version/bin/python -m pytest -m "not server and not slow"; \
	done

test-ui: $(READY) ## Test the view in a browser; pictures are kept in .screenshots
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null \
	  || (apt-get update -qq && apt-get install -qq -y chromium)
	$(PIP) -c $(CONSTRAINTS) --group dev-ui
	$(BIN)/python -m pytest -n 2 tests/ui

test-celery: $(READY) ## Test parts on two workers of a real Airflow with the CeleryExecutor and Redis
	@command -v redis-server >/dev/null || (apt-get update -qq && apt-get install -qq -y redis-server)
	$(PIP) -c $(CONSTRAINTS) --group dev-celery
	$(BIN)/python -m pytest -n 0 tests/celery

# FAB's auth manager needs an older python-dateutil than the other tests have, and so an environment of its own.
test-fab: ## Test the rights in the view with the auth manager of the FAB provider
	$(MAKE) VENV=.venv-fab CONSTRAINTS=tests/constraints-fab.txt .venv-fab/.ready
	.venv-fab/bin/python -m pip install --quiet --disable-pip-version-check -c tests/constraints-fab.txt --group dev-fab
	.venv-fab/bin/python -m pytest -n 0 tests/fab

lint: $(READY) ## Check style, types and the direction of imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/actionlint .github/workflows/*.yml

# In an environment of its own: Airflow's pins do not matter there.
docs: ## Build the documentation into site/, and check its links
	$(PYTHON) -m venv .venv-docs
	.venv-docs/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r docs/requirements.txt
	.venv-docs/bin/mkdocs build --strict --clean

package: $(READY) ## Build the wheel and the source distribution into dist, and check them
	rm -rf dist
	$(BIN)/python -m build --no-isolation
	$(PIP) -c $(CONSTRAINTS) --group dev-release
	$(BIN)/twine check --strict dist/*

# Strict: a package that the service does not know is a failure, and not one without vulnerabilities.
audit: $(READY) ## Look for known vulnerabilities in the pinned packages; needs the network
	$(PIP) -c $(CONSTRAINTS) --group dev-release
	$(BIN)/pip-audit --strict --disable-pip --no-deps -r constraints.txt

bench: $(READY) ## Measure the speed against other ways, as ratios
	$(BIN)/python -m benchmarks

chaos: $(READY) ## Kill, cut off and freeze loads at random moments, KILLS of them and more, and count the rows
	@n=$$(($(KILLS) / 10)); $(BIN)/python -m tests.chaos --kills $(KILLS) --server-kills $$n --cuts $$n --zombies $$n --json .chaos.json

clean: ## Remove what the other targets made
	rm -rf $(VENV) $(PYTHONS:%=.venv-%) .venv-fab .venv-docs site .chaos.json .demo .screenshots .pytest_cache .hypothesis .mypy_cache .ruff_cache .import_linter_cache .coverage build dist
