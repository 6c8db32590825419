"""Which addresses a channel may reach, by its scope and by what is listed."""

from ipaddress import IPv6Address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.channels.reach import literal, may_reach, needs_listing
from router.vocabulary import Scope

PUBLIC = ("8.8.8.8", "193.0.6.139", "2a00:1450:4001:82a::200e", "2606:4700::6810:84e5", "::ffff:8.8.8.8")
INSIDE = ("127.0.0.1", "127.8.9.10", "10.1.2.3", "172.31.0.1", "192.168.1.1", "100.64.0.1", "::1", "fd12::1", "fc00::1")
NOWHERE = (
    "0.0.0.0",  # noqa: S104 - nothing is bound
    "0.1.2.3",
    "169.254.169.254",
    "192.0.0.8",
    "192.0.0.192",
    "192.88.99.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::7f00:1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "64:ff9b::8.8.8.8",
    "64:ff9b::127.0.0.1",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:808:808::1",
    "3fff::1",
    "5f00::1",
    "4000::1",
    "100.100.100.200",
    "168.63.129.16",
    "fd00:ec2::254",
    "fd20:ce::254",
    "::ffff:169.254.169.254",
    "::ffff:0.0.0.0",
)
NOT_PUBLIC = ("192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "2001:2::1", "2001:10::1", "2001:20::1")


@pytest.mark.parametrize("address", PUBLIC)
@pytest.mark.parametrize("scope", Scope)
def test_what_is_public_may_be_reached(scope: Scope, address: str) -> None:
    assert may_reach(address, scope)


@pytest.mark.parametrize("address", [*INSIDE, *(f"::ffff:{a}" for a in INSIDE if "." in a)])
def test_our_own_network_is_for_internal_channels(address: str) -> None:
    assert may_reach(address, Scope.INTERNAL)
    assert not may_reach(address, Scope.EXTERNAL)


@pytest.mark.parametrize("address", NOWHERE)
@pytest.mark.parametrize("scope", Scope)
def test_what_only_machinery_answers_is_for_nobody(scope: Scope, address: str) -> None:
    assert not may_reach(address, scope)


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_what_is_not_public_is_not_outside(address: str) -> None:
    assert not may_reach(address, Scope.EXTERNAL)


@pytest.mark.parametrize("address", ["10.1.2.3", "::ffff:10.1.2.3"])
def test_what_is_listed_may_be_reached(address: str) -> None:
    assert may_reach(address, Scope.EXTERNAL, [ip_network("10.1.0.0/16")])
    assert not may_reach(address, Scope.EXTERNAL, [ip_network("10.2.0.0/16"), ip_network("fd00::/8")])


def test_behind_a_listed_nat64_the_inner_address_counts_too() -> None:
    nat64 = ip_network("64:ff9b::/96")

    assert may_reach("64:ff9b::8.8.8.8", Scope.EXTERNAL, [nat64])
    assert not may_reach("64:ff9b::10.0.0.1", Scope.EXTERNAL, [nat64])
    assert not may_reach("64:ff9b::169.254.169.254", Scope.INTERNAL, [nat64])
    assert may_reach("64:ff9b::10.0.0.1", Scope.EXTERNAL, [nat64, ip_network("10.0.0.0/8")])


@given(st.ip_addresses(v=4))
def test_mapping_an_address_into_ipv6_changes_nothing(address: object) -> None:
    for scope in Scope:
        assert may_reach(f"::ffff:{address}", scope) == may_reach(str(address), scope)


@given(st.ip_addresses())
def test_what_an_external_channel_may_reach_an_internal_one_may_too(address: object) -> None:
    assert may_reach(str(address), Scope.INTERNAL) or not may_reach(str(address), Scope.EXTERNAL)


@given(st.ip_addresses())
def test_an_external_channel_reaches_nothing_that_python_knows_not_to_be_global(address: IPv6Address) -> None:
    assert address.is_global or not may_reach(str(address), Scope.EXTERNAL)


@pytest.mark.parametrize(
    ("network", "external", "internal"),
    [
        ("8.8.8.0/24", False, False),
        ("10.0.0.0/8", True, False),
        ("2606:4700::/32", False, False),
        ("fd12::/48", True, False),
        ("::1/128", True, False),
        ("169.254.0.0/16", True, True),
        ("fe80::/10", True, True),
        ("64:ff9b::/96", True, True),
        ("192.0.0.0/8", True, True),
        ("fd20:ce::/32", True, True),
    ],
)
def test_what_may_be_reached_anyway_needs_no_listing(network: str, *, external: bool, internal: bool) -> None:
    assert needs_listing(ip_network(network), Scope.EXTERNAL) is external
    assert needs_listing(ip_network(network), Scope.INTERNAL) is internal


@pytest.mark.parametrize("name", ["a.example.org", "127.1", "2130706433", "0x7f.1", "127.0.0.1.", ""])
def test_a_name_is_no_address(name: str) -> None:
    assert literal(name) is None
    assert literal("127.0.0.1") is not None
