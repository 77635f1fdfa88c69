"""A question about figures: its codes judged against the ledger, wrong ones refused with the closest."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import TypeVar

from msgspec import Struct

from api.asked import Asked
from api.formats import JSON, Format
from api.live import MOST_STAYS, Live, TooManyStaysError
from api.problems import InvalidParameter, InvalidParametersError, RefusalError
from api.snapshot import NO_PAST, IndicatorState, Past, Snapshot
from api.texts import EVERY, LATEST
from datasets.areas import AreaType, area, areas, municipalities_of
from datasets.changes import Version
from datasets.closest import closest
from datasets.errors import UnknownCodeError
from datasets.vocabulary import Sex

MOST_INDICATORS = 500
_COUNTY = "county:"
_Found = TypeVar("_Found")


class Question(Struct, frozen=True, kw_only=True):
    """What is asked of which state of the ledger; empty tuples mean "all", except for `breakdown`."""

    snapshot: Snapshot
    pinned: bool
    """Whether the address itself names the state, so that the answer can never change."""
    indicators: tuple[IndicatorState, ...]
    elsewhere: tuple[IndicatorState, ...]
    """Indicators that were asked for and are not in the dataset that was asked for."""
    unborn: tuple[str, ...]
    """Indicators that there are today, but that were not published in the state asked about."""
    municipalities: tuple[str, ...]
    sexes: tuple[Sex, ...]
    years: tuple[int, ...]
    latest: bool
    year_from: int | None
    year_to: int | None
    breakdown: Mapping[str, frozenset[str]]
    """The categories wanted of each dimension; a star for all of them; empty for the undivided figures."""
    every_breakdown: bool
    sort: tuple[tuple[str, bool], ...]
    fields: tuple[str, ...]
    limit: int
    page: int
    language: str
    format: Format = JSON
    labels: bool = False
    updated_after: datetime | None = None
    include_history: bool = False
    past: Past = NO_PAST
    """What stood before, where the question is for more than one state."""

    @property
    def looks_back(self) -> bool:
        """Tell whether the question is for what changed, or for every state, not for how things stand."""
        return self.include_history or self.updated_after is not None


async def question_of(asked: Asked, live: Live) -> Question:
    """Return the question that *asked* puts.

    Raises InvalidParametersError with every code that does not exist, StoreUnavailableError where an earlier
    state cannot be read.
    """
    faults: list[InvalidParameter] = []
    newest = live.newest()
    number, pinned = _release_asked(asked, newest, faults)
    snapshot = newest if faults else await live.at(number)
    past = NO_PAST if faults else await _past(asked, live, snapshot)
    states, elsewhere, unborn = _indicators(asked, snapshot, past, newest, faults)
    municipalities = municipalities_asked(asked["municipality"], faults)
    breakdown = _breakdown(asked["breakdown"], states, faults)
    years = asked["year"]
    if LATEST in years and len(years) > 1:
        reason = "stands alone; other years cannot stand beside it"
        faults.append(InvalidParameter(name="year", reason=reason, value=LATEST))
    if faults:
        raise InvalidParametersError(faults)
    return Question(
        snapshot=snapshot,
        pinned=pinned,
        indicators=tuple(states),
        elsewhere=tuple(elsewhere),
        unborn=tuple(unborn),
        municipalities=municipalities,
        sexes=asked["sex"],
        years=() if LATEST in years else years,
        latest=LATEST in years,
        year_from=asked["yearFrom"],
        year_to=asked["yearTo"],
        breakdown={name: frozenset([c for n, c in asked["breakdown"] if n == name]) for name in breakdown},
        every_breakdown=EVERY in breakdown,
        sort=asked["sort"],
        fields=asked["fields"],
        limit=asked["limit"],
        page=asked["page"],
        language=asked["lang"],
        updated_after=asked["updatedAfter"],
        include_history=asked["includeHistory"],
        past=past,
    )


async def _past(asked: Asked, live: Live, snapshot: Snapshot) -> Past:
    """Return what stood before and is asked about; indicators that ended since are there too."""
    since = asked["updatedAfter"]
    if since is None and not asked["includeHistory"]:
        return NO_PAST
    try:
        return await live.past(
            snapshot.number,
            after=None if since is None else snapshot.number_at(since),
            dataset=asked["dataset"],
            indicators=asked["indicator"] or None,
        )
    except TooManyStaysError:
        detail = (
            f"the question looks back through more than {MOST_STAYS} states of indicators."
            " Ask for fewer indicators, or for a later updatedAfter"
        )
        raise RefusalError("too-much", detail, limit=MOST_STAYS) from None


def _release_asked(asked: Asked, newest: Snapshot, faults: list[InvalidParameter]) -> tuple[int, bool]:
    """Return the number of the release that is asked about, and whether the address pins it for good."""
    version, dataset, as_of = asked["version"], asked["dataset"], asked["asOf"]
    if version and as_of:
        reason = "stands beside version; only one of them can pin the answer"
        faults.append(InvalidParameter(name="asOf", reason=reason, value=as_of.isoformat()))
    if version:
        return _version_asked(version, dataset, newest, faults), True
    if as_of:
        return newest.number_at(as_of), is_settled(as_of, newest)
    return newest.number, False


def _version_asked(
    version: str, dataset: str | None, newest: Snapshot, faults: list[InvalidParameter]
) -> int:
    if dataset is None:
        faults.append(InvalidParameter(name="version", reason="needs one dataset beside it", value=version))
        return 0
    known = {str(release.version): release.number for release in newest.versions(dataset)}
    if known and version not in known:
        reason = f"is no version of {dataset}"
        faults.append(
            InvalidParameter(
                name="version", reason=reason, value=version, closest=nearest_versions(version, known)
            )
        )
    return known.get(version, 0)


def nearest_versions(version: str, known: Iterable[str]) -> tuple[str, ...]:
    """Return the versions right before and right after one that is not *known*."""
    wanted = Version.parse(version)
    ordered = sorted(map(Version.parse, known))
    above = [one for one in ordered if one > wanted][:1]
    below = [one for one in ordered if one < wanted][-1:]
    return tuple(map(str, (*below, *above)))


def is_settled(as_of: datetime, newest: Snapshot) -> bool:
    """Tell whether what was published by *as_of* can no longer change."""
    # releases only ever come after the newest, so what lies before it cannot change
    return bool(newest.line) and as_of <= newest.line[-1].published_at


def _indicators(
    asked: Asked, snapshot: Snapshot, past: Past, newest: Snapshot, faults: list[InvalidParameter]
) -> tuple[list[IndicatorState], list[IndicatorState], list[str]]:
    """Return the indicators asked for as they stood, those of other datasets, and those not there yet."""
    dataset = asked["dataset"]
    if dataset is not None and dataset not in {*newest.datasets, *snapshot.datasets}:
        titles = {name: state.description.title.sv for name, state in newest.datasets.items()}
        error = UnknownCodeError("dataset", dataset, closest(dataset, titles))
        faults.append(_fault("dataset", error))
    names = asked["indicator"]
    if not names and dataset in newest.datasets and dataset not in snapshot.datasets:
        names = newest.datasets[dataset].indicators
    standing = {**past.last, **snapshot.indicators} if past.last else snapshot.indicators
    unborn = [name for name in names if name not in standing]
    _each("indicator", unborn, lambda name: indicator_in(newest, name), faults)
    asked_states = [standing[name] for name in names if name in standing]
    known = asked_states if names else standing.values()
    states = [state for state in known if dataset in {None, state.dataset}]
    elsewhere = [state for state in asked_states if dataset not in {None, state.dataset}]
    return sorted(states, key=lambda state: state.definition.id), elsewhere, unborn


def indicator_in(snapshot: Snapshot, name: str) -> IndicatorState:
    """Return an indicator's state; raises UnknownCodeError with the closest, by id and by title."""
    found = snapshot.indicators.get(name)
    if found is None:
        raise UnknownCodeError("indicator", name, closest(name, titles_of(snapshot)))
    return found


