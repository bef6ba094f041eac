from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_assay.core.clock import SystemClock
from mcp_assay.core.errors import UsageError
from mcp_assay.runtime.breaker import BreakerPolicy, CircuitBreaker
from mcp_assay.runtime.bulkhead import Bulkhead
from mcp_assay.runtime.inventory import ToolDefinition
from mcp_assay.runtime.registry import DynamicToolRegistry, RegisteredTool
from mcp_assay.runtime.routing import Replica, Router, is_safe_to_repeat


def entry(server, name, **raw):
    definition = ToolDefinition(name=name, raw={"name": name, **raw})
    return RegisteredTool(server=server, server_id=f"c::{server}", definition=definition)


def replica(*, outstanding=0, latency_s=0.0, is_open=False):
    breaker = CircuitBreaker(BreakerPolicy(least_calls=1, open_s=1e9), SystemClock())
    if is_open:
        breaker.record(breaker.permit(), failed=True)
    bulkhead = Bulkhead(places=9, queue=0)
    for _ in range(outstanding):
        assert bulkhead.try_enter()
    return Replica(breaker=breaker, bulkhead=bulkhead, latency_s=latency_s)


def router(tools=(), groups=None, books=None):
    return Router(DynamicToolRegistry(tools), groups or {}, lambda server_id: (books or {})[server_id])


states = st.builds(
    replica, outstanding=st.integers(0, 3), latency_s=st.sampled_from([0.0, 0.1, 0.2]), is_open=st.booleans()
)


@given(books=st.lists(states, min_size=1, max_size=5), avoided=st.sets(st.integers(0, 4)))
def test_the_choice_is_an_untried_open_server_with_the_fewest_calls_and_then_the_fastest(books, avoided):
    by_id = {f"c::s{index}": book for index, book in enumerate(books)}
    tools = [entry(f"s{index}", "t") for index in range(len(books))]
    avoid = {f"c::s{index}" for index in avoided}
    chosen = by_id[(chosen_tool := router(books=by_id).choose(tools, avoid=avoid)).server_id]
    for server_id, other in by_id.items():
        better = (server_id in avoid, other.breaker.retry_after_s > 0, other.bulkhead.outstanding, other.latency_s) < (
            chosen_tool.server_id in avoid,
            chosen.breaker.retry_after_s > 0,
            chosen.bulkhead.outstanding,
            chosen.latency_s,
        )
        assert not better


def test_a_group_stands_for_those_of_its_servers_that_list_the_tool():
    found = router([entry("a", "t"), entry("b", "u")], {"g": ("a", "b", "gone")}).candidates("g.t")
    assert [tool.server for tool in found] == ["a"]


def test_a_group_without_the_tool_is_an_error():
    with pytest.raises(UsageError, match="no server of the group 'g' lists a tool 't'"):
        router([entry("b", "u")], {"g": ("a", "b")}).candidates("g.t")


def test_a_capability_finds_the_tool_that_takes_these_arguments():
    path = {"inputSchema": {"properties": {"path": {}}, "required": ["path"]}}
    tools = [entry("a", "read_graph"), entry("b", "read_file", **path), entry("c", "write_file", **path)]
    assert router(tools).capable("read file", {"path": "x"}).server == "b"
    with pytest.raises(UsageError, match="takes these arguments"):
        router(tools).capable("read file", {"elsewhere": 1})


@pytest.mark.parametrize(
    ("annotations", "safe"),
    [({}, False), ({"readOnlyHint": True}, True), ({"idempotentHint": True}, True), ({"readOnlyHint": "yes"}, False)],
)
def test_only_tools_that_say_so_are_safe_to_repeat(annotations, safe):
    assert is_safe_to_repeat(entry("a", "t", annotations=annotations).definition) is safe


def test_a_new_duration_has_a_fifth_of_the_weight():
    book = replica(latency_s=0.5)
    book.note(0.1)
    assert book.latency_s == pytest.approx(0.42)
