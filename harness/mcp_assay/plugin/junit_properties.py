"""What pytest's own ``--junitxml`` says of checks and servers, where its schema has room for it.

The schema of Jenkins' xUnit plugin (``junit-10.xsd``), which pytest's default family ``xunit2`` follows, knows
properties of suites only; the family ``xunit1`` knows those of cases too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest

    from mcp_assay.core.contract import Document


_FAMILIES_WITH_CASE_PROPERTIES = frozenset({"xunit1", "legacy"})


def cases_have_room(config: pytest.Config) -> bool:
    """Return whether a case may carry properties: no JUnit file is written, or one of a family that knows them."""
    written = config.getoption("xmlpath", None) is not None
    return not written or config.getini("junit_family") in _FAMILIES_WITH_CASE_PROPERTIES


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
