"""Mail as it is handed in: over verified TLS, signed in, once by its Message-ID, and what each answer means."""

import socket
import ssl
import traceback
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any, Final

import pytest

from router.channels import mail
from router.errors import Declined, RouterError, TryLater
from router.model import Finding, Proof
from router.vocabulary import Proven, Scope
from tests.certificates import Authority
from tests.oddservers import drip, raw_server, say
from tests.standins.mail import ACCOUNT, PASSWORD, MailStandIn
from tests.workers.channels.tickets.desks import FIRST, leased
from workers.channels.base import Surroundings
from workers.channels.mail import MailSender

INSIDE: Final = Surroundings(Path("/not/used"), Scope.INTERNAL)
OUTSIDE: Final = Surroundings(Path("/not/used"), Scope.EXTERNAL)
PEOPLE: Final = {"sender": "concerns@example.org", "to": "duty@example.org", "look_at": "https://console.example.org"}
SIGNED_IN: Final = {"account": ACCOUNT, "password": "env:MAIL_PASSWORD"}


@pytest.fixture(autouse=True)
def _known_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAIL_PASSWORD", PASSWORD)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "ours")


@pytest.fixture
def tls(authority: Authority) -> ssl.SSLContext:
    return authority.vouch("127.0.0.1").server()


@pytest.fixture
def there(tls: ssl.SSLContext) -> Iterator[MailStandIn]:
    with MailStandIn(tls=tls) as running:
        yield running


def configured(url: str, **more: Any) -> mail.Settings:
    return mail.Settings.model_validate({"url": url, **PEOPLE, **more})


def send(settings: mail.Settings, *, surroundings: Surroundings = INSIDE, deadline_s: float = 5, **more: Any) -> Proof:
    what = leased(FIRST, **more)
    payload = mail.render(settings, what.fields, key=what.id)
    return MailSender(settings, surroundings).send(what, payload, deadline_s=deadline_s)


def post(there: MailStandIn, authority: Authority, **more: Any) -> Proof:
    return send(configured(there.url, ca=str(authority.file), **SIGNED_IN), **more)


def failure(there: MailStandIn, authority: Authority) -> RouterError:
    with pytest.raises((TryLater, Declined)) as raised:
        post(there, authority)
    return raised.value


def test_a_mail_is_handed_in_over_tls_by_a_signed_in_account(there: MailStandIn, authority: Authority) -> None:
    proof = post(there, authority)

    (taken,) = there.mails
    assert (taken.sender, taken.to) == (PEOPLE["sender"], (PEOPLE["to"],))
    assert (taken.over_tls, taken.signed_in) == (True, True)
    assert (proof.remote_id, proof.proven) == ("0" * 32, Proven.ACCEPTED)


def test_tls_from_the_first_byte_does_as_well(authority: Authority, tls: ssl.SSLContext) -> None:
    with MailStandIn(tls=tls, at_once=True) as there:
        post(there, authority)

        assert [taken.over_tls for taken in there.mails] == [True]


def test_what_arrives_is_what_was_shown_and_a_date(there: MailStandIn, authority: Authority) -> None:
    post(there, authority)

    date, _, rest = there.mails[0].content.partition(b"\r\n")
    settings = configured(there.url, ca=str(authority.file), **SIGNED_IN)
    assert date.startswith(b"Date: ")
    assert rest == mail.render(settings, FIRST, key="0" * 32).body


def test_each_attempt_has_the_same_message_id(there: MailStandIn, authority: Authority) -> None:
    there.cuts.add("DATA")
    lost = failure(there, authority)
    there.cuts.clear()
    post(there, authority)

    assert isinstance(lost, TryLater)
    assert (lost.code, lost.ambiguous) == ("no_answer", True)
    assert {taken.message["Message-ID"] for taken in there.mails} == {f"<{'0' * 32}@example.org>"}
    assert len(there.mails) == 2


def test_an_authority_of_nobody_is_not_believed_and_hears_no_password(tls: ssl.SSLContext) -> None:
    with MailStandIn(tls=tls) as there, pytest.raises(TryLater, match=r"^tls_failed$"):
        send(configured(there.url, **SIGNED_IN))

    assert there.heard == []


def test_a_certificate_of_another_host_is_not_believed(authority: Authority) -> None:
    with MailStandIn(tls=authority.vouch("mail.example.org").server()) as there:
        assert failure(there, authority).code == "tls_failed"
        assert there.heard == []


def test_a_server_that_offers_no_tls_hears_nothing(authority: Authority) -> None:
    with MailStandIn(accounts=False) as there:
        refused = failure(there, authority)

    assert (refused.code, there.heard) == ("tls_missing", [])


def test_in_clear_it_goes_to_this_machine_if_the_settings_say_so() -> None:
    with MailStandIn(accounts=False) as there:
        send(configured(there.url, starttls=False))

        assert [taken.over_tls for taken in there.mails] == [False]


@pytest.mark.parametrize(
    ("command", "said", "meant"),
    [
        ("RCPT", "550 5.1.1 MARKED-7f3a", (Declined, "recipient_refused")),
        ("RCPT", "450 4.2.1 MARKED-7f3a", (TryLater, "smtp_450")),
        ("RCPT", "552 5.2.2 MARKED-7f3a", (TryLater, "smtp_552")),
        ("MAIL", "550 5.7.1 MARKED-7f3a", (TryLater, "sender_refused")),
        ("MAIL", "451 4.3.0 MARKED-7f3a", (TryLater, "smtp_451")),
        ("MAIL", "530 5.7.0 MARKED-7f3a", (TryLater, "not_authorised")),
        ("DATA", "554 5.6.0 MARKED-7f3a", (Declined, "smtp_554")),
        ("DATA", "452 4.3.1 MARKED-7f3a", (TryLater, "smtp_452")),
        ("DATA", "999 MARKED-7f3a", (TryLater, "odd_reply")),
    ],
)
def test_each_answer_means_one_thing_and_none_of_it_is_kept(
    there: MailStandIn, authority: Authority, command: str, said: str, meant: tuple[type[RouterError], str]
) -> None:
    there.says[command] = said
    refused = failure(there, authority)

    assert (type(refused), refused.code) == meant
    assert "MARKED" not in "".join(traceback.format_exception(refused))
    assert getattr(refused, "ambiguous", False) is (meant[1] == "odd_reply")
    assert not there.mails


