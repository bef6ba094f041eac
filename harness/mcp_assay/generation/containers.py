"""Generators that have parts: arrays, objects, choices between parts."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from mcp_assay.generation.nodes import ATTEMPTS, Node, RejectedError, copied
from mcp_assay.generation.sources import DEEPEST, Choice, Integers, Style, roomy

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.generation.sources import Chooser

_SMALL_MASK = 6
_NONE = Integers(0, 0)
_RARE = 16
_FEW = Integers(1, 3)
_MANY = 40
_SOON = 10
_ALL_OR_NONE = Choice((False, True))


@dataclass(slots=True)
class Link:
    """A part that refers back to another; the target is known only after it was built."""

    target: Node | None = None
    weight: float = math.inf

    def settle(self) -> bool:
        """Take the target's weight and return whether it changed."""
        weight = self.target.weight if self.target else math.inf
        changed, self.weight = weight != self.weight, weight
        return changed

    def value(self, choose: Chooser) -> Json:
        """Return a value of the target."""
        if self.target is None:
            raise RejectedError
        return self.target.value(choose)


@dataclass(slots=True)
class Union:
    """One of several parts."""

    branches: Sequence[Node]
    weight: float = math.inf
    _lightest: Node | None = field(default=None, init=False)
    _choice: Choice[Node] | None = field(default=None, init=False)

    def settle(self) -> bool:
        """Take the weight of the lightest branch and return whether anything changed."""
        possible = tuple(branch for branch in self.branches if branch.weight < math.inf)
        if not possible:
            return False
        self._lightest = min(possible, key=lambda branch: branch.weight)
        changed = self._lightest.weight != self.weight or len(possible) != len(
            self._choice.values if self._choice else ()
        )
        self.weight, self._choice = self._lightest.weight, Choice(possible)
        return changed

    def value(self, choose: Chooser) -> Json:
        """Return a value of a branch, of the lightest one when room is short."""
        if self._choice is None or self._lightest is None:
            raise RejectedError
        branch = choose(self._choice)
        if not roomy(choose, branch.weight):
            branch = self._lightest
        return branch.value(choose)


@dataclass(slots=True)
class Suggested:
    """Values that the schema, the property's name or earlier results suggest, and others."""

    node: Node
    values: Sequence[Json]
    weight: float = 1.0
    _choice: Choice[int] = field(init=False)

    def __post_init__(self) -> None:
        count = len(self.values)
        # One draw decides both whether a suggestion is taken, two times out of three, and which.
        self._choice = Choice([*range(count), *range(count), *[count] * count])

    def settle(self) -> bool:
        """Return False: a suggestion has no parts."""
        return False

    def value(self, choose: Chooser) -> Json:
        """Return a suggestion, or something else; always something else in another style than the plain one."""
        possible = self.node.weight < math.inf
        if possible and choose.style is not Style.PLAIN:
            return self.node.value(choose)
        index = choose(self._choice)
        if index == len(self.values):
            if possible:
                return self.node.value(choose)
            index = 0
        return copied(self.values[index])


@dataclass(slots=True)
class Checked:
    """Values of a part that pass a check which the part alone does not ensure."""

    node: Node
    passes: Callable[[Json], bool]
    weight: float = math.inf

    def settle(self) -> bool:
        """Take the part's weight and return whether it changed."""
        changed, self.weight = self.node.weight != self.weight, self.node.weight
        return changed

    def value(self, choose: Chooser) -> Json:
        """Return a value that passes."""
        for _ in range(ATTEMPTS):
            made = self.node.value(choose)
            if self.passes(made):
                return made
        raise RejectedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Needed:
    """Items that an array has to contain.

    Attributes:
        node: Makes one of them.
        least: How many there are at least.
    """

    node: Node
    least: int


