# Every target installs what it needs; nothing but Python 3.11+ and make is assumed.
# `serve` and `ask` install what serving needs; `test`, `check` and `docs` add what developing needs.
PYTHON ?= python3
VENV := .venv
PEERS := .venv-peers
BIN := $(VENV)/bin
LIBRARY ?= library
HOST ?= 127.0.0.1
PORT ?= 8000
export HF_HUB_OFFLINE := 1

# A strict editable install is a folder of links to the files of today, which mypy can follow; a new
# file is seen after the next install. So the stamps are named after the list of files.
FILES := $(shell find seeds index service eval -type f ! -path '*/__pycache__/*' | LC_ALL=C sort | cksum | cut -d' ' -f1)
SERVING := $(VENV)/.serving-$(FILES)
DEVELOPING := $(VENV)/.developing-$(FILES)
INSTALL = -m pip install --quiet --disable-pip-version-check --no-compile \
	--constraint constraints.txt --config-settings editable_mode=strict --editable

.PHONY: serve ask develop test check check-all attacks docs model bench-peers pins image clean

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(SERVING): pyproject.toml constraints.txt | $(BIN)/python
	rm -rf build/__editable__* $(VENV)/.serving-* $(VENV)/.developing-*
	$(BIN)/python $(INSTALL) .
	touch $@

$(DEVELOPING): pyproject.toml constraints.txt | $(BIN)/python
	rm -rf build/__editable__* $(VENV)/.serving-* $(VENV)/.developing-*
	$(BIN)/python $(INSTALL) '.[dev]'
	touch $(SERVING) $@

$(LIBRARY)/sourcebook.db: | $(SERVING)
	$(BIN)/sourcebook --library $(LIBRARY) add seeds

serve: $(SERVING) | $(LIBRARY)/sourcebook.db  ## API and page on http://127.0.0.1:8000
	$(BIN)/sourcebook --library $(LIBRARY) serve --host $(HOST) --port $(PORT)

ask: $(SERVING) | $(LIBRARY)/sourcebook.db  ## make ask Q="..."
	$(BIN)/sourcebook --library $(LIBRARY) ask "$(Q)"

develop: $(DEVELOPING)  ## install what developing needs

test: $(DEVELOPING)  ## all tests, three files side by side: many wait for servers
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

check: $(DEVELOPING)  ## format, lint, types, docs up to date
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/mypy tests
	$(BIN)/python -m docs.generate --check

attacks: $(DEVELOPING)  ## try to break it: kill, flip bits, flood; writes docs/reliability.md; ONLY=--quick, or a name
	cd tests && ../$(BIN)/python -m attacks $(ONLY)

docs: $(DEVELOPING)  ## write the generated pages anew
	$(BIN)/python -m docs.generate

# READER: the files of the reader's trained weights, which are too large for the repository.
model: $(DEVELOPING)  ## build the shipped models from the published weights, and compare
	$(BIN)/python -m sourcebook.index.encoding.build build/model
	$(BIN)/python -m sourcebook.eval.training.build encoder build/models eval/training/late.npz
	$(if $(READER),$(BIN)/python -m sourcebook.eval.training.build reader build/models $(READER))

# The tests with other versions of Python, where they are installed, and a question with the lowest
# versions of what serving needs.
check-all: check test
	for version in 3.11 3.13; do \
		if python$$version -c '' 2>/dev/null; then \
			$(MAKE) test PYTHON=python$$version VENV=.venv-$$version || exit 1; \
		else echo "Python $$version is not installed: left out"; fi; \
	done
	mkdir -p build
	sed -n 's/^ *"\([A-Za-z0-9_-]*\)>=\([0-9.]*\).*/\1==\2/p' pyproject.toml > build/lowest.txt
	$(PYTHON) -m venv --clear .venv-lowest
	.venv-lowest/bin/python -m pip install --quiet --constraint build/lowest.txt .
	rm -rf build/lowest
	.venv-lowest/bin/sourcebook --library build/lowest add seeds
	.venv-lowest/bin/sourcebook --library build/lowest ask "What does decertification mean?"

pins: $(BIN)/python  ## write docs/deploy/requirements.txt, the hashes of what the image installs
	$(BIN)/python -m docs.deploy.pins

image:  ## build the container image, where docker runs
	docker build --tag sourcebook .

$(PEERS)/.ready: eval/peers/requirements.txt
	$(PYTHON) -m venv --clear $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

bench-peers: $(DEVELOPING) $(PEERS)/.ready  ## make bench-peers DATA=folder: Sourcebook beside its peers
	$(BIN)/python -m sourcebook.eval.peers "$(DATA)" $(OPTIONS)

clean:
	rm -rf $(VENV) .venv-* build *.egg-info
