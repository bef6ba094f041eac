"""A recorded run can be judged again without its servers."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from projects import INI, RAW_SERVER, raw_server
from timeless import timeless_reports

if TYPE_CHECKING:
    from collections.abc import Callable

    Project = Callable[..., pytest.Pytester]

WEB_SERVER = RAW_SERVER.with_name("http_raw.py")
FORMATS = ("json", "markdown", "junit", "html", "sarif", "github")
CHECKS = ("reachable", "listed", "described", "answered", "timed")


def verdicts_of(pytester: pytest.Pytester, name: str) -> list[dict[str, Any]]:
    report = json.loads((pytester.path / name).read_text())
    return [{key: value for key, value in entry.items() if key != "duration_s"} for entry in report["results"]]


def test_a_replay_gives_the_same_verdicts_and_starts_nothing(project: Project) -> None:
    pytester = project({"memory": raw_server()}, checks=CHECKS)
    common = ("--mcp-config", "servers.json", "--mcp-allow-writes")
    recorded = pytester.runpytest(*common, "--mcp-record", "tape", "--mcp-report", "json=a.json")
    broken = {"mcpServers": {"memory": {"command": "no-such-command-at-all"}}}
    pytester.path.joinpath("servers.json").write_text(json.dumps(broken, indent=2))
    replayed = pytester.runpytest(*common, "--mcp-replay", "tape", "--mcp-report", "json=b.json")
    assert (recorded.ret, replayed.ret) == (0, 0), replayed.stdout.str()
    assert verdicts_of(pytester, "b.json") == verdicts_of(pytester, "a.json")


def test_a_server_that_could_not_be_reached_is_not_reached_again(project: Project) -> None:
    pytester = project({"bad": {"command": "sh", "args": ["-c", "exit 7"]}}, checks=("reachable",))
    pytester.runpytest("--mcp-config", "servers.json", "--mcp-record", "tape").assert_outcomes(failed=1)
    replayed = pytester.runpytest("--mcp-config", "servers.json", "--mcp-replay", "tape")
    replayed.assert_outcomes(failed=1)
    replayed.stdout.fnmatch_lines(["*exited with status 7*"])


def test_every_report_of_a_replay_is_that_of_the_run_but_for_times(pytester: pytest.Pytester) -> None:
    web = subprocess.Popen(
        [sys.executable, "-S", "-E", str(WEB_SERVER), "--token", "canary-4711", "--violate", "HTTP-017"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    servers = {
        "noisy": raw_server("--fault", "noise-between"),
        "web": {
            "type": "http",
            "url": web.stdout.readline().strip(),
            "headers": {"Authorization": "Bearer canary-4711"},
        },
        "dead": raw_server("--fault", "start-needs-credentials"),
        "telling": {
            "command": "sh",
            "args": ["-c", "echo the key $KEY was refused >&2; exit 7"],
            "env": {"KEY": "canary-4712-value"},
        },
    }
    pytester.makefile(".json", servers=json.dumps({"mcpServers": servers}))
    pytester.makefile(".ini", pytest=INI)
    live = judged(pytester, "--mcp-record", "tape")
    web.communicate(timeout=10)
    assert "<redacted:telling env KEY>" in live["json"]
    document = pytester.path.joinpath("servers.json")
    nowhere = "/no/such/program".ljust(len(sys.executable), "x")
    document.write_text(document.read_text().replace(sys.executable, nowhere))
    assert judged(pytester, "--mcp-replay", "tape") == live


def judged(pytester: pytest.Pytester, *options: str) -> dict[str, str]:
    """Judge the servers and return every report without its times."""
    places = (word for kind in FORMATS for word in ("--mcp-report", f"{kind}=out/{kind}"))
    words = ("--mcp-config", "servers.json", "-m", "mcp_connectivity", "-p", "no:cacheprovider", *options, *places)
    result = pytester.runpytest(*words)
    assert result.ret == 1, result.stdout.str()
    return timeless_reports(pytester.path / "out", FORMATS)


@pytest.mark.parametrize("option", ["--mcp-record", "--mcp-replay"])
def test_workers_cannot_share_a_recording(project: Project, option: str) -> None:
    result = project({"memory": raw_server()}).runpytest("--mcp-config=servers.json", "-n1", option, ".")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*a recording is made and replayed by one process*", "hint: repeat without -n"])


def test_a_recording_that_is_not_there_is_a_usage_error(project: Project) -> None:
    result = project({"memory": raw_server()}).runpytest("--mcp-config", "servers.json", "--mcp-replay", "no")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*no is no folder*", "hint: record one with --mcp-record"])
