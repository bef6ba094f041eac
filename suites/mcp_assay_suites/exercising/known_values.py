"""Values that mean something to a server: those it named itself, and those that worked before.

They are found by name. What ``list_notes`` returns as ``{"notes": [{"id": 7}]}`` is an ``id``, and because of the
tool's name a ``note_id``; what stands in an array counts under the array's name without its plural.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_assay.runtime.categories import singular as singular_word
from mcp_assay.runtime.categories import words_of
from mcp_assay_suites.exercising.cases import canonical
from mcp_assay_suites.exercising.texts import strings_of, values_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from mcp_assay.core.json_types import Json
    from mcp_assay.readiness.subject import ServerUnderTest
    from mcp_assay_suites.exercising.cases import Calls, Case

_LONGEST = 200
_MOST_OF_A_NAME = 40
_MOST_LINES = 60
_LINE = re.compile(r"^[\s\-*#]*(?P<name>[A-Za-z][A-Za-z _]{0,30}?)\s*[:=]\s*(?P<value>[^\s,;]{1,100})")
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


class KnownValues:
    """Values by parameter name, in the order in which they became known."""

    def __init__(self) -> None:
        self._values: dict[str, dict[str, Known]] = {}

    def of(self, parameter: str) -> tuple[Known, ...]:
        """Return what is known for a parameter, whatever the style of its name and whether it is a plural."""
        plain = plain_name(parameter)
        found = {**self._values.get(plain, {}), **self._values.get(singular(plain), {})}
        return tuple(found.values())

    def add(self, name: str, known: Known) -> None:
        """Add a value unless it is empty or long."""
        value = known.value
        if isinstance(value, bool) or value is None or (isinstance(value, str) and not 0 < len(value) <= _LONGEST):
            return
        values = self._values.setdefault(name, {})
        if len(values) < _MOST_OF_A_NAME:
            values.setdefault(canonical(value), known)

    def add_results(self, tool: str, calls: Calls) -> None:
        """Add what the results of a tool's calls name."""
        for case in calls.successes:
            for member, value in (*values_of(case), *_in_lines(case)):
                known = Known(value=value, source=tool, member=member)
                for name in _names(tool, member):
                    self.add(name, known)

    def add_arguments(self, tool: str, calls: Calls) -> None:
        """Add what a tool was called with when it did its work; wrong and empty arguments say nothing."""
        for case in calls.successes:
            for parameter, value in _scalars(case.arguments):
                self.add(singular(plain_name(parameter)), Known(value=value, source=tool, member=parameter))

    def add_given(self, server: ServerUnderTest) -> None:
        """Add the arguments of the user's own settings, and the addresses of the server's resources."""
        for tool in server.tools:
            for parameter, value in _scalars(tool.decision.arguments or {}):
                self.add(singular(plain_name(parameter)), Known(value=value, source=_USER, member=parameter))
        for resource in server.inventory.objects("resources"):
            self.add("uri", Known(value=resource.get("uri"), source=_RESOURCES, member="uri"))


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
    """Yield what lines of text such as ``Session ID: 7`` name."""
    lines: Iterable[str] = (line for text in strings_of(case) for line in text.splitlines()[:_MOST_LINES])
    for line in lines:
        match = _LINE.match(line)
        if match is not None:
            value = match["value"].strip("`'\"().")
            yield match["name"], int(value) if value.isdecimal() and len(value) < 16 else value
