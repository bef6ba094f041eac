"""The pytest plugin.

Without ``--mcp-config`` it registers options, markers and two fixtures that say what is missing, and nothing else: the
rest of the package is imported only when there are servers to judge.
"""

from __future__ import annotations

import importlib

import pytest

from mcp_assay.plugin import fixtures, hookspecs
from mcp_assay.plugin.options import Options, add_options

_CATEGORIES = ("connectivity", "schema", "execution", "cross_server", "performance")
_DOCUMENTS = (".json", ".jsonc", ".toml", ".yaml", ".yml", ".mcpb")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register the options."""
    add_options(parser)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Register the hooks for third parties."""
    pluginmanager.add_hookspecs(hookspecs)


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """List instead of run when only that was asked for; keep each server in one worker when tests are distributed."""
    options = Options.of(config)
    if "auto" in options.mcp_config and not options.mcp_run_discovered:
        importlib.import_module("mcp_assay.plugin.listing").print_listing()
        return int(pytest.ExitCode.NO_TESTS_COLLECTED)
    asked_for = any(str(argument).startswith("--dist") for argument in config.invocation_params.args)
    if options.names_servers and getattr(config.option, "numprocesses", None) and not asked_for:
        config.option.dist = "loadgroup"
    return None


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Register markers and fixtures, and the rest when there are servers."""
    for category in _CATEGORIES:
        config.addinivalue_line("markers", f"mcp_{category}: generated {category} checks of MCP servers")
    # Our items carry it so that a server stays in one worker; without xdist nobody else would register it.
    config.addinivalue_line("markers", "xdist_group(name): run in the same worker")
    config.pluginmanager.register(fixtures, "mcp_assay_fixtures")
    if Options.of(config).names_servers or named_by_node_id(config):
        config.pluginmanager.import_plugin("mcp_assay.plugin.activation")


def named_by_node_id(config: pytest.Config) -> list[str]:
    """Return configuration documents that are named by a node id, as the reproduce line of a finding does."""
    documents = (argument.partition("::")[0] for argument in config.args if "::" in argument)
    return list(dict.fromkeys(name for name in documents if name == "demo" or name.endswith(_DOCUMENTS)))
