#!/usr/bin/env bash
# Runs files of Flink SQL in a cluster inside one process, for tests. Needs a JDK (17 or
# newer) and Maven.
#
#   flink.sh run FILE...   run the files one after another; ${NAME} in them is taken from
#                          the environment
#   flink.sh install       fetch the jars (150 MB) and stop there
#
# PFR_FLINK_DIR (default: pfr/flink in the user's cache folder) holds the jars,
# PFR_FLINK_HEAP (default 512m) is the heap of the process. PFR_FLINK_TRACE=1 shows where in
# the engine a statement failed.
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
root=${PFR_FLINK_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/pfr/flink}
heap=${PFR_FLINK_HEAP:-512m}
jars=$root/jars

say() { printf 'flink.sh: %s\n' "$*" >&2; }
die() { say "$@"; exit 1; }
need() { command -v "$1" >/dev/null || die "$1 is not installed"; }

# The marker is the list that was fetched, and appears only after a complete download.
install() {
  cmp -s "$here/pom.xml" "$root/.complete" && return
  need mvn
  say "downloading the engine's jars"
  rm -rf -- "$jars"
  mkdir -p "$jars"
  mvn --batch-mode --quiet --file "$here/pom.xml" \
    org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$jars"
  cp "$here/pom.xml" "$root/.complete"
}

# What the engine's own start scripts open on JDK 17.
opens() {
  local package
  printf -- '--add-exports=java.base/sun.net.util=ALL-UNNAMED\n'
  printf -- '--add-exports=java.security.jgss/sun.security.krb5=ALL-UNNAMED\n'
  for package in java.lang java.lang.reflect java.net java.io java.nio sun.nio.ch java.text java.time \
    java.util java.util.concurrent java.util.concurrent.atomic java.util.concurrent.locks; do
    printf -- '--add-opens=java.base/%s=ALL-UNNAMED\n' "$package"
  done
}

run() {
  [ $# -gt 0 ] || die "run: no file"
  need java
  install
  local options
  mapfile -t options < <(opens)
  exec java "${options[@]}" "-Xmx$heap" -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Djava.awt.headless=true \
    -Dorg.slf4j.simpleLogger.defaultLogLevel=error -cp "$jars/*" "$here/Run.java" "$@"
}

action=${1:-help}
[ $# -eq 0 ] || shift
case $action in
  run) run "$@" ;;
  install) install ;;
  *) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"; exit 2 ;;
esac
