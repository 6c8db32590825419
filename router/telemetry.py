"""Log events and metrics by name; what is not listed does not leave the process.

A log line has an event, listed keys, and values that pass their key's pattern. Texts of other
libraries and of exceptions are dropped: class, and file and line of each frame, are all that
is said of an error. Never a sentence, never a value from a request.
"""

import logging
import os
import re
import resource
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Mapping, MutableMapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import structlog
from prometheus_client import Counter, Gauge, Histogram, values
from prometheus_client.multiprocess import MultiProcessCollector

_WORD = re.compile(r"[A-Za-z0-9_.:/*@-]{1,64}")
_PLACES = re.compile(r"[A-Za-z0-9_.:/ <>-]{0,600}")

KEYS: Final[Mapping[str, re.Pattern[str]]] = {
    "event": re.compile(r"[a-z][a-z0-9_]{1,47}"),
    "level": re.compile(r"[a-z]{4,8}"),
    "ts": re.compile(r"[0-9T:.Z-]{20,32}"),
    "process": _WORD,
    "logger": _WORD,
    "code": re.compile(r"[a-z][a-z0-9_]{1,63}"),
    "error": re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}"),
    "at": _PLACES,
    "route": re.compile(r"[A-Za-z0-9/{}._-]{1,64}"),
    "method": re.compile(r"[A-Z]{3,7}"),
    "status": re.compile(r"[0-9]{3}"),
    "ms": re.compile(r"[0-9.]{1,12}"),
    "reference": re.compile(r"CR(-[0-9A-HJKMNP-TV-Z]{4}){3}"),
    "referral": re.compile(r"[0-9a-f]{32}"),
    "channel": re.compile(r"[a-z][a-z0-9_-]{0,47}"),
    "kind": re.compile(r"[a-z][a-z0-9_-]{0,47}"),
    "policy": re.compile(r"[0-9a-f]{12}"),
    "count": re.compile(r"[0-9]{1,12}"),
    "attempt": re.compile(r"[0-9]{1,6}"),
    "pid": re.compile(r"[0-9]{1,10}"),
    "exit": re.compile(r"-?[0-9]{1,4}"),
    "part": re.compile(r"[a-z][a-z0-9_-]{0,63}"),
    "request_id": re.compile(r"[A-Za-z0-9._-]{1,64}"),
    "bind": re.compile(r"[A-Za-z0-9.:\[\]-]{1,64}"),
}
"""Keys that a log line may have, and what their values look like."""

EVENTS: Final[frozenset[str]] = frozenset(
    {
        "library_message",  # another library said something: logger and place, not its text
        "crashed",  # an error reached a process's edge
        "started",  # a process is up
        "stopping",  # a process was told to stop
        "request_failed",  # an unforeseen error behind an HTTP request; answered 500
        "concern_refused",  # the guard said no, with a code
        "limiter_failed",  # a quota could not be counted; the request was let through
        "housekeeping_failed",  # a regular chore of the public part did not get through; it comes again
        "batch_split",  # a shared commit failed; its concerns are tried one by one
        "bell_failed",  # a doorbell did not reach Redis; the sweep will ring again
        "bell_rang",  # a doorbell reached Redis
        "sweep_failed",  # what is due could not be read
        "standby_flipped",  # rows whose time had come are due now
        "policy_activated",  # another policy is in force
        "policy_followed",  # another process put another policy in force, and this one follows
        "policy_refused",  # the policy file is wrong; the last good one stays in force
        "policy_not_understood",  # the stored policy is of another version; this process stays with the last it read
        "sources_activated",  # another sources.yaml is in force
        "sources_refused",  # sources.yaml is wrong; the last good one stays in force
        "concerns_parked",  # very many concerns came in a flood and wait for a look: how many is the count
        "receipts_guessed",  # very many receipts in the last hour were wrong: how many is the count
        "message_not_opened",  # a message to a reporter was changed in the database; they were told so
        "kept_answers_not_opened",  # answers of a report not yet sent were changed in the database; they are lost
        "texts_refused",  # texts.yaml is wrong; reviewers are offered the last good texts
        "sources_not_kept",  # the last good sources.yaml could not be kept for a restart
        "team_without_key",  # teams of the policy have no key yet; until then only recovery opens what concerns them
        "policy_failed",  # deciding failed; the fallback was told
        "referral_sent",  # a channel accepted a referral and showed it
        "referral_in_hand",  # it was approved and lies before a person, who hands it over outside
        "referral_postponed",  # a channel could not take it now
        "referral_dead",  # a referral could not be delivered: a person must look
        "referral_acknowledged",  # a later look showed that a person over there took it
        "referral_gone",  # a later look found nothing of it any more: a person must look
        "second_ticket_closed",  # a case had two tickets; the one that nobody worked in was closed
        "second_ticket_left",  # a case has two tickets and people work in both: a person must look
        "ticket_resolved",  # a later look showed a case's ticket closed: by our own note, or by staff, is the code
        "ticket_reopened",  # a later look showed it open again, or we opened it
        "poll_failed",  # a ticket system could not be asked now what changed there; it is asked again
        "look_failed",  # the far side could not be looked at again now
        "paged",  # a channel fails, and somebody is told of it by another one: which kind of notice is the code
        "nobody_to_page",  # a channel fails, and none of those who should be told can be reached now
        "channel_unknown",  # referrals wait for a channel that the catalogue does not name
        "channel_shut",  # a channel took nothing, or failed its check: it is left alone until it is tried again
        "channel_back",  # a channel that was shut takes referrals again
        "catalogue_not_read",  # the channels in force could not be looked up; the last ones stay
        "settle_failed",  # how attempts ended could not be written yet; tried again
        "turn_failed",  # a channel's turn ended early: the database is away, or the configuration is wrong
        "preserve_failed",  # what was sent outside, or its receipt, could not be sealed and kept: a person must look
        "lease_lost",  # somebody else had taken the referral; nothing was changed
        "delivery_stalled",  # due work and no worker takes it; the worker ends itself
        "chained",  # audit entries were linked
        "chainer_failed",  # audit entries could not be linked now
        "child_started",  # the supervisor started a process
        "child_died",  # a process ended by itself and will be started again
        "child_ended",  # a process is gone, with all that it started
        "child_not_started",  # a process could not be started now; tried again later
        "body_answered",  # an outside body that takes reports in steps answered a call: which is the part
        "filing",  # a report there is in another state: lost, opened, finished, retracted ... is the code
        "filing_failed",  # a report that nobody wants could not be retracted now; tried again
        "hook_refused",  # a ticket system's message was not signed as agreed
    }
)
"""Events that may be logged."""

