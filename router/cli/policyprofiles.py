"""The command `policy profiles`: which legal profiles there are, what each assumes, and from where. Changes nothing."""

from collections.abc import Iterator
from typing import Any

import typer

from router.cli.asking import say_json
from router.cli.policyreading import AsJson
from router.triage.legal import HOW_OLD, LAWS, NO_ADVICE, Law
from router.triage.stateduties import AS_OF, DUTIES, NAMES, SOURCE

commands = typer.Typer()


@commands.command()
def profiles(*, as_json: AsJson = False) -> None:
    """Show the legal profiles: clocks, bodies, how long is kept what left, and sources. No legal advice.

    Also the states of the US in which IT staff must report themselves, as far as this program knows.
    """
    if as_json:
        say_json(
            {
                "no_advice": NO_ADVICE,
                "how_old": HOW_OLD,
                "profiles": [_values(law) for law in LAWS.values()],
                "it_staff": {
                    "source": SOURCE,
                    "as_of": AS_OF,
                    "states": [{"region": region, "state": NAMES[region]} for region in sorted(DUTIES)],
                },
            }
        )
        return
    typer.echo(f"{NO_ADVICE}\n{HOW_OLD}")
    for law in LAWS.values():
        typer.echo("")
        for line in _lines(law):
            typer.echo(line)
    typer.echo("\ncustom: what policy.yaml says below `legal`: statutory_clocks, preserve_months, wants, source")
    states = ", ".join(sorted(NAMES[region] for region in DUTIES))
    typer.echo(f"\nIT staff who come across such material must report it themselves in: {states}.\n  [{SOURCE}]")


def _values(law: Law) -> dict[str, Any]:
    return {
        "profile": law.profile.value,
        "label": law.label,
        "statutory_clocks": law.statutory_clocks,
        "wants": [wanted.value for wanted in law.wants],
        "preserve_months": law.preserve_months,
        "preserve_why": law.preserve_why,
        "says": [{"text": said.text, "source": said.source} for said in law.says],
    }


def _lines(law: Law) -> Iterator[str]:
    yield f"{law.profile}: {law.label}"
    yield f"  clocks for persons' reports: {'7 days, 3 months' if law.statutory_clocks else 'none by law'}"
    yield f"  drafts wanted: {', '.join(law.wants)}"
    yield f"  what left is kept for: {law.preserve_months} months. {law.preserve_why}"
    for said in law.says:
        yield f"  - {said.text}\n      [{said.source}]"
