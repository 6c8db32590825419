"""The deployment's secrets, each a file that only its owner reads.

`intake.key` is the source of the public part's keyed digests; `console.key` encrypts second factors;
`audit.key` signs checkpoints and belongs on the chainer's machine alone; `audit.pub` checks them. Case, team and
members' keys are not here: nothing in these files opens a sealed text. Nothing is logged, nothing is overwritten.
"""

import os
import secrets
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from router.errors import Broken

INTAKE_KEY = "intake.key"
CONSOLE_KEY = "console.key"
AUDIT_KEY = "audit.key"
AUDIT_PUBLIC = "audit.pub"
_KEY_BYTES = 32
_READABLE_BY_OTHERS = 0o007
_MAKE = "restore the file from the backup of the secrets; on a new deployment, run `concern-router keys init`"


@dataclass(frozen=True, slots=True)
class IntakeSecrets:
    """Keys of 32 bytes, one per purpose, so that a digest made for one says nothing in another."""

    idempotency: bytes = field(repr=False)
    """Digests of idempotency keys and of bodies."""
    receipt: bytes = field(repr=False)
    """Receipt to look-up id and key."""
    address: bytes = field(repr=False)
    """Digests of network addresses, for quotas."""
    handle: bytes = field(repr=False)
    """Digests of handles, to compare a person named with teams' members."""
    link: bytes = field(repr=False)
    """Proofs in the links that `clients link` prints."""
    kept: bytes = field(repr=False)
    """With the secret in a browser's cookie: keys of answers that wait between two pages."""


def make(secrets_dir: Path) -> None:
    """Create the files that are missing, 0600 in a directory 0700; leave those that exist as they are.

    Raises Broken when one is gone but `audit.pub`, made last, is still there: a new `audit.key`
    would turn every checkpoint signed so far into a false alarm, and a new `intake.key` would know
    no receipt that was handed out so far.
    """
    secrets_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (secrets_dir / INTAKE_KEY).exists() and (secrets_dir / AUDIT_PUBLIC).exists():
        hint = f"restore {INTAKE_KEY} from its backup; or write 32 random bytes in base64, and all receipts are unknown"
        raise Broken("intake_key_lost", hint)
    _create(secrets_dir / INTAKE_KEY, secrets.token_bytes(_KEY_BYTES))
    _create(secrets_dir / CONSOLE_KEY, secrets.token_bytes(_KEY_BYTES))
    if not (secrets_dir / AUDIT_KEY).exists() and (secrets_dir / AUDIT_PUBLIC).exists():
        hint = (
            f"restore {AUDIT_KEY} from its backup, or put {AUDIT_PUBLIC} and the checkpoints away to begin a new chain"
        )
        raise Broken("audit_key_lost", hint)
    _create(secrets_dir / AUDIT_KEY, Ed25519PrivateKey.generate().private_bytes_raw())
    _create(secrets_dir / AUDIT_PUBLIC, audit_signing_key(secrets_dir).public_key().public_bytes_raw())


def intake_secrets(secrets_dir: Path) -> IntakeSecrets:
    """Return the public part's keys; raises Broken with the command that mends it."""
    source = _read(secrets_dir / INTAKE_KEY)

    def derived(purpose: str) -> bytes:
        kdf = HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=f"concern-router/v1/{purpose}".encode())
        return kdf.derive(source)

    return IntakeSecrets(
        idempotency=derived("idempotency"),
        receipt=derived("receipt"),
        address=derived("address"),
        handle=derived("handle"),
        link=derived("link"),
        kept=derived("kept answers"),
    )


def console_secret(secrets_dir: Path) -> bytes:
    """Return the console's key: under it the secrets of second factors are kept; raises Broken."""
    return _read(secrets_dir / CONSOLE_KEY)


def audit_signing_key(secrets_dir: Path) -> Ed25519PrivateKey:
    """Return the key that signs checkpoints; raises Broken. For the chainer alone."""
    return Ed25519PrivateKey.from_private_bytes(_read(secrets_dir / AUDIT_KEY))


def audit_public_key(secrets_dir: Path) -> Ed25519PublicKey:
    """Return the key that checks checkpoints; raises Broken."""
    return read_public_key(secrets_dir / AUDIT_PUBLIC)


def read_public_key(path: Path) -> Ed25519PublicKey:
    """Return the public key in a file of the form of `audit.pub`, from anywhere; raises Broken."""
    return Ed25519PublicKey.from_public_bytes(_read(path, secret=False))


def _create(path: Path, key: bytes) -> None:
    """Write `key` as base64 unless `path` exists: whole or not at all, also when two start at once."""
    if path.exists():
        return
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(b64encode(key) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _read(path: Path, *, secret: bool = True) -> bytes:
    try:
        if secret and path.stat().st_mode & _READABLE_BY_OTHERS:
            raise Broken("secret_open_to_others", f"chmod 600 {path}")
        key = b64decode(path.read_bytes().strip(), validate=True)
    except FileNotFoundError:
        raise Broken("secret_missing", f"{path}: {_MAKE}") from None
    except OSError:
        raise Broken("secret_unreadable", f"{path}: let this process's user read it") from None
    except NotBase64:
        raise Broken("secret_malformed", f"{path}: {_MAKE}") from None
    if len(key) != _KEY_BYTES:
        raise Broken("secret_malformed", f"{path}: {_MAKE}")
    return key
