"""NCMEC's own words for what a referral says: kinds of incident, places on the Internet, reasons to hurry.

Closed lists alone. Where NCMEC has no word for something, nothing stands here: it is not called something else.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from router.vocabulary import Code, Urgency, WhereFound


class Incident(StrEnum):
    """The kinds of incident that CyberTipline takes, by words that `channels.yaml` may use."""

    CSAM = "csam"
    TRAFFICKING = "trafficking"
    TRAVEL_AND_TOURISM = "travel_and_tourism"
    MOLESTATION = "molestation"
    MISLEADING_DOMAIN = "misleading_domain"
    MISLEADING_WORDS = "misleading_words"
    ENTICEMENT = "enticement"
    OBSCENE_MATERIAL_SENT = "obscene_material_sent"


CALLED: Final[Mapping[Incident, str]] = MappingProxyType(
    {
        Incident.CSAM: "Child Pornography (possession, manufacture, and distribution)",
        Incident.TRAFFICKING: "Child Sex Trafficking",
        Incident.TRAVEL_AND_TOURISM: "Child Sex Tourism",
        Incident.MOLESTATION: "Child Sexual Molestation",
        Incident.MISLEADING_DOMAIN: "Misleading Domain Name",
        Incident.MISLEADING_WORDS: "Misleading Words or Digital Images on the Internet",
        Incident.ENTICEMENT: "Online Enticement of Children for Sexual Acts",
        Incident.OBSCENE_MATERIAL_SENT: "Unsolicited Obscene Material Sent to a Child",
    }
)
"""The exact texts of the schema: legacy codes of NCMEC's, whatever one would say today."""

INCIDENTS: Final[Mapping[Code, Incident]] = MappingProxyType(
    {
        "csam_suspected": Incident.CSAM,
        "livestreamed_abuse_suspected": Incident.CSAM,
        "grooming_suspected": Incident.ENTICEMENT,
        "sexual_extortion": Incident.ENTICEMENT,
    }
)
"""What the shipped categories are there. `child_at_risk` is none of them by itself: harm of any kind is meant."""

EXTORTION: Final = "sexual_extortion"
"""The category that NCMEC marks with a flag of its own."""


class Medium(StrEnum):
    """Where on the Internet, or that it was not there; the names of elements, as `elements.Where` has them."""

    WEB_PAGE = "web_page_incident"
    EMAIL = "email_incident"
    NEWSGROUP = "newsgroup_incident"
    CHAT = "chat_im_incident"
    GAME = "online_gaming_incident"
    PHONE = "cell_phone_incident"
    IN_PERSON = "non_internet_incident"
    PEER_TO_PEER = "peer2peer_incident"


MEDIA: Final[Mapping[WhereFound, Medium]] = MappingProxyType(
    {
        WhereFound.WEB_PAGE: Medium.WEB_PAGE,
        WhereFound.CLOUD_STORAGE: Medium.WEB_PAGE,
        WhereFound.FORUM: Medium.WEB_PAGE,
        WhereFound.SOCIAL_MEDIA: Medium.WEB_PAGE,
        WhereFound.GENERATIVE_AI_SERVICE: Medium.WEB_PAGE,
        WhereFound.EMAIL: Medium.EMAIL,
        WhereFound.CHAT: Medium.CHAT,
        WhereFound.COLLABORATION_SUITE: Medium.CHAT,
        WhereFound.LIVE_STREAM: Medium.CHAT,
        WhereFound.ONLINE_GAME: Medium.GAME,
        WhereFound.PEER_TO_PEER: Medium.PEER_TO_PEER,
        WhereFound.NEWSGROUP: Medium.NEWSGROUP,
        WhereFound.PHONE_CALL_OR_SMS: Medium.PHONE,
        WhereFound.IN_PERSON: Medium.IN_PERSON,
    }
)
"""A device is no medium: what NCMEC calls not of the Internet has no computer in it at all."""

PLATFORMS: Final[Mapping[WhereFound, str]] = MappingProxyType(
    {
        WhereFound.WORKSTATION: "Company workstation",
        WhereFound.LAPTOP: "Company laptop",
        WhereFound.SERVER_SHARE: "Company file server",
        WhereFound.REMOVABLE_USB: "Removable USB storage",
        WhereFound.EXTERNAL_DISK: "External disk",
        WhereFound.COMPANY_PHONE: "Company phone",
        WhereFound.WEB_PAGE: "Web page",
        WhereFound.CLOUD_STORAGE: "Cloud storage",
        WhereFound.FORUM: "Forum",
        WhereFound.SOCIAL_MEDIA: "Social media",
        WhereFound.GENERATIVE_AI_SERVICE: "Generative AI service",
        WhereFound.EMAIL: "E-mail",
        WhereFound.CHAT: "Chat",
        WhereFound.COLLABORATION_SUITE: "Collaboration suite",
        WhereFound.LIVE_STREAM: "Live stream",
        WhereFound.ONLINE_GAME: "Online game",
        WhereFound.PEER_TO_PEER: "Peer-to-peer network",
        WhereFound.NEWSGROUP: "Newsgroup",
        WhereFound.PHONE_CALL_OR_SMS: "Phone call or text message",
    }
)

REASONS: Final[Mapping[Urgency, str]] = MappingProxyType(
    {
        Urgency.CHILD_IN_IMMEDIATE_DANGER: "Reporter indicates immediate risk to a child.",
        Urgency.DANGER_TO_LIFE: "Reporter indicates danger to life.",
        Urgency.LIVE_NOW: "Reporter indicates ongoing or live-streamed abuse.",
        Urgency.ACCESS_TO_CHILDREN: "Reported person has current access to children.",
    }
)
"""Why a report should be looked at first, the gravest reason first. Whatever stands there makes NCMEC hurry, so what
need not (`ongoing`, `evidence_at_risk`) has no sentence."""
