"""Signing in at protected servers through the official SDK's OAuth providers."""
