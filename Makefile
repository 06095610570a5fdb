# make run        everything in one terminal; Ctrl-C stops it. Another port: make run PORT=5001
# make test       the tests, against a real Temporal server. Some of them: make test ARGS="-k saga"
# make test-fast  the tests that need no server, in seconds
# make test-long  the slow tests
# make chaos      book and cancel while everything is killed, then audit. Longer: make chaos BOOKINGS=5000
#                 make chaos WHERE=cluster does it on Temporal's cluster
#                 make chaos NEIGHBOURS=1 kills nothing: it books among neighbours that misbehave
# make cluster    everything as in production: Temporal's cluster, PostgreSQL, TLS (docs/cluster.md)
# make schemathesis  many random requests, generated from the API's description
# make mutants    break each promise, and check that its tests fail
# make lesson     six lessons: break a promise, and see what the suppliers hold. One: make lesson N=3
# make gallery    what published shapes of a saga lose, in minutes (examples/gallery/README.md)
# make bench      how fast a booking is. Shorter or longer: make bench ARGS=--quick, or ARGS=--help
# make bench-cluster  what a booking costs on Temporal's cluster
# make bench-growth, make bench-workers, make bench-suppliers
#                 the effect of many bookings, of more workers and of other databases
# make check      format, lint and types
# make lock       lock the packages' versions. Upgrade them: make lock ARGS=--upgrade
# make clean      remove everything that make has made, except data/
#
# PYTHON creates .venv, and must be 3.11 or later: make run PYTHON=python3.12

PYTHON ?= python3
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: run test test-fast test-long chaos cluster bench-cluster schemathesis mutants lesson gallery bench bench-growth \
	bench-workers bench-suppliers check lock clean

run: .venv/installed
	@exec $(BIN)/python -m local.run_all

# If there is no Temporal server, the first line explains what to do; pytest would fail in every test.
test: .venv/installed-dev
	@$(BIN)/python -m local.binary
	$(BIN)/python -m pytest -n 5 --dist loadfile --no-loadscope-reorder $(ARGS)

test-fast: .venv/installed-dev
	$(BIN)/python -m pytest tests/unit $(ARGS)

# What takes long: bad neighbours and networks, restores, a short benchmark and short chaos.
test-long: .venv/installed-dev
	$(BIN)/python -m pytest -m long -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

# SEED repeats a plan; SECONDS and BOOKINGS are its minimum duration and number of bookings.
chaos: .venv/installed-dev
	@$(BIN)/python -m local.binary
	@$(BIN)/python -m tools.chaos $(if $(NEIGHBOURS),--neighbours) $(WHERE:%=--where %) $(SEED:%=--seed %) $(BOOKINGS:%=--bookings %) $(SECONDS:%=--seconds %)

bench-cluster: .venv/installed-dev
	@$(BIN)/python -m local.binary
	@$(BIN)/python -m tools.cluster.costs $(ARGS)

cluster: .venv/installed-dev
	@exec $(BIN)/python -m tools.cluster

schemathesis: .venv/installed-dev
	SCHEMATHESIS_EXAMPLES=300 $(BIN)/python -m pytest tests/web/test_openapi.py -m long -s

mutants: .venv/installed-dev
	@$(BIN)/python -m tests.mutants

# Ctrl-C ends it at any moment: what it breaks is a copy.
lesson: .venv/installed-dev
	@$(BIN)/python -m local.binary >/dev/null
	@$(BIN)/python -m tests.mutants.lessons $(N)

gallery: .venv/installed-dev
	@$(BIN)/python -m local.binary >/dev/null
	@$(BIN)/python -m examples.gallery $(ARGS)

# The figures are meaningful only on an otherwise idle machine.
bench bench-growth bench-workers bench-suppliers: .venv/installed-dev
	@$(BIN)/python -m local.binary
	@$(BIN)/python -m tools.$(subst -,.,$@) $(ARGS)

check: .venv/installed-dev
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy

lock: .tools/bin/uv
	$(COMPILE) -o requirements/run.txt
	$(COMPILE) --extra otel -o requirements/otel.txt
	$(COMPILE) --group dev --extra otel -o requirements/dev.txt

clean:
	rm -rf .venv .tools .mypy_cache .pytest_cache .ruff_cache .hypothesis .schemathesis
	find . -name __pycache__ -prune -exec rm -rf {} +

COMPILE = .tools/bin/uv pip compile --universal --python-version 3.11 --generate-hashes \
	--no-header --no-emit-index-url --quiet pyproject.toml $(ARGS)

.venv/installed: requirements/run.txt
	$(call install,$<)
	@touch $@

# It includes everything in requirements/run.txt.
.venv/installed-dev: requirements/dev.txt
	$(call install,$<)
	@touch $@ .venv/installed

.tools/bin/uv:
	$(call require-python)
	@$(PYTHON) -m venv .tools
	@.tools/bin/python -m pip install --quiet uv

define install
	$(call require-python)
	@echo "Installing the packages of $(1) into .venv ..."
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --require-hashes -r $(1)
endef

define require-python
	@$(PYTHON) -c "import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))" 2>/dev/null || { \
		echo "Python 3.11 or later with venv is required; '$(PYTHON)' does not qualify." \
			"On Debian: apt-get install python3-venv." \
			"To use another Python: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; \
		exit 2; }
endef
