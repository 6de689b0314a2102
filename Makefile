# The commands of a day. `make test` is everything that must be green; CI runs it through .ci/run.

.DEFAULT_GOAL := help
.PHONY: help demo test judges mcp-peers postgres test-shared bench fmt generated generated-clean supply-chain cargo

TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)
FAST := $(TARGET_DIR)/fast/agentops
SCHEMA := docs/recipe.schema.json
GENERATED := $(SCHEMA) docs/cli.md docs/configuration.md docs/api.md docs/openapi.json
ADVISORIES := $(or $(CARGO_HOME),$(HOME)/.cargo)/advisory-dbs
# The vendors' schemas and SDKs, from the committed lists; see crates/agentops/tests/judges/README.md.
JUDGES := $(TARGET_DIR)/judges
JUDGE_LISTS := crates/agentops/tests/judges
# Third-party servers of the Model Context Protocol; see crates/agentops/tests/mcp/README.md.
MCP_PEERS := $(TARGET_DIR)/mcp-peers
MCP_LISTS := crates/agentops/tests/mcp
# Another engine, for the benchmark to stand beside.
BENCH_PEERS := $(TARGET_DIR)/bench-peers
DBOS := crates/testkit/peers/dbos
AGENTOPS_SHARED ?= $(abspath ../shared)

# How a committed list of packages becomes a folder of them.
define VENV
@command -v python3 > /dev/null || { echo "python3 was not found: install it with its venv module" >&2; exit 1; }
rm -rf $(@D)
python3 -m venv $(@D)
$(@D)/bin/pip install --quiet --disable-pip-version-check --no-deps --requirement $<
touch $@
endef
define NPM_CI
@command -v npm > /dev/null || { echo "npm was not found: install Node 20 or newer" >&2; exit 1; }
mkdir -p $(@D)
cp $^ $(@D)/
cd $(@D) && npm ci --silent
endef

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: cargo ## Build, run five recipes against the sandbox, then keep serving (Ctrl-C ends it)
	cargo build --profile fast -p agentops
	$(FAST) demo

test: cargo judges mcp-peers postgres ## Everything that must be green: format, lints, tests, docs, generated files, chaos
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo test --workspace --no-fail-fast
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps
	$(MAKE) --no-print-directory generated-clean supply-chain
	cargo run -q -p agentops -- chaos --seconds 30 --json
	cargo run -q -p agentops -- chaos --store postgres --nodes 2 --seconds 20 --json

postgres: ## Install PostgreSQL's server for tests, if none is installed
	@if ls /usr/lib/postgresql/*/bin/initdb > /dev/null 2>&1 || command -v initdb > /dev/null; then exit 0; fi; \
	command -v apt-get > /dev/null || { \
	  echo "PostgreSQL's initdb was not found: install the server of PostgreSQL 14 or newer" >&2; exit 1; }; \
	as_root=$$(test "$$(id -u)" = 0 || echo sudo); \
	$$as_root apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$as_root apt-get install -qq -y --no-install-recommends postgresql

judges: $(JUDGES)/py/.done $(JUDGES)/npm/.done ## Install the vendors' schemas and SDKs that tests judge by

$(JUDGES)/py/.done: $(JUDGE_LISTS)/requirements.txt
	$(VENV)

$(JUDGES)/npm/.done: $(addprefix $(JUDGE_LISTS)/npm/,package.json package-lock.json .npmrc)
	$(NPM_CI)
	rm -f $(@D)/node_modules/@octokit/openapi/generated/gh*
	touch $@

mcp-peers: $(MCP_PEERS)/py/.done $(MCP_PEERS)/npm/.done ## Install the MCP servers that tests call

$(MCP_PEERS)/py/.done: $(MCP_LISTS)/requirements.txt
	$(VENV)

$(MCP_PEERS)/npm/.done: $(addprefix $(MCP_LISTS)/npm/,package.json package-lock.json .npmrc)
	$(NPM_CI)
	touch $@

test-shared: cargo ## The tests that read the documents in ../shared (AGENTOPS_SHARED names another folder)
	AGENTOPS_SHARED="$(AGENTOPS_SHARED)" cargo test -p agentops --features shared-files --test shared

$(BENCH_PEERS)/dbos/.done: $(DBOS)/requirements.txt
	$(VENV)

bench: cargo $(BENCH_PEERS)/dbos/.done ## Speed of the engine, the API with a million runs, and the door, as JSON (half an hour)
	cargo build --profile fast -p agentops
	$(FAST) bench engine --json
	$(FAST) bench engine --store postgres --json -- $(BENCH_PEERS)/dbos/bin/python $(DBOS)/bench.py
	$(FAST) bench api --json
	$(FAST) bench api --store postgres --json
	$(FAST) bench door --json

fmt: cargo ## Format every file
	cargo fmt --all

generated: cargo ## Write the files that are made from the code
	cargo run -q -p agentops -- recipe schema > $(SCHEMA).new
	mv $(SCHEMA).new $(SCHEMA)
	for page in cli configuration api; do \
	  cargo run -q -p agentops -- reference $$page > docs/$$page.md.new && mv docs/$$page.md.new docs/$$page.md || exit 1; done
	cargo run -q -p agentops -- reference openapi > docs/openapi.json.new
	mv docs/openapi.json.new docs/openapi.json

# A generated file that differs from the committed one, or was never committed, is a forgotten commit.
generated-clean: generated
	@git ls-files --error-unmatch $(GENERATED) > /dev/null
	git diff --exit-code -- $(GENERATED)

# The tidy test judges licences, sources and bans with cargo alone. cargo-deny adds file-level licence
# texts and advisories, but only where it and its database are already installed.
supply-chain: cargo ## Licences, bans, sources and advisories by cargo-deny, if it is installed
	@if ! cargo deny --version > /dev/null 2>&1; then \
	  echo "cargo-deny is not installed: licences, bans and sources were judged by the tidy test"; exit 0; fi; \
	cargo deny --offline check --hide-inclusion-graph licenses bans sources && \
	if ls -d "$(ADVISORIES)"/*/ > /dev/null 2>&1; then cargo deny --offline check advisories; \
	else echo "no advisory database here: run 'cargo deny fetch' to have advisories checked"; fi

cargo:
	@command -v cargo > /dev/null || { \
	  echo "cargo was not found: install Rust 1.95 or newer (see https://rustup.rs), open a new shell, try again" >&2; exit 1; }
