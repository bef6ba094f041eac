"""Turns the options of a run into its session, or into one clear usage error.

Imported as a plugin of its own when there are servers to judge; everything heavy comes in here.
"""

from __future__ import annotations

import shlex
import warnings
from typing import TYPE_CHECKING

import pytest

from mcp_assay.config.adhoc import COMMAND_LINE
from mcp_assay.config.overlay import Overlay
from mcp_assay.core.clock import SystemClock
from mcp_assay.core.errors import UsageError
from mcp_assay.plugin import named_by_node_id, parametrisation
from mcp_assay.plugin.accepted import Accepted
from mcp_assay.plugin.arguments import arguments_for
from mcp_assay.plugin.benchmarking import BenchmarkStore, untimed_because
from mcp_assay.plugin.builtin import BuiltinChecksAndWriters
from mcp_assay.plugin.comparing import Comparing
from mcp_assay.plugin.options import LOCK_CHECK, Options
from mcp_assay.plugin.repeating import arguments_of, calls_before, examples_place
from mcp_assay.plugin.report_targets import targets_of
from mcp_assay.plugin.selection import command_line_document, read_documents, variables_of
from mcp_assay.plugin.session import SessionHooks
from mcp_assay.plugin.spread_progress import SpreadProgress
from mcp_assay.plugin.state import BESIDE_OTHERS, STATE, AssaySession
from mcp_assay.plugin.taping import taping_of
from mcp_assay.plugin.workflow_runs import workflow_runs_of
from mcp_assay.readiness.sdk_baselines import PREFIX
from mcp_assay.readiness.settings import Gate, Settings
from mcp_assay.wire.eras import era_of
from mcp_assay.wire.limits import Limits
from mcp_assay.wire.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mcp_assay.plugin.selection import ConfigDocument

EVERY_REVISION = "all"
_DEFAULT = Settings().examples
_MANY = 100
"""Generated calls per tool and kind when it is their time that is limited."""


def pytest_configure(config: pytest.Config) -> None:
    """Prepare a judged session; nothing is started yet.

    Raises:
        pytest.UsageError: The options or a configuration document cannot be used.
    """
    options = Options.of(config)
    try:
        _activate(config, options, options.mcp_config or named_by_node_id(config))
    except UsageError as problem:
        raise pytest.UsageError(str(problem)) from None


def _activate(config: pytest.Config, options: Options, given: Sequence[str]) -> None:
    """Do what `activate` says."""
    config.pluginmanager.register(BuiltinChecksAndWriters(), "mcp_assay_builtin")
    invoked_in = config.invocation_params.dir
    documents = read_documents(given, root=config.rootpath, invoked_in=invoked_in, only=options.mcp_server)
    adhoc = command_line_document(options.mcp_server_command, options.mcp_server_url)
    documents += [adhoc] if adhoc is not None else []
    writers = [writer for group in config.hook.pytest_mcp_report_writers(config=config) for writer in group]
    state = _state(config, options, documents)
    kept = [
        *(document.path for document in documents),
        *filter(None, [state.overlay.path]),
        *_baselines(options, invoked_in),
    ]
    targets = targets_of(options.mcp_report, writers, invoked_in, kept=kept)
    state.prepare()
    config.stash[STATE] = state
    given_by_user = config.args_source is pytest.Config.ArgsSource.ARGS
    config.args[:] = arguments_for(
        config.args, documents, given_by_user=given_by_user, with_suites=options.mcp_suite, invoked_in=invoked_in
    )
    if all(argument.partition("::")[0] in {str(document.path) for document in documents} for argument in config.args):
        _quiet_asyncio()
    config.pluginmanager.register(parametrisation, "mcp_assay_parametrisation")
    benchmarks = BenchmarkStore(config, options.mcp_compare_fail)
    config.pluginmanager.register(benchmarks, "mcp_assay_benchmarks")
    config.pluginmanager.register(SessionHooks(config, state, options, targets, benchmarks), "mcp_assay_session")
    config.pluginmanager.register(Comparing.of(options, state.accepted, invoked_in), "mcp_assay_comparing")
    if not hasattr(config, "workerinput"):
        spread = SpreadProgress(config, {document.id for document in documents}, state.presenter, state.clock)
        config.pluginmanager.register(spread, "mcp_assay_spread_progress")
    if options.mcp_history is not None and not hasattr(config, "workerinput"):
        config.pluginmanager.import_plugin("mcp_assay.plugin.history")


def _baselines(options: Options, invoked_in: Path) -> list[Path]:
    """Return the files of accepted findings that the options name."""
    return [invoked_in / name for name in options.mcp_baseline if not name.startswith(PREFIX)]


