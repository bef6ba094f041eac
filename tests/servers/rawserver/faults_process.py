"""Faults of the process: how it starts, dies, and what it leaves behind."""

from __future__ import annotations

import os
import signal
import sys
import time

from rawserver.hooks import instead_of_answering, table

# Nothing started here outlives a test run for long, whatever the test does.
_LONGEST_LIFE_S = 120

_SLEEPER = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep({})"


def _end(server, code, *lines):
    """Write lines to stderr and end."""
    for line in lines:
        server.note(line)
    os._exit(code)


def _ends_at_start(server, code, *lines):
    """Make the server end before it reads anything."""
    server.on_start.append(lambda: _end(server, code, *lines))


def exit_at_once(server, channel, value):
    """Ends with code 3 (or VALUE) and a reason on stderr before it reads anything."""
    _ends_at_start(server, int(value or 3), "fatal: cannot open the database")


def exit_silently(server, channel, value):
    """Ends with code 0 (or VALUE) before it reads anything, without a word."""
    _ends_at_start(server, int(value or 0))


def start_not_installed(server, channel, value):
    """Ends as Python does when the server's package is not installed."""
    _ends_at_start(server, 1, "/usr/bin/python3: Error while finding module specification for 'acme_mcp' "
                   "(ModuleNotFoundError: No module named 'acme_mcp')")  # fmt: skip


def start_npm_not_found(server, channel, value):
    """Ends as npx does when the registry does not know the package."""
    _ends_at_start(
        server, 1, "npm error code E404", "npm error 404 Not Found - GET https://registry.npmjs.org/@acme%2fmcp",
        "npm error 404  '@acme/mcp@*' is not in this registry.",
    )  # fmt: skip


def start_wrong_arguments(server, channel, value):
    """Ends with a usage line, as argparse does on an unknown option."""
    _ends_at_start(server, 2, "usage: acme-mcp [-h] --root ROOT", "acme-mcp: error: unrecognized arguments: --rooot")


def start_missing_variable(server, channel, value):
    """Ends because an environment variable is not set."""
    _ends_at_start(server, 1, "Error: ACME_API_KEY environment variable is required")


def start_needs_credentials(server, channel, value):
    """Ends because its credentials were refused."""
    _ends_at_start(server, 1, "Error: 401 Unauthorized: the token is invalid or has expired")


def start_traceback(server, channel, value):
    """Ends with the traceback of a bug."""
    _ends_at_start(
        server, 1, "Traceback (most recent call last):", '  File "/opt/acme/server.py", line 12, in <module>',
        "    main()", "TypeError: main() missing 1 required positional argument: 'config'",
    )  # fmt: skip


def start_crash(server, channel, value):
    """Dies of a segmentation fault before it reads anything."""
    server.on_start.append(lambda: _die(signal.SIGSEGV))


def start_slow(server, channel, value):
    """Needs 2000 (or VALUE) milliseconds until it reads."""
    server.on_start.append(lambda: time.sleep(float(value or 2000) / 1000))


def start_usage(server, channel, value):
    """Prints its help on stdout and ends with code 0."""

    def act():
        channel.write_all(b"acme-mcp 1.0\n\nUsage: acme-mcp serve [options]\n")
        os._exit(0)

    server.on_start.append(act)


def _die(number):
    """End by a signal, without a core file."""
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    signal.pause()


def exit_in_handshake(server, channel, value):
    """Ends with code 7 when initialize or server/discover arrives."""
    for method in ("initialize", "server/discover"):
        instead_of_answering(server, method, lambda _request: _end(server, 7, "handshake failed: no license"))


def exit_on_discover(server, channel, value):
    """Ends with code 7 when server/discover arrives; the handshake works."""
    instead_of_answering(server, "server/discover", lambda _request: _end(server, 7, "unknown method server/discover"))


def exit_mid_call(server, channel, value):
    """Ends with code 11 instead of answering."""
    instead_of_answering(server, value, lambda _request: _end(server, 11, "panic: index out of range"))


def kill_mid_call(server, channel, value):
    """Dies of SIGKILL instead of answering, as if the machine ran out of memory."""
    instead_of_answering(server, value, lambda _request: os.kill(os.getpid(), signal.SIGKILL))


def crash_mid_call(server, channel, value):
    """Dies of a segmentation fault instead of answering."""
    instead_of_answering(server, value, lambda _request: _die(signal.SIGSEGV))


def stop_mid_call(server, channel, value):
    """Stops itself with SIGSTOP instead of answering."""
    instead_of_answering(server, value, lambda _request: os.kill(os.getpid(), signal.SIGSTOP))


def exit_after(server, channel, value):
    """Ends with code 9 right after the 3rd (or VALUE-th) answer to a call."""
    left = [int(value or 3)]

    def hook(message, request):
        if request is not None and request.method == "tools/call" and "method" not in message:
            left[0] -= 1
            if left[0] == 0:
                channel.send(message)
                _end(server, 9, "quota used up")
        return [message]

    server.on_message.append(hook)


