"""The service that a team would write without us: FastAPI, SQLAlchemy's ORM over asyncpg, Pydantic models.

It answers with what we answer with: the page and its total, the dataset and its version, notes that belong to
the figures, a citation, links that pin the answer, an ETag; and it refuses codes that do not exist. Each of
these is done as the three libraries' own documentation does it, with as few queries as that takes. It has no
past: one version of each dataset, so that no query is spent on what was published when.
"""

import hashlib
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends, FastAPI, HTTPException, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from sqlalchemy import ColumnElement, ForeignKey, func, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, joinedload, mapped_column, relationship, selectinload
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.benchmarks.peers import DATABASE, connect


class Base(DeclarativeBase):
    """The tables of this service."""


class DatasetRow(Base):
    """One dataset in its newest version."""

    __tablename__ = "dataset"

    id: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[str]
    published_at: Mapped[datetime]
    attribution: Mapped[str]
    processing: Mapped[str]


class NoteRow(Base):
    """One note that belongs to an indicator."""

    __tablename__ = "note"

    id: Mapped[int] = mapped_column(primary_key=True)
    indicator: Mapped[str] = mapped_column(ForeignKey("indicator.id"))
    mandatory: Mapped[bool]
    text: Mapped[str]


class IndicatorRow(Base):
    """One indicator, its dataset and its notes."""

    __tablename__ = "indicator"

    id: Mapped[str] = mapped_column(primary_key=True)
    dataset_id: Mapped[str] = mapped_column(ForeignKey("dataset.id"))
    dataset: Mapped[DatasetRow] = relationship()
    notes: Mapped[list[NoteRow]] = relationship()


class MunicipalityRow(Base):
    """One municipality."""

    __tablename__ = "municipality"

    code: Mapped[str] = mapped_column(primary_key=True)


class ObservationRow(Base):
    """One figure as a row."""

    __tablename__ = "observation"

    indicator: Mapped[str] = mapped_column(primary_key=True)
    municipality: Mapped[str] = mapped_column(primary_key=True)
    sex: Mapped[str] = mapped_column(primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True)
    breakdown: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[float | None]
    status: Mapped[str | None]


class Told(BaseModel):
    """What every part of an answer is: read from a row, named as JSON names it."""

    model_config = ConfigDict(from_attributes=True, alias_generator=to_camel, populate_by_name=True)


class ObservationOut(Told):
    """One figure as it is answered."""

    indicator: str
    municipality: str
    sex: str
    year: int
    value: float | None
    status: str | None


class DatasetOut(Told):
    """Where the figures are from."""

    id: str
    version: str
    published_at: datetime
    attribution: str
    processing: str


class NoteOut(Told):
    """What must or may be shown beside the figures."""

    indicator: str
    mandatory: bool
    text: str


class MetaOut(Told):
    """What stands beside the figures."""

    total_records: int
    page: int
    limit: int
    count: int
    datasets: list[DatasetOut]
    attributions: list[str]
    notes: list[NoteOut]
    warnings: list[str]
    citation: str


class LinkOut(Told):
    """One link."""

    href: str
    rel: str
    method: str = "GET"


class ObservationsOut(Told):
    """A page of figures."""

    observations: list[ObservationOut]
    meta: MetaOut = Field(serialization_alias="_meta")
    links: dict[str, LinkOut] = Field(serialization_alias="_links")


class Asked(BaseModel):
    """What may be asked."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel)

    indicator: str
    municipality: str
    year_from: int = Field(ge=1749, le=2100)
    year_to: int = Field(ge=1749, le=2100)
    limit: int = Field(1_000, ge=1, le=10_000)
    page: int = Field(1, ge=1)


class ETags:
    """Puts the hash of each answer on it, and answers who has it already; as lean as a middleware can be."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        started: list[Message] = []

        async def tagged(message: Message) -> None:
            if message["type"] == "http.response.start":
                started.append(message)
                return
            start = started[0]
            if start["status"] == 200:
                tag = b'"' + hashlib.sha256(message["body"]).hexdigest()[:32].encode() + b'"'
                start["headers"] = [*start["headers"], (b"etag", tag), (b"cache-control", b"max-age=60")]
                if dict(scope["headers"]).get(b"if-none-match") == tag:
                    start["status"], message["body"] = 304, b""
            await send(start)
            await send(message)

        await self.app(scope, receive, tagged if scope["type"] == "http" else send)


