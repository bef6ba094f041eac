"""Servers and tools in the hands of a user's own tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from projects import raw_server

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    Project = Callable[..., pytest.Pytester]

TWO = {"first": raw_server(), "second": raw_server()}


def test_plain_and_async_tests_run_over_every_server(project: Project) -> None:
    pytester = project(TWO)
    pytester.makepyfile(
        """
        def test_plain(mcp_server):
            result = mcp_server.call_tool("echo", {"text": "hello"})
            assert not result.is_error and "hello" in result.text


        async def test_async(mcp_server):
            result = await mcp_server.acall_tool("echo", {"text": "hello"})
            assert "hello" in result.text


        def test_failure_names_the_call(mcp_server):
            import pytest
            with pytest.raises(Exception, match="no-such/method"):
                mcp_server.request("no-such/method")
        """
    )
    result = pytester.runpytest(
        "--mcp-config", "servers.json", "test_plain_and_async_tests_run_over_every_server.py", "-v"
    )
    result.assert_outcomes(passed=6)
    result.stdout.fnmatch_lines(["*test_plain?first? PASSED*", "*test_plain?second? PASSED*"])


def test_a_tool_fixture_runs_over_every_tool(project: Project) -> None:
    pytester = project({"memory": raw_server()})
    pytester.makepyfile(
        test_tools="def test_tool(mcp_tool):\n    assert mcp_tool.definition['name'] == mcp_tool.name\n"
    )
    result = pytester.runpytest("--mcp-config", "servers.json", "test_tools.py", "-v")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*test_tool?memory.echo? PASSED*"])


def test_benchmark_takes_a_call_as_it_is(project: Project) -> None:
    pytester = project({"memory": raw_server()})
    pytester.makepyfile(
        test_speed="""
        def test_speed(benchmark, mcp_server):
            benchmark(mcp_server.call_tool, "echo", {"text": "x"})
        """
    )
    pytester.runpytest("--mcp-config", "servers.json", "test_speed.py").assert_outcomes(passed=1)


def test_a_fixture_without_servers_says_what_is_missing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_mine(mcp_server):\n    pass\n")
    result = pytester.runpytest("-o", "asyncio_default_fixture_loop_scope=function")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*run pytest with --mcp-config*"])


def test_a_server_that_asks_gets_the_answers_of_the_overlay(project: Project) -> None:
    pytester = project({"memory": raw_server()})
    pytester.path.joinpath("mcp-assay.toml").write_text("[servers.memory.elicitation]\ncount = 42\n")
    pytester.makepyfile(
        test_asked="""
        def test_asked(mcp_server):
            result = mcp_server.call_tool("ask", {"kind": "form"})
            assert not result.is_error and "42" in result.text
        """
    )
    pytester.runpytest("--mcp-config", "servers.json", "test_asked.py").assert_outcomes(passed=1)
