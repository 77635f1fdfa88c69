"""Every query parameter, declared once: its name, its words, its schema, and how its text is read.

Handlers name the parameters that they take; the contract is written from the same declarations.
"""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from api.texts import (
    LONGEST_TEXT,
    MOMENT_PATTERN,
    SORTABLE,
    category,
    moment,
    moment_before,
    one_of,
    sort_key,
    version,
    whole,
    words,
    year,
    year_or_latest,
    yes_or_no,
)
from datasets.areas import AreaType
from datasets.changes import VERSION_PATTERN
from datasets.vocabulary import FIRST_YEAR, LAST_YEAR, SEX_WORDS, Sex, Source

LARGEST_PAGE = 10_000
OBSERVATIONS_PAGE = 1_000
LIST_PAGE = 20
_FARTHEST = 10**9
"""No page, and no release, has a greater number."""

FIELDS = (
    "indicator",
    "municipality",
    "sex",
    "year",
    "periodStart",
    "periodEnd",
    "breakdown",
    "value",
    "status",
    "flags",
    "low",
    "high",
    "count",
    "change",
    "validFrom",
    "validTo",
)


class Parameter(Struct, frozen=True, kw_only=True):
    """One query parameter; `many` for a comma list, which may also be repeated."""

    name: str
    description: str
    read: Callable[[str], Any]
    schema: Mapping[str, Any]
    example: str
    many: bool = False
    default: Any = None