engine = create_async_engine(
    "postgresql+asyncpg://", async_creator=lambda: connect(os.environ[DATABASE]), pool_size=10
)
sessions = async_sessionmaker(engine, expire_on_commit=False)


async def session() -> AsyncIterator[AsyncSession]:
    """Lend a session for one request."""
    async with sessions() as one:
        yield one


@asynccontextmanager
async def life(_: FastAPI) -> AsyncIterator[None]:
    """Close the pool at the end."""
    yield
    await engine.dispose()


app = FastAPI(lifespan=life)
app.add_middleware(ETags)


@app.get("/observations", response_model=ObservationsOut)
async def observations(
    request: Request,
    session: Annotated[AsyncSession, Depends(session)],
    asked: Annotated[Asked, Query()],
) -> dict[str, Any]:
    """Return a page of the undivided figures of one indicator for some municipalities and years."""
    codes = asked.municipality.split(",")
    indicator = await _known(session, asked.indicator, codes)
    wanted = (
        ObservationRow.indicator == asked.indicator,
        ObservationRow.municipality.in_(codes),
        ObservationRow.year.between(asked.year_from, asked.year_to),
        ObservationRow.breakdown == "",
    )
    total = await session.scalar(select(func.count()).select_from(ObservationRow).where(*wanted)) or 0
    rows = await _page(session, wanted, asked)
    links = _links(request, indicator.dataset, asked, -(-total // asked.limit))
    meta = {
        "total_records": total,
        "page": asked.page,
        "limit": asked.limit,
        "count": len(rows),
        "datasets": [indicator.dataset],
        "attributions": [],
        "notes": indicator.notes if rows else [],
        "warnings": [] if rows else [f"{asked.indicator}: no figure fits the question"],
        "citation": _citation(indicator.dataset, links["bookmark"]["href"]),
    }
    return {"observations": rows, "meta": meta, "links": links}


async def _known(session: AsyncSession, indicator: str, codes: list[str]) -> IndicatorRow:
    """Return the indicator with its dataset and notes; refuse codes that do not exist."""
    found = await session.scalar(
        select(IndicatorRow)
        .where(IndicatorRow.id == indicator)
        .options(joinedload(IndicatorRow.dataset), selectinload(IndicatorRow.notes))
    )
    if found is None:
        raise HTTPException(400, f"{indicator} is no indicator")
    known = await session.scalars(select(MunicipalityRow.code).where(MunicipalityRow.code.in_(codes)))
    unknown = set(codes) - set(known)
    if unknown:
        raise HTTPException(400, f"no municipality: {', '.join(sorted(unknown))}")
    return found


async def _page(
    session: AsyncSession, wanted: Sequence[ColumnElement[bool]], asked: Asked
) -> Sequence[ObservationRow]:
    statement = (
        select(ObservationRow)
        .where(*wanted)
        .order_by(ObservationRow.municipality, ObservationRow.sex, ObservationRow.year)
        .limit(asked.limit)
        .offset((asked.page - 1) * asked.limit)
    )
    return (await session.scalars(statement)).all()


def _links(request: Request, dataset: DatasetRow, asked: Asked, pages: int) -> dict[str, dict[str, str]]:
    base = str(request.url.replace(query=""))
    given = dict(request.query_params)
    pinned = given | {"asOf": dataset.published_at.isoformat()}
    turned = {"first": 1, "last": max(pages, 1)}
    if asked.page > 1:
        turned["prev"] = asked.page - 1
    if asked.page < pages:
        turned["next"] = asked.page + 1
    queries = {"self": given, "bookmark": pinned}
    queries |= {rel: pinned | {"page": str(number)} for rel, number in turned.items()}
    return {
        rel: {"href": f"{base}?{urlencode(query, safe=',:')}", "rel": rel} for rel, query in queries.items()
    }


def _citation(dataset: DatasetRow, address: str) -> str:
    when = dataset.published_at.date()
    return f"{dataset.attribution}. {dataset.id} version {dataset.version}, publicerad {when}. {address}"
