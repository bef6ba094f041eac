"""Accepted findings in a file of their own, each with a reason and the last day on which it holds.

::

    [[accept]]
    check = "TOOL-003"
    server = "memory"
    tool = "create_entities"
    reason = "reported upstream as issue 12"
    expires = 2027-01-31

``check``, ``server`` and ``tool`` are shell patterns; ``server`` and ``tool`` may be left out and then mean all.
An entry that has expired accepts nothing and fails the run; so does one that no finding needs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from mcp_assay.config.files import read_document
from mcp_assay.config.rules import matches
from mcp_assay.config.toml_reader import parse_toml
from mcp_assay.config.view import View
from mcp_assay.core.files import write_atomically
from mcp_assay.core.presentation import Presenter
from mcp_assay.core.verdicts import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from mcp_assay.core.verdicts import Verdict

DAYS_ACCEPTED = 90
"""Days for which `Baseline.updated` accepts a new finding; whoever reviews the file may give it more."""

_KEYS = ("check", "expires", "reason", "server", "tool")
_EXAMPLE = '[[accept]] with check = "TOOL-003", server = "memory", reason = "…", expires = 2027-01-31'
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_WILDCARD = re.compile(r"[*?\[]")
_HEADER = """\
# Findings that are known and accepted until a date; an entry that is stale or has expired fails the run.
# --mcp-baseline-update writes this file anew and keeps the reason and date of each entry that is still needed.
"""
# What a TOML basic string cannot hold as it is (TOML 1.0, string).
_ESCAPED = re.compile(r'["\\\x00-\x1f\x7f]')


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineEntry:
    """One accepted finding.

    Attributes:
        check: Pattern of check ids.
        server: Pattern of server names.
        tool: Pattern of tool names; ``*`` also means findings on the server itself.
        reason: Why it is accepted.
        expires: The last day on which it is, in UTC.
        line: Where it stands in the file, counted from 1; 0 for one that was made in this run.
    """

    check: str
    server: str = "*"
    tool: str = "*"
    reason: str
    expires: date
    line: int = 0

    def covers(self, check: str, tool: str | None) -> bool:
        """Return whether a finding of ``check`` on ``tool`` (None: on the server itself) is accepted."""
        on_tool = self.tool == "*" if tool is None else _meant(self.tool, tool)
        return on_tool and matches(self.check, check)

    def concerns(self, server: str) -> bool:
        """Return whether the entry is about a server."""
        return _meant(self.server, server)

    def matches(self, verdict: Verdict) -> bool:
        """Return whether the entry is about what a verdict judged."""
        return self.concerns(verdict.server) and self.covers(verdict.check, verdict.tool)

    def __str__(self) -> str:
        """Return what is accepted, in words."""
        where = f"{self.server}" if self.tool == "*" else f"{self.tool} of {self.server}"
        return f"{self.check} on {where}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The accepted findings of a file.

    Attributes:
        path: The file.
        today: The day on which the run began, in UTC.
        entries: In the order of the file.
    """

    path: Path
    today: date
    entries: tuple[BaselineEntry, ...] = ()

    @classmethod
    def load(cls, path: Path, *, today: date) -> Baseline:
        """Return the baseline in a TOML file, as it holds on a day in UTC.

        Raises:
            ConfigError: The file cannot be read, or an entry is wrong; every one needs a check, a reason and a date.
        """
        fields = View.of(parse_toml(read_document(path), path)).known(("accept",))
        entries = fields["accept"].items() if "accept" in fields else ()
        return cls(path=path, today=today, entries=tuple(_entry(view) for view in entries))

    def accepted(self, server: str) -> Sequence[BaselineEntry]:
        """Return what is still accepted of a server."""
        return [entry for entry in self.entries if entry.concerns(server) and not self.expired(entry)]

    def expired(self, entry: BaselineEntry) -> bool:
        """Return whether an entry's last day is over."""
        return entry.expires < self.today

    def problems(self, verdicts: Sequence[Verdict], *, whole: bool, unreached: Iterable[str] = ()) -> Iterator[str]:
        """Yield a message with line and hint for each entry that has expired or that no finding needs.

        Args:
            verdicts: Every verdict of the run.
            whole: Whether the run judged everything it could; otherwise nothing is called stale.
            unreached: Names of the servers of the run that were not reached; entries that may be about them stay.
        """
        away = tuple(unreached)
        for entry in self.entries:
            place = f"{self.path.name}:{entry.line}"
            if self.expired(entry):
                hint = "fix the finding and remove the entry, or set a later day"
                yield f"{place}: the acceptance of {entry} expired after {entry.expires}\nhint: {hint}"
            elif whole and not any(map(entry.concerns, away)) and not _needed(entry, verdicts):
                hint = "remove the entry, or run with --mcp-baseline-update"
                yield f"{place}: no finding needs the acceptance of {entry}\nhint: {hint}"

    def updated(self, verdicts: Sequence[Verdict], *, whole: bool, unreached: Iterable[str] = ()) -> Baseline:
        """Return the baseline that accepts the failures of a run.

        Entries that are still needed stay as they are, expired ones too: a later day is a person's decision.

        Args:
            verdicts: Every verdict of the run.
            whole: Whether the run judged everything it could; otherwise no entry is dropped.
            unreached: Names of the servers of the run that were not reached; entries that may be about them stay.
        """
        away = tuple(unreached)
        kept = [
            entry for entry in self.entries if not whole or any(map(entry.concerns, away)) or _needed(entry, verdicts)
        ]
        failures = [verdict for verdict in verdicts if verdict.outcome is Outcome.FAIL]
        new = [_accepting(one, self.today) for one in failures if not any(entry.matches(one) for entry in kept)]
        added = sorted(dict.fromkeys(new), key=lambda entry: (entry.server, entry.check, entry.tool))
        return replace(self, entries=(*kept, *added))

    def render(self) -> str:
        """Return the file's text."""
        return "\n".join([_HEADER, *(_as_toml(entry) for entry in self.entries)])

    def write(self) -> None:
        """Write the file, whole or not at all; comments in it are lost, reasons are not.

        Raises:
            OSError: The file cannot be written.
        """
        write_atomically(self.path, self.render())


