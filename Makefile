# make run     everything in one terminal; Ctrl-C stops it
# make test    the tests, against a real Temporal server; some of them: make test ARGS="-k saga"
# make check   format, lint and types
# make lock    lock the packages' versions; newer ones: make lock ARGS=--upgrade
# make clean   remove what make has made; data/ is kept
#
# PYTHON is the Python, 3.11 or later, that .venv is made with: make run PYTHON=python3.12

PYTHON ?= python3
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: run test check lock clean

run: .venv/installed
	@exec $(BIN)/python run_all.py

# The server is fetched first, as pytest would not show how that goes on.
test: .venv/installed-dev
	@$(BIN)/python -m embedded.binary
	$(BIN)/python -m pytest $(ARGS)

check: .venv/installed-dev
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy

lock: .tools/bin/uv
	$(COMPILE) -o requirements.txt
	$(COMPILE) --group dev -o requirements-dev.txt

clean:
	rm -rf .venv .tools .mypy_cache .pytest_cache .ruff_cache .hypothesis .schemathesis
	find . -name __pycache__ -prune -exec rm -rf {} +

COMPILE = .tools/bin/uv pip compile --universal --python-version 3.11 --generate-hashes \
	--no-header --no-emit-index-url --quiet pyproject.toml $(ARGS)

.venv/installed: requirements.txt
	$(call install,$<)
	@touch $@

# It has everything that is in requirements.txt too.
.venv/installed-dev: requirements-dev.txt
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
		echo "This needs Python 3.11 or later, with venv; '$(PYTHON)' is not that." \
			"On Debian: apt-get install python3-venv." \
			"To name another Python: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; \
		exit 2; }
endef
