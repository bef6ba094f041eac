"""A server that breaks one rule of Streamable HTTP is found out by the check of that rule, and by no other."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mcp_assay.readiness.settings import Settings
from mcp_assay_suites.connectivity import CHECKS as CONNECTIVITY
from mcp_assay_suites.execution import CHECKS as EXECUTION
from mcp_assay_suites.schema import CHECKS as SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

HTTP_RAW = Path(__file__).parent.parent / "servers" / "http_raw.py"
HANDSHAKE, STATELESS = "2025-11-25", "2026-07-28"
TOKEN = "token-of-this-test"
CHECKS = [
    check
    for check in (*CONNECTIVITY, *SCHEMA)
    if check.id not in {"CONN-002", "ADV-020", "ADV-018", "DEP-002"}
    and (check.concerns(STATELESS, "streamable-http") or check.concerns(HANDSHAKE, "streamable-http"))
]
USUAL = [check for check in CHECKS if check.tier == 1]
FINER = {HANDSHAKE: ["HTTP-032"], STATELESS: ["HTTP-004", "HTTP-020", "HTTP-026"]}
"""Finer points of HTTP, each shown in one era."""
CALLED = ["HTTP-014", "HTTP-015", "HTTP-016"]
"""Violations that show when a tool is called."""
CALLING = [
    *(check for check in CHECKS if check.tier == 1 or check.id == "HTTP-020"),
    *(check for check in EXECUTION if check.id in {*CALLED, "EXEC-001"}),
]
JSON_ONLY = ["HTTP-001", "HTTP-022", "HTTP-017"]
STREAMS_ONLY = ["HTTP-031"]
AUTH = ["AUTH-001", "AUTH-002", "AUTH-003", "AUTH-004", "AUTH-005"]


def violable(version: str) -> list[str]:
    """Return the checks of HTTP that say something about a revision."""
    special = {*JSON_ONLY, *STREAMS_ONLY}
    ids = [check.id for check in USUAL if check.transports and check.level_in(version) and check.id not in special]
    return [one for one in ids if one.startswith(("HTTP-", "LIFE-"))]


class Site:
    """Starts servers on the loopback interface and ends them."""

    def __init__(self, stack: contextlib.ExitStack) -> None:
        self._stack = stack

    def start(self, *arguments: str) -> dict[str, object]:
        """Start one and return its configuration."""
        process = subprocess.Popen(
            [sys.executable, "-S", "-E", str(HTTP_RAW), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._stack.callback(_ended, process)
        url = process.stdout.readline().decode().strip()
        return {"url": url, "headers": {"Authorization": f"Bearer {TOKEN}"}} if TOKEN in arguments else {"url": url}


def _ended(process: subprocess.Popen[bytes]) -> None:
    """End a server and wait for it."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.communicate(timeout=5)
    process.kill()
    process.communicate()


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """Starts servers for this module."""
    with contextlib.ExitStack() as stack:
        yield Site(stack)


@pytest.fixture(scope="module")
def also() -> Mapping[str, Sequence[str]]:
    """What else a violation breaks."""
    text = subprocess.run([sys.executable, str(HTTP_RAW), "--list"], check=True, capture_output=True, timeout=60).stdout
    return {check: entry["also"] for check, entry in json.loads(text)["violations"].items()}


@pytest.fixture(scope="module")
def handshake(bench, site):
    return bench.judge({name: site.start("--violate", name) for name in violable(HANDSHAKE)}, USUAL)


@pytest.fixture(scope="module")
def stateless(bench, site):
    servers = {name: site.start("--era", "stateless", "--violate", name) for name in violable(STATELESS)}
    return bench.judge(servers, USUAL, protocol=STATELESS)


@pytest.fixture(scope="module")
def called(bench, site):
    servers = {name: site.start("--era", "stateless", "--violate", name) for name in CALLED}
    servers["healthy"] = site.start("--era", "stateless")
    settings = Settings(check_s=60.0, allow_writes=True, examples=2)
    return bench.judge(servers, CALLING, protocol=STATELESS, settings=settings)


