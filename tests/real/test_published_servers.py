"""Published servers are reached, listed and ended, whoever wrote them and with whichever SDK."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mcp_assay.runtime.manager import ManagedServer

pytestmark = pytest.mark.real

TOOLS = {
    "everything": 13,
    "memory": 9,
    "filesystem": 14,
    "sequential-thinking": 1,
    "github": 26,
    "trello": 57,
    "postman": 42,
    "time": 2,
    "git": 12,
    "fetch": 1,
}
"""How many tools each pinned version lists, counted on the raw JSON-RPC."""


@pytest.fixture(scope="module")
def published(visit: Callable[[Path], Mapping[str, ManagedServer]]) -> Mapping[str, ManagedServer]:
    return visit(Path(__file__).with_name("published.json"))


def test_every_published_server_is_tried(published: Mapping[str, ManagedServer]) -> None:
    assert list(published) == list(TOOLS)


@pytest.mark.parametrize("name", TOOLS)
def test_a_published_server_is_reached(published: Mapping[str, ManagedServer], name: str) -> None:
    assert published[name].fault is None


@pytest.mark.parametrize(("name", "count"), TOOLS.items(), ids=list(TOOLS))
def test_all_of_its_tools_are_found(published: Mapping[str, ManagedServer], name: str, count: int) -> None:
    assert len(published[name].inventory.tools) == count


@pytest.mark.parametrize("name", TOOLS)
def test_its_lists_are_read_to_the_end(published: Mapping[str, ManagedServer], name: str) -> None:
    assert {
        key: listing.problem for key, listing in published[name].inventory.listings.items() if listing.problem
    } == {}


@pytest.mark.parametrize("name", TOOLS)
def test_it_leaves_no_process_behind(published: Mapping[str, ManagedServer], name: str) -> None:
    closed = published[name].closed
    assert closed is not None
    assert closed.survivors == 0


@pytest.mark.parametrize("name", sorted(set(TOOLS) - {"trello"}))
def test_it_ends_by_itself_when_its_input_closes(published: Mapping[str, ManagedServer], name: str) -> None:
    closed = published[name].closed
    assert closed is not None
    assert closed.needed == "exit"


def test_trello_ignores_the_end_of_its_input_and_is_terminated(published: Mapping[str, ManagedServer]) -> None:
    closed = published["trello"].closed
    assert closed is not None
    assert closed.needed == "terminate"
