"""How fast is the server, and does it stay so? Every figure carries what the harness itself adds to it."""

from mcp_assay_suites.performance import growth, latency, limits, recovering, soaking, starting

CHECKS = (
    *starting.CHECKS,
    *latency.CHECKS,
    *growth.CHECKS,
    *recovering.CHECKS,
    *soaking.CHECKS,
    *limits.CHECKS,
)
"""The checks of this category, in the order in which they run."""
