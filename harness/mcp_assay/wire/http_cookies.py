"""Cookies of one connection to an endpoint (RFC 6265).

The official clients keep them as well: a balancer that tells instances apart by a cookie sends a client without one to
an instance that does not know its session, and the server would be blamed for losing it.
"""

from __future__ import annotations

from email.message import Message
from http.cookiejar import CookieJar
from typing import TYPE_CHECKING, cast
from urllib.request import Request

if TYPE_CHECKING:
    from collections.abc import Iterable
    from http.client import HTTPResponse

    from yarl import URL

_MOST = 50
_MOST_BYTES = 16 * 1024


class Cookies:
    """What an endpoint set, with a bound; everything beyond it is forgotten.

    Args:
        url: The endpoint.

    Attributes:
        header: The value of ``Cookie`` for the endpoint, empty without one.
    """

    def __init__(self, url: URL) -> None:
        self._url = url
        self._jar = CookieJar()
        self.header = ""

    def take(self, url: URL, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Take the headers of an answer of ``url``."""
        given = [value for name, value in headers if name.lower() == b"set-cookie"]
        if not given or sum(map(len, given)) > _MOST_BYTES:
            return
        message = Message()
        for value in given:
            message["Set-Cookie"] = value.decode("latin-1")
        self._jar.extract_cookies(cast("HTTPResponse", _Answer(message)), _request(url))
        if len(self._jar) > _MOST:
            self._jar.clear()
        self.header = self.of(self._url)

    def of(self, url: URL) -> str:
        """Return the value of ``Cookie`` for a request to ``url``, empty without one."""
        if not len(self._jar):
            return ""
        request = _request(url)
        self._jar.add_cookie_header(request)
        return request.get_header("Cookie") or ""


class _Answer:
    """What `http.cookiejar` wants to know of an answer."""

    def __init__(self, headers: Message) -> None:
        self._headers = headers

    def info(self) -> Message:
        """Return the headers."""
        return self._headers


def _request(url: URL) -> Request:
    """Return what `http.cookiejar` wants to know of a request; nothing is opened."""
    return Request(str(url.with_user(None)))  # noqa: S310  (a value; the scheme was checked)
