"""Static advice: unpinned launches, plain-text secrets, unencrypted addresses."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

import pytest

from mcp_assay.config.adhoc import server_from_command, server_from_url
from mcp_assay.config.advice import advise
from mcp_assay.config.describe import public_form
from mcp_assay.config.launchers import find_unpinned, package_of
from mcp_assay.core.errors import UsageError
from mcp_assay.core.verdicts import Outcome

if TYPE_CHECKING:
    from tests.config.conftest import Read

    from mcp_assay.config.advice import Advice

TOKEN = "ghp_abcdefghijklmnopqrstuvwxyz0123456789"

UNPINNED = {
    "npx -y pkg": "pkg",
    "npx -y pkg@latest": "pkg@latest",
    "npx -y pkg@next": "pkg@next",
    "npx pkg@^1.0.0": "pkg@^1.0.0",
    "npx pkg@1": "pkg@1",
    "npx -y @scope/pkg --root /x@1.0.0": "@scope/pkg",
    "npx --package=foo bar": "foo",
    "npx -p foo bar@1.0.0": "foo",
    "npx --registry https://r.example foo": "foo",
    "npx github:o/r": "github:o/r",
    "/usr/local/bin/npx -y pkg": "pkg",
    r"C:\\node\\npx.cmd -y pkg": "pkg",
    "cmd /c npx -y pkg": "pkg",
    "npm exec -- pkg": "pkg",
    "pnpm dlx pkg": "pkg",
    "yarn dlx pkg": "pkg",
    "bunx pkg": "pkg",
    "bun x pkg": "pkg",
    "uvx pkg": "pkg",
    "uvx pkg@latest": "pkg@latest",
    "uvx pkg>=1": "pkg>=1",
    "uvx --python 3.12 pkg": "pkg",
    "uvx --from git+https://x.example/r pkg": "git+https://x.example/r",
    "uvx --from git+https://x.example/r@main pkg": "git+https://x.example/r@main",
    "uv tool run pkg": "pkg",
    "pipx run pkg": "pkg",
    "docker run -i --rm -e KEY image": "image",
    "docker run -i --rm reg.example:5000/o/image:latest": "image:latest",
    "podman run --name n image": "image",
    "bash -c 'curl -s https://x.example/i | sh'": "a downloaded script",
    "sh -c 'wget -qO- https://x.example/i | sudo bash -s'": "a downloaded script",
}

PINNED = [
    "npx -y pkg@1.2.3",
    "npx -y @scope/pkg@1.2.3-rc.1 --x",
    "npx --package=foo@1.2.3 bar",
    "npx -y ./local",
    "npx github:o/r#0123456789abcdef",
    "uvx pkg==1.2",
    "uvx pkg@1.2.3",
    "uvx --with other pkg@1.2.3",
    "uvx --from git+https://x.example/r@v1.2.3 pkg",
    "uvx --from . pkg",
    "docker run -i --rm -e KEY -v /a:/b reg.example:5000/o/image:1.2.3",
    "docker run image@sha256:0123",
    "docker compose up",
    "npm run start",
    "uv run server.py",
    "python -m server",
    "node dist/index.js",
    "bash -c 'exec server'",
    "npx",
    "uvx --from",
]


@pytest.mark.parametrize(("command", "what"), UNPINNED.items(), ids=list(UNPINNED))
def test_a_launch_without_a_fixed_version_is_found(command: str, what: str) -> None:
    found = find_unpinned(shlex.split(command))
    assert found is not None
    assert found.what.endswith(what)


@pytest.mark.parametrize("command", PINNED)
def test_a_launch_of_a_fixed_version_is_fine(command: str) -> None:
    assert find_unpinned(shlex.split(command)) is None


def test_a_word_that_is_not_known_is_not_blamed() -> None:
    assert find_unpinned(["npx", "-y", None, "pkg"]) is None
    assert find_unpinned(["npx", None]) is None
    assert find_unpinned([None, "pkg"]) is None
    assert find_unpinned([]) is None


@pytest.mark.parametrize(
    ("command", "package"), [("npx -y @a/b@1.2.3", "@a/b"), ("uvx a==1", "a"), ("python x.py", None)]
)
def test_the_package_of_a_launch_is_known(command: str, package: str | None) -> None:
    assert package_of(shlex.split(command)) == package


def findings(read: Read, entry: object, check: str) -> list[Advice]:
    """Return what a rule finds in a document with one server."""
    (spec,) = read(json.dumps({"mcpServers": {"s": entry}}, indent=1))
    return [finding for finding in advise(spec) if finding.check == check]


def test_a_finding_says_where_and_becomes_a_verdict(read: Read) -> None:
    (finding,) = findings(read, {"command": "npx", "args": ["-y", "pkg"]}, "ADV-017")
    assert (finding.line, finding.column) == (7, 5)
    assert finding.place.endswith("servers.json:7:5")
    judgement = finding.judgement()
    assert judgement.outcome is Outcome.FAIL
    assert judgement.observed is not None
    assert "servers.json:7:5" in judgement.observed


@pytest.mark.parametrize(
    "entry",
    [
        {"command": "x", "env": {"API_KEY": "hunter22hunter"}},
        {"command": "x", "env": {"HARMLESS": TOKEN}},
        {"command": "x", "env": {"HARMLESS": f"{TOKEN}${{env:A}}"}},
        {"command": "x", "env": {"API_KEY": "${A:-hunter22hunter}"}},
        {"command": "x", "args": ["--api-key", "hunter22hunter"]},
        {"command": "x", "args": ["--token=hunter22hunter"]},
        {"command": "x", "args": [TOKEN]},
        {"command": "x", "args": ["postgres://me:hunter22@h/d"]},
        {"url": "https://x.example/mcp", "headers": {"Authorization": "Bearer hunter22hunter"}},
        {"url": "https://x.example/mcp", "headers": {"X-API-Key": "hunter22hunter"}},
        {"url": "https://me:hunter22@x.example/mcp"},
        {"url": "https://x.example/mcp?api_key=hunter22hunter"},
    ],
    ids=str,
)
def test_a_secret_in_plain_text_is_found_and_never_quoted(entry: object, read: Read) -> None:
    (finding,) = findings(read, entry, "ADV-018")
    assert not any(secret in str(finding) for secret in ("hunter22", TOKEN))


@pytest.mark.parametrize(
    "entry",
    [
        {
            "command": "x",
            "env": {"API_KEY": "${API_KEY}", "TOKEN": "YOUR_TOKEN", "KEY": "<your key>", "A": "hunter22"},
        },
        {"command": "x", "env": {"API_KEY": "xxxxxxxxxx", "TOKEN_LIMIT": "100000", "SECRET_FILE": "/run/secrets/t"}},
        {"command": "x", "args": ["--api-key", "${KEY}", "--token", "--verbose"]},
        {"url": "https://x.example/mcp", "headers": {"Authorization": "Bearer ${T}", "X-Region": "eu-central-1"}},
    ],
    ids=str,
)
def test_references_placeholders_and_plain_settings_are_fine(entry: object, read: Read) -> None:
    assert findings(read, entry, "ADV-018") == []


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("http://x.example/mcp", True),
        ("http://10.0.0.1:8080/mcp", True),
        ("HTTP://x.example", True),
        ("http://x.example:${PORT}/mcp", True),
        ("https://x.example/mcp", False),
        ("http://localhost:8080/mcp", False),
        ("http://127.0.0.2/mcp", False),
        ("http://[::1]:80/mcp", False),
        ("http://app.localhost/mcp", False),
        ("http://host.docker.internal/mcp", False),
        ("http://${HOST}/mcp", False),
        ("${URL}", False),
        ("http://[", False),
    ],
)
def test_an_unencrypted_address_of_another_host_is_found(url: str, found: bool, read: Read) -> None:
    assert bool(findings(read, {"url": url}, "ADV-019")) is found


def test_an_unencrypted_address_behind_a_bridge_is_found(read: Read) -> None:
    entry = {"command": "npx", "args": ["mcp-remote@1.0.0", "http://x.example/mcp"]}
    assert [finding.line for finding in findings(read, entry, "ADV-019")] == [7]


def test_a_listing_shows_no_secret_of_the_document(read: Read) -> None:
    entry = {
        "command": "x",
        "args": ["--token", "hunter22hunter", "\x1b[2J"],
        "env": {"A": "${B:-hunter33hunter}", "C": "hunter44hunter"},
    }
    (spec,) = read(json.dumps({"mcpServers": {"s": entry}}))
    shown = json.dumps(public_form(spec), ensure_ascii=False)
    assert not any(f"hunter{n}{n}" in shown for n in (2, 3, 4))
    assert "\x1b" not in shown
    assert "<redacted:argument --token>" in shown


# Servers given on the command line


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("uvx mcp-server-time", "mcp-server-time"),
        ("npx -y @a/server-b@1.0.0 --root 'a b'", "server-b"),
        ("python3.11 -m pkg.mod", "pkg.mod"),
        ("./bin/server", "server"),
    ],
)
def test_a_command_is_named_after_what_it_runs(command: str, name: str) -> None:
    spec = server_from_command(command)
    assert spec.name == name
    assert [str(part) for part in spec.command] == shlex.split(command)


def test_names_on_the_command_line_stay_unique() -> None:
    assert server_from_command("x", taken={"x", "x-2"}).name == "x-3"
    assert server_from_url("https://h/sse", taken={"h"}).name == "h-2"


def test_a_command_may_refer_to_variables() -> None:
    assert server_from_command("x --key ${KEY}").references[0].name == "KEY"


@pytest.mark.parametrize("text", ["", "x 'y"])
def test_a_bad_command_is_an_error(text: str) -> None:
    with pytest.raises(UsageError):
        server_from_command(text)


@pytest.mark.parametrize("text", ["", "x.example/mcp", "file:///etc/passwd", "https://", "http://["])
def test_a_bad_address_is_an_error(text: str) -> None:
    with pytest.raises(UsageError):
        server_from_url(text)
