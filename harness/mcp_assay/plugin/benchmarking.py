"""pytest-benchmark as the store of what performance checks measure: the only module that knows its inside.

Samples are taken in our own event loop, where the hop between threads does not count, and handed over afterwards. From
there on ``--benchmark-json``, ``--benchmark-save``, ``--benchmark-compare`` and the like treat a generated check as
they treat a test that used the ``benchmark`` fixture. Without pytest-benchmark nothing is handed over and nothing else
changes.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from functools import partial
from inspect import iscoroutine, iscoroutinefunction
from typing import TYPE_CHECKING, Any, cast

import pytest
from pytest_benchmark.stats import Metadata

from mcp_assay.core.errors import UsageError
from mcp_assay.core.statistics import quantile
from mcp_assay.core.verdicts import Category, skipped
from mcp_assay.plugin.client import ServerClient, ToolClient

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence

    from mcp_assay.core.verdicts import Judgement, Verdict
    from mcp_assay.plugin.thresholds import Threshold
    from mcp_assay.readiness.plan import PlannedCheck
    from mcp_assay.readiness.subject import Subject

MOST_SAMPLES = 100_000
"""Samples of one check that are handed over; of more, evenly spaced ones are."""

QUANTILES: Mapping[str, float] = {"p50": 0.50, "p90": 0.90, "p95": 0.95, "p99": 0.99}
"""What pytest-benchmark has no columns for; they stand among the statistics of everything it saves."""

_DISABLED = "not timed: --benchmark-disable"
_FIXTURE = "benchmark"
_A_PLAIN_ONE = "a plain function that ends when the work is done"
_PLAIN = {"acall_tool": "mcp_server.call_tool", "arequest": "mcp_server.request", "acall": "mcp_tool"}
_SESSION = "pytest-benchmark"
_EXTRA = (
    "mode", "concurrency", "calls", "errors", "rate_per_s", "overhead_s", "offered_per_s", "arguments", "machine",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measured:
    """What `Metadata` reads off a benchmark fixture."""

    name: str
    fullname: str
    group: str
    param: None = None
    params: Mapping[str, str] = field(default_factory=dict[str, str])
    extra_info: Mapping[str, Any] = field(default_factory=dict[str, Any])
    cprofile_stats: None = None
    has_error: bool = False


def fixtures_of(planned: PlannedCheck) -> tuple[str, ...]:
    """Return the fixtures that a check's item claims to use, by which pytest-benchmark knows its own."""
    return (_FIXTURE,) if planned.check.category is Category.PERFORMANCE else ()


def untimed_because(config: pytest.Config) -> str | None:
    """Return why this run is not to time anything, or None when it is."""
    disabled = config.getoption("benchmark_disable", False) and not config.getoption("benchmark_enable", False)
    return _DISABLED if disabled else None


def without_timing(planned: PlannedCheck, reason: str) -> PlannedCheck:
    """Return a check as it is made in a run that times nothing: what would be timed is called once, or left out.

    Its users expect ``--benchmark-disable`` to call. Beside other workers nothing is called for the sake of timing.
    """

    async def left_out(subject: Subject) -> Judgement:  # noqa: ARG001  (the signature of a check)
        return skipped(reason)

    instead = planned.check.untimed if reason == _DISABLED else None
    return replace(planned, check=replace(planned.check, run=instead or left_out))


