"""Bounds on everything a server can make us wait for, read or keep."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Budgets of one connection. Times are seconds, sizes bytes.

    Attributes:
        start_s: From spawn to the end of the handshake; package runners such as npx may download first.
        list_s: For one page of a list.
        walk_s: For all pages of a list.
        call_s: For one tool call.
        probe_s: For a probe that a server may rightly leave unanswered.
        exit_s: From closing stdin to the process' end, before it is told to terminate.
        terminate_s: From SIGTERM to the end, before it is killed.
        line_bytes: Longest line that is parsed; a longer one is read and dropped.
        stderr_bytes: Tail of stderr that is kept.
        write_buffer_bytes: Unread bytes after which our answers to a server's own requests are dropped.
        messages_per_s: Requests and notifications taken from a server a second, before reading pauses.
        pages: Pages of one list.
        items: Entries of one list.
        list_bytes: Bytes of all pages of one list.
        samples: Notifications, anomalies and noise lines that are kept each; beyond it they are only counted.
        log_bytes: Raw bytes of exchanges kept for checks that look back.
    """

    start_s: float = 60.0
    list_s: float = 15.0
    walk_s: float = 60.0
    call_s: float = 30.0
    probe_s: float = 3.0
    exit_s: float = 2.0
    terminate_s: float = 2.0
    line_bytes: int = 8 * MIB
    stderr_bytes: int = 64 * 1024
    write_buffer_bytes: int = 4 * MIB
    messages_per_s: int = 20_000
    pages: int = 1_000
    items: int = 20_000
    list_bytes: int = 64 * MIB
    samples: int = 200
    log_bytes: int = 64 * MIB
