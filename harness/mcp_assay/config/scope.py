"""What references in one document may refer to."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mcp_assay.config.spec import Reference, Template
from mcp_assay.config.view import closest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_assay.config.interpolation import Grammar
    from mcp_assay.config.view import View


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """A value that a document asks its user for.

    Attributes:
        defaults: Texts used when the user gives none; several only where several values are allowed.
    """

    defaults: tuple[View, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Turns texts of a document into templates.

    Attributes:
        grammar: How references are written.
        folder: What relative file references are relative to.
        fixed: Names that stand for a text without secrets.
        inputs: Inputs that are declared, or None where the dialect declares none.
    """

    grammar: Grammar
    folder: Path
    fixed: Mapping[str, str] = field(default_factory=dict[str, str])
    inputs: Mapping[str, Input] | None = None

    def template(self, view: View, *, loose: bool = False) -> Template:
        """Return a configured text; when ``loose``, a number or boolean is taken as its text.

        Raises:
            ConfigError: It is no text, or refers to an input that is not declared or refers to itself.
        """
        return self._template(view, (), loose=loose)

    def templates(self, view: View) -> tuple[Template, ...]:
        """Return a configured argument: several when it is just an input with several defaults.

        The second and later ones can be given as inputs ``name.2``, ``name.3`` and so on.
        """
        whole = self._template(view, ())
        only = whole.references[0] if len(whole.parts) == 1 and whole.references else None
        given = self.inputs.get(only.name) if self.inputs and only and only.source == "input" else None
        if only is None or given is None or len(given.defaults) < 2:
            return (whole,)
        return tuple(
            Template((self._numbered(only, number, default),), whole.line, whole.column)
            for number, default in enumerate(given.defaults, start=1)
        )

    def _numbered(self, reference: Reference, number: int, default: View) -> Reference:
        name = reference.name if number == 1 else f"{reference.name}.{number}"
        return Reference(source="input", name=name, default=self._template(default, (reference.name,)))

    def _template(self, view: View, active: tuple[str, ...], *, loose: bool = False) -> Template:
        mark = view.node.mark
        text = view.scalar_text() if loose or active else view.text()
        parts = [self._completed(part, view, active) for part in self.grammar.split(text, self.fixed)]
        return Template(_joined(parts), mark.line, mark.column)

    def _completed(self, part: str | Reference, view: View, active: tuple[str, ...]) -> str | Reference:
        """Return a reference with all that the document says about it."""
        if isinstance(part, str):
            return part
        if part.source == "file":
            return Reference(source="file", name=str(self.folder / Path(part.name).expanduser()), default=part.default)
        if part.source != "input" or self.inputs is None:
            return part
        if part.name in active:
            circle = " -> ".join((*active[active.index(part.name) :], part.name))
            hint = "give one of them a plain default"
            raise view.document.error(f"input {part.name!r} refers to itself: {circle}", view.node.mark, hint=hint)
        if part.name not in self.inputs:
            near = closest(part.name, self.inputs)
            hint = f"did you mean {near!r}?" if near else "declare it first"
            message = f"input {part.name!r} is not declared in this document"
            raise view.document.error(message, view.node.mark, hint=hint)
        defaults = self.inputs[part.name].defaults
        default = self._template(defaults[0], (*active, part.name)) if defaults else None
        return Reference(source="input", name=part.name, default=default)


def places(folder: Path) -> dict[str, str]:
    """Return what the clients' names for folders stand for, seen from a document that belongs to ``folder``."""
    home = Path.home()
    return {
        "/": os.sep,
        "CLAUDE_PROJECT_DIR": str(folder),
        "DESKTOP": str(home / "Desktop"),
        "DOCUMENTS": str(home / "Documents"),
        "DOWNLOADS": str(home / "Downloads"),
        "HOME": str(home),
        "__dirname": str(folder),
        "cwd": str(folder),
        "pathSeparator": os.sep,
        "userHome": str(home),
        "workspaceFolder": str(folder),
        "workspaceFolderBasename": folder.name,
    }


def _joined(parts: list[str | Reference]) -> tuple[str | Reference, ...]:
    """Return the parts with neighbouring texts joined and empty ones left out."""
    joined: list[str | Reference] = []
    for part in parts:
        if isinstance(part, str) and joined and isinstance(joined[-1], str):
            joined[-1] += part
        elif part != "":
            joined.append(part)
    return tuple(joined)
