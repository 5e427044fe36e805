# Everything that people and CI call. `make` lists it.
SHELL := bash
.DEFAULT_GOAL := help
PYTHON := .venv/bin/python
# Prometheus and the others are looked for here first.
export PATH := $(CURDIR)/.tools/bin:$(CURDIR)/.venv/bin:$(PATH)

.PHONY: help setup run test generate check check-live test-compose diff lint fmt drill quiet-day bench up reload down soak

help: ## list what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## fetch the Python packages and the tools (every other target does this by itself)
	@scripts/setup.sh

run: setup ## run everything on this machine until Ctrl-C; BOT_PORT=… and so on set ports
	@exec $(PYTHON) -m scripts.stack

# As many at a time as there are processors; whoever is done first takes over from the others.
test: setup ## run the tests; ARGS=… goes to pytest, -n0 in it runs one after the other
	@$(PYTHON) -m pytest -n 4 --dist worksteal $(ARGS)

check: setup ## check the specs and prove what they make; ARGS=--help tells more
	@$(PYTHON) -m observability check $(ARGS)
	@$(PYTHON) -m observability latency >/dev/null
	@$(PYTHON) -m observability diff >/dev/null || { \
		echo "observability/generated is not what the specs make: make generate" >&2; exit 1; }

check-live: setup ## start all of it, send demo traffic, ask Prometheus every query, stop
	@$(PYTHON) -m scripts.check_live

test-compose: setup ## start docker-compose.yml under another name, break it, take it away; COUNT, SEED, REQUIRE
	@$(PYTHON) -m scripts.compose_proof $(ARGS)

generate: setup ## make observability/generated from config
	@$(PYTHON) -m observability generate

diff: setup ## show what generate would change
	@$(PYTHON) -m observability diff || [ $$? = 1 ]

lint: setup ## types, style, shell scripts, the workflow
	@scripts/lint.sh

fmt: setup ## format Python and shell
	@ruff check --quiet --fix-only .
	@ruff format --quiet .
	@shfmt -w -i 4 -ci scripts/*.sh .ci/run config/runbooks/lib/*.sh observability/templates/*.sh

drill: setup ## break something on purpose and see the page arrive; ALL=1, ALERT=NAME,…, ARGS=--list
	@$(PYTHON) -m scripts.drill $(if $(ALL),--all) $(if $(SCALE),--time-scale $(SCALE)) $(ALERT) $(ARGS)

quiet-day: setup ## a day on which nobody may be told of anything; ARGS="--hours N --time-scale N"
	@$(PYTHON) -m scripts.quiet_day $(ARGS)

bench: setup ## measure speed, and how it grows with size; ARGS="--only growth" measures that alone
	@$(PYTHON) -m scripts.bench $(ARGS)

up: ## the same in Docker Compose, with Grafana; docs/production.md tells how for real money
	@docker compose version >/dev/null 2>&1 || { \
		echo "up: needs Docker with its Compose plugin, 2.20 or later; make run needs neither" >&2; exit 1; }
	@python3 -m scripts.compose_up

reload: setup ## let the Docker Compose stack read what make generate made, and prove that it did
	@$(PYTHON) -m scripts.reload

down: ## take the Docker Compose stack away (data stays in its volumes)
	@docker compose --profile demo down

soak: setup ## everything in full: tests, check, drills, benchmarks
	@scripts/soak.sh
