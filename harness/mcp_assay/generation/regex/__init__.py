"""Texts from ECMA-262 regular expressions, without matching anything in this process by backtracking."""

from mcp_assay.generation.regex.making import PatternText, pattern_text
from mcp_assay.generation.regex.parsing import PatternError, readable

__all__ = ["PatternError", "PatternText", "pattern_text", "readable"]
