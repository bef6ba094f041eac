"""JUnit XML for CI systems: one suite for each server and check, one case for each tool; one for each workflow.

Check, level, specification and score are properties of the suite, because the schema that Jenkins' xUnit plugin
validates against (``junit-10.xsd``, shared by pytest's ``xunit2``) knows properties of suites only. A warning is a
case that passed and says so in its output: JUnit has no word for it.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from junit_xml import TestCase, TestSuite

from mcp_assay.readiness.ending import broken_off
from mcp_assay_reports.findings import remarks, results_of
from mcp_assay_reports.texts import block, line, score

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcp_assay.core.contract import Document, ResultEntry, ServerEntry, WorkflowEntry

_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LIMIT = "budget-"
_LONGEST_EXCHANGE = 8_000
_ATTACHMENT = "[[ATTACHMENT|"
_UNKNOWN_ATTRIBUTES = ("disabled",)


def render(document: Document) -> str:
    """Return the report as a JUnit XML file."""
    root = ET.Element("testsuites", {"name": "mcp-assay"})
    for server in document["servers"]:
        results = results_of(document, server)
        for suite in _suites(server, results, document["run"]["started_at"]):
            root.append(_element(suite))
    for workflow in document["workflows"]:
        root.append(_element(_workflow(workflow, document["run"]["started_at"])))
    if broken_off(document["run"]["exit_status"]) is not None:
        root.append(_element(_broken_off(document)))
    for name in ("tests", "failures", "errors"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    root.set("time", _time(sum(float(suite.get("time", "0")) for suite in root)))
    ET.indent(root)
    text = ET.tostring(root, encoding="unicode", xml_declaration=False)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n'


def _suites(server: ServerEntry, results: Iterable[ResultEntry], started_at: str) -> list[TestSuite]:
    """Return the suites of one server; a server that failed without a failed check gets one that says so."""
    groups: dict[str, list[ResultEntry]] = {}
    for result in results:
        groups.setdefault(result["check"], []).append(result)
    suites = [_suite(server, group, started_at) for group in groups.values()]
    told = any(result["verdict"] in {"fail", "error"} for group in groups.values() for result in group)
    return suites if told or server["status"] != "failed" else [*suites, _failed_server(server, started_at)]


def _suite(server: ServerEntry, results: list[ResultEntry], started_at: str) -> TestSuite:
    """Return the suite of one check on one server."""
    first = results[0]
    properties = {
        "check": _attribute(first["check"]),
        "level": first["level"],
        "category": first["category"],
        "spec": _attribute(first["spec"]),
        "server": _attribute(server["name"]),
        "score": score(server["readiness"]["score"]),
        "readiness": server["readiness"]["verdict"],
    }
    name = _attribute(f"{server['config']}::{server['name']}::{_title(first)}")
    return TestSuite(name, [_case(r) for r in results], timestamp=_attribute(started_at), properties=properties)


def _failed_server(server: ServerEntry, started_at: str) -> TestSuite:
    """Return the suite of a server that could not be used and has no finding of its own."""
    error = server["error"]
    case = TestCase("connect", classname=_class_name(server["config"], server["name"], "connectivity"))
    message = error["message"] if error else "the server could not be used"
    case.add_error_info(_attribute(message), _body(error["stderr_tail"] if error else ""), "unreachable")
    properties = {"server": _attribute(server["name"]), "readiness": server["readiness"]["verdict"], "score": "0.0"}
    name = _attribute(f"{server['config']}::{server['name']}::connect")
    return TestSuite(name, [case], timestamp=_attribute(started_at), properties=properties)


def _broken_off(document: Document) -> TestSuite:
    """Return the suite of a run that did not come to its end: without it, one that judged nothing would look green."""
    case = TestCase("whole run", classname="mcp-assay")
    case.add_error_info(_attribute(remarks(document)[0]), error_type="interrupted")
    waiting = [server["name"] for server in document["servers"] if server["status"] == "interrupted"]
    case.stdout = _body("\n".join(["not judged:", *waiting])) if waiting else None
    return TestSuite("run", [case], timestamp=_attribute(document["run"]["started_at"]))


def _case(result: ResultEntry) -> TestCase:
    """Return one result as a test case."""
    name = _title(result) if result["tool"] is None else f"{_title(result)}: {result['tool']}"
    class_name = _class_name(result.get("config", ""), result["server"], result["category"])
    case = TestCase(_attribute(name), classname=class_name, elapsed_sec=result["duration_s"])
    message = _attribute(result["observed"] or result["reason"] or result["requirement"])
    match result["verdict"]:
        case "fail":
            case.add_failure_info(message, _details(result), "fail")
        case "error":
            case.add_error_info(message, _details(result), "error")
        case "skip":
            case.add_skipped_info(message)
        case "warn":
            case.stdout = f"warning: {message}\n{_details(result)}"
        case "pass":
            case.stdout = message if result.get("slug", "").startswith(_LIMIT) else None
    return case


def _workflow(workflow: WorkflowEntry, started_at: str) -> TestSuite:
    """Return the suite of one workflow: a case for each step that was reached, and one for the whole."""
    class_name = _class_name("workflows", workflow["name"], "")
    cases = [
        _step(_attribute(step["id"]), class_name, step["outcome"], step.get("observed", ""), step["duration_s"])
        for step in workflow["steps"]
    ]
    cases.append(_step("whole workflow", class_name, workflow["verdict"], workflow.get("observed", ""), 0.0))
    properties = {"servers": _attribute(", ".join(workflow["servers"])), "verdict": workflow["verdict"]}
    name = _attribute(f"workflows::{workflow['name']}")
    return TestSuite(name, cases, timestamp=_attribute(started_at), properties=properties)


def _step(name: str, class_name: str, outcome: str, observed: str, took_s: float) -> TestCase:
    """Return a step, or the whole of a workflow, as a test case."""
    case, message = TestCase(name, classname=class_name, elapsed_sec=took_s), _attribute(observed or outcome)
    match outcome:
        case "fail":
            case.add_failure_info(message, failure_type="fail")
        case "error":
            case.add_error_info(message, error_type="error")
        case "skip":
            case.add_skipped_info(message)
        case _:
            case.stdout = message if observed else None
    return case


def _title(result: ResultEntry) -> str:
    """Return the check's id and short name."""
    return f"{result['check']} {result.get('slug', '')}".strip()


