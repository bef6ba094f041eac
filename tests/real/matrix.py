"""Every finding on every published server, by check and revision, at tier 2, confirmed: what ``matrix.json`` holds.

    python tests/real/install.py
    python tests/real/matrix.py [--into .mcp-assay/matrix] [--reports]

runs the servers of ``published.json`` and ``examples/nineteen/servers.json``, and the reference server "everything"
over Streamable HTTP and HTTP+SSE as well: all of them together once, then each few again in every older and newer
revision that they speak. Then each finding is put to its server once more, in each revision, by bare clients that share
no code with the project (``protocol.py``, ``confirming.py``). It keeps recordings and reports in the folder, writes
``matrix.json`` with what the bare clients saw, and ends with 1 when a finding was not confirmed or a check could not be
made; ``--reports`` judges nothing, and confirms what the reports say that are there already. Advice is counted, not
listed: it is about taste and cost, and a glance at the definitions shows it. Performance is left out.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import confirming
import protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from protocol import Seen

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
MATRIX = HERE / "matrix.json"
EVERYTHING = "npm/node_modules/@modelcontextprotocol/server-everything/dist/index.js"
TRANSPORTS = {"everything-http": ("streamableHttp", "/mcp", "http"), "everything-sse": ("sse", "/sse", "sse")}
"""The reference server's other transports: its word for each, the path, the type in a configuration."""

GROUPS = (
    ("everything", "everything-http", "everything-sse"),
    ("memory", "filesystem", "sequential-thinking"),
    ("time", "git", "fetch", "portainer"),
    ("context7", "demo", "firecrawl", "taskmaster-ai"),
    ("trello", "postman", "brave-search", "magicui"),
    ("commander", "docker-homelab", "youtube", "tmdb"),
)
"""Servers that speak several revisions, as many at a time as a small machine bears; others speak 2024-11-05 only."""

RUN_TIMEOUT_S = 900
NEWEST = "2025-11-25"
"""What a bare client offers to a server that was never reached."""
SHOWN = 240
VARYING = (
    (re.compile(r'"id": ?\d+, ?|, ?"id": ?\d+'), ""),
    (re.compile(r"x-probe-[0-9a-f]{8,}"), "x-probe-…"),
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(?=[ ,])"), "…"),
    (re.compile(r',? ?"_meta": \{"io\.modelcontextprotocol/[^}]*\}[^}]*\}\}'), ""),
)
"""What is left out of what is shown: ids, made-up names, the envelope of stateless requests."""
START_S = 60
WORKERS = 4
"""Servers that bare clients talk to at a time; most of it is waiting for answers that do not come."""
STATELESS = "2026"
VARIANT = re.compile(r"(?P<name>.+)-(?P<revision>\d{4}-\d\d-\d\d)")


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextmanager
def listening(real: Path) -> Iterator[dict[str, int]]:
    """Run the reference server over its other transports; yield their ports by name."""
    with ExitStack() as stack:
        ports = {name: free_port() for name in TRANSPORTS}
        for name, port in ports.items():
            words = ["node", str(real / EVERYTHING), TRANSPORTS[name][0]]
            quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            process = stack.enter_context(subprocess.Popen(words, env={**os.environ, "PORT": str(port)}, **quiet))
            stack.callback(process.kill)
            await_port(port, process)
        yield ports


def await_port(port: int, process: subprocess.Popen[bytes]) -> None:
    """Return once somebody listens."""
    deadline = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as client:
            client.settimeout(1)
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
    sys.exit(f"the server on port {port} does not listen")


def configuration(ports: dict[str, int]) -> dict[str, Any]:
    """Return all servers in one configuration."""
    files = (ROOT / "examples" / "nineteen" / "servers.json", HERE / "published.json")
    servers: dict[str, Any] = {}
    for path in files:
        servers = {**json.loads(path.read_text(encoding="utf-8"))["mcpServers"], **servers}
    for name, port in ports.items():
        _, path, kind = TRANSPORTS[name]
        servers[name] = {"type": kind, "url": f"http://127.0.0.1:{port}{path}"}
    return {"mcpServers": servers}


