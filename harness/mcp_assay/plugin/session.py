"""The hooks of a judged session: collect, run, report, and leave nothing behind."""

from __future__ import annotations

import platform
import signal
import threading
from typing import TYPE_CHECKING, Any, cast

import pytest

from mcp_assay.config.spec import TransportKind
from mcp_assay.core.errors import AssayError, UsageError
from mcp_assay.core.verdicts import Outcome
from mcp_assay.plugin.interruption import after_breaking_off
from mcp_assay.plugin.items import CheckItem, ConfigFile
from mcp_assay.plugin.junit_properties import add_suite_properties
from mcp_assay.plugin.progress import LiveProgress
from mcp_assay.plugin.redacting import redact_report
from mcp_assay.plugin.repeating import check_only_one_tool
from mcp_assay.plugin.report_targets import write_reports
from mcp_assay.plugin.revisions import differences
from mcp_assay.plugin.state import BESIDE_OTHERS
from mcp_assay.plugin.text import columns_of, introduction, wrapped, write_line, write_whole
from mcp_assay.plugin.transfer import decode_facts, decode_verdict, encode_facts, encode_verdict, merge_facts
from mcp_assay.plugin.workflow_items import WorkflowItem
from mcp_assay.readiness.document import RunFacts, ServerStatus, build_document
from mcp_assay.readiness.ending import broken_off
from mcp_assay_reports.terminal import render_summary
from mcp_assay_reports.texts import score

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from pathlib import Path

    from mcp_assay.config.spec import ServerSpec
    from mcp_assay.core.contract import Document, WorkflowEntry
    from mcp_assay.core.verdicts import Verdict
    from mcp_assay.plugin.benchmarking import BenchmarkStore
    from mcp_assay.plugin.options import Options
    from mcp_assay.plugin.report_targets import ReportTarget
    from mcp_assay.plugin.state import AssaySession
    from mcp_assay.readiness.document import ServerFacts

_VERDICT = "mcp_verdict"
_WORKFLOW = "mcp_workflow"
_FACTS = "mcp_facts"
_PLANNED = "mcp_planned"
_FIRST_WORKER = "gw0"
_FINAL = frozenset({"passed", "failed", "skipped"})
_ALL_OUTCOMES = frozenset("aA")
_MOST_INTRODUCED = 40
_TERMINATED = 128 + signal.SIGTERM


