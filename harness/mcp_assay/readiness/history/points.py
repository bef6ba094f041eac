"""The figures of a run, read off its report: one for each metric of each server and tool."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mcp_assay.core.contract import BenchmarkEntry, Document, ServerEntry

PER_SECOND = "1/s"
"""Unit of rates."""
POINTS = "points"
"""Unit of scores."""
CALLS = "calls"
"""Unit, and last part of the name, of how many calls were answered: what the quantiles beside it stand on."""

_MORE_IS_BETTER = frozenset({PER_SECOND, POINTS})


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Metric:
    """What a figure is of; figures of one metric are one series.

    Attributes:
        config: Id of the configuration document.
        server: The server's name.
        tool: The tool's name, empty for the server as a whole.
        name: For example ``latency.p50``, ``latency@8.rate``, ``cold_start.p50``.
        unit: ``s``, ``1/s``, ``share`` or what a figure came with.
    """

    config: str
    server: str
    tool: str
    name: str
    unit: str

    @property
    def more_is_better(self) -> bool:
        """Whether a larger figure is the better one."""
        return self.unit in _MORE_IS_BETTER

    @property
    def digest(self) -> str:
        """A key of fixed length: names have any."""
        return hashlib.sha256(json.dumps((self.config, self.server, self.tool, self.name)).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured value and what it was measured under.

    Attributes:
        metric: What it is of.
        value: The value in the metric's unit.
        server_version: What the server calls its version, or an empty string.
        call: Digest of the call that was repeated, or an empty string; figures of different calls are not compared.
        cpu_s: Calibration of the machine just before, see `mcp_assay.load.machine.MachineSpeed`; None without one.
        pipe_s: Likewise.
        noise: Likewise.
        overhead_s: The harness's own share of a call, measured just after; a busy machine shows in it.
    """

    metric: Metric
    value: float
    server_version: str = ""
    call: str = ""
    cpu_s: float | None = None
    pipe_s: float | None = None
    noise: float | None = None
    overhead_s: float | None = None


def figures_of(document: Document) -> list[Figure]:
    """Return every figure of a run, one for each metric; the last one counts where a check was repeated.

    A score is kept only from a run that judged everything it planned: that of a part says nothing about the server.
    """
    versions = {(server["config"], server["name"]): _version(server) for server in document["servers"]}
    made = [
        *(figure for server in document["servers"] for figure in _of_server(server, whole=_is_whole(document))),
        *(figure for entry in document["benchmarks"] for figure in _of_benchmark(entry, versions)),
        *_others(document, versions),
    ]
    return list({figure.metric: figure for figure in made}.values())


def _is_whole(document: Document) -> bool:
    """Return whether every planned check has a verdict."""
    planned = document["run"].get("planned")
    return planned is not None and len({result["nodeid"] for result in document["results"]}) >= planned


def _version(server: ServerEntry) -> str:
    """Return what a server calls its version."""
    return "" if server["server_info"] is None else server["server_info"]["version"]


def _of_server(server: ServerEntry, *, whole: bool) -> Iterator[Figure]:
    """Yield the figures that stand beside a server itself."""
    if server["status"] != "connected":
        return
    found = [("connect", "s", server["connect_s"]), ("score", POINTS, server["readiness"]["score"] if whole else None)]
    for name, unit, value in found:
        if value is not None:
            metric = Metric(config=server["config"], server=server["name"], tool="", name=name, unit=unit)
            yield Figure(metric=metric, value=value, server_version=_version(server))


def _of_benchmark(entry: BenchmarkEntry, versions: Mapping[tuple[str, str], str]) -> Iterator[Figure]:
    """Yield the figures of one measurement."""
    config, machine, arguments = entry.get("config", ""), entry.get("machine"), entry.get("arguments")
    for name, unit, value in _named(entry):
        yield Figure(
            metric=Metric(config=config, server=entry["server"], tool=entry["tool"], name=name, unit=unit),
            value=value,
            server_version=versions.get((config, entry["server"]), ""),
            call="" if arguments is None else hashlib.sha256(arguments.encode()).hexdigest()[:16],
            cpu_s=None if machine is None else machine["cpu_s"],
            pipe_s=None if machine is None else machine["pipe_s"],
            noise=None if machine is None else machine["noise"],
            overhead_s=entry["overhead_s"] or None,
        )


def _named(entry: BenchmarkEntry) -> Iterator[tuple[str, str, float]]:
    """Yield name, unit and value of the figures of one measurement."""
    what = _what(entry)
    latency = entry["latency_s"]
    yield f"{what}.p50", "s", latency["p50"]
    if entry["mode"] != "cold-start":
        yield f"{what}.p95", "s", latency["p95"]
        yield f"{what}.p99", "s", latency["p99"]
    if entry["mode"] == "closed" and entry["concurrency"] > 1:
        yield f"{what}.rate", PER_SECOND, entry["rate_per_s"]
    if entry["calls"]:
        yield f"{what}.{CALLS}", CALLS, entry["calls"] - entry["errors"]
        yield f"{what}.error_rate", "share", entry["errors"] / entry["calls"]
    first_byte = entry.get("first_byte_s")
    if first_byte is not None:
        yield f"{what}.first_byte.p50", "s", first_byte["p50"]


def _what(entry: BenchmarkEntry) -> str:
    """Return the name of what was measured: the load and how much of it, in words that stay the same every night."""
    if entry["mode"] == "closed":
        return "latency" if entry["concurrency"] == 1 else f"latency@{entry['concurrency']}"
    # How many calls an open loop had open at most, and the rate that suits the tool, differ from night to night.
    return entry["mode"].replace("-", "_") or "measurement"


def _others(document: Document, versions: Mapping[tuple[str, str], str]) -> Iterator[Figure]:
    """Yield the measured values that are no distribution of answer times."""
    machines = {
        (entry.get("config", ""), entry["server"]): entry["machine"]
        for entry in document["benchmarks"]
        if "machine" in entry
    }
    for entry in document.get("figures", []):
        config = entry.get("config", "")
        machine = machines.get((config, entry["server"]))
        metric = Metric(
            config=config, server=entry["server"], tool=entry["tool"], name=entry["metric"], unit=entry["unit"]
        )
        version = versions.get((config, entry["server"]), "")
        yield Figure(
            metric=metric,
            value=entry["value"],
            server_version=version,
            noise=None if machine is None else machine["noise"],
        )
