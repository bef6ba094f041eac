"""How fast is the server, and does it stay so? Every figure carries what the harness itself adds to it."""

from mcp_assay_suites.performance import growth, latency, starting

CHECKS = (*starting.CHECKS, *latency.CHECKS, *growth.CHECKS)
"""The checks of this category, in the order in which they run."""
