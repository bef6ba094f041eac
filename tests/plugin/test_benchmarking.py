"""What performance checks measure is pytest-benchmark's to save, compare and draw.

Two tests need processes of their own. The one that draws loads pygal, and with it the package ``importlib_metadata``,
which takes the standard library's finder of installed packages out of service; pytester then takes away what stood in
for it, so that later runs in this process would find no plugin. The other must not inherit that warnings are errors.
"""

from __future__ import annotations

import inspect
import json
from typing import TYPE_CHECKING, Any

import pytest
from projects import raw_server
from pytest_benchmark import hookspec, plugin, stats

from mcp_assay.core.verdicts import Category, Level, Outcome, Verdict
from mcp_assay.plugin.benchmarking import BenchmarkStore
from mcp_assay.plugin.thresholds import Threshold

if TYPE_CHECKING:
    from collections.abc import Callable

    Project = Callable[..., pytest.Pytester]

CHECKS = ("reachable", "timed")
ARGUMENTS = ("--mcp-config", "servers.json", "-k", "CONN or echo")
TIMED = "servers.json::memory::performance::ADV-011.echo"
MEASURED = Verdict(
    check="ADV-011",
    slug="latency",
    category=Category.PERFORMANCE,
    level=Level.ADV,
    server="memory",
    config="servers.json",
    tool="echo",
    outcome=Outcome.PASS,
    nodeid=TIMED,
    duration_s=1.0,
    requirement="",
    benchmark={"mode": "closed", "calls": 3, "histogram": [[1.0, 1]]},
    samples=(0.001, 0.002, 0.004),
)


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the runs in these tests not know that they are made by a worker: pytest-benchmark would time nothing."""
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)


class FakeConfig:
    """Has only what the store asks for: the session of pytest-benchmark, which is a real one."""

    def __init__(self, session: object) -> None:
        self.pluginmanager = self
        self._session = session

    def get_plugin(self, name: str) -> object:
        assert name == "pytest-benchmark"
        return self._session


@pytest.fixture
def session(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The session of the pytest-benchmark that this test run has, as if it were not distributed."""
    found: Any = request.config.pluginmanager.get_plugin("pytest-benchmark")
    for name, value in {"benchmarks": [], "disabled": False, "skip": False, "compared_mapping": {}}.items():
        assert hasattr(found, name)
        monkeypatch.setattr(found, name, value)
    return found


def store(session: object, *thresholds: str) -> BenchmarkStore:
    config: Any = FakeConfig(session)
    return BenchmarkStore(config, [Threshold.parse(text) for text in thresholds])


def test_pytest_benchmark_is_still_what_the_store_relies_on(session: Any) -> None:
    assert list(inspect.signature(stats.Metadata).parameters) == ["fixture", "iterations", "options"]
    assert session.performance_regressions == []
    assert list(inspect.signature(hookspec.pytest_benchmark_update_json).parameters) == [
        "config", "benchmarks", "output_json",
    ]  # fmt: skip
    assert hookspec.pytest_benchmark_group_stats
    source = inspect.getsource(plugin.pytest_collection_modifyitems)
    assert "'benchmark' in item.fixturenames" in source


def test_a_measurement_becomes_a_benchmark_with_every_sample(session: Any) -> None:
    store(session).take(MEASURED)
    (benchmark,) = session.benchmarks
    saved = benchmark.as_dict(include_data=True)
    assert saved["fullname"] == TIMED
    assert saved["name"] == "ADV-011 memory.echo"
    assert saved["group"] == "ADV-011 latency"
    assert saved["params"] == {"server": "memory", "tool": "echo", "check": "ADV-011"}
    assert saved["extra_info"] == {"mode": "closed", "calls": 3}
    assert saved["stats"]["data"] == [0.001, 0.002, 0.004]
    assert saved["stats"]["median"] == 0.002
    assert not benchmark.has_error
    json.dumps(saved)


def test_what_is_saved_has_the_quantiles_that_pytest_benchmark_lacks(session: Any) -> None:
    ours = store(session)
    ours.take(MEASURED)
    output: dict[str, Any] = {"benchmarks": [benchmark.as_dict(include_data=False) for benchmark in session.benchmarks]}
    ours.pytest_benchmark_update_json(session.benchmarks, output)
    assert output["benchmarks"][0]["stats"]["p50"] == 0.002
    assert output["benchmarks"][0]["stats"]["p95"] == pytest.approx(0.0038)


