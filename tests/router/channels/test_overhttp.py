"""What channels.yaml may say of the way to a service, and what is refused when it is read."""

from typing import Any

import pytest
from pydantic import ValidationError

from router.catalogue import parse_catalogue
from router.channels.webhook import Settings
from router.errors import PolicyErrors

MARKED = "MARKED-7f3a"


def settings(**given: Any) -> Settings:
    return Settings.model_validate({"url": "https://a.example.org", "secret": "env:S", **given})


def complaints(scope: str, **given: Any) -> list[tuple[str, str]]:
    lines = [f"  {key}: {value}" for key, value in given.items()]
    readers = "\n  readable_by: [a]" if scope == "internal" else ""
    text = f"desk:\n  kind: webhook\n  scope: {scope}{readers}\n  carries: []\n  secret: env:S\n" + "\n".join(lines)
    try:
        parse_catalogue(text)
    except PolicyErrors as errors:
        return [(problem.code, problem.said) for problem in errors.problems]
    return []


@pytest.mark.parametrize(
    ("written", "read"),
    [("10.1.0.0/16", "10.1.0.0/16"), ("10.1.2.3", "10.1.2.3/32"), ("fd12::/48", "fd12::/48"), ("::1", "::1/128")],
)
def test_a_network_is_a_range_or_one_address(written: str, read: str) -> None:
    assert [str(network) for network in settings(networks=[written]).networks] == [read]


@pytest.mark.parametrize("written", ["10.1.2.3/16", "0.0.0.0/0", "::/0", "10.0.0.0/7", "a.example.org", "", 10, None])
def test_anything_else_is_no_network(written: object) -> None:
    with pytest.raises(ValidationError):
        settings(networks=[written])


def test_the_network_that_is_meant_is_named() -> None:
    [(code, said)] = complaints("external", url="https://a.example.org", networks="[10.1.2.3/16]")

    assert code == "odd_value"
    assert "10.1.0.0/16" in said


@pytest.mark.parametrize("path", ["ca.pem", "/a/../b", "/a b", "~/ca.pem", "/", "/a//b", "$HOME/x", "/a\n"])
@pytest.mark.parametrize("key", ["ca", "client_certificate"])
def test_a_file_is_named_by_an_absolute_path(key: str, path: str) -> None:
    assert settings(**{key: "/etc/ssl/our-ca.pem"})
    with pytest.raises(ValidationError):
        settings(**{key: path})


@pytest.mark.parametrize("proxy", ["http://proxy.example.org:3128", "https://10.0.0.1:443", "http://[fd12::1]:8080/"])
def test_a_proxy_is_an_address_with_a_port(proxy: str) -> None:
    assert settings(proxy=proxy).proxy == proxy


@pytest.mark.parametrize(
    "proxy",
    [
        "proxy.example.org:3128",
        "http://proxy.example.org",
        "socks5://proxy.example.org:1080",
        "http://proxy.example.org:3128/path",
        "http://:3128",
        "http://proxy.example.org:99999",
        f"http://user:{MARKED}@proxy.example.org:3128",
    ],
)
def test_anything_else_is_no_proxy(proxy: str) -> None:
    with pytest.raises(ValidationError) as caught:
        settings(proxy=proxy)

    assert MARKED not in str(caught.value)


@pytest.mark.parametrize(
    "given",
    [
        {"client_key": "/k.pem"},
        {"url": "http://127.0.0.1", "ca": "/ca.pem"},
        {"url": "http://127.0.0.1", "client_certificate": "/c.pem"},
        {"url": "http://localhost:80", "proxy": "http://proxy.example.org:3128"},
        {"proxy": "http://proxy.example.org:3128", "networks": ["10.0.0.0/8"]},
    ],
    ids="+".join,
)
def test_what_would_have_no_effect_does_not_load(given: dict[str, Any]) -> None:
    [(code, _)] = complaints("external", **{"url": "https://a.example.org", "networks": [], **given})

    assert code == "no_effect"


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "0177.0.0.1", "127.1", "127.0.0.1.", "1.2.3.4.5"])
def test_an_address_of_numbers_is_written_plainly(host: str) -> None:
    with pytest.raises(ValidationError):
        settings(url=f"https://{host}/x")


@pytest.mark.parametrize(
    "url", ["https://[fe80::1%25eth0]/", "https://a%2eexample.org/", "unix:///run/x", "http+unix://x"]
)
def test_no_other_way_to_name_a_host_loads(url: str) -> None:
    with pytest.raises(ValidationError):
        settings(url=url)


@pytest.mark.parametrize("host", ["b\u00fccher.example.org", "\u2460\u2461\u2466.0.0.1", "a.example.org\u3002"])
def test_a_name_of_other_letters_is_written_as_dns_has_it(host: str) -> None:
    assert settings(url="https://xn--bcher-kva.example.org")
    with pytest.raises(ValidationError):
        settings(url=f"https://{host}/")


@pytest.mark.parametrize("port", [22, 25, 1, 65535])
def test_any_port_that_is_configured_will_do(port: int) -> None:
    assert settings(url=f"https://a.example.org:{port}/x")


@pytest.mark.parametrize(
    ("scope", "host", "good"),
    [
        ("external", "127.0.0.1", False),
        ("external", "[::1]", False),
        ("external", "10.0.0.1", False),
        ("external", "[::ffff:10.0.0.1]", False),
        ("external", "[64:ff9b::a00:1]", False),
        ("external", "8.8.8.8", True),
        ("internal", "10.0.0.1", True),
        ("internal", "169.254.169.254", False),
        ("internal", "[::ffff:a9fe:a9fe]", False),
    ],
)
def test_an_address_that_may_not_be_reached_does_not_load(scope: str, host: str, *, good: bool) -> None:
    found = [code for code, _ in complaints(scope, url=f"https://{host}/x")]

    assert found == ([] if good else ["refused_address"])


def test_a_listed_address_loads() -> None:
    assert complaints("external", url="https://10.0.0.1/x", networks="[10.0.0.0/24]") == []


@pytest.mark.parametrize(("scope", "network"), [("external", "8.8.8.0/24"), ("internal", "10.0.0.0/8")])
def test_a_list_that_keeps_nothing_out_does_not_load(scope: str, network: str) -> None:
    assert [code for code, _ in complaints(scope, url="https://a.example.org", networks=f"[{network}]")] == [
        "no_effect"
    ]


@pytest.mark.parametrize("reference", ["command:/usr/local/bin/token", "file:/run/secrets/t-1"])
def test_a_secret_may_come_from_a_file_or_command(reference: str) -> None:
    assert settings(secret=reference).secret == reference


@pytest.mark.parametrize("reference", ["command:token", "command:/bin/echo MARKED-7f3a", "command:", "command:/a;b"])
def test_a_command_has_no_arguments(reference: str) -> None:
    with pytest.raises(ValidationError) as caught:
        settings(secret=reference)

    assert MARKED not in str(caught.value)
