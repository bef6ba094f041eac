"""A published server that cannot start says why in its own words, and that is the cause we give."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mcp_assay.core.faults import FaultKind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mcp_assay.core.faults import Fault
    from mcp_assay.runtime.manager import ManagedServer

pytestmark = pytest.mark.real

CAUSES = {
    "no-docker-daemon": (FaultKind.EXITED, 1, "Docker daemon is not accessible"),
    "no-podman": (FaultKind.EXITED, 2, "no podman implementation available"),
    "no-key": (FaultKind.UNSET_VARIABLE, 1, "TMDB_API_KEY"),
    "no-token": (FaultKind.UNSET_VARIABLE, 1, "YOUTUBE_API_KEY"),
    "no-keys": (FaultKind.UNSET_VARIABLE, 1, "TRELLO_TOKEN"),
    "not-installed": (FaultKind.NOT_INSTALLED, 1, "server-that-nobody-installed"),
    "no-such-program": (FaultKind.NOT_INSTALLED, None, "mcp-server-that-nobody-installed"),
    "wrong-arguments": (FaultKind.WRONG_ARGUMENTS, 2, "unrecognized arguments: --no-such-option"),
}


@pytest.fixture(scope="module")
def unfit(visit: Callable[[Path], Mapping[str, ManagedServer]]) -> Mapping[str, ManagedServer]:
    return visit(Path(__file__).with_name("unfit.json"))


def fault_of(server: ManagedServer) -> Fault:
    """Return the fault of a server that must have one."""
    assert server.fault is not None
    return server.fault


def test_every_unfit_server_is_tried(unfit: Mapping[str, ManagedServer]) -> None:
    assert set(unfit) == {*CAUSES, "healthy"}


def test_a_healthy_server_among_them_is_reached(unfit: Mapping[str, ManagedServer]) -> None:
    assert unfit["healthy"].fault is None


@pytest.mark.parametrize("name", CAUSES)
def test_the_kind_of_the_fault_is_told(unfit: Mapping[str, ManagedServer], name: str) -> None:
    assert fault_of(unfit[name]).kind is CAUSES[name][0]


@pytest.mark.parametrize("name", CAUSES)
def test_the_exit_status_is_told(unfit: Mapping[str, ManagedServer], name: str) -> None:
    assert fault_of(unfit[name]).exit_code == CAUSES[name][1]


@pytest.mark.parametrize("name", CAUSES)
def test_the_message_quotes_the_cause(unfit: Mapping[str, ManagedServer], name: str) -> None:
    assert CAUSES[name][2] in fault_of(unfit[name]).message


@pytest.mark.parametrize("name", CAUSES)
def test_there_is_a_next_step(unfit: Mapping[str, ManagedServer], name: str) -> None:
    assert fault_of(unfit[name]).hint
