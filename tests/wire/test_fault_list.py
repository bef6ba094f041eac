"""Every fault that a server is known for has a test here that states what the user is told.

The list is the project's promise; each line names the test and what in it stands for the fault, so that neither can go
without the other. A table beside the test that it is parametrised with counts as part of it; a comment does not.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
START, CALL, PROCESS, HTTP = (
    f"wire/test_{name}.py" for name in ("fault_start", "fault_call", "server_process", "http")
)
SCHEMAS, BEHIND, REAPER = "wire/test_schema_worker.py", "plugin/test_leaves_nothing_behind.py", "wire/test_reaper.py"
NEVER_READY = "test_a_server_that_never_becomes_ready_is_told_by_its_cause"
UNREADABLE = "test_an_answer_that_cannot_be_read_is_named_at_once"
SILENT = "test_an_answer_that_never_comes_costs_its_time_and_no_more"
DEADLY = "test_an_end_in_the_middle_of_a_call_is_told_by_its_status"
NOISY = "test_noise_is_noted_and_the_conversation_goes_on"
ODD = "test_an_odd_answer_is_kept_as_it_came"
LISTS = "test_a_list_that_goes_wrong_ends_with_its_cause"
CLOSING = "test_a_close_takes_what_it_takes_and_leaves_nothing"
STATUS = "test_an_error_status_is_named_with_what_it_says"
SUCCESS = "test_a_success_without_a_usable_answer_is_named"
BROKEN = "test_a_broken_connection_is_named"
BOMB = "test_a_bomb_costs_its_budget_and_the_next_question_is_answered"

FAULTS = {
    "command not found": (PROCESS, "test_a_command_that_cannot_start_says_why", "/no/such/program"),
    "not executable": (PROCESS, "test_a_command_that_cannot_start_says_why", "/etc/passwd"),
    "exits at once with code and stderr": (START, NEVER_READY, "exit-at-once"),
    "exits during the handshake": (START, NEVER_READY, "exit-in-handshake"),
    "not installed": (START, NEVER_READY, "start-not-installed"),
    "wrong arguments": (START, NEVER_READY, "start-wrong-arguments"),
    "missing environment variable": (START, NEVER_READY, "start-missing-variable"),
    "needs credentials": (START, NEVER_READY, "start-needs-credentials"),
    "slow to start": (START, NEVER_READY, "start-slow"),
    "crashes at the start": (START, NEVER_READY, "start-crash"),
    "speaks no MCP": (START, NEVER_READY, "speaks-no-mcp"),
    "speaks another era": (START, "test_a_server_of_the_other_era_says_so", "--era"),
    "lies about its protocol version": (START, NEVER_READY, "lying-version"),
    "never answers initialize": (START, NEVER_READY, "never-answer=initialize"),
    "exits in a call": (CALL, DEADLY, "exit-mid-call"),
    "is killed in a call": (CALL, DEADLY, "kill-mid-call"),
    "ignores end of input": (CALL, CLOSING, "ignore-eof"),
    "ignores end of input and SIGTERM": (CALL, CLOSING, "unstoppable"),
    "leaves a grandchild": (CALL, CLOSING, "grandchild"),
    "leaves a grandchild in a session of its own": (CALL, CLOSING, "grandchild-session"),
    "floods stderr": (CALL, NOISY, "stderr-flood"),
    "prints before the first message": (CALL, NOISY, "noise-before"),
    "prints between messages": (CALL, NOISY, "noise-between"),
    "writes lines in pieces": (CALL, NOISY, "split-writes"),
    "writes a byte order mark": (CALL, NOISY, "bom"),
    "ends lines by CRLF": (CALL, NOISY, "crlf"),
    "answers twice": (CALL, NOISY, "duplicate-answer"),
    "answers nobody": (CALL, NOISY, "unknown-id"),
    "never ends a line": (CALL, SILENT, "half-line"),
    "sends one byte at a time": (CALL, SILENT, "byte-by-byte"),
    "never answers a call": (CALL, SILENT, "never-answer"),
    "answers after the timeout": (CALL, "test_a_late_answer_is_noted_and_not_taken_for_the_next", "late-answer"),
    "sends invalid UTF-8": (CALL, UNREADABLE, "invalid-utf8"),
    "nests 100,000 levels": (CALL, UNREADABLE, "deep-nesting"),
    "sends NaN": (CALL, UNREADABLE, "nan"),
    "sends Infinity": (CALL, UNREADABLE, "infinity"),
    "sends big integers": (CALL, UNREADABLE, "big-integer"),
    "changes the id's type": (CALL, UNREADABLE, "id-type"),
    "answers with a batch": (CALL, UNREADABLE, "batch-answer"),
    "gives result and error together": (CALL, ODD, "result-and-error"),
    "sends one line of 100 MB": (
        CALL,
        "test_a_line_of_a_hundred_megabytes_is_dropped_and_the_next_call_works",
        "huge-line",
    ),
    "sends 100,000 notifications a second": (
        CALL,
        "test_a_flood_of_notifications_is_named_and_bounded",
        "notification-flood",
    ),
    "asks the client without end": (CALL, "test_endless_requests_of_a_server_do_not_fill_our_memory", "request-flood"),
    "never answers a list": (CALL, LISTS, "never-answer=tools/list"),
    "has an endless cursor": (CALL, LISTS, "endless-cursor"),
    "repeats a cursor": (CALL, LISTS, "repeated-cursor"),
    "has 10,000 tools": (CALL, LISTS, "many-tools"),
    "has a description of 50 MB": (CALL, LISTS, "long-description"),
    "lies about its capabilities": (
        CALL,
        "test_capabilities_that_are_a_lie_are_told_list_by_list",
        "lying-capabilities",
    ),
    "refuses the connection": (HTTP, "test_a_refused_connection_is_named", "refused the connection"),
    "has no address": (HTTP, "test_an_unknown_host_is_named", "cannot be found"),
    "has no valid certificate": (HTTP, "test_a_certificate_that_nobody_vouches_for_is_named", "certificate"),
    "speaks no TLS": (HTTP, "test_tls_to_a_plain_port_is_named", "no TLS connection"),
    "answers 401": (HTTP, STATUS, "401"),
    "answers 403": (HTTP, STATUS, "403"),
    "answers 404": (HTTP, STATUS, "404"),
    "answers 429 with Retry-After": (HTTP, STATUS, "Retry-After: 7"),
    "answers 500": (HTTP, STATUS, "500"),
    "answers 503 by a proxy's HTML page": (HTTP, STATUS, "an HTML page that starts"),
    "redirects in a circle": (HTTP, "test_a_circle_of_redirects_ends", "redirects in a circle"),
    "redirects to another host": (HTTP, "test_credentials_do_not_follow_a_redirect_to_another_host", "redirect"),
    "has a wrong content type": (HTTP, SUCCESS, "text/plain"),
    "sends a compressed bomb": (HTTP, SUCCESS, "although identity was asked for"),
    "never ends its stream": (
        HTTP,
        "test_a_stream_left_open_after_the_answer_is_noted_and_the_answer_not_delayed",
        "STREAM_OPEN",
    ),
    "drops its stream": (HTTP, "test_a_stream_that_drops_is_resumed_after_its_last_event", "Last-Event-ID"),
    "sends its body slowly": (HTTP, "test_a_slow_body_ends_with_the_requests_own_time", "timeout"),
    "forgets the session": (
        HTTP,
        "test_a_lost_session_is_opened_again_once_and_the_call_is_not_repeated",
        "no longer knows the session",
    ),
    "closes like HTTP/1.0": (HTTP, "test_an_http_1_0_answer_that_ends_with_the_connection_is_taken", "HTTP/1.0"),
    "resets or cuts the connection": (HTTP, BROKEN, "broke"),
    "has a schema that backtracks, grows or compares without end": (SCHEMAS, BOMB, "bomb"),
    "outlives a pytest that gets SIGTERM": (BEHIND, "test_a_signal_ends_the_run_in_order", "SIGTERM"),
    "outlives a pytest that is killed": (BEHIND, "test_a_killed_run_leaves_no_server", "kill"),
    "outlives a third Ctrl-C": (BEHIND, "test_a_third_interrupt_leaves_no_server", "SIGINT"),
    "outlives a worker that crashes": (BEHIND, "test_a_worker_that_crashes_leaves_no_server", "-n1"),
    "is a daemon of a killed run": (
        REAPER,
        "test_servers_and_their_daemons_die_with_a_killed_run",
        "start_new_session",
    ),
}


@cache
def code_of(file: str) -> dict[str, str]:
    """Return the code of each test in a file, with the tables beside it that it names, by the test's name."""
    tree = ast.parse((TESTS / file).read_text())
    tables = {
        target.id: node
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    tests = (node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return {test.name: "\n".join(map(ast.unparse, [test, *named_in(test, tables)])) for test in tests}


def named_in(test: ast.AST, tables: dict[str, ast.Assign]) -> list[ast.Assign]:
    """Return the tables that a test names."""
    names = {node.id for node in ast.walk(test) if isinstance(node, ast.Name)}
    return [table for name, table in tables.items() if name in names]


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_has_its_test(fault: str) -> None:
    file, test, token = FAULTS[fault]
    tests = code_of(file)
    assert test in tests
    assert token in tests[test]


def test_a_word_elsewhere_in_the_file_does_not_stand_for_a_fault() -> None:
    code = code_of(CALL)
    assert "exit-mid-call" in code[DEADLY]
    assert "exit-mid-call" not in code[NOISY]
