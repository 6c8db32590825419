"""Forgets answers to repeat when their day is over."""

from sqlalchemy import Connection, text


def forget_answers(connection: Connection, *, older_than_h: int) -> int:
    """Delete idempotent answers stored more than `older_than_h` hours ago; return how many.

    Their keys are new again afterwards.
    """
    query = text("delete from idempotency where stored_at < clock_timestamp() - make_interval(hours => :hours)")
    return connection.execute(query, {"hours": older_than_h}).rowcount
