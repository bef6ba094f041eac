"""The example configurations are valid, pinned and hold nothing secret."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from mcp_assay.config.loader import load

ROOT = Path(__file__).resolve().parent.parent
NINETEEN = ROOT / "examples" / "nineteen" / "servers.json"
NAMES = [
    "podman-homelab",
    "portainer",
    "docker-homelab",
    "commander",
    "brave-search",
    "duckduckgo",
    "firecrawl",
    "github",
    "context7",
    "puppeteer",
    "postman",
    "trello",
    "taskmaster-ai",
    "sequential-thinking",
    "memory",
    "magicui",
    "youtube",
    "tmdb",
    "demo",
]
LOCKED = (ROOT / "tests/real/package.json", ROOT / "tests/real/taskmaster/package.json")


@pytest.mark.parametrize("path", sorted((ROOT / "examples").rglob("*.json")), ids=lambda path: path.parent.name)
def test_an_example_lists_servers(path: Path) -> None:
    assert load(path, config_id=path.name)


def test_the_nineteen_are_all_there_in_order() -> None:
    assert [spec.name for spec in load(NINETEEN, config_id="servers.json")] == NAMES


def test_each_npm_package_that_is_started_is_pinned() -> None:
    started = set(re.findall(r"node_modules/((?:@[\w.-]+/)?[\w.-]+)/", NINETEEN.read_text(encoding="utf-8")))
    pinned = {name for path in LOCKED for name in json.loads(path.read_text(encoding="utf-8"))["dependencies"]}
    assert started
    assert started <= pinned


@pytest.mark.parametrize("path", LOCKED, ids=lambda path: path.parent.name)
def test_the_lock_holds_the_pinned_versions(path: Path) -> None:
    locked = json.loads(path.with_name("package-lock.json").read_text(encoding="utf-8"))["packages"]
    wanted = json.loads(path.read_text(encoding="utf-8"))["dependencies"]
    assert {name: locked[f"node_modules/{name}"]["version"] for name in wanted} == wanted


@pytest.mark.parametrize("path", LOCKED, ids=lambda path: path.parent.name)
def test_the_lock_names_no_registry(path: Path) -> None:
    assert '"resolved"' not in path.with_name("package-lock.json").read_text(encoding="utf-8")


def test_every_credential_of_the_nineteen_is_a_dummy() -> None:
    servers = json.loads(NINETEEN.read_text(encoding="utf-8"))["mcpServers"]
    secrets = [
        value
        for server in servers.values()
        for name, value in server.get("env", {}).items()
        if re.search(r"KEY|TOKEN|SECRET|PASSWORD", name)
    ]
    assert secrets
    assert all(value.startswith("dummy-") for value in secrets)
