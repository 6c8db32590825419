"""Every kind and recipe of ticket system, each with its stand-in: what the tests of this folder run over.

Add a kind: a stand-in in tests/standins/, and a line in DESKS.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from router import clock
from router.channels import KINDS
from router.model import LeasedReferral, Proof, Referral
from router.vocabulary import Awaited, Notice, Severity
from tests.standins import freshservice, glpi, jira_service_management, redmine, servicenow, thehive, zammad, zendesk
from tests.standins.shelf import recipe
from tests.standins.standin import StandIn
from tests.workers.rooms import SURROUNDINGS
from workers.channels import SENDERS
from workers.channels.base import Sender

REFERENCE, OTHER = "CR-AAAA-BBBB-CCCC", "CR-0000-0000-0000"
FIRST = Referral(reference=REFERENCE, category="fraud", severity=Severity.HIGH)
REMINDER = Referral(reference=REFERENCE, revision=2, notice=Notice.REMINDER, awaited=Awaited.CLAIM)
RECALL = Referral(reference=REFERENCE, revision=3, notice=Notice.RECALLED)


@dataclass(frozen=True)
class Desk:
    """One way to a ticket system: a kind with its settings, or a recipe."""

    kind: str
    stand_in: Callable[[], StandIn]
    settings: Callable[[StandIn], Mapping[str, Any]]
    """What `channels.yaml` says, given the running stand-in; it carries category and severity in custom fields.

    Secrets are references to environment variables that `secrets` names.
    """
    secrets: Mapping[str, str]
    lags: bool = False
    """Its search shows new tickets late."""


DESKS: dict[str, Desk] = {
    "servicenow": Desk(
        "servicenow", servicenow.StandInServiceNow, servicenow.settings, {"SERVICENOW_PASSWORD": servicenow.TOKEN}
    ),
    "jira_service_management": Desk(
        "jira_service_management",
        jira_service_management.StandInJira,
        jira_service_management.settings,
        {"JIRA_TOKEN": jira_service_management.TOKEN},
        lags=True,
    ),
    "redmine": Desk("redmine", redmine.StandInRedmine, redmine.settings, {"REDMINE_KEY": redmine.KEY}),
    "zendesk": Desk("zendesk", zendesk.ZendeskStandIn, zendesk.settings, {"ZENDESK_TOKEN": zendesk.TOKEN}),
}
"""By name of the kind or recipe."""
DESKS |= {
    f"recipe_{name}": Desk("rest", stand_in, partial(recipe, name), secrets, lags=lags)
    for name, (stand_in, secrets, lags) in {
        "freshservice": (freshservice.StandInFreshservice, {"FRESHSERVICE_KEY": freshservice.KEY}, True),
        "zammad": (zammad.StandInZammad, {"ZAMMAD_TOKEN": zammad.TOKEN}, True),
        "glpi": (glpi.StandInGlpi, {"GLPI_CLIENT_SECRET": glpi.CLIENT_SECRET, "GLPI_PASSWORD": glpi.PASSWORD}, False),
        "thehive": (thehive.StandInTheHive, {"THEHIVE_KEY": thehive.KEY}, True),
        "redmine": (redmine.StandInRedmine, {"REDMINE_KEY": redmine.KEY}, False),
    }.items()
}


def leased(referral: Referral = FIRST, **more: Any) -> LeasedReferral:
    """Return the referral as a worker has it."""
    return replace(LeasedReferral("0" * 32, "desk", referral, 1, 1, clock.now()), **more)


def sender(desk: Desk, there: StandIn) -> tuple[Sender, Any]:
    """Return a sender to the stand-in, and its settings."""
    settings = KINDS[desk.kind].Settings.model_validate(desk.settings(there))
    return SENDERS[desk.kind](settings, SURROUNDINGS), settings


def send(desk: Desk, there: StandIn, what: LeasedReferral) -> Proof:
    """Render and send a referral, as a worker does."""
    made, settings = sender(desk, there)
    payload = KINDS[desk.kind].render(settings, what.fields, key=what.id)
    return made.send(what, payload, deadline_s=10)
