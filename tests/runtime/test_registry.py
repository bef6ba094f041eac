from __future__ import annotations

import asyncio
import sys
import textwrap

import pytest
from fleets import raw_spec, script_spec

from mcp_assay.core.errors import UsageError
from mcp_assay.runtime.backoff import Backoff
from mcp_assay.runtime.categories import categorise, singular, words_of
from mcp_assay.runtime.inventory import ToolDefinition
from mcp_assay.runtime.registry import DynamicToolRegistry, RegisteredTool, RegistryChange, prefer
from mcp_assay.runtime.states import ServerState
from mcp_assay.runtime.supervision import WatchPolicy

EAGER = WatchPolicy(interval_s=30.0, backoff=Backoff(base_s=0.0, cap_s=0.0, attempts=3))

GROWING = """
import json, sys
tools = ["grow"]
def say(message):
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\\n"); sys.stdout.flush()
for line in sys.stdin:
    message = json.loads(line)
    method, params = message.get("method"), message.get("params") or {}
    if method == "initialize":
        result = {"protocolVersion": params["protocolVersion"], "capabilities": {"tools": {"listChanged": True}},
                  "serverInfo": {"name": "growing", "version": "1"}}
    elif method == "tools/list":
        result = {"tools": [{"name": name, "inputSchema": {"type": "object"}} for name in tools], **EXTRA}
    elif method == "tools/call":
        tools.append(params["arguments"]["name"])
        if not EXTRA:
            say({"method": "notifications/tools/list_changed"})
        result = {"content": []}
    elif "id" in message:
        say({"id": message["id"], "error": {"code": -32601, "message": "no"}})
        continue
    if "id" in message:
        say({"id": message["id"], "result": result})
"""


def entry(server, name, **raw):
    definition = ToolDefinition(name=name, raw={"name": name, **raw})
    return RegisteredTool(server=server, server_id=f"c::{server}", definition=definition)


def growing(tmp_path, **extra):
    script = tmp_path / "growing.py"
    script.write_text(f"EXTRA = {extra!r}\n" + textwrap.dedent(GROWING))
    return script_spec("one", sys.executable, "-I", str(script))


def test_a_bare_name_needs_one_owner_or_a_rule():
    tools = [entry("a", "read"), entry("b", "read"), entry("b", "own")]
    plain, ruled = DynamicToolRegistry(tools), DynamicToolRegistry(tools, rule=prefer("z", "b", "a"))
    assert plain.find("own").server == plain.find("b.own").server == plain.find("c::b.own").server == "b"
    with pytest.raises(UsageError, match=r"several servers list a tool 'read'\nhint: use one of c::a.read, c::b.read"):
        plain.find("read")
    assert ruled.find("read").server == "b"
    assert set(plain.collisions) == {"read"}
    assert plain.validate_tool_availability("read", "a.read", "none") == {"read": False, "a.read": True, "none": False}


def test_servers_of_the_same_name_are_told_apart_by_their_configuration():
    first, second = entry("a", "t"), RegisteredTool(server="a", server_id="d::a", definition=entry("a", "t").definition)
    registry = DynamicToolRegistry([first, second])
    with pytest.raises(UsageError, match="several"):
        registry.find("a.t")
    assert registry.find("d::a.t") is second


def test_a_tool_cannot_take_the_full_name_of_another():
    registry = DynamicToolRegistry([entry("evil", "memory.read"), entry("memory", "read")])
    assert registry.find("memory.read").server == "memory"


def test_a_slip_of_the_pen_is_told_apart_from_a_tool_of_like_words():
    registry = DynamicToolRegistry([entry("a", f"get_{number}_items") for number in range(2_000)])
    with pytest.raises(UsageError, match=r"close to it: (.*, )?get_1999_items(,|$)"):
        registry.find("get_1999_item")
    with pytest.raises(UsageError, match=r"close to it: (.*, )?a\.get_7_items(,|$)"):
        registry.find("a.gte_7_items")


def test_an_unknown_name_names_what_is_close():
    with pytest.raises(UsageError, match=r"close to it: a\.read_file"):
        DynamicToolRegistry([entry("a", "read_file")]).find("file_reader_read")


@pytest.mark.parametrize(
    ("name", "annotations", "labels"),
    [
        ("create_entities", {}, {"effect:unknown", "action:create", "noun:entity", "reach:open"}),
        ("listBranches", {"readOnlyHint": True}, {"effect:read-only", "action:read", "noun:branch"}),
        ("delete-file", {"readOnlyHint": False}, {"effect:destructive", "action:delete", "noun:file"}),
        (
            "HTTPGet2",
            {"destructiveHint": False, "openWorldHint": False},
            {"effect:additive", "reach:closed", "noun:http"},
        ),
        ("", {}, {"action:other"}),
    ],
)
def test_categories_come_from_annotations_and_words(name, annotations, labels):
    assert labels <= categorise(entry("a", name, annotations=annotations).definition).labels


