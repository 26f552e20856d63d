# Every target makes what it needs; nothing has to be installed first but Python 3.11 and make.
#
#   make demo     check a bundled spec in a small environment of its own, without torch
#   make test     run the tests
#   make coverage the lines of netspec/ that the tests run, at least 95 %
#   make fuzz     judge random nets for MINUTES=10, with SEED=1
#   make share    only the tests of fuzzing: a fixed share of random nets, mistakes and mutants
#   make mutants  change netspec/ops and the sizes, thing by thing: the tests must notice; PERCENT=5, SEED=1
#   make lint     formatting, lints, types, import contracts
#   make bench    run the benchmarks
#   make docs     write the generated pages of docs/ anew
#   make clean    remove the environments and everything else that was made

PYTHON ?= python3
DEMO := .venv-demo
DEV := .venv-test
BIN := $(DEV)/bin

PIP_INSTALL := -m pip install -qq --disable-pip-version-check --no-input -c constraints.txt
PACKAGED := $(shell find netspec grammar specs -type f ! -name '*.pyc' 2>/dev/null)

# Two makes at once must not install into one environment. Where there is no flock, do without.
FLOCK := $(shell command -v flock 2>/dev/null)
locked = $(if $(FLOCK),$(FLOCK) $(1).lock) $(MAKE) --silent --no-print-directory $(1)/.installed

.DELETE_ON_ERROR:
.PHONY: demo test coverage fuzz share mutants lint bench docs clean compiled demo-env dev-env

demo: demo-env
	@$(DEMO)/bin/netspec check lenet5 --columns output,params,connections

# Where PYTHONDONTWRITEBYTECODE is set, an editable install would be compiled anew at every start.
compiled: dev-env
	@$(BIN)/python -m compileall -q netspec

test: compiled
	@$(BIN)/python -m pytest -n 2 --dist loadgroup

# Not those whose bounds on time and memory are for what runs unmeasured.
coverage: compiled
	@rm -f .coverage*
	@$(BIN)/coverage run -m pytest -n 2 --dist loadgroup --ignore=tests/fuzz --ignore=tests/hostile
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report

share: compiled
	@$(BIN)/python -m pytest -n 2 --dist loadgroup tests/fuzz

MINUTES ?= 10
SEED ?= 1

fuzz: compiled
	@$(BIN)/python tests/fuzz/run.py --minutes $(MINUTES) --seed $(SEED)

PERCENT ?= 5

mutants: compiled
	@$(BIN)/python $(PIP_INSTALL) -e '.[mutation]'
	@$(BIN)/python tests/mutation/run.py sizes --percent $(PERCENT) --seed $(SEED) --processes 2
	@$(BIN)/python tests/mutation/run.py ops --percent $(PERCENT) --seed $(SEED) --processes 2

lint: dev-env
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python -m netspec fmt --check specs netspec/std examples

bench: compiled
	@set -e; for script in benchmarks/*.py; do \
	    echo "== $$script"; $(BIN)/python "$$script"; echo; \
	done

docs: dev-env
	@$(BIN)/python tests/docs/rewrite.py

clean:
	rm -rf $(DEMO) $(DEMO).lock $(DEV) $(DEV).lock dist build
	rm -rf .coverage* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -not -path './.venv*' -prune -exec rm -rf {} +

demo-env:
	@+$(call locked,$(DEMO))

dev-env:
	@+$(call locked,$(DEV))

# The demo installs a copy, so it follows the sources too.
$(DEMO)/.installed: pyproject.toml constraints.txt $(PACKAGED)
	@$(call new-env,$(DEMO))
	@$(DEMO)/bin/python $(PIP_INSTALL) .
	@touch $@

$(DEV)/.installed: pyproject.toml constraints.txt
	@echo 'Installing what the tests need into $(DEV) (once; this takes some minutes)'
	@$(call new-env,$(DEV))
	@$(DEV)/bin/python $(PIP_INSTALL) -e '.[dev]'
	@touch $@

define new-env
$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("netspec needs Python 3.11 or newer. Name one: make PYTHON=python3.11")' && $(PYTHON) -m venv $(1)
endef
