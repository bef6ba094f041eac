"""Simpler variants of a value, for finding the smallest call that shows a fault.

Hypothesis shrinks inside its own test loop; a caller that talks to a server asynchronously takes one variant after
another from here, keeps the first that still shows the fault, and starts again from it until none does.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_assay.core.json_types import Json

_PLAIN_TEXTS = ("", "a", "0")


def complexity(value: Json) -> tuple[int, str]:
    """Return a key by which simpler values come first: shorter JSON text, then the smaller text."""
    text = json.dumps(value, sort_keys=True)
    return len(text), text


def simpler(value: Json) -> Iterator[Json]:
    """Yield variants of ``value`` with a smaller `complexity`, the boldest cuts first.

    There are at most some fifty for each part of the value; every chain of them is finite.
    """
    limit = complexity(value)
    for variant in _variants(value):
        if complexity(variant) < limit:
            yield variant


def _variants(value: Json) -> Iterator[Json]:
    """Yield variants that are mostly simpler."""
    match value:
        case bool():
            yield False
        case int() | float():
            yield from _numbers(value)
        case str():
            yield from _texts(value)
        case list():
            yield from _arrays(value)
        case dict():
            yield from _objects(value)
        case _:
            return


def _numbers(value: int | float) -> Iterator[Json]:  # noqa: PYI041  (JSON tells the two apart)
    """Yield numbers nearer to zero and with fewer digits."""
    yield from (0, 1, -1, abs(value), int(value))
    step = int(value)
    while step:
        step = int(step / 2) if abs(step) > 2**53 else step // 2 if step > 0 else -(-step // 2)
        yield int(value) - step
        yield step
    toward = 1 if value < 0 else -1
    # Multiples of a small step are not met by halving.
    yield from (int(value) + toward * distance for distance in range(12, 0, -1))
    if isinstance(value, float):
        yield from (round(value, digits) for digits in range(1, 6))


def _texts(value: str) -> Iterator[Json]:
    """Yield shorter texts, then plainer ones."""
    yield from _PLAIN_TEXTS
    size = len(value) // 2
    while size:
        for start in range(0, len(value), max(size, len(value) // 8)):
            yield value[:start] + value[start + size :]
        size //= 2
    if not value.isascii():
        yield "".join(each if each.isascii() else "a" for each in value)
    yield "a" * len(value)


def _arrays(value: list[Json]) -> Iterator[Json]:
    """Yield arrays with fewer items, then with simpler ones."""
    size = len(value)
    while size:
        for start in range(0, len(value), max(size, len(value) // 8)):
            yield value[:start] + value[start + size :]
        size //= 2
    for index, item in enumerate(value[:50]):
        yield from ([*value[:index], variant, *value[index + 1 :]] for variant in simpler(item))


def _objects(value: dict[str, Json]) -> Iterator[Json]:
    """Yield objects with fewer properties, then with simpler values."""
    if len(value) > 1:
        yield {}
    for name in value:
        yield {key: item for key, item in value.items() if key != name}
    for name, item in value.items():
        yield from ({**value, name: variant} for variant in simpler(item))
