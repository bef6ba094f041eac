from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from mcp_assay.config.spec import Launch, TransportKind
from mcp_assay.wire.official import official_client_report

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_assay.wire.reaper import Reaper

pytestmark = pytest.mark.asyncio

HOSTILE = """
import json, sys
schema = {"type": "object", "properties": {"s": {"type": "string", "pattern": "^(a+)+$"}}}
for line in sys.stdin:
    message = json.loads(line)
    result = {
        "initialize": {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}},
                       "serverInfo": {"name": "h", "version": "1"}},
        "tools/list": {"tools": [{"name": "t", "inputSchema": {"type": "object"}, "outputSchema": schema}]},
        "tools/call": {"content": [], "structuredContent": {"s": "a" * 40 + "!"}},
    }.get(message.get("method"))
    answer = {"error": {"code": -32601, "message": "no"}} if result is None else {"result": result}
    if "id" in message:
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], **answer}), flush=True)
"""


async def test_the_official_client_lists_and_calls_a_good_server(reaper: Reaper) -> None:
    launch = Launch(name="text", transport=TransportKind.STDIO, command=(sys.executable, "-m", "mcp_assay.demo.text"))
    call = ("change_case", {"text": "a", "case": "upper"})
    report = await official_client_report(launch, budget_s=60, call=call, reaper=reaper)
    assert report.error is None
    assert (report.ok, report.phase) == (True, "done")
    assert "change_case" in report.tool_names
    assert report.call_is_error is not None


async def test_a_schema_that_freezes_the_sdk_costs_the_budget_and_leaves_nothing(
    reaper: Reaper, inline: Callable
) -> None:
    report = await official_client_report(inline(HOSTILE, prelude=False), budget_s=5, call=("t", {}), reaper=reaper)
    assert (report.ok, report.phase) == (False, "call")
    assert report.error == "it did not finish within 5 s"
    assert report.tool_names == ("t",)


async def test_a_command_that_does_not_exist_is_the_observation(reaper: Reaper) -> None:
    launch = Launch(name="x", transport=TransportKind.STDIO, command=("/no/such/program",))
    report = await official_client_report(launch, budget_s=60, reaper=reaper)
    assert (report.ok, report.phase) == (False, "connect")
    assert "No such file" in report.error


async def test_secrets_of_the_launch_never_stand_in_arguments(reaper: Reaper, inline: Callable) -> None:
    body = """
    import psutil
    chain = [psutil.Process(), *psutil.Process().parents()][:2]
    print(" ".join(" ".join(p.cmdline()) for p in chain), file=sys.stderr, flush=True)
    """
    launch = inline(body, env={"TOKEN": "canary-value"})
    report = await official_client_report(launch, budget_s=60, reaper=reaper)
    assert "official_main" in report.stderr_tail
    assert "canary-value" not in report.stderr_tail