if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
    # Files of shared metrics are called by process id; containers that share a folder have the same ids.
    _host = socket.gethostname().replace("_", "-")
    values.ValueClass = values.MultiProcessValue(lambda: f"{_host}-{os.getpid()}")  # type: ignore[no-untyped-call]

ACCEPTED = Counter("concerns_accepted_total", "Concerns answered with 201 for the first time.")
FALLBACKS = Counter("fallbacks_total", "Concerns that no route foresaw, by reason.", ["reason"])
REFUSED = Counter("concerns_refused_total", "Requests refused, by stable code.", ["code"])
PARKED = Counter("parked_total", "Concerns that came in a flood and wait for a look.")
FLOODS_WAITING = Gauge("parked_now", "Concerns that wait so now.", multiprocess_mode="mostrecent")
WRONG_RECEIPTS = Counter("wrong_receipts_total", "Receipts at /follow-up that nobody has.")
LIMITER_FAILED = Counter("limiter_failed_total", "Quotas that could not be counted and let the request through.")
DELIVERIES = Counter("deliveries_total", "Attempts that ended, by outcome code.", ["channel", "outcome"])
_SECONDS: Final = (0.1, 0.3, 1, 3, 10, 60, 600, 3600)
DELIVERY_SECONDS = Histogram("delivery_seconds", "From due to accepted by the channel.", ["channel"], buckets=_SECONDS)
DRILL_SECONDS = Histogram("drill_seconds", "The same for drills alone.", ["channel"], buckets=_SECONDS)
SECOND_TICKETS = Counter(
    "second_tickets_total",
    "Second tickets of a case that a later look found, by what became of them.",
    ["channel", "became"],
)
TICKETS = Counter(
    "tickets_total",
    "Cases' tickets that a later look found closed or open again, by whom.",
    ["channel", "became", "by"],
)
HOOKS = Counter("hooks_total", "Signed messages of ticket systems, by what became of them.", ["channel", "code"])
PAGES = Counter("pages_total", "Notices that a channel fails, by kind.", ["notice"])
NOBODY_TO_PAGE = Counter("nobody_to_page_total", "Looks at which a channel failed and nobody could be told.")
_RECENT: Final = "mostrecent"  # of several web processes the one that looked last knows best
CHANNEL_DUE = Gauge("channel_due", "Referrals due or being sent.", ["channel"], multiprocess_mode=_RECENT)
CHANNEL_OLDEST_S = Gauge(
    "channel_oldest_due_seconds", "For how long the oldest has been due.", ["channel"], multiprocess_mode=_RECENT
)
CHANNEL_DEAD = Gauge("channel_dead", "Undeliverable referrals.", ["channel"], multiprocess_mode=_RECENT)
CHANNEL_BREAKER = Gauge(
    "channel_breaker", "Whether it is used: 0 yes, 1 being tried, 2 no.", ["channel"], multiprocess_mode=_RECENT
)
DEADLINES_PASSED = Counter(
    "deadlines_passed_total", "Deadlines that passed before what they are for was done.", ["awaited"]
)
ESCALATIONS = Counter(
    "escalations_total", "Channels told because nothing had happened, by what was awaited.", ["awaited"]
)


