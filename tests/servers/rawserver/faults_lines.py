"""Faults of the bytes on stdout: framing, encoding, noise and JSON that is none."""

from __future__ import annotations

import json
import os
import time

from rawserver.hooks import encoded, line, replace_answers, replace_bytes, table


def _before_first_message(server, channel, data):
    """Write bytes before anything else."""
    server.on_start.append(lambda: channel.write_all(data))


def noise_before(server, channel, value):
    """Prints a banner on stdout before the first message."""
    _before_first_message(server, channel, b"Acme MCP server 1.0\nListening on stdio...\n")


def noise_flood(server, channel, value):
    """Prints 10 000 (or VALUE) lines on stdout before the first message."""
    _before_first_message(server, channel, b"DEBUG loading plugin\n" * int(value or 10_000))


def noise_binary(server, channel, value):
    """Prints a line on stdout that is no UTF-8, before the first message."""
    _before_first_message(server, channel, b"\xff\xfe\x00banner\x9f\n")


def noise_glued(server, channel, value):
    """Prints a prompt without a line end on stdout, so that it runs into the first message."""
    _before_first_message(server, channel, b"ready> ")


def noise_between(server, channel, value):
    """Prints a line on stdout before each answer to a call."""
    replace_bytes(server, channel, value or "tools/call", lambda message: b"handling the call\n" + line(message))


def noise_after(server, channel, value):
    """Prints a line on stdout when stdin has ended."""
    server.on_end.append(lambda: channel.write_all(b"bye\n"))


def noise_json(server, channel, value):
    """Prints JSON on stdout that is no message, before each answer to a call."""
    log = b'{"level":"info","msg":"handling the call"}\n'
    replace_bytes(server, channel, value or "tools/call", lambda message: log + line(message))


def empty_lines(server, channel, value):
    """Puts empty lines around every message."""
    server.on_bytes.append(lambda data: b"\n" + data + b"\n\n")


def crlf(server, channel, value):
    """Ends every line with a carriage return and a line feed."""
    server.on_bytes.append(lambda data: data[:-1] + b"\r\n")


def bom(server, channel, value):
    """Starts stdout with a UTF-8 byte order mark."""
    _before_first_message(server, channel, b"\xef\xbb\xbf")


def utf16(server, channel, value):
    """Writes everything in UTF-16."""
    server.on_bytes.append(lambda data: data.decode().encode("utf-16"))


def lsp_framing(server, channel, value):
    """Frames messages as the language server protocol does, with Content-Length headers."""
    server.on_bytes.append(lambda data: b"Content-Length: %d\r\n\r\n%s" % (len(data) - 1, data[:-1]))


def invalid_utf8(server, channel, value):
    """Puts bytes into the answer that are no UTF-8."""
    replace_bytes(server, channel, value, lambda message: line(message).replace(b'"text"', b'"te\xff\xfext"'))


def nul_bytes(server, channel, value):
    """Puts NUL bytes in front of the answer."""
    replace_bytes(server, channel, value, lambda message: b"\0\0" + line(message))


def pretty_printed(server, channel, value):
    """Writes the answer indented, over many lines."""
    replace_bytes(server, channel, value, lambda message: json.dumps(message, indent=2).encode() + b"\n")


def two_on_a_line(server, channel, value):
    """Writes a notification and the answer on one line."""
    extra = {"jsonrpc": "2.0", "method": "notifications/x-extra"}
    replace_bytes(server, channel, value, lambda message: encoded(extra) + line(message))


