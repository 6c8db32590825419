"""A message is what its sender signed, or it is nothing: every vendor's scheme, and everything that is nearly one."""

import base64
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from router.channels import jira_service_management, rt, servicenow, zendesk
from router.channels.hooks import Headers, Scheme, ticket_named, verify
from router.errors import Refused

SECRET = "MARKED-7f3a secret"
NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
PLAIN = Scheme(signature="X-Signature", ticket="/id")
TIMED = Scheme(signature="X-Signature", timestamp="X-Time", signed="{timestamp}.{body}", ticket="/id")
TOKEN = Scheme(signature="Authorization", algorithm="token", prefix="Bearer ", ticket="/id")
BODY = b'{"id": 7, "title": "MARKED-7f3a"}'


def headers(**sent: str | list[str]) -> Headers:
    """Return headers by name, as a web framework has them: any case, any number."""
    known = {name.lower().replace("_", "-"): [v] if isinstance(v, str) else v for name, v in sent.items()}
    return lambda name: known.get(name.lower(), [])


def mac(signed: bytes, *, secret: str = SECRET, algorithm: str = "sha256") -> bytes:
    return hmac.new(secret.encode(), signed, algorithm).digest()


def at(moment: datetime) -> str:
    return str(int(moment.timestamp()))


def timed(moment: datetime = NOW, body: bytes = BODY, *, secret: str = SECRET) -> Headers:
    written = at(moment)
    return headers(X_Signature=mac(f"{written}.".encode() + body, secret=secret).hex(), X_Time=written)


def refused(scheme: Scheme, sent: Headers, body: bytes = BODY, *, secret: str = SECRET) -> str:
    with pytest.raises(Refused) as caught:
        verify(scheme, secret, sent, body, now=NOW)
    assert "MARKED" not in repr(caught.value)
    return caught.value.code


ISO = "2026-11-23T09:29:30Z"
JIRA = json.dumps({"timestamp": int(NOW.timestamp() * 1000), "issue": {"key": "SD-7", "fields": {}}}).encode()
VENDORS: list[tuple[str, Scheme, bytes, Mapping[str, str], str]] = [
    (
        "rt",
        rt.HOOK,
        b'{"ticket": 7}',
        {
            "X-RT-Timestamp": at(NOW),
            "X-RT-Signature": "sha256=" + mac(at(NOW).encode() + b'.{"ticket": 7}').hex(),
        },
        "7",
    ),
    ("jira", jira_service_management.HOOK, JIRA, {"X-Hub-Signature": f"sha256={mac(JIRA).hex()}"}, "SD-7"),
    (
        "zendesk",
        zendesk.HOOK,
        b'{"id": "7"}',
        {
            "X-Zendesk-Webhook-Signature-Timestamp": ISO,
            "X-Zendesk-Webhook-Signature": base64.b64encode(mac(ISO.encode() + b'{"id": "7"}')).decode(),
        },
        "7",
    ),
    (
        "servicenow",
        servicenow.HOOK,
        b'{"sys_id": "0a1b"}',
        {
            "X-Concern-Timestamp": at(NOW),
            "X-Concern-Signature": base64.b64encode(mac(at(NOW).encode() + b'.{"sys_id": "0a1b"}')).decode(),
        },
        "0a1b",
    ),
    (
        "zammad",
        Scheme(signature="X-Hub-Signature", algorithm="sha1", prefix="sha1=", ticket="/id"),
        b'{"id": "7"}',
        {"X-Hub-Signature": "sha1=" + mac(b'{"id": "7"}', algorithm="sha1").hex()},
        "7",
    ),
    (
        "glpi",
        Scheme(
            signature="X-GLPI-signature",
            timestamp="X-GLPI-timestamp",
            signed="{body}{timestamp}",
            window="1d",
            ticket="/item/id",
        ),
        b'{"item": {"id": 7}}',
        {
            "X-GLPI-timestamp": at(NOW - timedelta(hours=20)),
            "X-GLPI-signature": mac(b'{"item": {"id": 7}}' + at(NOW - timedelta(hours=20)).encode()).hex(),
        },
        "7",
    ),
    ("freshservice", TOKEN, BODY, {"Authorization": f"Bearer {SECRET}"}, "7"),
]