class _OfPlainCalls:
    """The fixture ``benchmark`` that refuses what has to be awaited: it would call and not await it."""

    def __init__(self, fixture: Any) -> None:
        self._fixture = fixture

    def __call__(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Time a function as the fixture does."""
        return _done(self._fixture(_plain(function), *args, **kwargs))

    def pedantic(self, target: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Time a function as the fixture does."""
        return _done(self._fixture.pedantic(_plain(target), *args, **kwargs))

    def __getattr__(self, name: str) -> Any:
        """Return whatever else the fixture offers."""
        return getattr(self._fixture, name)


def _plain(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that does its work when it is called.

    Raises:
        UsageError: It only makes a coroutine.
    """
    inner: Any = function
    while isinstance(inner, partial):
        inner = inner.func
    if iscoroutinefunction(inner) or iscoroutinefunction(type(inner).__call__):
        name = getattr(inner, "__name__", type(inner).__name__)
        ours = isinstance(getattr(inner, "__self__", None), ServerClient | ToolClient)
        plain = _PLAIN.get(name, _A_PLAIN_ONE) if ours else _A_PLAIN_ONE
        raise _nothing_timed(name, f"benchmark({plain}, …) works in tests that are async def, too")
    return function


def _done(result: Any) -> Any:
    """Return what a timed function returned.

    Raises:
        UsageError: That is a coroutine, so that nothing was done in the time that was taken.
    """
    if iscoroutine(result):
        result.close()
        raise _nothing_timed("a function that returns one", f"give it {_A_PLAIN_ONE}")
    return result


def _nothing_timed(name: str, hint: str) -> UsageError:
    """Return the error for a benchmark that would measure nothing."""
    return UsageError(f"benchmark({name}) would time the making of a coroutine, not the call", hint=hint)


class BenchmarkStore:
    """Hands measurements over, and holds them against a saved run where pytest-benchmark's own columns end.

    Args:
        config: pytest's configuration.
        thresholds: What ``--mcp-compare-fail`` asks for.
    """

    def __init__(self, config: pytest.Config, thresholds: Sequence[Threshold] = ()) -> None:
        self._config = config
        self._thresholds = thresholds
        self._handed_over: set[str] = set()

    @property
    def _session(self) -> Any:
        """The session of pytest-benchmark, or None when it is blocked or times nothing in this process."""
        session: Any = self._config.pluginmanager.get_plugin(_SESSION)
        return None if session is None or session.disabled or session.skip else session

    def take(self, verdict: Verdict) -> None:
        """Hand over the samples of a verdict; one without does nothing."""
        session = self._session
        if session is None or not verdict.samples:
            return
        options = {"disable_gc": True, "timer": "perf_counter"}
        metadata = cast("Any", Metadata)(_measured(verdict), iterations=1, options=options)
        for seconds in verdict.samples[:: 1 + (len(verdict.samples) - 1) // MOST_SAMPLES]:
            metadata.update(seconds)
        session.benchmarks.append(metadata)
        self._handed_over.add(metadata.fullname)

    def failures(self) -> list[str]:
        """Return a sentence for each regression against the run of ``--benchmark-compare``, ours and its own."""
        session = self._session
        if session is None:
            return ["--mcp-compare-fail needs pytest-benchmark, and a run that times"] if self._thresholds else []
        own = [f"{name}: {told}" for name, told in session.performance_regressions]
        return [*own, *(self._exceeded(session) if self._thresholds else ())]

    def _exceeded(self, session: Any) -> Iterator[str]:
        """Yield a sentence for each quantile that lies beyond its threshold, or that could not be compared."""
        compared = 0
        mapping = cast("Mapping[object, Mapping[str, Any]]", session.compared_mapping or {})
        for path, saved in mapping.items():
            for current in session.benchmarks:
                before = saved.get(current.fullname)
                if before is not None and current.stats.data:
                    compared += 1
                    yield from _beyond(current, before["stats"], self._thresholds, str(path))
        if not compared:
            yield "--mcp-compare-fail: nothing could be compared; name a saved run with --benchmark-compare"

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> Generator[None, object, object]:
        """Keep a test from timing how long it takes to make a coroutine that nobody awaits."""
        fixture = pyfuncitem.funcargs.get(_FIXTURE)
        if not callable(fixture):
            return (yield)
        pyfuncitem.funcargs[_FIXTURE] = _OfPlainCalls(fixture)
        try:
            return (yield)
        finally:
            pyfuncitem.funcargs[_FIXTURE] = fixture

    @pytest.hookimpl(optionalhook=True)
    def pytest_benchmark_update_json(self, benchmarks: Iterable[Metadata], output_json: dict[str, Any]) -> None:
        """Add the quantiles to the statistics that are saved."""
        data = {benchmark.fullname: benchmark.stats.data for benchmark in benchmarks}
        for entry in output_json["benchmarks"]:
            entry["stats"].update(_quantiles(data.get(entry["fullname"], [])))

    @pytest.hookimpl(optionalhook=True, wrapper=True)
    def pytest_benchmark_group_stats(self) -> Generator[None, Any, Any]:
        """Leave generated checks out of the table unless somebody asked: a fleet has hundreds, and our own summary."""
        groups = yield
        if self._is_table_wanted():
            return groups
        kept = [(name, [row for row in rows if row["fullname"] not in self._handed_over]) for name, rows in groups]
        return [(name, rows) for name, rows in kept if rows]

    def _is_table_wanted(self) -> bool:
        """Return whether the command line speaks of benchmarks, or asks for more words."""
        given: list[str] = [*self._config.getini("addopts"), os.environ.get("PYTEST_ADDOPTS", "")]
        given += [str(argument) for argument in self._config.invocation_params.args]
        return self._config.get_verbosity() > 0 or any("--benchmark" in argument for argument in given)


def _measured(verdict: Verdict) -> _Measured:
    """Return a verdict as pytest-benchmark sees a test."""
    entry = verdict.benchmark or {}
    subject = verdict.server if verdict.tool is None else f"{verdict.server}.{verdict.tool}"
    return _Measured(
        name=f"{verdict.check} {subject}",
        fullname=verdict.nodeid,
        group=f"{verdict.check} {verdict.slug}",
        params={"server": verdict.server, "tool": verdict.tool or "", "check": verdict.check},
        extra_info={name: entry[name] for name in _EXTRA if name in entry},
    )


def _quantiles(data: Iterable[float]) -> dict[str, float]:
    """Return the quantiles of samples by name; nothing without samples."""
    ordered = sorted(data)
    return {name: quantile(ordered, share) for name, share in QUANTILES.items()} if ordered else {}


def _beyond(current: Metadata, before: Mapping[str, Any], thresholds: Iterable[Threshold], path: str) -> Iterator[str]:
    """Yield a sentence for each threshold that a benchmark misses."""
    now, then = _quantiles(current.stats.data), {**_quantiles(before.get("data", ())), **before}
    for threshold in thresholds:
        if threshold.field not in then:
            yield f"{current.fullname}: {threshold.field} cannot be compared, {path} was saved without it"
        elif now[threshold.field] > threshold.limit(then[threshold.field]):
            yield (
                f"{current.fullname}: {threshold.field} is {now[threshold.field]:.6g} s, {then[threshold.field]:.6g} s "
                f"in {path}, which is more than --mcp-compare-fail {threshold} allows"
            )
