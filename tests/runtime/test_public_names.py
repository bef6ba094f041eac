from __future__ import annotations

import subprocess
import sys

import pytest

import mcp_assay


def test_every_public_name_is_there():
    for name in mcp_assay.__all__:
        assert getattr(mcp_assay, name) is not None
        assert name in dir(mcp_assay)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        _ = mcp_assay.Nothing


def test_importing_the_package_imports_nothing_else():
    code = "import sys, mcp_assay; print(sorted(name for name in sys.modules if name.startswith('mcp')))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert found.stdout.strip() == "['mcp_assay', 'mcp_assay._version']"