def titles_of(snapshot: Snapshot) -> dict[str, str]:
    """Return the Swedish title of every indicator, by which a wrong id may be meant."""
    return {known: state.definition.title.sv for known, state in snapshot.indicators.items()}


def municipalities_asked(texts: Iterable[str], faults: list[InvalidParameter]) -> tuple[str, ...]:
    """Return the codes of all areas that *texts* stand for, each once; what stands for none is a fault."""
    found = _each("municipality", texts, _codes_of, faults)
    return tuple(dict.fromkeys(code for codes in found for code in codes))


@lru_cache(maxsize=4096)
def _codes_of(text: str) -> tuple[str, ...]:
    if not text.startswith(_COUNTY):
        return (area(text).code,)
    county = text.removeprefix(_COUNTY)
    counties = {str(known.code): known.name for known in areas().values() if known.type is AreaType.COUNTY}
    if county not in counties:
        hints = [_COUNTY + code for code in closest(county, counties)]
        raise UnknownCodeError("county", text, hints)
    return municipalities_of(county)


def _breakdown(
    wanted: Iterable[tuple[str, str]], states: Iterable[IndicatorState], faults: list[InvalidParameter]
) -> list[str]:
    """Return the dimensions that are asked for, each known to one of the indicators at least."""
    known: dict[str, dict[str, str]] = {}
    for state in states:
        for name, dimension in state.definition.breakdowns.items():
            titles = {code: title.sv for code, title in dimension.categories.items()}
            known[name] = known.get(name, {}) | titles
    names = []
    for name, category in wanted:
        names.append(name)
        if name == EVERY:
            continue
        if name not in known:
            faults.append(_fault("breakdown", UnknownCodeError("dimension here", name, closest(name, known))))
        elif category not in known[name] and category != EVERY:
            hints = [f"{name}:{code}" for code in closest(category, known[name])]
            error = UnknownCodeError("category here", f"{name}:{category}", hints)
            faults.append(_fault("breakdown", error))
    return names


def _each(
    name: str, codes: Iterable[str], find: Callable[[str], _Found], faults: list[InvalidParameter]
) -> list[_Found]:
    found = []
    for code in codes:
        try:
            found.append(find(code))
        except UnknownCodeError as error:
            faults.append(_fault(name, error))
    return found


def _fault(name: str, error: UnknownCodeError) -> InvalidParameter:
    return InvalidParameter(name=name, reason=f"is no {error.kind}", value=error.value, closest=error.closest)
