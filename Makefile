# Everything a contributor types. Needed: Go and gcc (for the real Kratos); for
# "stack" also Docker with Compose. "test" looks at the invitee's page with
# Chromium: it installs it where it may, and skips that where it may not. Without
# PostgreSQL it skips what needs one.

GO            ?= go
GOLANGCI_LINT := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
GOVULNCHECK   := golang.org/x/vuln/cmd/govulncheck@v1.1.4
VERSION       ?= $(shell git describe --tags --always --dirty 2>/dev/null)

# Root on a Debian can have Chromium without asking anybody.
CHROMIUM = [ -n "$$CHROMIUM_BIN" ] || command -v chromium || command -v chromium-browser || command -v google-chrome || \
	{ [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && echo "installing Chromium" >&2 && \
	{ apt-get update && apt-get install -y --no-install-recommends chromium; } >/dev/null 2>&1; } || true

.DEFAULT_GOAL := help
.PHONY: help demo build test stack chart lint vuln mutants bench fuzz torture soak

help: ## Show what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## Start a real Kratos and the bridge, send one invitation through, stay up
	@$(GO) build -o bin/demo ./cmd/demo && exec bin/demo

build: ## Build bin/invitebridge, static and reproducible
	CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -ldflags "-s -w -X main.release=$(VERSION)" -o bin/invitebridge ./cmd/invitebridge

test: ## Run every test, those against a real Kratos included, with the race detector
	@{ $(CHROMIUM); } >/dev/null
	$(GO) vet ./...
	$(GO) test -race -timeout 20m $(GOTEST_FLAGS) ./...

stack: ## Start docker-compose.yml on a Docker engine and send one invitation through
	$(GO) vet -tags docker ./config/stack
	$(GO) test -tags docker -count=1 -v -timeout 20m ./config/stack

# -count=1: Go's cache of results does not see changes outside a module.
chart: ## Test the Helm chart, with Helm itself; the first time builds for minutes
	cd docs/helm/test && $(GO) vet ./... && $(GO) test -count=1 $(GOTEST_FLAGS) ./...

lint: ## Run the linters
	$(GO) run $(GOLANGCI_LINT) run ./...
	cd bridge/httpapi/openapitools && $(GO) run ./lint lint/rules.yml ../openapi.json

vuln: ## Ask the Go vulnerability database about our dependencies
	$(GO) run $(GOVULNCHECK) ./...

mutants: ## Break each rule of whose account it is, and see that a test notices
	@GO=$(GO) sh bridge/mutants/run.sh

bench: ## Measure the bridge against what it stands on: bare Kratos and bare bbolt
	$(GO) test -run '^$$' -bench . -benchtime 1x -timeout 60m ./bridge/boltstore ./bridge/outbox ./bridge/metrics ./cmd/invitebridge

KILLS ?= 200
torture: ## Kill the bridge KILLS (200) times at every failpoint, and 50 times with a real Kratos
	$(GO) run ./cmd/torture -kills $(KILLS)
	$(GO) run ./cmd/torture -kills 50 -kratos -parallel 4

SOAK ?= 30m
soak: ## A steady load for SOAK (30m), faults, and a Kratos that is away for ten minutes
	$(GO) run ./cmd/torture -soak $(SOAK) -away 10m

FUZZTIME ?= 1m
fuzz: ## Fuzz whatever parses, FUZZTIME (1m) for each
	@set -e; for pkg in $$($(GO) list ./...); do \
		dir=$$($(GO) list -f '{{.Dir}}' $$pkg); \
		for fuzz in $$(grep -ho '^func Fuzz[A-Za-z0-9]*' $$dir/*_test.go 2>/dev/null | cut -d' ' -f2); do \
			echo "== $$pkg $$fuzz"; $(GO) test -run '^$$' -fuzz "^$$fuzz\$$" -fuzzminimizetime 20x -fuzztime $(FUZZTIME) $$pkg; \
		done; \
	done