YEARS: Mapping[str, Any] = {"type": "integer", "minimum": FIRST_YEAR, "maximum": LAST_YEAR}
CODES: Mapping[str, Any] = {"type": "string", "minLength": 1, "maxLength": LONGEST_TEXT}
INDICATOR = Parameter(
    name="indicator",
    description="Indikatorer, kommalista av id. / Indicators, a comma list of ids.",
    read=words,
    schema=CODES,
    example="scb-folkmangd",
    many=True,
)
DATASET = Parameter(
    name="dataset",
    description="En datamängd. / One dataset.",
    read=words,
    schema=CODES,
    example="scb-befolkning",
)
MUNICIPALITY = Parameter(
    name="municipality",
    description=(
        "Områden, kommalista av koder; `county:08` är länets alla kommuner. / "
        "Areas, a comma list of codes; `county:08` is every municipality of the county."
    ),
    read=words,
    schema=CODES,
    example="0880,0834",
    many=True,
)
SEX = Parameter(
    name="sex",
    description="Kön, kommalista. / Sexes, a comma list.",
    read=one_of(SEX_WORDS, "sex"),
    schema={"type": "string", "enum": [*Sex]},
    example="women,men",
    many=True,
)
YEAR = Parameter(
    name="year",
    description=(
        "År, kommalista; `latest` är varje series senaste år med en siffra. / "
        "Years, a comma list; `latest` is each series' latest year that has a figure."
    ),
    read=year_or_latest,
    schema={"type": "string", "pattern": "^([0-9]{4}|latest)$"},
    example="2019",
    many=True,
)
YEAR_FROM = Parameter(
    name="yearFrom",
    description="Första året, inklusive. / First year, inclusive.",
    read=year,
    schema=YEARS,
    example="2001",
)
YEAR_TO = Parameter(
    name="yearTo",
    description="Sista året, inklusive. / Last year, inclusive.",
    read=year,
    schema=YEARS,
    example="2004",
)
BREAKDOWN = Parameter(
    name="breakdown",
    description=(
        "`age:80-,reporter:polis`, `age:*`, eller `*` för alla; utelämnad: bara odelade siffror. / "
        "`age:80-,reporter:polis`, `age:*`, or `*` for all; left out: undivided figures only."
    ),
    read=category,
    schema=CODES,
    example="*",
    many=True,
)
VERSION = Parameter(
    name="version",
    description="Låser en versionen av en datamängd. / Pins the version of one dataset.",
    read=version,
    schema={"type": "string", "pattern": f"^{VERSION_PATTERN}$"},
    example="1.0.0",
)
AS_OF = Parameter(
    name="asOf",
    description=(
        "Datum eller RFC 3339-tid: vad API:et hade svarat då. / "
        "Date or RFC 3339 time: what the API would have answered then."
    ),
    read=moment,
    schema={"type": "string", "pattern": f"^{MOMENT_PATTERN}$"},
    example="2026-11-22",
)
FROM = Parameter(
    name="from",
    description="Jämför med versionen, annars med den före. / Compare with it, else with the one before.",
    read=version,
    schema={"type": "string", "pattern": f"^{VERSION_PATTERN}$"},
    example="1.0.0",
)
SINCE = Parameter(
    name="since",
    description="Bara utgåvor efter den med detta nummer. / Only releases after the one with this number.",
    read=whole(0, _FARTHEST),
    schema={"type": "integer", "minimum": 0, "maximum": _FARTHEST, "default": 0},
    example="3",
    default=0,
)
UPDATED_AFTER = Parameter(
    name="updatedAfter",
    description=(
        "Bara det som har publicerats efter datumet eller tiden; borttagna siffror kommer med "
        "`change: removed`. Ett datum är dygnets början, i UTC. / "
        "Only what was published after the date or time; removed figures come with `change: removed`. "
        "A date is the beginning of the day, in UTC."
    ),
    read=moment_before,
    schema={"type": "string", "pattern": f"^{MOMENT_PATTERN}$"},
    example="2026-11-21",
)
INCLUDE_HISTORY = Parameter(
    name="includeHistory",
    description=(
        "`true`: varje publicerat tillstånd, med `validFrom` och `validTo`. / "
        "`true`: every published state, with `validFrom` and `validTo`."
    ),
    read=yes_or_no,
    schema={"type": "boolean", "default": False},
    example="true",
    default=False,
)
SORT = Parameter(
    name="sort",
    description="Fält att sortera efter, `-` först för fallande. / Fields to sort by, `-` first to descend.",
    read=sort_key,
    schema={"type": "string", "enum": [*SORTABLE, *(f"-{name}" for name in SORTABLE)]},
    example="year,-value",
    many=True,
)
SHOWN_FIELDS = Parameter(
    name="fields",
    description="Fält att visa, kommalista. / Fields to show, a comma list.",
    read=one_of(FIELDS, "field"),
    schema={"type": "string", "enum": [*FIELDS]},
    example="municipality,year,value",
    many=True,
)
LANGUAGE = Parameter(
    name="lang",
    description="Språk för texter. / Language of texts.",
    read=one_of(("sv", "en"), "language"),
    schema={"type": "string", "enum": ["sv", "en"], "default": "sv"},
    example="en",
    default="sv",
)
PAGE = Parameter(
    name="page",
    description="Sida, från 1; utanför är tom. / Page, from 1; outside the range is empty.",
    read=whole(0, _FARTHEST),
    schema={"type": "integer", "minimum": 0, "maximum": _FARTHEST, "default": 1},
    example="1",
    default=1,
)
SOURCE = Parameter(
    name="source",
    description="Källa. / Source.",
    read=one_of([*Source], "source"),
    schema={"type": "string", "enum": [*Source]},
    example="scb",
)
AREA_TYPE = Parameter(
    name="type",
    description="Slag av område. / Kind of area.",
    read=one_of([*AreaType], "type of area"),
    schema={"type": "string", "enum": [*AreaType]},
    example="municipality",
)
PARENT = Parameter(
    name="parent",
    description="Området omkring. / The area around.",
    read=words,
    schema=CODES,
    example="08",
)


def limit(standard: int) -> Parameter:
    """Return the parameter for the rows of a page, *standard* unless told."""
    return Parameter(
        name="limit",
        description="Rader per sida. / Rows a page.",
        read=whole(1, LARGEST_PAGE),
        schema={"type": "integer", "minimum": 1, "maximum": LARGEST_PAGE, "default": standard},
        example=str(standard),
        default=standard,
    )


LISTED = (limit(LIST_PAGE), PAGE, LANGUAGE)
FIGURES = (
    INDICATOR,
    DATASET,
    MUNICIPALITY,
    SEX,
    YEAR,
    YEAR_FROM,
    YEAR_TO,
    BREAKDOWN,
    VERSION,
    AS_OF,
    UPDATED_AFTER,
    INCLUDE_HISTORY,
    SORT,
    SHOWN_FIELDS,
    LANGUAGE,
    limit(OBSERVATIONS_PAGE),
    PAGE,
)
