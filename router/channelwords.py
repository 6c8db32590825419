"""What a code says of a channel, in words for whoever runs it, and what helps. Only names of our own are in them."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

from router.catalogue import Channel
from router.store.shut import Shut
from router.vocabulary import Breaker

KINDS_SAID: Final[Mapping[str, str]] = MappingProxyType(
    {
        "cybertipline": "CyberTipline",
        "folder": "the folder",
        "hand_over": "whoever hands it over",
        "jira_service_management": "Jira",
        "mail": "the mail server",
        "pagerduty": "PagerDuty",
        "redmine": "Redmine",
        "rest": "the ticket system",
        "rt": "Request Tracker",
        "servicenow": "ServiceNow",
        "webhook": "the receiver",
        "zendesk": "Zendesk",
    }
)
SAID: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "not_authorised": (
            "{kind} does not let us in",
            "renew the token or secret, or grant the account its rights there",
        ),
        "not_switched_on": (
            "the channel files reports for good, and the workers are not told that they may",
            "set CONCERN_ROUTER_CYBERTIPLINE=production for the workers, if that is meant",
        ),
        "test_credentials": (
            "the test system takes the name and password under {named!r}, so they are not those for real reports",
            "write those that NCMEC gave for production",
        ),
        "wrong_path": ("{kind} knows no such call at 'url'", "leave url out"),
        "schema_unusable": (
            "{kind} did not send its schema, so no report can be compared with it",
            "look whether something else answers for it; what was opened before goes on",
        ),
        "secret_missing": (
            "there is nothing where the secret should stand",
            "set the variable, write the file or mend the command that channels.yaml names, here and for the workers",
        ),
        "secret_malformed": ("the secret is not of the form that is wanted", "write it anew, as one line"),
        "redirected": ("the address leads elsewhere", "write the address that it leads to, if that one is right"),
        "foreign_host": ("the address leads to another host", "write the whole address"),
        "refused_address": (
            "the address is one that this channel must not reach",
            "list its network under 'networks', if it is meant",
        ),
        "tls_failed": (
            "the connection cannot be trusted, by what {named!r} says",
            "have the certificate renewed, or name the authority that signed it under 'ca'",
        ),
        "tls_missing": (
            "the mail server offers no TLS",
            "write smtps:// or the port for handing in mail, or have TLS switched on there",
        ),
        "sender_refused": ("the mail server takes no mail from our {named}", "let the account send as that address"),
        "recipient_refused": ("the mail server takes no mail for 'to'", "write the address that people read"),
        "not_zendesk": ("no Zendesk answers at 'url'", "write https://yours.zendesk.com"),
        "made_public": (
            "a trigger of {kind} lets others than staff read our tickets",
            "exempt our group's tickets from triggers that make comments public",
        ),
        "awaits_digest": ("it waits for the mail of the next fixed time", "nothing"),
        "folder_unwritable": ("the folder cannot be written", "let the account that runs the workers write there"),
        "not_jira": ("no Jira answers at 'url'", "write the site's address, which /rest/api/3 follows"),
        "not_servicenow": ("no ServiceNow answers at 'url'", "write the instance's address, which /api/now follows"),
        "table_missing": ("{kind} knows no table {named!r}", "write its name as it stands there, such as incident"),
        "request_type_missing": (
            "{kind} shows no request type {named} in the service desk",
            "write its number, or let the account see it",
        ),
        "field_not_asked_for": (
            "custom field {named!r} of the reference is not on the request type's form",
            "add it there: it must be set by the call that makes the request",
        ),
        "field_public": (
            "custom field {named!r} is on the request type's form, so the portal would show it",
            "take it off the form: it is set afterwards, where only staff see it",
        ),
        "field_required": (
            "the request type's form requires more than the summary and the reference",
            "make a request type of its own whose other fields may stay empty",
        ),
        "not_rt": ("no Request Tracker answers at 'url'", "write the address that /REST/2.0 follows"),
        "queue_missing": (
            "{kind} shows no queue {named!r}",
            "write its name as it stands there, or grant the account SeeQueue",
        ),
        "queue_disabled": ("queue {named!r} is disabled", "enable it there, or name another"),
        "right_missing": ("our account has no right {named!r} in queue {queue!r}", "grant it there"),
        "field_missing": (
            "{kind} has no custom field {named!r} for queue {queue!r}",
            "add it there as 'Enter one value', or let the account see it (SeeCustomField)",
        ),
        "field_unfit": (
            "custom field {named!r} would not show what is put in",
            "make it one that takes one value, of text or from a list",
        ),
        "values_missing": (
            "custom field {named!r} has a list without some of our words",
            "add them there, or make it 'Enter one value'",
        ),
        "recall_right_missing": (
            "our account has no right {named!r} in recall_queue {recall_queue!r}",
            "grant it there: without it no ticket can be moved there",
        ),
        "recall_field_missing": (
            "{kind} has no custom field {named!r} for recall_queue {recall_queue!r}",
            "add it there: by it a withdrawn ticket is found again",
        ),
        "not_redmine": ("no Redmine answers at 'url'", "write the address that /issues follows"),
        "project_missing": (
            "{kind} shows no project {named!r}",
            "write its identifier as it stands in its address, or make the account a member",
        ),
        "tracker_missing": (
            "project {project!r} has no tracker with the number {named}",
            "choose it in the project's settings, or write the number of another",
        ),
        "priority_missing": (
            "the number that 'priorities' has for {named} is none of a priority",
            "write the right one",
        ),
        "state_missing": ("the number that {named!r} has is none of a state that closes", "write the right one"),
        "no_filter": (
            "a search for our {named} shows everything",
            "mark its custom field as 'Used as a filter', for all trackers and projects that we use",
        ),
        "call_refused": (
            "it does not answer the call {named!r} as channels.yaml has it",
            "compare path, query, body and 'list' of that call with the system's own documents",
        ),
        "too_many_answers": (
            "its search shows more than we read, so what was not found may be there",
            "mend the call 'find' in channels.yaml, or let its 'pages' have more parts",
        ),
        "unreachable": ("nothing answers at its address", "look at the name, the port, and what is between"),
        "no_answer": ("it took the call and gave no answer in time", "look whether it is busy or broken"),
        "odd_reply": ("it answered with something that cannot be read", "look whether something else answers for it"),
        "http_404": ("there is nothing at its address", "write the whole address; or its maintenance is under way"),
        "http_429": ("it asks for a pause", "nothing; or lower at_most"),
        "http_503": ("it is not available now", "look whether it is under maintenance"),
        "unforeseen": ("an error of our own was in the way", "look at the workers' log, and report it"),
    }
)
"""By code: what is wrong, and what helps."""
OF_KIND: Final[Mapping[str, Mapping[str, tuple[str, str]]]] = MappingProxyType(
    {
        "redmine": MappingProxyType(
            {
                "right_missing": (
                    "our account has no permission {named!r} in project {project!r}",
                    "give it a role there that has it",
                ),
                "field_missing": (
                    "issues in project {project!r} have no custom field for our {named!r} with the number given",
                    "add it for the project and the tracker, and make it visible to the account's role",
                ),
            }
        ),
        "rest": MappingProxyType(
            {
                "no_filter": (
                    "a search for our {named} shows everything",
                    "mend the call 'find' in channels.yaml: the system ignores what it does not know",
                ),
                "queue_missing": (
                    "the ticket system shows no desk {named!r}",
                    "write it as 'expects' in channels.yaml looks for it, or let the account see it",
                ),
                "right_missing": ("our account lacks {named!r}, which 'expects' looks for", "grant it over there"),
                "field_missing": (
                    "the ticket system has no field {named!r}, which 'expects' looks for",
                    "add it there, or let the account see it",
                ),
                "values_missing": (
                    "the ticket system has no value {named!r}, which 'expects' looks for",
                    "add it there, or write the one that is meant",
                ),
            }
        ),
        "servicenow": MappingProxyType(
            {
                "queue_missing": (
                    "ServiceNow shows no group of the sys_id {named!r}",
                    "write its sys_id, or let the account read sys_user_group",
                ),
                "queue_disabled": ("the group of the sys_id {named!r} is not active", "activate it, or name another"),
                "field_missing": (
                    "ServiceNow does not show a column {named!r}, or does not search by it",
                    "write its name as it stands there, or let the account read it (ACL)",
                ),
            }
        ),
        "jira_service_management": MappingProxyType(
            {
                "queue_missing": (
                    "Jira shows no service desk {named}",
                    "write its number, or make the account an agent of its project",
                ),
                "right_missing": (
                    "our account has no permission {named!r} in the service desk's project",
                    "grant it there, by a role of the project",
                ),
                "field_missing": (
                    "Jira has no custom field {named!r} that our account sees",
                    "add it to the project's screens, as text of one line or a list to choose one value from",
                ),
                "field_unfit": (
                    "custom field {named!r} is of another type than {kind} is told",
                    "make it text of one line; or a list to choose one value from, and name it under 'selects'",
                ),
                "values_missing": (
                    "there is no priority of a name that {named!r} has",
                    "write the names as they stand there",
                ),
            }
        ),
    }
)
"""Where a kind says it in other words."""
FINDINGS: Final = frozenset(
    {
        *("secret_missing", "secret_malformed", "redirected", "refused_address", "tls_failed", "folder_unwritable"),
        *("tls_missing", "sender_refused", "recipient_refused", "not_zendesk"),
        *("not_authorised", "not_rt", "queue_missing", "queue_disabled", "right_missing", "field_missing"),
        *("field_unfit", "values_missing", "recall_right_missing", "recall_field_missing"),
        *("not_servicenow", "table_missing", "call_refused"),
        *("not_jira", "request_type_missing", "field_not_asked_for", "field_public", "field_required"),
        *("not_redmine", "project_missing", "tracker_missing", "priority_missing", "state_missing", "no_filter"),
    }
)
"""Codes that a check finds, and that waiting does not mend."""


def wrong(channel: Channel, code: str, named: str = "") -> str:
    """Return what `code` says of `channel`."""
    return _filled(_of(channel, code)[0], channel, named)


def mends(channel: Channel, code: str, named: str = "") -> str:
    """Return what helps against it."""
    return _filled(_of(channel, code)[1], channel, named)


def why_shut(channel: Channel, shut: Shut) -> str:
    """Return why a channel is shut, and until when."""
    code, named = shut.code or "", shut.named or ""
    how = "does not start" if code in FINDINGS or named else "is left alone"
    said = f"{how}: {wrong(channel, code, named)} [{code}]" if code else how
    if shut.breaker is Breaker.HALF_OPEN:
        return f"{said}; being tried since {moment(shut.since)}"
    return f"{said}; since {moment(shut.since)}, tried again at {moment(shut.until or shut.since)}"


def moment(at: datetime) -> str:
    """Return a time to the second, UTC."""
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def span(seconds: float) -> str:
    """Return a span as people say it: its two largest units."""
    left, said = int(seconds), []
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count:
            said.append(f"{count} {unit}")
    return " ".join(said[:2]) or "0 s"


def _of(channel: Channel, code: str) -> tuple[str, str]:
    return OF_KIND.get(channel.kind, SAID).get(code) or SAID.get(
        code, ("it could not take what was sent", "look at `concern-router deliveries list` and over there")
    )


def _filled(words: str, channel: Channel, named: str) -> str:
    settings = channel.settings
    return words.format(
        kind=KINDS_SAID.get(channel.kind, channel.kind),
        named=named,
        queue=getattr(settings, "queue", ""),
        project=getattr(settings, "project", ""),
        recall_queue=getattr(settings, "recall_queue", ""),
    )