@pytest.mark.parametrize(("scheme", "body", "sent", "ticket"), [v[1:] for v in VENDORS], ids=[v[0] for v in VENDORS])
def test_each_vendors_signature_is_taken_and_names_the_ticket(
    scheme: Scheme, body: bytes, sent: Mapping[str, str], ticket: str
) -> None:
    got = headers(**{name.replace("-", "_"): value for name, value in sent.items()})
    verified = verify(scheme, SECRET, got, body, now=NOW)

    assert ticket_named(scheme, verified.sent) == ticket
    assert refused(scheme, got, body, secret="another") == "signature_wrong"
    if scheme.algorithm != "token":
        assert refused(scheme, got, body + b" ") == "signature_wrong"


@pytest.mark.parametrize(
    "given",
    [
        mac(BODY).hex()[:-2],
        mac(BODY).hex() + "00",
        " " + mac(BODY).hex(),
        mac(BODY).hex() + "\n",
        " ".join(mac(BODY).hex()[i : i + 2] for i in range(0, 64, 2)),
        base64.b64encode(mac(BODY)).decode(),
        "sha256=" + mac(BODY).hex(),
        "é" * 64,
        "\udcff" * 64,
        "\x00",
        "0" * 100_000,
        mac(BODY, secret="").hex(),
        mac(b"").hex(),
        f"{mac(BODY).hex()},{mac(BODY).hex()}",
    ],
)
def test_what_is_nearly_a_signature_is_none(given: str) -> None:
    assert refused(PLAIN, headers(X_Signature=given)) == "signature_wrong"


def test_none_and_several_headers_are_no_signature() -> None:
    right = mac(BODY).hex()

    assert refused(PLAIN, headers()) == "signature_missing"
    assert refused(PLAIN, headers(X_Signature="")) == "signature_missing"
    assert refused(PLAIN, headers(X_Signature=[right, right])) == "signature_missing"
    assert refused(TIMED, headers(X_Signature=right)) == "signature_missing"


def test_one_of_several_signatures_in_a_header_is_enough_where_the_scheme_says_so() -> None:
    scheme = PLAIN.model_copy(update={"several": True, "prefix": "v1="})
    right, wrong = f"v1={mac(BODY).hex()}", "v1=" + "0" * 64

    assert verify(scheme, SECRET, headers(X_Signature=f"{wrong}, {right}"), BODY, now=NOW)
    assert refused(scheme, headers(X_Signature=f"{wrong},{wrong}")) == "signature_wrong"
    assert refused(scheme, headers(X_Signature=",".join([wrong] * 4 + [right]))) == "signature_wrong"


@pytest.mark.parametrize(
    ("age", "code"),
    [
        (timedelta(minutes=5), None),
        (timedelta(minutes=5, seconds=1), "signature_old"),
        (timedelta(minutes=-5), None),
        (timedelta(minutes=-5, seconds=-1), "signature_old"),
        (timedelta(days=365), "signature_old"),
    ],
)
def test_a_message_is_taken_for_five_minutes_either_way(age: timedelta, code: str | None) -> None:
    sent = timed(NOW - age)

    if code is None:
        assert verify(TIMED, SECRET, sent, BODY, now=NOW)
    else:
        assert refused(TIMED, sent) == code


def test_only_who_has_the_secret_is_told_that_a_message_is_old() -> None:
    assert refused(TIMED, timed(NOW - timedelta(days=1), secret="another")) == "signature_wrong"


def test_a_time_that_was_changed_after_it_was_signed_is_wrong() -> None:
    old = at(NOW - timedelta(days=1))
    signature = mac(f"{old}.".encode() + BODY).hex()

    assert refused(TIMED, headers(X_Signature=signature, X_Time=at(NOW))) == "signature_wrong"


@pytest.mark.parametrize(
    "written",
    [
        "",
        "now",
        "-1",
        "1e9",
        "\uff11\uff17\uff19\uff15\uff14\uff12\uff16\uff12\uff10\uff10",
        "9" * 15,
        "0x10",
        "NaN",
        " 1",
        "1.5",
    ],
)
def test_an_odd_time_is_old_or_none_even_when_signed(written: str) -> None:
    signature = mac(f"{written}.".encode() + BODY).hex()

    assert refused(TIMED, headers(X_Signature=signature, X_Time=written)) in {"signature_old", "signature_missing"}


