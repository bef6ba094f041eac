"""Values that mean something to a server: those it named itself, and those that worked before.

They are found by name. What ``list_notes`` returns as ``{"notes": [{"id": 7}]}`` is an ``id``, and because of the
tool's name a ``note_id``; what stands in an array counts under the array's name without its plural.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mcp_assay.runtime.categories import singular as singular_word
from mcp_assay.runtime.categories import words_of
from mcp_assay_suites.exercising.cases import canonical
from mcp_assay_suites.exercising.texts import strings_of, values_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from mcp_assay.core.json_types import Json
    from mcp_assay.readiness.subject import ServerUnderTest
    from mcp_assay_suites.exercising.cases import Calls, Case

_LONGEST = 200
_MOST_OF_A_NAME = 40
_MOST_LINES = 60
_LINE = re.compile(r"^[\s\-*#]*(?P<name>[A-Za-z][A-Za-z _]{0,30}?)\s*[:=]\s*(?P<value>[^\s,;]{1,100})")
_PATH = re.compile(r"^[\s\-*]*(?P<path>(?:/|[A-Za-z]:\\)(?!/)[^\s:*?\"<>|]{1,190})$")
_BARE = frozenset({"id", "key", "name", "path", "uri", "url"})
"""Names that say nothing without the thing they belong to."""
_USER = "mcp-assay.toml"
_RESOURCES = "resources/list"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A value and where it came from.

    Attributes:
        value: The value.
        source: The tool that returned it or was called with it, or where else it came from.
        member: The member of the result, or the parameter.
    """

    value: Json
    source: str
    member: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A value under a name.

    Attributes:
        name: The parameter's plain name.
        text: The value as canonical JSON.
        known: The value.
    """

    name: str
    text: str
    known: Known


@dataclass(slots=True)
class ReadCases:
    """What the calls of a server name; each is read once, whichever tools' arguments are looked for."""

    _read: dict[tuple[int, str], tuple[Case, tuple[Entry, ...]]] = field(
        default_factory=dict[tuple[int, str], "tuple[Case, tuple[Entry, ...]]"]
    )

    def results(self, tool: str, case: Case) -> tuple[Entry, ...]:
        """Return what a result of a tool names."""
        return self._entries("results", case, lambda: _of_results(tool, case))

    def arguments(self, tool: str, case: Case) -> tuple[Entry, ...]:
        """Return what a tool was called with."""
        return self._entries("arguments", case, lambda: _of_arguments(tool, case.arguments))

    def _entries(self, kind: str, case: Case, read: Callable[[], Iterable[Entry]]) -> tuple[Entry, ...]:
        # The case is kept with its entries, so that its identity stays its own.
        key = (id(case), kind)
        if key not in self._read:
            self._read[key] = (case, tuple(read()))
        return self._read[key][1]


class KnownValues:
    """Values by parameter name, in the order in which they became known."""

    def __init__(self, read: ReadCases | None = None) -> None:
        self._values: dict[str, dict[str, Known]] = {}
        self._read = read or ReadCases()

    def of(self, parameter: str) -> tuple[Known, ...]:
        """Return what is known for a parameter, whatever the style of its name and whether it is a plural."""
        plain = plain_name(parameter)
        found = {**self._values.get(plain, {}), **self._values.get(singular(plain), {})}
        return tuple(found.values())

    def add(self, name: str, known: Known) -> None:
        """Add a value unless it is empty or long."""
        self._add(_entries(name, known))

    def _add(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            values = self._values.setdefault(entry.name, {})
            if len(values) < _MOST_OF_A_NAME:
                values.setdefault(entry.text, entry.known)

    def add_results(self, tool: str, calls: Calls) -> None:
        """Add what the results of a tool's calls name."""
        for case in calls.successes:
            self._add(self._read.results(tool, case))

    def add_arguments(self, tool: str, calls: Calls) -> None:
        """Add what a tool was called with when it did its work; wrong and empty arguments say nothing."""
        for case in calls.successes:
            self._add(self._read.arguments(tool, case))

    def add_offered(self, offered: Iterable[tuple[str, Known]]) -> None:
        """Add values by the name of what they were offered for."""
        for name, known in offered:
            self._add(_entries(singular(plain_name(name)), known))

    def add_given(self, server: ServerUnderTest) -> None:
        """Add the arguments of the user's own settings, and the addresses of the server's resources."""
        for tool in server.tools:
            self._add(_of_arguments(_USER, tool.decision.arguments or {}))
        for resource in server.inventory.objects("resources"):
            self.add("uri", Known(value=resource.get("uri"), source=_RESOURCES, member="uri"))


def _entries(name: str, known: Known) -> Iterator[Entry]:
    """Yield the entry of a value unless it is empty or long."""
    value = known.value
    if isinstance(value, bool) or value is None or (isinstance(value, str) and not 0 < len(value) <= _LONGEST):
        return
    yield Entry(name, canonical(value), known)


def _of_results(tool: str, case: Case) -> Iterator[Entry]:
    """Yield what the result of a call names."""
    for member, value in (*values_of(case), *_in_lines(case)):
        known = Known(value=value, source=tool, member=member)
        for name in _names(tool, member):
            yield from _entries(name, known)


def _of_arguments(source: str, arguments: Mapping[str, Json]) -> Iterator[Entry]:
    """Yield texts and numbers among arguments under the names of their parameters."""
    for parameter, value in _scalars(arguments):
        yield from _entries(singular(plain_name(parameter)), Known(value=value, source=source, member=parameter))


def plain_name(name: str) -> str:
    """Return a name in lower case with ``_`` between its words: ``repoPath`` and ``repo-path`` are ``repo_path``."""
    return "_".join(words_of(name)) or name.lower()


def singular(name: str) -> str:
    """Return a name without its plural, as far as its ending tells."""
    return "id" if name == "ids" else singular_word(name)


def _names(tool: str, member: str) -> Iterator[str]:
    """Yield the names of a member: its own, and with each word of its tool's name before one that says little."""
    name = singular(plain_name(member))
    yield name
    if name in _BARE:
        yield from (f"{singular(word)}_{name}" for word in plain_name(tool).split("_"))


def _scalars(arguments: Mapping[str, Json]) -> Iterator[tuple[str, Json]]:
    """Yield texts and numbers among arguments, those one array or object further in included."""
    for name, value in arguments.items():
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, dict):
                yield from ((inner, it) for inner, it in part.items() if isinstance(it, str | int | float))
            elif isinstance(part, str | int | float):
                yield name, part


def _in_lines(case: Case) -> Iterator[tuple[str, Json]]:
    """Yield what lines of text such as ``Session ID: 7`` name, and lines that are a path and nothing else."""
    lines: Iterable[str] = (line for text in strings_of(case) for line in text.splitlines()[:_MOST_LINES])
    for line in lines:
        path = _PATH.match(line)
        if path is not None:
            yield "path", path["path"]
        match = _LINE.match(line)
        if match is not None:
            value = match["value"].strip("`'\"().")
            yield match["name"], int(value) if value.isdecimal() and len(value) < 16 else value
