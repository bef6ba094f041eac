"""What a server offers, and the places where a fault can take hold of it."""

from __future__ import annotations

import sys

from rawserver import content, tools
from rawserver.protocol import HANDSHAKE_REVISIONS, LOG_LEVELS, SERVER_INFO, STATELESS_REVISIONS


class Server:
    """Definitions, settings and hooks of one server; connections hold what belongs to one client.

    Hooks are plain lists; a fault appends to them:

    ========================  ==========================================================================
    ``on_start()``            before anything is read
    ``on_line(line, c)``      for each line; a true value means it was dealt with
    ``on_request(r)``         for each request; a true value means it was dealt with
    ``on_notification(m, c)`` for each notification
    ``on_result(r, result)``  returns the result to send instead
    ``on_message(m, r)``      for each outgoing message and its request or None; returns the messages to send
    ``on_bytes(data)``        for each encoded message; returns the bytes to write instead
    ``on_end()``              when the input has ended
    ========================  ==========================================================================
    """

    def __init__(self, *, eras=("handshake", "stateless"), page_size=3, delay_s=0.0):
        self.eras = eras
        self.page_size = page_size
        self.delay_s = delay_s
        self.info = dict(SERVER_INFO)
        self.instructions = "A server for tests; echo and add answer at once, wait takes its time."
        self.handshake_revisions = list(HANDSHAKE_REVISIONS) if "handshake" in eras else []
        self.stateless_revisions = list(STATELESS_REVISIONS) if "stateless" in eras else []
        self.capabilities = {
            "tools": {"listChanged": True},
            "resources": {"subscribe": True, "listChanged": True},
            "prompts": {"listChanged": True},
            "completions": {},
            "logging": {},
        }
        self.tools = tools.base_tools()
        self.resources = content.resources()
        self.templates = content.templates()
        self.prompts = content.prompts()
        self.more_contents = {}
        self.connections = []
        self.on_start, self.on_line, self.on_request, self.on_notification = [], [], [], []
        self.on_result, self.on_message, self.on_bytes, self.on_end = [], [], [], []

    def tool(self, name):
        """Return the tool of that name, or None."""
        return next((tool for tool in self.tools if tool.definition.get("name") == name), None)

    def contents(self, uri):
        """Return the contents of a resource, or None."""
        return self.more_contents.get(uri) or content.contents(uri)

    def prompt(self, name):
        """Return the prompt of that name, or None."""
        return next((prompt for prompt in self.prompts if prompt["name"] == name), None)

    def changed(self, kind, uri=None):
        """Tell every client that asked that a list (``tools``, …) or a resource has changed."""
        for connection in self.connections:
            connection.notify_change(kind, uri)

    def note(self, line):
        """Write a line to stderr."""
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()


def at_least(level, threshold):
    """Return whether a log level is as severe as the threshold, or more so."""
    return LOG_LEVELS.index(level) >= LOG_LEVELS.index(threshold)
