"""How every page is written and sent: templates that escape, a policy that lets nothing foreign in."""

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar import Request, Response
from litestar.enums import MediaType

from api.asked import Asked, asked_of
from api.parameters import Parameter
from api.replies import FRESH
from api.web.phrases import phrases
from api.web.site import Site

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors {ancestors}"
)
READS_ITSELF = {"reads_itself": True}
"""What handlers of pages say: a form sends its empty fields too, so they read the query themselves."""

_templates = Environment(
    loader=PackageLoader("api", "web/templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def written(template: str, site: Site, **told: Any) -> str:
    """Return the page of *template* as text."""
    return _templates.get_template(template).render(site=site, t=phrases(site.language), **told)


def sent(
    text: str, *, status: int = 200, caching: str = FRESH, ancestors: str = "'none'", headers: Any = None
) -> Response[str]:
    """Return a page on its way, to be shown inside *ancestors* only."""
    own = {
        "Cache-Control": caching,
        "Content-Security-Policy": POLICY.format(ancestors=ancestors),
        "Referrer-Policy": "no-referrer",
    }
    return Response(text, status_code=status, media_type=MediaType.HTML, headers=own | (headers or {}))


def asked_by_form(request: Request[Any, Any, Any], parameters: tuple[Parameter, ...]) -> Asked:
    """Return what a form asks: the fields that were left empty are as good as left out.

    Raises InvalidParametersError.
    """
    parts = request.scope["query_string"].split(b"&")
    return asked_of(b"&".join(part for part in parts if part.partition(b"=")[2]), parameters)
