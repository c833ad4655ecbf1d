# Works with any POSIX make; on Windows use WSL, or the commands of docs/index.md.
PYTHON ?= python3
VENV ?= .venv
DEMO_OUT ?= demo-out
RUN = $(VENV)/bin/python -m

.PHONY: help demo test lint docs packs bench fuzz dist clean

help:
	@echo "make demo    convert a sample file and show what happened"
	@echo "make test    run the tests"
	@echo "make lint    check the style"
	@echo "make bench   time the main job against mdb-export"
	@echo "make fuzz    fuzz the reader for a while"
	@echo "make packs   rebuild the data set packs' fast form"
	@echo "make docs    rebuild the generated documentation pages"
	@echo "make dist    build wheel and sdist"

# The environment depends on setup.cfg alone: it is built once and again when that file changes.
# Some systems split ensurepip off; there pip puts itself into the new environment.
$(VENV)/.ready: setup.cfg
	@echo "preparing $(VENV) ..."
	@$(PYTHON) -m venv --clear $(VENV) 2>/dev/null >&2 || { \
	  $(PYTHON) -m venv --clear --without-pip $(VENV) && \
	  $(PYTHON) -m pip install --quiet --target "$$($(VENV)/bin/python -c \
	    'import sysconfig; print(sysconfig.get_path("purelib"))')" pip; }
	@$(RUN) pip install --quiet --disable-pip-version-check -e ".[test]"
	@touch $@

demo: $(VENV)/.ready
	@rm -rf $(DEMO_OUT)
	@$(RUN) idbmigrate convert sample_idb/iapt-1.5.mdb --to iapt-2.1 --out $(DEMO_OUT) \
	  --format csv --format xml

test: $(VENV)/.ready
	$(RUN) pytest

lint: $(VENV)/.ready
	$(RUN) ruff check .

bench: $(VENV)/.ready
	$(RUN) bench --data bench-data

fuzz: $(VENV)/.ready
	$(RUN) pip install --quiet -e ".[fuzz]"
	$(RUN) tests.fuzz

packs: $(VENV)/.ready
	$(RUN) idbmigrate.datasets.compile
	$(RUN) idbmigrate.checks.compile

docs: $(VENV)/.ready
	$(RUN) idbmigrate.datasets.pages docs/datasets
	$(RUN) idbmigrate.mapping.pages docs/mappings
	$(VENV)/bin/python docs/generate_rules.py
	$(VENV)/bin/python docs/generate.py

dist: $(VENV)/.ready
	$(RUN) build

clean:
	rm -rf $(VENV) $(DEMO_OUT) build dist *.egg-info
