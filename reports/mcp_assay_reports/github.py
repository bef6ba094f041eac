"""GitHub annotations: workflow commands on the line of the configuration that a finding belongs to.

GitHub shows ten annotations of each kind for a step; the costliest findings, one for each check and server, come
first. The output goes to the step's log. Source: GitHub's documentation of workflow commands and the runner's escaping.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_assay.readiness.ending import broken_off
from mcp_assay_reports.findings import Cluster, clusters, remarks
from mcp_assay_reports.texts import line, listing, plural
from mcp_assay_reports.workflows import account, workflows_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_assay.core.contract import Document

MOST = 10
"""Annotations of a step that GitHub shows."""


def render(document: Document) -> str:
    """Return at most ten workflow commands, one a line: why the run says little, unusable servers, findings by cost."""
    commands = [*_broken_off(document), *_broken_workflows(document), *_unusable(document), *_findings(document)]
    return "".join(f"{command}\n" for command in commands[:MOST])


def _broken_off(document: Document) -> Iterator[str]:
    """Yield an error when the run did not come to its end."""
    if broken_off(document["run"]["exit_status"]) is not None:
        yield _command("error", "; ".join(remarks(document)), "", 0, "MCP servers not judged")


def _broken_workflows(document: Document) -> Iterator[str]:
    """Yield an error for each workflow of the user that did not go well, on its file."""
    for workflow in workflows_of(document):
        if workflow["verdict"] in {"fail", "error"}:
            message = f"workflow {line(workflow['name'], 80)}: {account(workflow)}"
            file = workflow.get("file", "")
            yield _command("error", message, file, 1 if file else 0, "MCP workflow broken")


def _unusable(document: Document) -> Iterator[str]:
    """Yield an error for each server that could not be used."""
    for server in document["servers"]:
        if server["error"] is not None:
            hint = f"; {server['error']['hint']}" if server["error"]["hint"] else ""
            message = f"{line(server['name'], 80)}: {server['error']['message']}{hint}"
            yield _command("error", message, server["config"], server["line"], "MCP server not usable")


def _findings(document: Document) -> Iterator[str]:
    """Yield an annotation for each finding on a server that could be used."""
    for cluster in clusters(document):
        first = cluster.first
        server = next(
            (s for s in document["servers"] if (s["config"], s["name"]) == (first.get("config"), first["server"])), None
        )
        if server is None or server["error"] is None:
            kind = "warning" if first["verdict"] == "warn" else "error"
            config = first.get("config") or (server["config"] if server else "")
            yield _command(kind, _told(cluster), config, server["line"] if server else 0, cluster.title)


def _told(cluster: Cluster) -> str:
    """Return a finding in one line."""
    first = cluster.first
    where = listing([line(name, 60) for name in cluster.servers], 3)
    tools = f", {plural(cluster.tool_count, 'tool')}" if cluster.tools else ""
    again = f"; reproduce: {first['reproduce']}" if first["reproduce"] else ""
    return f"{where}{tools}: {first['observed'] or first['requirement']}{again}"


def _command(kind: str, message: str, config: str, at_line: int, title: str) -> str:
    """Return one workflow command; its texts cannot end it or start another."""
    properties = {"file": config, "line": str(at_line) if at_line > 0 else "", "title": title}
    given = ",".join(f"{name}={_property(value)}" for name, value in properties.items() if value)
    return f"::{kind} {given}::{_data(message)}"


def _data(text: str) -> str:
    """Return ``text`` as the message of a command."""
    return line(text, 1_000).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """Return ``text`` as a property of a command."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")
