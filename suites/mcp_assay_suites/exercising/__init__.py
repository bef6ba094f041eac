"""Calling tools, once for all checks of several categories: which arguments, how often, and what came of it.

No category imports another; the calls they share are here.
"""
