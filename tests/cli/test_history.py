"""``mcp-assay history`` and the gate: trends of runs that were kept."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result
from gated import NOW, report

from mcp_assay.cli.main import main
from mcp_assay.cli.sparkline import BLOCKS, PLAIN, sparkline
from mcp_assay.core.errors import UsageError
from mcp_assay.readiness.gate import reasons_against
from mcp_assay.readiness.gate_policy import GatePolicy
from mcp_assay.readiness.history.address import Address
from mcp_assay.readiness.history.database import History, RunRecord
from mcp_assay.readiness.history.points import Figure, Metric, figures_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    Keep = Callable[..., None]


@pytest.fixture
def keep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Keep:
    """Return a function that keeps a run a night with these medians, in the folder that becomes the current one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MCP_ASSAY_HISTORY", raising=False)

    def write(
        medians: Sequence[float], *, machine: str = "here", first: int = 0, tool: str = "read", version: str = "1"
    ) -> None:
        with History(Address.of(".mcp-assay/history.db", tmp_path)) as history:
            for number, median in enumerate(medians, first):
                run = RunRecord(
                    started_at=f"2026-01-01T00:{number // 60:02}:{number % 60:02}.000Z",
                    id=f"{machine}-{number}",
                    commit=f"{number:040x}",
                    dirty=False,
                    machine=machine,
                    tool_version="1",
                    exit_status=0,
                )
                metric = Metric(config="c", server="memory", tool=tool, name="latency.p50", unit="s")
                history.add(run, [Figure(metric=metric, value=median, server_version=version)])

    return write


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["history", *arguments])


def test_a_series_is_a_row_with_its_level_and_its_shape(keep: Keep) -> None:
    keep([0.010] * 8 + [0.011])
    result = run()
    assert result.exit_code == 0, result.output
    assert "here: 9 runs" in result.output
    (row,) = [line for line in result.output.splitlines() if line.startswith("memory.read")]
    assert row.split() == ["memory.read", "latency.p50", "9", "10", "ms", "11", "ms", "+10%", "▁▁▁▁▁▁▁▁█", "suspect"]
    assert "1 series: 1 suspected" in result.output


def test_a_confirmed_regression_closes_the_gate_only_when_that_is_asked_for(keep: Keep) -> None:
    keep([0.010] * 8 + [0.0115] * 3)
    assert run().exit_code == 0
    result = run("--fail-on-regression")
    assert result.exit_code == 1
    assert "memory.read: latency.p50 is 0.0115 s, usually 0.01 (+15%); noise explains up to 0.0105" in result.output
    assert run("--fail-on-regression", "--tool", "rea*").exit_code == 1


def test_a_regression_can_be_called_after_one_run(keep: Keep) -> None:
    keep([0.010] * 8 + [0.0115])
    assert run("--fail-on-regression").exit_code == 0
    assert run("--fail-on-regression", "--confirm", "1").exit_code == 1


def test_a_run_on_another_machine_is_never_a_regression(keep: Keep) -> None:
    keep([0.010] * 20)
    keep([0.030] * 3, machine="slow laptop", first=20)
    result = run("--fail-on-regression")
    assert result.exit_code == 0
    assert "slow laptop: 3 runs" in result.output
    assert "also kept: 20 of 'here' (--machine)" in result.output
    assert "here: 20 runs" in run("--machine", "here").output


def test_a_lasting_change_is_told_with_commit_and_version(keep: Keep) -> None:
    keep([0.010] * 12)
    keep([0.014] * 12, first=12, version="2")
    result = run()
    expected = "memory.read: latency.p50 10 ms -> 14 ms (+40%) since 2026-01-01T00:00 at 000000000000, version 1 -> 2"
    assert expected in result.output


def test_the_json_has_the_series_as_the_report_has_them(keep: Keep) -> None:
    keep([0.010] * 8 + [0.0115] * 3)
    found = json.loads(run("--json").output)
    (series,) = found["series"]
    assert (found["machine"], found["runs"]) == ("here", 11)
    assert (series["course"], series["usual"], len(series["points"])) == ("worse", 0.010, 11)