def test_words_are_split_at_capitals_and_signs():
    assert words_of("getHTTPResponse_code-2") == ("get", "http", "response", "code", "2")
    assert [singular(word) for word in ("entities", "boxes", "class", "status", "files")] == [
        "entity",
        "box",
        "class",
        "status",
        "file",
    ]


def test_categories_list_their_tools():
    registry = DynamicToolRegistry([entry("a", "read_file"), entry("b", "get_files"), entry("b", "send_mail")])
    assert [tool.server for tool in registry.categories["action:read"]] == ["a", "b"]
    assert len(registry.categories["noun:file"]) == 2


def test_a_search_ranks_rare_words_in_names_first():
    registry = DynamicToolRegistry(
        [
            entry("a", "read_graph", description="Read the whole graph"),
            entry("a", "read_file", description="Read a file"),
            entry("b", "search", description="Search the files of a repository"),
        ]
    )
    found = registry.search("read files")
    assert found[0].tool.definition.name == "read_file"
    assert {one.tool.definition.name for one in found} == {"read_file", "read_graph", "search"}
    assert all(0 < one.score <= 1 for one in found)
    assert registry.search("nothing like it") == []


def test_a_search_can_ask_for_types():
    takes = {"inputSchema": {"properties": {"n": {"type": "number"}}}}
    gives = {"outputSchema": {"properties": {"ids": {"type": "array"}}}}
    registry = DynamicToolRegistry([entry("a", "x", **takes), entry("a", "y", **gives)])
    assert [one.tool.definition.name for one in registry.search(takes="integer")] == ["x"]
    assert [one.tool.definition.name for one in registry.search(gives="array")] == ["y"]


def test_a_new_list_is_compared_with_the_old_one():
    registry = DynamicToolRegistry([entry("a", "x"), entry("a", "y"), entry("b", "x")])
    seen = []
    registry.changes.listen(seen.append)
    registry.replace_tools("c::a", [entry("a", "y", title="new"), entry("a", "z")])
    registry.replace_tools("c::a", [entry("a", "y", title="new"), entry("a", "z")])
    assert seen == [RegistryChange(server_id="c::a", added=("z",), removed=("x",), changed=("y",))]
    assert registry.collisions == {}
    assert registry.find("x").server == "b"


async def changed(registry):
    """Return the next change of a registry."""
    with registry.changes.subscribe() as changes:
        return await anext(changes)


@pytest.mark.asyncio
async def test_a_tool_is_there_after_list_changed(fleet, tmp_path):
    async with fleet(growing(tmp_path)) as here, here.registry.update_registry_real_time(here.manager) as registry:
        change = asyncio.ensure_future(changed(registry))
        await here.executor.route_tool_call("one.grow", {"name": "later"})
        assert await change == RegistryChange(server_id="c::one", added=("later",))
        assert registry.validate_tool_availability("one.later") == {"one.later": True}


@pytest.mark.asyncio
async def test_a_list_is_read_again_when_it_may_be_kept_no_longer(fleet, tmp_path):
    async with (
        fleet(growing(tmp_path, ttlMs=1)) as here,
        here.registry.update_registry_real_time(here.manager) as registry,
    ):
        change = asyncio.ensure_future(changed(registry))
        await here.executor.route_tool_call("one.grow", {"name": "later"})
        assert (await change).added == ("later",)


@pytest.mark.asyncio
async def test_a_stateless_server_is_listened_to(fleet):
    async with fleet(raw_spec("one", "--era", "stateless")) as here:
        async with here.registry.update_registry_real_time(here.manager) as registry:
            assert len(registry) == 6
        assert here.manager.server("one").session.channel.open_requests == 0


@pytest.mark.asyncio
async def test_a_flood_of_changes_costs_a_few_reads(fleet):
    async with fleet(raw_spec("one", "--era", "handshake", "--fault", "list-changed-flood=500")) as here:
        async with here.registry.update_registry_real_time(here.manager):
            for _ in range(20):
                assert (await here.executor.route_tool_call("one.wait", {"ms": 50})).succeeded
        log = here.manager.server("one").session.log
        reads = sum(exchange.method == "tools/list" for exchange in log.exchanges)
        seconds = log.exchanges[-1].ended_at - log.exchanges[0].sent_at
        assert reads <= 2 * (1 + 10 + 2 * seconds + 1)


@pytest.mark.asyncio
async def test_the_registry_follows_losses_and_returns(fleet):
    async with (
        fleet(raw_spec("one"), raw_spec("two"), watch=EAGER) as here,
        here.registry.update_registry_real_time(here.manager) as registry,
    ):
        await here.kill("one")
        assert registry.find("one.echo")
        assert await here.manager.wait_until_ready(here.manager.server("one"), timeout_s=20.0)
        assert registry.find("one.echo")
        here.manager.change(here.manager.server("two"), ServerState.FAILED)
        assert registry.get("two.echo") is None
        assert registry.find("echo").server == "one"
