# Everything a fresh machine needs is Python 3.11+, git and make.
PYTHON ?= python3
VENV   ?= .venv
JUDGE  ?= gpt-4.1
BANKING ?= ../shared/scenarios/banking.py

.PHONY: demo test lint node lock fuzz bench golden scenarios calibrate judge-check wheel clean
.DEFAULT_GOAL := test

$(VENV)/installed: pyproject.toml constraints.txt hatch_build.py ftgate/edges/_plain.c
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "ftgate needs Python 3.11 or newer; try: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[train,dev]'
	@touch $@

demo: $(VENV)/installed   ## two pull requests through the gate: one passes, one is blocked
	$(VENV)/bin/ftgate demo

test: $(VENV)/installed lint node   ## everything that CI runs
	$(VENV)/bin/python -m pytest -q

lint: $(VENV)/installed   ## style, types, arrows between the rooms
	$(VENV)/bin/ruff check ftgate tests benchmarks requirements .github/steps hatch_build.py
	$(VENV)/bin/ruff format --check ftgate tests benchmarks requirements .github/steps hatch_build.py
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

node: tests/workflow/node_modules/installed   ## GitHub's own parser and evaluator, for the tests of the workflows

# Without npm or a network the tests that need them are skipped, with a message; they never fail for it.
tests/workflow/node_modules/installed: tests/workflow/package-lock.json
	@if command -v npm >/dev/null; then \
		npm ci --prefix tests/workflow --ignore-scripts --no-audit --no-fund --prefer-offline --loglevel error \
			--fetch-retries 1 --fetch-timeout 20000 && touch $@ || echo "npm ci failed: tests of the workflows are skipped"; \
	else echo "no npm: tests of the workflows are skipped"; fi

lock: $(VENV)/installed   ## requirements/*.txt anew, from pyproject.toml and constraints.txt
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check uv
	PATH="$(CURDIR)/$(VENV)/bin:$$PATH" $(VENV)/bin/python requirements/lock.py

scenarios: $(VENV)/installed   ## ten pull requests on real bank messages; needs BANKING
	$(VENV)/bin/python -m tests.scenarios $(BANKING)

calibrate: $(VENV)/installed   ## false alarms and detections on real bank messages, an hour; needs BANKING
	$(VENV)/bin/python -m tests.calibrate $(BANKING)

judge-check: $(VENV)/installed   ## agreement of a real judge with a human-rated set; needs LABELS, and an endpoint in the environment
	@if [ -z "$$OPENAI_API_KEY$$OPENAI_BASE_URL" ]; then echo "skipped: neither OPENAI_API_KEY nor OPENAI_BASE_URL is set"; \
	elif [ -z "$(LABELS)" ]; then echo "name the rated set: make judge-check LABELS=path [JUDGE=model]"; exit 2; \
	else $(VENV)/bin/ftgate judge calibrate "$(LABELS)" --model "$(JUDGE)"; fi

fuzz: $(VENV)/installed   ## five minutes of mutated bytes through reader, checks, formats and --fix
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check atheris
	$(VENV)/bin/python -m tests.fuzz.reader --seconds 300

bench: $(VENV)/installed   ## speed and memory of the validator beside its peers; those that do not install are skipped
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -e '.[fast,bench]' || \
		$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -e '.[fast]' orjson
	$(VENV)/bin/python -m benchmarks.validate

golden: $(VENV)/installed   ## writes the golden comments anew; read the difference before you commit it
	$(VENV)/bin/python -m tests.report.golden

wheel: $(VENV)/installed
	$(VENV)/bin/python -m build --wheel --outdir dist .

clean:
	rm -rf ftgate/edges/*.so tests/workflow/node_modules $(VENV) dist build ftgate-demo .mypy_cache .ruff_cache .pytest_cache
