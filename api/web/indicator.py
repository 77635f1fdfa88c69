"""The page of an indicator: chart, table, choice, definition, notes, versions, downloads, code."""

from typing import Any

from litestar import Request, Response, get
from litestar.params import FromPath

from api.charts.choice import CHOICE, Chosen, chosen, question_for, with_values
from api.charts.words import spans
from api.links import Place
from api.observations import PATH, pin_of
from api.service import Service, service_in
from api.telling import attributions_told, citation_told, datasets_told
from api.web.choosing import form_of, pairs_of, with_defaults
from api.web.downloads import offers_of
from api.web.examples import component, frame, image, in_code
from api.web.pages import READS_ITSELF, asked_by_form, sent, written
from api.web.site import Site, site_of
from api.web.tables import table_of
from datasets.units import unit

SHOWN = tuple(one for one in CHOICE if one.name != "lang")
_VERSIONS_SHOWN = 10


@get(
    ["/indikator/{indicatorId:str}", "/en/indikator/{indicatorId:str}"],
    include_in_schema=False,
    opt=READS_ITSELF,
)
async def indicator(request: Request[Any, Any, Any], indicatorId: FromPath[str]) -> Response[str]:  # noqa: N803
    """Return the page of one indicator."""
    service, asked = service_in(request), asked_by_form(request, SHOWN)
    asked = with_values(asked, lang=site_of(request).language)
    state = (await question_for(service, indicatorId, asked)).indicators[0]
    asked = with_defaults(asked, state)
    pairs = pairs_of(asked)
    site = site_of(request, pairs)
    found = await chosen(service, indicatorId, asked)
    release = found.question.snapshot.datasets[found.question.indicators[0].dataset].release
    offers = await offers_of(service, release, site)
    return sent(
        written(
            "indicator.html",
            site,
            title=found.told.title,
            id=indicatorId,
            told=found.told,
            kind=found.figure.kind,
            table=table_of(found.figure),
            form=form_of(asked, state, site.language),
            **_about(service, found, site),
            **_addresses(found, site, indicatorId),
            files=[one for one in offers if one.name == f"{indicatorId}.csv"],
        )
    )


def _about(service: Service, found: Chosen, site: Site) -> dict[str, Any]:
    """Return what is told of the indicator beside its figures."""
    state, snapshot = found.question.indicators[0], found.question.snapshot
    about, covered, language = state.definition, state.coverage, site.language
    dataset = snapshot.datasets[state.dataset]
    newest = service.live.newest().indicators.get(about.id)
    return {
        "about": about,
        "unit": unit(about.unit).title.spoken(language),
        "dataset": dataset,
        "attribution": found.figure.attribution,
        "notes": [note.text.spoken(language) for note in about.notes],
        "breaks": [(known.year, known.text.spoken(language)) for known in about.breaks],
        "years": spans(covered.years),
        "areas": len(covered.municipalities),
        "versions": service.live.newest().versions(state.dataset)[: -_VERSIONS_SHOWN - 1 : -1],
        "newer": newest is not None and newest.data_sha256 != state.data_sha256,
        "pinned": found.question.pinned,
    }


def _addresses(found: Chosen, site: Site, name: str) -> dict[str, Any]:
    """Return the addresses of what is on screen, and code that fetches it."""
    language = (("lang", "en"),) if site.language == "en" else ()
    pairs = [*site.pairs, *language]
    question = [("indicator", name), *_for_api(found, pairs)]
    place = Place(site.base, PATH, tuple(question))
    bookmark = place.link("bookmark", **pin_of(found.question)).href
    chart = site.plain(f"/charts/{name}.svg", pairs)
    return {
        "api": site.api(PATH, question),
        "examples": in_code(site.api(PATH, question)),
        "citation": citation_told(
            datasets_told(found.question), attributions_told(found.question), bookmark, site.language
        ),
        "chart": chart,
        "chart_narrow": site.plain(f"/charts/{name}.svg", [*pairs, ("width", "340")]),
        "downloads": [
            (kind, site.plain(f"/charts/{name}.{ending}", pairs))
            for kind, ending in (("SVG", "svg"), ("PNG", "png"), ("Vega-Lite", "vl.json"))
        ],
        "image": image(site.absolute(f"/charts/{name}.svg", pairs), found.told.alternative),
        "component": component(site, name, found.told.title),
        "frame": frame(site, name, found.told.title),
        "oembed": site.absolute("/oembed", [("url", site.itself()), ("format", "json")]),
        "pin": "&".join(f"{one}={text}" for one, text in pin_of(found.question).items()),
        "unpinned": site.page(site.path, _without_pin(site.pairs)),
    }


def _for_api(found: Chosen, pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return *pairs* as the API takes them: it wants the dataset beside a version."""
    if any(name == "version" for name, _ in pairs):
        return [*pairs, ("dataset", found.question.indicators[0].dataset)]
    return pairs


def _without_pin(pairs: tuple[tuple[str, str], ...]) -> list[tuple[str, str]]:
    return [(name, text) for name, text in pairs if name not in {"version", "asOf"}]
