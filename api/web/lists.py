"""The pages that lead to the figures: start with its search, all indicators, datasets, municipalities."""

from collections import Counter
from typing import Any

import numpy as np
from litestar import Request, Response, get
from msgspec import Struct

from api.about import CONTACT_MAIL
from api.parameters import PAGE
from api.search.parameters import QUERY, THEME
from api.search.suggestions import suggested
from api.service import service_in
from api.snapshot import IndicatorState, Snapshot
from api.web.choosing import COUNTY, Option
from api.web.pages import READS_ITSELF, asked_by_form, sent, written
from api.web.phrases import THEMES, theme_title
from api.web.site import Site, site_of
from datasets.areas import area, municipalities_of
from datasets.closest import closest
from datasets.units import unit

PAGE_LENGTH = 50


class Hit(Struct, frozen=True):
    """One indicator in a list."""

    href: str
    title: str
    unit: str
    dataset: str
    years: str


@get(["/", "/en"], include_in_schema=False, opt=READS_ITSELF)
async def start(request: Request[Any, Any, Any]) -> Response[str]:
    """Return the page to begin at."""
    asked_by_form(request, ())
    snapshot, site = service_in(request).live.newest(), site_of(request)
    counts = Counter[str](
        snapshot.datasets[one.dataset].description.theme for one in snapshot.indicators.values()
    )
    return sent(
        written(
            "start.html",
            site,
            title=site.said("about_service"),
            query="",
            themes=[(theme, theme_title(theme, site.language), counts[theme]) for theme in THEMES],
            municipalities=_county(site),
            releases=[
                (one, snapshot.datasets[one.dataset].description.title.spoken(site.language))
                for one in snapshot.line[:-6:-1]
            ],
        )
    )


@get(["/indikatorer", "/en/indikatorer"], include_in_schema=False, opt=READS_ITSELF)
async def indicators(request: Request[Any, Any, Any]) -> Response[str]:
    """Return a page of the indicators that a search or a theme finds."""
    asked = asked_by_form(request, (QUERY, THEME, PAGE))
    service, query, theme = service_in(request), asked["q"] or "", asked["theme"]
    snapshot, site = service.live.newest(), site_of(request, asked.pairs)
    ready = await service.search.over(snapshot)
    chosen = ready.axes.theme.having(theme) if theme else np.ones(ready.axes.rows, bool)
    rows = ready.searcher.search(query, chosen).rows if query else np.flatnonzero(chosen)
    found = [ready.searcher.index.states[row] for row in rows]
    instead = suggested(ready.searcher, query, chosen) if query and not found else ()
    titles = {name: state.definition.title.sv for name, state in snapshot.indicators.items()}
    near = closest(query, titles) if query and not found else ()
    told = page_of([_hit(snapshot, state, site) for state in found], asked["page"], site)
    return sent(
        written(
            "indicators.html",
            site,
            title=site.said("results") if query else site.said("indicators"),
            query=query,
            theme=theme_title(theme, site.language) if theme else "",
            instead=[(site.page("/indikatorer", [("q", text)]), text) for text in instead],
            near=[_hit(snapshot, snapshot.indicators[name], site) for name in near],
            **told,
        )
    )


@get(["/datamangder", "/en/datamangder"], include_in_schema=False, opt=READS_ITSELF)
async def datasets(request: Request[Any, Any, Any]) -> Response[str]:
    """Return the page of all datasets."""
    asked_by_form(request, ())
    snapshot, site = service_in(request).live.newest(), site_of(request)
    return sent(
        written("datasets.html", site, title=site.said("datasets"), states=snapshot.datasets.values())
    )


@get(["/kommuner", "/en/kommuner"], include_in_schema=False, opt=READS_ITSELF)
async def municipalities(request: Request[Any, Any, Any]) -> Response[str]:
    """Return the page of the county's municipalities."""
    asked_by_form(request, ())
    site = site_of(request)
    title = site.said("municipalities")
    return sent(written("municipalities.html", site, title=title, municipalities=_county(site)))


@get(["/tillganglighet", "/en/tillganglighet"], include_in_schema=False, opt=READS_ITSELF)
async def statement(request: Request[Any, Any, Any]) -> Response[str]:
    """Return the accessibility statement."""
    asked_by_form(request, ())
    site = site_of(request)
    return sent(written("statement.html", site, title=site.said("accessibility"), mail=CONTACT_MAIL))


def page_of(rows: list[Any], page: int, site: Site) -> dict[str, Any]:
    """Return the part of *rows* on a page, and the addresses of the pages beside it."""
    last = max(-(-len(rows) // PAGE_LENGTH), 1)
    kept = [(name, text) for name, text in site.pairs if name != "page"]

    def turned(number: int) -> str:
        return site.page(site.path, [*kept, ("page", str(number))]) if 1 <= number <= last else ""

    return {
        "rows": rows[(page - 1) * PAGE_LENGTH : page * PAGE_LENGTH] if page else [],
        "count": len(rows),
        "page": page,
        "last": last,
        "before": turned(min(page - 1, last)),
        "after": turned(page + 1),
    }


def _county(site: Site) -> list[Option]:
    codes = [COUNTY, *municipalities_of(COUNTY)]
    return [Option(site.page(f"/kommun/{code}"), area(code).name, chosen=False) for code in codes]


def _hit(snapshot: Snapshot, state: IndicatorState, site: Site) -> Hit:
    about, years = state.definition, state.coverage.years
    span = f"{years[0]}\N{EN DASH}{years[-1]}" if len(years) > 1 else "".join(map(str, years))
    return Hit(
        site.page(f"/indikator/{about.id}"),
        about.title.spoken(site.language),
        unit(about.unit).title.spoken(site.language),
        snapshot.datasets[state.dataset].description.title.spoken(site.language),
        span,
    )
