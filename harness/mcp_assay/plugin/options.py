"""Command-line options, in one group."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mcp_assay.core.durations import seconds_of
from mcp_assay.plugin.thresholds import Threshold

if TYPE_CHECKING:
    import pytest

GATES = ("must", "should", "all")
LOCK_CHECK, LOCK_UPDATE = "check", "update"
_MOST_EXAMPLES = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The plugin's options as they were given; each field is the option of that name."""

    mcp_config: list[str]
    mcp_server_command: list[str]
    mcp_server_url: list[str]
    mcp_run_discovered: bool
    mcp_server: list[str]
    mcp_suite: bool
    mcp_workflows: list[str]
    mcp_input: list[str]
    mcp_unset: str
    mcp_protocol: str | None
    mcp_level: str
    mcp_tier: int
    mcp_allow_writes: bool
    mcp_sandbox: bool
    mcp_min_score: float | None
    mcp_start_timeout: float
    mcp_call_timeout: float
    mcp_seed: int
    mcp_args: str | None
    mcp_before: str | None
    mcp_max_examples: int | None
    mcp_budget: float | None
    mcp_examples: str
    mcp_bench_budget: float | None
    mcp_soak: float
    mcp_report: list[str]
    mcp_against: str | None
    mcp_history: str | None
    mcp_compare_fail: list[Threshold]
    mcp_lock: str | None
    mcp_baseline: list[str]
    mcp_baseline_update: bool
    mcp_record: str | None
    mcp_replay: str | None

    @property
    def names_servers(self) -> bool:
        """Whether there is anything to judge."""
        return bool(self.mcp_config or self.mcp_server_command or self.mcp_server_url)

    @classmethod
    def of(cls, config: pytest.Config) -> Options:
        """Return the options of a run."""
        given: dict[str, Any] = {name: config.getoption(name) for name in cls.__slots__}
        return cls(**given)


def add_options(parser: pytest.Parser) -> None:
    """Register every option of the plugin."""
    group = parser.getgroup("mcp-assay", "MCP servers: connect, judge, score")
    _add_what_to_judge(group)
    _add_what_to_run(group)
    _add_how_to_judge(group)
    _add_how_to_call(group)
    _add_how_to_measure(group)
    _add_what_was_accepted(group)
    _add_what_to_write(group)


def _add_what_to_judge(group: pytest.OptionGroup) -> None:
    """Register the options that say which servers."""
    group.addoption(
        "--mcp-config",
        action="append",
        default=[],
        metavar="FILE",
        help="client configuration file with MCP servers; 'demo' for the built-in ones, 'auto' to look for the "
        "well-known files of this machine; repeatable",
    )
    group.addoption(
        "--mcp-server-command",
        action="append",
        default=[],
        metavar="COMMAND",
        help='judge the server that a command starts, without a file: "uvx mcp-server-time"; repeatable',
    )
    group.addoption(
        "--mcp-server-url",
        action="append",
        default=[],
        metavar="URL",
        help="judge the server at an address, without a file; repeatable",
    )
    group.addoption(
        "--mcp-run-discovered",
        action="store_true",
        help="start the servers that --mcp-config auto finds; without it they are only listed",
    )
    group.addoption(
        "--mcp-server",
        action="append",
        default=[],
        metavar="NAME",
        help="judge only servers with this name (shell pattern); repeatable",
    )
    group.addoption(
        "--mcp-input",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="value of an input variable of the configuration; better kept in MCP_INPUT_NAME; repeatable",
    )
    group.addoption(
        "--mcp-unset",
        choices=("error", "skip"),
        default="error",
        help="what an unset variable does: stop with an error (default), or skip its server visibly",
    )
    group.addoption(
        "--mcp-protocol",
        default=None,
        metavar="REVISION",
        help="speak this protocol revision only, for example 2025-06-18; 'all' judges the protocol in every revision "
        "a server speaks and shows where they differ",
    )


def _add_what_to_run(group: pytest.OptionGroup) -> None:
    """Register the options that say what is run on the servers."""
    group.addoption(
        "--mcp-suite",
        action="store_true",
        help="add the generated suites when test files are given on the command line as well",
    )
    group.addoption(
        "--mcp-workflows",
        action="append",
        default=[],
        metavar="PATH",
        help="workflow file, or folder of them, that is run over the servers, a test for each step; 'none' for none. "
        "Without it: the folder 'workflows' beside each configuration file; repeatable",
    )


def _add_how_to_judge(group: pytest.OptionGroup) -> None:
    """Register the options that say how strictly, and what may be called."""
    group.addoption(
        "--mcp-level",
        choices=GATES,
        default="must",
        help="weakest level whose violation fails the run; weaker ones are warnings (default: must)",
    )
    group.addoption(
        "--mcp-tier",
        type=int,
        choices=(1, 2),
        default=1,
        help="2 adds the checks of finer points, which many good servers leave open; `mcp-assay checks` says which "
        "(default: 1)",
    )
    group.addoption(
        "--mcp-allow-writes",
        action="store_true",
        help="call every tool, also those that do not claim to be read-only",
    )
    group.addoption(
        "--mcp-sandbox",
        action="store_true",
        help="run stdio servers in bubblewrap, without a network and with files and a home of their own, and call all "
        "their tools",
    )
    group.addoption(
        "--mcp-min-score",
        type=_score,
        default=None,
        metavar="0..100",
        help="fail the run when a server's readiness score is below this",
    )
    group.addoption(
        "--mcp-start-timeout", type=float, default=60.0, metavar="SECONDS", help="time to start (default: 60)"
    )
    group.addoption(
        "--mcp-call-timeout", type=float, default=30.0, metavar="SECONDS", help="time to answer a call (default: 30)"
    )


