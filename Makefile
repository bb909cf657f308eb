# Every target sets itself up: a virtual environment beside the code, exact versions from config/constraints.txt.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
RUN_STAMP := $(VENV)/.ready-to-run
BENCH_STAMP := $(VENV)/.ready-to-compare
AIRFLOW_VENV := .venv-airflow
AIRFLOW_STAMP := $(AIRFLOW_VENV)/.ready
FLOORS_VENV := .venv-floors
FLOORS_STAMP := $(FLOORS_VENV)/.ready
export PYTHONDONTWRITEBYTECODE ?=

.PHONY: help setup demo test test-fast test-nightly test-floors test-airflow nightly lint types contract check clean bench bench-pacing soak

help:  ## show the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /	/' | expand -t 14

setup: $(STAMP)  ## make the virtual environment with pinned versions

$(RUN_STAMP): pyproject.toml config/constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "readstate needs Python 3.11 or newer: make PYTHON=python3.12")'
	@echo "Installing readstate and what it needs to run into $(VENV): half a minute, and 480 MB on disk, once"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --disable-pip-version-check --constraint config/constraints.txt --editable .
	@touch $(RUN_STAMP)

$(STAMP): pyproject.toml config/constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "readstate needs Python 3.11 or newer: make PYTHON=python3.12")'
	@echo "Setting up $(VENV): a minute, and 1 GB on disk, once"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --constraint config/constraints.txt --editable '.[dev]'
	@touch $(STAMP)

demo: $(if $(wildcard $(STAMP)),$(STAMP),$(RUN_STAMP))  ## export from a simulated Twilio, and show what to try next
	@$(BIN)/readstate demo

test: setup  ## run the whole test suite with branch coverage
	$(BIN)/python -m pytest -n 2 --cov --cov-report=term:skip-covered

test-fast: setup  ## every test that starts no process; about 50 s on two cores
	$(BIN)/python -m pytest -n 4 -m "not process"

test-nightly: setup  ## the whole suite with fifteen times as many examples of each property
	HYPOTHESIS_PROFILE=nightly $(BIN)/python -m pytest -n 2

test-floors: $(FLOORS_STAMP)  ## test-fast with the lowest versions that pyproject.toml allows
	$(FLOORS_VENV)/bin/python -m pytest -n 2 -m "not process" -p no:cacheprovider

$(FLOORS_STAMP): pyproject.toml
	$(PYTHON) -m venv --clear $(FLOORS_VENV)
	$(FLOORS_VENV)/bin/python -m pip install -qq --disable-pip-version-check uv
	$(FLOORS_VENV)/bin/uv pip install -q --python $(FLOORS_VENV)/bin/python --resolution lowest-direct --editable '.[delta,fast,redis]'
	$(FLOORS_VENV)/bin/uv pip install -q --python $(FLOORS_VENV)/bin/python --editable '.[test]'
	touch $(FLOORS_STAMP)

test-airflow: $(AIRFLOW_STAMP)  ## the Airflow provider, with a real scheduler
	$(AIRFLOW_VENV)/bin/python -m pytest -p no:cacheprovider -W ignore tests/jobs/airflow

$(AIRFLOW_STAMP): pyproject.toml config/airflow-constraints.txt
	test -x $(AIRFLOW_VENV)/bin/python || $(PYTHON) -m venv $(AIRFLOW_VENV)
	$(AIRFLOW_VENV)/bin/python -m pip install -qq --disable-pip-version-check \
		--constraint config/airflow-constraints.txt --editable '.[airflow]' \
		apache-airflow-providers-openlineage hypothesis jsonschema-rs pytest pytest-asyncio
	touch $(AIRFLOW_STAMP)

nightly: test-nightly test-floors test-airflow soak  ## everything that is too long for the gate; two hours

lint: setup  ## style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup  ## mypy, strict
	$(BIN)/mypy

contract: setup  ## imports point down, never up
	$(BIN)/lint-imports

check: lint types contract test  ## everything the gate runs

$(BENCH_STAMP): $(STAMP)
	$(BIN)/python -m pip install -qq --disable-pip-version-check --constraint config/constraints.txt --editable '.[dev,bench]'
	touch $(BENCH_STAMP)

bench: $(BENCH_STAMP)  ## readstate beside its peers and its goals; 12 minutes, rewrites the figures in tests/benchmarks
	$(BIN)/python -m tests.benchmarks

soak: setup  ## kill exports and applies, fail their disks, and compare with what is right; half an hour
	$(BIN)/python -m tests.soak.kill_exports
	$(BIN)/python -m tests.soak.kill_shards
	$(BIN)/python -m tests.soak.kill_applies
	$(BIN)/python -m tests.soak.fail_disks
	$(BIN)/python -m tests.soak.moving_lists

bench-pacing: setup  ## the pace over real sockets, beside the official client; a quarter of an hour
	$(BIN)/python -m tests.benchmarks.pacing

clean:  ## remove what the targets above made
	rm -rf $(VENV) $(AIRFLOW_VENV) $(FLOORS_VENV) demo-output build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .coverage*
