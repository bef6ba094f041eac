"""Can the server be reached, and does it speak the protocol of its revision?"""

from mcp_assay_suites.connectivity import (
    base,
    discovery,
    hygiene,
    launching,
    lifecycle,
    notifications,
    reach,
    rounds,
    stdio,
    subscriptions,
    traffic,
)

CHECKS = (
    *reach.CHECKS,
    *base.CHECKS,
    *lifecycle.CHECKS,
    *discovery.CHECKS,
    *stdio.CHECKS,
    *traffic.CHECKS,
    *notifications.CHECKS,
    *subscriptions.CHECKS,
    *rounds.CHECKS,
    *launching.CHECKS,
    *hygiene.CHECKS,
)
"""The checks of this category, in the order in which they run."""
