# `make help` lists the commands. Each sets up the environment first, once per requirements.lock.
# Optional: PYTHON=... the interpreter, VENV=... the environment's folder.

# a variable counts where it stands on the command line, not where a shell happens to export it
$(foreach v,NAME VINTAGE PARAMS PYTHON VENV,$(if $(filter environment,$(origin $v)),$(eval override $v :=)))
override VENV := $(or $(VENV),.venv)
# in the environment that book/environment.py lists
PY = "$(VENV)/bin/python" -I book/environment.py

# The same for what runs before: the shell, Python and pip that set up, Git that tests ask.
unexport $(filter PYTHON% GIT_% BASH_ENV ENV CDPATH GREP_OPTIONS,$(.VARIABLES))

.PHONY: book chapter test test-all lint format data earnings results bench lock clean clean-store help env
.DEFAULT_GOAL := help

book: env            ## build the book; only what has changed is done again
	@exec $(PY) book/build.py

# a word as the shell must not read it: parentheses, $$, quotes and ; are text
text = '$(subst ','\'',$(1))'

chapter: env         ## run one chapter again: NAME=01_data [VINTAGE=public] [PARAMS="X=1 Y=2"]
	@exec $(PY) book/build.py $(call text,$(NAME)) $(if $(VINTAGE),$(call text,VINTAGE=$(VINTAGE))) \
	  $(foreach p,$(value PARAMS),$(call text,$(p)))

test: env            ## the fast tests
	@exec $(PY) -m pytest -n auto --dist worksteal -m "not slow"

test-all: env        ## every test, with new random inputs; the slow ones need the built book
	@exec $(PY) -m pytest -n auto --dist worksteal --hypothesis-profile random

lint: env            ## check style, format and types of the code
	@$(PY) -m ruff check && $(PY) -m ruff format --check && $(PY) -m mypy

format: env          ## format the code
	@exec $(PY) -m ruff format

data: env            ## fetch the public data, about 26 MB, into data/cache
	@exec $(PY) -m specialization data

earnings: env        ## on request: fetch BEA's earnings by county and industry, about 60 MB
	@$(PY) -m specialization earnings

results: env         ## compute the stored results of the public vintage again
	@exec $(PY) -m specialization results

bench: env           ## time and memory of the library
	@exec $(PY) tests/bench.py

lock:                ## resolve requirements.lock again from pyproject.toml; needs uv
	@command -v uv >/dev/null || { echo "make lock needs uv"; exit 1; }
	uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --generate-hashes --quiet \
	  --no-header --no-annotate --no-emit-index-url --no-emit-find-links -o requirements.new
	mv requirements.new requirements.lock

CACHE = $${SPECIALIZATION_CACHE:-data/cache}
size = du -sh "$(1)" 2>/dev/null | cut -f1 | grep . || echo none

clean:               ## remove what was built; says what it keeps
	rm -rf _build book/notebooks .pytest_cache .ruff_cache .mypy_cache .hypothesis
	@echo "kept: the environment $(VENV) ($$($(call size,$(VENV)))), the public data" \
	  "$(CACHE)/raw ($$($(call size,$(CACHE)/raw))), solutions $(CACHE)/store" \
	  "($$($(call size,$(CACHE)/store))); make clean-store removes these last"

clean-store:         ## remove solutions and results that are kept between runs
	rm -rf "$(CACHE)/store"

help:                ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | while IFS="$$(printf '\t')" read -r name what; \
	  do printf 'make %-11s %s\n' "$$name" "$$what"; done

# The environment counts as whole when it holds a copy of the lock, which is put there last.
env:
	@exec sh book/environment.sh "$(VENV)" $(PYTHON)
