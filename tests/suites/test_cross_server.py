"""Servers that disturb each other are found out, and those that do not are left in peace."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from mcp_assay_suites.cross_server import CHECKS
from mcp_assay_suites.cross_server.together import disturbing_alone, disturbing_beside_others

ENTANGLED = Path(__file__).parent / "entangled.py"
CHOSEN = {check.id: check for check in CHECKS}
INDEPENDENT = ("CROSS-001", "CROSS-002", "ADV-006", "ADV-013")


def entangled(*arguments: object) -> dict[str, object]:
    return {"command": sys.executable, "args": ["-S", str(ENTANGLED), *map(str, arguments)]}


@pytest.fixture(scope="module")
def apart(bench):
    servers = {name: bench.demo(name) for name in ("clock", "text", "units")}
    return bench.judge(servers, [CHOSEN[name] for name in INDEPENDENT])


@pytest.mark.parametrize("check", INDEPENDENT)
def test_servers_that_know_nothing_of_each_other_pass(apart, check):
    outcomes = {name: [verdict.outcome.value for verdict in judged.of(check)] for name, judged in apart.items()}
    assert outcomes == {"clock": ["pass"], "text": ["pass"], "units": ["pass"]}


def test_calls_are_compared_and_not_only_lists(apart):
    assert apart["units"].of("CROSS-001")[0].observed.startswith("4 questions")


def test_a_lock_that_two_servers_share_is_found(bench, tmp_path):
    servers = {name: entangled("--lock", tmp_path / "lock") for name in ("one", "two")}
    judged = bench.judge(servers, [CHOSEN["CROSS-001"]])
    found = [one.findings["CROSS-001"] for one in judged.values() if "CROSS-001" in one.findings]
    assert found
    assert "database is locked" in found[0].observed
    assert set(found[0].exchange) == {"alone", "among_others"}


def test_an_answer_that_changes_by_itself_is_no_finding(bench):
    judged = bench.judge({"clock": entangled("--clock"), "raw": bench.raw()}, [CHOSEN["CROSS-001"]])
    verdict = judged["clock"].of("CROSS-001")[0]
    assert (verdict.outcome.value, verdict.observed) == ("pass", "1 question answered the same among 1 other server")


def test_a_process_that_takes_another_with_it_is_found(bench, tmp_path):
    judged = bench.judge({"one": entangled("--fate", tmp_path / "fate"), "raw": bench.raw()}, [CHOSEN["CROSS-002"]])
    finding = judged["one"].findings["CROSS-002"]
    assert "no answer afterwards from 'one'" in finding.observed
    assert "CROSS-002" not in judged["raw"].findings


def test_a_server_that_a_killed_process_locks_out_is_found(bench, tmp_path):
    judged = bench.judge({"one": entangled("--marker", tmp_path / "lock")}, [CHOSEN["ADV-013"]])["one"]
    assert "another process died" in str(judged.findings["ADV-013"].exchange)


def test_the_same_tool_name_on_two_servers_is_advice(bench):
    judged = bench.judge({"one": bench.raw(), "two": bench.raw(), "clock": entangled("--clock")}, [CHOSEN["ADV-006"]])
    assert "'echo' is also a tool of 'two'" in judged["one"].findings["ADV-006"].observed
    assert "ADV-006" not in judged["clock"].findings


def test_a_single_server_has_no_neighbours(bench):
    judged = bench.judge({"raw": bench.raw()}, CHECKS)["raw"]
    assert not judged.of("CROSS-001")[0].applicable
    assert not judged.of("ADV-006")[0].applicable
    assert judged.of("CROSS-002")[0].outcome.value == "pass"


def test_who_wants_to_disturb_alone_is_let_in_before_more_who_disturb_beside_others():
    order = []

    async def take(place, name, then=None):
        async with place:
            order.append(name)
            if then is not None:
                await then.wait()

    async def everybody():
        run, enough = SimpleNamespace(memory={}), asyncio.Event()
        tasks = [asyncio.create_task(take(disturbing_beside_others(run), "first", enough))]
        await asyncio.sleep(0)
        for place, name in ((disturbing_alone, "alone"), (disturbing_beside_others, "late")):
            tasks.append(asyncio.create_task(take(place(run), name)))
            await asyncio.sleep(0)
        enough.set()
        await asyncio.wait_for(asyncio.gather(*tasks), 5)

    asyncio.run(everybody())
    assert order == ["first", "alone", "late"]
