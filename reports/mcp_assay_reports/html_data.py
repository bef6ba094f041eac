"""The results of a run in the compact form that the HTML report's script reads.

Every text stands once in a table of strings and is referred to by its index. A result is a row of numbers: server,
check, tool, verdict, expected, observed, reason, reproduce, node id, exchange, microseconds. The script names the
same columns in the same order.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mcp_assay_reports.texts import block, line, link, listing, percent, plural, score, seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_assay.core.contract import Document, ResultEntry, ServerEntry

VERDICTS = ("pass", "fail", "warn", "skip", "error")
NO_TEXT = -1
LEFT_OUT = -2
_MOST_LINKS = 20
_LONGEST_TEXT = 2_000
_LONGEST_EXCHANGE = 8_000
_MOST_TEXT = 1_300_000
_MOST_EXCHANGES = 1_800_000
_SHARE_OF_TEXT = 0.42
_MOST_CHECKS = 600_000
_SHORTEST = 24
_MOST_SERVERS = 400_000
_ROW = 60
"""Bytes of a row of numbers at most."""

_DROPPED_FIRST = ("fix", "requirement", "spec", "link", "slug")
"""What is left out of checks that are too many for the file, in this order."""


@dataclass(slots=True)
class _Strings:
    """A table of texts; once full it takes no more.

    Attributes:
        room: Bytes of the file that are still free for texts, as they are embedded.
        exchanges: Bytes that are still free for exchanges.
    """

    room: int
    exchanges: int
    table: dict[str, int] = field(default_factory=dict[str, int])

    def add(self, text: str | None, limit: int = _LONGEST_TEXT) -> int:
        """Return the index of ``text``, `NO_TEXT` for None or when the table is full."""
        if not text:
            return NO_TEXT
        shown = block(text, limit)
        if shown not in self.table:
            if self.room < embedded_size(shown):
                return NO_TEXT
            self.room -= embedded_size(shown)
        return self.table.setdefault(shown, len(self.table))

    def add_exchange(self, exchange: dict[str, Any] | None) -> int:
        """Return the index of ``exchange`` as JSON text, `LEFT_OUT` when there is no room for it."""
        if exchange is None:
            return NO_TEXT
        if self.exchanges <= 0:
            return LEFT_OUT
        shown = block(json.dumps(exchange, ensure_ascii=False), _LONGEST_EXCHANGE)
        if shown not in self.table:
            self.exchanges -= embedded_size(shown)
            if self.exchanges < 0:
                return LEFT_OUT
        return self.table.setdefault(shown, len(self.table))


def embedded(value: object) -> str:
    """Return ``value`` as JSON that cannot end its script element, whatever its texts hold."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def embedded_size(text: str) -> int:
    """Return the bytes that a text takes in the file; markup and foreign scripts take six for each character."""
    return len(embedded(text))


def compact(document: Document, room: int) -> dict[str, Any]:
    """Return the servers, checks and results of ``document`` as the script wants them; results keep their index.

    What there is no room for is left out of the texts, never a result.

    Args:
        document: The report.
        room: Bytes that the file has for all of it.
    """
    left = max(0, room - _ROW * len(document["results"]) - _MOST_CHECKS - _MOST_SERVERS)
    texts = min(_MOST_TEXT, int(left * _SHARE_OF_TEXT))
    strings = _Strings(room=texts, exchanges=min(_MOST_EXCHANGES, left - texts))
    share = _MOST_SERVERS // max(1, len(document["servers"]))
    servers = [_server(server, strings, share) for server in document["servers"]]
    places = _Places(document["servers"], servers)
    checks: dict[str, dict[str, Any]] = {}
    numbers: dict[str, int] = {}
    rows: list[list[int]] = []
    for result in document["results"]:
        about = _check(result)
        number = numbers.setdefault(json.dumps(about), len(numbers))
        checks.setdefault(json.dumps(about), about)
        rows.append([places.of(result), number, *_row(result, strings)])
    return {
        "servers": servers,
        "checks": _fitting(list(checks.values())),
        "verdicts": list(VERDICTS),
        "results": rows,
        "strings": list(strings.table),
    }


