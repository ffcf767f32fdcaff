#!/usr/bin/env bash
# Runs ClickHouse SQL in one process, for tests. Needs Python 3.10 or newer with venv.
#
#   clickhouse.sh run ARGUMENT...  see run.py
#   clickhouse.sh install          fetch the engine (180 MB) and stop there
#
# PFR_CLICKHOUSE_DIR (default: pfr/clickhouse in the user's cache folder) holds the engine.
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
root=${PFR_CLICKHOUSE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/pfr/clickhouse}
packages=(chdb==4.4.0 chdb-core==26.9.0)
python=$root/venv/bin/python

say() { printf 'clickhouse.sh: %s\n' "$*" >&2; }
die() { say "$@"; exit 1; }

# The marker file names what was installed, and appears only when that is complete. The
# packages name data frame libraries as dependencies, which are not needed here.
install() {
  [ "$(cat "$root/.complete" 2>/dev/null)" = "${packages[*]}" ] && return
  command -v python3 >/dev/null || die "python3 is not installed"
  say "installing ${packages[*]}"
  mkdir -p "$root"
  python3 -m venv --clear "$root/venv"
  "$python" -m pip install --quiet --disable-pip-version-check --no-deps "${packages[@]}"
  echo "${packages[*]}" >"$root/.complete"
}

action=${1:-help}
[ $# -eq 0 ] || shift
case $action in
  run) install && exec "$python" "$here/run.py" "$@" ;;
  install) install ;;
  *) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"; exit 2 ;;
esac
