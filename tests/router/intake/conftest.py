"""The public part for these tests."""

from tests.publicpart import console, public, settings, start, token

__all__ = ["console", "public", "settings", "start", "token"]