def _state(config: pytest.Config, options: Options, documents: Sequence[ConfigDocument]) -> AssaySession:
    """Return the session that the options describe."""
    invoked_in = config.invocation_params.dir
    every_revision = options.mcp_protocol == EVERY_REVISION
    if options.mcp_protocol is not None and not every_revision:
        _check_protocol(options.mcp_protocol)
    overlay = Overlay.find(invoked_in, root=config.rootpath)
    accepted = Accepted.of(options, root=config.rootpath, invoked_in=invoked_in, clock=SystemClock())
    arguments = arguments_of(options.mcp_args, invoked_in)
    settings = Settings(
        gate=Gate(options.mcp_level),
        allow_writes=options.mcp_allow_writes,
        seed=options.mcp_seed,
        examples=options.mcp_max_examples or (_DEFAULT if options.mcp_budget is None else _MANY),
        budget_s=options.mcp_budget,
        arguments=arguments,
        before=calls_before(options.mcp_before, arguments=arguments, invoked_in=invoked_in),
        # A recording holds what is asked of the server itself: its copies would be asked as time allows.
        confirm=options.mcp_record is None and options.mcp_replay is None,
        bench_s=options.mcp_bench_budget,
        soak_s=options.mcp_soak,
        tier=options.mcp_tier,
        strict=accepted.strict,
    )
    return AssaySession(
        documents=[document.signing_in(overlay) for document in documents],
        variables=variables_of(options.mcp_input),
        settings=settings,
        limits=Limits(start_s=options.mcp_start_timeout, call_s=options.mcp_call_timeout),
        protocol=None if every_revision else options.mcp_protocol,
        every_revision=every_revision,
        checks=settings.wanted(check for group in config.hook.pytest_mcp_checks(config=config) for check in group),
        reproduce=_reproduce(options, documents),
        overlay=overlay,
        skip_unset=options.mcp_unset == "skip",
        on_demand=_on_demand(config),
        untimed=BESIDE_OTHERS if hasattr(config, "workerinput") else untimed_because(config),
        accepted=accepted,
        workflows=workflow_runs_of(options, documents, invoked_in=invoked_in),
        taping=taping_of(
            options.mcp_record,
            options.mcp_replay,
            invoked_in,
            processes=config.getoption("numprocesses", None) or 0,
        ),
        sandbox=Sandbox.find() if options.mcp_sandbox else None,
        kept_in=examples_place(options.mcp_examples, config.rootpath, seen_from=invoked_in),
    )


def _on_demand(config: pytest.Config) -> bool:
    """Return whether checks must not run ahead: in a debugger, or in a worker that does not know its items yet."""
    return bool(config.getoption("usepdb") or config.getoption("trace") or hasattr(config, "workerinput"))


def _check_protocol(version: str) -> None:
    """Refuse a revision that was never released.

    Raises:
        UsageError: It is none.
    """
    try:
        era_of(version)
    except ValueError as problem:
        raise UsageError(f"--mcp-protocol: {problem}") from None


def _quiet_asyncio() -> None:
    """Drop a warning about tests of the user, of which this run has none."""
    warnings.filterwarnings("ignore", message=r'The configuration option "asyncio_default_fixture_loop_scope"')


def _reproduce(options: Options, documents: Sequence[ConfigDocument]) -> str:
    """Return the start of a command line that judges in the same way; a node id names its document by itself."""
    words = ["pytest"]
    words += [word for command in options.mcp_server_command for word in ("--mcp-server-command", command)]
    words += [word for url in options.mcp_server_url for word in ("--mcp-server-url", url)]
    if any(document.id not in {document.given, COMMAND_LINE} for document in documents):
        words += [word for given in options.mcp_config for word in ("--mcp-config", given)]
    words += [word for place in options.mcp_workflows for word in ("--mcp-workflows", place)]
    words += ["--mcp-allow-writes"] * options.mcp_allow_writes + ["--mcp-sandbox"] * options.mcp_sandbox
    words += ["--mcp-lock", LOCK_CHECK] if options.mcp_lock == LOCK_CHECK else []
    words += ["--mcp-tier", str(options.mcp_tier)] if options.mcp_tier > 1 else []
    words += ["--mcp-protocol", options.mcp_protocol] if options.mcp_protocol else []
    words += ["--mcp-level", options.mcp_level] if options.mcp_level != Gate.MUST.value else []
    words += _how_tools_are_called(options)
    return shlex.join(words)


def _how_tools_are_called(options: Options) -> list[str]:
    """Return the options that decide with what tools are called and how long answers are waited for."""
    words = ["--mcp-seed", str(options.mcp_seed)] if options.mcp_seed else []
    words += ["--mcp-max-examples", str(options.mcp_max_examples)] if options.mcp_max_examples else []
    words += ["--mcp-budget", f"{options.mcp_budget:g}s"] if options.mcp_budget else []
    words += ["--mcp-bench-budget", f"{options.mcp_bench_budget:g}s"] if options.mcp_bench_budget else []
    words += ["--mcp-soak", f"{options.mcp_soak:g}s"] if options.mcp_soak else []
    usual = Limits().call_s == options.mcp_call_timeout
    return words + ([] if usual else ["--mcp-call-timeout", f"{options.mcp_call_timeout:g}"])
