"""Servers and checks for projects that the plugin is tried on."""

from __future__ import annotations

import sys
from pathlib import Path

RAW_SERVER = Path(__file__).parent.parent / "servers" / "raw.py"

CHECKS = '''
import os
from dataclasses import replace

import pytest
from mcp_assay.core.verdicts import Category, Level, passed, skipped, violated
from mcp_assay.readiness.check import Check, Scope


async def reachable(subject):
    fault = subject.server.managed.fault
    return passed() if fault is None else violated("a connection", fault.message + " " + fault.stderr_tail)


async def listed(subject):
    exchange = await subject.server.request("tools/list", {})
    return passed() if exchange.result else violated("a list", exchange.describe(), exchange=exchange.evidence())


async def answered(subject):
    if not subject.the_tool.decision.allowed:
        return skipped(subject.the_tool.decision.reason)
    exchange = await subject.server.call_tool(subject.the_tool.name, {"text": "x"})
    return passed() if exchange.fault is None else violated("an answer", exchange.describe())


async def described(subject):
    return violated("a better description", "a poor one", exchange={"response": "..."})


async def silent(subject):
    return violated("an answer", "the server goes on but says nothing")


async def revised(subject):
    return violated("newer", "older") if subject.version < "2025-11-25" else passed()


async def broken(subject):
    raise KeyError("a bug in a check")


async def timed(subject):
    samples = tuple(float(os.environ.get("SLOWER", "1")) * at / 1e4 for at in range(100, 200))
    entry = {"server": subject.server.name, "tool": subject.the_tool.name, "mode": "closed", "latency_s": {"p95": 0.1}}
    return replace(passed(benchmark=entry), samples=samples)


def check(identity, category, scope, run, level, **more):
    return Check(id=identity, slug=run.__name__, category=category, scope=scope, run=run,
                 levels={"*": level}, requirement="a requirement", **more)


ALL = {
    "reachable": check("CONN-001", Category.CONNECTIVITY, Scope.SERVER, reachable, Level.MUST, unreachable=True),
    "listed": check("TOOL-002", Category.SCHEMA, Scope.SERVER, listed, Level.MUST),
    "described": check("ADV-001", Category.SCHEMA, Scope.TOOL, described, Level.ADV),
    "silent": check("BASE-011", Category.CONNECTIVITY, Scope.SERVER, silent, Level.MUST),
    "revised": check("TOOL-011", Category.SCHEMA, Scope.SERVER, revised, Level.SHOULD),
    "answered": check("EXEC-001", Category.EXECUTION, Scope.TOOL, answered, Level.MUST),
    "broken": check("EXEC-009", Category.EXECUTION, Scope.SERVER, broken, Level.MUST),
    "timed": check("ADV-011", Category.PERFORMANCE, Scope.TOOL, timed, Level.ADV),
}


class OnlyThese:
    """Takes the place of the built-in categories."""

    def pytest_mcp_checks(self, config):
        return [ALL[name] for name in NAMES]

    def pytest_mcp_report_writers(self, config):
        import mcp_assay_reports
        return mcp_assay_reports.WRITERS


@pytest.hookimpl(tryfirst=True)
def pytest_plugin_registered(plugin, manager):
    if manager.get_name(plugin) == "mcp_assay_builtin":
        manager.unregister(plugin)
        manager.register(OnlyThese())
'''

INI = "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n"


def raw_server(*arguments: str) -> dict[str, object]:
    """Return the configuration of the small raw server."""
    return {"command": sys.executable, "args": ["-S", "-E", str(RAW_SERVER), *arguments]}