@pytest.mark.parametrize(
    ("threshold", "before", "told"),
    [
        ("p95:20%", {"p95": 0.0030}, "p95 is 0.0038 s, 0.003 s in"),
        ("p95:30%", {"p95": 0.0030}, None),
        ("p95:0.0005", {"p95": 0.0030}, "more than --mcp-compare-fail p95:0.0005 allows"),
        ("p50:0.001", {"p50": 0.0015}, None),
        ("p99:10%", {"data": [0.001, 0.001]}, "p99 is 0.00396 s, 0.001 s in"),
        ("p99:10%", {"mean": 1.0}, "p99 cannot be compared"),
    ],
)
def test_a_quantile_is_held_against_the_saved_run(
    session: Any, threshold: str, before: dict[str, Any], told: str | None
) -> None:
    session.compared_mapping = {"0001_a.json": {TIMED: {"stats": before}}}
    ours = store(session, threshold)
    ours.take(MEASURED)
    failures = ours.failures()
    assert [told in failure for failure in failures] == [True] if told else failures == []


def test_a_comparison_that_compares_nothing_fails(session: Any) -> None:
    assert "nothing could be compared" in store(session, "p95:20%").failures()[0]
    assert "needs pytest-benchmark" in store(None, "p95:20%").failures()[0]
    assert store(None).failures() == []


@pytest.mark.parametrize("text", ["p95", "p95:", "mean:5%", "p95:-5%", "p95:5%%", "p95:nan"])
def test_a_threshold_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(Exception, match="is none of p50, p90, p95, p99"):
        Threshold.parse(text)


def test_saving_comparing_and_drawing_work_as_their_users_know_them(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester = project({"memory": raw_server()}, CHECKS)
    first = pytester.runpytest_subprocess(
        *ARGUMENTS, "--benchmark-save=a", "--benchmark-json=b.json", "--benchmark-histogram=drawn/h"
    )
    assert first.ret == 0
    first.stdout.fnmatch_lines(["*benchmark 'ADV-011 timed': 1 tests*", "ADV-011 memory.echo*"])
    (entry,) = json.loads((pytester.path / "b.json").read_text())["benchmarks"]
    assert entry["fullname"] == TIMED
    assert len(entry["stats"]["data"]) == 100
    assert entry["stats"]["p95"] == pytest.approx(0.019405)
    assert [path.suffix for path in (pytester.path / "drawn").iterdir()] == [".svg"]
    monkeypatch.setenv("SLOWER", "1.5")
    gates = ("--benchmark-compare", "--benchmark-compare-fail=mean:20%", "--mcp-compare-fail=p95:20%")
    second = pytester.runpytest_subprocess(*ARGUMENTS, *gates, "--mcp-report", "json=run.json")
    assert second.ret == 1
    problems = json.loads((pytester.path / "run.json").read_text())["run"]["problems"]
    assert any("p95 is 0.0291075 s, 0.019405 s in" in problem for problem in problems)
    assert any("Field 'mean' has failed" in problem for problem in problems)
    third = pytester.runpytest_subprocess(*ARGUMENTS, "--benchmark-compare", "--mcp-compare-fail=p95:60%")
    assert third.ret == 0


def test_the_table_is_only_shown_to_who_asked(project: Project) -> None:
    pytester = project({"memory": raw_server()}, CHECKS)
    assert "ADV-011 memory.echo" not in pytester.runpytest(*ARGUMENTS).stdout.str()
    assert "ADV-011 memory.echo" in pytester.runpytest(*ARGUMENTS, "-v").stdout.str()


def test_without_pytest_benchmark_only_the_store_is_missing(project: Project) -> None:
    pytester = project({"memory": raw_server()}, CHECKS)
    result = pytester.runpytest(*ARGUMENTS, "-p", "no:benchmark")
    result.assert_outcomes(passed=2, deselected=5)


def test_performance_checks_are_benchmarks_to_its_switches(project: Project) -> None:
    pytester = project({"memory": raw_server()}, CHECKS)
    only = pytester.runpytest(*ARGUMENTS, "--benchmark-only", "-v")
    only.stdout.fnmatch_lines(["*CONN-001 SKIPPED*", "*ADV-011.echo PASSED*"])
    without = pytester.runpytest(*ARGUMENTS, "--benchmark-skip", "-v")
    without.stdout.fnmatch_lines(["*CONN-001 PASSED*", "*ADV-011.echo SKIPPED*"])
    disabled = pytester.runpytest(*ARGUMENTS, "--benchmark-disable", "-rs")
    disabled.assert_outcomes(passed=1, skipped=1, deselected=5)
    disabled.stdout.fnmatch_lines(["*not timed: --benchmark-disable*"])


def test_without_timing_what_would_be_timed_is_called_once(pytester: pytest.Pytester) -> None:
    pytester.makefile(".json", servers=json.dumps({"mcpServers": {"memory": raw_server()}}))
    run = ("--mcp-config", "servers.json", "-k", "performance and echo", "-rs")
    result = pytester.runpytest(*run, "--benchmark-disable", "--mcp-report", "json=run.json")
    result.assert_outcomes(passed=1, skipped=3, deselected=result.parseoutcomes()["deselected"])
    report = json.loads((pytester.path / "run.json").read_text())
    outcomes = {entry["check"]: entry for entry in report["results"]}
    assert outcomes["ADV-011"]["verdict"] == "pass"
    assert outcomes["ADV-011"]["observed"].startswith("called once with ")
    assert outcomes["PERF-001"]["reason"] == "not timed: --benchmark-disable"
    assert report["benchmarks"] == []


def test_beside_other_workers_nothing_is_timed_and_that_is_said(project: Project) -> None:
    pytester = project({"memory": raw_server()}, CHECKS)
    result = pytester.runpytest(*ARGUMENTS, "-n", "2", "--benchmark-json=b.json")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["1 performance checks are timed only when nothing else runs: repeat without -n"])
    assert not (pytester.path / "b.json").exists()