@dataclass(slots=True, kw_only=True)
class Array:
    """Arrays.

    Attributes:
        prefix: Generators of the first items.
        items: Generator of the others, or None when there are none.
        low: Least number of items.
        high: Greatest number of items.
        unique: Whether no two items are equal.
        needed: Items that have to be there.
    """

    prefix: Sequence[Node]
    items: Node | None
    low: int
    high: int
    unique: bool
    needed: Sequence[Needed] = ()
    weight: float = math.inf

    def settle(self) -> bool:
        """Add up the least items and return whether the sum changed."""
        parts = [self._at(index).weight for index in range(min(self.low, len(self.prefix)))]
        missing = self.low - len(parts)
        rest = 0.0 if missing <= 0 else missing * (self.items.weight if self.items else math.inf)
        weight = 1.0 + sum(parts) + rest + sum(need.least * need.node.weight for need in self.needed)
        changed, self.weight = weight != self.weight, weight
        return changed

    def value(self, choose: Chooser) -> Json:
        """Return an array; the required items stand behind the prefix."""
        _enter(choose)
        needed = [need.node for need in self.needed for _ in range(need.least)]
        length = max(self._length(choose), len(needed))
        start = max(min(len(self.prefix), length - len(needed)), 0)
        made: list[Json] = []
        seen: set[str] = set()
        for index in range(length):
            place = index - start
            node = needed[place] if 0 <= place < len(needed) else self._at(index)
            item = self._fresh(node, choose, seen)
            if item is _NOTHING:
                break
            made.append(item)  # type: ignore[arg-type]  # narrowed by the sentinel above
        if len(made) < self.low:
            raise RejectedError
        choose.depth -= 1
        return made

    def _length(self, choose: Chooser) -> int:
        """Return a number of items: few, and none beyond the least when room is short."""
        if choose.style is Style.EDGES and roomy(choose):
            return choose(Choice((self.low, max(self.low, min(self.high, _MANY)))))
        room = roomy(choose, self.items.weight if self.items else 1)
        reach = min(self.high, max(self.low + 3, len(self.prefix)) if room else self.low)
        return choose(Integers(self.low, max(self.low, reach)))

    def _at(self, index: int) -> Node:
        """Return the generator of the item at ``index``."""
        if index < len(self.prefix):
            return self.prefix[index]
        if self.items is None:
            raise RejectedError
        return self.items

    def _fresh(self, node: Node, choose: Chooser, seen: set[str]) -> object:
        """Return an item, different from those before if need be, or `_NOTHING` when no other was found."""
        for _ in range(ATTEMPTS if self.unique else 1):
            item = node.value(choose)
            key = identity(item) if self.unique else ""
            if not self.unique or key not in seen:
                seen.add(key)
                return item
        return _NOTHING


_NOTHING = object()


def identity(value: Json) -> str:
    """Return a text that two values share if and only if JSON Schema calls them equal (1 equals 1.0)."""
    return json.dumps(_unified(value), sort_keys=True)


