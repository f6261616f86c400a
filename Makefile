# Two commands do everything: `make demo` and `make test`. Both make .venv first, and fetch the models once.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test check clean models

demo: models
	@test -f demo/study.toml || $(BIN)/belonging init demo --sample
	$(BIN)/belonging analyse demo

test: models
	$(BIN)/pytest -q -n auto --dist loadfile --no-loadscope-reorder

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

models: $(READY)
	@$(BIN)/belonging models pull all-MiniLM-L6-v2 qwen2.5-coder-1.5b-instruct

# torch comes first and alone: asked for by other packages it would bring gigabytes of CUDA.
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q torch==2.13.0
	$(BIN)/pip install -q -c constraints.txt -e '.[local,test]'
	@touch $(READY)

clean:
	rm -rf $(VENV) demo build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