def test_a_check_that_is_marked_to_be_skipped_is_not_made_ahead(project: Project) -> None:
    pytester = project({"memory": raw_server()}, ("reachable", "answered"))
    with (pytester.path / "conftest.py").open("a") as conftest:
        conftest.write(
            "\ndef pytest_collection_modifyitems(items):\n"
            "    for item in items:\n"
            "        if 'EXEC' in item.name:\n"
            "            item.add_marker(pytest.mark.skip(reason='mine'))\n"
        )
    result = pytester.runpytest("--mcp-config", "servers.json", "--mcp-report", "json=run.json")
    assert result.ret == 0
    (server,) = json.loads((pytester.path / "run.json").read_text())["servers"]
    assert not any(tool["executed"] for tool in server["tools"])


def test_a_users_own_benchmark_works_in_plain_and_async_tests(project: Project) -> None:
    pytester = project({"memory": raw_server()}, CHECKS)
    pytester.makepyfile(
        test_speed="""
        def test_plain(benchmark, mcp_server):
            assert not benchmark(mcp_server.call_tool, "echo", {"text": "x"}).is_error


        async def test_async(benchmark, mcp_server):
            assert not benchmark(mcp_server.call_tool, "echo", {"text": "x"}).is_error


        def test_pedantic(benchmark, mcp_server):
            arguments = ("echo", {"text": "x"})
            assert not benchmark.pedantic(mcp_server.call_tool, arguments, rounds=3).is_error
            assert benchmark.stats.stats.rounds == 3
        """
    )
    run = ("--mcp-config", "servers.json", "test_speed.py", "--benchmark-max-time=0.05")
    pytester.runpytest(*run, "--benchmark-only", "--benchmark-json=b.json").assert_outcomes(passed=3)
    for entry in json.loads((pytester.path / "b.json").read_text())["benchmarks"]:
        assert entry["stats"]["p50"] <= entry["stats"]["p95"] <= entry["stats"]["max"]
    pytester.runpytest(*run, "--benchmark-skip").assert_outcomes(skipped=3)


def test_a_benchmark_of_what_has_to_be_awaited_is_an_error_that_says_what_to_do(project: Project) -> None:
    pytester = project({"memory": raw_server()}, CHECKS)
    pytester.makepyfile(
        test_speed="""
        import functools

        import pytest


        def test_plain(benchmark, mcp_server):
            benchmark(mcp_server.acall_tool, "echo", {"text": "x"})


        async def test_async(benchmark, mcp_tool):
            await benchmark.pedantic(mcp_tool.acall, ({"text": "x"},))


        async def mine():
            pass


        class Mine:
            async def __call__(self):
                pass


        @pytest.mark.parametrize("made", [mine, functools.partial(mine), Mine(), lambda: mine()])
        @pytest.mark.filterwarnings("ignore:coroutine")
        def test_of_the_users_own(benchmark, made):
            benchmark(made)


        def test_of_work_that_is_done(benchmark):
            benchmark(lambda: mine().close())
        """
    )
    result = pytester.runpytest_subprocess("--mcp-config", "servers.json", "test_speed.py", "-k", "not async or echo")
    result.assert_outcomes(passed=1, failed=6, deselected=5)
    result.stdout.fnmatch_lines(
        [
            "*UsageError: benchmark(acall_tool) would time the making of a coroutine, not the call*",
            "*benchmark(mcp_server.call_tool, *",
            "*UsageError: benchmark(acall) would time the making of a coroutine, not the call*",
            "*UsageError: benchmark(mine) would time the making of a coroutine, not the call*",
            "*hint: benchmark(a plain function that ends when the work is done, *",
            "*UsageError: benchmark(mine) would time the making of a coroutine, not the call*",
            "*UsageError: benchmark(Mine) would time the making of a coroutine, not the call*",
            "*UsageError: benchmark(a function that returns one) would time the making of a coroutine, not the call*",
        ]
    )
    result.stdout.no_fnmatch_line("*never awaited*")
