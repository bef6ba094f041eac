"""``--mcp-history``: keeps the figures of the run, and says which are worse than their noise explains.

Imported as a plugin of its own when the option is given, because a database library costs more to import than pytest.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from mcp_assay.core.errors import AssayError, UsageError
from mcp_assay.plugin.options import Options
from mcp_assay.plugin.text import write_line
from mcp_assay.readiness.history.address import DEFAULT, VARIABLE, Address
from mcp_assay.readiness.history.origin import origin_of
from mcp_assay.readiness.history.recording import record
from mcp_assay.readiness.history.trends import Course
from mcp_assay_reports.texts import plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mcp_assay.core.contract import Document
    from mcp_assay.readiness.history.recording import Recorded

_MOST_TOLD = 20


def pytest_configure(config: pytest.Config) -> None:
    """Find out where the history is, before anything is started.

    Raises:
        pytest.UsageError: The place cannot be used.
    """
    options = Options.of(config)
    if options.mcp_replay is not None:
        message = "--mcp-history keeps what a run measures, and --mcp-replay measures nothing"
        raise pytest.UsageError(str(UsageError(message, hint="leave one of them out")))
    given = options.mcp_history or os.environ.get(VARIABLE) or DEFAULT
    try:
        address = Address.of(given, config.invocation_params.dir)
        address.engine().dispose()
    except UsageError as problem:
        raise pytest.UsageError(str(problem)) from None
    config.pluginmanager.register(HistoryHooks(config, address), "mcp_assay_history")


class HistoryHooks:
    """Keeps one run.

    Args:
        config: pytest's configuration.
        address: Where the history is.
    """

    def __init__(self, config: pytest.Config, address: Address) -> None:
        self._config = config
        self._address = address
        self._recorded: Recorded | None = None

    def pytest_mcp_document(self, document: Document) -> Sequence[str]:
        """Keep the run and add its trends to the document; return what is missing then."""
        origin = origin_of(self._config.rootpath, os.environ)
        try:
            self._recorded = record(document, self._address, origin)
        except AssayError as problem:
            return [f"this run is missing in the history: {problem.message}"]
        document["trends"] = self._recorded.entries
        return []

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what was kept, and what is worse."""
        if self._recorded is not None:
            for line in _told(self._recorded, self._address):
                write_line(terminalreporter, line)


def _told(recorded: Recorded, address: Address) -> Iterator[str]:
    """Yield the lines about a run that was kept."""
    judged = [trend for trend in recorded.trends if trend.course not in {Course.FEW, Course.NOISY}]
    noisy = sum(trend.course is Course.NOISY for trend in recorded.trends)
    remark = f", {noisy} not judged on a noisy machine" if noisy else ""
    yield (
        f"history: {plural(recorded.figures, 'figure')} kept in {address.shown}, run {recorded.runs} on this machine; "
        f"{len(judged)} of {len(recorded.trends)} series judged{remark}, {len(recorded.worse)} worse"
    )
    yield from (f"  worse: {trend}" for trend in recorded.worse[:_MOST_TOLD])
    if len(recorded.worse) > _MOST_TOLD:
        yield f"  and {len(recorded.worse) - _MOST_TOLD} more: mcp-assay history"
