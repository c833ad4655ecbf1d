# Works with any POSIX make; on Windows use WSL, or the commands of docs/index.md.
PYTHON ?= python3
VENV ?= .venv
DEMO_OUT ?= demo-out
# What is installed: every version and its hash. `make lock` makes these files from setup.cfg.
LOCK ?= requirements/locked.txt
RUN = $(VENV)/bin/python -m
PIP = $(RUN) pip install --quiet --disable-pip-version-check

.PHONY: help demo test lint docs packs bench fuzz lock dist clean

help:
	@echo "make demo    convert a sample file and show what happened"
	@echo "make test    run the tests"
	@echo "make lint    check style, format and types"
	@echo "make bench   time the main job against mdb-export"
	@echo "make fuzz    fuzz the reader for a while"
	@echo "make packs   rebuild the data set packs' fast form"
	@echo "make docs    rebuild the generated documentation pages"
	@echo "make lock    choose the versions to install anew"
	@echo "make dist    build wheel and sdist"

# The environment depends on these files alone: it is built once and again when one of them changes.
# Some systems split ensurepip off; there pip puts itself into the new environment.
$(VENV)/.ready: setup.cfg $(LOCK)
	@echo "preparing $(VENV) ..."
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and \
	  "idbmigrate needs Python 3.10 or later: make PYTHON=python3.12, for example")'
	@$(PYTHON) -m venv --clear $(VENV) 2>/dev/null >&2 || { \
	  $(PYTHON) -m venv --clear --without-pip $(VENV) && \
	  $(PYTHON) -m pip install --quiet --target "$$($(VENV)/bin/python -c \
	    'import sysconfig; print(sysconfig.get_path("purelib"))')" pip; }
	@$(PIP) --require-hashes -r requirements/build.txt
	@$(PIP) --use-pep517 --no-build-isolation --require-hashes -r $(LOCK)
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

demo: $(VENV)/.ready
	@rm -rf $(DEMO_OUT)
	@$(RUN) idbmigrate convert sample_idb/iapt-1.5.mdb --to iapt-2.1 --out $(DEMO_OUT) \
	  --format csv --format xml
	@echo "Open $(DEMO_OUT)/report.html: the same for people, with what to do about it."

test: $(VENV)/.ready
	$(RUN) pytest $(TESTS)

lint: $(VENV)/.ready
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) mypy

bench: $(VENV)/.ready
	$(RUN) bench --data bench-data
	$(RUN) bench.archive --data bench-data

fuzz: $(VENV)/.ready
	$(PIP) -e ".[fuzz]"
	$(RUN) tests.fuzz

packs: $(VENV)/.ready
	$(RUN) idbmigrate.datasets.compile
	$(RUN) idbmigrate.checks.compile

docs: $(VENV)/.ready
	$(RUN) idbmigrate.datasets.pages docs/datasets
	$(RUN) idbmigrate.mapping.pages docs/mappings
	$(VENV)/bin/python docs/generate_rules.py
	$(VENV)/bin/python docs/generate.py

# One file holds for every supported Python and system. The compiler has an environment of its own.
lock:
	@$(PYTHON) -m venv $(VENV)-lock
	@$(VENV)-lock/bin/python -m pip install --quiet --disable-pip-version-check "uv>=0.5"
	@$(MAKE) --no-print-directory _lock COMPILE="$(VENV)-lock/bin/uv pip compile --quiet --universal \
	  --generate-hashes --python-version 3.10 --upgrade --no-header --no-annotate"

.PHONY: _lock
_lock:
	$(COMPILE) --extra test setup.cfg --extra lint -o requirements/locked.txt
	$(COMPILE) --extra test setup.cfg --resolution lowest-direct -o requirements/lowest.txt
	printf 'setuptools>=68\nwheel>=0.40\n' | $(COMPILE) - -o requirements/build.txt

dist: $(VENV)/.ready
	$(RUN) build

clean:
	rm -rf $(VENV) $(VENV)-lock $(DEMO_OUT) build dist *.egg-info
