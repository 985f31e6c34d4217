# Everything a person does here is one of these targets; `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --disable-pip-version-check
TORCH := $(shell sed -n 's/^torch==//p' constraints.txt)

# The renderer's kernels, compiled into numba's cache: the first portrait shall not wait for it.
COMPILE := $(BIN)/python -c "import avatar.semo.avatar"

# Without an NVIDIA card the CPU build of torch is taken: the other one brings gigabytes of CUDA.
# Override with `make chat TORCH_INDEX=URL`.
ifeq ($(shell command -v nvidia-smi),)
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
endif

.NOTPARALLEL:
.PHONY: help chat test check bench clean install libs test-libs player-test

help: ## show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

chat: $(VENV)/.installed libs ## set everything up and open the page (options: .venv/bin/limner chat --help)
	$(BIN)/python apps/chat.py

test: $(VENV)/.installed-dev test-libs check player-test ## install what the tests need, check, run all tests
	$(BIN)/python -m pytest -q

check: $(VENV)/.installed-dev ## lint, format, strict types, import contracts, README tree
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m pytest -q tests/test_architecture.py tests/test_docs.py -k "not command"

bench: $(VENV)/.installed-dev libs ## measure the live path on this machine (ARGS="--turns 50 --json")
	$(BIN)/limner bench chat $(ARGS)

player-test: ## the player's own unit tests, in node
	@if command -v node >/dev/null; then node --test $(wildcard tests/*.test.mjs apps/ui/*.test.js); \
	else echo "player-test: skipped, node is not installed (apt-get install nodejs)"; fi

install: $(VENV)/.installed ## only install, into .venv

clean: ## remove the environment, caches and build products
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- the environment: rebuilt only when the dependencies change ---

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# torch goes first and by itself: a local CPU wheel if pip knows one, else the index chosen above.
$(VENV)/.torch: constraints.txt | $(BIN)/python
	@echo "installing torch $(TORCH) ..."
	@$(PIP) install -qq "torch==$(TORCH)+cpu" 2>/dev/null \
	  || $(PIP) install -qq "torch==$(TORCH)" $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) \
	  || $(PIP) install -qq "torch==$(TORCH)"
	@touch $@

$(VENV)/.installed: pyproject.toml constraints.txt $(VENV)/.torch
	@echo "installing Limner (some minutes) ..."
	@$(PIP) install -qq -e . -c constraints.txt
	@$(COMPILE)
	@touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt $(VENV)/.torch
	@echo "installing Limner and what its tests need (some minutes) ..."
	@$(PIP) install -qq -e ".[dev]" -c constraints.txt
	@$(COMPILE)
	@touch $(VENV)/.installed $@

# --- Debian packages: installed when root, otherwise named; nothing fails for want of them ---

define apt_install
@missing=""; \
for p in $(1); do \
  case $$p in \
    libflite1) PATH="$$PATH:/sbin" ldconfig -p | grep -q libflite.so ;; \
    nodejs) command -v node >/dev/null ;; \
    *) command -v $$p >/dev/null ;; \
  esac || missing="$$missing $$p"; \
done; \
if [ -z "$$missing" ]; then exit 0; fi; \
if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
  echo "installing:$$missing"; \
  apt-get update -qq \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null \
    || echo "could not install:$$missing (going on without)"; \
else \
  echo "missing, going on without: sudo apt-get install$$missing"; \
fi
endef

libs:
	$(call apt_install,libflite1)

test-libs:
	$(call apt_install,libflite1 chromium nodejs)
