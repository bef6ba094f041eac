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
