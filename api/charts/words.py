"""The words of a picture, made from its figures: what it is of, what it shows, what is not there and why."""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from api.about import NAME
from api.charts.figures import Figure, Point, Series
from api.charts.numerals import measured, numeral
from datasets.statuses import LEGEND
from datasets.units import unit
from datasets.vocabulary import Flag

_NAMED_AT_MOST = 4
_LISTED_AT_MOST = 6
_SIGNS = {sign.code: sign.title for sign in LEGEND}
_SV = {
    "in": "år {}",
    "up": ", upp från {}",
    "down": ", ned från {}",
    "same": ", oförändrat från {}",
    "more": "Ytterligare {} serier visas.",
    "high": "Högst: {}.",
    "low": "Lägst: {}.",
    "of": "{} staplar.",
    "none": "Det finns ingen siffra för det som är valt.",
    "crowded": "Det är fler siffror än som går att visa i ett diagram. Välj färre områden eller kategorier.",
    "narrowed": "Det är fler serier än som kan hållas isär som linjer, så bilden visar {}.",
    "break": "Tidsseriebrott {}: {}",
    "flagged": "Tidsseriebrott {} enligt källan; åren före och efter kan inte jämföras.",
    "interval": "Strecken kring värdena är osäkerhetsintervall.",
    "cut": "Den lodräta axeln börjar inte vid noll.",
    "lines": "Linjediagram",
    "bars": "Stapeldiagram",
    "nothing": "Tomt diagram",
    "and": "och {} till",
    "derived": "Bearbetad uppgift.",
    "at": "{} version {}, publicerad {}",
}
_EN = {
    "in": "in {}",
    "up": ", up from {}",
    "down": ", down from {}",
    "same": ", unchanged from {}",
    "more": "A further {} series are shown.",
    "high": "Highest: {}.",
    "low": "Lowest: {}.",
    "of": "{} bars.",
    "none": "There is no figure for what is chosen.",
    "crowded": "There are more figures than a chart can show. Choose fewer areas or categories.",
    "narrowed": "There are more series than can be told apart as lines, so the picture shows {}.",
    "break": "Series break {}: {}",
    "flagged": "Series break {} according to the source; the years before and after cannot be compared.",
    "interval": "The strokes around the values are uncertainty intervals.",
    "cut": "The vertical axis does not begin at zero.",
    "lines": "Line chart",
    "bars": "Bar chart",
    "nothing": "Empty chart",
    "and": "and {} more",
    "derived": "Derived figure.",
    "at": "{} version {}, published {}",
}
WORDS = {"sv": _SV, "en": _EN}


class Told(Struct, frozen=True):
    """All words of one picture."""

    title: str
    subtitle: str
    summary: str
    absent: tuple[str, ...]
    """Why there is no value, and what to know of values: one sentence for each status and flag."""
    breaks: tuple[str, ...]
    notes: tuple[str, ...]
    """What must be shown; first that the version is withdrawn, if it is."""
    source: str
    alternative: str
    """What stands in the place of the picture for someone who does not see it."""


def told_of(figure: Figure) -> Told:
    """Return the words of *figure*."""
    words, language = WORDS[figure.language], figure.language
    title = figure.indicator.title.spoken(language)
    summary, absent, breaks = _summary(figure), tuple(_absent(figure)), tuple(_breaks(figure))
    kind = words["nothing" if figure.kind in {"none", "crowded"} else figure.kind]
    stops = [title if title.endswith((".", "?", "!")) else f"{title}.", summary, *figure.warnings]
    stops += [*breaks, *absent]
    version = words["at"].format(
        figure.dataset.id, figure.dataset.version, f"{figure.dataset.published_at:%Y-%m-%d}"
    )
    must_be_shown = [note.text for note in figure.notes if note.series_break is None and note.mandatory]
    return Told(
        title=title,
        subtitle=_subtitle(figure),
        summary=summary,
        absent=absent,
        breaks=breaks,
        notes=(*figure.warnings, *must_be_shown),
        source=f"{figure.attribution.removesuffix('.')}. {NAME}, {version}.",
        alternative=f"{kind}: {' '.join(stops)}",
    )


def short(figure: Figure, number: float) -> str:
    """Return a number of *figure* with the sign of its unit."""
    return measured(number, figure.indicator.unit, figure.indicator.decimals, figure.language)


def with_interval(figure: Figure, point: Point) -> str:
    """Return a figure with its unit, and with its interval where it has one."""
    value = short(figure, point.value or 0.0)
    if point.low is None or point.high is None:
        return value
    decimals, language = figure.indicator.decimals, figure.language
    low, high = (numeral(end, decimals, language) for end in (point.low, point.high))
    return f"{value} ({low}\N{EN DASH}{high})"


