"""The end of real processes: bounded, and with nothing left behind."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import TYPE_CHECKING

import pytest

from mcp_assay.config.spec import Launch, TransportKind
from mcp_assay.core.errors import ConnectError
from mcp_assay.core.faults import FaultKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_assay.wire.connect import Connector
    from mcp_assay.wire.transport import CloseReport

pytestmark = pytest.mark.asyncio

SERVE = """
for request in requests():
    say({"jsonrpc": "2.0", "id": request["id"], "result": {"tools": []}})
"""
STUBBORN_CHILD = (
    "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], "
    "stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=%s)\n"
)


async def visit(connector: Connector, launch: Launch) -> CloseReport:
    session = await connector.open_session(launch)
    assert (await session.list_all("tools")).problem is None
    return await session.close()


async def test_a_well_behaved_server_ends_on_end_of_input(connector: Connector, inline: Callable) -> None:
    report = await visit(connector, inline(SERVE))
    assert (report.needed, report.exit_code, report.survivors) == ("exit", 0, 0)


@pytest.mark.parametrize("own_session", [False, True])
async def test_a_child_that_outlives_its_leader_is_killed_and_counted(
    connector: Connector, inline: Callable, own_session: bool
) -> None:
    report = await visit(connector, inline(STUBBORN_CHILD % own_session + SERVE))
    assert (report.needed, report.survivors) == ("exit", 1)


async def test_a_server_that_ignores_end_of_input_is_terminated(connector: Connector, inline: Callable) -> None:
    report = await visit(connector, inline(SERVE + "\nwhile True: time.sleep(600)"))
    assert (report.needed, report.exit_code) == ("terminate", -15)


async def test_a_server_that_ignores_sigterm_too_is_killed(connector: Connector, inline: Callable) -> None:
    body = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + STUBBORN_CHILD % True + SERVE
    report = await visit(connector, inline(body + "\nwhile True: time.sleep(600)"))
    assert (report.needed, report.exit_code, report.survivors) == ("kill", -9, 1)


async def test_a_server_that_closes_stdout_and_lives_on_is_named_and_ended(
    connector: Connector, inline: Callable
) -> None:
    body = "for request in requests():\n    os.close(1)\n    time.sleep(600)"
    session = await connector.open_session(inline(body))
    exchange = await session.request("tools/list")
    assert exchange.fault.message == "the server closed its stdout but lives on"
    assert (await session.close()).needed == "terminate"


async def test_an_exit_in_the_middle_of_a_call_carries_status_and_stderr(
    connector: Connector, inline: Callable
) -> None:
    body = "for request in requests():\n    print('Segfault in tool', file=sys.stderr)\n    sys.exit(11)"
    session = await connector.open_session(inline(body))
    exchange = await session.call_tool("x")
    assert exchange.fault.message == "the server exited with status 11"
    assert (exchange.fault.exit_code, exchange.fault.stderr_tail) == (11, "Segfault in tool")
    again = await session.call_tool("x")
    assert again.fault.kind is FaultKind.EXITED
    await session.close()


async def test_a_killed_server_is_told_by_its_signal(connector: Connector, inline: Callable) -> None:
    session = await connector.open_session(inline("for request in requests():\n    os.kill(os.getpid(), 9)"))
    exchange = await session.call_tool("x")
    assert (exchange.fault.kind, exchange.fault.message) == (FaultKind.KILLED, "the server was killed by SIGKILL")
    await session.close()


async def test_a_server_that_closes_its_stdin_is_named(connector: Connector, inline: Callable) -> None:
    body = """
    line = sys.stdin.readline()
    ready(json.loads(line))
    os.close(0)
    say({"jsonrpc": "2.0", "method": "notifications/message", "params": {}})
    time.sleep(600)
    """
    session = await connector.open_session(inline(body))
    heard = asyncio.Event()
    session.channel.on_notification(lambda _: heard.set())
    if not session.log.server_messages:
        await asyncio.wait_for(heard.wait(), 5)
    exchange = await session.call_tool("x", {"padding": "x" * 10})
    assert exchange.fault.message == "the server has closed its stdin"
    await session.close()


async def test_a_server_that_never_reads_its_stdin_is_named(connector: Connector, inline: Callable) -> None:
    session = await connector.open_session(inline("ready(json.loads(sys.stdin.readline()))\ntime.sleep(600)"))
    exchange = await session.call_tool("x", {"padding": "x" * 500_000}, timeout_s=0.5)
    assert exchange.fault.kind is FaultKind.STDIN_BLOCKED
    assert exchange.fault.message == "the server has not read its stdin for 0.5 s"
    assert (await session.close()).needed == "terminate"


async def test_a_megabyte_of_stderr_a_second_leaves_only_its_tail(connector: Connector, inline: Callable) -> None:
    body = "sys.stderr.write('x' * 999 + '\\n')\n" * 20 + "sys.stderr.write(('y' * 999 + '\\n') * 2000)" + SERVE
    session = await connector.open_session(inline(body))
    assert len(session.channel.transport.stderr_tail) <= connector.limits.stderr_bytes
    await session.close()


async def test_a_flood_on_stdout_is_paused_and_the_answer_still_comes(connector: Connector, inline: Callable) -> None:
    body = """
    for request in requests():
        for _ in range(400):
            sys.stdout.write('{"jsonrpc":"2.0","method":"notifications/message"}\\n' * 10)
        say({"jsonrpc": "2.0", "id": request["id"], "result": {}})
    """
    small = dataclasses.replace(connector.limits, messages_per_s=2_000)
    session = await dataclasses.replace(connector, limits=small).open_session(inline(body))
    exchange = await session.request("tools/call")
    assert exchange.result == {}
    assert session.log.message_count == 4_000
    await session.close()


@pytest.mark.parametrize(
    ("command", "kind", "message"),
    [
        (("/no/such/program",), FaultKind.NOT_INSTALLED, "command '/no/such/program' was not found"),
        (("no-such-program-anywhere",), FaultKind.NOT_INSTALLED, "was not found"),
        (("/etc/passwd",), FaultKind.NOT_EXECUTABLE, "cannot be executed: Permission denied"),
        ((), FaultKind.WRONG_ARGUMENTS, "the server has no command to start"),
        (("true", "a\0b"), FaultKind.WRONG_ARGUMENTS, "embedded null byte"),
    ],
)
async def test_a_command_that_cannot_start_says_why(
    connector: Connector, command: tuple[str, ...], kind: FaultKind, message: str
) -> None:
    with pytest.raises(ConnectError) as caught:
        await connector.open_session(Launch(name="x", transport=TransportKind.STDIO, command=command))
    assert caught.value.fault.kind is kind
    assert message in caught.value.fault.message


async def test_a_missing_interpreter_is_told_from_a_missing_program(connector: Connector, tmp_path) -> None:
    script = tmp_path / "server.sh"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    with pytest.raises(ConnectError, match=r"the interpreter that .* names was not found"):
        await connector.open_session(Launch(name="x", transport=TransportKind.STDIO, command=(str(script),)))


async def test_a_server_gets_no_more_of_our_environment_than_the_small_set(
    connector: Connector, inline: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI_TOKEN", "secret-of-ours")
    body = "for request in requests():\n    say({'jsonrpc': '2.0', 'id': request['id'], 'result': dict(os.environ)})"
    session = await connector.open_session(inline(body, env={"GIVEN": "1"}))
    found = (await session.request("env")).result
    await session.close()
    assert found["GIVEN"] == "1"
    assert set(found) <= {"HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER", "GIVEN", "MCP_ASSAY_LAUNCH", "LC_CTYPE"}


async def test_a_cancelled_start_leaves_nothing(connector: Connector, inline: Callable) -> None:
    task = asyncio.ensure_future(connector.open_session(inline("time.sleep(600)", prelude=True)))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(task, 0.3)


async def test_a_farewell_without_a_line_end_is_kept(connector: Connector, inline: Callable) -> None:
    report = await visit(connector, inline(SERVE + "\nsys.stdout.write('bye')\nsys.stdout.flush()"))
    assert report.trailing == b"bye"


async def test_a_last_message_without_a_line_end_is_taken(connector: Connector, inline: Callable) -> None:
    body = """
    for request in requests():
        sys.stdout.write(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": {"last": True}}))
        sys.stdout.flush()
        sys.exit(0)
    """
    session = await connector.open_session(inline(body))
    assert (await session.request("any")).result == {"last": True}
    await session.close()
