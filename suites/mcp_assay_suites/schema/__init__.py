"""Are the definitions and lists what the revision asks for?"""

from mcp_assay_suites.schema import (
    advice,
    caching,
    capabilities,
    connections,
    drift,
    finer,
    headers,
    metadata,
    pages,
    poisoning,
    prompts,
    reading,
    resources,
    tool_schemas,
    tools,
    wire,
)

CHECKS = (
    *capabilities.CHECKS,
    *tools.CHECKS,
    *tool_schemas.CHECKS,
    *headers.CHECKS,
    *pages.CHECKS,
    *resources.CHECKS,
    *connections.CHECKS,
    *reading.CHECKS,
    *prompts.CHECKS,
    *caching.CHECKS,
    *metadata.CHECKS,
    *wire.CHECKS,
    *advice.CHECKS,
    *poisoning.CHECKS,
    *drift.CHECKS,
    *finer.CHECKS,
)
"""The checks of this category, in the order in which they run."""
