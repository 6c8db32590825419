"""A backlog made at a stroke: deliveries that are due and went through no web process, for both programs."""

import subprocess
import sys
import time
from collections.abc import Mapping

import psutil
from sqlalchemy import create_engine, text

from router.clock import new_reference
from router.store.posting import referral_id
from router.store.tables import cases
from tests.running import CHECKOUT

AT_ONCE = 10_000


def of_cases(owner_dsn: str, count: int) -> float:
    """Copy a delivered case `count` times, each with one referral that is due; return when the last was committed."""
    engine = create_engine(owner_dsn.replace("postgresql:", "postgresql+psycopg:", 1))
    case = [
        column.name for column in cases.columns if column.name not in {"reference", "receipt_lookup", "receipt_public"}
    ]
    kept = ["channel", "kind", "revision", "policy", "notice", "awaited", "kept_from"]
    copies = text(f"""
        with one as (select * from cases where reference = :like)
        insert into cases (reference, {", ".join(case)})
        select made, {", ".join(case)} from one, unnest(cast(:made as text[])) as made""")  # noqa: S608 - our own columns
    due = text(f"""
        with one as (select * from referrals where reference = :like and state = 'sent' order by revision limit 1)
        insert into referrals (id, reference, state, fields, {", ".join(kept)})
        select own, made, 'due', jsonb_set(fields, '{{reference}}', to_jsonb(made)), {", ".join(kept)}
        from one, unnest(cast(:made as text[]), cast(:ids as text[])) as m(made, own)""")  # noqa: S608 - our own columns
    with engine.begin() as connection:
        like, channel = connection.execute(
            text("select reference, channel from referrals where state = 'sent' and revision = 1 limit 1")
        ).one()
        for start in range(0, count, AT_ONCE):
            made = [new_reference() for _ in range(min(AT_ONCE, count - start))]
            ids = [referral_id(reference, channel, 1) for reference in made]
            connection.execute(copies, {"like": like, "made": made})
            connection.execute(due, {"like": like, "made": made, "ids": ids})
    engine.dispose()
    return time.time()


def of_tasks(env: Mapping[str, str], workers: psutil.Process, count: int) -> float:
    """Publish `count` tasks of the straight line while its workers stand still; return when they go on."""
    family = [workers, *workers.children(recursive=True)]
    for process in family:
        process.suspend()
    try:
        program = (
            "import sys; from tests.bench.straight_line import deliver\n"
            "for n in range(int(sys.argv[1])): deliver.delay(f'SL-backlog-{n}', {'category': 'other'})"
        )
        subprocess.run(
            [sys.executable, "-c", program, str(count)], cwd=CHECKOUT, env=dict(env), check=True, timeout=300
        )
    finally:
        for process in family:
            process.resume()
    return time.time()
