"""Can the server be reached, and does it speak the protocol of its revision?"""

from mcp_assay_suites.connectivity import (
    authorization,
    base,
    deprecations,
    discovery,
    errors,
    finer,
    http_probes,
    http_traffic,
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
    *http_traffic.CHECKS,
    *http_probes.CHECKS,
    *authorization.CHECKS,
    *traffic.CHECKS,
    *notifications.CHECKS,
    *subscriptions.CHECKS,
    *rounds.CHECKS,
    *launching.CHECKS,
    *hygiene.CHECKS,
    *errors.CHECKS,
    *finer.CHECKS,
    *deprecations.CHECKS,
)
"""The checks of this category, in the order in which they run."""
