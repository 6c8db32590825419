"""Which addresses a channel may reach: inside, none that only machinery answers; outside, public ones alone.

Pure: judges an address that a name led to, never the name, and looks nothing up. An operator can list more. Python's
own `is_global` does not do: up to 3.11 it takes NAT64, 6to4, site-local and multicast addresses for global ones.
"""

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from types import MappingProxyType
from typing import Final

from router.vocabulary import Scope

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def _networks(text: str) -> tuple[Network, ...]:
    return tuple(ip_network(word) for word in text.split())


NAT64: Final = IPv6Network("64:ff9b::/96")
"""The last 32 bits are the IPv4 address that a gateway goes on to (RFC 6052)."""
# IANA's special-purpose registries. Of IPv6 only what is named is open: 2000::/3 is all that was ever given out.
ALLOWED: Final[Mapping[Scope, tuple[Network, ...]]] = MappingProxyType(
    {Scope.EXTERNAL: _networks("0.0.0.0/0 2000::/3"), Scope.INTERNAL: _networks("0.0.0.0/0 2000::/3 fc00::/7 ::1/128")}
)
_NOWHERE: Final = _networks(
    "0.0.0.0/8 169.254.0.0/16 192.0.0.0/24 192.88.99.0/24 224.0.0.0/4 240.0.0.0/4 "
    # Teredo and 6to4 hold an IPv4 address that somebody else's gateway goes on to; documentation is nobody's.
    "2001::/32 2002::/16 2001:db8::/32 3fff::/20 "
    # Where clouds tell a machine its own credentials, beside 169.254.169.254: Alibaba, Azure, AWS, Google.
    "100.100.100.200/32 168.63.129.16/32 fd00:ec2::254/128 fd20:ce::254/128"
)
_NOT_PUBLIC: Final = _networks(
    "10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 172.16.0.0/12 192.168.0.0/16 "
    "192.0.2.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 2001::/23"
)
REFUSED: Final[Mapping[Scope, tuple[Network, ...]]] = MappingProxyType(
    {Scope.EXTERNAL: _NOWHERE + _NOT_PUBLIC, Scope.INTERNAL: _NOWHERE}
)
"""Of what is allowed, by the channel's scope: what is not, unless its `networks` list it."""


def may_reach(address: str, scope: Scope, networks: Iterable[Network] = ()) -> bool:
    """Say whether a channel of this scope may connect to `address`; raises ValueError when it is none.

    Of an IPv4 address mapped into IPv6 the inner one counts, of one behind a listed NAT64 prefix both do.
    """
    judged = ip_address(address.partition("%")[0])
    if isinstance(judged, IPv6Address) and judged.ipv4_mapped is not None:
        judged = judged.ipv4_mapped
    listed = _among(judged, networks)
    if judged in NAT64:
        return listed and may_reach(str(IPv4Address(int(judged) & 0xFFFF_FFFF)), scope, networks)
    return listed or (_among(judged, ALLOWED[scope]) and not _among(judged, REFUSED[scope]))


def needs_listing(network: Network, scope: Scope) -> bool:
    """Say whether any address of `network` cannot be reached unless it is listed."""
    inside = any(_holds(allowed, network) for allowed in ALLOWED[scope])
    return not inside or any(network.overlaps(refused) for refused in REFUSED[scope])


def literal(host: str) -> Address | None:
    """Return the address that `host` is, or None when it is a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def _among(address: Address, networks: Iterable[Network]) -> bool:
    return any(address in network for network in networks)


def _holds(whole: Network, part: Network) -> bool:
    return whole.version == part.version and whole.prefixlen <= part.prefixlen and part.network_address in whole