class SessionHooks:
    """One judged session.

    Args:
        config: pytest's configuration.
        state: The session.
        options: The plugin's options.
        targets: The reports to write.
        benchmarks: Takes what was measured.
    """

    def __init__(
        self,
        config: pytest.Config,
        state: AssaySession,
        options: Options,
        targets: Sequence[ReportTarget],
        benchmarks: BenchmarkStore,
    ) -> None:
        self._config = config
        self._options = options
        self._state = state
        self._targets = targets
        self._benchmarks = benchmarks
        self._verdicts: list[Verdict] = []
        self._facts: dict[tuple[str, str], ServerFacts] = {}
        self._workflows: dict[str, WorkflowEntry] = {}
        self._failed_steps = 0
        self._document: Document | None = None
        self._messages: list[str] = []
        self._notes: list[str] = []
        self._previous_handler: Any = None
        self._deselected = False
        self._planned = 0
        arrivals, now = state.discovering.arrivals, state.clock.monotonic
        self._connecting = LiveProgress(config=config, lanes=lambda: arrivals.lanes(now), presenter=state.presenter)
        self._progress = LiveProgress(config=config, lanes=lambda: state.engine.lanes, presenter=state.presenter)

    @property
    def _is_worker(self) -> bool:
        """Whether this process runs checks for a controller that writes the reports."""
        return hasattr(self._config, "workerinput")

    def pytest_sessionstart(self) -> None:
        """End cleanly on SIGTERM, which is how CI cancels a job."""
        if threading.current_thread() is threading.main_thread() and not self._is_worker:
            self._previous_handler = signal.signal(signal.SIGTERM, _terminate)

    def pytest_report_header(self) -> Iterator[str]:
        """Yield what is about to be started: starting a server executes its code."""
        present, columns = self._state.presenter, columns_of(self._config)
        if self._state.overlay.path is not None:
            yield wrapped(f"mcp-assay: settings of {self._state.overlay.path}", columns)
        for document in self._state.documents:
            yield f"mcp-assay: {document.id} ({len(document.specs)} servers)"
            for spec in document.specs:
                place = " ".join(str(part) for part in spec.command) if spec.url is None else str(spec.url)
                state = "disabled: " if spec.disabled else self._how_confined(spec)
                yield wrapped(f"  {present.line(f'{spec.name}: {state}{place}', 200)}", columns)

    def _how_confined(self, spec: ServerSpec) -> str:
        """Return what the sandbox means for a server, or nothing without one."""
        if self._state.sandbox is None:
            return ""
        if spec.transport is not TransportKind.STDIO:
            return "not in the sandbox, it runs elsewhere: "
        return "in a sandbox with network: " if self._state.overlay.sandbox(spec.name).network else "in a sandbox: "

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
        """Claim the configuration documents, and nothing else."""
        for document in self._state.documents:
            if document.path == file_path:
                return ConfigFile.of(parent, document)
        return None

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_make_collect_report(self, collector: pytest.Collector) -> Generator[None, Any, Any]:
        """Show how far the servers are while the first document waits for them; nothing is captured before it does."""
        if isinstance(collector, ConfigFile):
            self._connecting.follow(self._state.discovering.is_over)
        return (yield)

    def pytest_deselected(self) -> None:
        """Note that this run does not judge everything."""
        self._deselected = True

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Keep the selected checks, which the lanes will run, and count what a whole run would make."""
        checks = [item for item in session.items if isinstance(item, CheckItem)]
        self._state.selected = [item.planned for item in checks if item.may_run_ahead]
        self._deselected = self._deselected or len(self._state.selected) < len(checks)
        steps = [item for item in session.items if isinstance(item, WorkflowItem)]
        self._state.workflows.select((str(item.workflow.path), item.name) for item in steps)
        self._planned = self._state.planned()
        if self._options.mcp_args is not None:
            try:
                check_only_one_tool([item.planned for item in checks], self._state.settings.before)
            except UsageError as problem:
                raise pytest.UsageError(str(problem)) from None
        if getattr(self._config, "workerinput", {}).get("workerid", _FIRST_WORKER) == _FIRST_WORKER:
            try:
                self._notes += self._state.update_lock()
            except AssayError as problem:
                raise pytest.UsageError(str(problem)) from None

    def pytest_report_collectionfinish(self) -> Iterator[str]:
        """Yield what answered: name and version of each server, the revision it is judged in, what it offers."""
        if self._state.discovered:
            facts = self._state.server_facts()
            lines = (self._state.presenter.line(introduction(server), 200) for server in facts[:_MOST_INTRODUCED])
            yield from (wrapped(line, columns_of(self._config)) for line in lines)
            if len(facts) > _MOST_INTRODUCED:
                yield f"and {len(facts) - _MOST_INTRODUCED} more servers"

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> None:
        """Start the lanes with the first check, after a user's own tests that come before it; show how far they are.

        Here nothing is captured yet, so that what is drawn reaches the terminal.
        """
        if isinstance(item, CheckItem):
            self._state.start_lanes()
        # What a benchmark times in its test function is in no lane, so that nobody would ever end the wait.
        if isinstance(item, CheckItem) and item.may_run_ahead:
            self._progress.follow(lambda patience_s: self._state.is_judged(item.planned, patience_s))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Hang the verdict on the report, point a skip at the server's place in its document, and hide secrets."""
        report = yield
        redact_report(report, self._state.presenter.redactor)
        if isinstance(item, CheckItem) and call.when == "call" and item.verdict is not None:
            setattr(report, _VERDICT, encode_verdict(item.verdict))
            if report.skipped:
                path, line, _ = item.reportinfo()
                report.longrepr = (str(path), (line or 0) + 1, f"Skipped: {item.verdict.reason}")
        if isinstance(item, WorkflowItem) and call.when == "call" and item.entry is not None:
            setattr(report, _WORKFLOW, item.entry)
            if report.skipped and isinstance(report.longrepr, tuple):
                report.longrepr = (str(item.workflow.path), 1, report.longrepr[2])
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the verdict from a report, wherever it was made."""
        encoded = getattr(report, _VERDICT, None)
        # What pytest-rerunfailures is going to repeat counts once, as it ends.
        if encoded is not None and report.outcome in _FINAL:
            verdict = decode_verdict(encoded)
            self._benchmarks.take(verdict)
            self._verdicts.append(verdict)
        workflow = getattr(report, _WORKFLOW, None)
        if workflow is not None:
            self._workflows[report.nodeid.rpartition("::")[0]] = workflow
            self._failed_steps += report.failed

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(
        self, report: pytest.TestReport | pytest.CollectReport
    ) -> tuple[str, str, str | tuple[str, dict[str, bool]]] | None:
        """Give warnings and our own errors a letter and a word of their own."""
        encoded = getattr(report, _VERDICT, None)
        if encoded is None:
            return None
        if encoded["outcome"] == Outcome.WARN:
            return "mcp warnings", "w", ("WARN", {"yellow": True})
        if encoded["outcome"] == Outcome.ERROR:
            return "error", "E", ("ERROR", {"red": True})
        return None

    def pytest_keyboard_interrupt(self) -> None:
        """Stop judging ahead."""
        self._state.stop()

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:  # noqa: ARG002  (the hook's signature)
        """Take a worker's facts when it has ended."""
        for encoded in getattr(node, "workeroutput", {}).get(_FACTS, []):
            self._add_facts(decode_facts(encoded))
        self._planned = max(self._planned, getattr(node, "workeroutput", {}).get(_PLANNED, 0))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Stop the lanes, settle the exit status, write the reports and end the servers."""
        self._state.stop()
        try:
            for facts in self._state.server_facts():
                self._add_facts(facts)
            if self._is_worker:
                output = cast("Any", session.config).workeroutput
                output[_FACTS] = [encode_facts(facts) for facts in self._facts.values()]
                output[_PLANNED] = self._planned
            elif not session.config.getoption("collectonly"):
                self._report(session, exitstatus)
        finally:
            self._state.close()
            self._tell_late(session)

    def _tell_late(self, session: pytest.Session) -> None:
        """Tell what went wrong with the recording while the servers were ended."""
        late = [text for text in self._state.taping.problems() if text not in self._messages]
        self._messages += late
        if late and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print what was locked, the scores, the costliest findings and what went wrong with the reports."""
        for note in self._notes:
            write_line(terminalreporter, self._state.presenter.text(note))
        if self._document is None:
            return
        terminalreporter.section("mcp-assay")
        width = self._config.get_terminal_writer().fullwidth
        write_whole(terminalreporter, render_summary(self._document, width=width, color=terminalreporter.hasmarkup))
        untimed = sum(verdict.reason == BESIDE_OTHERS for verdict in self._verdicts)
        if untimed:
            write_line(terminalreporter, f"{untimed} performance checks are {BESIDE_OTHERS}", yellow=True)
        for line in self._listed_warnings():
            write_line(terminalreporter, line, yellow=True)
        for line in differences(self._verdicts, self._variants()):
            write_line(terminalreporter, line)
        for line in self._state.suggestions(self._verdicts, list(self._facts.values())):
            write_line(terminalreporter, self._state.presenter.text(line))
        for message in self._messages:
            write_line(terminalreporter, message, red=True)

    def _listed_warnings(self) -> Iterator[str]:
        """Yield every warning when the user asks for all outcomes: pytest's own summary knows only its own."""
        if not set(self._config.getoption("reportchars") or "") & _ALL_OUTCOMES:
            return
        for verdict in self._verdicts:
            if verdict.outcome is Outcome.WARN:
                reason = f" ({verdict.reason})" if verdict.reason else ""
                yield self._state.presenter.line(f"WARN {verdict.nodeid} - {verdict.observed or ''}{reason}")

    def pytest_unconfigure(self) -> None:
        """Leave nothing behind, also when the session never came to its end."""
        self._state.close()
        if self._previous_handler is not None:
            signal.signal(signal.SIGTERM, self._previous_handler)

    def _variants(self) -> dict[str, tuple[str, str]]:
        """Return server and revision of each name under which a server was judged, when there are several."""
        names = {spec.name for spec in self._state.specs} if self._state.every_revision else set[str]()
        variants: dict[str, tuple[str, str]] = {}
        for facts in self._facts.values():
            base = next((name for name in names if facts.name in {name, f"{name}-{facts.revision}"}), None)
            if base is not None and facts.revision is not None:
                variants[facts.name] = (base, facts.revision)
        return variants

    def _add_facts(self, facts: ServerFacts) -> None:
        """Keep a server's facts, merged with what another worker saw."""
        key = (facts.config, facts.name)
        known = self._facts.get(key)
        self._facts[key] = facts if known is None else merge_facts(known, facts)

    def _report(self, session: pytest.Session, exitstatus: int) -> None:
        """Build the document, settle the exit status and write the reports."""
        status = int(exitstatus)
        if broken_off(status) is not None:
            faults = self._state.discovering.arrivals.faults
            self._facts = {key: after_breaking_off(facts, faults) for key, facts in self._facts.items()}
        document = self._build(status)
        problems = [*self._own_failures(session)]
        self._messages += self._state.taping.problems()
        self._messages += [*_below(document, self._options.mcp_min_score), *self._benchmarks.failures()]
        self._messages += self._state.missing_required(list(self._facts.values()))
        whole = not self._deselected and 0 < self._planned <= len(self._verdicts)
        self._messages += self._state.stale_acceptances(self._verdicts) if whole else ()
        whole = whole and not self._options.mcp_server
        self._messages += self._state.settle_baseline(self._verdicts, list(self._facts.values()), whole=whole)
        status = self._settle(document, status, problems)
        hook = self._config.hook
        self._messages += [
            line for lines in hook.pytest_mcp_document(config=self._config, document=document) for line in lines
        ]
        status = self._settle(document, status, problems)
        add_suite_properties(self._config, document)
        missing = list(write_reports(self._targets, document))
        self._messages += missing
        if missing and status == pytest.ExitCode.OK:
            status = int(pytest.ExitCode.TESTS_FAILED)
        if status != exitstatus:
            session.exitstatus = status
        self._document = document

    def _settle(self, document: Document, status: int, problems: Sequence[str]) -> int:
        """Write into the document why and how the run ends, and return its exit status."""
        if self._messages and status == pytest.ExitCode.OK:
            status = int(pytest.ExitCode.TESTS_FAILED)
        document["run"]["exit_status"] = status
        document["run"]["problems"] = [self._state.presenter.line(text) for text in (*problems, *self._messages)]
        return status

    def _own_failures(self, session: pytest.Session) -> Iterator[str]:
        """Yield a sentence when more has failed than the verdicts tell, such as tests of the user."""
        told = sum(verdict.outcome in {Outcome.FAIL, Outcome.ERROR} for verdict in self._verdicts)
        told += self._failed_steps
        if session.testsfailed > told:
            yield f"failures besides the verdicts of this report: {session.testsfailed - told}"

    def _build(self, status: int) -> Document:
        """Return the report document."""
        state = self._state
        run = RunFacts(
            id=state.run_id,
            started_at=state.started_at,
            duration_s=state.duration_s,
            configs=tuple(document.id for document in state.documents),
            python=platform.python_version(),
            platform=platform.platform(),
            exit_status=status,
            phases=state.phases(),
            planned=self._planned,
        )
        facts = list(self._facts.values())
        return build_document(
            run,
            facts,
            self._verdicts,
            workflows=[*self._workflows.values()],
            presenter=state.presenter,
            policy=state.scoring,
        )


def _below(document: Document, minimum: float | None) -> Iterator[str]:
    """Yield a line for each server whose score is below the minimum."""
    if minimum is None:
        return
    for server in document["servers"]:
        asked_for = server["status"] in {ServerStatus.CONNECTED.value, ServerStatus.FAILED.value}
        found = server["readiness"]["score"]
        if asked_for and found < minimum:
            yield f"{server['name']}: readiness {score(found)} is below --mcp-min-score {minimum:g}"


def _terminate(number: int, frame: object) -> None:  # noqa: ARG001  (the signature of a signal handler)
    """End the session in order: reports are written, servers ended."""
    pytest.exit("terminated by SIGTERM", returncode=_TERMINATED)
