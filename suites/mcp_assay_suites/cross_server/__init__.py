"""Do the servers of one configuration get along?"""

from mcp_assay_suites.cross_server import (
    containment,
    crosstalk,
    hanging,
    isolation,
    likeness,
    names,
    outages,
    pipelines,
    replicas,
    throughput,
)

CHECKS = (
    *isolation.CHECKS,
    *pipelines.CHECKS,
    *containment.CHECKS,
    *hanging.CHECKS,
    *outages.CHECKS,
    *replicas.CHECKS,
    *crosstalk.CHECKS,
    *throughput.CHECKS,
    *names.CHECKS,
    *likeness.CHECKS,
)
"""The checks of this category, in the order in which they run."""
