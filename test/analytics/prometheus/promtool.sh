#!/usr/bin/env bash
# Runs promtool of Prometheus: the one that is installed, else that of Debian's package,
# unpacked and not installed, else one that is built from its module (four minutes on two
# cores).
#
#   promtool.sh ARGUMENT...   promtool's own arguments
#   promtool.sh install       fetch it and stop there
#
# PFR_PROMTOOL_DIR (default: pfr/promtool in the user's cache folder) holds the program.
set -euo pipefail

version=v0.316.0 # of the module, 3.x of the product
root=${PFR_PROMTOOL_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/pfr/promtool}
tool=$root/promtool

say() { printf 'promtool.sh: %s\n' "$*" >&2; }

unpack() {
  command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || return 1
  (
    cd "$root/build"
    apt-get download -qq prometheus 2>/dev/null || { apt-get update -qq && apt-get download -qq prometheus; } 2>/dev/null
    dpkg-deb -x prometheus_*.deb unpacked
    mv unpacked/usr/bin/promtool "$tool"
  )
}

# Without service discovery, which rules do not need and which is most of the program.
build() {
  say "building promtool $version"
  (cd "$root/build" && GOFLAGS=-mod=mod GOBIN="$root" go install -tags remove_all_sd "github.com/prometheus/prometheus/cmd/promtool@$version")
}

if installed=$(command -v promtool); then
  tool=$installed
elif [ ! -x "$tool" ]; then
  rm -rf "$root/build"
  mkdir -p "$root/build"
  unpack || build
  rm -rf "$root/build"
fi
[ "${1:-}" = install ] || exec "$tool" "$@"