def _class_name(config: str, server: str, category: str) -> str:
    """Return the class name of a case; dots separate levels in CI systems, so that the parts hold none."""
    return ".".join(_attribute(part).replace(".", "_") for part in (config, server, category) if part)


def _details(result: ResultEntry) -> str:
    """Return what a reader needs to judge a finding and see it again."""
    fields = (
        ("requirement", result["requirement"]),
        ("expected", result["expected"]),
        ("observed", result["observed"]),
        ("specification", result["spec"]),
        ("fix", result.get("fix", "")),
        ("reproduce", result["reproduce"]),
    )
    lines = [f"{name}: {_body(value)}" for name, value in fields if value]
    if result["exchange"] is not None:
        lines.append(f"exchange: {_body(json.dumps(result['exchange'], indent=1), _LONGEST_EXCHANGE)}")
    return "\n".join(lines)


def _attribute(text: str) -> str:
    """Return ``text`` fit for an XML attribute; never empty, because readers refuse cases without a name."""
    return _inert(line(text, 1_000)) or "-"


def _body(text: str, limit: int = 4_000) -> str:
    """Return ``text`` fit for XML character data."""
    return _inert(block(text, limit))


def _inert(text: str) -> str:
    """Return ``text`` with XML's characters only and without the mark by which GitLab and Jenkins attach a file."""
    return _ILLEGAL.sub("", text).replace(_ATTACHMENT, _ATTACHMENT.replace("|", "\u200b|"))


def _element(suite: TestSuite) -> ET.Element:
    """Return the library's element without what the schema does not know, times in milliseconds."""
    element: ET.Element = suite.build_xml_doc()
    for name in _UNKNOWN_ATTRIBUTES:
        element.attrib.pop(name, None)
    for timed in (element, *element.iter("testcase")):
        timed.set("time", _time(float(timed.get("time", "0"))))
    return element


def _time(value: float) -> str:
    """Return seconds as the schema wants them: at most three decimals, no exponent."""
    return f"{value:.3f}"
