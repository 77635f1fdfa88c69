# Two commands do everything on a fresh machine with Python 3.11 or later and make: `make serve`, `make test`.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := "$(CURDIR)/$(BIN)/python" -m pip --disable-pip-version-check --quiet
CODE := api datasets loaders openapi tests

.PHONY: serve test check lint types contracts openapi bench fuzz lock image clean

serve: $(VENV)/.runtime ## publish the starter collection if nothing is published, then serve
	@$(BIN)/python -m loaders starter
	@exec $(BIN)/python -m api

test: $(VENV)/.dev ## every test
	@$(BIN)/python -m pytest --numprocesses auto --dist worksteal

check: lint types contracts openapi test ## what CI asks

lint: $(VENV)/.dev
	@$(BIN)/ruff check $(CODE)
	@$(BIN)/ruff format --check $(CODE)

types: $(VENV)/.dev
	@$(BIN)/mypy

contracts: $(VENV)/.dev
	@$(BIN)/lint-imports

openapi: $(VENV)/.dev
	@$(BIN)/python -m openapi check

bench: $(VENV)/.bench ## measure against the peers, and write docs/benchmarks.md
	@$(BIN)/python -m tests.benchmarks

URL ?= http://127.0.0.1:8000
SECONDS ?= 600
fuzz: $(VENV)/.bench ## ask a running service, at URL, for SECONDS whatever its contract allows and does not allow
	@$(BIN)/schemathesis --config-file tests/schemathesis.toml run "$(URL)/api/v1/openapi.json" --checks all \
		--continue-on-failure --max-examples 100000 --max-time $(SECONDS)

lock: $(VENV)/.dev ## renew the pinned dependencies
	@for part in "" -dev -bench; do \
		case "$$part" in "") more="" ;; *) more="--group $${part#-} --constraint requirements.lock" ;; esac; \
		$(BIN)/uv pip compile --quiet --upgrade --universal --generate-hashes --python-version 3.11 \
			--no-emit-index-url --no-emit-find-links --no-annotate --no-header \
			$$more --output-file "requirements$$part.lock" pyproject.toml || exit 1; \
	done

ENGINE ?= $(shell command -v podman || command -v docker || command -v buildah)
BASE ?= python:3.13-slim
image: ## build the container image; BASE and ENGINE may be set
	@test -n "$(ENGINE)" || { echo "no podman, docker or buildah at hand; .ci/image builds without a daemon" >&2; exit 1; }
	@BUILDAH_FORMAT=docker "$(ENGINE)" build --build-arg BASE="$(BASE)" --tag localhost/lansdata .

clean:
	rm -rf $(VENV) .lansdata build dist

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit("Länsdata needs Python 3.11 or later, this is %d.%d" % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.runtime: $(VENV)/.made requirements.lock
	@echo "installing the pinned dependencies into $(VENV)"
	@$(PIP) install --require-hashes --requirement requirements.lock
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements-dev.lock
	@echo "installing the pinned development tools into $(VENV)"
	@$(PIP) install --require-hashes --requirement requirements-dev.lock
	@touch $@

$(VENV)/.bench: $(VENV)/.dev requirements-bench.lock
	@$(PIP) install --require-hashes --requirement requirements-bench.lock
	@touch $@