def ignore_eof(server, channel, value):
    """Stays when stdin is closed; SIGTERM ends it."""
    server.on_end.append(lambda: _linger(server))


def ignore_sigterm(server, channel, value):
    """Ignores SIGTERM; closing stdin ends it."""
    server.on_start.append(lambda: signal.signal(signal.SIGTERM, signal.SIG_IGN))


def unstoppable(server, channel, value):
    """Ignores both the end of stdin and SIGTERM."""
    ignore_sigterm(server, channel, value)
    ignore_eof(server, channel, value)


def _linger(server):
    """Wait for a signal."""
    server.note("stdin ended, staying")
    time.sleep(_LONGEST_LIFE_S)


def slow_exit(server, channel, value):
    """Needs 1000 (or VALUE) milliseconds to end after stdin was closed."""
    server.on_end.append(lambda: time.sleep(float(value or 1000) / 1000))


def exit_code(server, channel, value):
    """Ends with code 5 (or VALUE) when stdin is closed, as if shutting down failed."""
    server.on_end.append(lambda: os._exit(int(value or 5)))


def _start_child(server, *, quiet=False, session=False):
    """Start a process that ignores SIGTERM, and name it on stderr as ``child PID``."""
    import subprocess  # not for every start of a server that starts nothing

    program = [sys.executable, "-S", "-E", "-c", _SLEEPER.format(_LONGEST_LIFE_S)]
    output = subprocess.DEVNULL if quiet else None
    child = subprocess.Popen(program, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=session)
    server.note(f"child {child.pid}")


def grandchild(server, channel, value):
    """Starts a child in its own process group that outlives it."""
    server.on_start.append(lambda: _start_child(server, quiet=True))


def grandchild_session(server, channel, value):
    """Starts a child in a session of its own that outlives it."""
    server.on_start.append(lambda: _start_child(server, quiet=True, session=True))


def grandchild_pipes(server, channel, value):
    """Starts a child that outlives it and keeps its stdout and stderr open."""
    server.on_start.append(lambda: _start_child(server))


def close_stdout(server, channel, value):
    """Closes stdout instead of answering, and lives on."""
    instead_of_answering(server, value, lambda _request: os.close(1))


def stop_reading(server, channel, value):
    """Reads nothing more instead of answering, and lives on."""

    def act(_request):
        channel.reading = False

    instead_of_answering(server, value, act)


def leave_file(server, channel, value):
    """Leaves a file ``raw-left-behind`` in its working directory (or in VALUE)."""

    def act():
        with open(os.path.join(value or ".", "raw-left-behind"), "w") as file:  # noqa: PTH118, PTH123
            file.write("left behind\n")

    server.on_start.append(act)


def _on_each_call(server, act):
    """Call ``act()`` for each call of a tool."""
    server.on_request.append(lambda request: act() if request.method == "tools/call" else None)


def leak_memory(server, channel, value):
    """Keeps 1 (or VALUE) MiB more with each call."""
    kept = []
    _on_each_call(server, lambda: kept.append(bytearray(int(value or 1) << 20)))


def leak_descriptors(server, channel, value):
    """Keeps one more file open with each call."""
    kept = []
    _on_each_call(server, lambda: kept.append(os.open(os.devnull, os.O_RDONLY)))


def leak_children(server, channel, value):
    """Leaves one more dead child unreaped with each call."""

    def act():
        if os.fork() == 0:
            os._exit(0)

    _on_each_call(server, act)


def stderr_flood(server, channel, value):
    """Writes 10 000 000 (or VALUE) bytes to stderr before it reads, and is healthy otherwise."""

    def act():
        line = b"INFO cache warmed up, everything is fine\n"
        for _ in range(int(value or 10_000_000) // len(line)):
            os.write(2, line)

    server.on_start.append(act)


def stderr_binary(server, channel, value):
    """Writes bytes to stderr that are no text, among them terminal escapes."""
    server.on_start.append(lambda: os.write(2, b"\xff\xfe\x00 \x1b[2J\x1b]0;owned\x07 ::error::stderr\n"))


FAULTS = table(
    exit_at_once, exit_silently, start_not_installed, start_npm_not_found, start_wrong_arguments,
    start_missing_variable, start_needs_credentials, start_traceback, start_crash, start_slow, start_usage,
    exit_in_handshake, exit_on_discover, exit_mid_call, kill_mid_call, crash_mid_call, stop_mid_call, exit_after,
    ignore_eof, ignore_sigterm, unstoppable, slow_exit, exit_code, grandchild, grandchild_session, grandchild_pipes,
    close_stdout, stop_reading, leave_file, leak_memory, leak_descriptors, leak_children, stderr_flood, stderr_binary,
)  # fmt: skip
