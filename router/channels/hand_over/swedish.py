"""The sheet in Swedish."""

from types import MappingProxyType
from typing import Final

from router.channels.hand_over.wording import Wording

SWEDISH: Final = Wording(
    code="sv",
    title="Anmälan av en misstanke",
    labels=MappingProxyType(
        {
            "reference": "Vår referens",
            "category": "Vad det gäller",
            "noticed_how": "Hur misstanken uppstod",
            "danger": "Är någon i fara just nu?",
            "occurred_at": "När det hände",
            "noticed_at": "När det upptäcktes",
            "received_at": "När det rapporterades till oss",
            "where_found": "Var det hittades",
            "place": "Land eller plats",
            "asset_tag": "Enhet, enligt vår egen märkning",
            "hashes": "Hashvärden som en lista eller produkt redan kände till",
            "verdict_source": "Vem som säger vad det är",
            "url": "Internetadress",
            "subject_handle": "Konto för den person som pekas ut",
            "evidence_state": "Var bevisen finns nu",
            "urgency": "Vad som inte kan vänta",
            "child": "Barnet, om det är känt",
            "witnesses": "Vem som kan tillfrågas",
            "contact": "Vem som kan svara hos oss",
            "case_number": "Ert ärendenummer, om det finns",
        }
    ),
    words=MappingProxyType(
        {
            "noticed_how": {
                "endpoint_hash_match": "Ett program på en enhet kände igen en fil på dess hashvärde",
                "network_filter": "Ett filter i nätverket",
                "helpdesk_repair": "Upptäcktes när en enhet reparerades",
                "colleague_witness": "En kollega såg det",
                "told_by_someone": "Någon berättade om det",
                "self_disclosure": "Personen själv berättade om det",
                "third_party_notice": "Ett meddelande utifrån",
                "police_notice": "Ett meddelande från polisen",
            },
            "where_found": {
                "workstation": "En arbetsstation",
                "laptop": "En bärbar dator",
                "server_share": "En delad mapp på en server",
                "removable_usb": "Ett USB-minne",
                "external_disk": "En extern hårddisk",
                "company_phone": "En tjänstetelefon",
                "web_page": "En webbsida",
                "cloud_storage": "Molnlagring",
                "forum": "Ett forum",
                "social_media": "Sociala medier",
                "generative_ai_service": "En generativ AI-tjänst",
                "email": "E-post",
                "chat": "En chatt",
                "collaboration_suite": "Ett samarbetsverktyg",
                "live_stream": "En direktsändning",
                "online_game": "Ett onlinespel",
                "peer_to_peer": "Ett fildelningsnätverk",
                "newsgroup": "En diskussionsgrupp",
                "phone_call_or_sms": "Ett telefonsamtal eller sms",
                "in_person": "På plats, i person",
                "unknown": "Inte känt",
            },
            "evidence_state": {
                "left_in_place": "Kvar där det hittades",
                "device_isolated": "Enheten är säkrad och används inte",
                "with_police": "Hos polisen",
                "documents_kept_by_reporter": "Den som rapporterade har kvar dokument",
                "none": "Det finns inga",
                "unknown": "Inte känt",
            },
            "verdict_source": {
                "none": "Ingen: det är en misstanke",
                "hash_list": "En lista över kända hashvärden",
                "vendor_verified": "Produktens leverantör",
                "police": "Polisen",
            },
            "urgency": {
                "child_in_immediate_danger": "Ett barn är i fara just nu",
                "live_now": "Det pågår i direktsändning",
                "access_to_children": "Personen har tillgång till barn",
                "ongoing": "Det pågår",
                "evidence_at_risk": "Bevis kan gå förlorade",
                "danger_to_life": "Någons liv är i fara",
            },
        }
    ),
    categories=MappingProxyType(
        {
            "csam_suspected": "Misstänkt dokumentation av sexuella övergrepp mot barn (CSAM)",
            "grooming_suspected": "Misstänkt kontakt med barn i sexuellt syfte på nätet (grooming)",
            "child_at_risk": "Ett barn som kan fara illa",
            "livestreamed_abuse_suspected": "Misstänkta direktsända sexuella övergrepp mot barn",
            "sexual_extortion": "Sexuell utpressning",
            "harassment": "Trakasserier",
            "discrimination": "Diskriminering",
            "violence_or_threat": "Våld eller hot",
            "retaliation": "Repressalier",
            "fraud": "Bedrägeri",
            "corruption": "Korruption",
            "data_protection": "Dataskydd",
            "security_incident": "Säkerhetsincident",
            "health_and_safety": "Arbetsmiljö och säkerhet",
            "other": "Något annat",
        }
    ),
    danger=MappingProxyType({True: "Ja, enligt det som rapporterades", False: "Inte enligt det som rapporterades"}),
    emergency="Någon kan vara i fara just nu. Ring nödnumret först; den här blanketten ersätter inte samtalet.",
    recalled="Vi drar tillbaka det som vi anmälde med den här referensen. Betrakta det som inte gjort.",
    corrected="Detta ersätter det som vi tidigare anmälde med den här referensen.",
    marking=MappingProxyType(
        {
            "TLP:RED": "Endast för de mottagare som anges här.",
            "TLP:AMBER+STRICT": "Endast inom mottagarens organisation, för dem som behöver veta.",
            "TLP:AMBER": "Inom mottagarens organisation och dess kunder, för dem som behöver veta.",
            "TLP:GREEN": "Inom mottagarens krets.",
            "TLP:CLEAR": "För alla.",
        }
    ),
)
