"""What a property's name says of its values.

A tool whose ``timezone`` is ``qX3`` only ever shows its error path, so plausible values are tried first. None of them
exists: ids are made up, hosts end in ``.invalid``, paths lie below the folder of the surroundings.
"""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcp_assay.generation.surroundings import Surroundings

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


class Meaning(Enum):
    """What a text stands for, where a careless value could reach something real."""

    TEXT = auto()
    PATH = auto()
    URL = auto()
    MAIL = auto()
    HOST = auto()
    CODE = auto()


_MEANINGS = {
    Meaning.PATH: {"path", "paths", "file", "files", "filename", "filepath", "dir", "directory", "folder",
                   "destination", "cwd", "root", "src", "dst"},
    Meaning.URL: {"url", "urls", "uri", "uris", "href", "link", "endpoint", "webhook", "website", "homepage"},
    Meaning.MAIL: {"email", "emails", "mail", "recipient", "recipients", "cc", "bcc"},
    Meaning.CODE: {"command", "cmd", "script", "shell", "code", "sql", "statement", "expression", "program"},
    Meaning.HOST: {"host", "hostname", "domain", "fqdn"},
}  # fmt: skip
_TEXTS: dict[str, tuple[str, ...]] = {
    "id": ("00000000-0000-4000-8000-000000000000", "1", "example-id"),
    "ids": ("00000000-0000-4000-8000-000000000000",),
    "uuid": ("00000000-0000-4000-8000-000000000000",),
    "query": ("example", "hello world"),
    "search": ("example",),
    "pattern": ("example", "*.txt"),
    "date": ("2024-02-29",),
    "day": ("2024-02-29",),
    "datetime": ("2024-02-29T12:00:00Z",),
    "timestamp": ("2024-02-29T12:00:00Z",),
    "since": ("2024-01-01T00:00:00Z",),
    "until": ("2024-12-31T00:00:00Z",),
    "time": ("12:00",),
    "timezone": ("Europe/Paris", "UTC", "America/New_York"),
    "tz": ("UTC",),
    "language": ("en",),
    "lang": ("en",),
    "locale": ("en-GB",),
    "country": ("FR",),
    "currency": ("EUR",),
    "city": ("Paris",),
    "location": ("Paris",),
    "color": ("#336699", "blue"),
    "colour": ("#336699", "blue"),
    "branch": ("main",),
    "ref": ("main",),
    "sha": ("0" * 40,),
    "revision": ("HEAD",),
    "version": ("1.0.0",),
    "owner": ("example",),
    "repo": ("example",),
    "repository": ("example",),
    "ip": ("192.0.2.1",),
    "phone": ("+10000000000",),
    "sql": ("SELECT 1",),
    "expression": ("1 + 1",),
    "command": ("true", "echo example"),
    "cmd": ("true", "echo example"),
    "shell": ("true", "echo example"),
    "code": ("1",),
    "script": ("1",),
    "program": ("1",),
    "statement": ("SELECT 1",),
    "json": ("{}",),
    "html": ("<p>example</p>",),
    "markdown": ("# Example",),
    "message": ("Hello",),
    "text": ("Hello",),
    "content": ("Hello",),
    "body": ("Hello",),
    "description": ("An example",),
    "thought": ("An example",),
    "title": ("Example",),
    "name": ("example",),
    "label": ("example",),
    "tag": ("example",),
    "type": ("example",),
    "key": ("example",),
    "format": ("json",),
    "mimetype": ("text/plain",),
    "sort": ("asc",),
}
_NUMBERS: dict[str, tuple[int, ...]] = {
    "offset": (0,),
    "skip": (0,),
    "cursor": (0,),
    "port": (8080,),
    "year": (2024,),
    "timestamp": (1_709_208_000,),
    "width": (100,),
    "height": (100,),
    "timeout": (1,),
    "duration": (1,),
    "delay": (0,),
    "seconds": (1,),
}


def words(name: str) -> list[str]:
    """Return the lower-case words of a property name in snake, kebab or camel case, at most ten."""
    return [word.lower() for word in _WORDS.findall(name[:80])][:10]


def meaning(name: str) -> Meaning:
    """Return what texts under ``name`` stand for; the last words of a name weigh most."""
    for word in reversed(words(name)):
        for found, known in _MEANINGS.items():
            if word in known:
                return found
    return Meaning.TEXT


def plausible_texts(name: str, surroundings: Surroundings) -> tuple[str, ...]:
    """Return texts that fit ``name``, the best first; empty when the name says nothing."""
    match meaning(name):
        case Meaning.PATH:
            folder = bool({"dir", "directory", "folder", "cwd", "root"} & set(words(name)))
            return (surroundings.directory if folder else f"{surroundings.directory}/example.txt",)
        case Meaning.URL:
            return (f"https://{surroundings.domain}/",)
        case Meaning.MAIL:
            return (f"someone@{surroundings.domain}",)
        case Meaning.HOST:
            return (surroundings.domain,)
        case Meaning.TEXT | Meaning.CODE:
            return next((_TEXTS[word] for word in reversed(words(name)) if word in _TEXTS), ())


def plausible_numbers(name: str) -> tuple[int, ...]:
    """Return numbers that fit ``name``; empty when the name says nothing."""
    return next((_NUMBERS[word] for word in reversed(words(name)) if word in _NUMBERS), ())
