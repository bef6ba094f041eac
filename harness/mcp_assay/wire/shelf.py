"""Recorded exchanges, found again by what their requests say."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

import orjson

from mcp_assay.wire.messages import Undecodable, decode

if TYPE_CHECKING:
    from mcp_assay.wire.exchange import Exchange

RANDOM = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|(?:zq)?[0-9a-f]{16,64}")
"""Words that probes make up anew in each run: UUIDs and long hexadecimal numbers."""

_ID = re.compile(rb'(?<=^\{"jsonrpc":"2\.0",)"id":(?:-?\d+|"[^"\\]*"),')
_TOKEN = re.compile(rb'"progressToken":(?:\d+|"[^"\\]*")')
_NEAR = 2_048
"""Bytes from either end of a message within which its id, token and random words stand."""

Said = tuple[bytes, int]
"""What a request says: the ends of it, and the hash of what is between."""


class Shelf:
    """Recorded exchanges that are handed out once each, and found by what their requests say."""

    def __init__(self, exchanges: list[Exchange]) -> None:
        self._left = dict(enumerate(exchanges))
        self._starts = deque(sorted((one.sent_at, place) for place, one in self._left.items()))
        self._used: dict[tuple[str, Said], Exchange] = {}
        self._same: dict[tuple[str, Said], deque[int]] = {}
        self._alike: dict[tuple[str, tuple[str, ...] | None], deque[int]] = {}
        for place, one in self._left.items():
            self._same.setdefault((one.method, said(one.sent)), deque()).append(place)

    def next_start(self) -> float:
        """Return when the first exchange that is left began, or infinity when none is."""
        while self._starts and self._starts[0][1] not in self._left:
            self._starts.popleft()
        return self._starts[0][0] if self._starts else float("inf")

    def take_all(self, methods: set[str]) -> list[Exchange]:
        """Return all exchanges of some methods that are left."""
        places = [place for place, one in self._left.items() if one.method in methods]
        return [self._left.pop(place) for place in places]

    def take(self, method: str, sent: bytes) -> Exchange | None:
        """Return the next exchange whose request says the same, the last one again when all were handed out."""
        key = (method, said(sent))
        found = self._next(self._same.get(key))
        if found is not None:
            self._used[key] = found
        return found or self._used.get(key)

    def take_similar(self, method: str, sent: bytes) -> Exchange | None:
        """Return the next exchange of a method whose parameters have the same names; a probe goes by its label."""
        if not self._alike:
            for place, one in self._left.items():
                self._alike.setdefault((one.method, _names(one.method, one.sent)), deque()).append(place)
        found = self._next(self._alike.get((method, _names(method, sent))))
        if found is not None:
            self._used[method, said(sent)] = found
        return found

    def _next(self, places: deque[int] | None) -> Exchange | None:
        """Return the first exchange that is still there, and forget it."""
        while places:
            place = places.popleft()
            if place in self._left:
                return self._left.pop(place)
        return None


def _names(method: str, sent: bytes) -> tuple[str, ...] | None:
    """Return the names of a request's parameters; a probe has none."""
    return None if method.startswith("<") else _shape(sent)


def said(sent: bytes) -> Said:
    """Return what a request says, without its id, its progress token and words that differ from run to run.

    All of these stand near the start or the end of a message; the long text between goes by its hash, uncopied.
    """
    start, end = _ends(sent)
    plain = b"\0".join(_TOKEN.sub(b"", _ID.sub(b"", part)) for part in (start, end))
    return RANDOM.sub(b"*", plain), hash(memoryview(sent)[len(start) : len(sent) - len(end)])


def _ends(sent: bytes) -> tuple[bytes, bytes]:
    """Return the start and the end of a message; a short one is all start."""
    return (sent, b"") if len(sent) <= 2 * _NEAR else (sent[:_NEAR], sent[-_NEAR:])


def _random_words(sent: bytes) -> list[bytes]:
    """Return the words of a message that differ from run to run."""
    start, end = _ends(sent)
    return [*RANDOM.findall(start), *RANDOM.findall(end)]


def spoken_now(exchange: Exchange, sent: bytes) -> Exchange:
    """Return a recorded exchange with the random words of this run in the place of those of the recording."""
    if exchange.sent == sent:
        return exchange
    words = dict(zip(_random_words(exchange.sent), _random_words(sent), strict=False))
    if all(old == new for old, new in words.items()):
        return exchange
    raw = RANDOM.sub(lambda match: words.get(match.group(), match.group()), exchange.raw)
    message = decode(raw) if exchange.message is not None else None
    return replace(exchange, sent=sent, raw=raw, message=None if isinstance(message, Undecodable) else message)


def _shape(sent: bytes) -> tuple[str, ...] | None:
    """Return the names of a request's parameters, or None when it is no request."""
    try:
        message = orjson.loads(sent)
        return tuple(sorted(message.get("params") or {}))
    except (orjson.JSONDecodeError, AttributeError, TypeError):
        return None
