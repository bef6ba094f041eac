"""What changed since an earlier run: findings that came and went, scores and tools that moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_assay_reports.texts import plural, score

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mcp_assay.core.contract import (
        ChangedFinding,
        ChangedScore,
        ChangesEntry,
        Document,
        ReadinessWord,
        ResultEntry,
        ServerEntry,
    )

_Key = tuple[str, str, str | None]
_FINDINGS = ("fail", "error", "warn")
_ORDER = (*_FINDINGS, "pass", "skip")


def compared(now: Document, before: Document, *, since: str) -> ChangesEntry:
    """Return what changed from one run to another.

    A finding that was not exercised again, because its check was skipped or left out, is not told as gone.

    Args:
        now: The later run.
        before: The earlier one.
        since: What to call the earlier one, such as the name of its file.
    """
    old, new = _findings(before), _findings(now)
    judged = {_key(result) for result in now["results"] if result["verdict"] != "skip"}
    gone = [told(result) for key, result in old.items() if key not in new and key in judged]
    tools_before, tools_now = _tools(before), _tools(now)
    both = _connected(before) & _connected(now)
    return {
        "since": since,
        "new": [told(result) for key, result in new.items() if key not in old],
        "gone": gone,
        "known": sum(key in old for key in new),
        "scores": list(_scores(before, now)),
        "tools_added": [f"{server}: {tool}" for server, tool in tools_now if (server, tool) not in tools_before],
        "tools_removed": [
            f"{server}: {tool}" for server, tool in tools_before if server in both and (server, tool) not in tools_now
        ],
    }


def merged(documents: Sequence[Document]) -> ChangesEntry | None:
    """Return what changed in the runs of several shards together, None when none of them was compared.

    A server's score is that of the shard which judged it. What one shard tells as gone and another has found is not.
    """
    found = [document["changes"] for document in documents if "changes" in document]
    if not found:
        return None
    names = ", ".join(dict.fromkeys(changes["since"] for changes in found))
    partly = f" ({len(found)} of {len(documents)} reports)" if len(found) < len(documents) else ""
    seen = {_key(result) for document in documents for result in document["results"] if result["verdict"] in _FINDINGS}
    gone = {_key(entry): entry for changes in found for entry in changes["gone"]}
    whole: ChangesEntry = {
        "since": f"{names}{partly}",
        "new": [entry for changes in found for entry in changes["new"]],
        "gone": [entry for key, entry in gone.items() if key not in seen],
        "known": sum(changes["known"] for changes in found),
    }
    if any("scores" in changes for changes in found):
        whole["scores"] = _merged_scores(found)
        whole["tools_added"] = _each_once(changes.get("tools_added", []) for changes in found)
        whole["tools_removed"] = _each_once(changes.get("tools_removed", []) for changes in found)
    return whole


def changes_in_words(changes: ChangesEntry) -> str:
    """Return the numbers in one sentence."""
    told = [
        f"{plural(len(changes['new']), 'new finding')}",
        f"{len(changes['gone'])} gone",
        f"{changes['known']} still there",
    ]
    tools = {"added": changes.get("tools_added", []), "removed": changes.get("tools_removed", [])}
    told += [f"{plural(len(names), 'tool')} {word}" for word, names in tools.items() if names]
    return ", ".join(told)


def gathered(found: Sequence[ChangedFinding]) -> list[list[ChangedFinding]]:
    """Return findings in groups of one check, server and verdict, failures first."""
    groups: dict[tuple[str, str, str], list[ChangedFinding]] = {}
    for entry in found:
        groups.setdefault((entry["verdict"], entry["check"], entry["server"]), []).append(entry)
    return sorted(groups.values(), key=lambda entries: _ORDER.index(entries[0]["verdict"]))


def changed_scores(changes: ChangesEntry) -> list[ChangedScore]:
    """Return the servers whose score or verdict moved, what became worse first."""
    moved = [entry for entry in changes.get("scores", []) if _moved(entry)]
    return sorted(moved, key=lambda entry: (entry["now"] or 0.0) - (entry["before"] or 0.0))


def _moved(entry: ChangedScore) -> bool:
    """Return whether a server is told as changed: its verdict is another, or its score moved visibly."""
    before, now = entry["before"], entry["now"]
    if entry["verdict_before"] != entry["verdict_now"] or before is None or now is None:
        return True
    return score(before) != score(now)


def _merged_scores(found: Sequence[ChangesEntry]) -> list[ChangedScore]:
    """Return each server once, as the shard tells it that judged it."""
    scores: dict[str, ChangedScore] = {}
    for changes in found:
        for entry in changes.get("scores", []):
            if entry["verdict_now"] is not None or entry["server"] not in scores:
                scores[entry["server"]] = entry
    return list(scores.values())


def _each_once(lists: Iterable[Sequence[str]]) -> list[str]:
    """Return the members of some lists in their order, each once."""
    return list(dict.fromkeys(name for names in lists for name in names))


def _key(result: ResultEntry | ChangedFinding) -> _Key:
    """Return what makes a finding the same in two runs; its words may differ."""
    return result["check"], result["server"], result["tool"]


def _findings(document: Document) -> dict[_Key, ResultEntry]:
    """Return the findings of a run."""
    return {_key(result): result for result in document["results"] if result["verdict"] in _FINDINGS}


def told(result: ResultEntry) -> ChangedFinding:
    """Return a finding as it is told among what changed."""
    return {
        "check": result["check"],
        "server": result["server"],
        "tool": result["tool"],
        "verdict": result["verdict"],
    }


def _connected(document: Document) -> set[str]:
    """Return the servers whose tools were seen."""
    return {server["name"] for server in document["servers"] if server["status"] == "connected"}


def _tools(document: Document) -> dict[tuple[str, str], None]:
    """Return the tools of the servers that were connected."""
    connected = (server for server in document["servers"] if server["status"] == "connected")
    return {(server["name"], tool["name"]): None for server in connected for tool in server["tools"]}


def _scores(before: Document, now: Document) -> Iterator[ChangedScore]:
    """Yield each server that either run was meant to use."""
    old, new = ({server["name"]: server for server in document["servers"]} for document in (before, now))
    for name in dict.fromkeys([*new, *old]):
        then, today = old.get(name), new.get(name)
        if _is_judged(then) or _is_judged(today):
            yield {
                "server": name,
                "before": _score(then),
                "now": _score(today),
                "verdict_before": _verdict(then),
                "verdict_now": _verdict(today),
            }


def _is_judged(server: ServerEntry | None) -> bool:
    """Return whether a run was meant to use a server."""
    return server is not None and server["status"] in {"connected", "failed"}


def _score(server: ServerEntry | None) -> float | None:
    """Return a server's score, None where it was not judged."""
    return server["readiness"]["score"] if server is not None and _is_judged(server) else None


def _verdict(server: ServerEntry | None) -> ReadinessWord | None:
    """Return a server's verdict, None where it was not judged."""
    return server["readiness"]["verdict"] if server is not None and _is_judged(server) else None
