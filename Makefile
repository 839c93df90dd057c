# Two commands matter: `make sing` and `make test`. Each sets up what it needs, once.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
SONG ?= examples/song.mp3
SELFIE ?= examples/portrait.jpg
OUT ?= serenade.mp4

# a name as the shell takes it, whatever is in it
quoted = '$(subst ','\'',$(value $(1)))'

.PHONY: setup sing test check bench quality lock clean

setup: $(VENV)/.ready

# --no-deps: the lock is complete, so pip has nothing to decide
$(VENV)/.installed: requirements/runtime.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Serenade needs Python 3.11 or newer; name one: make PYTHON=python3.12")'
	@$(PYTHON) -m venv $(VENV) || { echo "This Python cannot make virtual environments; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements/runtime.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.ready: $(VENV)/.installed
	$(BIN)/serenade weights fetch
	$(BIN)/serenade doctor --warm-up
	@touch $@

$(VENV)/.dev: $(VENV)/.ready requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements/dev.txt
	@touch $@

sing: setup
	@$(BIN)/serenade sing --output $(call quoted,OUT) -- $(call quoted,SONG) $(call quoted,SELFIE)

test: $(VENV)/.dev
	$(BIN)/python -m pytest

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks

# SHEETS=folder also keeps contact sheets and videos there
quality: $(VENV)/.dev
	$(BIN)/python -m benchmarks.quality $(if $(SHEETS),--sheets "$(SHEETS)")

lock:
	$(PYTHON) requirements/lock.py python3.11 python3.12 python3.13

clean:
	rm -rf $(VENV) build *.egg-info
