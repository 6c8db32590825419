"""Whether ServiceNow is as `channels.yaml` has it: account, groups, and columns that are read and searched.

Changes nothing over there, and says nothing that ServiceNow said: a finding has our own code and our own name for it.
ServiceNow leaves out what it does not know, from queries and from what it shows, and never says so. So a query that
nothing can match must show nothing, and a record must show each column that is asked for.

What it does not say without being asked to change something shows at the first send, best at a drill's: whether the
account may write each column, and, in an empty table, whether each is there at all.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from router.channels import servicenow
from router.errors import Declined, TryLater
from router.model import Finding
from workers.channels.findings import findings
from workers.channels.servicenow.records import JOURNAL, Records

NEVER: Final = "concern-router check"
"""What no column holds."""


def check(records: Records, settings: servicenow.Settings, until: float) -> tuple[Finding, ...]:
    """Return what is wrong, the worst first; empty is good. Raises TryLater when ServiceNow does not say now."""
    if account := _account(records, settings, until):
        return account
    found = [*_of_groups(records, settings, until), *_of_queries(records, until)]
    return tuple(dict.fromkeys((*found, *_of_columns(records, settings, until))))


def _account(records: Records, settings: servicenow.Settings, until: float) -> tuple[Finding, ...]:
    """Return what is wrong with the token, the table, or the way to ServiceNow."""
    try:
        unreached = findings(lambda: records.rows("", until, limit=1), "url", records.calls.wrong_file)
    except Declined:
        # It says 400 to a table that it does not know.
        return (Finding("table_missing", settings.table),)
    except TryLater as later:
        if later.code in {"http_404", "odd_reply"}:
            return (Finding("not_servicenow", "url"),)
        raise
    of_token = {"not_authorised", "secret_missing", "secret_malformed"}
    return tuple(replace(one, named="token") if one.code in of_token else one for one in unreached)


def _of_groups(records: Records, settings: servicenow.Settings, until: float) -> Iterator[Finding]:
    for group in (settings.group, settings.recall_group, settings.taken_over_group):
        if group is None:
            continue
        try:
            shown = records.group(group, until)
        except TryLater as later:
            if later.code not in {"not_authorised", "http_404"}:
                raise
            yield Finding("queue_missing", group)
        else:
            if str(shown.get("active")) == "false":
                yield Finding("queue_disabled", group)


def _of_queries(records: Records, until: float) -> Iterator[Finding]:
    """Tell which of the columns that records are found by is left out of a query, so that all records come."""
    for column in ("correlation_id", "correlation_display"):
        shown = records.rows(servicenow.condition(column, NEVER), until, limit=1, columns=("sys_id", column))
        if any(row.get(column) != NEVER for row in shown):
            yield Finding("field_missing", column)


def _of_columns(records: Records, settings: servicenow.Settings, until: float) -> Iterator[Finding]:
    """Tell which columns a record does not show; nothing where there is no record yet."""
    wanted = (*servicenow.asked(settings), JOURNAL)
    for row in records.rows("ORDERBYDESCsys_created_on", until, limit=1, columns=wanted):
        yield from (Finding("field_missing", column) for column in wanted if column not in row)
