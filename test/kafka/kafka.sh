#!/usr/bin/env bash
# Runs Apache Kafka (KRaft) on loopback for tests. Needs a JDK (17 or newer) and Maven.
#
#   kafka.sh with [-n NODES] COMMAND...  run COMMAND against a fresh cluster, then remove it;
#                                        COMMAND finds the addresses in PFR_TEST_KAFKA
#   kafka.sh up [NODES]                  start a fresh cluster of 1 (default) or 3 nodes
#   kafka.sh start NODE                  start a node again on its data
#   kafka.sh crash NODE                  SIGKILL a node
#   kafka.sh pause NODE | resume NODE    SIGSTOP and SIGCONT a node
#   kafka.sh address                     print the bootstrap addresses
#   kafka.sh down                        stop everything and remove the data
#
# PFR_KAFKA_DIR (default: $TMPDIR/pfr-test-kafka) holds jars and data, PFR_KAFKA_PORT (default
# 29092) is the first port, PFR_KAFKA_HEAP (default 384m) the heap of a node.
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
root=${PFR_KAFKA_DIR:-${TMPDIR:-/tmp}/pfr-test-kafka}
port0=${PFR_KAFKA_PORT:-29092}
heap=${PFR_KAFKA_HEAP:-384m}
jars=$root/jars
data=$root/cluster
cluster_id=cGZyLXRlc3QtY2x1c3Rlcg # 16 bytes, base64url

say() { printf 'kafka.sh: %s\n' "$*" >&2; }
die() { say "$@"; exit 1; }

# Every node is broker and controller: node I listens on port0 + 2(I-1) and the port after it.
client_port() { echo $((port0 + 2 * ($1 - 1))); }
quorum_port() { echo $((port0 + 2 * ($1 - 1) + 1)); }
node_count() { cat "$data/nodes" 2>/dev/null || echo 0; }

need() { command -v "$1" >/dev/null || die "$1 is not installed"; }

# The marker file appears only after a complete download.
fetch_jars() {
  [ -e "$jars/.complete" ] && return
  need mvn
  say "downloading the broker's jars"
  mvn --batch-mode --quiet --file "$here/pom.xml" \
    org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$jars"
  touch "$jars/.complete"
}

# Small buffers and fast failure detection: a test machine has little memory and no patience.
write_config() { # NODE NODES
  local node=$1 nodes=$2 i voters=() replicas=1 in_sync=1
  for ((i = 1; i <= nodes; i++)); do voters+=("$i@127.0.0.1:$(quorum_port "$i")"); done
  if ((nodes > 2)); then replicas=3 in_sync=2; fi
  local list
  list=$(IFS=,; echo "${voters[*]}")
  cat <<PROPERTIES
process.roles=broker,controller
node.id=$node
controller.quorum.voters=$list
controller.listener.names=QUORUM
inter.broker.listener.name=CLIENTS
listener.security.protocol.map=CLIENTS:PLAINTEXT,QUORUM:PLAINTEXT
listeners=CLIENTS://127.0.0.1:$(client_port "$node"),QUORUM://127.0.0.1:$(quorum_port "$node")
advertised.listeners=CLIENTS://127.0.0.1:$(client_port "$node")
log.dirs=$data/$node/log
# replication
default.replication.factor=$replicas
min.insync.replicas=$in_sync
offsets.topic.replication.factor=$replicas
transaction.state.log.replication.factor=$replicas
transaction.state.log.min.isr=$in_sync
share.coordinator.state.topic.replication.factor=$replicas
share.coordinator.state.topic.min.isr=$in_sync
# groups: no wait for the first member, short sessions allowed
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
# topics are created by the tests, never by accident
auto.create.topics.enable=false
message.max.bytes=2097152
replica.fetch.max.bytes=2097152
# memory and threads
num.network.threads=2
num.io.threads=4
num.recovery.threads.per.data.dir=1
offsets.topic.num.partitions=4
transaction.state.log.num.partitions=4
log.segment.bytes=67108864
log.index.size.max.bytes=1048576
log.cleaner.dedupe.buffer.size=8388608
log.cleaner.backoff.ms=1000
# a killed node is noticed in two seconds
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
PROPERTIES
}

