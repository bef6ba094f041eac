"""Do the servers of one configuration get along?"""

from mcp_assay_suites.cross_server import containment, isolation, names

CHECKS = (*isolation.CHECKS, *containment.CHECKS, *names.CHECKS)
"""The checks of this category, in the order in which they run."""
