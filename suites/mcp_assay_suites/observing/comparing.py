"""Whether two JSON values are the same, and where they are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_assay_suites.observing.judging import shown

if TYPE_CHECKING:
    from mcp_assay.core.json_types import Json


def same(left: Json, right: Json) -> bool:
    """Return whether two JSON values are equal; true is not 1, but 1.0 is."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(value, right[name]) for name, value in left.items())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(same(one, other) for one, other in zip(left, right, strict=True))
    return left == right


def first_difference(left: Json, right: Json, pointer: str) -> tuple[str, str, str] | None:
    """Return the first place in which two JSON values differ, and what stands there, or None when they are equal."""
    if isinstance(left, dict) and isinstance(right, dict):
        for name in dict.fromkeys([*left, *right]):
            below = f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"
            if name not in left or name not in right:
                said, meant = (shown(side[name]) if name in side else "nothing" for side in (left, right))
                return below, said, meant
            place = first_difference(left[name], right[name], below)
            if place is not None:
                return place
        return None
    if isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        pairs = enumerate(zip(left, right, strict=True))
        places = (first_difference(one, other, f"{pointer}/{index}") for index, (one, other) in pairs)
        return next((place for place in places if place is not None), None)
    return None if same(left, right) else (pointer, shown(left), shown(right))
