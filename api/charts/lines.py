"""Lines over years: one a series, interrupted where figures are missing or cannot be compared."""

from collections.abc import Iterable, Sequence
from typing import Any

from api.charts import look
from api.charts.figures import Figure, Series
from api.charts.numerals import measured, numeral
from api.charts.words import WORDS

_CUT_FROM = 0.6
"""The axis begins at zero unless all figures lie in the upper part of it, where they would be one line."""
_YEAR_WIDTH = 46


def lines(figure: Figure, width: int, texts: Sequence[str]) -> dict[str, Any]:
    """Return the layers of *figure* as lines in *width*, with *texts* below."""
    left = max(look.wide(text, look.TEXT_SIZE) for text in _ticks(figure)) + 18
    plot = width - left - 8
    height = 300 if width >= look.NARROW else 240
    low, high, cut = domain(figure)
    if cut:
        texts = [WORDS[figure.language]["cut"], *texts]
    x = {"field": "year", "type": "quantitative", "axis": _year_axis(figure, plot), "scale": _years(figure)}
    axis = {"title": None, "minExtent": left - 6, "maxExtent": left - 6, "tickCount": 6}
    y = {"type": "quantitative", "axis": axis, "scale": {"domain": [low, high], "nice": True, "zero": False}}
    return {
        "width": plot,
        "height": height,
        "data": {"values": _rows(figure)},
        "layer": [
            *_zero(low, high, y),
            *_breaks(figure, x),
            *_intervals(figure, x, y),
            *_series(figure, x, y, plot),
            look.footer(texts, left, height + 36, width),
        ],
    }


def domain(figure: Figure) -> tuple[float, float, bool]:
    """Return the ends of the value axis, and whether it is cut, which must be said."""
    every = [
        number
        for one in figure.series
        for point in one.points
        for number in (point.value, point.low, point.high)
        if number is not None
    ]
    low, high = min(every), max(every)
    if low > 0 and low > _CUT_FROM * high and high > low:
        margin = (high - low) * 0.15
        return low - margin, high + margin, True
    return min(low, 0.0), max(high, 0.0), False


def _rows(figure: Figure) -> list[dict[str, Any]]:
    about, rows = figure.indicator, []
    for at, one in enumerate(figure.series):
        for point, run in zip(one.points, one.runs, strict=True):
            if point.value is None:
                continue
            text = f"{one.label} {point.year}: "
            text += measured(point.value, about.unit, about.decimals, figure.language)
            row = {"series": one.label, "year": point.year, "value": point.value, "run": f"{at}-{run}"}
            if point.low is not None:
                row |= {"low": point.low, "high": point.high}
            rows.append(row | {"text": text})
    return rows


def _series(figure: Figure, x: Any, y: Any, plot: float) -> Iterable[dict[str, Any]]:
    """Yield the lines and their points; colour, shape and dash are told by one key."""
    names = [one.label for one in figure.series]
    key = None if len(names) == 1 else _key(names, plot)
    styles = list(_styles(figure.series))

    def told(places: Iterable[Any], shown: dict[str, Any] | None = key) -> dict[str, Any]:
        scale = {"domain": names, "range": list(places)}
        return {"field": "series", "type": "nominal", "scale": scale, "legend": shown, "title": None}

    shared = {"x": x, "y": {**y, "field": "value"}, "color": told(colour for colour, _ in styles)}
    yield {
        "mark": {"type": "line", "strokeWidth": 2.5},
        "encoding": {
            **shared,
            "strokeDash": told((look.DASHES[one.key.sex] for one in figure.series), None),
            "detail": {"field": "run", "type": "nominal"},
        },
    }
    yield {
        "mark": {"type": "point", "filled": True, "size": 62, "opacity": 1},
        "encoding": {**shared, "shape": told(shape for _, shape in styles)},
    }


