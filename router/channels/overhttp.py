"""Settings of every kind that calls a service: where it is, and what the way there needs; most speak HTTP.

Pure: files are named here and read by the worker that connects. Nothing of the environment adds to them: no proxy, no
bundle of authorities, no password file.
"""

import re
from ipaddress import ip_network
from typing import Annotated, Any, Final, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, model_validator
from pydantic_core import PydanticCustomError

from router.channels.reach import Network
from router.channels.setting import WebService
from router.model import Frozen

_FILE: Final = re.compile(r"/[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*")
_WIDEST: Final = {4: 8, 6: 7}
"""Bits of the shortest prefix that may be listed: 10.0.0.0/8 and fc00::/7; a wider one would allow about everything."""


def _network(value: Any) -> Network:
    if not isinstance(value, str):
        raise PydanticCustomError("odd_value", "a network such as 10.20.0.0/16 or fd12::/48 is wanted here")
    try:
        network = ip_network(value, strict=False)
    except ValueError:
        raise PydanticCustomError("odd_value", "a network such as 10.20.0.0/16 or fd12::/48 is wanted here") from None
    if str(network.network_address) != str(ip_network(value.partition("/")[0]).network_address):
        raise PydanticCustomError("odd_value", "is {meant} meant?", {"meant": str(network)})
    if network.prefixlen < _WIDEST[network.version]:
        raise PydanticCustomError("odd_value", "this would allow about every address; name the network that is meant")
    return network


def _file(path: str) -> str:
    if not _FILE.fullmatch(path) or ".." in path.split("/"):
        raise PydanticCustomError("odd_path", "an absolute path of plain names is wanted, such as /etc/ssl/our.pem")
    return path


def _proxy(text: str) -> str:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise PydanticCustomError("odd_address", "a proxy such as http://proxy.example.org:3128 is wanted") from None
    if parts.username is not None or parts.password is not None:
        raise PydanticCustomError("clear_secret", "a proxy must not hold a name or password (not shown here)")
    plain = parts.hostname and port and not (parts.path.strip("/") or parts.query or parts.fragment)
    if parts.scheme not in {"http", "https"} or not plain or not re.fullmatch(r"[!-~]+", text):
        raise PydanticCustomError("odd_address", "a proxy such as http://proxy.example.org:3128 is wanted")
    return text


ListedNetwork = Annotated[Network, BeforeValidator(_network)]
"""A network, or one address, as CIDR."""
FilePath = Annotated[str, AfterValidator(_file)]
"""A file on the worker's machine."""
Proxy = Annotated[str, AfterValidator(_proxy)]
"""http(s)://host:port, without a name or password."""


class OverNetwork(Frozen):
    """What `channels.yaml` says for any kind that calls a service."""

    url: str
    """Where the service is; only this host is ever called."""
    networks: tuple[ListedNetwork, ...] = ()
    """What the channel may reach beside what its scope allows: for an external channel, what is not public."""
    ca: FilePath | None = None
    """PEM file of the authorities that may vouch for the service, instead of the list that comes with the program."""


class OverHttp(OverNetwork):
    """The same for a service that speaks HTTP."""

    url: WebService
    """Where the service is: https, or http on this machine. Any port; only this host is ever called."""
    client_certificate: FilePath | None = None
    """PEM file of the certificate that the service knows us by, with its chain, and with its key or `client_key`."""
    client_key: FilePath | None = None
    """PEM file of the certificate's key, without a passphrase."""
    proxy: Proxy | None = None
    """The way out, by CONNECT. It looks the service's name up, so nobody here judges the address."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.client_key is not None and self.client_certificate is None:
            raise PydanticCustomError("no_effect", "client_key needs client_certificate, whose key it is")
        over_tls = (self.ca, self.client_certificate, self.proxy)
        if self.url.lower().startswith("http:") and any(setting is not None for setting in over_tls):
            raise PydanticCustomError("no_effect", "ca, client_certificate and proxy are for https only")
        if self.proxy is not None and self.networks:
            said = "networks has no effect: the proxy looks the name up, and its own rules say what may be reached"
            raise PydanticCustomError("no_effect", said)
        return self
