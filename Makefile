# The .venv that all of this needs is made by bin/venv.sh, with the newest Python that is found or with PYTHON=...

python := .venv/bin/python

# Tests and benchmarks start processes by the hundred, and each would compile all modules anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run flink-cluster flink-cluster-stop test tests test-long test-cluster bench lint style types imports
.PHONY: options format venv clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' Makefile

run: ## Count the words of a built-in text: examples/word_count.py
	@bin/pyflink-stream.sh examples/word_count.py

# What takes one core for a while is checked beside the tests.
test: venv ## Check everything: lint, then all tests but the long ones
	@$(MAKE) --no-print-directory style
	@$(MAKE) --no-print-directory --jobs 3 types imports tests

# Tests go to several processes, and one that has none left takes some of another's: a few files take minutes. To more
# than there may be cores, as many tests wait for what they have started; not to very many, as that are processes, too,
# each of which takes seconds to load all tests: but those of clusters, none of which it would run.
tests:
	$(python) -m pytest --numprocesses 4 --dist worksteal --ignore tests/cluster

flink-cluster: ## Start a Flink cluster on this machine, for trying; prints its address
	@bin/venv.sh flink
	@$(python) bin/flink_cluster.py start

flink-cluster-stop: ## Stop it
	@$(python) bin/flink_cluster.py stop

test-long: venv ## Run the tests that take many minutes, and those of drawn examples with many of them
	$(python) -m pytest -m "long or hypothesis" --hypothesis-profile thorough

# Apart from .venv: what clients of clusters require may be at odds with what developing does.
test-cluster: ## Run the tests against real storage and clusters; they need Java 17 and Maven
	@bin/venv.sh --in .venv-cluster test cluster
	.venv-cluster/bin/python -m pytest -m cluster tests/cluster

bench: venv ## Compare with loops by hand and with other engines; BENCH="--runs 1 word-count" chooses
	@$(python) tests/benchmarks $(BENCH)

lint: venv ## Check style, format, types, and the direction of the imports
	@$(MAKE) --no-print-directory --jobs 3 style types imports

style:
	$(python) -m ruff check
	$(python) -m ruff format --check

types:
	$(python) -m basedpyright --pythonpath $(python)

imports:
	$(python) -c 'from importlinter.cli import lint_imports_command; lint_imports_command()'

options: venv ## Write the table of options in conf/README.md anew
	$(python) tests/documentation/test_options_table.py

format: venv ## Put the source into its one format
	$(python) -m ruff check --fix-only
	$(python) -m ruff format

venv: ## Make or update .venv, with all that developing needs
	@bin/venv.sh test

clean: ## Remove .venv, and whatever tools and builds have left
	rm -rf .venv .venv-bench .venv-cluster .flink-cluster build dist .hypothesis .import_linter_cache .pytest_cache .ruff_cache engine/*.egg-info
	find bin engine runner examples tests -name __pycache__ -type d -prune -exec rm -rf {} +
