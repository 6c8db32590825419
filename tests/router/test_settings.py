"""Settings: what wins over what, what a child may know, and that env.example tells all."""

import json
from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from router.errors import Broken
from router.settings import CHILD, SERVERS_FILE, Settings
from router.vocabulary import CaseLink, Login

EXAMPLE = Path(__file__).parents[2] / "config/env.example"


@pytest.fixture(autouse=True)
def no_settings_of_the_caller(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"CONCERN_ROUTER_{name.upper()}", raising=False)
    monkeypatch.setenv("CONCERN_ROUTER_STATE_DIR", str(tmp_path))


def an_up_is_running(state_dir: Path) -> None:
    addresses = {f"database_url_{login.value}": f"postgresql://{login.value}@embedded" for login in Login}
    (state_dir / SERVERS_FILE).write_text(json.dumps(addresses))


def test_env_example_lists_every_setting_with_its_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CONCERN_ROUTER_STATE_DIR")
    lines = [line.removeprefix("#") for line in EXAMPLE.read_text().splitlines() if line.startswith("#CONCERN_ROUTER_")]
    told = dict(line.split("=", 1) for line in lines)

    assert list(told) == [f"CONCERN_ROUTER_{name.upper()}" for name in Settings.model_fields]
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    as_told = Settings()
    for name, field in Settings.model_fields.items():
        assert getattr(as_told, name) == field.default, name


def test_commands_find_the_servers_of_a_running_up(tmp_path: Path) -> None:
    an_up_is_running(tmp_path)

    assert Settings().dsn(Login.CONSOLE) == "postgresql://console@embedded"


def test_the_environment_wins_over_a_running_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    an_up_is_running(tmp_path)
    monkeypatch.setenv("CONCERN_ROUTER_DATABASE_URL_CONSOLE", "postgresql://mine@elsewhere")

    assert Settings().dsn(Login.CONSOLE) == "postgresql://mine@elsewhere"


def test_a_child_of_up_reads_no_login_but_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    an_up_is_running(tmp_path)
    monkeypatch.setenv(CHILD, "any")
    monkeypatch.setenv("CONCERN_ROUTER_DATABASE_URL_INTAKE", "postgresql://own@embedded")

    settings = Settings()

    assert settings.dsn(Login.INTAKE) == "postgresql://own@embedded"
    for login in (Login.WORKER, Login.CONSOLE, Login.CHAINER):
        with pytest.raises(Broken, match=f"DATABASE_URL_{login.value.upper()}"):
            settings.dsn(login)


def test_secrets_may_be_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "credentials"
    folder.mkdir()
    (folder / "concern_router_database_url_worker").write_text("postgresql://from@file\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))

    assert Settings().dsn(Login.WORKER) == "postgresql://from@file"


def test_an_empty_variable_is_an_unset_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONCERN_ROUTER_REDIS_URL", "")

    with pytest.raises(Broken, match="CONCERN_ROUTER_REDIS_URL"):
        _ = Settings().broker


def test_proxies_are_written_with_commas_between(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONCERN_ROUTER_TRUSTED_PROXIES", "10.0.0.7, fd00::/8")

    assert Settings().trusted_proxies == ("10.0.0.7", "fd00::/8")


@pytest.mark.parametrize("odd", ["*", "[]", "proxy.example", "10.0.0.7/8"])
def test_what_is_no_network_is_refused_as_a_proxy(odd: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONCERN_ROUTER_TRUSTED_PROXIES", odd)

    with pytest.raises(ValidationError, match="trusted_proxies"):
        Settings()


def test_the_console_is_where_it_is_bound_unless_said_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONCERN_ROUTER_CONSOLE_BIND", "127.0.0.1:9001")
    bound = Settings()
    monkeypatch.setenv("CONCERN_ROUTER_CONSOLE_URL", "https://console.example")

    assert str(bound.console_address) == "http://127.0.0.1:9001/"
    assert str(Settings().console_address) == "https://console.example/"


def test_a_wrong_value_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONCERN_ROUTER_BIND", "MARKED-7f3a")

    with pytest.raises(ValidationError) as refused:
        Settings()

    assert "MARKED" not in str(refused.value)


def test_secrets_do_not_show() -> None:
    settings = Settings(database_url="postgresql://owner:MARKED-7f3a@here/db")

    assert "MARKED" not in repr(settings)
    assert "MARKED" not in settings.model_dump_json()


@pytest.mark.parametrize("rest", ["host/prefix", "name:secret@host", "my_host", "host/?a=b", "host/#a"])
def test_a_console_address_that_no_referral_could_carry_is_refused(monkeypatch: pytest.MonkeyPatch, rest: str) -> None:
    monkeypatch.setenv("CONCERN_ROUTER_CONSOLE_URL", f"https://{rest}")

    with pytest.raises(ValidationError, match="console_url") as refused:
        Settings()

    assert rest not in str(refused.value)


@pytest.mark.parametrize("host", ["console.example.org", "127.0.0.1:8001", "[::1]:8001", "h\u00f6st.example/"])
def test_a_bare_console_address_is_taken(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("CONCERN_ROUTER_CONSOLE_URL", f"https://{host}")

    TypeAdapter(CaseLink).validate_python(f"{str(Settings().console_url).rstrip('/')}/console/cases/CR-0000-0000-0000")


def test_pools_are_written_with_their_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONCERN_ROUTER_WORKER_POOLS", "slow=1, night=2,")

    assert Settings().worker_pools == (("slow", 1), ("night", 2))


@pytest.mark.parametrize("odd", ["slow", "slow=0", "slow=x", "=1", "Slow=1", "slow=1,slow=2", "doorbells=3", "a:b=1"])
def test_pools_that_cannot_be_are_refused(monkeypatch: pytest.MonkeyPatch, odd: str) -> None:
    monkeypatch.setenv("CONCERN_ROUTER_WORKER_POOLS", odd)

    with pytest.raises(ValidationError):
        Settings()
