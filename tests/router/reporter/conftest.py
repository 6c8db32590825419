"""The public part for these tests."""

from tests.publicpart import console, logged, public, settings, start, token

__all__ = ["console", "logged", "public", "settings", "start", "token"]
