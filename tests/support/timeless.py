"""Reports without what differs from run to run: times, and the run's id."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_TIMES = re.compile(
    r"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|\+00:00)|\btime=\"[\d.]+\"|, [\d.]+ m?s(?=$|<)"
    r"|\"(?:duration|discovery|registry|checks|performance)_s\": ?[\d.e-]+"
    # In the data of a page a verdict is a row of eleven numbers, the last of which are microseconds.
    r"|(?<=,)\d+(?=\](?:,\[|\]))",
    re.MULTILINE,
)


def timeless_reports(folder: Path, formats: Iterable[str]) -> dict[str, str]:
    """Return the reports in a folder, each in a file that is called as its format; JSON must be among them."""
    run = json.loads((folder / "json").read_text())["run"]["id"]
    return {name: _TIMES.sub("", (folder / name).read_text().replace(run, "")) for name in formats}
