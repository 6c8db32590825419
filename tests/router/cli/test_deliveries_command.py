"""`deliveries` shows where each referral stands and what was tried, and does what people decide; it notes who."""

import json
import re

import pytest
from redis import Redis

from router.bell import QUEUE
from router.cli import main
from router.embedded.redis import EmbeddedRedis
from tests.router.cli.desks import Desk

KEYS = {"reference", "channel", "kind", "state", "attempts", "remote_id", "due_at", "settled_at", "outcome"}
SHOWN = {
    *KEYS,
    *("proof", "revision", "notice", "awaited", "about", "instead_of", "unsure", "first_due_at", "retried_at"),
    *("acknowledged_at", "look_at", "held_by", "held_until", "tried", "filed", "ticket", "ticket_at", "disagreement"),
}


def kill(desk: Desk) -> None:
    desk.change(
        "update referrals set state = 'dead', attempts = 3, outcome = 'http_503', settled_at = clock_timestamp(),"
        " leased_at = clock_timestamp() where channel = 'desk'"
    )


def test_json_has_the_agreed_keys_and_the_proof(desk: Desk) -> None:
    rows = {row["channel"]: row for row in json.loads(desk.run("list", "--json"))}

    assert all(
        set(row) == {*KEYS, "proof", "ticket", "disagreement"} and row["reference"] == desk.reference
        for row in rows.values()
    )
    assert (rows["hr"]["state"], rows["hr"]["remote_id"], rows["hr"]["attempts"]) == ("sent", "7", 1)
    assert (rows["desk"]["state"], rows["desk"]["settled_at"]) == ("due", None)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", rows["desk"]["due_at"])
    assert (rows["hr"]["proof"], rows["desk"]["proof"]) == ("visible", None)


def test_people_get_a_line_each_with_columns_below_each_other(desk: Desk) -> None:
    lines = desk.run("list").splitlines()

    assert len(lines) == 2
    assert all(line.startswith(desk.reference) for line in lines)
    assert sorted(line.split()[1] for line in lines) == ["due", "sent"]
    assert len({line.index(" tried") for line in lines}) == 1


def test_looking_is_noted(desk: Desk) -> None:
    desk.run("list")
    desk.run("show", desk.reference)

    assert desk.audited("deliveries_listed") == [("referrals", "ok", "")]
    assert desk.audited("delivery_shown") == [(desk.reference, "ok", "")]


@pytest.mark.parametrize(
    ("given", "count"),
    [
        ((), 3),
        (("--waiting",), 5),
        (("--state", "standby"), 1),
        (("--state", "recalled", "--state", "sent"), 3),
        (("--channel", "desk"), 2),
        (("--channel", "desk", "--state", "due"), 1),
        (("--state", "dead"), 0),
    ],
)
def test_what_waits_or_was_withdrawn_untried_is_listed_when_asked_for(
    desk: Desk, given: tuple[str, ...], count: int
) -> None:
    desk.change(
        """insert into referrals (id, reference, channel, kind, revision, policy, state, fields, lease_no)
           select revision_no::text, reference, channel, kind, revision_no, policy, become, fields, tried
           from referrals, (values ('standby', 2, 0), ('recalled', 3, 0), ('recalled', 4, 1))
                as more (become, revision_no, tried) where channel = 'desk'"""
    )

    assert len(json.loads(desk.run("list", "--json", *given))) == count