def _styles(series: Sequence[Series]) -> Iterable[tuple[str, str]]:
    """Yield colour and shape of each series; no two have both in common, and one area's sexes keep theirs."""
    by_sex = len({one.key.sex for one in series}) == len(series)
    for place, one in enumerate(series):
        at = look.OF_SEX[one.key.sex] if by_sex and len(series) > 1 else place
        again = at // len(look.COLOURS)
        yield look.COLOURS[at % len(look.COLOURS)], look.SHAPES[(at + again) % len(look.SHAPES)]


def _key(names: Sequence[str], plot: float) -> dict[str, Any]:
    column = max(look.wide(name, look.TEXT_SIZE) for name in names) + 40
    return {
        "orient": "top",
        "title": None,
        "columns": max(int(plot // column), 1),
        "symbolSize": 90,
        "symbolStrokeWidth": 0,
        "offset": 8,
    }


def _years(figure: Figure) -> dict[str, Any]:
    return {"domain": [figure.years[0] - 0.4, figure.years[-1] + 0.4], "nice": False, "zero": False}


def _year_axis(figure: Figure, plot: float) -> dict[str, Any]:
    first, last = figure.years[0], figure.years[-1]
    most = max(int(plot // _YEAR_WIDTH), 2)
    step = max(-(-(last - first + 1) // most), 1)
    ticks = list(range(last, first - 1, -step))[::-1]
    return {"title": None, "values": ticks, "format": "d", "grid": False, "labelOverlap": False}


def _zero(low: float, high: float, y: Any) -> Iterable[dict[str, Any]]:
    if low <= 0 <= high:
        rule = {"type": "rule", "color": look.INK, "strokeWidth": 1.2}
        yield {"data": {"values": [{"zero": 0}]}, "mark": rule, "encoding": {"y": {**y, "field": "zero"}}}


def _breaks(figure: Figure, x: Any) -> Iterable[dict[str, Any]]:
    """Yield a rule between the years that cannot be compared, and what it is."""
    flagged = {point.year for one in figure.series for point in one.points if "seriesBreak" in point.flags}
    years = sorted({*figure.breaks, *flagged} - {figure.years[0]})
    if not years:
        return
    word = "Brott" if figure.language == "sv" else "Break"
    rows = [{"year": year - 0.5, "text": f"{word} {year}"} for year in years]
    rule = {"type": "rule", "color": look.INK, "strokeDash": [4, 4], "strokeWidth": 1.5}
    text = {"type": "text", "align": "left", "baseline": "top", "dx": 4, "dy": 1, "color": look.INK}
    yield {"data": {"values": rows}, "mark": rule, "encoding": {"x": x}}
    yield {
        "data": {"values": rows},
        "mark": {**text, "fontSize": look.TEXT_SIZE, "fontWeight": "bold"},
        "encoding": {"x": x, "y": {"value": 0}, "text": {"field": "text"}},
    }


def _intervals(figure: Figure, x: Any, y: Any) -> Iterable[dict[str, Any]]:
    if not any(point.low is not None for one in figure.series for point in one.points):
        return
    names = [one.label for one in figure.series]
    colours = [colour for colour, _ in _styles(figure.series)]
    colour = {
        "field": "series",
        "type": "nominal",
        "legend": None,
        "scale": {"domain": names, "range": colours},
    }
    only = [{"filter": "isValid(datum.low)"}]
    ends = {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}, "color": colour}
    yield {"transform": only, "mark": {"type": "rule", "strokeWidth": 1.5}, "encoding": ends}
    for end in ("low", "high"):
        tick = {"x": x, "y": {**y, "field": end}, "color": colour}
        mark = {"type": "tick", "orient": "horizontal", "size": 9, "thickness": 1.5}
        yield {"transform": only, "mark": mark, "encoding": tick}


def _ticks(figure: Figure) -> Iterable[str]:
    """Yield texts as long as the longest on the value axis."""
    low, high, _ = domain(figure)
    decimals = 1 if high - low < 10 else 0  # noqa: PLR2004 so few whole numbers get a decimal on the axis
    return (numeral(round(number, decimals), None, figure.language) for number in (low, high * 1.1))
