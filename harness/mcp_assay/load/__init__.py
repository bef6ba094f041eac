"""Load on one server, measured inside the event loop and handed out as values.

`closed_loop` keeps a fixed number of calls in flight, `open_loop` sends at a constant rate and counts from the moment a
call was due, `cold_starts` times fresh processes, `own_cost` measures what the harness itself adds to a call.
"""

from mcp_assay.load.closed import ClosedPlan, closed_loop
from mcp_assay.load.coldstart import cold_starts
from mcp_assay.load.measurement import Distribution, Measurement
from mcp_assay.load.open import OpenPlan, open_loop
from mcp_assay.load.overhead import own_cost
from mcp_assay.load.samples import Call, Sample, sample_of, tool_call

__all__ = [
    "Call",
    "ClosedPlan",
    "Distribution",
    "Measurement",
    "OpenPlan",
    "Sample",
    "closed_loop",
    "cold_starts",
    "open_loop",
    "own_cost",
    "sample_of",
    "tool_call",
]
