"""``mcp-assay.lock``: the definitions that were accepted, so that a change is seen and judged.

The file is JSON with sorted keys and one value a line, so that git shows a change where it is. Texts are ASCII with
escapes: hidden characters are seen in review. Secrets are redacted before they are hashed or written.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from mcp_assay.config.files import LARGEST, read_document
from mcp_assay.config.json_reader import parse_json
from mcp_assay.config.view import View
from mcp_assay.core.errors import AssayError
from mcp_assay.core.files import write_atomically
from mcp_assay.core.redaction import Redactor
from mcp_assay.readiness.locking.changes import Change, Severity, quoted, reworded
from mcp_assay.readiness.locking.definitions import prompt_changes, tool_changes
from mcp_assay.runtime.inventory import ToolDefinition

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.runtime.inventory import Inventory
    from mcp_assay.wire.eras import Agreement

FILE_NAME = "mcp-assay.lock"
VERSION = 1
LOCKED_LISTS = ("tools", "prompts")
"""Lists that are locked; resources are data, which may come and go."""
LARGEST_DEFINITION = 64 * 1024
"""Characters of the largest definition that is kept whole; of a larger one only the hash is."""

_DEEPEST_DEFINITION = 48
_LARGEST_INTEGER = 2**63


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedDefinition:
    """One definition.

    Attributes:
        digest: ``sha256:`` and the hash of the canonical definition; that of `ToolDefinition.digest` unless the
            definition holds a secret.
        definition: The definition, or None when it is too large or too deep to be kept.
    """

    digest: str
    definition: JsonObject | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedServer:
    """The definitions of one server.

    Attributes:
        revision: The protocol revision in which they were listed.
        instructions: Its advice to the model, or None.
        lists: The definitions by name, by list.
    """

    revision: str
    instructions: str | None = None
    lists: Mapping[str, Mapping[str, LockedDefinition]] = field(
        default_factory=dict[str, "Mapping[str, LockedDefinition]"]
    )

    @property
    def size(self) -> int:
        """How many definitions it has."""
        return sum(len(entries) for entries in self.lists.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """The accepted definitions of all servers.

    Attributes:
        path: The file.
        servers: The servers by id, ``servers.json::memory``.
        redactor: Knows the secrets that must not be written.
    """

    path: Path
    servers: Mapping[str, LockedServer] = field(default_factory=dict[str, LockedServer])
    redactor: Redactor = field(default_factory=Redactor)

    @classmethod
    def load(cls, path: Path, *, redactor: Redactor | None = None) -> Lock:
        """Return what a lock file says.

        Raises:
            ConfigError: The file cannot be read, is no lock file, or was written by a newer version.
        """
        view = View.of(parse_json(read_document(path), path))
        fields = view.known(("servers", "version"))
        if "version" not in fields or fields["version"].json() != VERSION:
            raise view.error(f"this is no lock file of version {VERSION}", hint="--mcp-lock update writes one")
        servers = fields["servers"].fields() if "servers" in fields else {}
        return cls(
            path=path,
            servers={name: _server(server) for name, server in servers.items()},
            redactor=redactor or Redactor(),
        )

    def snapshot(self, inventory: Inventory, agreement: Agreement) -> LockedServer:
        """Return the definitions that a server lists now, as they would be locked."""
        return LockedServer(
            revision=agreement.version,
            instructions=None if agreement.instructions is None else self._text(agreement.instructions),
            lists={key: dict(self._entries(inventory, key)) for key in LOCKED_LISTS},
        )

    def changes(self, server: str, now: LockedServer) -> tuple[Change, ...] | None:
        """Return what has changed since a server was locked, or None when it was not."""
        locked = self.servers.get(server)
        return None if locked is None else tuple(_changes(locked, now))

    def updated(self, servers: Mapping[str, LockedServer]) -> Lock:
        """Return the lock with these servers as they are now; others stay as they were."""
        return replace(self, servers={**self.servers, **servers})

    def write(self) -> None:
        """Write the file, whole or not at all.

        Raises:
            AssayError: It would be larger than what is read again.
            OSError: The file cannot be written.
        """
        text = self.render()
        if len(text) > LARGEST:
            size = LARGEST // 1024 // 1024
            raise AssayError(f"{self.path.name} would be larger than {size} MiB", hint="lock fewer servers at once")
        write_atomically(self.path, text)

    def render(self) -> str:
        """Return the file's text."""
        servers = {name: _as_json(server) for name, server in self.servers.items()}
        return json.dumps({"version": VERSION, "servers": servers}, indent=2, sort_keys=True) + "\n"

    def _entries(self, inventory: Inventory, key: str) -> Iterator[tuple[str, LockedDefinition]]:
        """Yield a list's definitions; a name that comes again is marked, so that no entry hides another."""
        taken: set[str] = set()
        for entry in inventory.objects(key):
            name = entry.get("name")
            if not isinstance(name, str):
                continue
            name = self._text(name)
            while name in taken:
                name += " (again)"
            taken.add(name)
            yield name, self._locked(name, entry)

    def _locked(self, name: str, definition: JsonObject) -> LockedDefinition:
        """Return a definition as it is kept."""
        clean = {self._text(key): self._clean(value) for key, value in definition.items()}
        small = _depth_within(clean, _DEEPEST_DEFINITION) and len(json.dumps(clean)) <= LARGEST_DEFINITION
        digest = ToolDefinition(name=name, raw=clean).digest
        return LockedDefinition(digest=digest, definition=clean if small else None)

    def _clean(self, value: Json) -> Json:
        """Return a value without secrets and without what JSON cannot hold; the wire bounds its depth."""
        if isinstance(value, dict):
            return {self._text(key): self._clean(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._clean(item) for item in value]
        if isinstance(value, str):
            return self._text(value)
        fits = isinstance(value, bool) or value is None or (abs(value) < _LARGEST_INTEGER and math.isfinite(value))
        return value if fits else f"a number beyond 64 bits ({'negative' if value and value < 0 else 'positive'})"

    def _text(self, text: str) -> str:
        """Return a text without secrets and lone surrogates."""
        return self.redactor.redact(text).encode("utf-8", "backslashreplace").decode("utf-8")


def _changes(old: LockedServer, new: LockedServer) -> Iterator[Change]:
    """Yield what has changed between two states of a server."""
    if old.instructions != new.instructions:
        text = reworded(old.instructions, new.instructions)
        yield Change(severity=Severity.WORDING, subject="instructions", text=text)
    for key in LOCKED_LISTS:
        yield from _list_changes(key.removesuffix("s"), old.lists.get(key, {}), new.lists.get(key, {}))


def _list_changes(
    noun: str, old: Mapping[str, LockedDefinition], new: Mapping[str, LockedDefinition]
) -> Iterator[Change]:
    """Yield what has changed in one list."""
    for name in sorted({*old, *new}):
        subject = f"{noun} {quoted(name)}"
        if name not in new:
            yield Change(severity=Severity.BREAKING, subject=subject, text="removed")
        elif name not in old:
            yield Change(severity=Severity.COMPATIBLE, subject=subject, text="added")
        elif old[name].digest != new[name].digest:
            yield from _definition_changes(noun, name, old[name].definition, new[name].definition)


def _definition_changes(noun: str, name: str, old: JsonObject | None, new: JsonObject | None) -> Iterator[Change]:
    """Yield what has changed in one definition; a hash that differs never goes without a word."""
    subject = f"{noun} {quoted(name)}"
    if old is None or new is None:
        text = "changed, and is too large to be compared in detail"
        yield Change(severity=Severity.BREAKING, subject=subject, text=text)
        return
    found = list(tool_changes(name, old, new) if noun == "tool" else prompt_changes(name, old, new))
    yield from found or [
        Change(severity=Severity.WORDING, subject=subject, text="changed, with no difference that counts")
    ]


def _depth_within(value: Json, levels: int) -> bool:
    """Return whether a value is nested at most so deep."""
    below = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    return levels >= 0 and all(_depth_within(item, levels - 1) for item in below)


def _as_json(server: LockedServer) -> dict[str, object]:
    """Return a server as it stands in the file."""
    lists = {
        key: {name: _entry(one) for name, one in entries.items()} for key, entries in server.lists.items() if entries
    }
    told = {} if server.instructions is None else {"instructions": server.instructions}
    return {"revision": server.revision, **told, **lists}


def _entry(locked: LockedDefinition) -> dict[str, object]:
    kept = {} if locked.definition is None else {"definition": locked.definition}
    return {"digest": locked.digest, **kept}


def _server(view: View) -> LockedServer:
    """Return a server from the file."""
    fields = view.known(("instructions", "revision", *LOCKED_LISTS))
    return LockedServer(
        revision=fields["revision"].text() if "revision" in fields else "",
        instructions=fields["instructions"].text() if "instructions" in fields else None,
        lists={
            key: {name: _definition(one) for name, one in fields[key].fields().items()}
            for key in LOCKED_LISTS
            if key in fields
        },
    )


def _definition(view: View) -> LockedDefinition:
    """Return a definition from the file; its hash must be that of what stands beside it."""
    fields = view.known(("definition", "digest"))
    if "digest" not in fields:
        raise view.error(f"{view.name} has no digest", hint="--mcp-lock update writes the file anew")
    digest = fields["digest"].text()
    kept = {key: one.json() for key, one in fields["definition"].fields().items()} if "definition" in fields else None
    if kept is not None and ToolDefinition(name="", raw=kept).digest != digest:
        raise view.error(
            f"{view.name} does not have the digest that stands beside it",
            hint="the file was edited by hand; --mcp-lock update writes it anew",
        )
    return LockedDefinition(digest=digest, definition=kept)
