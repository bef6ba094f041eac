"""All violations by check."""

from __future__ import annotations

from rawserver import (
    violations_base,
    violations_finer,
    violations_flow,
    violations_life,
    violations_lists,
    violations_tools,
)

_TABLES = [
    violations_base.TABLE,
    violations_life.TABLE,
    violations_tools.TABLE,
    violations_lists.TABLE,
    violations_flow.TABLE,
    violations_finer.TABLE,
]

INSTALLERS = {check: install for table in _TABLES for check, install in sorted(table.installers.items())}
ALSO = {check: also for table in _TABLES for check, also in table.also.items()}
