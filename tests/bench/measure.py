"""What each kind of process costs: memory and processor time, read from the system."""

from collections import defaultdict
from collections.abc import Iterable

import psutil

MEBIBYTE = 1 << 20
# In this order: words of a command line, and what we call such a process.
KINDS = (
    ("--part public", "web_public"),
    ("--part console", "web_console"),
    ("uvicorn", "web_public"),
    ("audit chain", "chainer"),
    ("celery beat", "beat"),
    (" beat", "beat"),
    ("celery", "worker"),
    ("redis", "redis"),
    ("postgres", "postgres"),
    ("router.cli up", "supervisor"),
    ("tests.bench.sink", "sink"),
)


def kind_of(process: psutil.Process) -> str:
    words = " ".join(process.cmdline()) or process.name()
    for part, kind in KINDS:
        if part in words:
            parent = process.parent()
            is_child = kind == "worker" and parent is not None and "celery" in " ".join(parent.cmdline())
            return "worker_child" if is_child else kind
    return "other"


def family(roots: Iterable[int]) -> list[psutil.Process]:
    """Return the processes `roots` and all below them."""
    found: dict[int, psutil.Process] = {}
    for pid in roots:
        root = psutil.Process(pid)
        found |= {process.pid: process for process in (root, *root.children(recursive=True))}
    return list(found.values())


def memory(roots: Iterable[int]) -> dict[str, dict[str, float]]:
    """Return, for each kind of process: how many, the largest resident size, and the sum of proportional sizes.

    Proportional size (PSS) counts a page shared by n processes as 1/n; null where the system does not say.
    """
    found: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for process in family(roots):
        try:
            seen = process.memory_full_info()
            found[kind_of(process)].append((seen.rss / MEBIBYTE, seen.pss / MEBIBYTE))
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return {
        kind: {
            "processes": len(sizes),
            "rss_mb": round(max(rss for rss, _ in sizes), 1),
            "pss_mb": round(sum(pss for _, pss in sizes), 1),
        }
        for kind, sizes in sorted(found.items())
    }


def cpu_seconds(roots: Iterable[int]) -> dict[str, float]:
    """Return, for each kind of process, processor seconds used so far, ended children included."""
    used: dict[str, float] = defaultdict(float)
    for process in family(roots):
        try:
            kind, times = kind_of(process), process.cpu_times()
        except psutil.NoSuchProcess:  # zombies too: the parent's account has their time
            continue
        used[kind] += times.user + times.system + times.children_user + times.children_system
    return dict(used)
