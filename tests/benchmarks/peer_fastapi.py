"""The service that a team would write without us: FastAPI, SQLAlchemy's ORM over asyncpg, Pydantic models."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI, Query
from pydantic import BaseModel, ConfigDict
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from tests.benchmarks.peers import DATABASE, connect


class Base(DeclarativeBase):
    """The tables of this service."""


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


class ObservationOut(BaseModel):
    """One figure as it is answered."""

    model_config = ConfigDict(from_attributes=True)

    indicator: str
    municipality: str
    sex: str
    year: int
    value: float | None
    status: str | None


class ObservationsOut(BaseModel):
    """A page of figures, and how many there are."""

    observations: list[ObservationOut]
    total_records: int
    page: int
    limit: int


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


@app.get("/observations", response_model=ObservationsOut)
async def observations(  # noqa: PLR0913, PLR0917 one argument a parameter, as FastAPI wants it
    session: Annotated[AsyncSession, Depends(session)],
    indicator: Annotated[str, Query()],
    municipality: Annotated[str, Query()],
    year_from: Annotated[int, Query(alias="yearFrom")],
    year_to: Annotated[int, Query(alias="yearTo")],
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1_000,
    page: Annotated[int, Query(ge=1)] = 1,
) -> dict[str, object]:
    """Return a page of the undivided figures of one indicator for some municipalities and years."""
    wanted = (
        ObservationRow.indicator == indicator,
        ObservationRow.municipality.in_(municipality.split(",")),
        ObservationRow.year.between(year_from, year_to),
        ObservationRow.breakdown == "",
    )
    total = await session.scalar(select(func.count()).select_from(ObservationRow).where(*wanted))
    statement = (
        select(ObservationRow)
        .where(*wanted)
        .order_by(ObservationRow.municipality, ObservationRow.sex, ObservationRow.year)
        .limit(limit)
        .offset((page - 1) * limit)
    )
    rows = (await session.scalars(statement)).all()
    return {"observations": rows, "total_records": total, "page": page, "limit": limit}
