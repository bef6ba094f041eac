"""Typed reading of a document tree: the value of the right type, or one clear error at its place."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_assay.config.tree import Array, Document, Mark, Member, Scalar, Table, kind_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mcp_assay.config.tree import Node
    from mcp_assay.core.errors import ConfigError
    from mcp_assay.core.json_types import Json


def closest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word most like ``word``, or None when none is near."""
    by_lower = {candidate.lower(): candidate for candidate in sorted(known)}
    matches = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[matches[0]] if matches else None


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One value of a document under the name that messages use for it.

    Attributes:
        document: The document it stands in.
        node: The value.
        name: Its path of keys, for example ``mcpServers.db.args``.
        mark: Where its key stands, or the value itself where there is no key.
    """

    document: Document
    node: Node
    name: str
    mark: Mark

    @classmethod
    def of(cls, document: Document) -> View:
        """Return the view of a document's outermost value."""
        return cls(document=document, node=document.root, name="the document", mark=document.root.mark)

    def error(self, message: str, *, hint: str | None = None) -> ConfigError:
        """Return an error at this value's place."""
        return self.document.error(message, self.mark, hint=hint)

    def expected(self, what: str, *, hint: str | None = None) -> ConfigError:
        """Return the error that this value has the wrong type."""
        return self.document.error(f"{self.name} must be {what}, not {kind_of(self.node)}", self.node.mark, hint=hint)

    def fields(self) -> dict[str, View]:
        """Return an object's members.

        Raises:
            ConfigError: The value is no object, or has a key twice.
        """
        if not isinstance(self.node, Table):
            raise self.expected("an object")
        found: dict[str, View] = {}
        for member in self.node.members:
            if member.key in found:
                first = found[member.key].mark.line
                message = f"{member.key!r} is there twice in {self.name}"
                raise self.document.error(
                    message, member.mark, hint=f"the first one is on line {first}; rename or remove one"
                )
            found[member.key] = self._child(member)
        return found

    def _child(self, member: Member) -> View:
        name = member.key if self.node is self.document.root else f"{self.name}.{member.key}"
        return View(document=self.document, node=member.value, name=name, mark=member.mark)

    def items(self) -> Iterator[View]:
        """Yield a list's elements.

        Raises:
            ConfigError: The value is no list.
        """
        if not isinstance(self.node, Array):
            raise self.expected("a list")
        for index, item in enumerate(self.node.items):
            yield View(document=self.document, node=item, name=f"{self.name}[{index}]", mark=item.mark)

    def text(self) -> str:
        """Return a string; raises `ConfigError` for anything else."""
        if not isinstance(self.node, Scalar) or not isinstance(self.node.value, str):
            plain = isinstance(self.node, Scalar) and self.node.value is not None
            raise self.expected("a string", hint="put it in double quotes" if plain else None)
        return self.node.value

    def scalar_text(self) -> str:
        """Return a string, number or boolean as text; raises `ConfigError` for anything else."""
        value = self.node.value if isinstance(self.node, Scalar) else None
        if isinstance(value, bool):
            return str(value).lower()
        return str(value) if isinstance(value, int | float) else self.text()

    def texts(self) -> tuple[str, ...]:
        """Return a list of strings; raises `ConfigError` for anything else."""
        return tuple(item.text() for item in self.items())

    def number(self) -> float:
        """Return a finite number that is not negative; raises `ConfigError` for anything else."""
        value = self.node.value if isinstance(self.node, Scalar) else None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.expected("a number")
        if not 0 <= value < float("inf"):
            raise self.document.error(f"{self.name} must not be negative or infinite", self.node.mark)
        return float(value)

    def boolean(self) -> bool:
        """Return a boolean; raises `ConfigError` for anything else."""
        if not isinstance(self.node, Scalar) or not isinstance(self.node.value, bool):
            raise self.expected("true or false")
        return self.node.value

    def json(self) -> Json:
        """Return the value as plain JSON; raises `ConfigError` for a key that is there twice."""
        if isinstance(self.node, Table):
            return {key: value.json() for key, value in self.fields().items()}
        if isinstance(self.node, Array):
            return [item.json() for item in self.items()]
        return self.node.value

    def known(self, keys: Iterable[str]) -> dict[str, View]:
        """Return an object's members; raises `ConfigError` for one that is not among ``keys``."""
        choices = frozenset(keys)
        fields = self.fields()
        for key, value in fields.items():
            if key not in choices:
                raise self.unknown(value, key, choices)
        return fields

    @property
    def is_null(self) -> bool:
        """Whether the value is null."""
        return isinstance(self.node, Scalar) and self.node.value is None

    def unknown(self, key: View, word: str, known: Iterable[str]) -> ConfigError:
        """Return the error that ``word`` is no key of this object, with the closest known one."""
        choices = sorted(known)
        near = closest(word, choices)
        hint = f"did you mean {near!r}?" if near else f"known keys: {', '.join(choices)}"
        return key.error(f"unknown key {word!r} in {self.name}", hint=hint)