@pytest.mark.parametrize(
    "written", ["2026-11-23T09:30:00", "2026-11-23", "2026-W48-1T09:30:00Z", "2026-13-23T09:30:00Z"]
)
def test_a_time_without_its_zone_or_of_another_form_is_old(written: str) -> None:
    sent = headers(
        X_Zendesk_Webhook_Signature_Timestamp=written,
        X_Zendesk_Webhook_Signature=base64.b64encode(mac(written.encode() + BODY)).decode(),
    )

    assert refused(zendesk.HOOK, sent) == "signature_old"


def test_a_time_in_the_body_counts_as_well() -> None:
    old = json.dumps(
        {"timestamp": int((NOW - timedelta(hours=2)).timestamp() * 1000), "issue": {"key": "SD-7"}}
    ).encode()
    none = b'{"issue": {"key": "SD-7"}}'

    for body in (old, none):
        sent = headers(X_Hub_Signature=f"sha256={mac(body).hex()}")
        assert refused(jira_service_management.HOOK, sent, body) == "signature_old"


def test_bytes_moved_between_time_and_body_make_the_same_message_or_none() -> None:
    """Where nothing stands between the two, a captured message can be cut at another place."""
    scheme = Scheme(signature="X-Signature", timestamp="X-Time", signed="{body}{timestamp}")
    body, written = BODY, at(NOW)
    signature = mac(body + written.encode()).hex()
    seal = verify(scheme, SECRET, headers(X_Signature=signature, X_Time=written), body, now=NOW).seal

    for cut in range(1, len(written)):
        moved = headers(X_Signature=signature, X_Time=written[cut:])
        assert refused(scheme, moved, body + written[:cut].encode()) in {"signature_old", "not_json"}
    assert len(seal) == 32


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 200_000, b'{"id": NaN}', b'{"id": "\\ud800"}'])
def test_signed_nonsense_is_no_json(body: bytes) -> None:
    assert refused(PLAIN, headers(X_Signature=mac(body).hex()), body) == "not_json"


@pytest.mark.parametrize(
    "sent",
    [
        None,
        [],
        7,
        {},
        {"id": None},
        {"id": True},
        {"id": 1.5},
        {"id": {"id": 7}},
        {"id": ""},
        {"id": "7 or 1=1"},
        {"id": "7/../8"},
        {"id": "7\n"},
        {"id": "a" * 65},
        {"id": "\uff17"},
        {"ID": 7},
    ],
)
def test_a_ticket_in_another_form_is_no_ticket(sent: Any) -> None:
    assert ticket_named(PLAIN, sent) is None


def test_the_same_message_has_one_seal_however_its_signature_is_written_and_whatever_mark_it_bears() -> None:
    scheme = PLAIN.model_copy(update={"delivery": "X-Delivery"})
    lower = verify(scheme, SECRET, headers(X_Signature=mac(BODY).hex(), X_Delivery="1"), BODY, now=NOW)
    upper = verify(scheme, SECRET, headers(X_Signature=mac(BODY).hex().upper(), X_Delivery="2"), BODY, now=NOW)

    assert lower.seal == upper.seal
    assert lower.delivery != upper.delivery
    assert "MARKED" not in repr(lower.seal)


@given(body=st.binary(max_size=200), signature=st.text(max_size=80), moment=st.text(max_size=30))
def test_nobody_without_the_secret_gets_through(body: bytes, signature: str, moment: str) -> None:
    sent = headers(X_Signature=signature or "-", X_Time=moment or "-")

    for scheme in (PLAIN, TIMED):
        with pytest.raises(Refused):
            verify(scheme, SECRET, sent, body, now=NOW)


@pytest.mark.parametrize(
    "wrong",
    [
        {"signed": "{timestamp}{body}"},
        {"signed": "{timestamp}", "timestamp": "X-Time"},
        {"signed": "{body}", "timestamp": "X-Time"},
        {"signed": "{body}{body}"},
        {"signed": "{body}{other}"},
        {"timestamp": "X-Time", "signed": "{timestamp}{body}", "timestamp_at": "/t"},
        {"algorithm": "token", "timestamp": "X-Time", "signed": "{timestamp}{body}"},
        {"algorithm": "token", "several": True},
        {"algorithm": "md5"},
        {"window": "3d"},
        {"ticket": "id"},
        {"signature": "X Signature"},
    ],
)
def test_a_scheme_that_proves_less_than_it_seems_does_not_load(wrong: Mapping[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Scheme.model_validate({"signature": "X-Signature", **wrong})
