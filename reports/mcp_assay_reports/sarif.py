"""SARIF 2.1.0 for code-scanning views: every finding stands on the line of its server's entry in the configuration.

Source: OASIS, Static Analysis Results Interchange Format 2.1.0; section numbers in comments are of that document. A
check is a rule; a failure is an error, a warning a warning. A broken workflow of the user stands on its own file.
Errors of ours are notifications, for they say nothing about the server; so is a run that broke off.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from mcp_assay.readiness.ending import broken_off
from mcp_assay_reports.findings import findings_in_order, remarks
from mcp_assay_reports.texts import block, line, link
from mcp_assay_reports.workflows import account, workflows_of

if TYPE_CHECKING:
    from mcp_assay.core.contract import Document, ResultEntry, ServerEntry, WorkflowEntry

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
MOST_RESULTS = 5_000
"""GitHub shows this many results of a run; the gravest are kept."""

_LEVELS = {"fail": "error", "warn": "warning"}
_WORKFLOW = "workflow"


def render(document: Document) -> str:
    """Return the report as a SARIF log."""
    found = findings_in_order(document)
    broken = [workflow for workflow in workflows_of(document) if workflow["verdict"] in _LEVELS][:MOST_RESULTS]
    results = [result for result in found if result["verdict"] in _LEVELS][: MOST_RESULTS - len(broken)]
    rules = _rules(results)
    rules |= {_WORKFLOW: _rule_of_workflows()} if broken else {}
    run = {
        "tool": {"driver": _driver(document, list(rules.values()))},
        "columnKind": "unicodeCodePoints",
        "automationDetails": {"id": "mcp-assay/"},
        "invocations": [_invocation(document, found)],
        "results": [
            *(_broken_workflow(document, workflow, list(rules)) for workflow in broken),
            *(_result(document, result, list(rules)) for result in results),
        ],
        "properties": {"verdict": document["summary"]["verdict"], "score": document["summary"]["score"]},
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=1, allow_nan=False) + "\n"


def _driver(document: Document, rules: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what made the report and the rules it judged by."""
    return {"name": "mcp-assay", "semanticVersion": line(document["tool"]["version"], 40), "rules": rules}


def _rules(results: list[ResultEntry]) -> dict[str, dict[str, Any]]:
    """Return one rule for each check, by its id."""
    rules: dict[str, dict[str, Any]] = {}
    for result in results:
        rules.setdefault(_rule_id(result), _rule(result))
    return rules


def _rule(result: ResultEntry) -> dict[str, Any]:
    """Return a check as a rule."""
    address = link(result["spec"])
    requirement = _message(result["requirement"])
    return {
        "id": _rule_id(result),
        "shortDescription": requirement,
        "fullDescription": requirement,
        "help": _message(f"{result['requirement']}\n{result['spec']}".strip()),
        "defaultConfiguration": {"level": "error" if result["level"] == "MUST" else "warning"},
        "properties": {
            "level": result["level"],
            "name": line(result.get("slug", ""), 80),
            "tags": ["mcp", result["category"]],
        },
        **({"helpUri": address} if address else {}),
    }


def _rule_of_workflows() -> dict[str, Any]:
    """Return the rule that a workflow is held against."""
    requirement = _message("Every step of the workflow succeeds.")
    return {
        "id": _WORKFLOW,
        "shortDescription": requirement,
        "fullDescription": requirement,
        "help": _message("A step failed, or the workflow does not fit what its servers list; the message says which."),
        "defaultConfiguration": {"level": "error"},
        "properties": {"tags": ["mcp", "cross_server"]},
    }


def _broken_workflow(document: Document, workflow: WorkflowEntry, rules: list[str]) -> dict[str, Any]:
    """Return a workflow that did not go well, on its file: that of the configuration in reports without one."""
    steps = [
        f"step {step['id']} ({step['server']}.{step['tool']}): {step['observed']}"
        for step in workflow["steps"]
        if step["outcome"] == "fail" and "observed" in step
    ]
    told = [f"workflow {workflow['name']}: {account(workflow)}", *(line(text, 600) for text in steps[:20])]
    file = line(workflow.get("file", "") or next(iter(document["run"]["configs"]), "")) or "workflows"
    identity = json.dumps([_WORKFLOW, workflow.get("file"), workflow["name"]])
    return {
        "ruleId": _WORKFLOW,
        "ruleIndex": rules.index(_WORKFLOW),
        "level": _LEVELS[workflow["verdict"]],
        "message": _message("\n".join(told)),
        "locations": [
            {
                "logicalLocations": [{"fullyQualifiedName": f"workflows/{line(workflow['name'])}", "kind": "module"}],
                "physicalLocation": _physical(file, 1),
            }
        ],
        "partialFingerprints": {"mcpAssayFinding/v1": hashlib.sha256(identity.encode("ascii")).hexdigest()},
    }