@pytest.fixture(scope="module")
def finer_handshake(bench, site):
    servers = {name: site.start("--sse", "--violate", name) for name in FINER[HANDSHAKE]}
    return bench.judge({"healthy": site.start("--sse"), **servers}, CHECKS)


@pytest.fixture(scope="module")
def finer_stateless(bench, site):
    servers = {name: site.start("--era", "stateless", "--violate", name) for name in FINER[STATELESS]}
    healthy = site.start("--era", "stateless")
    return bench.judge({"healthy": healthy, **servers}, CHECKS, protocol=STATELESS)


@pytest.fixture(scope="module")
def single(bench, site):
    return bench.judge({name: site.start("--violate", name) for name in JSON_ONLY}, USUAL)


@pytest.fixture(scope="module")
def streaming(bench, site):
    return bench.judge({name: site.start("--sse", "--violate", name) for name in STREAMS_ONLY}, USUAL)


@pytest.fixture(scope="module")
def protected(bench, site):
    return bench.judge({name: site.start("--token", TOKEN, "--violate", name) for name in AUTH}, CHECKS)


@pytest.mark.parametrize(
    ("group", "check"),
    [
        *[("handshake", check) for check in violable(HANDSHAKE)],
        *[("stateless", check) for check in violable(STATELESS)],
        *[("called", check) for check in CALLED],
        *[("finer_handshake", check) for check in FINER[HANDSHAKE]],
        *[("finer_stateless", check) for check in FINER[STATELESS]],
        *[("single", check) for check in JSON_ONLY],
        *[("streaming", check) for check in STREAMS_ONLY],
        *[("protected", check) for check in AUTH],
    ],
)
def test_a_violation_over_http_is_found_by_its_own_check_alone(request, also, group, check):
    judged = request.getfixturevalue(group)[check]
    assert check in judged.findings, [verdict.reason or verdict.observed for verdict in judged.of(check)]
    assert judged.findings[check].exchange
    others = {one: verdict.observed for one, verdict in judged.findings.items() if one not in {check, *also[check]}}
    assert not others


@pytest.mark.parametrize(
    ("version", "arguments"),
    [
        (HANDSHAKE, ()),
        (HANDSHAKE, ("--sse",)),
        (HANDSHAKE, ("--token", TOKEN)),
        (STATELESS, ()),
        (STATELESS, ("--era", "stateless")),
    ],
)
def test_a_server_over_http_without_a_fault_violates_nothing(bench, site, version, arguments):
    judged = bench.judge({"raw": site.start(*arguments)}, CHECKS, protocol=version)["raw"]
    assert {one: verdict.observed for one, verdict in judged.findings.items()} == {}


def test_a_server_that_compares_mirrored_arguments_properly_passes(called):
    judged = called["healthy"]
    assert judged.findings == {}
    assert {check: [one.outcome for one in judged.of(check) if one.applicable] for check in CALLED} == {
        check: ["pass"] for check in CALLED
    }
    assert judged.of("HTTP-020")[0].outcome == "pass", "a tool that reports progress answers on a stream"


@pytest.mark.parametrize(("group", "version"), [("finer_handshake", HANDSHAKE), ("finer_stateless", STATELESS)])
def test_a_server_over_http_passes_the_finer_points(request, group, version):
    judged = request.getfixturevalue(group)["healthy"]
    assert {one: verdict.observed for one, verdict in judged.findings.items()} == {}
    asked = [*(check for check in FINER[version] if check != "HTTP-020"), "DEP-001"]
    assert {check: judged.of(check)[0].outcome for check in asked} == dict.fromkeys(asked, "pass")


def test_a_server_over_http_and_sse_is_told_that_it_is_old(bench, site):
    url = site.start("--era", "handshake")["url"].replace("/mcp", "/sse")
    chosen = [check for check in CONNECTIVITY if check.id in {"DEP-001", "LIFE-007"}]
    judged = bench.judge({"old": {"type": "sse", "url": url}}, chosen)["old"]
    assert set(judged.findings) == {"DEP-001"}


def test_no_credential_is_in_the_evidence(protected):
    assert TOKEN not in str([verdict.exchange for judged in protected.values() for verdict in judged.verdicts])
