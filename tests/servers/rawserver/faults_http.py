"""Faults of HTTP answers: statuses, redirects, bodies and connections; `http_hooks` says what their values mean."""

from __future__ import annotations

import gzip
import time
import zlib

from rawserver.hooks import table
from rawserver.http_hooks import answer, instead, meant, unlocked, wait_for_clients

_HTML = (
    b"<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head>"
    b"<body><center><h1>502 Bad Gateway</h1></center><hr><center>nginx</center></body></html>\n"
)
_DEFAULTS = {
    401: [("WWW-Authenticate", 'Bearer realm="mcp"')],
    429: [("Retry-After", "1")],
    503: [("Retry-After", "1")],
}


def status(server, site, value):
    """Answers with the status ARGUMENT (default 500), with the headers that belong to it."""

    def act(exchange, code):
        number = int(code or 500)
        exchange.respond(number, b"no\n", "text/plain", _DEFAULTS.get(number, ()))

    instead(site, value, act)


def busy(server, site, value):
    """Answers 429 with ``Retry-After: 1`` the first ARGUMENT times (default 1), then as it should."""
    argument, _, where = (value or "").partition("@")
    left = [int(argument or 1)]

    def hook(exchange):
        if left[0] == 0 or not meant(exchange, where):
            return False
        left[0] -= 1
        exchange.respond(429, b"slow down\n", "text/plain", _DEFAULTS[429])
        return True

    site.on_http.append(hook)


def redirect_loop(server, site, value):
    """Redirects to itself for ever."""
    instead(site, value, lambda exchange, _: exchange.respond(307, headers=[("Location", exchange.path)]))


def redirect_to(server, site, value):
    """Redirects to the URL ARGUMENT."""
    instead(site, value, lambda exchange, url: exchange.respond(307, headers=[("Location", url)]))


def content_type(server, site, value):
    """Answers well, but says that it is ARGUMENT (default text/plain)."""
    instead(site, value, lambda exchange, kind: exchange.respond(200, answer(exchange), kind or "text/plain"))


def html_page(server, site, value):
    """Answers with a proxy's error page and the status ARGUMENT (default 200)."""
    instead(site, value, lambda exchange, code: exchange.respond(int(code or 200), _HTML, "text/html"))


def empty_body(server, site, value):
    """Answers 200 without a body."""
    instead(site, value, lambda exchange, _: exchange.respond(200, headers=[("Content-Type", "application/json")]))


def accepted_only(server, site, value):
    """Answers a request with 202, as if it were a notification."""
    instead(site, value, lambda exchange, _: exchange.respond(202))


def bad_json(server, site, value):
    """Answers with half of its JSON."""
    instead(site, value, lambda exchange, _: exchange.respond(200, answer(exchange)[:40]))


def array_body(server, site, value):
    """Answers with an array that holds the answer."""
    instead(site, value, lambda exchange, _: exchange.respond(200, b"[" + answer(exchange) + b"]"))


def _head(exchange, *headers):
    exchange.head(200, [("Content-Type", "application/json"), *headers])


def truncated_body(server, site, value):
    """Announces more of the body than it sends, and closes."""

    def act(exchange, _):
        _head(exchange, ("Content-Length", 10_000))
        exchange.write(answer(exchange)[:40])
        exchange.drop()

    instead(site, value, act)


def bad_chunk(server, site, value):
    """Sends a chunk whose size is no number."""

    def act(exchange, _):
        _head(exchange, ("Transfer-Encoding", "chunked"))
        exchange.write(b"xyz\r\n" + answer(exchange) + b"\r\n0\r\n\r\n")
        exchange.drop()

    instead(site, value, act)


def no_http(server, site, value):
    """Answers with bytes that are no HTTP."""

    def act(exchange, _):
        exchange.write(b"SSH-2.0-OpenSSH_9.6\r\n")
        exchange.drop()

    instead(site, value, act)


def reset(server, site, value):
    """Resets the connection instead of answering."""
    instead(site, value, lambda exchange, _: exchange.reset())


def close(server, site, value):
    """Closes the connection instead of answering."""
    instead(site, value, lambda exchange, _: exchange.drop())


def silent(server, site, value):
    """Never answers, and keeps the connection open."""
    instead(site, value, lambda exchange, _: None)
    wait_for_clients(site)


def slow_body(server, site, value):
    """Sends the body one byte every ARGUMENT milliseconds (default 1000)."""

    def act(exchange, ms):
        body = answer(exchange)
        _head(exchange, ("Content-Length", len(body)))
        for byte in body:
            exchange.write(bytes([byte]))
            time.sleep(float(ms or 1000) / 1000)
        exchange.answered.set()

    unlocked(site, value, act)


def huge_body(server, site, value):
    """Answers with ARGUMENT bytes of JSON (default 100 000 000)."""

    def act(exchange, size):
        head, tail = answer(exchange).split(b"hello", 1)
        count = int(size or 100_000_000)
        _head(exchange, ("Content-Length", len(head) + len(tail) + count))
        exchange.write(head)
        for _ in range(count // 1_000_000):
            exchange.write(b"x" * 1_000_000)
        exchange.write(b"x" * (count % 1_000_000) + tail)
        exchange.answered.set()

    unlocked(site, value, act)


def gzip_bomb(server, site, value):
    """Answers with ARGUMENT bytes (default 1 000 000 000), packed a thousand times smaller."""

    def act(exchange, size):
        packer = zlib.compressobj(9, zlib.DEFLATED, 31)
        packed = packer.compress(b'{"jsonrpc":"2.0","padding":"')
        packed += b"".join(packer.compress(b"x" * 1_000_000) for _ in range(int(size or 1_000_000_000) // 1_000_000))
        packed += packer.compress(b'"}') + packer.flush()
        exchange.respond(200, packed, headers=[("Content-Encoding", "gzip")])

    unlocked(site, value, act)


def gzip_always(server, site, value):
    """Packs the answer with gzip, whether the client takes that or not; nothing is wrong with what is inside."""
    packed = [("Content-Encoding", "gzip")]
    instead(site, value, lambda exchange, _: exchange.respond(200, gzip.compress(answer(exchange)), headers=packed))


def gzip_corrupt(server, site, value):
    """Says that its answer is packed when it is not."""
    instead(
        site, value, lambda exchange, _: exchange.respond(200, answer(exchange), headers=[("Content-Encoding", "gzip")])
    )


def large_headers(server, site, value):
    """Adds ARGUMENT headers of 1000 characters each (default 200)."""
    instead(
        site, value,
        lambda exchange, count: exchange.respond(
            200, answer(exchange), headers=[(f"X-Padding-{n}", "x" * 1000) for n in range(int(count or 200))]
        ),
    )  # fmt: skip


def http_1_0(server, site, value):
    """Speaks HTTP/1.0 and closes after each answer; nothing is wrong with that."""

    def hook(exchange):
        exchange.version, exchange.keep_alive = "HTTP/1.0", False
        return False

    site.on_http.append(hook)


FAULTS = table(
    status, busy, redirect_loop, redirect_to, content_type, html_page, empty_body, accepted_only, bad_json,
    array_body, truncated_body, bad_chunk, no_http, reset, close, silent, slow_body, huge_body, gzip_bomb,
    gzip_always, gzip_corrupt, large_headers, http_1_0,
)  # fmt: skip
