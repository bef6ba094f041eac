"""What is known about a value before it is there: a JSON Schema, followed along a JMESPath expression.

The empty schema stands for "anything". What is not known is never a problem; what cannot be is one.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from mcp_assay.runtime.coercion import admitted_types, objects_in, type_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mcp_assay.core.json_types import Json, JsonObject

ANYTHING: JsonObject = {}
CLOSED = "x-closed"
"""Marks the objects of a workflow's own scope, whose members are all known."""

_DEEPEST = 40
_CHAINS = frozenset({"subexpression", "index_expression", "pipe"})
_LEAVES = frozenset({"field", "index", "slice", "identity", "current", "literal"})
_FIXED: Mapping[str, JsonObject] = {
    "comparator": {"type": "boolean"},
    "not_expression": {"type": "boolean"},
    "multi_select_list": {"type": "array"},
}
_RETURNS: Mapping[str, str] = {
    "number": "abs avg ceil floor length sum to_number",
    "boolean": "contains ends_with starts_with",
    "string": "join to_string type",
    "array": "keys map sort sort_by to_array values",
    "object": "merge",
}
_FUNCTIONS: Mapping[str, JsonObject] = {
    name: {"type": kind} for kind, names in _RETURNS.items() for name in names.split()
}


@dataclass(slots=True)
class Inference:
    """Follows expressions through what is known.

    Attributes:
        root: What is known about the scope.
        problems: What cannot be, one clause each.
        steps: Names of the steps that were referred to.
    """

    root: JsonObject
    problems: list[str] = field(default_factory=list[str])
    steps: set[str] = field(default_factory=set[str])

    def shape(self, tree: Mapping[str, Any]) -> JsonObject:
        """Return what is known about an expression's value."""
        return self._follow(tree, self.root, 0)

    def _follow(self, tree: Mapping[str, Any], here: JsonObject, depth: int) -> JsonObject:
        """Return what is known about the value of a subtree, seen from ``here``."""
        kind = str(tree["type"])
        if depth > _DEEPEST:
            return ANYTHING
        if kind in _CHAINS:
            for child in cast("list[Any]", tree["children"]):
                here = self._follow(child, here, depth + 1)
            return here
        if kind in _LEAVES:
            return self._leaf(kind, tree, here)
        if kind.endswith("projection") or kind == "flatten":
            return self._projection(kind, cast("list[Any]", tree["children"]), here, depth)
        return self._other(kind, tree, here, depth)

    def _leaf(self, kind: str, tree: Mapping[str, Any], here: JsonObject) -> JsonObject:
        """Return what is known about a member, an item, a literal, or the same value again."""
        if kind == "field":
            return self._field(here, str(tree["value"]))
        if kind == "index":
            return self._item(here)
        return {"type": type_of(cast("Json", tree["value"]))} if kind == "literal" else here

    def _projection(self, kind: str, children: list[Any], here: JsonObject, depth: int) -> JsonObject:
        """Return a list of what the right side makes of the items of the left one."""
        left = self._follow(children[0], here, depth + 1)
        if kind == "value_projection":
            self._spread(left)
            item = ANYTHING
        elif kind == "flatten":
            return {"type": "array", "items": self._flattened(self._item(left))}
        else:
            item = self._item(left)
        if kind == "filter_projection":
            self._follow(children[2], item, depth + 1)
        return {"type": "array", "items": self._follow(children[1], item, depth + 1)}

    def _flattened(self, item: JsonObject) -> JsonObject:
        """Return what is known about the items of a list after one level of lists in it is taken away."""
        types = admitted_types(resolved(item))
        if types and "array" not in types:
            return item
        return self._item(item) if types == frozenset({"array"}) else ANYTHING

    def _other(self, kind: str, tree: Mapping[str, Any], here: JsonObject, depth: int) -> JsonObject:
        """Return what is known about a function, a comparison, or a new object or list."""
        children = cast("list[Any]", tree["children"])
        if kind == "expref":
            return ANYTHING
        shapes = [self._follow(child, here, depth + 1) for child in children]
        if kind == "key_val_pair":
            return shapes[0]
        if kind == "multi_select_dict":
            names = [str(child["value"]) for child in children]
            return {"type": "object", "properties": cast("Json", dict(zip(names, shapes, strict=True))), CLOSED: True}
        if kind == "or_expression":
            return any_of(shapes)
        if kind == "function_expression":
            return _FUNCTIONS.get(str(tree["value"]), ANYTHING)
        return _FIXED.get(kind, ANYTHING)

    @property
    def _all_steps(self) -> JsonObject | None:
        return objects_in(self.root.get("properties")).get("steps")

    def _field(self, here: JsonObject, name: str) -> JsonObject:
        if here is self._all_steps:
            self.steps.add(name)
        return self._member(resolved(here), name)

    def _member(self, here: JsonObject, name: str) -> JsonObject:
        """Return what is known about a member."""
        branches = branches_of(here)
        if branches:
            found = [branch for branch in map(resolved, branches) if not _cannot_have(branch, name)]
            if not found:
                self.problems.append(_missing(branches[0], name))
            return any_of([_member_of(branch, name) for branch in found])
        if _cannot_have(here, name):
            self.problems.append(_missing(here, name))
        return _member_of(here, name)

    def _item(self, here: JsonObject) -> JsonObject:
        here = resolved(here)
        types = admitted_types(here)
        if types and "array" not in types:
            self.problems.append(f"a value of type {listed(types)} has no items")
        items = here.get("items")
        return items if isinstance(items, dict) else ANYTHING

    def _spread(self, here: JsonObject) -> None:
        """Note a wildcard: over all steps it would hide which ones are needed."""
        if here is self._all_steps:
            self.problems.append("a wildcard over all steps does not say which steps are needed")


