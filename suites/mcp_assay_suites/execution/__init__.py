"""Do the tools do what their definitions say, and do they refuse what their schemas refuse?"""

from mcp_assay_suites.execution import (
    answering,
    cancelling,
    content,
    elicitation,
    failing,
    honesty,
    input_rounds,
    lists,
    news,
    param_headers,
    possible,
    refusing,
    structured,
    tasks,
    texts,
    unknown,
)

CHECKS = (
    *answering.CHECKS,
    *possible.CHECKS,
    *structured.CHECKS,
    *content.CHECKS,
    *unknown.CHECKS,
    *refusing.CHECKS,
    *failing.CHECKS,
    *texts.CHECKS,
    *honesty.CHECKS,
    *cancelling.CHECKS,
    *param_headers.CHECKS,
    *input_rounds.CHECKS,
    *elicitation.CHECKS,
    *tasks.CHECKS,
    *lists.CHECKS,
    *news.CHECKS,
)
"""The checks of this category, in the order in which they run: valid calls first, so that others find them made."""
