"""The stdio transport: one thread, one pipe in, one pipe out, timers in between."""

from __future__ import annotations

import json
import os
import select
import signal

from rawserver.connection import Connection
from rawserver.timers import Timers


class Stdio:
    """Serves one connection over file descriptors 0 and 1."""

    def __init__(self, server):
        self.server = server
        self.timers = Timers()
        self.write_all = write_all
        self.reading = True
        self.connection = Connection(server, self.send, self.later)

    def later(self, seconds, function):
        """Call a function after some seconds."""
        self.timers.add(seconds, function)

    def send(self, message):
        """Write one message as one line."""
        self.write(encoded(message) + b"\n")

    def write(self, data):
        """Write bytes after every fault had its way with them."""
        for hook in self.server.on_bytes:
            data = hook(data)
        self.write_all(data)

    def run(self):
        """Serve until stdin ends and nothing more is due."""
        signal.signal(signal.SIGTERM, self.terminate)
        for hook in self.server.on_start:
            hook()
        buffer = b""
        while True:
            ready = select.select([0] if self.reading else [], [], [], self.timers.pause())[0]
            self.timers.run_due()
            if not ready:
                continue
            chunk = os.read(0, 1 << 16)
            if not chunk:
                break
            *lines, buffer = (buffer + chunk).split(b"\n")
            for line in lines:
                if line.strip():
                    self.connection.receive(line)
        for hook in self.server.on_end:
            hook()

    def terminate(self, _number, _frame):
        """Complete what is open and end."""
        self.connection.end()
        os._exit(0)


def write_all(data):
    """Write all bytes to stdout; a client that has gone ends the server."""
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(1, view) :]
    except BrokenPipeError:
        os._exit(0)


def encoded(message):
    """Return a message as JSON in UTF-8; lone surrogates stay escaped, because UTF-8 cannot carry them."""
    try:
        return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return json.dumps(message, separators=(",", ":")).encode()
