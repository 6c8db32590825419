"""Content to sealed case, with public keys only: what was sealed here cannot be opened here.

Each case gets its own key pair. The content is sealed to its public half; its private half is
sealed to each recipient and then forgotten.
"""

from collections.abc import Sequence

import orjson

from router.errors import SealBroken
from router.keyrecords import KeyWrap, RecipientKey, Sealed, SealedCase
from router.model import Content
from router.vault.suite import Private, bound, new_pair, seal

SIZE_CLASSES = (1024, 4096, 16_384, 65_536)
"""Bytes; a sealed text's length says no more than which of these it fits into."""
_LENGTH_BYTES = 4


def seal_case(reference: str, content: Content, recipients: Sequence[RecipientKey]) -> SealedCase:
    """Return new key material for the case `reference` and its content, sealed; no content, nothing sealed.

    Raises SealBroken without recipients, with an unusable key, or when the content is larger
    than the largest size class: better refused than kept where nobody or everybody can read it.
    """
    if not recipients:
        raise SealBroken("no_recipient")
    private, public = new_pair()
    return SealedCase(
        suite=public.suite,
        public=public.raw,
        wraps=tuple(wrap_case_key(reference, private, recipient) for recipient in recipients),
        content=_seal_content(reference, content, public.suite, public.raw) if content else None,
    )


def wrap_case_key(reference: str, case_key: Private, recipient: RecipientKey) -> KeyWrap:
    """Return the case's private key sealed to one recipient, bound to the case and to that recipient's key."""
    info = case_key_info(reference, recipient.key_id, case_key.suite)
    return KeyWrap(recipient.key_id, seal(case_key.raw, recipient.suite, recipient.public, info=info))


def seal_message(reference: str, message: str, suite: str, public: bytes) -> Sealed:
    """Return one message of the dialogue, padded, sealed to the case's or to the receipt's public key."""
    return seal(padded(_encoded(message)), suite, public, info=message_info(reference))


def seal_note(reference: str, note: str, suite: str, public: bytes) -> Sealed:
    """Return what staff wrote on a case, padded, sealed to the case's public key."""
    return seal(padded(_encoded(note)), suite, public, info=note_info(reference))


def _seal_content(reference: str, content: Content, suite: str, public: bytes) -> Sealed:
    written: dict[str, object] = {"narrative": content.narrative, "contact": content.contact}
    # Left out otherwise: a seal of before this was asked means the same as one of somebody who wants to be kept apart.
    if content.named:
        written["named"] = True
    return seal(padded(_encoded(written)), suite, public, info=content_info(reference))


def _encoded(value: object) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:  # a lone surrogate; its text names the value
        raise SealBroken("content_not_text") from None


def content_info(reference: str) -> bytes:
    """Return what binds a sealed content to its case."""
    return bound("content", reference)


def message_info(reference: str) -> bytes:
    """Return what binds a sealed message to its case."""
    return bound("message", reference)


def note_info(reference: str) -> bytes:
    """Return what binds a sealed note to its case, so that it is never taken for a message."""
    return bound("note", reference)


def case_key_info(reference: str, recipient_key_id: str, suite: str) -> bytes:
    """Return what binds a wrapped case key to its case, its recipient, and the suite that the key is for."""
    return bound("case key", reference, recipient_key_id, suite)


def padded(plain: bytes, classes: Sequence[int] = SIZE_CLASSES) -> bytes:
    """Return length and `plain`, filled up to the next size class; raises SealBroken beyond the largest."""
    for size in classes:
        if _LENGTH_BYTES + len(plain) <= size:
            return (len(plain).to_bytes(_LENGTH_BYTES, "big") + plain).ljust(size, b"\0")
    raise SealBroken("content_too_large")


def unpadded(block: bytes, classes: Sequence[int] = SIZE_CLASSES) -> bytes:
    """Return what `padded` was given; raises SealBroken on anything it did not make."""
    length = int.from_bytes(block[:_LENGTH_BYTES], "big")
    plain, filling = block[_LENGTH_BYTES : _LENGTH_BYTES + length], block[_LENGTH_BYTES + length :]
    if len(block) not in classes or len(plain) != length or filling.strip(b"\0"):
        raise SealBroken("padding_malformed")
    return plain


def read(block: bytes) -> object:
    """Return what `padded` was made of, as JSON has it; raises SealBroken."""
    try:
        return orjson.loads(unpadded(block))
    except orjson.JSONDecodeError:
        raise SealBroken("content_malformed") from None


def read_text(block: bytes) -> str:
    """Return the text that a message or a note was sealed from; raises SealBroken."""
    written = read(block)
    if not isinstance(written, str):
        raise SealBroken("message_malformed")
    return written