def any_of(shapes: Iterable[JsonObject]) -> JsonObject:
    """Return what is known about a value that is one of several."""
    different: list[JsonObject] = []
    for shape in shapes:
        if shape not in different:
            different.append(shape)
    if len(different) == 1:
        return different[0]
    return {"anyOf": cast("Json", different)} if different and all(different) else ANYTHING


def branches_of(schema: JsonObject) -> list[JsonObject]:
    """Return the branches of ``anyOf`` or ``oneOf``, those that only say ``null`` left out."""
    for keyword in ("anyOf", "oneOf"):
        branches = schema.get(keyword)
        if isinstance(branches, list):
            objects = [branch for branch in branches if isinstance(branch, dict)]
            return [branch for branch in objects if branch.get("type") != "null"]
    return []


def resolved(schema: JsonObject) -> JsonObject:
    """Return a schema in which nothing is to be looked up elsewhere; one with references or conditions is anything."""
    return ANYTHING if {"$ref", "$dynamicRef", "allOf", "if"} & schema.keys() else schema


def clash(given: JsonObject, wanted: JsonObject) -> str | None:
    """Return why no value of one shape fits another, in one clause, or None when one may."""
    given, wanted = resolved(given), resolved(wanted)
    have, want = admitted_types(given), admitted_types(wanted)
    if have and want and not _widened(have) & _widened(want):
        return f"{listed(have)} where {listed(want)} is wanted"
    inner, inner_wanted = given.get("items"), wanted.get("items")
    if "array" in have & want and len(have | want) == 1 and isinstance(inner, dict) and isinstance(inner_wanted, dict):
        problem = clash(inner, inner_wanted)
        return None if problem is None else f"a list of {problem} in a list"
    return None


def listed(types: Iterable[str]) -> str:
    """Return type names in one phrase."""
    return " or ".join(sorted(types))


def inlined(schema: JsonObject) -> JsonObject:
    """Return a schema with its local references to ``$defs`` and ``definitions`` written out, to a bounded depth."""
    known = {
        f"#/{keyword}/{name}": entry
        for keyword in ("$defs", "definitions")
        for name, entry in objects_in(schema.get(keyword)).items()
    }
    return cast("JsonObject", _inlined(schema, known, 0)) if known else schema


def _inlined(value: Json, known: Mapping[str, JsonObject], depth: int) -> Json:
    if depth > 12:
        return {}
    if isinstance(value, list):
        return [_inlined(item, known, depth + 1) for item in value]
    if not isinstance(value, dict):
        return value
    reference = value.get("$ref")
    if isinstance(reference, str) and reference in known:
        return _inlined(known[reference], known, depth + 1)
    return {
        name: _inlined(member, known, depth + 1)
        for name, member in value.items()
        if name not in {"$defs", "definitions", "default", "examples"}
    }


def _widened(types: frozenset[str]) -> frozenset[str]:
    """Return types with integer and number taken for each other: which one a number is shows only in its value."""
    return types | {"integer", "number"} if types & {"integer", "number"} else types


def _cannot_have(schema: JsonObject, name: str) -> bool:
    """Return whether a value of a schema has no such member, as far as its author says.

    Undeclared members are allowed by JSON Schema, but a reference to one that a server never mentioned is a mistake.
    """
    types = admitted_types(schema)
    if types and "object" not in types:
        return True
    properties = schema.get("properties")
    if not isinstance(properties, dict) or name in properties:
        return False
    return schema.get("additionalProperties", False) is False and "patternProperties" not in schema


def _member_of(schema: JsonObject, name: str) -> JsonObject:
    return objects_in(schema.get("properties")).get(name, ANYTHING)


def _missing(schema: JsonObject, name: str) -> str:
    types = admitted_types(schema)
    if types and "object" not in types:
        return f"a value of type {listed(types)} has no member {name!r}"
    names = list(objects_in(schema.get("properties")))
    close = difflib.get_close_matches(name, names, n=1)
    known = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(names[:10]) or 'none'}"
    return f"there is no {name!r} ({known})"
