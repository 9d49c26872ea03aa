# Everything a person or CI runs, by name. Needs Python >= 3.11, make and git; the rest is fetched.

PYTHON ?= python3
UV := $(or $(shell command -v uv 2>/dev/null),.uv/bin/uv)
RUN := .venv/bin

.PHONY: help up test check format bench wheel clean

help: ## Show what there is.
	@grep -E '^[a-z]+:.*## ' Makefile | sed 's/:.*## /\t/' | expand -t 12

up: .venv/.run ## Install what is missing, then bring up three companions.
	@$(RUN)/aikyo up --companions 3 || [ $$? -eq 130 ] # Ctrl-C is how it ends

test: .venv/.dev ## Run every test (a few minutes).
	@$(RUN)/pytest -n auto

check: .venv/.dev ## Format, lint, strict types, layers.
	@$(RUN)/ruff format --check .
	@$(RUN)/ruff check .
	@$(RUN)/mypy
	@$(RUN)/lint-imports

format: .venv/.dev ## Format the code and mend what the linter can.
	@$(RUN)/ruff format .
	@$(RUN)/ruff check --fix .

bench: .venv/.dev ## Measure start-up, replies, idling and memory; print tables with medians.
	@$(RUN)/python benchmarks/run.py

wheel: .venv/.dev ## Build the wheel, install it in an empty environment, bring a swarm up there.
	@rm -rf dist
	@$(UV) build --quiet
	@UV=$(UV) $(RUN)/python tests/wheel.py dist/*.whl

clean: ## Remove what was built or installed here (never a home).
	@rm -rf .venv .uv dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

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

.uv/bin/uv:
	@echo "fetching uv from PyPI into .uv ..."
	@if $(PYTHON) -m venv .uv >/dev/null 2>&1; then .uv/bin/python -m pip install --quiet --disable-pip-version-check uv; \
	else rm -rf .uv; $(PYTHON) -m pip install --quiet --disable-pip-version-check --target .uv uv; fi \
	|| { echo "could not fetch uv: install it yourself (pip install uv), then run make again" >&2; exit 1; }
