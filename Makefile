# Everything a person or CI runs, by name. Needs Python >= 3.11, make and git; the rest is fetched.
# Where node and npm are, the tests with a js-libp2p peer run too.

PYTHON ?= python3
UV := $(or $(shell command -v uv 2>/dev/null),.uv/bin/uv)
RUN := .venv/bin
JS := tests/interop/node_modules/.installed

.PHONY: help up test fuzz soak chaos check format bench wheel clean

help: ## Show what there is.
	@grep -E '^[a-z]+:.*## ' Makefile | sed 's/:.*## /\t/' | expand -t 12

up: .venv/.run ## Install what is missing, then bring up three companions.
	@$(RUN)/aikyo up --companions 3 || [ $$? -eq 130 ] # Ctrl-C is how it ends

test: .venv/.dev $(JS) ## Run every test (a few minutes).
	@$(RUN)/pytest -n auto

fuzz: .venv/.dev ## Look for bytes that break a decoder, fifty times as long as `make test` does.
	@$(RUN)/pytest -n auto --hypothesis-profile=thorough tests/fuzz

soak: .venv/.dev $(JS) ## Run the tests that take long: idle minutes, and talks with losses over many seeds.
	@$(RUN)/pytest -m soak -n 2

chaos: .venv/.dev ## Break machines and their network for ten minutes and see what is lost (needs root).
	@$(RUN)/python -m tests.chaos

check: .venv/.dev ## Format, lint, strict types, layers.
	@$(RUN)/ruff format --check .
	@$(RUN)/ruff check .
	@$(RUN)/mypy
	@$(RUN)/lint-imports

format: .venv/.dev ## Format the code and mend what the linter can.
	@$(RUN)/ruff format .
	@$(RUN)/ruff check --fix .

bench: .venv/.dev ## Measure start-up, replies, memories, repetition, turns and the mesh; print tables with medians.
	@$(RUN)/python benchmarks/run.py

wheel: .venv/.dev ## Build the wheel, install it in an empty environment, bring a swarm up there.
	@rm -rf dist
	@$(UV) build --quiet
	@UV=$(UV) $(RUN)/python tests/wheel.py dist/*.whl

clean: ## Remove what was built or installed here (never a home).
	@rm -rf .venv .uv dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache \
		tests/interop/node_modules

.venv/.run: pyproject.toml uv.lock | $(UV)
	@echo "installing aikyo into .venv ..."
	@$(UV) sync --quiet --locked --no-dev --inexact
	@touch $@

# trio-typing, which libp2p needs, installs stubs of an old trio that would shadow trio's own types.
.venv/.dev: pyproject.toml uv.lock | $(UV)
	@echo "installing aikyo and its tools into .venv ..."
	@$(UV) sync --quiet --locked
	@rm -rf .venv/lib/python*/site-packages/trio-stubs
	@touch $@ .venv/.run

# The js-libp2p peer of tests/interop. Without it its tests are skipped; in CI, which has node, that
# would go unseen, so there it has to be had.
$(JS): tests/interop/package.json tests/interop/package-lock.json
	@if ! command -v node >/dev/null || ! command -v npm >/dev/null; then \
		echo "no node and npm here: the tests with a js-libp2p peer are skipped"; \
	elif echo "installing js-libp2p into tests/interop/node_modules ..." \
		&& (cd tests/interop && npm ci --ignore-scripts --engine-strict --no-audit --no-fund \
			--fetch-timeout=60000 --loglevel=error >/dev/null); \
	then touch $@; \
	elif [ "$(CI)" = true ]; then echo "npm ci failed (see above)" >&2; exit 1; \
	else echo "npm ci failed (see above): the tests with a js-libp2p peer are skipped"; fi

.uv/bin/uv:
	@echo "fetching uv from PyPI into .uv ..."
	@if $(PYTHON) -m venv .uv >/dev/null 2>&1; then .uv/bin/python -m pip install --quiet --disable-pip-version-check uv; \
	else rm -rf .uv; $(PYTHON) -m pip install --quiet --disable-pip-version-check --target .uv uv; fi \
	|| { echo "could not fetch uv: install it yourself (pip install uv), then run make again" >&2; exit 1; }
