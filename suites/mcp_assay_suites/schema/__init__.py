"""Are the definitions and lists what the revision asks for?"""

from mcp_assay_suites.schema import advice, capabilities, headers, pages, resources, tool_schemas, tools

CHECKS = (
    *capabilities.CHECKS,
    *tools.CHECKS,
    *tool_schemas.CHECKS,
    *headers.CHECKS,
    *pages.CHECKS,
    *resources.CHECKS,
    *advice.CHECKS,
)
"""The checks of this category, in the order in which they run."""
