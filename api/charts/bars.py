"""Bars across areas, sexes or categories, from zero, each with its name and its number."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from api.charts import look
from api.charts.figures import Figure, Point, Series
from api.charts.words import short, shown_points, with_interval
from datasets.statuses import LEGEND

_LABELS_SHARE = 0.42
_FEW = 60
_WIDER = frozenset({"00", "08"})
"""The areas that the others are compared with: stronger in colour."""
_TITLES = {sign.code: sign.title for sign in LEGEND}


class Bar(NamedTuple):
    """One bar: its lines of name, its series, its figure."""

    label: tuple[str, ...]
    series: Series
    point: Point


def bars(figure: Figure, width: int, texts: Sequence[str]) -> dict[str, Any]:
    """Return the layers of *figure* as bars in *width*, with *texts* below."""
    found = _bars(figure, width)
    letters = max((look.wide(line, look.TEXT_SIZE) for bar in found for line in bar.label), default=40)
    left = min(letters, width * _LABELS_SHARE + 20) + 14
    step = _step(found)
    height = step * len(found)
    plot = width - left - 4
    wider = {bar.series.key.area in _WIDER for bar in found} == {True, False}

    def strong(bar: Bar) -> bool:
        return not wider or bar.series.key.area in _WIDER

    y = {
        "field": "row",
        "type": "nominal",
        "sort": None,
        "scale": {"paddingInner": 0.25, "paddingOuter": 0.2},
        "axis": _names_axis(left),
    }
    x = {
        "type": "quantitative",
        "scale": {"domain": _domain(figure, found, plot), "nice": False},
        "axis": {"title": None, "tickCount": max(int(plot // 70), 2), "orient": "top"},
    }
    return {
        "width": plot,
        "height": height,
        "data": {"values": [_row(figure, at, bar) | {"strong": strong(bar)} for at, bar in enumerate(found)]},
        "layer": [
            _bar_layer(x, y),
            *_intervals(found, x, y),
            _zero(x),
            *_ends(figure, x, y),
            *_numbers(x, y),
            look.footer(texts, left, height + 18, width),
        ],
    }


def _bars(figure: Figure, width: int) -> list[Bar]:
    pairs = [(one, point) for one in figure.series for point in shown_points(figure, one)]
    mixed = len({point.year for _, point in pairs}) > 1
    made = []
    for one, point in pairs:
        label = f"{one.label} {point.year}" if mixed else one.label
        made.append(Bar(tuple(look.wrapped(label, width * _LABELS_SHARE, look.TEXT_SIZE)), one, point))
    areas, apart = {bar.series.key.area for bar in made}, {bar.series.key[1:] for bar in made}
    if len(areas) > 1 and len(apart) == 1:
        # areas beside each other are read by size; sexes and categories keep the order they are told in
        made.sort(key=lambda bar: (bar.point.value is None, -(bar.point.value or 0.0)))
    return made


def _step(found: Sequence[Bar]) -> float:
    lines = max((len(bar.label) for bar in found), default=1)
    return (22 if len(found) <= _FEW else 16) + (lines - 1) * (look.TEXT_SIZE + 2)


def _row(figure: Figure, at: int, bar: Bar) -> dict[str, Any]:
    point, name = bar.point, "\n".join(bar.label)
    # the number keeps two bars of one name apart
    row: dict[str, Any] = {"row": f"{at}\n{name}", "series": bar.series.label, "year": point.year}
    sex = str(bar.series.key.sex)
    if point.value is None:
        title = _TITLES[str(point.status)].spoken(figure.language)
        return row | {"sex": sex, "value": None, "end": 0, "text": title, "absent": True}
    text = short(figure, point.value)
    row |= {"value": point.value, "text": text, "sex": sex, "absent": False}
    if point.low is not None and point.high is not None:
        row |= {"low": point.low, "high": point.high}
        row["text"] = with_interval(figure, point)
    ends = (point.value, point.low or point.value, point.high or point.value)
    return row | {"end": min(ends) if point.value < 0 else max(ends)}


def _domain(figure: Figure, found: Sequence[Bar], plot: float) -> list[float]:
    """Return the ends of the axis: zero is on it, and there is room for the numbers beside the bars."""
    every = [
        number
        for bar in found
        for number in (bar.point.value, bar.point.low, bar.point.high)
        if number is not None
    ]
    low, high = min([*every, 0.0]), max([*every, 0.0])
    span = (high - low) or 1.0
    texts = [_row(figure, 0, bar)["text"] for bar in found if bar.point.value is not None]
    share = min(max((look.wide(text, look.TEXT_SIZE) + 22 for text in texts), default=0) / plot, 0.6)
    room = span * share / (1 - share)
    return [low - (room if low < 0 else 0), high + (room if high > 0 or low == 0 else 0)]


def _names_axis(left: float) -> dict[str, Any]:
    return {
        "title": None,
        "domain": False,
        "ticks": False,
        "labelExpr": "slice(split(datum.label, '\\n'), 1)",
        "labelLimit": 0,
        "labelPadding": 6,
        "minExtent": left,
        "maxExtent": left,
        "labelOverlap": False,
    }


def _bar_layer(x: Any, y: Any) -> dict[str, Any]:
    sexes = list(look.OF_SEX)
    colour = {
        "field": "sex",
        "type": "nominal",
        "legend": None,
        "scale": {"domain": sexes, "range": [look.COLOURS[look.OF_SEX[sex]] for sex in sexes]},
    }
    strength = {"condition": {"test": "datum.strong", "value": 1}, "value": 0.72}
    encoding = {"x": {**x, "field": "value"}, "y": y, "color": colour, "opacity": strength}
    return {"transform": [{"filter": "!datum.absent"}], "mark": {"type": "bar"}, "encoding": encoding}


def _intervals(found: Sequence[Bar], x: Any, y: Any) -> Iterable[dict[str, Any]]:
    if not any(bar.point.low is not None for bar in found):
        return
    only = [{"filter": "isValid(datum.low)"}]
    ends = {"x": {**x, "field": "low"}, "x2": {"field": "high"}, "y": y}
    rule = {"type": "rule", "strokeWidth": 2, "color": look.INK}
    yield {"transform": only, "mark": rule, "encoding": ends}
    tick = {"type": "tick", "orient": "vertical", "size": 10, "thickness": 2, "color": look.INK}
    for end in ("low", "high"):
        yield {"transform": only, "mark": tick, "encoding": {"x": {**x, "field": end}, "y": y}}


def _zero(x: Any) -> dict[str, Any]:
    rule = {"type": "rule", "color": look.INK, "strokeWidth": 1.2}
    return {"data": {"values": [{"zero": 0}]}, "mark": rule, "encoding": {"x": {**x, "field": "zero"}}}


def _ends(figure: Figure, x: Any, y: Any) -> Iterable[dict[str, Any]]:
    """Yield a mark at the end of each bar whose shape tells the sex, where there are several."""
    sexes = list(look.OF_SEX)
    if len({one.key.sex for one in figure.series}) == 1:
        return
    shape = {
        "field": "sex",
        "type": "nominal",
        "legend": None,
        "scale": {"domain": sexes, "range": [look.SHAPES[look.OF_SEX[sex]] for sex in sexes]},
    }
    yield {
        "transform": [{"filter": "!datum.absent"}],
        "mark": {"type": "point", "filled": True, "size": 60, "color": look.INK, "opacity": 1},
        "encoding": {"x": {**x, "field": "value"}, "y": y, "shape": shape},
    }


def _numbers(x: Any, y: Any) -> Iterable[dict[str, Any]]:
    text = {"type": "text", "baseline": "middle", "fontSize": look.TEXT_SIZE, "color": look.INK}
    encoding = {"x": {**x, "field": "end"}, "y": y, "text": {"field": "text"}}
    for sign, align, shift in (("datum.end >= 0", "left", 7), ("datum.end < 0", "right", -7)):
        yield {
            "transform": [{"filter": sign}],
            "mark": {**text, "align": align, "dx": shift},
            "encoding": encoding,
        }