jvm() { # CLASS ARGUMENTS...
  java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Djava.awt.headless=true \
    -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -Dorg.slf4j.simpleLogger.showDateTime=true \
    -cp "$jars/*" "$@"
}

# The process of a node, unless it has ended; a zombie has ended.
pid_of() {
  local pid state
  pid=$(cat "$data/$1/pid" 2>/dev/null) || return 1
  state=$(awk '/^State:/ {print $2}' "/proc/$pid/status" 2>/dev/null) || return 1
  case $state in '' | Z | X) return 1 ;; esac
  echo "$pid"
}

signal() { # NODE SIGNAL
  local pid
  pid=$(pid_of "$1") || die "node $1 is not running"
  kill "-$2" "$pid"
}

wait_gone() { # NODE SECONDS
  local until=$((SECONDS + $2))
  while pid_of "$1" >/dev/null; do
    ((SECONDS < until)) || return 1
    sleep 0.1
  done
}

start_node() {
  pid_of "$1" >/dev/null && return
  # The node outlives this script and keeps its output to itself.
  setsid bash -c 'echo $$ >"$1/pid"; shift; exec "$@"' _ "$data/$1" \
    java -Xms96m "-Xmx$heap" -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Djava.awt.headless=true \
    -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -Dorg.slf4j.simpleLogger.showDateTime=true \
    -cp "$jars/*" kafka.Kafka "$data/$1/server.properties" \
    >>"$data/$1/output" 2>&1 </dev/null &
  disown
}

# An open port does not mean that leaders are elected: clients retry after this.
wait_open() {
  local until=$((SECONDS + 60))
  until (exec 3<>"/dev/tcp/127.0.0.1/$(client_port "$1")") 2>/dev/null; do
    if ((SECONDS >= until)) || { [ -e "$data/$1/pid" ] && ! pid_of "$1" >/dev/null; }; then
      tail -n 20 "$data/$1/output" >&2 || true
      die "node $1 did not start"
    fi
    sleep 0.1
  done
}

address() {
  local i list=()
  for ((i = 1; i <= $(node_count); i++)); do list+=("127.0.0.1:$(client_port "$i")"); done
  (IFS=,; echo "${list[*]}")
}

up() {
  local nodes=${1:-1} i
  case $nodes in 1 | 3) ;; *) die "a cluster has 1 or 3 nodes" ;; esac
  need java
  fetch_jars
  down
  for ((i = 1; i <= nodes; i++)); do
    mkdir -p "$data/$i"
    write_config "$i" "$nodes" >"$data/$i/server.properties"
    jvm kafka.tools.StorageTool format -t "$cluster_id" -c "$data/$i/server.properties" \
      >"$data/$i/format" 2>&1 || { cat "$data/$i/format" >&2; die "format of node $i"; }
  done
  echo "$nodes" >"$data/nodes"
  for ((i = 1; i <= nodes; i++)); do start_node "$i"; done
  for ((i = 1; i <= nodes; i++)); do wait_open "$i"; done
}

down() {
  local i
  for ((i = 1; i <= $(node_count); i++)); do
    pid_of "$i" >/dev/null || continue
    signal "$i" CONT
    signal "$i" TERM
  done
  for ((i = 1; i <= $(node_count); i++)); do
    wait_gone "$i" 10 || { signal "$i" KILL; wait_gone "$i" 5; } || say "node $i survives"
  done
  rm -rf -- "$data"
}

with_cluster() {
  local nodes=1
  if [ "${1:-}" = -n ]; then nodes=$2; shift 2; fi
  [ $# -gt 0 ] || die "with: no command"
  trap down EXIT
  up "$nodes"
  PFR_TEST_KAFKA=$(address) "$@"
}

action=${1:-help}
[ $# -eq 0 ] || shift
case $action in
  with) with_cluster "$@" ;;
  up) up "${1:-1}"; address ;;
  start) start_node "$1"; wait_open "$1" ;;
  crash) signal "$1" KILL; wait_gone "$1" 10 ;;
  pause) signal "$1" STOP ;;
  resume) signal "$1" CONT ;;
  address) address ;;
  down) down ;;
  *) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"; exit 2 ;;
esac