def run(folder: Path, name: str, *words: str) -> Path:
    """Judge servers and return the JSON report; the recording lies beside it."""
    report = folder / f"{name}.json"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(folder), *words]
    command += ["--mcp-config", "servers.json", "--mcp-tier", "2", "--mcp-record", f"tape-{name}"]
    command += ["--mcp-report", f"json={report}"]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=RUN_TIMEOUT_S, check=False)
    (folder / f"{name}.log").write_text(ended.stdout + ended.stderr, encoding="utf-8")
    if ended.returncode not in {0, 1} or not report.is_file():
        sys.exit(f"{name} ended with {ended.returncode}: see {folder / name}.log")
    return report


def judge(folder: Path, servers: dict[str, Any]) -> None:
    """Judge everything; the reports are left in the folder."""
    (folder / "servers.json").write_text(json.dumps(servers, indent=1), encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")  # ours, above, is about our own tests
    run(folder, "together", "-m", "not mcp_performance")
    for number, names in enumerate(GROUPS, start=1):
        chosen = [word for name in names for word in ("--mcp-server", name)]
        words = ("--mcp-protocol", "all", "-m", "mcp_connectivity or mcp_schema", *chosen)
        run(folder, f"revisions-{number}", *words)


Places = dict[tuple[str, str], dict[str, list[dict[str, Any]]]]
"""Server and revision -> check -> findings."""


def places_of(reports: Iterable[Path]) -> Places:
    """Return the findings of all reports by where they were made; of a place that was visited twice, the first ones."""
    found: Places = defaultdict(dict)
    for path in reports:
        report = json.loads(path.read_text(encoding="utf-8"))
        where = {one["name"]: place(one) for one in report["servers"]}
        here: Places = defaultdict(lambda: defaultdict(list))
        for one in findings(report["results"]):
            here[where[one["server"]]][one["check"]].append(one)
        for key, checks in here.items():
            found[key] = {**checks, **found[key]}
    return found


def confirmed(servers: dict[str, Any], found: Places) -> dict[tuple[str, str, str], Seen]:
    """Return what bare clients saw of each finding, by check, server and revision; a few servers at a time."""
    names = sorted({name for name, _ in found})
    with ThreadPoolExecutor(max_workers=WORKERS) as pool:
        made = pool.map(lambda name: of_server(servers[name], name, found), names)
    return {key: seen for each in made for key, seen in each.items()}


def of_server(entry: dict[str, Any], name: str, found: Places) -> dict[tuple[str, str, str], Seen]:
    """Return what bare clients saw of the findings on one server."""
    seen: dict[tuple[str, str, str], Seen] = {}
    for (_, revision), checks in sorted(item for item in found.items() if item[0][0] == name):
        again = protocol.put_again(entry, revision or NEWEST, checks)
        calls = [one for check, rows in checks.items() if check in confirming.CONFIRMS for one in rows]
        again |= of_calls(confirming.confirmed(entry, calls)) if calls else {}
        seen |= {(check, name, revision): one for check, one in again.items()}
    return seen


def of_calls(rows: list[dict[str, Any]]) -> dict[str, Seen]:
    """Return the calls that were made again by check: the first one that does not show the finding, or the first."""
    told: dict[str, Seen] = {}
    for row in sorted(rows, key=lambda row: row["confirmed"]):
        sent = json.dumps({"name": row["tool"] or confirming.NOBODY, "arguments": row["arguments"]}, ensure_ascii=False)
        told.setdefault(row["check"], protocol.Seen(f"tools/call {sent}", row["answer"], row["confirmed"]))
    return told


def place(server: dict[str, Any]) -> tuple[str, str]:
    """Return a server's name and the revision it was judged in; alone, that is its newest with a handshake."""
    variant = VARIANT.fullmatch(server["name"])
    if variant is not None:
        return variant["name"], variant["revision"]
    return server["name"], max((one for one in server["protocol_versions"] if one < STATELESS), default="")


def findings(results: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the results that speak against a server, advice left out."""
    return [one for one in results if one["verdict"] in {"fail", "warn"} and one["level"] != "ADV"]


def errors(reports: Iterable[Path]) -> list[str]:
    """Return the checks that could not be made through a fault of ours or of this machine, as lines."""
    results = [one for path in reports for one in json.loads(path.read_text(encoding="utf-8"))["results"]]
    return [f"{one['check']} on {one['server']}: {one['observed']}" for one in results if one["verdict"] == "error"]


def matrix(reports: list[Path]) -> dict[str, Any]:
    """Return what all reports hold together."""
    rows: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    servers: dict[str, dict[str, Any]] = {}
    advice: dict[str, set[str]] = defaultdict(set)
    made = ""
    for path in reports:
        report = json.loads(path.read_text(encoding="utf-8"))
        made = max(made, report["run"]["started_at"][:10])
        places = {one["name"]: place(one) for one in report["servers"]}
        for one in report["servers"]:
            name, revision = places[one["name"]]
            info = one["server_info"] or {}
            known = servers.setdefault(name, {"version": info.get("version", ""), "revisions": set()})
            known["revisions"] |= {revision} - {""}
        for one in findings(report["results"]):
            name, revision = places[one["server"]]
            row = rows[one["check"]].setdefault(name, {"level": one["level"], "revisions": set(), "tools": set()})
            row["revisions"] |= {revision} - {""}
            row["tools"] |= {one["tool"]} - {None}
        for one in report["results"]:
            if one["verdict"] == "warn" and one["level"] == "ADV":
                advice[one["check"]].add(places[one["server"]][0])
    return {
        "made": made,
        "servers": {name: plain(one) for name, one in sorted(servers.items())},
        "findings": {check: {name: plain(row) for name, row in sorted(rows[check].items())} for check in sorted(rows)},
        "advice": {check: len(advice[check]) for check in sorted(advice)},
    }


def plain(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with sorted lists for sets, the empty ones left out."""
    lists = {key: sorted(value) if isinstance(value, set) else value for key, value in row.items()}
    return {key: value for key, value in lists.items() if value != []}


def enter(made: dict[str, Any], seen: dict[tuple[str, str, str], Seen]) -> list[str]:
    """Enter what was seen in the newest revision of each finding; return what was not confirmed, as lines."""
    open_: list[str] = []
    for check, rows in made["findings"].items():
        for name, row in rows.items():
            for revision in row.get("revisions", [""]):
                one = seen.get((check, name, revision))
                if one is None or not one.holds:
                    open_.append(f"{check} on {name} {revision}: {one or 'there is no question for it'}")
                else:
                    row |= {"sent": shown(one.sent), "came": shown(one.came)}
    return open_


def shown(text: str) -> str:
    """Return what went over the wire as it can stand on a page: cut, and without what differs from run to run."""
    text = text.replace(os.environ["MCP_ASSAY_REAL"], "…")
    for pattern, other in VARYING:
        text = pattern.sub(other, text)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def main() -> None:
    """Judge, or read what was judged, confirm, and write the matrix."""
    parser = argparse.ArgumentParser(description="Make matrix.json: every finding on every published server.")
    parser.add_argument("--into", type=Path, default=ROOT / ".mcp-assay" / "matrix")
    parser.add_argument("--reports", action="store_true", help="read the reports in the folder, judge nothing")
    options = parser.parse_args()
    folder = options.into.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    real = Path(os.environ.get("MCP_ASSAY_REAL", ROOT / ".mcp-assay" / "real")).resolve()
    os.environ |= {"MCP_ASSAY_REAL": str(real), "MCP_ASSAY_PYTHON": sys.executable, "NO_COLOR": "1"}
    names = ("together", *(f"revisions-{number}" for number in range(1, len(GROUPS) + 1)))
    reports = [folder / f"{name}.json" for name in names]
    with listening(real) as ports:
        servers = configuration(ports)
        if not options.reports:
            judge(folder, servers)
        made = matrix(reports)
        open_ = enter(made, confirmed(servers["mcpServers"], places_of(reports)))
    MATRIX.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    lines = [f"not confirmed: {line}" for line in open_] + [f"not judged: {line}" for line in errors(reports)]
    for line in lines:
        print(line)  # noqa: T201  (what a script says)
    sys.exit(1 if lines else 0)


if __name__ == "__main__":
    main()
