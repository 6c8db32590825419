"""What one is still to do: one's own tasks on all cases that one may see. Their texts are sealed, and opened there."""

from typing import Final

from starlette.responses import Response

from router.console.pages.ask import Ask, page
from router.console.pages.rendering import show
from router.console.rights import Right
from router.model import AuditEntry
from router.store import progress
from router.store.audit import note
from router.store.engine import transaction
from router.store.notes import tasks_of
from router.store.progress import Access

MOST: Final = 100


def show_tasks(ask: Ask) -> Response:
    """List what whoever asks is to do, the most urgent first."""
    viewer = ask.viewer.handle
    with transaction(ask.desk.engine) as connection:
        tasks = [
            task
            for task in tasks_of(connection, viewer, limit=MOST)
            if progress.access(connection, task.reference, viewer) is Access.READER
        ]
        note(
            connection,
            [AuditEntry(f"person:{viewer}", "tasks_listed", f"person:{viewer}", detail=f"count:{len(tasks)}")],
        )
    return show(ask, "tasks.html", tasks=tasks)


PAGES = (page("GET", "/console/tasks", Right.WORK_ON_CASES, show_tasks),)