def test_shows_each_referral_with_what_was_tried_and_no_field_of_it(desk: Desk) -> None:
    desk.change('update referrals set fields = fields || \'{"site": "marked_7f3a"}\'')
    desk.change(
        "insert into attempts (referral, attempt, started_at, took_ms, outcome, remote_id)"
        " select id, 1, '2026-11-23T09:00:00Z', 250, 'sent', '7' from referrals where channel = 'hr'"
    )
    desk.change(
        "insert into channel_states (channel, breaker, until, code)"
        " values ('desk', 'open', clock_timestamp() + interval '1 min', 'not_authorised')"
    )
    said, rows = desk.run("show", desk.reference), json.loads(desk.run("show", desk.reference, "--json"))
    hr, waiting = sorted(rows, key=lambda row: row["state"] == "due")

    assert set(hr) == set(waiting) == SHOWN
    assert hr["tried"] == [
        {"attempt": 1, "started_at": "2026-11-23T09:00:00Z", "took_ms": 250, "outcome": "sent", "remote_id": "7"}
    ]
    assert (waiting["held_by"], waiting["tried"], hr["held_by"]) == ("not_authorised", [], None)
    assert f"{desk.reference}  hr (webhook), revision 1: sent" in said
    assert re.search(r"^  tried  1  2026-11-23T09:00:00Z  250 ms  sent  7$", said, re.MULTILINE)
    assert re.search(r"^  proof +visible$", said, re.MULTILINE)
    assert re.search(r"^  channel held +not_authorised; see `channels list desk`$", said, re.MULTILINE)
    assert re.search(rf"^  next try +{waiting['held_until'][:19]}Z$", said, re.MULTILINE)
    assert "marked_7f3a" not in said + json.dumps(rows)
    assert len(json.loads(desk.run("show", desk.reference.lower(), "--channel", "hr", "--json"))) == 1


def test_shows_the_number_and_the_state_of_each_report_that_was_opened_outside(desk: Desk) -> None:
    desk.change(
        """insert into filings (referral, lease_no, test, state, report_id, asked_at, opened_at, ended_at, code)
           select r.id, 1, true, became, number, '2026-11-23T09:00:00Z', at::timestamptz, at::timestamptz, code
           from referrals r, (values ('lost', null, null, null), ('finished', '4564001', '2026-11-23T09:01:00Z', 0))
                as more (became, number, at, code) where channel = 'hr' order by became desc"""
    )
    said, [row] = (
        desk.run("show", desk.reference),
        json.loads(desk.run("show", desk.reference, "--channel", "hr", "--json")),
    )

    thrown_away = "test system: thrown away there"
    assert re.search(rf"^  report  no number  lost +2026-11-23T09:00:00Z  - +{thrown_away}$", said, re.MULTILINE)
    assert re.search(rf"^  report  4564001 +finished  2026-11-23T09:01:00Z  code 0  {thrown_away}$", said, re.MULTILINE)
    assert [(one["state"], one["report_id"]) for one in row["filed"]] == [("lost", None), ("finished", "4564001")]


@pytest.mark.parametrize(
    ("awaited", "instead_of", "until"),
    [
        ("claim", None, "somebody has claimed it"),
        ("delivery", None, "everybody has got it who should at once"),
        ("delivery", "hr", "hr has got it"),
    ],
)
def test_what_waits_says_what_makes_it_needless(desk: Desk, awaited: str, instead_of: str | None, until: str) -> None:
    desk.change(
        "update referrals set state = 'standby', awaited = %s, instead_of = %s where channel = 'desk'",
        awaited,
        instead_of,
    )

    assert re.search(rf"^  not once +{until}$", desk.run("show", desk.reference), re.MULTILINE)


def test_what_is_dead_says_what_can_be_done_about_it(desk: Desk) -> None:
    kill(desk)
    said = desk.run("show", desk.reference)

    assert f"`deliveries retry {desk.reference} --channel desk` when it is mended, or `deliveries give-up " in said