def _unified(value: Json) -> Json:
    """Return ``value`` with whole floats as integers and booleans kept apart from numbers by their JSON text."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_unified(item) for item in value]
    if isinstance(value, dict):
        return {name: _unified(item) for name, item in value.items()}
    return value


def _enter(choose: Chooser) -> None:
    """Count one more value, and one more open container.

    Raises:
        RejectedError: Too many are open.
    """
    choose.left -= 1
    choose.depth += 1
    if choose.depth > DEEPEST:
        raise RejectedError


class Names(Protocol):
    """Makes property names and knows what their values look like."""

    def name(self, choose: Chooser) -> str:
        """Return a name."""
        ...

    def numbered(self, number: int) -> str | None:
        """Return the name that stands for a number, or None when names have to follow a rule."""
        ...

    def node(self, name: str) -> Node:
        """Return the generator of the values of ``name``."""
        ...


@dataclass(slots=True, kw_only=True)
class Object:
    """Objects.

    Attributes:
        required: Generators of the properties that are always there.
        optional: Generators of the others that the schema names.
        extra: Other properties, or None when there can be none.
        low: Least number of properties.
        high: Greatest number of properties.
        breaches: Names and values of properties that have to be there because some rule must not hold.
    """

    required: dict[str, Node]
    optional: dict[str, Node]
    extra: Names | None
    low: int
    high: int
    breaches: Sequence[tuple[Node, Node]] = ()
    weight: float = math.inf
    _names: tuple[str, ...] = field(default=(), init=False)
    _states: int = field(default=1, init=False)
    _plan: Integers = field(default=_NONE, init=False)
    _place: Integers = field(default=_NONE, init=False)

    def settle(self) -> bool:
        """Add up the required properties and return whether the sum or the possible properties changed."""
        names = tuple(name for name, node in self.optional.items() if node.weight < math.inf)
        weight = 1.0 + sum(node.weight for node in self.required.values())
        missing = self.low - len(self.required)
        if missing > 0:
            lightest = sorted(self.optional[name].weight for name in names)[:missing]
            weight += sum(lightest) + (0 if len(lightest) == missing or self.extra else math.inf)
            weight += 2 * (missing - len(lightest)) if self.extra else 0
        changed = (weight, names) != (self.weight, self._names)
        self.weight, self._names = weight, names
        count = len(names)
        self._states = 2**count if count <= _SMALL_MASK else min(count, 8) + 1
        self._plan = Integers(0, self._states * (_RARE if self.extra else 1) - 1, plain=0)
        self._place = Integers(0, max(0, count - 1), plain=0)
        return changed

    def value(self, choose: Chooser) -> Json:
        """Return an object, required properties first."""
        return self.with_properties(choose, ())

    def with_properties(self, choose: Chooser, forced: Sequence[str]) -> JsonObject:
        """Return an object in which the optional properties ``forced`` are there as well."""
        _enter(choose)
        made: JsonObject = {name: node.value(choose) for name, node in self.required.items()}
        # One draw decides which optional properties are there and, one time in `_RARE`, that others are as well.
        rare, mask = divmod(choose(self._plan) if roomy(choose) and self._plan.high else 0, self._states)
        for name in (*forced, *self._picked(choose, mask)):
            if name in made or name not in self.optional or len(made) >= self.high:
                continue
            if name in forced or roomy(choose, self.optional[name].weight) or len(made) < self.low:
                made[name] = self.optional[name].value(choose)
        for name_node, node in self.breaches:
            made[str(name_node.value(choose))] = node.value(choose)
        self._add_extra(made, choose, wanted=rare == _RARE - 1)
        if len(made) < self.low:
            raise RejectedError
        choose.depth -= 1
        return made

    def _picked(self, choose: Chooser, mask: int) -> list[str]:
        """Return optional properties: any set of a few names, up to eight of many, and those that have to fill up."""
        names, missing = self._names, self.low - len(self.required)
        if not names or (missing <= 0 and not roomy(choose)):
            return []
        if choose.eager or (choose.style is Style.EDGES and choose(_ALL_OR_NONE)):
            return list(names)
        if len(names) <= _SMALL_MASK:
            picked = [name for bit, name in enumerate(names) if mask >> bit & 1]
        else:
            picked = list(dict.fromkeys(names[choose(self._place)] for _ in range(mask)))
        if len(picked) < missing:
            picked += [name for name in names if name not in picked]
            picked = picked[:missing]
        return picked

    def _add_extra(self, made: JsonObject, choose: Chooser, *, wanted: bool) -> None:
        """Add properties that the schema does not name: those that are missing, or some if ``wanted``."""
        if self.extra is None:
            return
        missing = self.low - len(made)
        if missing <= 0:
            if choose.eager or not wanted or len(made) >= self.high:
                return
            missing = min(choose(_FEW), self.high - len(made))
        for attempt in range(missing * 5):
            # Many names at once come from counting: random ones would collide.
            name = (self.extra.numbered(len(made)) if attempt >= _SOON else None) or self.extra.name(choose)
            if name not in made and name not in self.optional:
                made[name] = self.extra.node(name).value(choose)
                missing -= 1
            if missing <= 0:
                return
