"""Fitting a value to a JSON Schema where that loses nothing."""

from __future__ import annotations

import copy
import json
import math
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_assay.core.json_types import Json, JsonObject

DEEPEST = 32
"""Levels of objects and arrays that are looked into."""

_LONGEST_NUMBER = 400
_EXACT = 2**53
"""Whole numbers up to here are the same in every JSON implementation (RFC 8259, section 6)."""

_TRUE, _FALSE = frozenset({"true", "yes", "1"}), frozenset({"false", "no", "0"})
_ORDER = ("integer", "number", "boolean", "array", "object", "string")
"""Types in the order in which they are tried when a schema admits several."""

_TYPE_NAMES = {"int": "integer", "str": "string", "list": "array", "dict": "object"}

Path = tuple["str | int", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change to the arguments.

    Attributes:
        path: Names and positions from the arguments down to the value.
        action: ``coerced``, ``defaulted`` or ``dropped``.
        reason: Why, in one clause.
        before: The value before; None for a default.
        after: The value after; None when it was dropped.
    """

    path: Path
    action: str
    reason: str
    before: Json = None
    after: Json = None

    @property
    def name(self) -> str:
        """The place as a JSON Pointer without its leading slash, so that a plain argument is its name."""
        return "/".join(str(part).replace("~", "~0").replace("/", "~1") for part in self.path)


@dataclass(slots=True)
class Fitting:
    """Fits one set of arguments and notes what it did.

    Attributes:
        tool: The tool's name, for messages.
        drop_unknown: Whether unknown properties are dropped where the schema admits none.
        changes: What was changed so far.
        problems: Why the arguments still break the schema.
    """

    tool: str
    drop_unknown: bool
    changes: list[Change] = field(default_factory=list["Change"])
    problems: list[str] = field(default_factory=list[str])

    def object(self, value: JsonObject, schema: JsonObject, path: Path = ()) -> JsonObject:
        """Return an object fitted to its schema; ``value`` is not modified."""
        properties = objects_in(schema.get("properties"))
        fitted: JsonObject = {}
        for name, member in value.items():
            here = (*path, name)
            if name in properties:
                fitted[name] = self.value(member, properties[name], here)
            elif schema.get("additionalProperties") is not False or "patternProperties" in schema:
                fitted[name] = member
            elif self.drop_unknown:
                self._note(here, "dropped", "the schema does not know it", before=member)
            else:
                self.problems.append(f"{self.tool} takes no argument {_place(here)!r}")
                fitted[name] = member
        self._complete(fitted, properties, path)
        self._miss(fitted, schema, path)
        return fitted

    def value(self, value: Json, schema: JsonObject, path: Path) -> Json:
        """Return a value in a type its schema asks for, when that loses nothing."""
        wanted = admitted_types(schema)
        if wanted and type_of(value) not in wanted and not (type_of(value) == "integer" and "number" in wanted):
            value = self._coerced(value, schema, wanted, path)
        if len(path) < DEEPEST and isinstance(value, dict) and "properties" in schema:
            return self.object(value, schema, path)
        items = schema.get("items")
        if len(path) < DEEPEST and isinstance(value, list) and isinstance(items, dict):
            return [self.value(item, items, (*path, index)) for index, item in enumerate(value)]
        return value

    def _coerced(self, value: Json, schema: JsonObject, wanted: frozenset[str], path: Path) -> Json:
        for kind in _ORDER:
            if kind not in wanted:
                continue
            found, after = _as_type(value, kind, schema)
            if found:
                self._note(path, "coerced", f"the schema asks for {kind}", before=value, after=after)
                return after
        return value

    def _complete(self, fitted: JsonObject, properties: dict[str, JsonObject], path: Path) -> None:
        """Add the defaults of properties that are missing, where a default is of its own schema's type."""
        for name, schema in properties.items():
            if name in fitted or "default" not in schema or not _is_usable(schema["default"], schema):
                continue
            fitted[name] = copy.deepcopy(schema["default"])
            self._note((*path, name), "defaulted", "the schema gives a default", after=schema["default"])

    def _miss(self, fitted: JsonObject, schema: JsonObject, path: Path) -> None:
        required = schema.get("required")
        for name in required if isinstance(required, list) else []:
            if isinstance(name, str) and name not in fitted:
                self.problems.append(f"{self.tool} needs the argument {_place((*path, name))!r}")

    def _note(self, path: Path, action: str, reason: str, *, before: Json = None, after: Json = None) -> None:
        self.changes.append(Change(path=path, action=action, reason=reason, before=before, after=after))


def undo(arguments: JsonObject, changes: tuple[Change, ...]) -> JsonObject:
    """Return the arguments as they were before ``changes``; the order of members is not kept."""
    original = copy.deepcopy(arguments)
    for change in reversed(changes):
        parent: Any = original
        for part in change.path[:-1]:
            parent = parent[part]
        if change.action == "defaulted":
            del parent[change.path[-1]]
        else:
            parent[change.path[-1]] = change.before
    return original


def objects_in(value: Json) -> dict[str, JsonObject]:
    """Return the entries of an object, those that are no objects as empty ones."""
    entries = value.items() if isinstance(value, dict) else ()
    return {name: entry if isinstance(entry, dict) else {} for name, entry in entries}


def admitted_types(schema: JsonObject) -> frozenset[str]:
    """Return the types that a schema admits by ``type``, or by the ``type`` of every branch; empty when any."""
    own = frozenset(_named_types(schema))
    if own:
        return own
    for keyword in ("anyOf", "oneOf"):
        branches = schema.get(keyword)
        if isinstance(branches, list) and branches:
            found = [frozenset(_named_types(branch)) for branch in branches if isinstance(branch, dict)]
            complete = all(found) and len(found) == len(branches)
            return frozenset(name for names in found for name in names) if complete else frozenset()
    return frozenset()


def type_of(value: Json) -> str:
    """Return the JSON Schema type of a value; a float without a fraction is an integer, as the standard has it."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, float):
        return "number"
    return _TYPE_NAMES.get(type(value).__name__, "null")


def finite_json(text: str) -> Json:
    """Return the JSON value that a text holds.

    Raises:
        ValueError: It holds none, or one with NaN or infinity, or with an integer that no server could read.
    """
    try:
        value: Json = json.loads(text, parse_constant=_refuse, parse_float=_finite, parse_int=_bounded)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return value


def _named_types(schema: JsonObject) -> Iterator[str]:
    named = schema.get("type")
    for name in named if isinstance(named, list) else [named]:
        if isinstance(name, str):
            yield name


def _is_usable(default: Json, schema: JsonObject) -> bool:
    wanted = admitted_types(schema)
    return not wanted or type_of(default) in wanted or (type_of(default) == "integer" and "number" in wanted)


def _as_type(value: Json, wanted: str, schema: JsonObject) -> tuple[bool, Json]:
    """Return whether a value can be had as a type without loss, and it."""
    if isinstance(value, str):
        return _spelled(value, wanted, schema)
    if isinstance(value, float) and wanted == "integer" and value.is_integer() and abs(value) <= _EXACT:
        return True, int(value)
    if wanted == "array" and value is not None:
        return True, [value]
    if wanted == "string" and isinstance(value, int) and not isinstance(value, bool):
        return True, str(value)
    return False, None


def _spelled(text: str, wanted: str, schema: JsonObject) -> tuple[bool, Json]:
    """Return whether a text spells a value of a type, and the value."""
    if wanted == "boolean":
        return text.lower() in _TRUE | _FALSE, text.lower() in _TRUE
    if wanted in {"integer", "number"}:
        return _number(text, whole=wanted == "integer")
    if wanted == "array":
        items = schema.get("items")
        takes_texts = isinstance(items, dict) and "string" in admitted_types(items)
        found, value = (False, None) if takes_texts else _container(text, list)
        return True, value if found else [text]
    return _container(text, dict) if wanted == "object" else (False, None)


def _number(text: str, *, whole: bool) -> tuple[bool, Json]:
    """Return whether a text spells a number that a double or a safe integer holds exactly, and the number."""
    if len(text) > _LONGEST_NUMBER:
        return False, None
    try:
        number = finite_json(text)
        exact = Decimal(text.strip()) == Decimal(repr(number))
    except (ValueError, InvalidOperation):
        return False, None
    if isinstance(number, bool) or not isinstance(number, int | float) or not exact:
        return False, None
    return (isinstance(number, int) or not whole) and abs(number) <= (
        _EXACT if isinstance(number, int) else math.inf
    ), (number)


def _container(text: str, kind: type) -> tuple[bool, Json]:
    try:
        value = finite_json(text)
    except ValueError:
        return False, None
    return isinstance(value, kind), value


def _refuse(constant: str) -> Json:
    raise ValueError(f"{constant} is no JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("no double is that large")
    return number


def _bounded(text: str) -> int:
    if len(text) > 19 or not -(2**63) <= (number := int(text)) < 2**63:
        raise ValueError("no server can be expected to read an integer beyond 64 bits")
    return number


def _place(path: Path) -> str:
    return "/".join(map(str, path))
