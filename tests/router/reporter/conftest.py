"""The public part for these tests."""

from tests.publicpart import console, logged, public, settings, start, token
from tests.router.reporter.walker import part

__all__ = ["console", "logged", "part", "public", "settings", "start", "token"]
