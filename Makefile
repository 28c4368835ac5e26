# Every target sets up what it needs; nothing but Python 3.11+ and make is assumed.
PYTHON ?= python3
VENV := .venv
PEERS := .venv-peers
BIN := $(VENV)/bin
LIBRARY ?= library
HOST ?= 127.0.0.1
PORT ?= 8000
export HF_HUB_OFFLINE := 1

.PHONY: setup serve test check docs ask bench-peers clean

setup: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	$(BIN)/python -c 'from sourcebook.index.encoding.encoder import Encoder; Encoder()'  # converts the model, once
	touch $@

$(LIBRARY)/sourcebook.db: | setup
	$(BIN)/sourcebook --library $(LIBRARY) add seeds

serve: setup | $(LIBRARY)/sourcebook.db  ## API and docs on http://127.0.0.1:8000
	$(BIN)/sourcebook --library $(LIBRARY) serve --host $(HOST) --port $(PORT)

ask: setup | $(LIBRARY)/sourcebook.db  ## make ask Q="..."
	$(BIN)/sourcebook --library $(LIBRARY) ask "$(Q)"

test: setup  ## all tests
	$(BIN)/python -m pytest

check: setup  ## format, lint, types, docs up to date
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m docs.generate --check

docs: setup  ## write the generated pages anew
	$(BIN)/python -m docs.generate

$(PEERS)/.ready: eval/peers/requirements.txt
	$(PYTHON) -m venv --clear $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

bench-peers: setup $(PEERS)/.ready  ## make bench-peers DATA=folder: Sourcebook beside its peers
	$(BIN)/python -m sourcebook.eval.peers "$(DATA)" $(OPTIONS)

clean:
	rm -rf $(VENV) $(PEERS) build *.egg-info
