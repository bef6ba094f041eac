"""Why a server did not start: the likely cause, with the stderr line that proves it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mcp_assay.core.faults import Fault, FaultKind
from mcp_assay.wire.messages import AnomalyKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_assay.wire.log import WireLog


_SHOWN = 300
_ERROR_LINE = re.compile(r"\b\w*(?:Error|Exception)\b[^:]{0,40}: |^(?:panic|fatal(?: error)?|error): ", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Rule:
    """A sentence on stderr that names a cause."""

    kind: FaultKind
    pattern: re.Pattern[str]
    cause: str
    hint: str


def _rule(kind: FaultKind, pattern: str, cause: str, hint: str) -> _Rule:
    """Return a rule that ignores case."""
    return _Rule(kind, re.compile(pattern, re.IGNORECASE), cause, hint)


_RULES = (
    _rule(
        FaultKind.NOT_INSTALLED,
        r"cannot find (package|module)|module_not_found|no module named|command not found|npm (err!|error) (code )?e404"
        r"|could not determine executable|no such file or directory.*\.(js|mjs|cjs|py)\b"
        r"|can't open file|no solution found when resolving|could not locate the bindings file",
        "a program, package or file is not installed",
        "install it, or correct the command; nothing was downloaded for you",
    ),
    _rule(
        FaultKind.UNSET_VARIABLE,
        r"(environment variable|env var)s?\b.{0,80}(required|missing|not set|must be set|undefined|unset)"
        r"|(required|missing|set|unset|undefined)\b.{0,40}(environment variable|env var)"
        r"|\b(?-i:[A-Z][A-Z0-9]*_[A-Z0-9_]+)\b:? (is |was |must be )?(required|missing|not set|set$|undefined|unset)",
        "it asks for an environment variable",
        "set it in the server's env block; servers do not inherit our environment",
    ),
    _rule(
        FaultKind.MISSING_CREDENTIALS,
        r"(api[ _-]?key|token|secret|password|credential|client[ _-]?id)s?\b.{0,60}"
        r"(required|missing|not (set|found|provided|defined|configured)|must be (set|provided)|is undefined)"
        r"|(required|missing|no|provide|set|need)\b.{0,40}(api[ _-]?key|token|secret|password|credential)s?\b"
        r"|unauthori[sz]ed|authentication (failed|required)|\b401\b|(permission|access) denied for user",
        "it asks for credentials",
        "set them in the server's env block",
    ),
    _rule(
        FaultKind.WRONG_ARGUMENTS,
        r"unrecognized arguments|(unknown|unexpected|no such|invalid|ambiguous) (option|argument|flag|command)\b"
        r"|missing (required )?(argument|option|parameter)|required arguments? (was|were) not provided"
        r"|the following arguments are required|error: argument|flag provided but not defined"
        r"|unexpected extra arguments?|not enough non-option arguments",
        "its command line is wrong",
        "compare args with the server's documentation",
    ),
)
_USAGE = replace(_RULES[-1], pattern=re.compile("^usage:", re.IGNORECASE))
"""Many print how they are used after an error of any kind; it proves something only where no error is told."""


def explain_start_failure(fault: Fault, log: WireLog, *, started: bool = True) -> Fault:
    """Return the fault of a failed start with its likely cause.

    Args:
        fault: What the connection reports.
        log: What the server said on stdout before.
        started: Whether we started it, instead of reaching it at an address.

    Returns:
        The same fault when nothing is known, otherwise one of a more telling kind whose message quotes the line.
    """
    if fault.kind in {FaultKind.NOT_INSTALLED, FaultKind.NOT_EXECUTABLE, FaultKind.OTHER_ERA}:
        return fault
    if fault.kind in {FaultKind.EXITED, FaultKind.KILLED, FaultKind.CLOSED, FaultKind.TIMEOUT}:
        lines = [*fault.stderr_tail.splitlines(), *_printed(log)]
        for rule in _RULES if any(map(_ERROR_LINE.search, lines)) else (*_RULES, _USAGE):
            line = next((text for text in lines if rule.pattern.search(text)), None)
            if line is not None:
                message = f"{fault.message}: {rule.cause}: {line.strip()[:_SHOWN]}"
                return replace(fault, kind=rule.kind, message=message, hint=rule.hint)
    if fault.kind is FaultKind.TIMEOUT:
        return _explain_silence(fault, log, started=started)
    if fault.kind in {FaultKind.EXITED, FaultKind.KILLED}:
        line = telling_line([*_printed(log), *fault.stderr_tail.splitlines()])
        message = f"{fault.message} before it was ready" + (f": {line[:_SHOWN]}" if line else "")
        return replace(fault, message=message, hint="run the command by hand to see what it needs")
    return fault


def telling_line(lines: Sequence[str]) -> str:
    """Return the line of a server's last words that names its problem.

    Python ends a traceback with the error, Node.js and Go begin one with it. So the last line that looks like an error
    wins, and without one the last line that has text.
    """
    stripped = [line.strip() for line in lines if line.strip()]
    errors = [line for line in stripped if _ERROR_LINE.search(line)]
    return next(reversed(errors or stripped), "")


def _printed(log: WireLog) -> list[str]:
    """Return the text that the server printed to stdout; many print their complaints there."""
    return [
        anomaly.raw.decode("utf-8", "backslashreplace")
        for anomaly in log.anomalies
        if anomaly.kind is AnomalyKind.NOISE
    ]


_SLOW_START = "raise --mcp-start-timeout if it is slow, for example when a package runner downloads it first"
_SILENT_ADDRESS = "its address says nothing: check that the server behind it is up, or raise --mcp-start-timeout"


def _explain_silence(fault: Fault, log: WireLog, *, started: bool) -> Fault:
    """Return the fault of a server that runs but never became ready."""
    if log.anomalies and started:
        sample = log.anomalies[0].raw.decode("utf-8", "backslashreplace")[:120]
        return replace(
            fault,
            kind=FaultKind.SPEAKS_NO_MCP,
            message=f"the server prints text instead of MCP messages to stdout: {sample!r}",
            hint="check that the command starts the stdio mode of the server, and log to stderr",
        )
    line = telling_line(fault.stderr_tail.splitlines())
    words = f"; it last said on stderr: {line[:_SHOWN]}" if line else ""
    return replace(
        fault,
        kind=FaultKind.START_TIMEOUT,
        message=f"the server did not become ready: {fault.message}{words}",
        hint=fault.hint or (_SLOW_START if started else _SILENT_ADDRESS),
    )
