"""From a question to the bytes of its answer: plan, select, join the slices of rendered rows."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache, partial
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from msgspec import UNSET, Struct, UnsetType, field

from api import links
from api.answers import Listing, Meta, Moment, answer_bytes
from api.formats import JSON, MOST_ROWS
from api.links import Link, Place
from api.problems import RefusalError
from api.question import MOST_INDICATORS, Question
from api.resident import Residents
from api.rows import ResidentCube
from api.selection import Found, selected, sorted_positions
from api.snapshot import IndicatorState
from api.telling import (
    ToldAttribution,
    ToldDataset,
    ToldNote,
    Warned,
    attributions_told,
    citation_told,
    datasets_told,
    notes_told,
    warnings_told,
)
from datasets.cube import Positions
from datasets.described import TABLE
from datasets.rows import rendered
from datasets.statuses import REMOVED
from datasets.vocabulary import Flag, Sex, Status

PATH = "/observations"
MOST_FIGURES = 1_000_000
"""The most figures that one question may mean, over all of its pages."""
MOST_LOOKED_THROUGH = 10_000_000
"""The most figures that the cubes of one question may hold."""


class ObservationsMeta(Meta, frozen=True, kw_only=True, rename="camel"):
    """What stands beside a page of figures."""

    datasets: list[ToldDataset]
    attributions: list[ToldAttribution]
    notes: list[ToldNote]
    warnings: list[Warned]
    citation: str


class ToldObservation(Struct, frozen=True, kw_only=True, rename="camel"):
    """One figure; rows are written by `datasets.rows`, this is their shape for the contract."""

    indicator: str
    municipality: str
    sex: Sex
    year: int
    breakdown: dict[str, str] | UnsetType = UNSET
    value: float | None
    status: Annotated[str, msgspec.Meta(extra_json_schema={"enum": [*Status, REMOVED]})] | UnsetType = UNSET
    flags: list[Flag] | UnsetType = UNSET
    low: float | UnsetType = UNSET
    high: float | UnsetType = UNSET
    count: int | UnsetType = UNSET
    period_start: date | UnsetType = UNSET
    period_end: date | UnsetType = UNSET
    change: Literal["removed"] | UnsetType = UNSET
    """With `updatedAfter`: the figure was removed."""
    valid_from: Moment | UnsetType = UNSET
    """With `includeHistory`: when the state was published."""
    valid_to: Moment | UnsetType | None = UNSET
    """With `includeHistory`: when another state took its place; null while it stands."""


ShownFields = msgspec.defstruct(
    "ShownFields",
    [(one.name, one.type | UnsetType, UNSET) for one in msgspec.structs.fields(ToldObservation)],
    namespace={"__doc__": "One figure with `fields`: what was asked for of it."},
    frozen=True,
    kw_only=True,
    rename="camel",
)


class ObservationList(Listing, frozen=True, kw_only=True):
    """A page of figures, by indicator, municipality, sex, year and breakdown."""

    observations: list[ToldObservation]
    meta: ObservationsMeta = field(name="_meta")


class Answered(Struct, frozen=True, kw_only=True):
    """What is told, before it has a format: the rows, and what stands beside them."""

    rows: Callable[[], bytes]
    """Joins the rows of JSON, with commas between; a large answer does so beside the loop."""
    meta: ObservationsMeta
    links: Mapping[str, Link]
    cubes: Sequence[ResidentCube] = ()
    found: Sequence[Found] = ()
    """The same figures in their cubes, of each indicator asked for; none where the question looks back."""

    @property
    def pinned_address(self) -> str:
        """Return the address that would give the same bytes for ever."""
        return self.links["bookmark"].href

    def json(self) -> bytes:
        """Return the answer as JSON."""
        return answer_bytes("observations", self.rows(), self.meta, self.links)


async def answer(question: Question, residents: Residents, place: Place) -> Answered:
    """Return the answer to *question*, asked at *place*.

    Raises RefusalError when too much is asked, StoreUnavailableError when a cube is neither in memory nor
    to be had.
    """
    refuse_too_much(question, "indicators", (len(question.indicators), MOST_INDICATORS), place.base)
    looked_through = sum([state.coverage.rows for state in question.indicators])
    refuse_too_much(question, "figures", (looked_through, MOST_LOOKED_THROUGH), place.base)
    cubes = await residents.cubes(question.indicators)
    found = [selected(question, cube) for cube in cubes]
    total = sum(map(len, found))
    refuse_too_much(question, "figures", (total, most_figures(question)), place.base)
    told = links_of(question, place, -(-total // question.limit))
    places = list(map(_looked_at, question.indicators, found))
    datasets, attributions = datasets_told(question), attributions_told(question)
    meta = ObservationsMeta(
        total_records=total,
        page=question.page,
        limit=question.limit,
        count=count_on_page(question, total),
        datasets=datasets,
        attributions=attributions,
        notes=notes_told(question, cubes, places),
        warnings=warnings_told(question, places),
        citation=citation_told(datasets, attributions, told["bookmark"].href, question.language),
    )
    rows = partial(_joined, question, cubes, found)
    return Answered(rows=rows, meta=meta, links=told, cubes=cubes, found=found)


def _joined(question: Question, cubes: Sequence[ResidentCube], found: Sequence[Found]) -> bytes:
    return b",".join(_rows(question, cubes, found))


def count_on_page(question: Question, total: int) -> int:
    """Return how many of *total* figures are on the page that is asked for."""
    if question.page < 1:
        return 0
    return max(min(total - (question.page - 1) * question.limit, question.limit), 0)


def most_figures(question: Question) -> int:
    """Return how many figures *question* may mean: pages of JSON are many, another format has one."""
    return MOST_FIGURES if question.format is JSON else MOST_ROWS


def _looked_at(state: IndicatorState, found: Found) -> Positions:
    """Return where figures are, for what is told beside them; one stands for all where it is told of all."""
    notes = state.definition.notes
    if state.definition.breaks or any(n.years or n.sexes or n.municipalities or n.breakdown for n in notes):
        return found.positions
    return np.zeros(min(len(found), 1), np.int64)


def _rows(question: Question, cubes: Sequence[ResidentCube], found: Sequence[Found]) -> Iterable[bytes]:
    """Return the rows of the page, as few pieces as can be."""
    if question.page < 1:
        return ()
    skip, room = (question.page - 1) * question.limit, question.limit
    if question.sort:
        positions = [one.positions for one in found]
        which, at = sorted_positions(question, [resident.cube for resident in cubes], positions)
        return _in_order(question, cubes, which[skip : skip + room], at[skip : skip + room])
    rows: list[bytes] = []
    for state, resident, one in zip(question.indicators, cubes, found, strict=True):
        if question.fields:
            here = one.positions[skip : skip + room]
            rows += rendered(state.definition.id, resident.cube, here, question.fields)
        else:
            rows += one.pieces(skip, room)
        taken = max(min(len(one) - skip, room), 0)
        skip, room = max(skip - len(one), 0), room - taken
    return rows


def _in_order(
    question: Question, cubes: Sequence[ResidentCube], which: Positions, at: Positions
) -> Iterator[bytes]:
    """Yield one row after the other, in an order that jumps between cubes."""
    rows: dict[int, bytes] = {}
    for number in np.unique(which).tolist():
        places = np.flatnonzero(which == number)
        name = question.indicators[number].definition.id
        texts = rendered(name, cubes[number].cube, at[places], question.fields)
        rows.update(zip(places.tolist(), texts, strict=True))
    yield from (rows[place] for place in range(len(which)))


def links_of(question: Question, place: Place, pages: int) -> dict[str, Link]:
    """Return the links of a page of *pages*; all but `self` mean the same figures for ever."""
    told = links.paging(place, question.page, pages, pin_of(question))
    # an address that is pinned already is its own lasting one
    return told if "bookmark" in told else told | {"bookmark": Link(told["self"].href, "bookmark")}


def pin_of(question: Question) -> dict[str, Any]:
    """Return the parameter that an address needs to mean the same figures for ever."""
    return {} if question.pinned else {"asOf": _release_time(question)}


def _release_time(question: Question) -> str:
    """Return when what is told was published; a later release of another dataset gives no other address."""
    snapshot = question.snapshot
    named = [snapshot.datasets[name].release for name in {state.dataset for state in question.indicators}]
    moments = [release.published_at for release in named or snapshot.line[-1:]]
    return _told_time(max(moments, default=datetime(1970, 1, 1, tzinfo=UTC)))


@lru_cache(maxsize=1024)
def _told_time(moment: datetime) -> str:
    return msgspec.to_builtins(moment)  # type: ignore[no-any-return]


def refuse_too_much(question: Question, what: str, sizes: tuple[int, int], base: str) -> None:
    """Refuse a question that means more than the most; *sizes* are how much it means, and the most."""
    size, most = sizes
    if size <= most:
        return
    datasets = datasets_told(question)
    whole = [f"/datasets/{one.id}/versions/{one.version}" for one in datasets]
    slug, told, within = "too-much", f"{most}", f"/files/{TABLE}"
    if question.format is not JSON:
        slug, told = "too-large", f"{most} in {question.format.name}"
        within = f"/files/{question.format.baked}"
    href = links.address(base, whole[0] + within) if whole else ""
    detail = (
        f"the question means {size} {what}; the most is {told}."
        f" Narrow it, or take the whole of {', '.join(one.id for one in datasets[:5])}"
        + (f": {href}" if href else "")
    )
    raise RefusalError(slug, detail, asked=size, limit=most, href=href)
