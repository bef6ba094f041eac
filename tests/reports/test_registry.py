from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from mcp_assay.core.errors import UsageError
from mcp_assay_reports import WRITERS, find_writer

if TYPE_CHECKING:
    from mcp_assay.core.contract import Document


def test_every_writer_renders_the_sample(document: Document) -> None:
    for writer in WRITERS:
        assert writer.render(document).endswith("\n")


def test_names_and_suffixes_are_unique() -> None:
    assert len({writer.name for writer in WRITERS}) == len({writer.suffix for writer in WRITERS}) == len(WRITERS)


def test_a_misspelt_format_gets_the_closest_name() -> None:
    with pytest.raises(UsageError, match="markdwon") as caught:
        find_writer("markdwon")
    assert caught.value.hint == "did you mean markdown?"


def test_an_unknown_format_gets_the_list() -> None:
    with pytest.raises(UsageError) as caught:
        find_writer("xyz")
    assert caught.value.hint is not None
    assert "junit" in caught.value.hint


def test_a_writer_is_found_by_its_name() -> None:
    assert find_writer("json").suffix == ".json"


def test_importing_the_package_loads_no_writer() -> None:
    heavy = "{'junit_xml', 'tabulate', 'json', 'mcp', 'anyio', 'hypothesis', 'mcp_assay_reports.junit'}"
    program = f"import sys, mcp_assay_reports; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.strip() == "[]"
