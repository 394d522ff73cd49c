# Everything happens in a virtual environment of its own: VENV=folder chooses another one,
# CONSTRAINTS=file other pins (tests/constraints-oldest.txt has the oldest supported Airflow).
PYTHON ?= python3
VENV ?= .venv
CONSTRAINTS ?= constraints.txt
KILLS ?= 500

BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help demo demo-ui test test-ui test-celery lint docs package audit bench chaos clean

help: ## Show this help
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-11s %s\n", $$1, $$2}'

# The provider of MySQL comes alone, because mysqlclient has to be compiled; the tests take its other driver, too.
$(READY): pyproject.toml $(CONSTRAINTS)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c $(CONSTRAINTS) -e ".[dev]"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c $(CONSTRAINTS) --no-deps apache-airflow-providers-mysql
	@touch $@

demo: $(READY) ## Kill a running load on a real Airflow and watch its retry go on
	@$(BIN)/python -m tests.demo

demo-ui: $(READY) ## The same, and leave Airflow running to look around
	@$(BIN)/python -m tests.demo --ui

test: $(READY) ## Run all tests, on real databases and a real Airflow
	$(BIN)/python -m pytest

test-ui: $(READY) ## Test the view in a browser; pictures are kept in .screenshots
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null \
	  || (apt-get update -qq && apt-get install -qq -y chromium)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c $(CONSTRAINTS) -e ".[dev-ui]"
	$(BIN)/python -m pytest -n 0 tests/ui

test-celery: $(READY) ## Test parts on two workers of a real Airflow with the CeleryExecutor and Redis
	@command -v redis-server >/dev/null || (apt-get update -qq && apt-get install -qq -y redis-server)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c $(CONSTRAINTS) -e ".[dev-celery]"
	$(BIN)/python -m pytest -n 0 tests/celery

lint: $(READY) ## Check style, types and the direction of imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/actionlint .github/workflows/*.yml

docs: ## Build the documentation into site/, and check its links
	$(PYTHON) -m venv .venv-docs
	.venv-docs/bin/python -m pip install --quiet --disable-pip-version-check -r docs/requirements.txt
	.venv-docs/bin/mkdocs build --strict --clean

package: $(READY) ## Build the wheel and the source distribution into dist, and check them
	rm -rf dist
	$(BIN)/python -m build
	$(BIN)/python -m pip install --quiet --disable-pip-version-check twine
	$(BIN)/twine check --strict dist/*

# Strict: a package that the service does not know is a failure, and not one without vulnerabilities.
audit: $(READY) ## Look for known vulnerabilities in the pinned packages; needs the network
	$(BIN)/python -m pip install --quiet --disable-pip-version-check pip-audit
	$(BIN)/pip-audit --strict --disable-pip --no-deps -r constraints.txt

bench: $(READY) ## Measure the speed against other ways, as ratios
	$(BIN)/python -m benchmarks

chaos: $(READY) ## Kill, cut off and freeze loads at random moments, KILLS of them and more, and count the rows
	@n=$$(($(KILLS) / 10)); $(BIN)/python -m tests.chaos --kills $(KILLS) --server-kills $$n --cuts $$n --zombies $$n --json .chaos.json

clean: ## Remove what the other targets made
	rm -rf $(VENV) .venv-docs site .chaos.json .demo .screenshots .pytest_cache .hypothesis .mypy_cache .ruff_cache .import_linter_cache build dist
