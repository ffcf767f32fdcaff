#!/usr/bin/env bash
# Holds a running gateway to its own description:
#   schemathesis.sh URL [OPTION...]    such as http://127.0.0.1:8080
# It makes several thousand requests from /openapi.yaml, good and bad ones, the same on every
# run, and looks for server errors, and for statuses, media types, headers and bodies that
# are not described. More options go to schemathesis; --header 'Authorization: Bearer KEY'
# lets it in where access is limited.
#   PFR_CONTRACT_EXAMPLES    requests of each operation beside those at the edges (300)
#   PFR_CONTRACT_MIN         fewer requests in all are a failure (5000)
#   PFR_CONTRACT_SEED        (20250628)
set -euo pipefail
url=${1:?usage: schemathesis.sh URL [OPTION...]}
shift
here=$(cd "$(dirname "$0")" && pwd)
pins=$here/requirements.txt
cache=${XDG_CACHE_HOME:-$HOME/.cache}/pfr/contract-$(cksum <"$pins" | cut -d' ' -f1)
if [ ! -e "$cache/ready" ]; then
	rm -rf "$cache"
	python3 -m venv "$cache"
	"$cache/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement "$pins"
	touch "$cache/ready"
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" # for whatever it leaves behind
status=0
"$cache/bin/schemathesis" run "$url/openapi.yaml" --url "$url" --no-color \
	--checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,response_headers_conformance \
	--phases examples,coverage,fuzzing,stateful --continue-on-failure --max-failures 100 \
	--seed "${PFR_CONTRACT_SEED:-20250628}" --max-examples "${PFR_CONTRACT_EXAMPLES:-200}" \
	--generation-database none --suppress-health-check all --request-timeout 40 --workers 1 \
	"$@" | tee "$work/report" || status=$?
made=$(sed -n 's/^ *\([0-9][0-9]*\) generated.*/\1/p' "$work/report" | tail -1)
if [ "${made:-0}" -lt "${PFR_CONTRACT_MIN:-5000}" ]; then
	echo "schemathesis.sh: only ${made:-0} requests were made" >&2
	status=1
fi
exit "$status"