def test_nothing_such_is_said_and_a_channel_that_nobody_knows_is_no_empty_list(
    desk: Desk, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "unknown_channel" in desk.fails("list", "--channel", "elsewhere")
    monkeypatch.setattr("sys.argv", ["concern-router", "deliveries", "list", "--state", "dead"])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr()

    assert (ended.value.code or 0, said.out, said.err) == (0, "", "nothing such\n")


@pytest.mark.parametrize(
    ("asked", "hint"),
    [
        (["CR-0000-0000-0000"], "deliveries list"),
        (["MARKED-7f3a"], "deliveries list"),
        (["{reference}", "--channel", "desx"], "to: desk, hr"),
    ],
)
@pytest.mark.parametrize("command", [["show"], ["retry"], ["give-up", "--reason", "not there"]])
def test_what_is_unknown_is_said_with_a_hint_and_not_repeated(
    desk: Desk, command: list[str], asked: list[str], hint: str
) -> None:
    arguments = [word.format(reference=desk.reference) for word in asked]
    if command[0] == "give-up" and "--channel" not in arguments:
        arguments += ["--channel", "desk"]
    said = desk.fails(command[0], *arguments, *command[1:])

    assert "unknown_delivery" in said
    assert hint in said
    assert "MARKED" not in said
    audit = str(desk.ask("select * from audit"))
    assert "refused_unknown_delivery" in audit
    assert "MARKED" not in audit


def test_a_dead_one_is_tried_again_at_once_and_its_channel_is_rung(desk: Desk, redis_server: EmbeddedRedis) -> None:
    kill(desk)
    desk.change(
        "insert into channel_states (channel, breaker, until)"
        " values ('desk', 'open', clock_timestamp() + interval '9 min'),"
        " ('hr', 'half_open', clock_timestamp() + interval '9 min')"
    )
    said = desk.run("retry", desk.reference, "--reason", "the token is mended")

    assert said == f"{desk.reference}  desk, revision 1: due now\n"
    assert desk.stands() == ("due", "http_503")
    [row] = desk.ask(
        "select attempts, retried_after, settled_at, leased_at, retried_at > clock_timestamp() - interval '1 min',"
        " due_at <= clock_timestamp() from referrals where channel = 'desk'"
    )
    assert row == (3, 3, None, None, True, True)
    assert desk.ask("select channel from channel_states where until <= clock_timestamp()") == [("desk",)]
    assert desk.audited("referral_retried") == [(desk.reference, "ok", "desk:1 the token is mended")]
    with Redis.from_url(redis_server.url) as redis:
        assert redis.llen(QUEUE) == 1


def test_what_may_be_there_already_is_looked_for_in_its_time(desk: Desk) -> None:
    desk.change(
        "update referrals set unsure = 2, due_at = '2126-11-23T09:00:00Z', leased_at = now() where channel = 'desk'"
    )

    said = desk.run("retry", desk.reference)
    assert said.endswith("revision 1: it may be there already, and is looked for at 2126-11-23T09:00:00Z\n")
    assert "may be there  2 more looks" in re.sub(" +", lambda gap: gap[0][:2], desk.run("show", desk.reference))


def test_without_redis_it_is_due_all_the_same_and_the_command_says_who_will_ring(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CONCERN_ROUTER_REDIS_URL", "redis://127.0.0.1:1/0")
    kill(desk)
    monkeypatch.setattr("sys.argv", ["concern-router", "deliveries", "retry", desk.reference, "--json"])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr()

    assert not ended.value.code
    assert json.loads(said.out) == {"due_again": 1}
    assert "next sweep" in said.err
    assert desk.stands()[0] == "due"


def test_all_that_is_dead_for_a_channel_is_tried_again_and_counted(desk: Desk) -> None:
    kill(desk)
    desk.change(
        """insert into referrals (id, reference, channel, kind, policy, state, fields, settled_at)
           select n::text, 'DRILL-0000-0000-' || to_char(n, 'FM0000'), channel, kind, policy, 'dead', fields,
                  clock_timestamp() from referrals, generate_series(1, 2100) n where channel = 'desk'"""
    )
    desk.change("update referrals set state = 'dead', settled_at = clock_timestamp() where channel = 'hr'")

    assert desk.run("retry", "--channel", "desk", "--dead") == "desk: 2101 due now\n"
    assert desk.ask("select channel, state, count(*) from referrals group by 1, 2 order by 1") == [
        ("desk", "due", 2101),
        ("hr", "dead", 1),
    ]
    assert len(desk.audited("referral_retried")) == 2101


def test_nothing_dead_is_none_and_a_channel_that_nobody_knows_is_said(desk: Desk) -> None:
    channels = "desk: {kind: folder, scope: internal, readable_by: [security], carries: [], path: a}"
    desk.change("update policies set channels = %s", channels)
    desk.change("insert into policy_activations (digest) select digest from policies")

    assert desk.run("retry", "--channel", "desk", "--dead") == "desk: 0 due now\n"
    assert "did you mean 'desk'" in desk.fails("retry", "--channel", "desc", "--dead")


@pytest.mark.parametrize("arguments", [[], ["--dead"], ["--channel", "desk"], ["CR-0000-0000-0000", "--dead"]])
def test_a_retry_of_nobody_knows_what_is_refused(desk: Desk, arguments: list[str]) -> None:
    assert "odd_options" in desk.fails("retry", *arguments)


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("sent", "already_sent"),
        ("acknowledged", "already_sent"),
        ("recalled", "withdrawn"),
        ("draft", "not_approved"),
        ("standby", "not_yet"),
        ("leased", "being_sent"),
    ],
)
def test_what_cannot_be_tried_again_is_left_and_the_command_says_why(desk: Desk, state: str, code: str) -> None:
    desk.change("update referrals set state = %s, lease_until = now(), settled_at = now()", state)

    assert desk.fails("retry", desk.reference).startswith(f"concern-router: {code}: ")
    assert desk.stands()[0] == state
    assert desk.audited("referral_retried") == [(desk.reference, f"refused_{code}", "")]


