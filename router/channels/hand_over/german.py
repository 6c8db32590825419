"""The sheet in German."""

from types import MappingProxyType
from typing import Final

from router.channels.hand_over.wording import Wording

GERMAN: Final = Wording(
    code="de",
    title="Meldung eines Verdachts",
    labels=MappingProxyType(
        {
            "reference": "Unser Zeichen",
            "category": "Worum es geht",
            "noticed_how": "Wie es bekannt wurde",
            "danger": "Ist gerade jemand in Gefahr?",
            "occurred_at": "Wann es geschah",
            "noticed_at": "Wann es bemerkt wurde",
            "received_at": "Wann es uns gemeldet wurde",
            "where_found": "Wo es gefunden wurde",
            "place": "Land oder Ort",
            "asset_tag": "Gerät, nach unserer eigenen Kennzeichnung",
            "hashes": "Hashwerte, die eine Liste oder ein Produkt schon kannte",
            "verdict_source": "Wer sagt, was es ist",
            "url": "Adresse im Internet",
            "subject_handle": "Konto der genannten Person",
            "evidence_state": "Wo die Beweise jetzt sind",
            "urgency": "Was nicht warten kann",
            "child": "Das Kind, wenn bekannt",
            "witnesses": "Wer dazu befragt werden kann",
            "contact": "Wer bei uns Auskunft gibt",
            "case_number": "Ihr Aktenzeichen, wenn es eines gibt",
        }
    ),
    words=MappingProxyType(
        {
            "noticed_how": {
                "endpoint_hash_match": "Ein Programm auf einem Gerät erkannte eine Datei an ihrem Hashwert",
                "network_filter": "Ein Filter im Netzwerk",
                "helpdesk_repair": "Bei der Reparatur eines Geräts gefunden",
                "colleague_witness": "Jemand aus dem Kollegium hat es gesehen",
                "told_by_someone": "Jemand hat davon erzählt",
                "self_disclosure": "Die Person hat selbst davon erzählt",
                "third_party_notice": "Ein Hinweis von außen",
                "police_notice": "Ein Hinweis der Polizei",
            },
            "where_found": {
                "workstation": "Ein Arbeitsplatzrechner",
                "laptop": "Ein Laptop",
                "server_share": "Ein gemeinsamer Ordner auf einem Server",
                "removable_usb": "Ein USB-Stick",
                "external_disk": "Eine externe Festplatte",
                "company_phone": "Ein Diensttelefon",
                "web_page": "Eine Webseite",
                "cloud_storage": "Ein Cloud-Speicher",
                "forum": "Ein Forum",
                "social_media": "Soziale Medien",
                "generative_ai_service": "Ein Dienst mit generativer KI",
                "email": "E-Mail",
                "chat": "Ein Chat",
                "collaboration_suite": "Eine Plattform zur Zusammenarbeit",
                "live_stream": "Ein Livestream",
                "online_game": "Ein Online-Spiel",
                "peer_to_peer": "Ein Peer-to-Peer-Netz",
                "newsgroup": "Eine Newsgroup",
                "phone_call_or_sms": "Ein Anruf oder eine SMS",
                "in_person": "Vor Ort, persönlich",
                "unknown": "Nicht bekannt",
            },
            "evidence_state": {
                "left_in_place": "Dort belassen, wo es gefunden wurde",
                "device_isolated": "Das Gerät ist gesichert, und niemand benutzt es",
                "with_police": "Bei der Polizei",
                "documents_kept_by_reporter": "Die meldende Person bewahrt Unterlagen auf",
                "none": "Es gibt keine",
                "unknown": "Nicht bekannt",
            },
            "verdict_source": {
                "none": "Niemand: Es ist ein Verdacht",
                "hash_list": "Eine Liste bekannter Hashwerte",
                "vendor_verified": "Der Hersteller des Produkts",
                "police": "Die Polizei",
            },
            "urgency": {
                "child_in_immediate_danger": "Ein Kind ist gerade in Gefahr",
                "live_now": "Es geschieht live",
                "access_to_children": "Die Person hat Zugang zu Kindern",
                "ongoing": "Es dauert an",
                "evidence_at_risk": "Beweise können verloren gehen",
                "danger_to_life": "Ein Leben ist in Gefahr",
            },
        }
    ),
    categories=MappingProxyType(
        {
            "csam_suspected": "Verdacht auf Darstellungen sexualisierter Gewalt gegen Kinder (CSAM)",
            "grooming_suspected": "Verdacht auf Anbahnung sexueller Kontakte zu einem Kind (Grooming)",
            "child_at_risk": "Ein gefährdetes Kind",
            "livestreamed_abuse_suspected": "Verdacht auf live übertragene sexualisierte Gewalt gegen Kinder",
            "sexual_extortion": "Sexuelle Erpressung",
            "harassment": "Belästigung",
            "discrimination": "Diskriminierung",
            "violence_or_threat": "Gewalt oder Drohung",
            "retaliation": "Vergeltung",
            "fraud": "Betrug",
            "corruption": "Korruption",
            "data_protection": "Datenschutz",
            "security_incident": "Sicherheitsvorfall",
            "health_and_safety": "Arbeitsschutz",
            "other": "Etwas anderes",
        }
    ),
    danger=MappingProxyType({True: "Ja, nach dem, was gemeldet wurde", False: "Nicht nach dem, was gemeldet wurde"}),
    emergency="Vielleicht ist gerade jemand in Gefahr. Zuerst den Notruf wählen; dieses Blatt ersetzt den Anruf nicht.",
    recalled="Wir ziehen zurück, was wir unter diesem Zeichen gemeldet haben. Bitte als nicht gemeldet behandeln.",
    corrected="Dies ersetzt, was wir unter diesem Zeichen früher gemeldet haben.",
    marking=MappingProxyType(
        {
            "TLP:RED": "Nur für die hier genannten Empfänger.",
            "TLP:AMBER+STRICT": "Nur innerhalb der Organisation des Empfängers, für alle, die es wissen müssen.",
            "TLP:AMBER": "In der Organisation des Empfängers und bei ihren Kunden, für alle, die es wissen müssen.",
            "TLP:GREEN": "Im Kreis des Empfängers.",
            "TLP:CLEAR": "Für alle.",
        }
    ),
)
