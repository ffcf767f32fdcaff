#!/usr/bin/env bash
# Runs OpenSearch on loopback for tests. Needs a JDK (17 or newer), Maven and curl.
#
#   opensearch.sh with COMMAND...  run COMMAND against a fresh node, then remove it;
#                                  COMMAND finds the address in PFR_TEST_OPENSEARCH
#
# PFR_OPENSEARCH_DIR (default: $TMPDIR/pfr-test-opensearch) holds the jars, and the data of
# each run in a folder of its own. PFR_OPENSEARCH_PORT (default 29200) is the HTTP port, the
# one after it is used too. PFR_OPENSEARCH_HEAP (default 512m) is the heap of the node.
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
root=${PFR_OPENSEARCH_DIR:-${TMPDIR:-/tmp}/pfr-test-opensearch}
port=${PFR_OPENSEARCH_PORT:-29200}
heap=${PFR_OPENSEARCH_HEAP:-512m}
jars=$root/jars
url=http://127.0.0.1:$port
data= pid=

say() { printf 'opensearch.sh: %s\n' "$*" >&2; }
die() { say "$@"; exit 1; }
need() { command -v "$1" >/dev/null || die "$1 is not installed"; }

# The marker file appears only after a complete download.
fetch_jars() {
  [ -e "$jars/.complete" ] && return
  need mvn
  say "downloading the engine's jars"
  mvn --batch-mode --quiet --file "$here/pom.xml" \
    org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$jars"
  touch "$jars/.complete"
}

ready() { curl --silent --fail --max-time 2 "$url/_cluster/health?wait_for_status=yellow&timeout=1s" >/dev/null 2>&1; }

start() {
  data=$(mktemp -d "$root/run.XXXXXX")
  java -Xms128m "-Xmx$heap" -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Djava.awt.headless=true \
    -cp "$jars/*" "$here/Engine.java" "$data/node" "$port" >"$data/output" 2>&1 </dev/null &
  pid=$!
  local until=$((SECONDS + 90))
  until ready; do
    if ((SECONDS >= until)) || ! kill -0 "$pid" 2>/dev/null; then
      tail -n 20 "$data/output" >&2 || true
      die "the node did not start"
    fi
    sleep 0.2
  done
}

stop() {
  if [ -n "$pid" ]; then
    kill "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  fi
  [ -z "$data" ] || rm -rf -- "$data"
}

with_engine() {
  [ $# -gt 0 ] || die "with: no command"
  need java
  need curl
  ! ready || die "something answers at $url already"
  mkdir -p "$root"
  fetch_jars
  trap stop EXIT
  start
  PFR_TEST_OPENSEARCH=$url "$@"
}

action=${1:-help}
[ $# -eq 0 ] || shift
case $action in
  with) with_engine "$@" ;;
  *) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"; exit 2 ;;
esac
