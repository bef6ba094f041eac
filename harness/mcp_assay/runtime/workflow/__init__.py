"""Workflows over the tools of several servers: described, checked before anything runs, run, resumed."""