def test_a_history_that_is_not_there_ends_with_four(keep: Keep) -> None:
    result = run()
    assert result.exit_code == 4
    assert "there is no history in" in result.output
    assert "hint: run pytest with --mcp-history first" in result.output
    assert run("nosuch://me:s3cret-word@host/db").exit_code == 4


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (("--server", "othr"), "the newest run has no figure of othr"),
        (("--metric", "latency.p5O"), "the newest run has no figure of latency.p5O"),
        (("--machine", "there"), "the history has no run of 'there'\nhint: there are 'here'"),
    ],
)
def test_a_question_about_nothing_is_no_good_news(keep: Keep, asked: tuple[str, str], told: str) -> None:
    keep([0.010] * 9)
    result = run("--fail-on-regression", *asked)
    assert result.exit_code == 4
    assert told in result.output


def test_a_figure_that_the_newest_run_lacks_is_told(keep: Keep) -> None:
    keep([0.010] * 3, tool="write")
    keep([0.010], first=3)
    assert "Not measured by the newest run:\n  memory.write: latency.p50\n1 series" in run().output
    keep([0.010], first=4)
    assert "Not measured" not in run().output


def test_a_file_of_another_kind_is_refused_before_anything_is_done(keep: Keep, tmp_path: Path) -> None:
    keep([0.010])
    (tmp_path / "notes.db").write_text("these are notes")
    result = run("notes.db")
    assert result.exit_code == 4
    assert "is no SQLite file" in result.output
    assert (tmp_path / "notes.db").read_text() == "these are notes"
    assert "keeps nothing" in run("sqlite:///:memory:").output


def test_a_sparkline_uses_what_the_terminal_has() -> None:
    values = [float(value) for value in range(8)]
    assert sparkline(values, "utf-8") == BLOCKS
    assert sparkline(values, "ascii") == PLAIN
    assert sparkline(values, "no-such-encoding") == PLAIN
    assert sparkline([5.0, 5.0], "utf-8") == "▁▁"
    assert sparkline([], "utf-8") == ""


def trend(course: str, server: str = "memory") -> dict[str, Any]:
    about = {"server": server, "tool": "read", "metric": "latency.p50", "unit": "s", "config": "servers.json"}
    return {**about, "points": [], "change_points": [], "course": course}


def reasons(tmp_path: Path, policy: str, trends: list[dict[str, Any]] | None) -> list[str]:
    path = tmp_path / "policy.toml"
    path.write_text(f"# asked\n{policy}\n")
    document = report()
    if trends is not None:
        document["trends"] = trends
    found: Any = document
    return [str(reason) for reason in reasons_against(found, GatePolicy.load(path), now=NOW)]


def test_the_gate_asks_for_regressions_when_its_policy_does(tmp_path: Path) -> None:
    worse = [trend("worse"), trend("suspect", "time")]
    assert reasons(tmp_path, "", worse) == []
    (reason,) = reasons(tmp_path, "regressions = 0", worse)
    assert reason == "memory: worse than earlier runs explain: 1 (read.latency.p50), at most 0"
    assert reasons(tmp_path, "regressions = 1", worse) == []
    assert reasons(tmp_path, "[servers.time]\nregressions = 0", worse) == []


def test_the_gate_stays_closed_when_nothing_was_compared(tmp_path: Path) -> None:
    found = reasons(tmp_path, "regressions = 0", None)
    assert len(found) == 2
    assert all("were not compared with earlier runs" in reason for reason in found)
    with pytest.raises(UsageError, match="whole number"):
        reasons(tmp_path, "regressions = 0.5", None)


def test_the_figures_of_a_report_have_names_that_stay() -> None:
    document: Any = report()
    document["benchmarks"][0] |= {"concurrency": 8, "rate_per_s": 40.0, "arguments": "{}"}
    document["benchmarks"][1] |= {"mode": "open", "offered_per_s": 100.0, "concurrency": 37}
    document["figures"] = [
        {"config": "c", "server": "memory", "tool": "", "metric": "rss_growth", "value": 2.0, "unit": "MB/1000 calls"}
    ]
    found = {(figure.metric.server, figure.metric.name): figure for figure in figures_of(document)}
    assert {name for server, name in found if server == "memory"} == {
        "connect", "score", "latency@8.p50", "latency@8.p95", "latency@8.p99", "latency@8.rate", "latency@8.calls",
        "latency@8.error_rate",
        "rss_growth",
    }  # fmt: skip
    assert {name for server, name in found if server == "time"} >= {"open.p50", "open.p99"}
    assert found["memory", "latency@8.rate"].metric.more_is_better
    assert found["memory", "latency@8.p50"].call
    assert not found["time", "open.p50"].call


def test_a_part_of_a_run_keeps_no_score() -> None:
    document: Any = report(planned=99)
    assert "score" not in {figure.metric.name for figure in figures_of(document)}
