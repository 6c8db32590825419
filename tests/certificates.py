"""Certificates made for one test: an authority, and what it vouches for."""

import ssl
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from router import clock


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, as PEM files."""

    certificate: Path
    key: Path

    def server(self, *, clients_of: "Authority | None" = None) -> ssl.SSLContext:
        """Return what a server with this certificate speaks TLS by; it may want its clients to have one too."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        if clients_of is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(clients_of.file)
        return context


class Authority:
    """Vouches for whom it is asked to, in a folder of the test's own."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"authority {folder.name}")])
        made = self._draft(self._name, self._key, days=30).issuer_name(self._name)
        made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        self.file = folder / "authority.pem"
        self.file.write_bytes(made.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM))

    def vouch(self, *hosts: str, days: int = 30, passphrase: bytes | None = None, called: str = "pair") -> Pair:
        """Return a certificate for `hosts` that runs out in `days`, which may be over."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = [_name(host) for host in hosts]
        made = self._draft(x509.Name([]), key, days=days).issuer_name(self._name)
        made = made.add_extension(x509.SubjectAlternativeName(names), critical=True)
        pair = Pair(self._folder / f"{called}.pem", self._folder / f"{called}.key")
        pair.certificate.write_bytes(made.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM))
        locked: serialization.KeySerializationEncryption = NoEncryption()
        if passphrase is not None:
            locked = BestAvailableEncryption(passphrase)
        pair.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked))
        return pair

    @staticmethod
    def _draft(name: x509.Name, key: ec.EllipticCurvePrivateKey, *, days: int) -> x509.CertificateBuilder:
        now = clock.now()
        draft = x509.CertificateBuilder().subject_name(name).public_key(key.public_key())
        draft = draft.serial_number(x509.random_serial_number())
        return draft.not_valid_before(now - timedelta(days=60)).not_valid_after(now + timedelta(days=days))


def _name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)
