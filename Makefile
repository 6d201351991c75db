# `make help` lists the commands. Each sets up the environment first, once per requirements.lock.
# Optional: PYTHON=... the interpreter, VENV=... the environment's folder.
VENV ?= .venv
PY = "$(VENV)/bin/python"
unexport PYTHONPATH PYTHONSAFEPATH PYTHONHOME
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_USER := 0

.PHONY: book chapter test test-all lint data results bench lock clean help env
.DEFAULT_GOAL := help

book: env            ## build the book; only what has changed is done again
	@$(PY) book/build.py

chapter: env         ## run one chapter again: NAME=01_data [VINTAGE=public] [PARAMS="X=1 Y=2"]
	@$(PY) book/build.py "$(NAME)" $(if $(VINTAGE),VINTAGE=$(VINTAGE)) $(PARAMS)

test: env            ## the fast tests
	@$(PY) -m pytest -n auto --dist worksteal -m "not slow"

test-all: env        ## every test, with new random inputs; the slow ones need the built book
	@$(PY) -m pytest -n auto --dist worksteal --hypothesis-profile random

lint: env            ## check the style of the code
	@$(PY) -m ruff check

data: env            ## fetch the public data, about 20 MB, into data/cache
	@$(PY) -m specialization.data.download

results: env         ## compute the stored results of the public vintage again
	@$(PY) -m specialization.report.results

bench: env           ## time and memory of the library
	@$(PY) tests/bench.py

lock:                ## resolve requirements.lock again from pyproject.toml; needs uv
	@command -v uv >/dev/null || { echo "make lock needs uv"; exit 1; }
	uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --generate-hashes --quiet \
	  --no-header --no-annotate --no-emit-index-url --no-emit-find-links -o requirements.new
	mv requirements.new requirements.lock

clean:               ## remove what was built; the environment and the data stay
	rm -rf _build book/notebooks .pytest_cache .ruff_cache .hypothesis

help:                ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | while IFS="$$(printf '\t')" read -r name what; \
	  do printf 'make %-9s %s\n' "$$name" "$$what"; done

# The environment counts as whole when it holds a copy of the lock, which is put there last.
env:
	@sh book/environment.sh "$(VENV)" $(PYTHON)