def split_writes(server, channel, value):
    """Writes the answer in two halves, 50 (or VALUE) milliseconds apart; nothing is wrong with that."""

    def spoil(message):
        data = line(message)
        channel.write_all(data[: len(data) // 2])
        time.sleep(float(value or 50) / 1000)
        return data[len(data) // 2 :]

    replace_bytes(server, channel, None, spoil)


def half_line(server, channel, value):
    """Writes half of the answer and nothing more of it."""
    replace_bytes(server, channel, value, lambda message: line(message)[: len(line(message)) // 2])


def half_line_exit(server, channel, value):
    """Writes half of the answer and ends."""

    def spoil(message):
        channel.write_all(line(message)[: len(line(message)) // 2])
        os._exit(1)

    replace_bytes(server, channel, value, spoil)


def unended_line(server, channel, value):
    """Writes the whole answer but for the end of its line, closes stdout and lives on."""

    def spoil(message):
        channel.write_all(line(message)[:-1])
        os.close(1)
        return b""

    replace_bytes(server, channel, value, spoil)


def byte_by_byte(server, channel, value):
    """Writes the answer at one byte a second (or every VALUE milliseconds)."""

    def spoil(message):
        for byte in line(message):
            channel.write_all(bytes([byte]))
            time.sleep(float(value or 1000) / 1000)
        return b""

    replace_bytes(server, channel, None, spoil)


def huge_line(server, channel, value):
    """Answers with one line of 100 000 000 (or VALUE) bytes of text."""
    replace_bytes(server, channel, None, lambda message: _with_text(message, b"x" * int(value or 100_000_000)))


def _with_text(message, body):
    """Return the answer with other text in its only block, without going through a JSON encoder."""
    head = b'{"jsonrpc":"2.0","id":%s,"result":{"resultType":"complete","content":[{"type":"text","text":"'
    return head % json.dumps(message["id"]).encode() + body + b'"}],"structuredContent":{"text":""}}}\n'


def _with_member(message, value):
    """Return an answer whose structured content is the given JSON text."""
    head = b'{"jsonrpc":"2.0","id":%s,"result":{"resultType":"complete","content":[],"structuredContent":{"text":'
    return head % json.dumps(message["id"]).encode() + value + b"}}}\n"


def deep_nesting(server, channel, value):
    """Answers with 100 000 (or VALUE) levels of nested arrays."""
    depth = int(value or 100_000)
    replace_bytes(server, channel, None, lambda message: _with_member(message, b"[" * depth + b"]" * depth))


def nan(server, channel, value):
    """Answers with NaN, which is no JSON."""
    replace_bytes(server, channel, value, lambda message: _with_member(message, b"NaN"))


def infinity(server, channel, value):
    """Answers with -Infinity, which is no JSON."""
    replace_bytes(server, channel, value, lambda message: _with_member(message, b"-Infinity"))


def huge_number(server, channel, value):
    """Answers with 1e400, which is JSON but no double."""
    replace_bytes(server, channel, value, lambda message: _with_member(message, b"1e400"))


def big_integer(server, channel, value):
    """Answers with an integer of 5000 (or VALUE) digits."""
    replace_bytes(server, channel, None, lambda message: _with_member(message, b"7" * int(value or 5000)))


def lone_surrogate(server, channel, value):
    """Answers with an escaped half of a surrogate pair."""
    replace_bytes(server, channel, value, lambda message: _with_member(message, b'"\\ud800"'))


def duplicate_members(server, channel, value):
    """Answers with two members named id."""
    replace_bytes(server, channel, value, lambda message: line(message).replace(b'"id":', b'"id":987654,"id":', 1))


def batch_answer(server, channel, value):
    """Wraps the answer in an array."""
    replace_answers(server, value, lambda message: [[message]])


def echo_input(server, channel, value):
    """Sends every line back as it came, as cat does."""

    def hook(data, _connection):
        channel.write_all(data + b"\n")
        return True

    server.on_line.append(hook)


def speaks_no_mcp(server, channel, value):
    """Prints that it listens on a port, and answers nothing."""
    _before_first_message(server, channel, b"Server running at http://127.0.0.1:3000/\n")
    server.on_line.append(lambda _data, _connection: True)


FAULTS = table(
    noise_before, noise_flood, noise_binary, noise_glued, noise_between, noise_after, noise_json, empty_lines, crlf,
    bom, utf16, lsp_framing, invalid_utf8, nul_bytes, pretty_printed, two_on_a_line, split_writes, half_line,
    half_line_exit, unended_line, byte_by_byte, huge_line, deep_nesting, nan, infinity, huge_number, big_integer,
    lone_surrogate, duplicate_members, batch_answer, echo_input, speaks_no_mcp,
)  # fmt: skip