def spans(years: Sequence[int]) -> str:
    """Return years as people write them: `2001-2004, 2019`."""
    parts: list[list[int]] = []
    for year in sorted(set(years)):
        if parts and parts[-1][-1] == year - 1:
            parts[-1].append(year)
        else:
            parts.append([year])
    dash = "\N{EN DASH}"
    return ", ".join(f"{part[0]}{dash}{part[-1]}" if len(part) > 1 else str(part[0]) for part in parts)


def shown_points(figure: Figure, series: Series) -> tuple[Point, ...]:
    """Return the points of *series* that the picture shows."""
    return tuple(point for point in series.points if not figure.narrowed or point.year in figure.years)


def _subtitle(figure: Figure) -> str:
    measure = unit(figure.indicator.unit).title.spoken(figure.language)
    years = spans([figure.years[0], figure.years[-1]]) if figure.years else ""
    if len(figure.years) > 1:
        years = f"{figure.years[0]}\N{EN DASH}{figure.years[-1]}"
    parts = [measure[:1].upper() + measure[1:], *figure.common, years]
    return " \N{MIDDLE DOT} ".join(part for part in parts if part)


def _summary(figure: Figure) -> str:
    words = WORDS[figure.language]
    if figure.kind in {"none", "crowded"}:
        return words[figure.kind]
    if figure.kind == "bars":
        return _summary_of_bars(figure)
    told = [sentence for one in figure.series[:_NAMED_AT_MOST] if (sentence := _course(figure, one))]
    more = len(figure.series) - _NAMED_AT_MOST
    return " ".join([*told, *([words["more"].format(more)] if more > 0 else [])])


def _course(figure: Figure, series: Series) -> str:
    """Say where a series stands and came from; never across a break, where nothing can be compared."""
    words = WORDS[figure.language]
    since = max([at for at, point in enumerate(series.points) if point.broken], default=0)
    valued = [point for point in series.points[since:] if point.value is not None]
    if not valued:
        valued = [point for point in series.points if point.value is not None][-1:]
    if not valued:
        return ""
    first, last = valued[0], valued[-1]
    text = f"{series.label}: {_at(figure, last)}"
    if first is not last and first.value is not None and last.value is not None:
        way = "same" if first.value == last.value else ("up" if last.value > first.value else "down")
        text += words[way].format(_at(figure, first))
    return f"{text}."


def _summary_of_bars(figure: Figure) -> str:
    words = WORDS[figure.language]
    shown = [(one, point) for one in figure.series for point in shown_points(figure, one)]
    valued = [(one, point) for one, point in shown if point.value is not None]
    lead = [words["narrowed"].format(spans(figure.years))] if figure.narrowed else []
    if len(valued) <= _NAMED_AT_MOST:
        return " ".join([*lead, *(f"{one.label}: {_at(figure, point)}." for one, point in valued)])
    by_value = sorted(valued, key=lambda pair: pair[1].value or 0.0)
    ends = {"high": by_value[-1], "low": by_value[0]}
    told = [words[end].format(f"{one.label}, {_at(figure, point)}") for end, (one, point) in ends.items()]
    return " ".join([*lead, *told, words["of"].format(len(valued))])


def _at(figure: Figure, point: Point) -> str:
    """Say one figure, with its interval and its year."""
    return f"{with_interval(figure, point)} {WORDS[figure.language]['in'].format(point.year)}"


def _absent(figure: Figure) -> Iterable[str]:
    """Say for each status and flag which figures have it."""
    found: dict[str, dict[str, list[int]]] = {}
    for one in figure.series:
        for point in shown_points(figure, one):
            for code in map(str, filter(None, (point.status, *point.flags))):
                if code != Flag.SERIES_BREAK:
                    found.setdefault(code, {}).setdefault(one.label, []).append(point.year)
    for code, title in _SIGNS.items():
        if code not in found:
            continue
        texts = [f"{label} {spans(years)}" for label, years in found[code].items()]
        more = len(texts) - _LISTED_AT_MOST
        if more > 0:
            texts[_LISTED_AT_MOST:] = [WORDS[figure.language]["and"].format(more)]
        yield f"{title.spoken(figure.language)}: {'; '.join(texts)}."


def _breaks(figure: Figure) -> Iterable[str]:
    words = WORDS[figure.language]
    told = {note.series_break: note.text for note in figure.notes if note.series_break is not None}
    for year, text in told.items():
        yield words["break"].format(year, text)
    flagged = {point.year for one in figure.series for point in one.points if "seriesBreak" in point.flags}
    for year in sorted(flagged - told.keys()):
        yield words["flagged"].format(year)
