"""What pytest's own ``--junitxml`` says of whole servers, where its schema has room: properties of the suite."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest

    from mcp_assay.core.contract import Document


def add_suite_properties(config: pytest.Config, document: Document) -> None:
    """Add to the suite of pytest's JUnit file, if one is written, what its cases have no room for.

    Verdict and score of the run and of each server, level and specification of each check.
    """
    summary = document["summary"]
    found = [("mcp-assay readiness", summary["verdict"]), ("mcp-assay score", f"{summary['score']:.4g}")]
    for server in document["servers"]:
        readiness = server["readiness"]
        found += [
            (f"mcp-assay readiness {server['name']}", readiness["verdict"]),
            (f"mcp-assay score {server['name']}", f"{readiness['score']:.4g}"),
        ]
    checks = {r["check"]: f"{r['level']} {r['spec']}".strip() for r in document["results"]}
    found += [(f"mcp-assay check {check}", about) for check, about in checks.items()]
    # The plugin that writes the file has no name and its class is private; this method is what it offers to fixtures.
    for plugin in config.pluginmanager.get_plugins():
        add: Any = getattr(plugin, "add_global_property", None)
        if add is not None:
            for name, value in found:
                add(name, value)
