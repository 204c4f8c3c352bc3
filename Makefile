# The commands that contributors and CI run. Each target runs `make setup` first if it is needed.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
CONFIG ?= imdb
QUICK := runs/quickstart
export TEXT
# For tests, which import torch first; else `import sentiment` sets them (see sentiment/system/environment.py).
export GOMP_SPINCOUNT ?= 1000
export ONEDNN_PRIMITIVE_CACHE_CAPACITY ?= 16

.PHONY: help setup quickstart train eval predict test test-slow test-extras lint check bench article pretrained docs torture soak clean

setup: $(READY)  ## create the environment in .venv

help:  ## print this list
	@awk -F ':.*  ## ' '/^[a-z-]+:.*  ## / { printf "%-11s %s\n", $$1, $$2 }' Makefile

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $@

quickstart: setup  ## train on the bundled synthetic reviews, evaluate and predict
	$(BIN)/sentiment train quickstart --run $(QUICK) --force
	$(BIN)/sentiment eval $(QUICK)
	$(BIN)/sentiment predict --run $(QUICK) "This film is not terrible, in fact it is great!"
	$(BIN)/sentiment predict --run $(QUICK) "The plot falls apart and the acting is dull."
	@echo
	@echo "Next: make train (the real IMDB reviews, from the hub or DATA=folder), then"
	@echo '      make eval and make predict TEXT="What a film!". Without a run of your own:'
	@echo '      $(BIN)/sentiment predict --run shipped "What a film!"'

train: setup  ## train a model; CONFIG=imdb, DATA=folder with the reviews
	$(BIN)/sentiment train $(CONFIG) $(if $(DATA),--data $(DATA))

eval: setup  ## evaluate a run, the newest by default; RUN=runs/imdb-1, DATA=folder
	$(BIN)/sentiment eval $(RUN) $(if $(DATA),--data $(DATA))

predict: setup  ## predict a review; TEXT="..."
	$(BIN)/sentiment predict "$$TEXT"

test: setup  ## run the tests, except the slow ones
	$(BIN)/pytest -n auto

test-slow: setup  ## run the slow tests
	$(BIN)/pytest -n auto -m slow

test-extras: setup  ## run the heavy tests of the extras, of sharing and of the installation
	$(BIN)/pytest -n auto -m extras

lint: setup  ## run ruff and mypy
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

check: lint  ## run lint and the tests with coverage, as CI does
	$(BIN)/pytest -n auto --cov --cov-report=term --cov-fail-under=90

bench: setup  ## measure the speed of training, predicting and tokenizing; DATA=folder
	$(BIN)/python -m scripts.benchmark $(if $(DATA),--data $(DATA))
	$(BIN)/python scripts/benchmark_tokens.py $(if $(DATA),--data $(DATA))

torture: setup  ## run the reliability campaign (docs/reliability.md); ONLY=4,5 SHARE=0.1 SEED=1 JOBS=2
	$(BIN)/python -m scripts.torture $(if $(ONLY),--only $(ONLY)) $(if $(SHARE),--share $(SHARE)) \
	  $(if $(SEED),--seed $(SEED)) $(if $(JOBS),--jobs $(JOBS))

soak: setup  ## train for hours, predict a million texts, fuzz every reader; HOURS=3 PREDICTIONS=1000000 MINUTES=30
	$(BIN)/python -m scripts.torture.soak $(if $(HOURS),--hours $(HOURS)) $(if $(PREDICTIONS),--predictions $(PREDICTIONS)) \
	  $(if $(MINUTES),--minutes $(MINUTES))

pretrained: setup  ## make the shipped model again (80 minutes); DATA=folder, SEED=3
	$(BIN)/python scripts/make_pretrained.py $(if $(DATA),--data $(DATA)) $(if $(SEED),--seed $(SEED))

docs: setup  ## write docs/commands.md and docs/configuration.md
	$(BIN)/python scripts/make_docs.py

article: setup  ## train every design of the article on the same reviews; DATA=folder
	$(BIN)/python scripts/article.py $(if $(DATA),--data $(DATA))

clean:  ## remove the environment, the caches and all runs
	rm -rf $(VENV) runs dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage
