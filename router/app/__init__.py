"""Composition root of the web processes: makes the parts from the settings and joins them.

The public part takes concerns in and cannot read what it took; the console part is another
process, with another login.
"""

from router.app.console import console_app
from router.app.public import public_app

__all__ = ["console_app", "public_app"]