def _needed(entry: BaselineEntry, verdicts: Sequence[Verdict]) -> bool:
    """Return whether a finding needs the entry, or may: what was not exercised in this run could be violated still."""
    return any(_may_be_violated(verdict) and entry.matches(verdict) for verdict in verdicts)


def _may_be_violated(verdict: Verdict) -> bool:
    """Return whether a verdict is a finding, or left open what it would have found."""
    left_open = verdict.outcome is Outcome.ERROR or (verdict.outcome is Outcome.SKIP and verdict.applicable)
    return left_open or verdict.outcome in {Outcome.WARN, Outcome.FAIL}


def _accepting(verdict: Verdict, today: date) -> BaselineEntry:
    """Return an entry for exactly one finding."""
    return BaselineEntry(
        check=verdict.check,
        server=_literal(verdict.server),
        tool="*" if verdict.tool is None else _literal(verdict.tool),
        reason=f"there on {today}; not reviewed yet",
        expires=today + timedelta(days=DAYS_ACCEPTED),
    )


def _meant(pattern: str, name: str) -> bool:
    """Return whether a name is meant, also when the pattern shows its hidden characters as reports do."""
    return matches(pattern, name) or matches(pattern, Presenter().line(name))


def _literal(name: str) -> str:
    """Return a pattern that means one name only: a server may call a tool ``*``."""
    return _WILDCARD.sub(lambda found: f"[{found.group()}]", name)


def _entry(view: View) -> BaselineEntry:
    """Return one entry of the file."""
    fields = view.known(_KEYS)
    for key in ("check", "reason", "expires"):
        if key not in fields:
            raise view.error(f"{view.name} has no {key}", hint=f"for example {_EXAMPLE}")
    reason = fields["reason"].text()
    if not reason.strip():
        raise fields["reason"].error(f"{view.name} gives no reason", hint="say why the finding is accepted")
    return BaselineEntry(
        check=fields["check"].text(),
        server=fields["server"].text() if "server" in fields else "*",
        tool=fields["tool"].text() if "tool" in fields else "*",
        reason=reason,
        expires=_day(fields["expires"]),
        line=view.mark.line,
    )


def _day(view: View) -> date:
    """Return a day."""
    text = view.text()
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise view.error(f"{view.name} is no day: {text!r}", hint="for example expires = 2027-01-31")


def _as_toml(entry: BaselineEntry) -> str:
    """Return an entry as a table."""
    patterns = {"check": entry.check, "server": entry.server, "tool": entry.tool}
    lines = [f"{key} = {_quoted(value)}" for key, value in patterns.items() if key == "check" or value != "*"]
    return "\n".join(["[[accept]]", *lines, f"reason = {_quoted(entry.reason)}", f"expires = {entry.expires}", ""])


def _quoted(text: str) -> str:
    """Return a TOML basic string."""
    return '"' + _ESCAPED.sub(lambda found: f"\\u{ord(found.group()):04x}", text) + '"'
