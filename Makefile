# Every target sets up what it needs below this folder: .venv for libraries, var/ for state and temporary
# files. Outside of it only pip's own cache is written. `make` alone lists the targets.

PYTHON ?= python3
VENV := .venv
MUTATION := .venv-mutation
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input
export TMPDIR := $(CURDIR)/var/tmp

YAML_RULES := '{extends: default, rules: {line-length: {max: 120}, document-start: disable, \
  comments: {min-spaces-from-content: 1}}}'

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test test-faults soak test-peers test-exttest test-browser bench bench-scale bench-pages messages mutate check

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/.run ## start everything on embedded servers below var/; stays in the foreground
	@exec $(BIN)/concern-router up

test: $(VENV)/.dev ## all tests that need no root, the core of the fault list included (PROCESSES=2: in two processes)
	@$(BIN)/pytest -n $(or $(PROCESSES),0) --dist loadfile --no-loadscope-reorder -m 'not peers and not browser and not exttest and (core or not faults)'

test-faults: $(VENV)/.dev ## the whole fault list, and twenty seeds (SEEDS=20) of the faults around a lease
	@SEEDS=$(or $(SEEDS),20) $(BIN)/pytest -m 'faults and not peers' tests

soak: $(VENV)/.dev ## random faults for half an hour (MINUTES=30 SEED=1), figures as JSON; ends by itself
	@$(BIN)/python -m tests.faults.soak --minutes $(or $(MINUTES),30) $(if $(SEED),--seed $(SEED))

test-peers: $(VENV)/.dev ## real ticket systems from Debian packages; needs root and apt
	@$(BIN)/pytest -m peers tests/peers

test-exttest: $(VENV)/.dev ## NCMEC's test system: opens a report and retracts it; needs credentials, and says which variables
	@$(BIN)/pytest --force-enable-socket -rs -m exttest tests/exttest

test-browser: $(VENV)/.dev ## the pages in Debian's Chromium and Firefox, pictures below var/screenshots; root installs them by apt
	@$(BIN)/pytest -m browser tests

bench: $(VENV)/.dev ## speed and memory beside a straight-line program, as JSON
	@$(BIN)/python -m tests.bench

bench-scale: $(VENV)/.dev ## the console among 18.4 thousand and 1.84 million cases (CASES="18400 1840000"), as JSON
	@$(BIN)/python -m tests.bench.scale $(if $(CASES),--cases $(CASES))

bench-pages: $(VENV)/.dev ## the reporters' pages at 50 requests a second, and 64 people at once, as JSON
	@$(BIN)/python -m tests.bench.pages

messages: $(VENV)/.dev ## bring the catalogues of the reporters' pages up to the sources, or begin one (NEW=fi); says what is left
	@$(BIN)/python -m tests.catalogues $(NEW)

mutate: $(MUTATION)/.done ## change what decides and counts time, bit by bit: do the tests notice?
	@PATH=$(CURDIR)/$(MUTATION)/bin:$$PATH mutmut run && PATH=$(CURDIR)/$(MUTATION)/bin:$$PATH mutmut results

check: $(VENV)/.dev ## lint, format, types, import contracts, dependencies, data files
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .
	$(BIN)/codespell router workers config Makefile docker-compose.yml pyproject.toml $(wildcard *.md docs/*.md)
	$(BIN)/yamllint --strict -d $(YAML_RULES) docker-compose.yml .pre-commit-config.yaml config
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml

# An embedded server runs under an unprivileged account when we are root, which has to pass var/.
var:
	@mkdir -m 711 var

var/tmp: | var
	@mkdir -m 700 var/tmp

$(BIN)/python: | var/tmp
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo 'Python 3.11 or newer is needed: make PYTHON=python3.12 $(MAKECMDGOALS)' >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements-embedded.txt pyproject.toml | $(BIN)/python
	@echo 'installing libraries into $(VENV)' >&2
	@$(INSTALL) --require-hashes -r requirements-embedded.txt
	@$(INSTALL) --no-build-isolation --no-deps --editable .
	@touch $@

$(VENV)/.dev: requirements-dev.txt pyproject.toml | $(BIN)/python
	@echo 'installing libraries and development tools into $(VENV)' >&2
	@$(INSTALL) --require-hashes -r requirements-dev.txt
	@$(INSTALL) --no-build-isolation --no-deps --editable .
	@touch $@

$(MUTATION)/.done: requirements-mutation.txt pyproject.toml | var/tmp
	@echo 'installing libraries and mutmut into $(MUTATION)' >&2
	@$(PYTHON) -m venv $(MUTATION)
	@$(MUTATION)/bin/python -m pip install --quiet --disable-pip-version-check --no-input --require-hashes -r requirements-mutation.txt
	@touch $@
