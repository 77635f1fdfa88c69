"""Kolada v3: what to ask for, the proof that all of it came, and the cubes of the answers."""

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Struct, field

from datasets.areas import AreaType, area
from datasets.vocabulary import MunicipalityCode
from loaders.fetch import BrokenAnswerError, Fetched, Manners
from loaders.kolada_catalogue import Judgement, indicator_of, preliminary_year
from loaders.kolada_codes import (
    BOTH,
    KINDS,
    MOST_IDS,
    Fullest,
    Group,
    Kpi,
    Place,
    codes_of,
    is_answer_to,
    is_for,
    kolada_code,
    listing,
    pages,
    unread_page,
)
from loaders.kolada_figures import Reader
from loaders.source import Ask, BrokenSourceError, Made, Plan

_Id = Annotated[str, Meta(pattern=r"^[A-Z][0-9]{5}$")]
_DATA = "data/kpi/"
_Result = TypeVar("_Result")


class Years(Struct, frozen=True, forbid_unknown_fields=True):
    """The years to ask for, up to this one: some series change many years back, so all are asked anew."""

    first: Annotated[int, Meta(ge=1900, le=2200)] = field(name="from")


class Load(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `[load]` table of a dataset from Kolada."""

    kpis: Annotated[tuple[_Id, ...], Meta(min_length=1)]
    municipalities: Annotated[tuple[str, ...], Meta(min_length=1)]
    years: Years
    uncertainty: dict[_Id, _Id] = {}
    """The `Osäkerhetstal` of a KPI; nothing but their titles links them at Kolada, and these do not match."""

    def __post_init__(self) -> None:
        """Refuse a KPI that stands twice, and an uncertainty of none."""
        named = [*self.kpis, *self.uncertainty.values()]
        twice = sorted({name for name in named if named.count(name) > 1})
        strangers = sorted(self.uncertainty.keys() - set(self.kpis))
        if twice or strangers:
            message = f"{', '.join(twice or strangers)}: {'named twice' if twice else 'not among the kpis'}"
            raise ValueError(message)


class Known(Struct, frozen=True):
    """What Kolada's catalogue says of what the plan wants, and when it said so."""

    kpis: Mapping[str, Kpi]
    groups: Mapping[str, Group]
    at: datetime


class Batch(Struct, frozen=True):
    """KPIs for the same areas, at most as many as one call may name."""

    kpis: tuple[str, ...]
    codes: tuple[MunicipalityCode, ...]

    def calls(self, first: int, last: int) -> Iterator[tuple[str, int]]:
        """Yield each path to ask for, the newest years first, and the most rows it may give."""
        years = range(last, first - 1, -1)
        for areas in _portions([kolada_code(code) for code in self.codes]):
            for some in _portions([str(year) for year in years]):
                path = f"{_DATA}{','.join(self.kpis)}/municipality/{','.join(areas)}/year/{','.join(some)}"
                yield path, len(self.kpis) * len(areas) * len(some)


def manners(plan: Plan) -> Manners:  # noqa: ARG001 the same for every plan
    """Return how Kolada wants to be asked: no limit is published, its clients keep to 5 calls a second."""
    return Manners(calls=5, seconds=1.0)


def check_answer(fetched: Fetched) -> None:
    """Raise BrokenAnswerError for what is no page of Kolada's, such as the HTML of a service that is down."""
    try:
        unread_page(fetched)
    except BrokenSourceError as error:
        raise BrokenAnswerError(str(error)) from error


def asks(plan: Plan) -> Generator[Ask, Fetched, None]:
    """Yield each question: the catalogue, the areas, the groups, then the figures.

    The last year is the one in which the catalogue was asked, so that kept answers tell it too.
    Raises BrokenSourceError where pages do not end as they should.
    """
    load = _load_of(plan)
    known, fullest = (yield from _known(load)), Fullest()
    for batch in _batches(load, known):
        for path, most in batch.calls(load.years.first, known.at.year):
            yield from pages(path, _size, most=most, fullest=fullest)


def normalise(plan: Plan, answers: Iterable[Fetched]) -> Iterator[Made]:
    """Yield every KPI that the catalogue still has, a batch at a time; one without a row has an empty cube.

    The answers must be those that `asks` would ask for, all of them, in that order; raises BrokenSourceError.
    """
    load = _load_of(plan)
    kept = iter(answers)
    known = _replayed(_known(load), kept)
    last, fullest = known.at.year, Fullest()
    for batch in _batches(load, known):
        reader = Reader(batch.kpis, batch.codes, range(load.years.first, last + 1))
        for path, most in batch.calls(load.years.first, last):
            _replayed(pages(path, reader.read, most=most, fullest=fullest), kept)
        figures = reader.gathered()
        for name in batch.kpis:
            if name in load.kpis:
                judgement = Judgement(
                    stated=_stated(plan, name),
                    groups=known.groups,
                    uncertainty=load.uncertainty.get(name, ""),
                    preliminary=preliminary_year(known.kpis[name], known.at.date()),
                )
                cube = figures.cube(
                    name, uncertainty=judgement.uncertainty, preliminary=judgement.preliminary
                )
                yield Made(indicator_of(known.kpis[name], judgement, cube), cube)
    left = next(kept, None)
    if left is not None:
        message = f"{left.address}: an answer to nothing that the plan asks"
        raise BrokenSourceError(message)


def source_time(plan: Plan, answers: Iterable[Fetched]) -> datetime | None:  # noqa: ARG001 it states none
    """Return None: Kolada never says how old its figures are, and its dates of publication are to come."""
    return None


def _load_of(plan: Plan) -> Load:
    try:
        load = msgspec.convert(plan.load, Load)
    except (msgspec.ValidationError, ValueError) as error:
        message = f"{plan.dataset.id}: [load] {error}"
        raise BrokenSourceError(message) from error
    named = [table.get("id") for table in plan.indicators]
    wrong = [str(name) for name in named if name not in load.kpis or named.count(name) > 1]
    if wrong:
        message = f"{plan.dataset.id}: [[indicator]] {wrong[0]} stands twice, or not among the kpis"
        raise BrokenSourceError(message)
    return load


def _stated(plan: Plan, name: str) -> Mapping[str, Any]:
    return next((table for table in plan.indicators if table["id"] == name), {"id": name})


def _known(load: Load) -> Generator[Ask, Fetched, Known]:
    """Ask for what the catalogue says of the KPIs, areas and groups of *load*; what is gone is absent."""
    codes = codes_of(load.municipalities)
    kpis: dict[str, Kpi] = {}
    wanted = [*load.kpis, *load.uncertainty.values()]
    for ids in _portions(wanted):
        found = yield from listing(f"kpi/{','.join(ids)}", Kpi, len(ids))
        kpis |= {kpi.id: kpi for kpi in found.items}
    places = yield from listing("municipality", Place)
    groups: dict[str, Group] = {}
    for ids in _portions([code for code in codes if area(code).type is AreaType.GROUP]):
        found_groups = yield from listing(f"municipality_groups/{','.join(ids)}", Group)
        groups |= {group.id: group for group in found_groups.items}
    _refuse(kpis.keys() - set(wanted), "a KPI that nobody asked for")
    _refuse(groups.keys() - set(codes), "a group that nobody asked for")
    lost = {of for name, of in load.uncertainty.items() if name in kpis and of not in kpis}
    _refuse(lost, "the catalogue names it as an uncertainty, and Kolada has it no longer")
    types = {place.id: place.type for place in places.items} | dict.fromkeys(groups, "G")
    wrong = {code for code in codes if types.get(kolada_code(code)) != _type_of(code)}
    _refuse(wrong, "Kolada knows no such area any more, or as another kind")
    return Known(kpis, groups, places.at)


def _type_of(code: MunicipalityCode) -> str:
    match area(code).type:
        case AreaType.MUNICIPALITY:
            return "K"
        case AreaType.GROUP:
            return "G"
        case _:
            return "L"


def _refuse(names: Iterable[str], reason: str) -> None:
    told = ", ".join(sorted(names))
    if told:
        message = f"{told}: {reason}"
        raise BrokenSourceError(message)


def _batches(load: Load, known: Known) -> Iterator[Batch]:
    """Yield the KPIs of each type with the areas that they are for; an uncertainty goes with its KPI."""
    codes = codes_of(load.municipalities)
    areas_of = {kind: tuple(code for code in codes if is_for(kind, code)) for kind in KINDS}
    together: dict[tuple[MunicipalityCode, ...], list[list[str]]] = {}
    for name in load.kpis:
        if name in known.kpis:
            areas = areas_of[known.kpis[name].municipality_type or BOTH]
            if not areas:
                message = f"{name}: none of the areas asked for is of its type"
                raise BrokenSourceError(message)
            joined = [name, load.uncertainty[name]] if name in load.uncertainty else [name]
            together.setdefault(areas, []).append(joined)
    for areas, groups in together.items():
        batch: list[str] = []
        for joined in groups:
            if len(batch) + len(joined) > MOST_IDS:
                yield Batch(tuple(batch), areas)
                batch = []
            batch += joined
        yield Batch(tuple(batch), areas)


def _portions(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[at : at + MOST_IDS] for at in range(0, len(ids), MOST_IDS))


def _size(fetched: Fetched) -> tuple[int, str | None]:
    page = unread_page(fetched)
    return len(page.values), page.next_url


def _replayed(asked: Generator[Ask, Fetched, _Result], answers: Iterator[Fetched]) -> _Result:
    """Let *asked* run over kept answers; raises BrokenSourceError for one that is missing or another's."""
    try:
        ask = next(asked)
        while True:
            fetched = next(answers, None)
            if fetched is None or not is_answer_to(ask, fetched):
                place = fetched.address if fetched else "no answer at all"
                message = f"{place}, where the answer to {ask.target} was to be"
                raise BrokenSourceError(message)
            ask = asked.send(fetched)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]
