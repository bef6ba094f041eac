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
    from mcp_assay.wire.tape import Unread

RANDOM = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|(?:zq)?[0-9a-f]{16,64}")
"""Words that probes make up anew in each run: UUIDs and long hexadecimal numbers."""

_HINT = re.compile(rb"[0-9a-f]{8}")
"""What stands in each of them; to look for it takes a fraction of the time."""

_ID = re.compile(rb'(?<=^\{"jsonrpc":"2\.0",)"id":(?:-?\d+|"[^"\\]*"),')
_TOKEN = re.compile(rb'"progressToken":(?:\d+|"[^"\\]*")')
_NEAR = 2_048
"""Bytes from either end of a message within which its id, token and random words stand."""

Said = tuple[bytes, int]
"""What a request says: the ends of it, and the hash of what is between."""


class Shelf:
    """Recorded exchanges that are handed out once each, and found by what their requests say.

    A replay that asks what was asked sends the very same bytes. What requests say is looked at only when one does not.
    """

    def __init__(self, exchanges: list[Unread]) -> None:
        self._left = dict(enumerate(exchanges))
        self._starts = deque(sorted((one.sent_at, place) for place, one in self._left.items()))
        self._used: dict[tuple[str, Said], Exchange] = {}
        self._used_as_sent: list[Exchange] = []
        self._as_sent: dict[tuple[str, bytes], deque[int]] = {}
        self._same: dict[bool, dict[tuple[str, Said], deque[int]]] = {}
        self._alike: dict[tuple[str, tuple[str, ...] | None], deque[int]] = {}
        for place, one in self._left.items():
            self._as_sent.setdefault((one.method, one.sent), deque()).append(place)

    def next_start(self) -> float:
        """Return when the first exchange that is left began, or infinity when none is."""
        while self._starts and self._starts[0][1] not in self._left:
            self._starts.popleft()
        return self._starts[0][0] if self._starts else float("inf")

    def take_all(self, methods: set[str]) -> list[Exchange]:
        """Return all exchanges of some methods that are left."""
        places = [place for place, one in self._left.items() if one.method in methods]
        return [self._taken(place) for place in places]

    def take(self, method: str, sent: bytes) -> Exchange | None:
        """Return the next exchange whose request says the same, the last one again when all were handed out."""
        found = self._next(self._as_sent.get((method, sent)))
        if found is not None:
            self._used_as_sent.append(found)
            return found
        key = (method, said(sent))
        found = self._next(self._saying_the_same(bool(_random_words(sent))).get(key))
        if found is not None:
            self._note(key, found)
            return found
        for one in self._used_as_sent:
            self._note((one.method, said(one.sent)), one)
        self._used_as_sent.clear()
        return self._used.get(key)

    def _note(self, key: tuple[str, Said], used: Exchange) -> None:
        """Note an exchange that was handed out, unless a later one that says the same was."""
        known = self._used.get(key)
        if known is None or known.sent_at < used.sent_at:
            self._used[key] = used

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
                return self._taken(place)
        return None

    def _taken(self, place: int) -> Exchange:
        """Return an exchange that is left, which it is no longer."""
        return self._left.pop(place).read()

    def _saying_the_same(self, random: bool) -> dict[tuple[str, Said], deque[int]]:
        """Return what is left by what it says, looked at when first asked for.

        Args:
            random: Whether requests with words that differ from run to run are asked for, or those without.
        """
        if random not in self._same:
            places = self._same[random] = {}
            for place, one in self._left.items():
                if bool(_random_words(one.sent)) is random:
                    places.setdefault((one.method, said(one.sent)), deque()).append(place)
        return self._same[random]


def _names(method: str, sent: bytes) -> tuple[str, ...] | None:
    """Return the names of a request's parameters; a probe has none."""
    return None if method.startswith("<") else _shape(sent)


def said(sent: bytes) -> Said:
    """Return what a request says, without its id, its progress token and words that differ from run to run.

    All of these stand near the start or the end of a message; the long text between goes by its hash, uncopied.
    """
    start, end = _ends(sent)
    plain = b"\0".join(_TOKEN.sub(b"", _ID.sub(b"", part)) for part in (start, end))
    if _HINT.search(plain):
        plain = RANDOM.sub(b"*", plain)
    return plain, hash(memoryview(sent)[len(start) : len(sent) - len(end)])


def _ends(sent: bytes) -> tuple[bytes, bytes]:
    """Return the start and the end of a message; a short one is all start."""
    return (sent, b"") if len(sent) <= 2 * _NEAR else (sent[:_NEAR], sent[-_NEAR:])


def _random_words(sent: bytes) -> list[bytes]:
    """Return the words of a message that differ from run to run."""
    return [word for end in _ends(sent) if _HINT.search(end) for word in RANDOM.findall(end)]


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
