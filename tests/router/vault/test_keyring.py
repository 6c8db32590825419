"""Keys of members, teams and recovery: each opens what it should, with its own secret only."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.clock import CROCKFORD
from router.errors import SealBroken
from router.keyrecords import MemberKey, TeamKeyWrap
from router.vault.keyring import (
    RECOVERY_PREFIX,
    Cost,
    make_member,
    make_recovery,
    make_team_key,
    new_passphrase,
    open_team_key,
    read_recovery,
    share_team_key,
    unlock_member,
)
from router.vault.suite import DEFAULT, new_pair, seal, unseal

CHEAP = Cost(memory_kib=64, passes=1)
PASSPHRASE = "0123-4567-89AB-CDEF-GHJK-MNPQ"


def a_member(handle: str = "ana") -> MemberKey:
    return make_member(handle, PASSPHRASE, CHEAP)


def test_a_guess_costs_128_mib_and_three_passes() -> None:
    member = make_member("ana", PASSPHRASE)

    assert member.kdf == "argon2id:m=131072,t=3,p=1"
    assert unlock_member(member, PASSPHRASE).key_id == member.key_id


def test_a_passphrase_has_120_bits() -> None:
    passphrase = new_passphrase()

    assert len(passphrase.replace("-", "")) == 24
    assert len(CROCKFORD) ** 24 == 2**120


@pytest.mark.parametrize(
    "typed", [PASSPHRASE.lower(), f" {PASSPHRASE} \n", PASSPHRASE.replace("0", "o").replace("-", " ")]
)
def test_a_passphrase_may_be_typed_as_people_type(typed: str) -> None:
    member = a_member()

    assert unlock_member(member, typed).key_id == member.key_id


@pytest.mark.parametrize("typed", ["", "x", PASSPHRASE[:-1] + "R", PASSPHRASE + "0", "0" * 100_000])
def test_a_wrong_passphrase_opens_nothing(typed: str) -> None:
    with pytest.raises(SealBroken, match="wrong_passphrase"):
        unlock_member(a_member(), typed)


def test_a_member_s_row_cannot_be_given_to_somebody_else() -> None:
    ana, ben = a_member("ana"), a_member("ben")

    for forged in (
        replace(ana, handle="ben"),
        replace(ana, key_id=ben.key_id),
        replace(ana, wrapped_private=ben.wrapped_private, salt=ben.salt),
        replace(ana, wrapped_private=ben.wrapped_private),
        replace(ana, kdf="argon2id:m=65,t=1,p=1"),
        replace(ana, wrapped_private=b""),
        replace(ana, kdf="argon2id:m=0,t=0,p=0"),
    ):
        with pytest.raises(SealBroken, match="wrong_passphrase"):
            unlock_member(forged, PASSPHRASE)


@pytest.mark.parametrize(
    ("kdf", "code"),
    [("argon2id:m=9999999,t=1,p=1", "kdf_too_costly"), ("scrypt:n=1", "kdf_unknown"), ("", "kdf_unknown")],
)
def test_a_row_cannot_ask_for_absurd_work(kdf: str, code: str) -> None:
    with pytest.raises(SealBroken, match=code):
        unlock_member(replace(a_member(), kdf=kdf), PASSPHRASE)


def test_a_member_opens_the_team_s_key() -> None:
    team, team_private = make_team_key("security")
    ana = a_member()

    wrap = share_team_key(team_private, ana)

    assert open_team_key(wrap, team.suite, unlock_member(ana, PASSPHRASE)) == team_private
    assert team.key_id == team_private.key_id


def test_a_team_s_key_opens_for_nobody_else_and_under_no_other_name() -> None:
    _, security = make_team_key("security")
    _, hr = make_team_key("hr")
    ana, ben = a_member("ana"), a_member("ben")
    for_security, for_hr = share_team_key(security, ana), share_team_key(hr, ana)

    for wrap, who in (
        (for_security, ben),
        (TeamKeyWrap(hr.key_id, ana.key_id, for_security.sealed), ana),
        (TeamKeyWrap(security.key_id, ana.key_id, for_hr.sealed), ana),
    ):
        with pytest.raises(SealBroken):
            open_team_key(wrap, DEFAULT, unlock_member(who, PASSPHRASE))


def test_a_wrap_forged_with_public_keys_alone_is_found_out() -> None:
    team, _ = make_team_key("security")
    _, planted = make_team_key("security")
    ana = a_member()
    forged = share_team_key(replace(planted, key_id=team.key_id), ana)

    with pytest.raises(SealBroken, match="key_swapped"):
        open_team_key(forged, team.suite, unlock_member(ana, PASSPHRASE))


def test_the_recovery_identity_is_the_recipient_s_private_key() -> None:
    recipient, identity = make_recovery()
    private = read_recovery(identity)

    assert recipient.owner == "recovery"
    assert private.key_id == recipient.key_id
    assert unseal(seal(b"x", recipient.suite, recipient.public, info=b"i"), private, info=b"i") == b"x"


@pytest.mark.parametrize("case", [str.lower, str.upper])
@pytest.mark.parametrize("between", ["-", " ", ""])
@pytest.mark.parametrize("left_out", ["", RECOVERY_PREFIX])
def test_the_recovery_identity_survives_being_typed(case: Callable[[str], str], between: str, left_out: str) -> None:
    recipient, identity = make_recovery()
    typed = identity.removeprefix(left_out).replace("-", between)

    assert read_recovery(case(typed)).key_id == recipient.key_id


@given(place=st.integers(0, 55), other=st.sampled_from(CROCKFORD))
def test_one_wrong_character_in_the_recovery_identity_is_noticed(place: int, other: str) -> None:
    _, identity = make_recovery()
    code = list(identity.removeprefix(RECOVERY_PREFIX).replace("-", ""))
    if code[place] == other:
        return
    code[place] = other

    with pytest.raises(SealBroken, match="identity_malformed"):
        read_recovery("".join(code))


@pytest.mark.parametrize("typed", ["", "CR-RECOVERY-", "CR-RECOVERY-0000", PASSPHRASE])
def test_what_cannot_be_a_recovery_identity_is_refused(typed: str) -> None:
    with pytest.raises(SealBroken, match="identity_malformed"):
        read_recovery(typed)


@settings(max_examples=20)
@given(handle=st.text(max_size=10))
def test_nothing_secret_shows_in_a_stored_key(handle: str) -> None:
    member = make_member(handle, PASSPHRASE, CHEAP)
    private = unlock_member(member, PASSPHRASE)

    stored = repr(member)

    assert PASSPHRASE not in stored
    assert private.raw not in member.wrapped_private
    assert new_pair()[0].raw not in member.wrapped_private
