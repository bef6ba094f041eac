"""Every client's format as one row of a table.

Sources: each client's public documentation or schema as of 2026. A key that is not in a row is an error there, for a
misspelt key is silently ignored by most clients; keys of other clients that share ``mcpServers`` are understood.
"""

from __future__ import annotations

from mcp_assay.config import interpolation
from mcp_assay.config.dialect import Dialect, Field, Layout, Syntax, Untyped

_STDIO = {
    "command": Field.COMMAND,
    "args": Field.ARGS,
    "env": Field.ENV,
    "envFile": Field.ENV_FILE,
    "cwd": Field.CWD,
}
_REMOTE = {"url": Field.URL, "headers": Field.HEADERS, "type": Field.KIND}
_SWITCHES = {
    "disabled": Field.DISABLED,
    "enabled": Field.ENABLED,
    "disabledTools": Field.DISABLED_TOOLS,
    "timeout": Field.CALL_TIMEOUT,
}
_SHARED = {**_STDIO, **_REMOTE, **_SWITCHES, "serverUrl": Field.URL, "transport": Field.KIND}
_BUSINESS = frozenset(
    {
        *("alwaysAllow", "alwaysLoad", "auth", "authentication", "autoApprove", "description", "headersHelper"),
        *("icon", "metadata", "name", "note", "oauth", "oauthScopes", "scopes", "title", "trust"),
    }
)
_EDITOR_PLACES = frozenset({"userHome", "workspaceFolder", "workspaceFolderBasename", "pathSeparator", "/"})
_MS = {"timeout": 0.001}
_S = {"timeout": 1.0}

