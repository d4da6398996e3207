# Everything one does with a clone. Python 3.11+ and make are all that has to be there.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
ARGS   ?=
# Most tests wait for servers more than they compute; 0 runs them in one process.
WORKERS ?= 4

.DEFAULT_GOAL := help
.PHONY: help install run test test-native test-native-short check format proto baseline docs clients interop bench bench-check bench-page requirements image-rehearsal mutants fuzz soak following audit clean

help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/installed: pyproject.toml protos/generate.py $(wildcard protos/twinfront/v1/*)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --editable '.[server,otel,redis,kafka,eventhub,native,cli,dev]'
	@touch $@

install: $(VENV)/installed ## Make .venv with everything in it, stubs included

run: install ## Serve twins on this machine (ARGS='--help' shows all settings)
	$(BIN)/twinfront serve $(ARGS)

test: install ## Run all tests (ARGS='-k etag' passes options to pytest)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

test-native: install ## Run the tests over real connections and the interop matrix on the native engine
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder --engine native tests/rpc tests/fault tests/interop $(ARGS)

# What tells most in a minute: the links, quotas, errors, streams, imports and queries.
NATIVE_SHORT := $(addprefix tests/rpc/, $(addprefix serving/test_, chain.py floods.py health.py log.py quotas.py) \
  $(addprefix services/test_, digital_twins.py etag_conflicts.py import_graph.py models.py queries.py)) tests/fault/test_reads.py

test-native-short: install ## Run some of these, which continuous integration does as well
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder --engine native $(NATIVE_SHORT) $(ARGS)

check: install ## Check style, types, protos and what is generated
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python clients/python/make_sync.py --check
	$(BIN)/mypy
	$(BIN)/python clients/reasons.py --check
	cd protos && $(CURDIR)/$(BIN)/buf lint
	cd protos && $(CURDIR)/$(BIN)/buf format --diff --exit-code
	cd protos && $(CURDIR)/$(BIN)/buf build -o - | $(CURDIR)/$(BIN)/buf breaking - --against breaking_baseline.binpb

format: install ## Put code and protos into shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/python clients/python/make_sync.py
	cd protos && $(CURDIR)/$(BIN)/buf format --write

proto: install ## Generate stubs and tables of reasons anew, the stubs of Go and Rust where these are installed
	$(BIN)/python protos/generate.py
	$(BIN)/python clients/reasons.py
	@if command -v go > /dev/null; then clients/go/generate; else echo "Go is not installed: its stubs stay"; fi
	@if command -v cargo > /dev/null; then clients/rust/generate; else echo "Rust is not installed: its stubs stay"; fi

baseline: install ## Take the protos as they are for what later ones must stay compatible with (docs/versioning.md)
	cd protos && $(CURDIR)/$(BIN)/buf build --exclude-source-info --output breaking_baseline.binpb

docs: install ## Fill in the tables of README and docs
	$(BIN)/python -m docs.generate

clients: install ## Build and test the clients whose toolchains are installed
	$(BIN)/python -m tests.interop build

interop: install ## Run the clients, and third-party tools, against a live server; prints the matrix of scenarios
	$(BIN)/python -m tests.interop
	$(BIN)/python -m pytest tests/interop/third_party

bench: install ## Measure the built wheel; prints tables of ratios (ARGS='--quick' for a short look)
	$(BIN)/python tests/bench/environment.py
	build/bench/venv/bin/python tests/bench $(ARGS)

bench-check: install ## Count the instructions of the main calls, beside a baseline (ARGS=--renew; needs valgrind)
	$(BIN)/python tests/bench/instructions $(ARGS)

bench-page: install ## Fill docs/performance.md with what `make bench` found
	$(BIN)/python tests/bench/results.py
	$(BIN)/python -m docs.generate

requirements: install ## Pin anew what the image installs (deploy/docker/requirements.txt)
	$(BIN)/uv pip compile pyproject.toml --extra server --extra otel --extra redis --extra kafka --extra eventhub --extra native --universal --python-version 3.13 --generate-hashes --upgrade \
	  --no-annotate --no-emit-index-url --custom-compile-command 'make requirements' --quiet \
	  --output-file deploy/docker/requirements.txt

image-rehearsal: install ## Build the image's stages in a root of Debian's and run them there (as root; needs no engine)
	TWINFRONT_IMAGE=1 $(BIN)/python -m pytest tests/deploy/test_image.py

mutants: install ## Break the server in small ways and count what tests notice (ARGS='--changed main', '--help')
	nice -n 10 $(BIN)/python -m tests.mutants $(ARGS)

fuzz: install ## Feed bytes that nobody sends on purpose to all that reads (ARGS='--seconds 600 query')
	$(BIN)/pip install --quiet --editable '.[fuzz]'
	$(BIN)/python -m tests.fuzz $(ARGS)

soak: install ## Serve a mixed load of all clients for 15 minutes, with faults and restarts (ARGS='--seconds 60')
	$(BIN)/python -m tests.soak $(ARGS)

following: install ## Have 100 watchers follow 200,000 changes while fronts are killed, drained and cut off (ARGS='--writes 5000')
	$(BIN)/python -m tests.following $(ARGS)

audit: install ## Build twice and compare, write the bill of materials, check licences and known vulnerabilities
	$(BIN)/python -m deploy.supply_chain

clean: ## Remove what the other targets made
	rm -rf $(VENV) build dist clients/python/twinfront/v1 .mypy_cache .ruff_cache .pytest_cache \
	  clients/go/bin clients/typescript/dist clients/typescript/node_modules clients/java/*/target clients/rust/target