@pytest.mark.parametrize("command", ["MAIL", "RCPT"])
def test_a_line_that_is_cut_before_the_message_leaves_nothing_in_doubt(
    there: MailStandIn, authority: Authority, command: str
) -> None:
    there.cuts.add(command)
    refused = failure(there, authority)

    assert isinstance(refused, TryLater)
    assert (refused.code, refused.ambiguous) == ("no_answer", False)


def test_an_account_that_is_not_known_waits_for_an_operator(
    there: MailStandIn, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAIL_PASSWORD", "MARKED-7f3a")
    refused = failure(there, authority)

    assert refused.code == "not_authorised"
    assert "MARKED" not in "".join(traceback.format_exception(refused))
    assert "MAIL" not in there.heard


def test_without_an_account_nobody_signs_in(authority: Authority, tls: ssl.SSLContext) -> None:
    with MailStandIn(tls=tls, accounts=False) as there:
        send(configured(there.url, ca=str(authority.file)))

        assert [taken.signed_in for taken in there.mails] == [False]


def test_an_external_channel_reaches_no_address_inside(there: MailStandIn) -> None:
    with pytest.raises(TryLater, match=r"^refused_address$"):
        send(configured(there.url, **SIGNED_IN), surroundings=OUTSIDE)

    assert there.heard == []


def test_nobody_there_is_unreachable() -> None:
    with MailStandIn() as gone:
        url = gone.url
    with pytest.raises(TryLater, match=r"^unreachable$"):
        send(configured(url))


def test_a_silent_or_dripping_server_is_left_in_time() -> None:
    for speak in (say(), drip(b"220-")):
        began = monotonic()
        with raw_server(speak, read_first=False) as url, pytest.raises(TryLater, match=r"^no_answer$"):
            send(configured(url.replace("http:", "smtp:")), deadline_s=0.6)

        assert monotonic() - began < 3


def test_a_flood_of_words_is_not_read_to_its_end() -> None:
    def flood(connection: socket.socket) -> None:
        while True:
            connection.sendall(b"220-MARKED-7f3a\r\n" * 1000)

    began = monotonic()
    with raw_server(flood, read_first=False) as url, pytest.raises(TryLater, match=r"^no_answer$"):
        send(configured(url.replace("http:", "smtp:")), deadline_s=20)

    assert monotonic() - began < 10


def test_a_greeting_that_sends_us_away_is_waited_out() -> None:
    with (
        raw_server(say(b"421 MARKED-7f3a\r\n"), read_first=False) as url,
        pytest.raises(TryLater, match=r"^smtp_421$") as raised,
    ):
        send(configured(url.replace("http:", "smtp:")))

    assert not raised.value.ambiguous


def test_what_a_server_says_before_tls_counts_for_nothing_after(authority: Authority) -> None:
    """An answer that somebody on the line put behind the one to STARTTLS."""
    told = say(b"220 hello\r\n", b"250-x\r\n250 STARTTLS\r\n", b"220 go\r\n250 in the clear\r\n")
    with raw_server(told, read_first=False) as url, pytest.raises(TryLater):
        send(configured(url.replace("http:", "smtp:"), ca=str(authority.file)), deadline_s=1)


def test_check_goes_up_to_the_recipient_and_sends_nothing(there: MailStandIn, authority: Authority) -> None:
    settings = configured(there.url, ca=str(authority.file), **SIGNED_IN)

    assert MailSender(settings, INSIDE).check(deadline_s=5) == ()
    assert there.heard == ["AUTH", "MAIL", "RCPT"]
    assert not there.mails


@pytest.mark.parametrize(
    ("says", "more", "found"),
    [
        ({"RCPT": "550 no"}, {}, Finding("recipient_refused", "to")),
        ({"MAIL": "550 no"}, {}, Finding("sender_refused", "sender")),
        ({}, {"account": "nobody"}, Finding("not_authorised", "password")),
        ({}, {"password": "env:NOT_SET"}, Finding("secret_missing", "password")),
        ({}, {"ca": None}, Finding("tls_failed", "url")),
        ({}, {"ca": "/not/there.pem"}, Finding("tls_failed", "ca")),
    ],
)
def test_check_names_what_does_not_fit(
    there: MailStandIn, authority: Authority, says: dict[str, str], more: dict[str, Any], found: Finding
) -> None:
    there.says |= says
    settings = configured(there.url, **{"ca": str(authority.file), **SIGNED_IN, **more})

    assert MailSender(settings, INSIDE).check(deadline_s=5) == (found,)


def test_check_tells_of_tls_that_is_not_offered() -> None:
    with MailStandIn(accounts=False) as there:
        found = MailSender(configured(there.url), INSIDE).check(deadline_s=5)

    assert found == (Finding("tls_missing", "url"),)


def test_a_check_that_cannot_be_made_now_is_made_later(there: MailStandIn, authority: Authority) -> None:
    there.says["RCPT"] = "451 greylisted"
    settings = configured(there.url, ca=str(authority.file), **SIGNED_IN)
    with pytest.raises(TryLater, match=r"^smtp_451$"):
        MailSender(settings, INSIDE).check(deadline_s=5)