CLAUDE_DESKTOP = Dialect(
    name="claude-desktop",
    title="Claude Desktop",
    files=("claude_desktop_config.json",),
    settings=True,
    keys=_SHARED,
    ignored=_BUSINESS,
    seconds=_MS,
    untyped=Untyped.ERROR,
    grammar=interpolation.SHELL,
)
CLAUDE_CODE = Dialect(
    name="claude-code",
    title="Claude Code",
    files=(".mcp.json",),
    telling=frozenset({"headersHelper", "alwaysLoad"}),
    keys=_SHARED,
    ignored=_BUSINESS,
    seconds=_MS,
    untyped=Untyped.ERROR,
    grammar=interpolation.SHELL,
    fixed=frozenset({"CLAUDE_PROJECT_DIR"}),
)
CLAUDE_CODE_USER = Dialect(
    name="claude-code-user",
    title="Claude Code",
    files=(".claude.json",),
    settings=True,
    keys=_SHARED,
    ignored=_BUSINESS,
    seconds=_MS,
    untyped=Untyped.ERROR,
    grammar=interpolation.SHELL,
)
VSCODE = Dialect(
    name="vscode",
    title="VS Code",
    syntax=Syntax.JSONC,
    roots=(("servers",), ("mcp", "servers")),
    files=(".vscode/mcp.json", "Code/User/mcp.json"),
    keys={**_STDIO, **_REMOTE},
    ignored=frozenset({"description", "dev", "gallery", "oauth", "sandbox", "sandboxEnabled", "version"}),
    grammar=interpolation.VSCODE,
    fixed=_EDITOR_PLACES | {"cwd"},
    loose_env=True,
)
COPILOT = Dialect(
    name="copilot",
    title="GitHub Copilot CLI",
    files=(".copilot/mcp-config.json",),
    telling=frozenset({"tools"}),
    keys={**_SHARED, "tools": Field.ENABLED_TOOLS},
    ignored=_BUSINESS,
    seconds=_MS,
    grammar=interpolation.SHELL,
)
CURSOR = Dialect(
    name="cursor",
    title="Cursor",
    files=(".cursor/mcp.json",),
    telling=frozenset({"CLIENT_ID"}),
    keys=_SHARED,
    ignored=_BUSINESS,
    seconds=_MS,
    grammar=interpolation.EDITOR,
    fixed=_EDITOR_PLACES,
)
WINDSURF = Dialect(
    name="windsurf",
    title="Windsurf",
    files=(".codeium/windsurf/mcp_config.json",),
    telling=frozenset({"serverUrl"}),
    keys=_SHARED,
    ignored=_BUSINESS,
    seconds={"timeout": None},
    grammar=interpolation.WINDSURF,
)
ANTIGRAVITY = Dialect(
    name="antigravity",
    title="Antigravity",
    files=(".gemini/antigravity/mcp_config.json",),
    keys=_SHARED,
    ignored=_BUSINESS | {"authProviderType"},
    seconds={"timeout": None},
    grammar=interpolation.EDITOR,
)
CLINE = Dialect(
    name="cline",
    title="Cline",
    files=("cline_mcp_settings.json",),
    telling=frozenset({"transportType"}),
    keys={**_SHARED, "transportType": Field.KIND},
    ignored=_BUSINESS,
    seconds=_S,
    untyped=Untyped.SSE,
    grammar=interpolation.EDITOR,
)
KIRO = Dialect(
    name="kiro",
    title="Kiro",
    files=(".kiro/settings/mcp.json",),
    keys=_SHARED,
    ignored=_BUSINESS,
    seconds=_MS,
    grammar=interpolation.SHELL,
)
GEMINI = Dialect(
    name="gemini",
    title="Gemini CLI",
    syntax=Syntax.JSONC,
    files=(".gemini/settings.json",),
    telling=frozenset({"httpUrl", "includeTools", "excludeTools"}),
    settings=True,
    keys={
        **_STDIO,
        **_REMOTE,
        "httpUrl": Field.HTTP_URL,
        "timeout": Field.CALL_TIMEOUT,
        "includeTools": Field.ENABLED_TOOLS,
        "excludeTools": Field.DISABLED_TOOLS,
    },
    ignored=_BUSINESS | {"authProviderType", "extension", "targetAudience", "targetServiceAccount"},
    seconds=_MS,
    untyped=Untyped.SSE,
    grammar=interpolation.DOLLAR,
    allowed=("mcp", "allowed"),
    excluded=("mcp", "excluded"),
)
CODEX = Dialect(
    name="codex",
    title="Codex",
    syntax=Syntax.TOML,
    roots=(("mcp_servers",),),
    files=(".codex/config.toml",),
    settings=True,
    keys={
        "command": Field.COMMAND,
        "args": Field.ARGS,
        "env": Field.ENV,
        "env_vars": Field.ENV_NAMES,
        "cwd": Field.CWD,
        "url": Field.URL,
        "http_headers": Field.HEADERS,
        "env_http_headers": Field.HEADER_NAMES,
        "bearer_token_env_var": Field.BEARER_NAME,
        "startup_timeout_sec": Field.START_TIMEOUT,
        "startup_timeout_ms": Field.START_TIMEOUT,
        "tool_timeout_sec": Field.CALL_TIMEOUT,
        "enabled": Field.ENABLED,
        "required": Field.REQUIRED,
        "enabled_tools": Field.ENABLED_TOOLS,
        "disabled_tools": Field.DISABLED_TOOLS,
    },
    ignored=frozenset(
        {
            *("default_tools_approval_mode", "experimental_environment", "name", "oauth", "oauth_resource", "scopes"),
            *("supports_parallel_tool_calls", "tools"),
        }
    ),
    seconds={"startup_timeout_ms": 0.001},
)
ZED = Dialect(
    name="zed",
    title="Zed",
    syntax=Syntax.JSONC,
    roots=(("context_servers",),),
    files=(".zed/settings.json", "zed/settings.json"),
    settings=True,
    keys={
        "command": Field.COMMAND,
        "args": Field.ARGS,
        "env": Field.ENV,
        "url": Field.URL,
        "headers": Field.HEADERS,
        "enabled": Field.ENABLED,
        "timeout": Field.CALL_TIMEOUT,
    },
    ignored=frozenset({"oauth", "remote", "settings", "source"}),
    foreign=frozenset({"settings", "source", "enabled"}),
    seconds={"timeout": None},
)
CONTINUE = Dialect(
    name="continue",
    title="Continue",
    syntax=Syntax.YAML,
    files=(".continue/config.yaml",),
    settings=True,
    layout=Layout.LIST,
    keys={
        "name": Field.NAME,
        "command": Field.COMMAND,
        "args": Field.ARGS,
        "env": Field.ENV,
        "cwd": Field.CWD,
        "url": Field.URL,
        "type": Field.KIND,
        "requestOptions": Field.REQUEST_OPTIONS,
        "connectionTimeout": Field.START_TIMEOUT,
    },
    ignored=frozenset({"apiKey", "faviconUrl", "serverName", "sourceFile", "uses", "with"}),
    foreign=frozenset({"uses"}),
    seconds={"connectionTimeout": 0.001},
    grammar=interpolation.CONTINUE,
)
GOOSE = Dialect(
    name="goose",
    title="Goose",
    syntax=Syntax.YAML,
    roots=(("extensions",),),
    files=("goose/config.yaml",),
    settings=True,
    keys={
        "cmd": Field.COMMAND,
        "args": Field.ARGS,
        "envs": Field.ENV,
        "env_keys": Field.ENV_NAMES,
        "uri": Field.URL,
        "headers": Field.HEADERS,
        "type": Field.KIND,
        "enabled": Field.ENABLED,
        "timeout": Field.CALL_TIMEOUT,
        "available_tools": Field.ENABLED_TOOLS,
    },
    ignored=frozenset({"bundled", "description", "display_name", "name", "socket"}),
    foreign=frozenset({"builtin", "platform", "frontend", "inline_python"}),
    grammar=interpolation.SHELL,
    named="secrets",
    loose_env=True,
)
OPENCODE = Dialect(
    name="opencode",
    title="OpenCode",
    syntax=Syntax.JSONC,
    roots=(("mcp", "servers"), ("mcp",)),
    files=("opencode.json", "opencode.jsonc"),
    settings=True,
    keys={
        "type": Field.KIND,
        "command": Field.COMMAND_LINE,
        "environment": Field.ENV,
        "cwd": Field.CWD,
        "url": Field.URL,
        "headers": Field.HEADERS,
        "enabled": Field.ENABLED,
        "disabled": Field.DISABLED,
        "timeout": Field.CALL_TIMEOUT,
    },
    ignored=frozenset({"oauth"}),
    foreign=frozenset({"enabled", "disabled"}),
    seconds=_MS,
    grammar=interpolation.OPENCODE,
)
FASTMCP = Dialect(
    name="fastmcp",
    title="FastMCP",
    files=("fastmcp.json",),
    telling=frozenset({"keep_alive", "sse_read_timeout", "include_tags", "exclude_tags", "authentication"}),
    keys={**_SHARED, "auth": Field.BEARER},
    ignored=_BUSINESS - {"auth"} | {"exclude_tags", "include_tags", "keep_alive", "sse_read_timeout", "tools"},
    seconds=_MS,
    untyped=Untyped.BY_PATH,
    loose_env=True,
)
REGISTRY = Dialect(
    name="registry",
    title="MCP registry",
    roots=((),),
    files=("server.json",),
    telling=frozenset({"packages", "remotes"}),
    layout=Layout.REGISTRY,
    grammar=interpolation.CURLY,
)
BUNDLE = Dialect(
    name="mcpb",
    title="MCP bundle",
    roots=(("server", "mcp_config"),),
    files=("manifest.json", ".mcpb", ".dxt"),
    telling=frozenset({"manifest_version", "dxt_version"}),
    layout=Layout.BUNDLE,
    keys={"command": Field.COMMAND, "args": Field.ARGS, "env": Field.ENV},
    ignored=frozenset({"platform_overrides"}),
    grammar=interpolation.BUNDLE,
    fixed=frozenset({"__dirname", "HOME", "DESKTOP", "DOCUMENTS", "DOWNLOADS", "pathSeparator", "/"}),
)
GENERIC = Dialect(
    name="mcpServers",
    title="mcpServers",
    keys=_SHARED,
    ignored=_BUSINESS,
    seconds={"timeout": None},
    untyped=Untyped.BY_PATH,
    grammar=interpolation.ANY,
    fixed=_EDITOR_PLACES,
)

DIALECTS = (
    *(CLAUDE_DESKTOP, CLAUDE_CODE, CLAUDE_CODE_USER, VSCODE, COPILOT, CURSOR, WINDSURF, ANTIGRAVITY, CLINE, KIRO),
    *(GEMINI, CODEX, ZED, CONTINUE, GOOSE, OPENCODE, FASTMCP, REGISTRY, BUNDLE, GENERIC),
)
"""All dialects; a path decides first, then telling keys, then the root, in this order."""
