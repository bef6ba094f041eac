"""Where references are looked up: the environment, inputs of the user, and files."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mcp_assay.config.spec import input_variable
from mcp_assay.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mcp_assay.config.spec import Reference

LARGEST_FILE = 64 * 1024
"""Bytes a referenced file may have; a secret is never longer."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class EnvironmentVariables:
    """Looks references up in an environment, in given inputs, and in files.

    ``env`` references are variables of the environment. ``file`` references are read, without their last line break.
    Every other source (``input``, ``secrets``, …) is an input: a value given for it wins, then the variable
    ``MCP_INPUT_<NAME>``, then, for secrets, a variable of the same name.

    Attributes:
        environ: The environment.
        inputs: Values given by the user, by input name.
    """

    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    inputs: Mapping[str, str] = field(default_factory=dict[str, str])

    def __repr__(self) -> str:
        """Return the names of the inputs only: a repr ends up in tracebacks."""
        return f"EnvironmentVariables(inputs={sorted(self.inputs)})"

    @classmethod
    def from_options(cls, inputs: Iterable[str], environ: Mapping[str, str] | None = None) -> EnvironmentVariables:
        """Return the variables of a run.

        Args:
            inputs: Texts ``NAME=value``, as given to ``--mcp-input``.
            environ: The environment, or None for the process' own.

        Raises:
            UsageError: A text has no ``=`` or no name; the value is never quoted.
        """
        given: dict[str, str] = {}
        for text in inputs:
            name, equals, value = text.partition("=")
            if not equals or not name:
                raise UsageError("--mcp-input needs NAME=value", hint="for example --mcp-input api-key=…")
            given[name] = value
        return cls(environ=dict(os.environ) if environ is None else environ, inputs=given)

    def value_of(self, reference: Reference) -> str | None:
        """Return the value of ``reference``, or None when it is unset or its file cannot be read."""
        name = reference.name
        if reference.source == "env":
            return self.environ.get(name)
        if reference.source == "file":
            return _content(Path(name).expanduser())
        if name in self.inputs:
            return self.inputs[name]
        own = self.environ.get(input_variable(name))
        return self.environ.get(name) if own is None and reference.source == "secrets" else own


def _content(path: Path) -> str | None:
    """Return a small text file without its last line break, or None."""
    try:
        if not path.is_file() or path.stat().st_size > LARGEST_FILE:
            return None
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    return text.removesuffix("\n").removesuffix("\r")
