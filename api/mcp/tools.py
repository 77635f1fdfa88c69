"""What a model may ask for: indicators by words, one of them in full, areas, figures."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from urllib.parse import quote

from msgspec import Meta, Struct

from api.mcp.figures import figures
from api.mcp.protocol import Tool
from api.mcp.source import Source

MOST_FIGURES = 200
_FOUND = 10
_Language = Literal["sv", "en"]


class Search(Struct, frozen=True, forbid_unknown_fields=True):
    """Words to search for, Swedish or English; a municipality narrows to what has figures for it."""

    query: Annotated[str, Meta(min_length=1, max_length=200, description="Words, Swedish or English.")]
    municipality: Annotated[str, Meta(description="Only with figures for this area code, e.g. 0880.")] = ""
    lang: _Language = "sv"


class Describe(Struct, frozen=True, forbid_unknown_fields=True):
    """One indicator by its id."""

    indicator: Annotated[str, Meta(min_length=1, max_length=100, description="An id from search_indicators.")]
    lang: _Language = "sv"


class Areas(Struct, frozen=True, forbid_unknown_fields=True):
    """The areas inside of one."""

    parent: Annotated[str, Meta(description="08 is Kalmar county, 00 Sweden, 0880 Kalmar.")] = "08"


class Figures(Struct, frozen=True, forbid_unknown_fields=True):
    """Which figures: codes with commas between, as the API takes them."""

    indicator: Annotated[str, Meta(min_length=1, description="Ids, with commas between.")]
    municipality: Annotated[
        str, Meta(min_length=1, description="Area codes; county:08 for its municipalities.")
    ]
    sex: Annotated[str, Meta(description="total, women, men, other; empty for all.")] = ""
    year: Annotated[str, Meta(description="Years, or latest; empty for all.")] = ""
    breakdown: Annotated[str, Meta(description="E.g. age:80-; * for all; empty for undivided figures.")] = ""
    lang: _Language = "sv"


def tools_of(source: Source) -> Mapping[str, Tool]:
    """Return the tools over *source* by their names."""
    made = (
        Tool(
            "search_indicators",
            "Search indicators",
            "Find indicators by words, best first: id, title, unit, years. Ask this before anything else.",
            Search,
            lambda asked: _search(source, asked),
        ),
        Tool(
            "describe_indicator",
            "Describe an indicator",
            "Definition, unit, breakdowns, years, breaks and notes of one, with version and address.",
            Describe,
            lambda asked: source.ask(f"/indicators/{quote(asked.indicator, safe='')}", {"lang": asked.lang}),
        ),
        Tool(
            "list_areas",
            "List areas",
            "Codes and names of the areas inside an area; 08 gives the municipalities of Kalmar county.",
            Areas,
            lambda asked: _areas(source, asked),
        ),
        Tool(
            "get_figures",
            "Get figures",
            f"Figures, at most {MOST_FIGURES}, each with unit, version, attribution, address and mandatory "
            "notes. A null value is not zero: status tells why there is none.",
            Figures,
            lambda asked: figures(
                source, {name: getattr(asked, name) for name in Figures.__struct_fields__}, MOST_FIGURES
            ),
        ),
    )
    return {tool.name: tool for tool in made}


def _search(source: Source, asked: Search) -> Mapping[str, Any]:
    told = source.ask(
        "/indicators",
        {"q": asked.query, "municipality": asked.municipality, "lang": asked.lang, "limit": _FOUND},
    )
    return {
        "indicators": [
            {
                "id": one["id"],
                "title": one["title"],
                "unit": one["unit"]["title"],
                "dataset": one["dataset"],
                "source": one["source"],
                "firstYear": one["firstYear"],
                "lastYear": one["lastYear"],
                "address": one["_links"]["self"]["href"],
            }
            for one in told["indicators"]
        ],
        "total": told["_meta"]["totalRecords"],
        "unmatchedWords": told["_meta"]["search"]["unmatched"],
        "suggestions": told["_meta"]["search"]["suggestions"],
    }


def _areas(source: Source, asked: Areas) -> Mapping[str, Any]:
    told = source.ask("/municipalities", {"parent": asked.parent, "limit": 1000})
    return {
        "areas": [{name: one[name] for name in ("code", "name", "type")} for one in told["municipalities"]]
    }
