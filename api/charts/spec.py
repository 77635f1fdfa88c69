"""A figure as a whole Vega-Lite specification, complete in itself: figures, words, source and number form."""

from typing import Any

from api.charts import look
from api.charts.bars import bars
from api.charts.figures import Figure
from api.charts.lines import lines
from api.charts.words import WORDS, Told

_SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
_EMPTY_HEIGHT = 60


def specification(figure: Figure, told: Told, width: int) -> dict[str, Any]:
    """Return the specification of *figure* with its words *told*, *width* wide."""
    words = WORDS[figure.language]
    has_interval = any(point.low is not None for one in figure.series for point in one.points)
    texts = [*told.breaks, *told.absent, *told.notes, told.source]
    if has_interval:
        texts = [words["interval"], *texts]
    if figure.narrowed:
        texts = [words["narrowed"].format(", ".join(map(str, figure.years))), *texts]
    inner = width - 2 * _PADDING
    draw = {"lines": lines, "bars": bars, "none": _nothing, "crowded": _nothing}[figure.kind]
    return {
        "$schema": _SCHEMA,
        "description": told.alternative,
        "background": look.PAPER,
        "padding": _PADDING,
        "title": look.heading(told.title, told.subtitle, inner),
        **draw(figure, inner, texts),
        "config": look.config(figure.language),
    }


_PADDING = 8


def _nothing(figure: Figure, width: int, texts: list[str]) -> dict[str, Any]:
    """Return the layers of a picture that has only words."""
    lines = [WORDS[figure.language]["none"], *texts]
    return {"width": width, "height": _EMPTY_HEIGHT, "layer": [look.footer(lines, 0, 0, width)]}
