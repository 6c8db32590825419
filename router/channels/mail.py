"""A mail that says that there is something to look at, and where: a doorbell.

Pure: makes the message but for its date; the worker sends it. Mail is copied, forwarded, indexed and shown on locked
screens, so no fact is ever in it, nor a number that counts. The same referral has the same Message-ID at each attempt,
by which mail systems and people know a repeat; that is all that mail offers.

With `digest`, mails go out at fixed times and at no others, all of one size and with the same words, whether or not
there is something: neither that a mail comes nor when tells anything. Such a mail stands for all that waited for it.
"""

import re
import textwrap
from typing import Annotated, Final, Self
from urllib.parse import urlsplit

from pydantic import StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from router.channels import notices, wording
from router.channels.fixedtimes import FixedTimes
from router.channels.overhttp import OverNetwork
from router.channels.setting import HOME, MailServer, SecretReference, WebService
from router.model import Payload, Referral
from router.vocabulary import Guarantee, Notice, Proven

KIND: Final = "mail"
GUARANTEE: Final = Guarantee.REPEATABLE
PROVES: Final = Proven.ACCEPTED

SUBJECT: Final = "Confidential: please look"
PORTS: Final = {"smtp": 587, "smtps": 465}
"""Where mail is handed in (RFC 6409, 3.1; RFC 8314, 3.3)."""
WIDTH: Final = 76
_NEW: Final = "There is something for you to look at: {0}"
_STILL: Final = "There is still something for you to look at: {0}"
_ALWAYS: Final = "This mail comes at fixed times and always says the same, whether or not there is something new."
_NO_MORE: Final = "On purpose this mail says no more. Please do not answer it, and do not pass it on."
_AGAIN: Final = frozenset({Notice.REMINDER, Notice.OVERDUE, Notice.ESCALATION, Notice.CORRECTED})

MailAddress = Annotated[
    str,
    StringConstraints(
        pattern=r"^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
        r"@[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)+$",
        max_length=190,
    ),
]
"""A plain address (RFC 5321, 4.1.2, without quotes); a domain of other letters as xn--."""
AccountName = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,128}$")]


class Settings(OverNetwork):
    """What `channels.yaml` says for mail."""

    url: MailServer
    """The server that takes our mail: smtp:// begins TLS by STARTTLS, smtps:// at once."""
    starttls: bool = True
    """false: no TLS at all, for a server on this machine alone."""
    account: AccountName | None = None
    """The name that we sign in with; left out: the server knows us otherwise."""
    password: SecretReference | None = None
    """Where its password stands."""
    sender: MailAddress
    """Whom the mail comes from; whoever reads that mailbox learns when one could not be delivered."""
    to: MailAddress
    """Who gets it: one person, or a list that your mail system keeps."""
    look_at: WebService
    """Where to look, when the referral has no link of its own; the console's address, as a rule."""
    digest: FixedTimes | None = None
    """When mails go out, if at fixed times only."""

    @model_validator(mode="after")
    def _mail_fits_together(self) -> Self:
        parts = urlsplit(self.url)
        if (self.account is None) != (self.password is None):
            raise PydanticCustomError("no_effect", "account and password go together")
        if not self.starttls and (parts.scheme != "smtp" or parts.hostname not in HOME):
            raise PydanticCustomError("odd_value", "starttls may be false for smtp:// to this machine only")
        if not self.starttls and self.ca is not None:
            raise PydanticCustomError("no_effect", "ca is for TLS only")
        return self

    @property
    def server(self) -> tuple[str, int]:
        """Host and port."""
        parts = urlsplit(self.url)
        return parts.hostname or "", parts.port or PORTS[parts.scheme.lower()]

    @property
    def tls_at_once(self) -> bool:
        """Whether TLS begins with the first byte."""
        return urlsplit(self.url).scheme.lower() == "smtps"


def fields_named(settings: Settings) -> frozenset[str]:  # noqa: ARG001 - the kind's contract
    """Return the fields that the settings use by name: none."""
    return frozenset()


def fields_shown(settings: Settings, carries: frozenset[str]) -> frozenset[str]:
    """Return which of the fields that the channel may carry are shown: where to look, and nothing at fixed times."""
    return frozenset() if settings.digest is not None else carries & {"link"}


def place(settings: Settings) -> str | None:  # noqa: ARG001 - the kind's contract
    """Return what no other channel may share: nothing; two doorbells may be at one door."""
    return None


def search_lag_s(settings: Settings) -> float:  # noqa: ARG001 - the kind's contract
    """Return how many seconds may pass until what was made is found: nothing is looked for."""
    return 0.0


def render(settings: Settings, referral: Referral, *, key: str) -> Payload:
    """Return the message but for its date; ASCII, its lines ended as SMTP wants them."""
    domain = settings.sender.rpartition("@")[2]
    headers = {
        "From": settings.sender,
        "To": settings.to,
        "Subject": " ".join([*wording.marking(referral), SUBJECT]),
        "Message-ID": f"<{key}@{domain}>",
        # Nobody's machine shall answer (RFC 3834, 5; the other is Exchange's).
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=us-ascii",
        "Content-Transfer-Encoding": "7bit",
    }
    lines = [*(f"{name}: {value}" for name, value in headers.items()), "", *_text(settings, referral)]
    return Payload(body="".join(f"{line}\r\n" for line in lines).encode("ascii"), media_type="message/rfc822")


def _text(settings: Settings, referral: Referral) -> list[str]:
    if settings.digest is not None:
        return [*_wrapped(_ALWAYS), "", f"Please look: {settings.look_at}", "", *_wrapped(_NO_MORE)]
    return [
        *wording.marking(referral),
        *_wrapped(_rings(referral)),
        "",
        f"Please look: {referral.link or settings.look_at}",
        "",
        *_wrapped(_NO_MORE),
    ]


def _rings(referral: Referral) -> str:
    """Return the sentence that rings; of what belongs to no case, and of a recall, what it is."""
    if referral.notice is Notice.RECALLED:
        return notices.said(referral)
    if sentence := notices.said_of_no_case(referral):
        return f"{sentence} ({referral.reference})"
    return (_STILL if referral.notice in _AGAIN else _NEW).format(referral.reference)


def _wrapped(sentence: str) -> list[str]:
    return textwrap.wrap(sentence, WIDTH, break_long_words=False, break_on_hyphens=False)


def date_line(text: str) -> bytes:
    """Return the header that the worker puts first: when it was handed in."""
    return f"Date: {text}\r\n".encode("ascii")


def stuffed(message: bytes) -> bytes:
    """Return the message as it goes over the line: no line of it can end it (RFC 5321, 4.5.2)."""
    return re.sub(rb"(?m)^\.", b"..", message) + b".\r\n"
