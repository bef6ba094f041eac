# What `mcp_assay.plugin.benchmarking` uses; `tests/plugin/test_benchmarking.py` holds it against the package.

from typing import Any

class Stats:
    data: list[float]

class Metadata:
    fullname: str
    stats: Stats
    def __init__(self, fixture: Any, iterations: int, options: dict[str, Any]) -> None: ...
    def update(self, duration: float) -> None: ...