def _add_how_to_call(group: pytest.OptionGroup) -> None:
    """Register the options that say with what tools are called, and how often."""
    group.addoption("--mcp-seed", type=int, default=0, metavar="N", help="seed of generated arguments (default: 0)")
    group.addoption(
        "--mcp-args",
        default=None,
        metavar="JSON",
        help="call the one selected tool with these arguments only: an object in JSON, or the file of one; the line "
        "that a finding ends with repeats it in this way",
    )
    group.addoption(
        "--mcp-before",
        default=None,
        metavar="JSON",
        help="calls to make before the one with --mcp-args: an array of objects with 'tool' and 'arguments', or the "
        "file of one",
    )
    group.addoption(
        "--mcp-max-examples",
        type=_count,
        default=None,
        metavar="N",
        help="generated calls per tool and kind (default: 5, or as many as the time of --mcp-budget is enough for)",
    )
    group.addoption(
        "--mcp-budget",
        type=_seconds,
        default=None,
        metavar="TIME",
        help="time that each server may spend on generated calls, for example 60s or 5m: half of it on valid ones, a "
        "quarter on wrong ones; every tool gets an equal share, and what it leaves unused goes to the others",
    )
    group.addoption(
        "--mcp-examples",
        default=".mcp-assay/examples",
        metavar="DIR",
        help="folder in which arguments that showed a fault are kept, to be tried first in the next run; 'none' keeps "
        "none (default: .mcp-assay/examples)",
    )


def _count(text: str) -> int:
    """Return a number of calls.

    Raises:
        ValueError: It is no number from 1 to 10,000.
    """
    count = int(text)
    if not 1 <= count <= _MOST_EXAMPLES:
        raise ValueError(text)
    return count


def _add_how_to_measure(group: pytest.OptionGroup) -> None:
    """Register the options that say how long is measured."""
    group.addoption(
        "--mcp-bench-budget",
        type=_seconds,
        default=None,
        metavar="DURATION",
        help="time for all measurements of one tool, for example 30s or 2m; rounds end earlier once the figures are "
        "known well enough (default: 10s and 200 calls)",
    )
    group.addoption(
        "--mcp-soak",
        type=_seconds,
        default=0.0,
        metavar="DURATION",
        help="repeat safe calls on a fresh instance of each server for so long, for example 10m, and look for growth, "
        "failures and answers that become slower",
    )


def _score(text: str) -> float:
    """Return a score; what no score can be below, such as ``nan``, would let every run pass.

    Raises:
        ArgumentTypeError: It is no number from 0 to 100.
    """
    try:
        score = float(text)
    except ValueError:
        score = -1.0
    if not 0 <= score <= 100:
        raise argparse.ArgumentTypeError(f"{text!r} is no score from 0 to 100")
    return score


def _seconds(text: str) -> float:
    """Return the seconds of a duration.

    Raises:
        argparse.ArgumentTypeError: It is none.
    """
    try:
        return seconds_of(text)
    except ValueError as problem:
        raise argparse.ArgumentTypeError(str(problem)) from None


def _add_what_was_accepted(group: pytest.OptionGroup) -> None:
    """Register the options that compare with what was accepted before."""
    group.addoption(
        "--mcp-lock",
        choices=(LOCK_CHECK, LOCK_UPDATE),
        default=None,
        help="check: fail the run when a definition no longer is what mcp-assay.lock holds in a way that breaks "
        "callers; update: write the definitions of this run to that file. Without this, changes are warnings",
    )
    group.addoption(
        "--mcp-baseline",
        action="append",
        default=[],
        metavar="FILE|sdk:NAME",
        help="TOML file of accepted findings by check, server and tool, each with a reason and its last day; an entry "
        "that has expired or that no finding needs fails the run. sdk:NAME, as in sdk:python-2.3, accepts what an SDK "
        "does whoever uses it, and fails the run when no finding needs it; repeatable",
    )
    group.addoption(
        "--mcp-baseline-update",
        action="store_true",
        help="write the failures of this run to the one file of --mcp-baseline; entries still needed stay as they are",
    )


def _add_what_to_write(group: pytest.OptionGroup) -> None:
    """Register the options that say what the run leaves behind."""
    group.addoption(
        "--mcp-record", default=None, metavar="DIR", help="keep every exchange in this folder, without secrets"
    )
    group.addoption(
        "--mcp-replay", default=None, metavar="DIR", help="judge the exchanges in this folder again; starts no server"
    )
    group.addoption(
        "--mcp-report",
        action="append",
        default=[],
        metavar="FORMAT=PATH",
        help="write a report: json=PATH, markdown=PATH, junit=PATH, html=PATH, sarif=PATH, github=PATH, "
        "prometheus=PATH, github-benchmark=PATH, otlp=PATH; repeatable",
    )
    group.addoption(
        "--mcp-against",
        default=None,
        metavar="RUN.JSON",
        help="JSON report of an earlier run, such as the main branch's: summary and reports say what changed since",
    )
    group.addoption(
        "--mcp-history",
        nargs="?",
        const="",
        default=None,
        metavar="PATH|URL",
        help="keep the figures of this run in a SQLite file or any database that SQLAlchemy knows, and compare them "
        "with those of earlier runs on this machine. Without a value: $MCP_ASSAY_HISTORY, or .mcp-assay/history.db",
    )
    group.addoption(
        "--mcp-compare-fail",
        action="append",
        type=Threshold.parse,
        default=[],
        metavar="EXPR",
        help="fail the run when a quantile grows by more than this against the run of --benchmark-compare: p95:20%%, "
        "or p50:0.005 for seconds; p50, p90, p95 and p99, which --benchmark-compare-fail does not know; repeatable",
    )
