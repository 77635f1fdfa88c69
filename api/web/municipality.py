"""The profile of an area: its latest figures beside the county's and the country's of the same year."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from litestar import Request, Response, get
from litestar.params import FromPath
from msgspec import Struct

from api.charts.figures import SEX_TITLES
from api.charts.numerals import measured
from api.parameters import PAGE
from api.problems import not_found
from api.rows import ResidentCube
from api.search.parameters import THEME
from api.service import service_in
from api.snapshot import IndicatorState
from api.web.choosing import COUNTY
from api.web.lists import PAGE_LENGTH, page_of
from api.web.pages import READS_ITSELF, asked_by_form, sent, written
from api.web.phrases import THEMES, theme_title
from api.web.site import Site, site_of
from datasets.areas import COUNTRY, area
from datasets.cube import SEXES
from datasets.errors import UnknownCodeError
from datasets.statuses import LEGEND
from datasets.vocabulary import UNDIVIDED, Sex

_TITLES = {sign.code: sign.title for sign in LEGEND}
_NOTHING = ""


class Line(Struct, frozen=True):
    """One figure of the area with those it is compared with; empty texts where there are none."""

    href: str
    title: str
    sex: str
    year: int
    own: str
    county: str
    country: str


@get(["/kommun/{code:str}", "/en/kommun/{code:str}"], include_in_schema=False, opt=READS_ITSELF)
async def municipality(request: Request[Any, Any, Any], code: FromPath[str]) -> Response[str]:
    """Return the profile of one area."""
    asked = asked_by_form(request, (THEME, PAGE))
    service, site = service_in(request), site_of(request, asked.pairs)
    try:
        place = area(code)
    except UnknownCodeError as error:
        raise not_found("code", error) from None
    snapshot, theme = service.live.newest(), asked["theme"]
    states = [
        state
        for state in snapshot.indicators.values()
        if code in state.coverage.municipalities
        and "" in state.coverage.breakdowns
        and theme in {None, snapshot.datasets[state.dataset].description.theme}
    ]
    told = page_of(states, asked["page"], site)
    shown: Sequence[IndicatorState] = told.pop("rows")
    assert len(shown) <= PAGE_LENGTH
    cubes = await service.residents.cubes(shown)
    lines = [
        line for state, cube in zip(shown, cubes, strict=True) for line in _lines(state, cube, code, site)
    ]
    return sent(
        written(
            "municipality.html",
            site,
            title=place.name,
            code=code,
            compared=code not in {COUNTY, COUNTRY},
            lines=lines,
            themes=[(one, theme_title(one, site.language), one == theme) for one in THEMES],
            theme=theme or "",
            **told,
        )
    )


def _lines(state: IndicatorState, resident: ResidentCube, code: str, site: Site) -> Iterator[Line]:
    """Yield the latest figure of the total, or of each sex where the source states no total."""
    sexes = [Sex.TOTAL] if Sex.TOTAL in state.coverage.sexes else list(state.coverage.sexes)
    for sex in sexes:
        own = _figures(state, resident, code, sex, site.language)
        valued = [year for year, (_, has_value) in own.items() if has_value]
        if not own:
            continue
        year = max(valued or own)
        areas = [one for one in (code, COUNTY, COUNTRY) if one in state.coverage.municipalities]
        pairs = [("municipality", ",".join(dict.fromkeys(areas))), ("sex", str(sex))]
        beside = [
            _figures(state, resident, other, sex, site.language).get(year, (_NOTHING, False))[0]
            for other in (COUNTY, str(COUNTRY))
        ]
        yield Line(
            site.page(f"/indikator/{state.definition.id}", pairs),
            state.definition.title.spoken(site.language),
            "" if sex is Sex.TOTAL else SEX_TITLES[site.language][sex],
            year,
            own[year][0],
            *beside,
        )


def _figures(
    state: IndicatorState, resident: ResidentCube, code: str, sex: Sex, language: str
) -> dict[int, tuple[str, bool]]:
    """Return the undivided figures of one area and sex by year: as text, and whether it is a value."""
    cube, place = resident.cube, resident.places.get(code)
    if place is None or UNDIVIDED not in cube.breakdowns:
        return {}
    rows = np.arange(*resident.starts[place : place + 2])
    columns = cube.columns.take(rows)
    mine = (columns.sex == SEXES.index(sex)) & (columns.breakdown == cube.breakdowns.index(UNDIVIDED))
    found = cube.observations(rows[mine])
    about = state.definition
    return {
        int(one.year): (_TITLES[str(one.status)].spoken(language).lower(), False)
        if one.value is None
        else (measured(one.value, about.unit, about.decimals, language), True)
        for one in found
    }
