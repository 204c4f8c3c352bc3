# What a contributor and CI run. `make setup` is done when it is needed.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
CONFIG ?= configs/imdb.toml
QUICK := runs/quickstart
export TEXT
# As the command line sets them, for scripts and tests (see sentiment/cli/guard.py).
export GOMP_SPINCOUNT ?= 1000
export ONEDNN_PRIMITIVE_CACHE_CAPACITY ?= 16

.PHONY: help setup quickstart train eval predict test test-slow lint check bench article pretrained docs torture clean

setup: $(READY)  ## the environment of the project, in .venv

help:  ## this list
	@awk -F ':.*  ## ' '/^[a-z-]+:.*  ## / { printf "%-11s %s\n", $$1, $$2 }' Makefile

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $@

quickstart: setup  ## train on the bundled synthetic reviews, evaluate, predict
	$(BIN)/sentiment train configs/quickstart.toml --run $(QUICK) --force
	$(BIN)/sentiment eval $(QUICK)
	$(BIN)/sentiment predict --run $(QUICK) "This film is not terrible, in fact it is great!"
	$(BIN)/sentiment predict --run $(QUICK) "The plot falls apart and the acting is dull."
	@echo
	@echo "Next: make train (the real IMDB reviews, from the hub or DATA=folder), then"
	@echo '      make eval, make predict TEXT="What a film!"; without a run of your own:'
	@echo '      $(BIN)/sentiment predict --run shipped "What a film!"'

train: setup  ## CONFIG=configs/imdb.toml, DATA=folder for a local copy of the reviews
	$(BIN)/sentiment train $(CONFIG) $(if $(DATA),--data $(DATA))

eval: setup  ## RUN=runs/imdb-1, the newest by default
	$(BIN)/sentiment eval $(RUN) $(if $(DATA),--data $(DATA))

predict: setup  ## TEXT="..."
	$(BIN)/sentiment predict "$$TEXT"

test: setup  ## the tests, without those that take minutes
	$(BIN)/pytest -n auto

test-slow: setup  ## the tests that take minutes
	$(BIN)/pytest -n auto -m slow

lint: setup  ## ruff and mypy
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

check: lint  ## what CI runs first: lint, and the tests with their coverage
	$(BIN)/pytest -n auto --cov --cov-report=term --cov-fail-under=90

bench: setup  ## the speed of steps, layer, designs and tokenizer; DATA=folder
	$(BIN)/python scripts/benchmark.py $(if $(DATA),--data $(DATA))
	$(BIN)/python scripts/benchmark_tokens.py $(if $(DATA),--data $(DATA))

torture: setup  ## break every promise on purpose and count (docs/reliability.md); ONLY=4,5 SHARE=0.1 SEED=1
	$(BIN)/python -m scripts.torture $(if $(ONLY),--only $(ONLY)) $(if $(SHARE),--share $(SHARE)) \
	  $(if $(SEED),--seed $(SEED))

pretrained: setup  ## make the shipped model anew (80 minutes); DATA=folder, SEED=3
	$(BIN)/python scripts/make_pretrained.py $(if $(DATA),--data $(DATA)) $(if $(SEED),--seed $(SEED))

docs: setup  ## write the pages of commands and configuration again
	$(BIN)/python scripts/make_docs.py

article: setup  ## train every design of the article on one subset; DATA=folder for a local copy
	$(BIN)/python scripts/article.py $(if $(DATA),--data $(DATA))

clean:  ## remove the environment, caches and runs
	rm -rf $(VENV) runs dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage
