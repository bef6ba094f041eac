"""Values flow between servers, hanging ones hold nobody up, likenesses are found, workflows of users are judged."""

from __future__ import annotations

import asyncio
import json
import sys
import textwrap
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest
from assay import Rules

from mcp_assay.config.loader import load
from mcp_assay.core.errors import ConfigError
from mcp_assay.core.verdicts import Outcome
from mcp_assay.readiness.opening import open_run
from mcp_assay.readiness.policy import Rule
from mcp_assay.readiness.workflows import judge_workflow, user_workflows
from mcp_assay.wire.connect import Connector
from mcp_assay.wire.limits import Limits
from mcp_assay.wire.log import ServerMessage
from mcp_assay.wire.reaper import Reaper
from mcp_assay_suites.cross_server.crosstalk import Speaker, no_cross_talk
from mcp_assay_suites.cross_server.hanging import hang_contained
from mcp_assay_suites.cross_server.likeness import likeness, near_duplicate_tools
from mcp_assay_suites.cross_server.outages import outage_survived
from mcp_assay_suites.cross_server.pipelines import pipeline_taken
from mcp_assay_suites.cross_server.replicas import replicas_agree
from mcp_assay_suites.cross_server.throughput import throughput_together

OUTER_S = 60.0

SMALL = """
import json, os, sys, time
from pathlib import Path
READ_ONLY = {"readOnlyHint": True, "openWorldHint": False}
def held(path):
    # A process that is held has the state T in the third field of its stat file, after the name in brackets.
    lines = path.read_text().split() if path.exists() else []
    states = [Path(f"/proc/{pid}/stat") for pid in lines]
    return any(stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "T" for stat in states)
own = "--own-id" in sys.argv
told = dict(os.environ) if "--environment" in sys.argv else None
fragile = "--fragile" in sys.argv
shy, loud = (Path(sys.argv[2]) if word in sys.argv else None for word in ("--shy", "--loud"))
fate = Path(sys.argv[1]) if len(sys.argv) > 1 and not (own or fragile or shy or loud or told) else None
if fate:
    with fate.open("a") as file:
        file.write(f"{os.getpid()}\\n")
for line in sys.stdin:
    message = json.loads(line)
    if fragile and message["method"] == "notifications/cancelled":
        sys.exit("cancelled")
    if "id" not in message or (fate and held(fate)):
        continue
    answer = {"jsonrpc": "2.0", "id": message["id"]}
    if message["method"] == "initialize":
        answer["result"] = {"protocolVersion": message["params"]["protocolVersion"], "capabilities": {"tools": {}},
                            "serverInfo": {"name": "small", "version": "1"}}
    elif message["method"] == "tools/list":
        answer["result"] = {"tools": [{
            "name": "repeat", "description": "Return the given text again unchanged, however long it is.",
            "inputSchema": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
            "annotations": READ_ONLY}]}
    elif message["method"] == "tools/call":
        if loud:
            loud.touch()
        if shy and shy.exists() and time.time() - shy.stat().st_mtime < 2:
            answer["error"] = {"code": -32000, "message": "busy elsewhere"}
            print(json.dumps(answer), flush=True)
            continue
        texts = [str(os.getpid())] if own else [json.dumps(told)] if told else []
        answer["result"] = {"content": [{"type": "text", "text": text} for text in texts]}
    elif message["method"] == "ping":
        answer["result"] = {}
    else:
        answer["error"] = {"code": -32601, "message": "no such method"}
    print(json.dumps(answer), flush=True)
"""


@pytest.fixture
def small(tmp_path):
    """Return a maker of a configuration entry of a server of a few lines."""
    script = tmp_path / "small.py"
    script.write_text(textwrap.dedent(SMALL))
    return lambda *arguments: {"command": sys.executable, "args": ["-I", "-S", str(script), *map(str, arguments)]}


def outcomes(judged, check):
    return {name: [verdict.outcome for verdict in one.of(check)] for name, one in judged.items()}


def test_what_one_server_returns_is_passed_on_to_another(bench):
    judged = bench.judge({"one": bench.raw(), "two": bench.raw()}, [pipeline_taken])
    assert outcomes(judged, "CROSS-003") == {"one": [Outcome.PASS], "two": [Outcome.PASS]}
    assert "'text' from two.echo to one.echo" in judged["one"].of("CROSS-003")[0].observed


def test_a_server_that_dies_of_a_value_of_another_is_found(bench):
    judged = bench.judge({"one": bench.raw(), "two": bench.raw("--fault", "exit-mid-call")}, [pipeline_taken])
    finding = judged["two"].findings["CROSS-003"]
    assert "'text' from one.echo to two.echo" in finding.observed
    assert set(finding.exchange) == {"given", "taken"}
    assert "CROSS-003" not in judged["one"].findings


def test_servers_whose_schemas_do_not_meet_have_no_pipelines(bench, small):
    judged = bench.judge({"one": small(), "two": small()}, [pipeline_taken])
    assert [verdict.applicable for one in judged.values() for verdict in one.of("CROSS-003")] == [False, False]


def test_a_held_instance_holds_nobody_up(bench):
    judged = bench.judge({"one": bench.raw(), "two": bench.raw()}, [hang_contained])
    assert outcomes(judged, "CROSS-004") == {"one": [Outcome.PASS], "two": [Outcome.PASS]}


def test_a_server_that_waits_for_its_held_twin_is_found(bench, small, tmp_path):
    judged = bench.judge({"one": small(tmp_path / "fate"), "two": bench.raw()}, [hang_contained])
    assert judged["one"].findings["CROSS-004"].observed == "no answer from 'one', twice"
    assert outcomes(judged, "CROSS-004")["two"] == [Outcome.PASS]


def test_instances_that_say_the_same_agree_and_one_that_tells_its_own_id_does_not(bench, small):
    judged = bench.judge({"same": bench.raw(), "own": small("--own-id")}, [replicas_agree])
    assert outcomes(judged, "CROSS-005")["same"] == [Outcome.PASS]
    finding = judged["own"].findings["CROSS-005"]
    assert finding.observed.startswith("tools/call repeat: at /content/0/text one says ")
    assert set(finding.exchange) == {"one", "other"}


def test_what_we_put_into_the_environment_of_an_instance_is_no_difference_between_instances(bench, small):
    judged = bench.judge({"told": small("--environment")}, [replicas_agree])
    assert outcomes(judged, "CROSS-005")["told"] == [Outcome.PASS]


def test_the_rates_together_are_told_beside_those_alone(bench):
    judged = bench.judge({"one": bench.raw(), "two": bench.raw()}, [throughput_together])
    assert outcomes(judged, "CROSS-008") == {"one": [Outcome.PASS], "two": [Outcome.PASS]}
    assert "2 servers together" in judged["one"].of("CROSS-008")[0].observed


def test_a_server_whose_answers_fail_while_another_is_busy_is_found(bench, small, tmp_path):
    servers = {"one": small("--shy", tmp_path / "busy"), "two": small("--loud", tmp_path / "busy")}
    judged = bench.judge(servers, [throughput_together])
    assert "failed: JSON-RPC error -32000: busy elsewhere" in judged["one"].findings["CROSS-008"].observed
    assert outcomes(judged, "CROSS-008")["two"] == [Outcome.PASS]


class MixedUp(BaseHTTPRequestHandler):
    """A server that remembers answers by the id of the request alone, whoever asked."""

    protocol_version = "HTTP/1.1"
    answers = {}  # noqa: RUF012  (shared by all connections: that is its fault)

    def do_POST(self):
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        tools = [{"name": name, "inputSchema": {"type": "object"}, "annotations": READ_ONLY} for name in "ab"]
        result = {
            "initialize": {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": INFO},
            "tools/list": {"tools": tools},
            "tools/call": {"content": [{"type": "text", "text": message.get("params", {}).get("name")}]},
        }.get(message["method"], {})
        if isinstance(message.get("id"), str) and message["method"] == "tools/call":
            result = self.answers.setdefault(message["id"], result)
        self.reply(200 if "id" in message else 202, {"jsonrpc": "2.0", "id": message.get("id"), "result": result})

    def reply(self, status, body):
        data = json.dumps(body).encode() if status == 200 else b""
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        self.reply(405, {})

    def log_message(self, *_):
        pass


def test_progress_of_the_other_connection_is_overheard_and_unknown_tokens_are_left_to_other_checks():
    def said(token):
        return ServerMessage({"method": "notifications/progress", "params": {"progressToken": token}}, b"", 0.0)

    messages = [said("assay-one-0-1"), said("assay-two-0-1"), said("their own"), said(7)]
    session = SimpleNamespace(log=SimpleNamespace(server_messages=messages))
    one, two = (Speaker(name=f"assay-{name}-", session=session, asked=()) for name in ("one", "two"))
    assert list(one.overheard(two)) == ["assay-two-0-1"]


READ_ONLY = {"readOnlyHint": True, "openWorldHint": False}
INFO = {"name": "mixed-up", "version": "1"}


def test_a_server_that_tells_requests_apart_by_their_id_alone_is_found(bench):
    with ThreadingHTTPServer(("127.0.0.1", 0), MixedUp) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            url = f"http://127.0.0.1:{server.server_port}/mcp"
            judged = bench.judge({"mixed": {"type": "http", "url": url}, "sound": bench.raw()}, [no_cross_talk])
        finally:
            server.shutdown()
            thread.join()
    assert outcomes(judged, "CROSS-007")["sound"] == [Outcome.PASS]
    assert "under the same ids, twice: a result" in judged["mixed"].findings["CROSS-007"].observed


def test_a_server_outlives_an_outage_or_is_found(bench, small):
    judged = bench.judge({"sound": bench.raw(), "fragile": small("--fragile")}, [outage_survived])
    sound = judged["sound"].of("CROSS-006")[0]
    assert sound.observed == "its breaker opened and closed, it came back after a cut, and 1 other server went on"
    assert judged["fragile"].findings["CROSS-006"].observed == "while it was slow, the server exited with status 1"


def test_tools_that_read_alike_are_found_and_equal_names_are_left_to_another_check(bench, small):
    judged = bench.judge({"one": bench.raw(), "two": small(), "three": bench.raw()}, [near_duplicate_tools])
    assert judged["two"].findings["ADV-022"].observed.startswith("'repeat' reads like 'echo' of 'one'")
    assert judged["one"].findings["ADV-022"].observed == "'echo' reads like 'repeat' of 'two'"


def test_short_descriptions_are_not_compared():
    assert likeness(frozenset("abc"), frozenset("abc")) == 0.0
    assert likeness(frozenset("abcd"), frozenset("abcd")) == 1.0


GOOD = """
steps:
  sum:
    tool: one.add
    arguments: {a: 2, b: 3}
  say:
    tool: two.echo
    arguments: {text: "sum ${steps.sum.structured.sum}"}
"""


def judge(tmp_path, bench, text):
    """Judge the workflow in a text over two raw servers."""
    folder = tmp_path / "workflows"
    folder.mkdir()
    (folder / "it.yaml").write_text(text)
    config = tmp_path / "servers.json"
    bench_entry = {"one": bench.raw(), "two": bench.raw()}
    config.write_text(json.dumps({"mcpServers": bench_entry}))
    reaper = Reaper()

    async def work():
        async with asyncio.timeout(OUTER_S):
            connector = Connector(limits=Limits(start_s=20.0, exit_s=0.5, terminate_s=0.5), reaper=reaper)
            specs = load(config, config_id="servers.json")
            opened = await open_run(specs, connector=connector, rules=Rules({"add": Rule(call=True)}))
            try:
                (workflow,) = user_workflows(folder)
                return await judge_workflow(workflow, opened.run)
            finally:
                await opened.close()

    try:
        return asyncio.run(work())
    finally:
        reaper.close()


def test_a_workflow_that_works_passes_step_by_step(tmp_path, bench):
    judgement = judge(tmp_path, bench, GOOD)
    assert judgement.whole.outcome is Outcome.PASS
    assert {name: step.outcome for name, step in judgement.steps.items()} == {"sum": Outcome.PASS, "say": Outcome.PASS}
    assert judgement.entry["name"] == "it"
    assert judgement.entry["servers"] == ["one", "two"]
    first, second = judgement.entry["steps"]
    assert 0 <= first["started_s"] < second["started_s"]
    assert [(step["id"], step["tool"], step["needs"]) for step in judgement.entry["steps"]] == [
        ("sum", "add", []),
        ("say", "echo", ["sum"]),
    ]


def test_a_workflow_that_cannot_work_fails_without_a_call(tmp_path, bench):
    judgement = judge(tmp_path, bench, GOOD.replace("steps.sum.structured.sum", "steps.sum.structured.total"))
    assert judgement.whole.outcome is Outcome.FAIL
    assert "there is no 'total'" in judgement.whole.observed
    assert {step.outcome for step in judgement.steps.values()} == {Outcome.SKIP}


def test_a_workflow_opens_no_tool_that_is_closed(tmp_path, bench):
    text = "steps:\n  keep:\n    tool: one.remember\n    arguments: {key: a, value: b}\n"
    judgement = judge(tmp_path, bench, text)
    assert judgement.whole.outcome is Outcome.SKIP
    assert "one.remember" in judgement.whole.reason


def test_a_failing_step_is_told_apart_from_what_it_blocks(tmp_path, bench):
    text = GOOD.replace("{a: 2, b: 3}", "{a: 2, b: 3000000000}")
    judgement = judge(tmp_path, bench, text)
    assert judgement.whole.outcome is Outcome.FAIL
    assert {name: step.outcome for name, step in judgement.steps.items()} == {"sum": Outcome.FAIL, "say": Outcome.SKIP}


def test_a_folder_without_workflows_has_none_and_a_broken_file_is_an_error(tmp_path):
    assert user_workflows(tmp_path / "none") == ()
    (tmp_path / "x.yml").write_text("steps: []")
    with pytest.raises(ConfigError, match=r"x\.yml:1:1"):
        user_workflows(tmp_path)
