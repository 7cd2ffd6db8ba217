# make demo: a picture from nothing. make test: the whole suite. make soak: a thousand kills. make live: one cheap request
# an operation to every provider whose key is set (ask first; ARGS=--help). make docs: pages made from data. All make their
# own environment.
PYTHON ?= python3
VENV ?= .venv
RUN := $(VENV)/bin/python

.PHONY: demo test check soak live docs clean

demo: $(VENV)/.installed
	@$(RUN) -m imagegen.demo

test: $(VENV)/.tests
	$(RUN) -m pytest -n 4 --dist worksteal $(PYTEST)

check: $(VENV)/.tests
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(VENV)/bin/pyright --pythonpath $(RUN)
	$(VENV)/bin/lint-imports

soak: $(VENV)/.tests
	PYTHONPATH=tests $(RUN) -m core.killing 1000

live: $(VENV)/.tests
	PYTHONPATH=tests $(RUN) -m live $(ARGS)

docs: $(VENV)/.tests
	PYTHONPATH=tests $(RUN) -m docs.unconfirmed

clean:
	rm -rf $(VENV) dist demo

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(VENV)/.tests: $(VENV)/.installed tests/requirements.txt
	$(RUN) -m pip install --quiet --disable-pip-version-check --requirement tests/requirements.txt
	touch $@
