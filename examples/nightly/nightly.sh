#!/usr/bin/env bash
# Judges the servers, keeps the figures of the night, and says whether they may be deployed. For cron:
#   17 3 * * *  /srv/mcp-nightly/nightly.sh
# Ends with 0 when the policy is met, 1 when not, 4 when the configuration or the history cannot be used. Arguments go
# to pytest. MCP_CONFIG names another file of servers; MCP_ASSAY_HISTORY a database that several machines share.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 4
mkdir -p .mcp-assay

# A night that has not ended yet would make this one's figures worthless.
if command -v flock > /dev/null; then
    exec 9> .mcp-assay/nightly.lock
    flock -n 9 || { echo "the run before this one has not ended" >&2; exit 2; }
fi

# An old report must never stand in for one that could not be written.
rm -f .mcp-assay/nightly.json
pytest -q --mcp-config "${MCP_CONFIG:-servers.json}" --mcp-history \
    --mcp-report json=.mcp-assay/nightly.json --mcp-report html=.mcp-assay/nightly.html \
    --mcp-report prometheus=.mcp-assay/nightly.prom --mcp-report github-benchmark=.mcp-assay/nightly.benchmark.json "$@"
status=$?
[ "$status" -le 1 ] || exit "$status"

mcp-assay history --metric 'latency.p50' --metric 'cold_start.p50' --metric connect || exit
mcp-assay gate .mcp-assay/nightly.json --policy policy.toml
