#!/usr/bin/env bash
# Starts pfr up, puts an open-loop load on it and prints the report. Losing a query fails.
#   load.sh [RATE] [DURATION]
set -euo pipefail
cd "$(dirname "$0")/.."
rate=${1:-200} duration=${2:-30s}
dir=$(mktemp -d)
pfr=
trap '[ -z "$pfr" ] || { kill "$pfr" 2>/dev/null; wait "$pfr" 2>/dev/null; } || true; rm -rf "$dir"' EXIT
go build -o "$dir/pfr" ./cmd/pfr
"$dir/pfr" up --http 127.0.0.1:0 --data "$dir/data" >"$dir/out" 2>"$dir/err" &
pfr=$!
for _ in $(seq 300); do
  http=$(sed -n 's#^pfr is ready on http://\([^ ]*\).*#\1#p' "$dir/out")
  [ -z "$http" ] || break
  sleep 0.1
done
[ -n "$http" ] || { cat "$dir/out" "$dir/err"; exit 1; }
cat "$dir/out"
"$dir/pfr" bench --http "$http" --rate "$rate" --duration "$duration"
