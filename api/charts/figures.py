"""What a picture shows: the figures of a question as series, and whether as lines or as bars."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Literal, NamedTuple

from msgspec import Struct

from api.problems import RefusalError
from api.question import Question
from api.rows import ResidentCube
from api.selection import selected
from api.snapshot import IndicatorState
from api.telling import (
    ToldDataset,
    ToldNote,
    attributions_told,
    datasets_told,
    notes_told,
    withdrawals_told,
)
from datasets.areas import COUNTRY, areas
from datasets.catalogue import Indicator
from datasets.cube import Positions
from datasets.vocabulary import Flag, Observation, Sex, Status

MOST_LINES = 9
"""More lines than these cannot be told apart; the latest year is shown as bars instead."""
MOST_BARS = 700
MOST_POINTS = 20_000
SEX_TITLES = {
    "sv": {Sex.TOTAL: "totalt", Sex.WOMEN: "kvinnor", Sex.MEN: "män", Sex.OTHER: "annat kön"},
    "en": {Sex.TOTAL: "total", Sex.WOMEN: "women", Sex.MEN: "men", Sex.OTHER: "other sex"},
}


class Key(NamedTuple):
    """What one series is of."""

    area: str
    sex: Sex
    breakdown: tuple[tuple[str, str], ...]


class Point(NamedTuple):
    """One year of a series."""

    year: int
    value: float | None
    status: Status | None
    broken: bool
    low: float | None
    high: float | None
    flags: tuple[Flag, ...]


class Series(NamedTuple):
    """The figures of one area, sex and breakdown, by year; `run` numbers grow at each gap and break."""

    key: Key
    label: str
    points: tuple[Point, ...]
    runs: tuple[int, ...]


Kind = Literal["lines", "bars", "crowded", "none"]
"""How figures are drawn; `crowded` are more bars than anybody could read, and are not."""


class Figure(Struct, frozen=True, kw_only=True):
    """Everything that a picture, its words and its table tell."""

    kind: Kind
    language: str
    indicator: Indicator
    series: tuple[Series, ...]
    """All that was asked for; a picture of bars shows the figures of `years` only."""
    common: tuple[str, ...]
    """What all series have in common: area, sex and breakdown in words."""
    years: tuple[int, ...]
    """The years shown, sorted."""
    narrowed: bool
    """Whether there were more lines than can be told apart, so that one year is shown."""
    breaks: tuple[int, ...]
    """Years within those shown that follow another definition than the year before."""
    warnings: tuple[str, ...]
    """That the version is withdrawn, which must be shown before anything else."""
    notes: tuple[ToldNote, ...]
    dataset: ToldDataset
    attribution: str


def figure_of(question: Question, resident: ResidentCube) -> Figure:
    """Return what a picture of the one indicator of *question* shows.

    Raises RefusalError where nobody could read so much.
    """
    state = question.indicators[0]
    positions = selected(question, resident).positions
    if len(positions) > MOST_POINTS:
        refuse_too_many("figures", len(positions), MOST_POINTS)
    observations = [*resident.cube.observations(positions)]
    breaks = {known.year for known in state.definition.breaks}
    found = _series(observations, breaks, _step(state.coverage.years))
    labels, common = _labels(list(found), state, question.language)
    series = tuple(Series(key, labels[key], *found[key]) for key in found)
    kind, years, narrowed = _shown(series, latest=question.latest)
    if kind == "bars" and sum(point.year in years for one in series for point in one.points) > MOST_BARS:
        kind = "crowded"
    return Figure(
        kind=kind,
        language=question.language,
        indicator=state.definition,
        series=series,
        common=common,
        years=years,
        narrowed=narrowed,
        breaks=tuple(sorted(year for year in breaks if years and years[0] < year <= years[-1])),
        warnings=tuple(one.text for one in withdrawals_told(question)),
        notes=_notes(question, resident, positions),
        dataset=datasets_told(question)[0],
        attribution=_attribution(question),
    )


def bars_of(figure: Figure) -> int:
    """Return how many bars a picture of *figure* would have."""
    return sum(point.year in figure.years for one in figure.series for point in one.points)


def refuse_too_many(what: str, size: int, most: int) -> None:
    """Refuse a picture of *size* things, more than can be read."""
    detail = (
        f"a picture of {size} {what} cannot be read; the most is {most}. Choose fewer areas or categories"
    )
    raise RefusalError("too-much", detail, asked=size, limit=most)


def area_name(code: str, language: str = "sv") -> str:
    """Return the name of an area; its code where it has none."""
    if language == "en" and code == COUNTRY:
        return "Sweden"
    known = areas().get(code)  # type: ignore[call-overload]
    return known.name if known else code


def _series(
    observations: Iterable[Observation], breaks: set[int], step: int
) -> dict[Key, tuple[tuple[Point, ...], tuple[int, ...]]]:
    points: dict[Key, list[Point]] = {}
    for one in observations:
        key = Key(str(one.municipality), one.sex, one.breakdown.parts)
        low, high = (one.interval.low, one.interval.high) if one.interval else (None, None)
        of = points.setdefault(key, [])
        crossed = bool(of) and any(of[-1].year < year <= one.year for year in breaks)
        broken = crossed or Flag.SERIES_BREAK in one.flags
        of.append(Point(int(one.year), one.value, one.status, broken, low, high, tuple(sorted(one.flags))))
    return {key: (tuple(of), _runs(of, step)) for key, of in points.items()}


def _runs(points: Sequence[Point], step: int) -> tuple[int, ...]:
    """Return the numbers of the stretches that a line may run through: no gap, no break, nothing missing."""
    runs = [0] * len(points)
    for at in range(1, len(points)):
        before, point = points[at - 1], points[at]
        gap = point.year - before.year > step or point.value is None or before.value is None
        runs[at] = runs[at - 1] + (gap or point.broken)
    return tuple(runs)


def _step(years: Sequence[int]) -> int:
    """Return how many years lie between two figures as a rule: a survey every third year has no gaps."""
    steps = Counter(later - earlier for earlier, later in pairwise(years))
    return min(steps, default=1)


def _labels(
    keys: Sequence[Key], state: IndicatorState, language: str
) -> tuple[dict[Key, str], tuple[str, ...]]:
    """Return what tells each series apart, and what they all have in common."""
    parts = {key: _parts(key, state, language) for key in keys}
    width = max((len(of) for of in parts.values()), default=0)
    columns = [{of[at] for of in parts.values() if at < len(of)} for at in range(width)]
    varying = [at for at, column in enumerate(columns) if len(column) > 1]
    common = tuple(next(iter(column)) for at, column in enumerate(columns) if at not in varying)
    labels = {key: ", ".join(of[at] for at in varying if at < len(of)) for key, of in parts.items()}
    return {key: label or ", ".join(common[:1]) for key, label in labels.items()}, common


def _parts(key: Key, state: IndicatorState, language: str) -> list[str]:
    dimensions = state.definition.breakdowns
    named = [
        dimensions[name].categories[code].spoken(language)
        if name in dimensions and code in dimensions[name].categories
        else code
        for name, code in key.breakdown
    ]
    return [area_name(key.area, language), SEX_TITLES[language][key.sex], *named]


def _shown(series: Sequence[Series], *, latest: bool) -> tuple[Kind, tuple[int, ...], bool]:
    valued = [[point.year for point in one.points if point.value is not None] for one in series]
    every = sorted({year for years in valued for year in years})
    told = sorted({point.year for one in series for point in one.points})
    if not every:
        return "none", tuple(told), False
    if not latest and len(every) > 1 and len(series) <= MOST_LINES:
        return "lines", tuple(told), False
    if latest or len(told) == 1:
        return "bars", tuple(told), False
    counts = Counter(year for years in valued for year in years)
    # a year that only a few have yet would leave the others out
    year = max(year for year, count in counts.items() if 2 * count >= max(counts.values()))
    return "bars", (year,), True


def _notes(question: Question, resident: ResidentCube, positions: Positions) -> tuple[ToldNote, ...]:
    return tuple(notes_told(question, [resident], [positions]))


def _attribution(question: Question) -> str:
    own = attributions_told(question)
    return own[0].attribution if own else datasets_told(question)[0].attribution
