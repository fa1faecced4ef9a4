# One command for each thing. `make help` lists them.
PY ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
SWIFT := $(VENV)-swift
BENCH := $(VENV)-bench
FUZZ := $(VENV)-fuzz
AUDIT := $(VENV)-audit
UV := $(shell command -v uv 2>/dev/null)
PYTHON := $(shell $(PY) -c 'import sys; print(sys.executable)' 2>/dev/null || echo $(PY))
export UV_PYTHON_DOWNLOADS := never
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# Both are for the environment that the target lies in.
ifdef UV
make_venv = $(UV) venv --quiet --allow-existing --python $(PYTHON) $(@D)
install = $(UV) pip install --quiet --python $(@D)/bin/python
else
make_venv = $(PYTHON) -m venv $(@D)
install = $(@D)/bin/python -m pip install --quiet
endif

.PHONY: help run test check check-all fix migration guards fuzz audit bench profile crash lock clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

run: $(VENV)/.run ## install what is needed and serve on http://127.0.0.1:$PORT (8000)
	@exec $(BIN)/stowage serve

test: $(VENV)/.dev ## install what is needed and run the tests
	$(BIN)/python -m pytest

check: $(VENV)/.dev ## lint, types, layout and tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest

check-all: check ## what the build server runs: `check`, the slow tests, the guards, a short fuzzing run, a short benchmark
	$(BIN)/python -m pytest -m slow
	$(MAKE) guards
	$(MAKE) fuzz ARGS="--runs 4200 --seed 1"
	$(MAKE) bench ARGS="--quick"

fix: $(VENV)/.dev ## format, repair what the linter can, write the generated parts of the docs
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format --quiet .
	$(BIN)/python -m tests.generate

migration: $(VENV)/.dev ## a new migration from the models: make migration NAME="add colour"
	@test -n "$(NAME)" || { echo 'say what it does: make migration NAME="add colour"'; exit 2; }
	$(BIN)/python -m tests.new_migration "$(NAME)"

guards: $(VENV)/.dev ## switch every guard off, one by one; a test must notice: make guards [ONLY="S16"]
	$(BIN)/python -m tests.guards $(ONLY)

# A short run is the service and bare servers alone; the others need packages of their own.
bench: $(VENV)/.dev $(if $(findstring --quick,$(ARGS)),,$(BENCH)/.done) ## measure: make bench, or make bench ARGS="--quick"
	BENCH_VENV=$(BENCH) $(BIN)/python -m tests.bench $(ARGS)

profile: $(VENV)/.dev $(BENCH)/.done ## where the time goes: make profile [ARGS="--workload large"]
	BENCH_VENV=$(BENCH) $(BIN)/python -m tests.bench.profile $(ARGS)

crash: $(VENV)/.dev ## kill the service again and again: make crash ROUNDS=1000 [PAIR=local+sqlite] [SEED=1]
	$(BIN)/python -m tests.crash --pair $(or $(PAIR),all) --rounds $(or $(ROUNDS),20) $(if $(SEED),--seed $(SEED))

fuzz: $(VENV)/.dev $(FUZZ)/.done ## any bytes at what reads them: make fuzz [ARGS="--runs 200000 --target svg"]
	FUZZ_VENV=$(FUZZ) $(BIN)/python -m tests.fuzz $(ARGS)

audit: $(AUDIT)/.done ## ask for advisories of everything that is pinned (needs the network)
	@for file in requirements*.txt; do \
	    echo "$$file"; $(AUDIT)/bin/pip-audit --strict --disable-pip --require-hashes -r $$file || exit 1; \
	done

lock: ## compile the hash files again (needs uv); add UPGRADE=1 for newer versions
	@test -n "$(UV)" || { echo 'make lock needs uv: python3 -m pip install uv'; exit 2; }
	./.ci/lock $(if $(UPGRADE),--upgrade)

clean: ## remove what `make` made, not your data
	rm -rf $(VENV) $(SWIFT) $(BENCH) $(FUZZ) $(AUDIT) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

# Everything is pinned with hashes, the build backend too: it is installed first, and pip then builds without fetching.
$(VENV)/.base: requirements-build.txt
	@$(make_venv) || { echo 'no virtual environment: on Debian and Ubuntu, apt install python3-venv'; exit 1; }
	@$(install) --require-hashes -r requirements-build.txt
	@touch $@

$(VENV)/.run: $(VENV)/.base requirements.txt pyproject.toml
	@$(install) --require-hashes -r requirements.txt
	@$(install) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements-dev.txt $(SWIFT)/.done
	@$(install) --require-hashes -r requirements-dev.txt
	@touch $@

# The S3 server of the tests, in an environment of its own. Compiled here: its first start would take ten seconds.
$(SWIFT)/.done: requirements-swift.txt
	@$(make_venv)
	@UV_COMPILE_BYTECODE=1 $(install) --require-hashes -r requirements-swift.txt
	@touch $@

# The servers that the benchmark compares with, and py-spy.
$(BENCH)/.done: requirements-bench.txt
	@$(make_venv)
	@UV_COMPILE_BYTECODE=1 $(install) --require-hashes -r requirements-bench.txt
	@touch $@

# schemathesis, and atheris where it has a wheel.
$(FUZZ)/.done: requirements-fuzz.txt
	@$(make_venv)
	@UV_COMPILE_BYTECODE=1 $(install) --require-hashes -r requirements-fuzz.txt
	@touch $@

# What asks for advisories.
$(AUDIT)/.done: requirements-audit.txt
	@$(make_venv)
	@$(install) --require-hashes -r requirements-audit.txt
	@touch $@
