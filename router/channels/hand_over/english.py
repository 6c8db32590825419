"""The sheet in English."""

from types import MappingProxyType
from typing import Final

from router.channels.hand_over.wording import Wording

ENGLISH: Final = Wording(
    code="en",
    title="Referral of a concern",
    labels=MappingProxyType(
        {
            "reference": "Our reference",
            "category": "What it is about",
            "noticed_how": "How it came to light",
            "danger": "Is somebody in danger now?",
            "occurred_at": "When it happened",
            "noticed_at": "When it was noticed",
            "received_at": "When it was reported to us",
            "where_found": "Where it was found",
            "place": "Country or place",
            "asset_tag": "Device, by our own tag",
            "hashes": "Hashes that a list or product already knew",
            "verdict_source": "Who says what it is",
            "url": "Address on the Internet",
            "subject_handle": "Account of the person named",
            "evidence_state": "Where the evidence is now",
            "urgency": "What cannot wait",
            "child": "The child, if known",
            "witnesses": "Who can be asked about it",
            "contact": "Whom to ask at our organisation",
            "case_number": "Your own case number, if there is one",
        }
    ),
    words=MappingProxyType(
        {
            "noticed_how": {
                "endpoint_hash_match": "A program on a device recognised a file by its hash",
                "network_filter": "A filter in the network",
                "helpdesk_repair": "Found while a device was being repaired",
                "colleague_witness": "A colleague saw it",
                "told_by_someone": "Somebody told of it",
                "self_disclosure": "The person concerned told of it",
                "third_party_notice": "A notice from outside",
                "police_notice": "A notice from the police",
            },
            "where_found": {
                "workstation": "A workstation",
                "laptop": "A laptop",
                "server_share": "A shared folder on a server",
                "removable_usb": "A USB stick",
                "external_disk": "An external disk",
                "company_phone": "A company phone",
                "web_page": "A web page",
                "cloud_storage": "Cloud storage",
                "forum": "A forum",
                "social_media": "Social media",
                "generative_ai_service": "A generative AI service",
                "email": "E-mail",
                "chat": "A chat",
                "collaboration_suite": "A collaboration suite",
                "live_stream": "A live stream",
                "online_game": "An online game",
                "peer_to_peer": "A peer-to-peer network",
                "newsgroup": "A newsgroup",
                "phone_call_or_sms": "A phone call or text message",
                "in_person": "In person",
                "unknown": "Not known",
            },
            "evidence_state": {
                "left_in_place": "Left where it was found",
                "device_isolated": "The device is secured, and nobody uses it",
                "with_police": "With the police",
                "documents_kept_by_reporter": "The person who reported it keeps documents",
                "none": "There is none",
                "unknown": "Not known",
            },
            "verdict_source": {
                "none": "Nobody: it is a suspicion",
                "hash_list": "A list of known hashes",
                "vendor_verified": "The product's vendor",
                "police": "The police",
            },
            "urgency": {
                "child_in_immediate_danger": "A child is in danger now",
                "live_now": "It is happening live",
                "access_to_children": "The person has access to children",
                "ongoing": "It goes on",
                "evidence_at_risk": "Evidence may be lost",
                "danger_to_life": "A life is in danger",
            },
        }
    ),
    categories=MappingProxyType(
        {
            "csam_suspected": "Suspected child sexual abuse material (CSAM)",
            "grooming_suspected": "Suspected online enticement (grooming) of a child",
            "child_at_risk": "A child at risk",
            "livestreamed_abuse_suspected": "Suspected live-streamed child sexual abuse",
            "sexual_extortion": "Sexual extortion",
            "harassment": "Harassment",
            "discrimination": "Discrimination",
            "violence_or_threat": "Violence or threat",
            "retaliation": "Retaliation",
            "fraud": "Fraud",
            "corruption": "Corruption",
            "data_protection": "Data protection",
            "security_incident": "Security incident",
            "health_and_safety": "Health and safety",
            "other": "Something else",
        }
    ),
    danger=MappingProxyType({True: "Yes, by what was reported", False: "Not by what was reported"}),
    emergency="Somebody may be in danger now. The emergency number comes first; this sheet does not replace the call.",
    recalled="We withdraw what we referred under this reference. Please treat it as not made.",
    corrected="This replaces what we referred under this reference before.",
    marking=MappingProxyType(
        {
            "TLP:RED": "Only for the recipients named here.",
            "TLP:AMBER+STRICT": "Only within the recipient's organisation, for those who need to know.",
            "TLP:AMBER": "Within the recipient's organisation and its clients, for those who need to know.",
            "TLP:GREEN": "Within the recipient's community.",
            "TLP:CLEAR": "For everybody.",
        }
    ),
)
