"""A channel and the outside bodies that it leads to: found when it is loaded, so that approvals are about them too."""

from collections.abc import Callable

from router.bodies.directory import FILE, Directory
from router.configfile.yamltext import Document, nearest, shown
from router.model import Frozen

Find = Callable[[Frozen, Directory], Frozen]
"""Returns a kind's settings with the bodies, its `bodies`, that they may lead to."""


def led_to(document: Document, name: str, settings: Frozen, bodies: Directory | None, find: Find) -> Frozen:
    """Return the settings of channel `name` with its bodies; every problem is added to `document`.

    `bodies` is None when there is no directory at all.
    """
    if bodies is None:
        said = f"this kind needs {FILE} beside this file, or in the folder around it: copy the shipped one"
        document.complain((name, "kind"), "no_directory", said)
        return settings
    for place, code in document.words(name, "prefer"):
        if bodies.get(code) is None:
            document.complain(place, "unknown_value", f"unknown body {shown(code)}{nearest(code, bodies.bodies)}")
    found = find(settings, bodies)
    if not getattr(found, "bodies", ()):
        document.complain((name, "to"), "no_body", f"{FILE} names nobody whom this could lead to")
    return found
