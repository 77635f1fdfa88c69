"""How pictures look: colours that all stand out from white, shapes and dashes so that none is alone."""

import textwrap
from collections.abc import Sequence
from typing import Any

from api.charts.numerals import LOCALES
from datasets.vocabulary import Sex

FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
INK, FAINT, PAPER = "#1b1b1b", "#595959", "#ffffff"
GRID = "#dcdcdc"
COLOURS = ("#00539b", "#b3400b", "#00704a", "#7a2a7f", "#7a5600", "#5b5b5b", "#b0135a", "#006680")
"""Each at least 4.5 to 1 against white; no meaning is told by colour alone."""
SHAPES = (
    "circle",
    "square",
    "triangle-up",
    "diamond",
    "cross",
    "triangle-down",
    "triangle-right",
    "triangle-left",
)
DASHES = {Sex.TOTAL: [1, 0], Sex.WOMEN: [7, 3], Sex.MEN: [2, 3], Sex.OTHER: [8, 3, 2, 3]}
OF_SEX = {Sex.TOTAL: 0, Sex.WOMEN: 1, Sex.MEN: 2, Sex.OTHER: 3}
"""The place of each sex among colours and shapes, the same in every picture."""
LEAST_WIDTH, USUAL_WIDTH, MOST_WIDTH = 240, 720, 1600
TITLE_SIZE, TEXT_SIZE = 17, 12
NARROW = 480
_LETTER = 0.53
"""About how wide a letter is, in parts of its size."""


def wrapped(text: str, width: float, size: float) -> list[str]:
    """Return *text* in lines that fit *width* when its letters have *size*."""
    letters = max(int(width / (size * _LETTER)), 8)
    return textwrap.wrap(text, letters) or [""]


def wide(text: str, size: float) -> float:
    """Return about how wide *text* is."""
    return len(text) * size * _LETTER


def heading(title: str, subtitle: str, width: float) -> dict[str, Any]:
    """Return the heading of a picture."""
    size = TITLE_SIZE if width >= NARROW else TITLE_SIZE - 2
    return {
        "text": wrapped(title, width * 0.95, size),
        "subtitle": wrapped(subtitle, width, TEXT_SIZE + 1),
        "anchor": "start",
        "frame": "bounds",
        "fontSize": size,
        "fontWeight": "bold",
        "color": INK,
        "subtitleColor": FAINT,
        "subtitleFontSize": TEXT_SIZE + 1,
        "subtitlePadding": 5,
        "offset": 14,
    }


def footer(texts: Sequence[str], left: float, below: float, width: float) -> dict[str, Any]:
    """Return the lines under a picture, from *left* of the plot and *below* its top."""
    lines = [line for text in texts for line in wrapped(text, width, TEXT_SIZE)]
    return {
        "data": {"values": [{}]},
        "mark": {
            "type": "text",
            "text": lines,
            "align": "left",
            "baseline": "top",
            "lineHeight": TEXT_SIZE + 4,
            "fontSize": TEXT_SIZE,
            "color": INK,
        },
        "encoding": {"x": {"value": -left}, "y": {"value": below}},
    }


def config(language: str) -> dict[str, Any]:
    """Return the settings that all pictures share."""
    axis = {
        "labelColor": INK,
        "titleColor": INK,
        "labelFontSize": TEXT_SIZE,
        "titleFontSize": TEXT_SIZE,
        "titleFontWeight": "normal",
        "domainColor": FAINT,
        "tickColor": FAINT,
        "gridColor": GRID,
    }
    legend = {"labelFontSize": TEXT_SIZE, "labelColor": INK, "labelLimit": 0, "symbolOpacity": 1}
    return {
        "font": FONT,
        "axis": axis,
        "legend": legend,
        "view": {"stroke": None},
        "locale": {"number": LOCALES[language]},
    }