def _physical(file: str, at_line: int) -> dict[str, Any]:
    """Return a line of a file of the project."""
    return {
        "artifactLocation": {"uri": quote(file, safe="/"), "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": at_line},
    }


def _result(document: Document, result: ResultEntry, rules: list[str]) -> dict[str, Any]:
    """Return a finding."""
    server = _server_of(document, result)
    subject = result["server"] if result["tool"] is None else f"{result['server']}, {result['tool']}"
    told = f"{subject}: {result['observed'] or result['requirement']}"
    parts = (told, _told("expected", result["expected"]), _told("reproduce", result["reproduce"]))
    return {
        "ruleId": _rule_id(result),
        "ruleIndex": rules.index(_rule_id(result)),
        "level": _LEVELS[result["verdict"]],
        "message": _message("\n".join(part for part in parts if part)),
        "locations": [_location(result, server)],
        "partialFingerprints": {"mcpAssayFinding/v1": _fingerprint(result)},
    }


def _told(label: str, value: str | None) -> str:
    """Return a labelled line, or nothing without a value."""
    return f"{label}: {line(value, 600)}" if value else ""


def _location(result: ResultEntry, server: ServerEntry | None) -> dict[str, Any]:
    """Return where the server is configured, and its name as a logical place."""
    config = result.get("config") or (server["config"] if server else "")
    place = "/".join(part for part in (line(result["server"]), line(result["tool"] or "")) if part)
    location: dict[str, Any] = {"logicalLocations": [{"fullyQualifiedName": place or "-", "kind": "module"}]}
    if config:
        at_line = server["line"] if server and server["line"] > 0 else 1
        location["physicalLocation"] = _physical(line(config), at_line)
    return location


def _invocation(document: Document, found: list[ResultEntry]) -> dict[str, Any]:
    """Return how the run went: what could not be used, and errors of ours."""
    broke_off = broken_off(document["run"]["exit_status"]) is not None
    notes = [{"level": "error", "message": _message(remark)} for remark in remarks(document) if broke_off]
    notes += [
        {"level": "error", "message": _message(f"{server['name']}: {server['error']['message']}")}
        for server in document["servers"]
        if server["error"] is not None
    ]
    notes += [
        {"level": "error", "message": _message(f"{result['nodeid']}: {result['observed'] or 'error of the harness'}")}
        for result in found
        if result["verdict"] == "error"
    ]
    failures = sum(result["verdict"] in _LEVELS for result in found) - MOST_RESULTS
    if failures > 0:
        notes.append({"level": "warning", "message": _message(f"{failures} more findings are in the JSON report")})
    return {
        "executionSuccessful": document["summary"]["checks"]["error"] == 0 and not broke_off,
        "exitCode": document["run"]["exit_status"],
        "startTimeUtc": line(document["run"]["started_at"], 40),
        "toolExecutionNotifications": notes[:MOST_RESULTS],
    }


def _server_of(document: Document, result: ResultEntry) -> ServerEntry | None:
    """Return the server that a result is about, None when it is not listed."""
    for server in document["servers"]:
        if server["name"] == result["server"] and result.get("config", server["config"]) == server["config"]:
            return server
    return None


def _rule_id(result: ResultEntry) -> str:
    """Return the check's id."""
    return line(result["check"], 80) or "-"


def _message(text: str) -> dict[str, str]:
    """Return a plain text message: braces doubled (3.11.5), and no text that reads as an embedded link (3.11.6)."""
    shown = block(text, 2_000).replace("](", "]\u200b(")
    return {"text": shown.replace("{", "{{").replace("}", "}}") or "-"}


def _fingerprint(result: ResultEntry) -> str:
    """Return what tells a finding from others across runs: configuration, server, tool and check, not its words."""
    identity = json.dumps([result.get("config"), result["server"], result["tool"], result["check"]])
    return hashlib.sha256(identity.encode("ascii")).hexdigest()
