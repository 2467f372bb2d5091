# The commands for contributors. They need Go and gcc (for the real Kratos); "stack"
# also needs Docker with Compose. "test" checks the invitee's page with Chromium and
# the store with PostgreSQL, which it installs as root on Debian. It skips tests whose
# program is missing.

GO            ?= go
GOLANGCI_LINT := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
GOVULNCHECK   := golang.org/x/vuln/cmd/govulncheck@v1.1.4
GORELEASER    := github.com/goreleaser/goreleaser/v2@v2.16.0
BUILDX        := github.com/docker/buildx/cmd/buildx@v0.37.1
VERSION       ?= $(shell git describe --tags --always --dirty 2>/dev/null)
COMMIT        ?= $(shell git rev-parse HEAD 2>/dev/null)
DATE          ?= $(shell TZ=UTC0 git show -s --format=%cd --date=format-local:%Y-%m-%dT%H:%M:%SZ HEAD 2>/dev/null)

# Whose release it is. GitHub sets both; a snapshot, which nobody publishes, has these.
export GITHUB_REPOSITORY_OWNER ?= example
export GITHUB_REPOSITORY       ?= $(GITHUB_REPOSITORY_OWNER)/invitebridge

# As root on Debian, install Chromium if it is missing.
CHROMIUM = [ -n "$$CHROMIUM_BIN" ] || command -v chromium || command -v chromium-browser || command -v google-chrome || \
	{ [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && echo "installing Chromium" >&2 && \
	{ apt-get update && apt-get install -y --no-install-recommends chromium; } >/dev/null 2>&1; } || true

# The same with PostgreSQL, unless POSTGRES_DSN names a server. The tests start their
# own: the package must not.
POSTGRESQL = [ -n "$$POSTGRES_DSN" ] || command -v initdb || ls /usr/lib/postgresql/*/bin/initdb 2>/dev/null || \
	{ [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && echo "installing PostgreSQL" >&2 && \
	{ conf=/etc/postgresql-common/createcluster.conf; [ -e $$conf ] || \
	{ mkdir -p $${conf%/*} && echo "create_main_cluster = false" >$$conf; }; apt-get update && \
	DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends postgresql; } >/dev/null 2>&1; } || true

.DEFAULT_GOAL := help
.PHONY: help demo build check test stack snapshot release release-chart packages chart lint vuln mutants bench fuzz torture torture-replicas soak

help: ## Show all targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## Start a real Kratos and the bridge, send two invitations through, keep running
	@$(GO) build -o bin/demo ./cmd/demo && exec bin/demo

build: ## Build bin/invitebridge, static and reproducible
	CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -ldflags "-s -w -X main.release=$(VERSION) -X main.commit=$(COMMIT) -X main.date=$(DATE)" -o bin/invitebridge ./cmd/invitebridge

# With warm caches this takes less than two minutes on two cores. The first time,
# it also compiles the linter and all dependencies: three more. -short leaves out the
# tests that call testenv.SkipIfShort; CI runs them all.
check: ## Before each commit: vet, lint and the fast tests
	$(GO) vet ./...
	@$(MAKE) --no-print-directory lint
	$(GO) test -short $(GOTEST_FLAGS) ./...

test: ## Run all tests, including those with a real Kratos, with the race detector
	@{ $(CHROMIUM); $(POSTGRESQL); } >/dev/null
	$(GO) vet ./...
	$(GO) test -race -timeout 20m $(GOTEST_FLAGS) ./...

stack: ## Start docker-compose.yml with Docker and send two invitations through
	$(GO) vet -tags docker ./config/stack
	$(GO) test -tags docker -count=1 -v -timeout 20m ./config/stack

# Debian's Docker has no buildx: it is built, and known to this target alone.
# GoReleaser wants a remote, which a clone may not have; the first one counts.
snapshot: ## Build all that a release has into dist/, and publish nothing
	@docker buildx version >/dev/null 2>&1 || [ -x bin/docker/cli-plugins/docker-buildx ] || { \
		GOBIN=$(CURDIR)/bin/docker/cli-plugins $(GO) install $(BUILDX) && \
		mv bin/docker/cli-plugins/buildx bin/docker/cli-plugins/docker-buildx; }
	@docker buildx version >/dev/null 2>&1 || export DOCKER_CONFIG=$(CURDIR)/bin/docker; \
	GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=remote.origin.url GIT_CONFIG_VALUE_0=https://github.com/$(GITHUB_REPOSITORY) \
		$(GO) run $(GORELEASER) release --snapshot --clean
	sh config/release/chart.sh dist/chart

# The workflow of a release makes these two, with NOTES a file.
release:
	$(GO) run $(GORELEASER) release --clean --release-notes $(NOTES)

release-chart:
	sh config/release/chart.sh dist/chart
	cd docs/helm/test && $(GO) tool helm push ../../../dist/chart/*.tgz \
		oci://ghcr.io/$$(printf %s "$(GITHUB_REPOSITORY_OWNER)" | tr A-Z a-z)/charts

packages: ## Install the packages of dist/ in a Debian of its own, under systemd
	$(GO) vet -tags docker ./config/release
	$(GO) test -tags docker -count=1 -v -timeout 20m ./config/release

# -count=1: Go's test cache ignores changes outside the module.
chart: ## Test the Helm chart with Helm's own code; the first build takes minutes
	cd docs/helm/test && $(GO) vet ./... && $(GO) test -count=1 $(GOTEST_FLAGS) ./...

lint: ## Run the linters
	$(GO) run $(GOLANGCI_LINT) run ./...
	cd bridge/httpapi/openapitools && $(GO) run ./lint lint/rules.yml ../openapi.json

vuln: ## Check the dependencies against the Go vulnerability database
	$(GO) run $(GOVULNCHECK) ./...

mutants: ## Break each rule about account ownership and check that a test fails
	@GO=$(GO) sh bridge/mutants/run.sh

# BENCH="-only invite,mail -turn 5s" runs a part, or for longer; -help lists the flags.
bench: ## Measure against bare calls of Kratos, 25 minutes: docs/performance.md
	$(GO) run ./cmd/bench $(BENCH)

KILLS ?= 200
torture: ## Kill the bridge KILLS (200) times at every failpoint, 50 with a real Kratos
	$(GO) run ./cmd/torture -kills $(KILLS)
	$(GO) run ./cmd/torture -kills 50 -kratos -parallel 4
	$(GO) run ./cmd/torture -kills $(KILLS) kratos

REPLICAS = $(GO) run ./cmd/torture -replicas 3
torture-replicas: ## The same with three replicas on PostgreSQL, which fails too; takes hours
	$(REPLICAS) -rounds 20 contention
	$(REPLICAS) -rounds 100 outages
	$(REPLICAS) -rounds 10 silences
	[ "$$(id -u)" != 0 ] || $(REPLICAS) -rounds 10 drops
	$(REPLICAS) -rounds 10 failovers
	$(REPLICAS) -rounds 3 -rate 200 rolling
	$(REPLICAS) -rounds 10000 histories
	$(REPLICAS) -rounds 1000 clocks
	$(REPLICAS) -kills 100

SOAK ?= 30m
soak: ## Run a steady load with faults for SOAK (30m), plus 10 minutes without Kratos
	$(GO) run ./cmd/torture -soak $(SOAK) -away 10m

FUZZTIME ?= 1m
fuzz: ## Run every fuzzer for FUZZTIME (1m)
	@set -e; for pkg in $$($(GO) list ./...); do \
		dir=$$($(GO) list -f '{{.Dir}}' $$pkg); \
		for fuzz in $$(grep -ho '^func Fuzz[A-Za-z0-9]*' $$dir/*_test.go 2>/dev/null | cut -d' ' -f2); do \
			echo "== $$pkg $$fuzz"; $(GO) test -run '^$$' -fuzz "^$$fuzz\$$" -fuzzminimizetime 20x -fuzztime $(FUZZTIME) $$pkg; \
		done; \
	done
