"""The landing page of a dataset: what it is, its indicators, its versions, how to cite it."""

from typing import Any

import msgspec
from litestar import Request, Response, get
from litestar.params import FromPath
from markupsafe import Markup

from api.about import CONTACT_MAIL, NAME
from api.routes.datasets import cited, dataset_in
from api.service import service_in
from api.snapshot import DatasetState, Snapshot
from api.web.downloads import offers_of
from api.web.pages import READS_ITSELF, asked_by_form, sent, written
from api.web.site import Site, site_of

_ESCAPES = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026"}
"""What could end the element that holds JSON, written so that JSON reads it back."""


@get(
    ["/datamangd/{datasetId:str}", "/en/datamangd/{datasetId:str}"], include_in_schema=False, opt=READS_ITSELF
)
async def dataset(request: Request[Any, Any, Any], datasetId: FromPath[str]) -> Response[str]:  # noqa: N803
    """Return the page of one dataset."""
    asked_by_form(request, ())
    service, site = service_in(request), site_of(request)
    snapshot = service.live.newest()
    state = dataset_in(snapshot, datasetId)
    pinned = site.api(f"/datasets/{datasetId}/versions/{state.release.version}")
    offers = await offers_of(service, state.release, site)
    figures = [("dataset", datasetId), ("version", str(state.release.version))]
    return sent(
        written(
            "dataset.html",
            site,
            title=state.description.title.spoken(site.language),
            state=state,
            about=state.description,
            indicators=[snapshot.indicators[name].definition for name in sorted(state.indicators)],
            versions=snapshot.versions(datasetId)[::-1],
            citation=cited(state.description, state.release, pinned, site.language),
            figures=site.api("/observations", figures),
            files=[one for one in offers if one.name.removesuffix(".csv") not in state.indicators],
            described=described(snapshot, state, site),
        )
    )


def described(snapshot: Snapshot, state: DatasetState, site: Site) -> Markup:
    """Return the dataset in the words of schema.org, for whoever gathers datasets."""
    about, release = state.description, state.release
    years = [year for name in state.indicators for year in snapshot.indicators[name].coverage.years]
    told = {
        "@context": "https://schema.org",
        "@type": "Dataset",
        "@id": site.absolute(f"/datamangd/{about.id}"),
        "url": site.itself(),
        "identifier": about.id,
        "name": about.title.spoken(site.language),
        "description": about.description.spoken(site.language),
        "inLanguage": site.language,
        "keywords": list(about.keywords),
        "license": about.licence or None,
        "creditText": about.attribution,
        "version": str(release.version),
        "datePublished": f"{release.published_at:%Y-%m-%d}",
        "isAccessibleForFree": True,
        "temporalCoverage": f"{min(years)}/{max(years)}" if years else None,
        "creator": {"@type": "Organization", "name": about.publisher},
        "publisher": {"@type": "Organization", "name": NAME, "email": CONTACT_MAIL},
        "distribution": [
            {
                "@type": "DataDownload",
                "encodingFormat": "application/json",
                "contentUrl": site.api(
                    "/observations", [("dataset", about.id), ("version", str(release.version))]
                ),
            }
        ],
    }
    text = msgspec.json.encode({name: said for name, said in told.items() if said}).decode()
    return Markup(text.translate(_ESCAPES))  # noqa: S704 JSON of ours, its marks written as escapes
