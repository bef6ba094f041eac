"""Checks, the engine that runs them, scores and the gate."""