def _fitting(checks: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return checks that fit into their part of the file: without what they lack, and without more where they must."""
    kept = [{name: value for name, value in about.items() if value} for about in checks]
    for left_out in _DROPPED_FIRST:
        if len(embedded(kept)) <= _MOST_CHECKS:
            return kept
        kept = [{name: value for name, value in about.items() if name != left_out} for about in kept]
    return [{**about, "id": _short(about["id"], at)} for at, about in enumerate(kept)]


def _short(identity: str, number: int) -> str:
    """Return a check's id in few bytes; what is cut is told apart by its number."""
    short = _cut(identity, _SHORTEST)
    return short if short == identity else f"{short}~{number}"


def _cut(text: str, most: int) -> str:
    """Return as much of a text as takes at most so many bytes in the file."""
    while embedded_size(text) > most:
        text = text[: max(0, len(text) * most // embedded_size(text) - 1)]
    return text


class _Places:
    """Finds the place of a result's server; a server that the document does not list is added."""

    def __init__(self, servers: Sequence[ServerEntry], shown: list[dict[str, Any]]) -> None:
        self._shown = shown
        self._places: dict[tuple[str, str], int] = {}
        for at, server in enumerate(servers):
            self._places.setdefault((server["config"], server["name"]), at)
            # A result without a configuration id belongs to the first server of its name.
            self._places.setdefault(("", server["name"]), at)

    def of(self, result: ResultEntry) -> int:
        """Return the index of the result's server."""
        key = (result.get("config", ""), result["server"])
        if key not in self._places:
            self._places[key] = len(self._shown)
            name = line(result["server"], 200)
            self._shown.append(
                {"name": name, "key": line("::".join(key), 400), "verdict": "skipped", "facts": [], "tools": []}
            )
        return self._places[key]


def _check(result: ResultEntry) -> dict[str, Any]:
    """Return what the results of one check share."""
    return {
        "id": line(result["check"], 60),
        "slug": line(result.get("slug", ""), 60),
        "category": result["category"],
        "level": result["level"],
        "requirement": line(result["requirement"], 600),
        "spec": line(result["spec"]),
        "link": link(result["spec"]),
        "fix": block(result.get("fix", ""), 1_000),
    }


def _row(result: ResultEntry, strings: _Strings) -> list[int]:
    """Return a result's columns after server and check; a pass needs no instructions."""
    passed = result["verdict"] == "pass"
    return [
        strings.add(result["tool"], 200),
        VERDICTS.index(result["verdict"]),
        strings.add(result["expected"]),
        strings.add(result["observed"]),
        strings.add(result["reason"]),
        NO_TEXT if passed else strings.add(result["reproduce"]),
        NO_TEXT if passed else strings.add(result["nodeid"]),
        strings.add_exchange(result["exchange"]),
        round(result["duration_s"] * 1e6),
    ]


def _server(server: ServerEntry, strings: _Strings, room: int) -> dict[str, Any]:
    """Return what the pages say of one server, each fact in its part of the room there is."""
    readiness, info, error = server["readiness"], server["server_info"], server["error"]
    facts = {
        "Configured in": line(f"{server['config']}:{server['line']}"),
        "Status": server["status"],
        "Failed because": block(error["message"]) if error else "",
        "Next step": block(error["hint"] or "") if error else "",
        "stderr ends": block(error["stderr_tail"]) if error else "",
        "Calls itself": line(f"{info['name']} {info['version']}") if info else "",
        "Reached by": line(server["transport"]),
        "Speaks": line(", ".join(server["protocol_versions"])),
        "Ready after": seconds(server["connect_s"]),
        "Score": f"{score(readiness['score'])} of 100, evidence {percent(readiness['evidence'])}",
        "Passed": f"{percent(readiness.get('rate', 0.0))}, at least {percent(readiness.get('rate_low', 0.0))} "
        "with 95 % confidence",
        "Offers": ", ".join(
            [
                plural(len(server["tools"]), "tool"),
                plural(server["resources"], "resource"),
                plural(server["prompts"], "prompt"),
            ]
        ),
    }
    worked = [passed for passed in server.get("links", []) if passed["worked"]]
    shown = [line(f"{passed['source']} → {passed['target']} ({passed['parameter']})", 160) for passed in worked]
    facts["Values passed on"] = listing(shown, _MOST_LINKS)
    return {
        "name": line(server["name"], 200),
        "key": line(f"{server['config']}::{server['name']}", 400),
        "verdict": readiness["verdict"] if server["status"] in {"connected", "failed"} else server["status"],
        "facts": [[name, _cut(value, room // len(facts))] for name, value in facts.items() if value],
        "tools": [[strings.add(tool["name"], 200), tool["executed"]] for tool in server["tools"]],
    }
