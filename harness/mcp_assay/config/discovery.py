"""Where clients keep their configuration on this machine."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mcp_assay.config.files import is_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class WellKnown:
    """A configuration file that exists.

    Attributes:
        path: The file.
        dialect: Name of its dialect.
    """

    path: Path
    dialect: str


PROJECT_FILES = (
    (".mcp.json", "claude-code"),
    (".vscode/mcp.json", "vscode"),
    (".cursor/mcp.json", "cursor"),
    (".gemini/settings.json", "gemini"),
    (".codex/config.toml", "codex"),
    (".kiro/settings/mcp.json", "kiro"),
    (".zed/settings.json", "zed"),
    ("opencode.json", "opencode"),
    ("opencode.jsonc", "opencode"),
)
"""Files of a project and their dialects."""
HOME_FILES = (
    (".claude.json", "claude-code-user"),
    (".cursor/mcp.json", "cursor"),
    (".codeium/windsurf/mcp_config.json", "windsurf"),
    (".copilot/mcp-config.json", "copilot"),
    (".gemini/settings.json", "gemini"),
    (".gemini/antigravity/mcp_config.json", "antigravity"),
    (".kiro/settings/mcp.json", "kiro"),
    (".codex/config.toml", "codex"),
    (".continue/config.yaml", "continue"),
)
"""Files below the user's home folder."""
SETTINGS_FILES = (
    ("Claude/claude_desktop_config.json", "claude-desktop"),
    ("Code/User/mcp.json", "vscode"),
    ("Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json", "cline"),
)
"""Files below the folder where the platform keeps applications' settings."""
DOT_CONFIG_FILES = (
    ("zed/settings.json", "zed"),
    ("goose/config.yaml", "goose"),
    ("opencode/opencode.json", "opencode"),
    ("opencode/opencode.jsonc", "opencode"),
)
"""Files below ``~/.config``."""


def find_well_known(
    *,
    folder: Path | None = None,
    home: Path | None = None,
    environ: Mapping[str, str] | None = None,
    platform: str = sys.platform,
) -> tuple[WellKnown, ...]:
    """Return the configuration files that exist, those of the project first; nothing is opened.

    Args:
        folder: The project's folder, or None for the working directory.
        home: The user's home folder, or None for ours.
        environ: Environment for ``APPDATA``, ``XDG_CONFIG_HOME`` and ``CODEX_HOME``, or None for the process' own.
        platform: As in `sys.platform`.
    """
    variables = os.environ if environ is None else environ
    candidates = _candidates(folder or Path.cwd(), home or Path.home(), variables, platform)
    found = {path: dialect for path, dialect in reversed(list(candidates)) if is_file(path)}
    return tuple(WellKnown(path=path, dialect=dialect) for path, dialect in reversed(found.items()))


def _candidates(folder: Path, home: Path, environ: Mapping[str, str], platform: str) -> Iterator[tuple[Path, str]]:
    """Yield every place to look at with the dialect that lives there."""
    dot_config = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    settings = {"darwin": home / "Library/Application Support", "win32": Path(environ.get("APPDATA") or home)}
    places = (
        (folder, PROJECT_FILES),
        (home, HOME_FILES),
        (settings.get(platform, dot_config), SETTINGS_FILES),
        (dot_config, DOT_CONFIG_FILES),
        (Path(environ.get("CODEX_HOME") or home / ".codex"), (("config.toml", "codex"),)),
    )
    for base, names in places:
        yield from ((base / name, dialect) for name, dialect in names)
