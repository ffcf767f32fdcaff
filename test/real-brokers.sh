#!/usr/bin/env bash
# Runs a command with a real Kafka and a nats-server process on loopback:
#   real-brokers.sh [COMMAND...]    default: the tests that use them
# The command finds the addresses in PFR_TEST_KAFKA and PFR_TEST_NATS.
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- go test -count=1 ./internal/stream ./internal/rpc ./test

port=${PFR_NATS_PORT:-29222}
bin=$(mktemp -d)
nats=
trap '[ -z "$nats" ] || kill "$nats" 2>/dev/null || true; rm -rf "$bin"' EXIT
go build -o "$bin/nats-server" github.com/nats-io/nats-server/v2 # a tool of go.mod
"$bin/nats-server" --addr 127.0.0.1 --port "$port" --log "$bin/log" &
nats=$!
export PFR_TEST_NATS=nats://127.0.0.1:$port
test/kafka/kafka.sh with "$@"