def channels_shown() -> frozenset[str]:
    """Return the channels that the gauges show, whichever process set them: also those that are no more."""
    shown = list(CHANNEL_DUE.collect())
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        files = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]).glob(f"gauge_{_RECENT}_*.db")
        shown += MultiProcessCollector.merge([str(file) for file in files])  # type: ignore[no-untyped-call]
    return frozenset(
        sample.labels["channel"] for metric in shown for sample in metric.samples if sample.name == "channel_due"
    )


_strict = False


def _listed(_logger: object, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Keep listed keys with values of the listed shape; in tests, raise on anything else."""
    if event.get("event") not in EVENTS:
        if _strict:
            raise AssertionError("unlisted event")
        event["event"] = "library_message"
    kept: dict[str, Any] = {}
    for key, value in event.items():
        pattern = KEYS.get(key)
        if pattern is not None and pattern.fullmatch(str(value)):
            kept[key] = value
        elif _strict and key not in {"exc_info", "_record", "_from_structlog"}:
            raise AssertionError(f"unlisted key or odd value: {key}")
    return kept


def places(trace: TracebackType | None) -> str:
    """Return file:line of each frame, innermost last; no source, no locals, no message."""
    frames = traceback.extract_tb(trace, limit=-8)
    return " ".join(f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}" for frame in frames)


def _errors_as_places(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    info = event.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()
    elif isinstance(info, BaseException):
        info = (type(info), info, info.__traceback__)
    if isinstance(info, tuple) and info[0] is not None:
        event["error"] = info[0].__name__
        event["at"] = places(info[2])
    return event


class _Foreign(logging.Handler):
    """Takes log records of other libraries: says that there was one, and where; never its text."""

    def __init__(self, log: structlog.typing.FilteringBoundLogger) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        level = min(max(record.levelno, logging.DEBUG), logging.CRITICAL) // 10 * 10
        self._log.log(
            level,
            "library_message",
            logger=record.name[:64],
            at=f"{record.filename}:{record.lineno}",
            exc_info=record.exc_info,
        )


def configure(process: str, *, level: str = "INFO", strict: bool = False) -> None:
    """Send all logging of this process to standard error as JSON lines that pass the list.

    Forbids core dumps too, here and in its children: one would hold what was being sealed.
    `strict` raises on unlisted events and keys instead of dropping them: for tests.
    """
    global _strict  # noqa: PLW0603 - one switch for the process, set once at its start
    _strict = strict
    _forbid_core_dumps()
    logging.captureWarnings(capture=True)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
            _errors_as_places,
            _listed,
            structlog.processors.JSONRenderer(sort_keys=True),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    structlog.contextvars.bind_contextvars(process=process)
    log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
    root = logging.getLogger()
    root.handlers[:] = [_Foreign(log)]
    root.setLevel(max(logging.getLevelName(level), logging.WARNING) if level != "DEBUG" else logging.DEBUG)
    _hook_edges(log)


def _forbid_core_dumps() -> None:
    # One byte, not none: to a program, which core_pattern may name, Linux writes in spite of 0 but not of 1
    # (fs/coredump.c), and to a file it writes neither.
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (1, 1))
    except ValueError:  # somebody forbade it for good
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _hook_edges(log: structlog.typing.FilteringBoundLogger) -> None:
    def edge(kind: type[BaseException], trace: TracebackType | None) -> None:
        log.critical("crashed", error=kind.__name__, at=places(trace))

    sys.excepthook = lambda kind, _value, trace: edge(kind, trace)
    threading.excepthook = lambda args: edge(args.exc_type, args.exc_traceback)
    sys.unraisablehook = lambda args: edge(args.exc_type, args.exc_traceback)


def get_log() -> structlog.typing.FilteringBoundLogger:
    """Return the logger: `log.info("referral_sent", referral=id, channel=name)`."""
    log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
    return log


def asyncio_edge() -> Callable[[object, Mapping[str, Any]], None]:
    """Return a handler for an event loop's unhandled errors that says class and place only."""
    log = get_log()

    def edge(_loop: object, context: Mapping[str, Any]) -> None:
        error = context.get("exception")
        log.error("crashed", error=type(error).__name__, at=places(getattr(error, "__traceback__", None)))

    return edge
