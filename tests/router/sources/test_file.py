"""What `sources.yaml` may not say: refused at its line, before any message comes."""

import pytest

from router.errors import PolicyErrors
from router.sources.file import parse_sources

GOOD = {
    "client": "helpdesk",
    "signed": "{signature: X-Signature}",
    "secret": "env:HELPDESK_SECRET",
    "key": "[/ticket]",
    "fields": "{category: other, noticed_how: helpdesk_repair, source_ticket: {at: /ticket}}",
}


def written(**changed: str | None) -> str:
    said = {name: value for name, value in {**GOOD, **changed}.items() if value is not None}
    return "helpdesk:\n" + "".join(f"  {name}: {value}\n" for name, value in said.items())


def test_a_signed_source_loads() -> None:
    assert set(parse_sources(written())) == {"helpdesk"}


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"secret": None}, "no_effect"),
        ({"secret": "hunter2"}, "clear_secret"),
        ({"signed": "{signature: X-Signature, window: 1d}"}, "odd_value"),
        ({"key": "[]"}, "wrong_kind"),
        ({"key": "[ticket]"}, "odd_pointer"),
        ({"fields": "{category: other, noticed_how: helpdesk_repair, narrative: /text}"}, "unknown_key"),
        ({"fields": "{category: other, noticed_how: by_chance}"}, "unknown_value"),
        ({"fields": "{category: other, noticed_how: helpdesk_repair}", "note_back": "desk"}, "missing"),
    ],
)
def test_what_cannot_work_is_refused(changed: dict[str, str | None], code: str) -> None:
    with pytest.raises(PolicyErrors) as refused:
        parse_sources(written(**changed))

    assert [problem.code for problem in refused.value.problems] == [code]