@pytest.mark.parametrize("state", ["due", "dead"])
def test_what_is_given_up_is_withdrawn_with_who_and_why(desk: Desk, state: str) -> None:
    desk.change("update referrals set state = %s where channel = 'desk'", state)
    said = desk.run("give-up", desk.reference, "--channel", "desk", "--reason", "told them by phone")

    assert said == f"{desk.reference}  desk, revision 1: withdrawn\n"
    assert desk.stands() == ("recalled", "given_up")
    assert desk.audited("referral_given_up") == [(desk.reference, "ok", "desk:1 told them by phone")]
    assert desk.stands("hr") == ("sent", "sent")


def test_what_a_worker_has_is_given_up_when_it_does_not_get_through(desk: Desk) -> None:
    desk.change("update referrals set state = 'leased', lease_until = now() + interval '1 min' where channel = 'desk'")
    said = desk.run("give-up", desk.reference, "--channel", "desk", "--reason", "told them by phone")

    assert "a worker has it just now" in said
    assert desk.stands() == ("leased", "given_up")


def test_reminders_are_given_up_only_when_asked_for(desk: Desk) -> None:
    desk.change("update referrals set state = 'standby' where channel = 'desk'")
    asked = ("give-up", desk.reference, "--channel", "desk", "--reason", "told them by phone")

    assert "not_yet" in desk.fails(*asked)
    assert "withdrawn" in desk.run(*asked, "--waiting")
    assert desk.stands() == ("recalled", "given_up")


@pytest.mark.parametrize("reason", ["", "no", "x" * 201, "two\nlines"])
@pytest.mark.parametrize("command", ["retry", "give-up"])
def test_a_reason_is_a_short_line(desk: Desk, command: str, reason: str) -> None:
    kill(desk)

    assert "reason_malformed" in desk.fails(command, desk.reference, "--channel", "desk", "--reason", reason)
    assert desk.stands()[0] == "dead"


def test_giving_up_takes_a_reason(desk: Desk) -> None:
    assert "add --reason" in desk.fails("give-up", desk.reference, "--channel", "desk")
