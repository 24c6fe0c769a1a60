PYTHON ?= python3
PORT ?= 8000
BIN := .venv/bin

.PHONY: help run test lint bench

help:  ## Says what there is
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile

run:  ## Starts the server on this machine: make run PORT=9000
	@$(PYTHON) scripts/venv.py requirements.txt
	@exec $(BIN)/python -m voicechat.start --port $(PORT)

test:  ## Installs what the tests need and runs them all
	@$(PYTHON) scripts/venv.py requirements-dev.txt
	@$(BIN)/python -m scripts.programs test
	@scripts/node_modules
	@$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --ignore tests/faults
	@$(BIN)/python -m pytest tests/faults

lint:  ## Checks format, types, imports, templates and the JavaScript
	@$(PYTHON) scripts/venv.py requirements-dev.txt
	@$(BIN)/python -m scripts.programs lint
	@scripts/node_modules
	@scripts/lint

bench:  ## Measures every figure that the README quotes
	@$(PYTHON) scripts/venv.py requirements-dev.txt
	@$(BIN)/python -m benchmarks
