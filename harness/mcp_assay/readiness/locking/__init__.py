"""Definitions that were accepted before, and what has become of them since."""
