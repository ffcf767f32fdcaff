# Everything a contributor needs; .ci/run calls the same targets.
GOLANGCI_LINT_VERSION = v2.15.0
BIN = $(CURDIR)/bin

.PHONY: help build test race lint fmt bench e2e

help: ## show this list
	@grep -hE '^[a-z0-9]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/'

build: ## build the binary into bin/
	go build -trimpath -o $(BIN)/pfr ./cmd/pfr

test: ## the quick tests: embedded brokers, no network
	go test ./...

race: ## the same under the race detector
	go test -race ./...

lint: $(BIN)/golangci-lint ## vet and lint
	go vet ./...
	$(BIN)/golangci-lint run

fmt: $(BIN)/golangci-lint ## format
	$(BIN)/golangci-lint fmt

bench: ## the benchmarks of the packages
	go test -run '^$$' -bench . -benchmem ./...

e2e: build ## end to end against Apache Kafka and a nats-server process (needs Java and Maven)
	test/real-brokers.sh

$(BIN)/golangci-lint:
	GOBIN=$(BIN) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)
