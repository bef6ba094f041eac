"""Named baselines: what an SDK does whoever uses it, so that its users need not write it down one by one.

``sdk:python-2.3`` is ``python-2.3.toml`` in this folder::

    title = "the Python SDK 2.3"
    package = "mcp"
    versions = "2.3"
    verified = "2.3.0"

    [[known]]
    check = "BASE-011"
    transport = "stdio"
    observed = "the server goes on but says nothing"
    reason = "a line that is no JSON is logged and not answered"

An entry accepts a finding only when it was observed as the SDK shows it (``observed`` is a shell pattern, or a list of
them), so that another fault under the same check is still found. An entry with ``mark = true`` is in words that no
other SDK uses: by them a server's SDK is recognised, and its baseline suggested.

``tests/real/test_sdk_baselines.py`` holds every entry against a server on the real SDK. An entry is not stale because
one server does not need it: that server may lack the feature. A whole baseline is stale when no finding of a whole run
needs it.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from mcp_assay.config.view import closest
from mcp_assay.core.errors import UsageError
from mcp_assay.core.verdicts import Outcome
from mcp_assay.readiness.acceptance import ACCEPTED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from mcp_assay.core.verdicts import Verdict

PREFIX = "sdk:"
"""How the name of such a baseline begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFinding:
    """One finding that comes from an SDK.

    Attributes:
        check: The check's id.
        observed: Shell patterns of what the finding says was observed.
        reason: What the SDK does, in one clause.
        transport: The only transport on which it shows, or None for all.
        mark: Whether no other SDK shows it in these words.
    """

    check: str
    observed: tuple[str, ...]
    reason: str
    transport: str | None = None
    mark: bool = False

    def covers(self, check: str, transport: str, observed: str | None) -> bool:
        """Return whether it is this finding."""
        concerned = self.check == check and self.transport in {None, transport}
        return concerned and any(fnmatchcase(observed or "", pattern) for pattern in self.observed)


@dataclass(frozen=True, slots=True, kw_only=True)
class SdkBaseline:
    """What is known of one SDK.

    Attributes:
        name: What ``--mcp-baseline`` calls it, for example ``sdk:python-2.3``.
        title: The SDK in words.
        package: Its package.
        versions: The versions it is about.
        verified: The version against which every entry was verified.
        known: Its findings.
    """

    name: str
    title: str
    package: str
    versions: str
    verified: str
    known: tuple[KnownFinding, ...]

    def entry(self, check: str, transport: str, observed: str | None) -> KnownFinding | None:
        """Return the entry for a finding, or None when it does not come from the SDK."""
        return next((one for one in self.known if one.covers(check, transport, observed)), None)

    def explained(self, verdicts: Iterable[Verdict], transport: str) -> int:
        """Return how many open findings of a server the baseline would accept; 0 when nothing marks its SDK.

        Args:
            verdicts: The server's verdicts.
            transport: Its transport.
        """
        entries = [self.entry(one.check, transport, one.observed) for one in verdicts if _is_open(one)]
        known = [entry for entry in entries if entry is not None]
        return len(known) if any(entry.mark for entry in known) else 0


def is_finding(verdict: Verdict) -> bool:
    """Return whether a verdict is a violation, accepted or not."""
    return verdict.outcome in {Outcome.WARN, Outcome.FAIL}


def names() -> tuple[str, ...]:
    """Return the names of all such baselines."""
    folder = files(__name__)
    return tuple(sorted(f"{PREFIX}{one.name.removesuffix('.toml')}" for one in folder.iterdir() if _is_data(one.name)))


def load(name: str) -> SdkBaseline:
    """Return a baseline by its name.

    Raises:
        UsageError: There is none of this name.
    """
    known = names()
    if name not in known:
        near = closest(name, known)
        hint = f"did you mean {near}?" if near else f"there are {', '.join(known)}"
        raise UsageError(f"--mcp-baseline {name}: there is no baseline of this name", hint=hint)
    return _baseline(
        name, tomllib.loads(files(__name__).joinpath(f"{name.removeprefix(PREFIX)}.toml").read_text("utf-8"))
    )


def known_reason(baselines: Iterable[SdkBaseline], check: str, transport: str, observed: str | None) -> str | None:
    """Return the reason of a verdict on a finding that comes from an SDK, or None when it does not."""
    for baseline in baselines:
        entry = baseline.entry(check, transport, observed)
        if entry is not None:
            return f"{ACCEPTED}: {baseline.name}: {entry.reason}"
    return None


def unneeded(
    baselines: Iterable[SdkBaseline], verdicts: Iterable[Verdict], transports: Mapping[str, str]
) -> Iterator[str]:
    """Yield a message with a hint for each baseline that no finding of a whole run needed.

    Args:
        baselines: The baselines of the run.
        verdicts: Every verdict.
        transports: Transport by server.
    """
    findings = [(one.check, transports.get(one.server, ""), one.observed) for one in verdicts if is_finding(one)]
    for baseline in baselines:
        if not any(baseline.entry(*finding) for finding in findings):
            yield f"--mcp-baseline {baseline.name}: no finding needs it\nhint: leave it out"


def suggested(
    verdicts: Iterable[Verdict], transports: Mapping[str, str], *, used: Iterable[SdkBaseline]
) -> Iterator[str]:
    """Yield a line for each baseline that would accept findings on servers that bear a mark of its SDK.

    Args:
        verdicts: Every verdict of the run.
        transports: Transport by server.
        used: The baselines of the run, which are not suggested again.
    """
    by_server: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        by_server.setdefault(verdict.server, []).append(verdict)
    taken = {baseline.name for baseline in used}
    others = [load(name) for name in names() if name not in taken]
    found: dict[str, list[tuple[str, int]]] = {}
    for server, judged in by_server.items():
        transport = transports.get(server, "")
        count, name = max(((one.explained(judged, transport), one.name) for one in others), default=(0, ""))
        if count:
            found.setdefault(name, []).append((server, count))
    for name, servers in sorted(found.items()):
        total, title = sum(count for _, count in servers), load(name).title
        yield f"--mcp-baseline {name} accepts {total} findings that come from {title}: {_listed(servers)}"


def _is_open(verdict: Verdict) -> bool:
    """Return whether a verdict is a finding that nobody accepted yet."""
    return is_finding(verdict) and not (verdict.reason or "").startswith(ACCEPTED)


def _listed(servers: Sequence[tuple[str, int]]) -> str:
    """Return servers with their number of findings."""
    return ", ".join(f"{server} ({count})" for server, count in servers)


def _is_data(name: str) -> bool:
    return name.endswith(".toml")


def _baseline(name: str, data: Mapping[str, Any]) -> SdkBaseline:
    """Return a baseline from its file, which is ours: what is wrong in it is a bug."""
    texts = {key: data[key] for key in ("title", "package", "versions", "verified")}
    return SdkBaseline(name=name, **texts, known=tuple(_known(entry) for entry in data["known"]))


def _known(entry: Mapping[str, Any]) -> KnownFinding:
    """Return one entry; a single pattern may stand without a list."""
    observed: str | list[str] = entry["observed"]
    return KnownFinding(
        check=entry["check"],
        observed=(observed,) if isinstance(observed, str) else tuple(observed),
        reason=entry["reason"],
        transport=entry.get("transport"),
        mark=entry.get("mark", False),
    )
