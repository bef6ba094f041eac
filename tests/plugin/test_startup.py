"""A pytest run without servers must not notice the plugin."""

from __future__ import annotations

import subprocess
import sys

HEAVY = (
    "mcp",
    "hypothesis",
    "orjson",
    "jsonschema_rs",
    "mcp_assay.wire",
    "mcp_assay.runtime",
    "mcp_assay_suites",
    "sqlalchemy",
)


def test_nothing_heavy_is_imported_without_a_configuration() -> None:
    script = f"import sys, mcp_assay.plugin\nprint([name for name in {HEAVY!r} if name in sys.modules])\n"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_judging_servers_does_not_load_the_sdk() -> None:
    """Its import takes longer than everything else before the first check; the official client has its own process."""
    script = "import sys, mcp_assay.plugin.session, mcp_assay_suites\nmcp_assay_suites.all_checks()\n"
    shown = "print([name for name in ('mcp', 'mcp_types') if name in sys.modules])\n"
    done = subprocess.run(
        [sys.executable, "-c", script + shown], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
