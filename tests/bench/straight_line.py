"""The program that the product is measured beside: what an ordinary good programmer writes first.

FastAPI, one insert, one Celery task for each report, one POST. No sealing, no audit, no idempotency,
no outbox: a task lost in Redis is a report lost. Configured by DATABASE_URL, REDIS_URL and SINK_URL.
"""

import os
import secrets
from datetime import datetime
from typing import Any

import requests
from celery import Celery
from fastapi import FastAPI
from pydantic import BaseModel, Field
from sqlalchemy import JSON, DateTime, String, create_engine, func
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker

engine = create_engine(os.environ["DATABASE_URL"], pool_size=10, max_overflow=10)
Session = sessionmaker(engine, expire_on_commit=False)

queue = Celery("straight_line", broker=os.environ["REDIS_URL"])
queue.conf.task_ignore_result = True

app = FastAPI()


class Base(DeclarativeBase):
    type_annotation_map = {dict[str, Any]: JSON}  # noqa: RUF012 - SQLAlchemy names it


class Report(Base):
    __tablename__ = "reports"

    reference: Mapped[str] = mapped_column(String(32), primary_key=True)
    category: Mapped[str] = mapped_column(String(48))
    facts: Mapped[dict[str, Any]]
    narrative: Mapped[str | None]
    received_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class Concern(BaseModel):
    category: str = Field(max_length=48)
    noticed_how: str = Field(max_length=48)
    where_found: str | None = Field(default=None, max_length=48)
    occurred_at: datetime | None = None
    evidence_state: str | None = Field(default=None, max_length=48)
    asset_tag: str | None = Field(default=None, max_length=64)
    narrative: str | None = Field(default=None, max_length=4000)


class Filed(BaseModel):
    reference: str


@app.get("/healthz")
def healthz() -> dict[str, str]:
    return {"status": "ok"}


@app.post("/api/v1/concerns", status_code=201)
def file(concern: Concern) -> Filed:
    reference = f"SL-{secrets.token_hex(8)}"
    facts = concern.model_dump(mode="json", exclude={"narrative"}, exclude_none=True)
    with Session.begin() as session:
        session.add(Report(reference=reference, category=concern.category, facts=facts, narrative=concern.narrative))
    deliver.delay(reference, facts)
    return Filed(reference=reference)


@queue.task(bind=True, autoretry_for=(requests.RequestException,), retry_backoff=True, max_retries=10)
def deliver(_task: Any, reference: str, facts: dict[str, Any]) -> None:
    answer = requests.post(
        os.environ["SINK_URL"],
        json={"reference": reference, **facts},
        headers={"webhook-id": reference},
        timeout=10,
    )
    answer.raise_for_status()


if __name__ == "__main__":
    Base.metadata.create_all(engine)
