"""Sealed case to Content, with a recipient's private key; imported by `console/opening.py` alone.

Asks nobody whether they may: that, the reason and the audit come before. Keeps nothing.
"""

from router.errors import SealBroken
from router.keyrecords import KeyWrap, Sealed
from router.model import Content
from router.vault.keep import KEPT_CLASSES, kept_info
from router.vault.seal import case_key_info, content_info, message_info, note_info, read, read_text, unpadded
from router.vault.suite import Private, private_from, unseal


def unwrap_case_key(reference: str, suite: str, wrap: KeyWrap, recipient: Private) -> Private:
    """Return the private key (of suite `suite`) of the case `reference`; raises SealBroken."""
    if wrap.key_id != recipient.key_id:
        raise SealBroken("other_recipient")
    raw = unseal(wrap.sealed, recipient, info=case_key_info(reference, wrap.key_id, suite))
    return private_from(suite, raw)


def unseal_content(reference: str, sealed: Sealed, case_key: Private) -> Content:
    """Return what was sealed at the door, character for character; raises SealBroken."""
    fields = read(unseal(sealed, case_key, info=content_info(reference)))
    # The case's public key is no secret: what opens need not have been sealed by us.
    if not isinstance(fields, dict) or set(fields) - {"named"} != {"narrative", "contact"}:
        raise SealBroken("content_malformed")
    named = fields.pop("named", False)
    if not isinstance(named, bool):
        raise SealBroken("content_malformed")
    if not all(written is None or isinstance(written, str) for written in fields.values()):
        raise SealBroken("content_malformed")
    return Content(**fields, named=named)


def unseal_message(reference: str, sealed: Sealed, key: Private) -> str:
    """Return one message of the dialogue; raises SealBroken."""
    return read_text(unseal(sealed, key, info=message_info(reference)))


def unseal_note(reference: str, sealed: Sealed, key: Private) -> str:
    """Return what staff wrote on the case `reference`; raises SealBroken."""
    return read_text(unseal(sealed, key, info=note_info(reference)))


def unseal_kept(reference: str, referral: str, part: str, sealed: Sealed, key: Private) -> bytes:
    """Return what was sent outside, or came back, byte for byte; raises SealBroken."""
    return unpadded(unseal(sealed, key, info=kept_info(reference, referral, part)), KEPT_CLASSES)
