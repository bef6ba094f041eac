"""What only says that a server was asked too often is no finding."""

from __future__ import annotations

from typing import Any

import pytest

from mcp_assay.core.verdicts import Outcome, noted, passed, violated
from mcp_assay.readiness.throttling import unless_throttled

THROTTLED = {"method": "tools/list", "http": {"status": 429, "headers": [], "stream": "none"}}


@pytest.mark.parametrize("evidence", [THROTTLED, {"method": "HTTP POST", "status": 429}])
def test_a_finding_that_shows_http_429_is_a_skip_that_says_so(evidence: dict[str, Any]) -> None:
    for judge in (violated, noted):
        judgement = unless_throttled(judge("error -32602", "too many attempts", exchange=evidence))
        assert judgement.outcome is Outcome.SKIP
        assert "HTTP 429" in (judgement.reason or "")


def test_other_findings_and_passes_stay_as_they_are() -> None:
    refused = violated("error -32602", "HTTP 400", exchange={"http": {"status": 400}})
    assert unless_throttled(refused) is refused
    bare = violated("error -32602", "nothing")
    assert unless_throttled(bare) is bare
    good = passed("fine")
    assert unless_throttled(good) is good
