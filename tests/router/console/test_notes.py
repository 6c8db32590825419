"""Notes and tasks on a case: sealed, kept whoever has the case, opened only with a line of the audit."""

import pytest
from sqlalchemy import text

from router.console import notes
from router.console.acting import IN_CONSOLE, By
from router.console.attempt import attempted
from router.console.notes import Note
from router.console.opening import identify
from router.errors import Forbidden, Refused
from router.store.engine import transaction
from router.vocabulary import NoteKind
from tests.router.console.deployments import Deployment

WORDS = "MARKED-7f3a note"


def by(reference: str, handle: str = "ana") -> By:
    return By(reference, handle, IN_CONSOLE)


def opened(deployment: Deployment, reference: str, handle: str = "ana", *, before: int | None = None) -> list[Note]:
    attempt = attempted(deployment.console, notes.OPENED, kind="person", handle=handle, reference=reference)
    reader = identify(attempt, handle, deployment.passphrases[handle])
    return list(notes.opened(attempt, reader, before=before))


def lines(deployment: Deployment, action: str) -> list[tuple[str, str, str]]:
    return [
        tuple(row)
        for row in deployment.rows(
            "select actor, outcome, detail from audit where action = :action order by id", action=action
        )
    ]


def test_a_note_is_read_by_another_member_as_it_was_written(deployment: Deployment) -> None:
    reference = deployment.file("fraud").reference

    notes.add(deployment.console, by(reference, "sven"), f"{WORDS}\r\n\tsecond line é 文字")

    [note] = opened(deployment, reference, "lena")
    assert note.text == f"{WORDS}\n\tsecond line é 文字"
    assert (note.stored.written_by, note.stored.kind) == ("sven", NoteKind.NOTE)
    assert lines(deployment, "note_written") == [("person:sven", "ok", f"note:{note.stored.id}")]
    assert lines(deployment, "notes_opened") == [("person:lena", "ok", "count:1")]


def test_nothing_of_a_note_stands_anywhere_in_clear(deployment: Deployment) -> None:
    reference = deployment.file().reference
    notes.add(deployment.console, by(reference), WORDS)
    notes.assign(deployment.console, by(reference), WORDS, to="sven", due_at=None)

    opened(deployment, reference)

    tables = ("case_notes", "audit", "cases", "referrals")
    stored = " ".join(str(deployment.rows(f"select t::text from {table} t")) for table in tables)  # noqa: S608 - ours
    assert "MARKED" not in stored
    assert WORDS.encode().hex() not in stored


def test_the_holder_of_a_lapsed_claim_still_adds_their_note(deployment: Deployment) -> None:
    reference = deployment.file().reference
    deployment.run("update cases set claimed_by = 'sven', claimed_at = now() where reference = :r", r=reference)

    notes.add(deployment.console, by(reference, "ana"), WORDS)

    assert [note.text for note in opened(deployment, reference)] == [WORDS]


@pytest.mark.parametrize("who", ["lena", "nobody", ""])
def test_whoever_has_no_key_of_the_case_neither_writes_nor_reads(deployment: Deployment, who: str) -> None:
    reference = deployment.file().reference

    with pytest.raises(Forbidden):
        notes.add(deployment.console, by(reference, who), WORDS)
    if who in deployment.passphrases:
        with pytest.raises(Forbidden, match="not_a_member"):
            opened(deployment, reference, who)

    assert deployment.rows("select from case_notes") == []
    assert lines(deployment, "note_written")[0][1].startswith("refused_")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("", "missing"),
        (" \n", "missing"),
        ("a" * 4001, "too_long"),
        ("a\x00b", "control_character"),
        ("data:image/png;base64,MARKED7f3aMARKED7f3a", "data_uri"),
    ],
)
def test_what_is_no_text_is_refused_and_said_so_without_it(deployment: Deployment, words: str, code: str) -> None:
    reference = deployment.file().reference

    with pytest.raises(Refused) as refused:
        notes.add(deployment.console, by(reference), words)

    assert [fault.code for fault in refused.value.faults] == [code]
    assert lines(deployment, "note_written") == [("person:ana", f"refused_text_{code}", "")]


def test_a_task_is_for_somebody_who_may_see_the_case(deployment: Deployment) -> None:
    reference = deployment.file().reference

    notes.assign(deployment.console, by(reference), WORDS, to=" SVEN ", due_at=None)
    for stranger in ("lena", "nobody", ""):
        with pytest.raises(Forbidden, match="not_a_colleague"):
            notes.assign(deployment.console, by(reference), WORDS, to=stranger, due_at=None)

    [task] = opened(deployment, reference)
    assert (task.stored.assigned_to, task.stored.open) == ("sven", True)


def test_a_task_is_done_once_and_only_on_its_own_case(deployment: Deployment) -> None:
    reference, other = deployment.file().reference, deployment.file().reference
    notes.assign(deployment.console, by(reference), WORDS, to="sven", due_at=None)
    notes.add(deployment.console, by(reference), WORDS)
    plain, task = (note.stored.id for note in opened(deployment, reference))

    for case, number in ((other, task), (reference, plain), (reference, task + 99)):
        with pytest.raises(Forbidden, match="not_a_task"):
            notes.finish(deployment.console, by(case), number)
    notes.finish(deployment.console, by(reference, "sven"), task)
    with pytest.raises(Forbidden, match="not_a_task"):
        notes.finish(deployment.console, by(reference), task)

    done = opened(deployment, reference)[1].stored
    assert (done.done_by, done.open) == ("sven", False)


def test_a_note_that_somebody_changed_or_moved_does_not_open_and_hides_no_other(deployment: Deployment) -> None:
    reference, other = deployment.file().reference, deployment.file().reference
    for case in (reference, reference, other):
        notes.add(deployment.console, by(case), WORDS)
    deployment.run(
        "update case_notes set blob = (select blob from case_notes where reference = :other)"
        " where id = (select min(id) from case_notes where reference = :mine)",
        other=other,
        mine=reference,
    )

    found = opened(deployment, reference)

    assert [note.text for note in found] == [WORDS, None]
    assert lines(deployment, "notes_opened")[-1][1] == "failed_does_not_open"


def test_a_note_is_news_of_the_case_and_older_ones_come_page_by_page(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Patched: a page of fifty takes long to fill.
    monkeypatch.setattr(notes, "PAGE", 2)
    reference = deployment.file().reference
    version = deployment.rows("select version from cases")[0][0]

    for n in range(3):
        notes.add(deployment.console, by(reference), f"{WORDS} {n}")

    first = opened(deployment, reference)
    rest = opened(deployment, reference, before=first[-1].stored.id)
    assert [note.text for note in first + rest] == [f"{WORDS} {n}" for n in (2, 1, 0)]
    assert deployment.rows("select version from cases")[0][0] > version


def test_the_console_changes_no_word_that_was_written(deployment: Deployment) -> None:
    notes.add(deployment.console, by(deployment.file().reference), WORDS)

    for change in (
        "update case_notes set blob = ''",
        "delete from case_notes",
        "update case_notes set written_by = 'sven'",
    ):
        with pytest.raises(Exception, match="42501"), transaction(deployment.console) as connection:
            connection.execute(text(change))
