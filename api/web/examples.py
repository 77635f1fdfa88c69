"""What is on screen, in code: for curl, Python and R, and to paste into another page."""

from markupsafe import Markup
from msgspec import Struct

from api.web.assets import assets
from api.web.site import Site


class Example(Struct, frozen=True):
    """One piece of code under its name."""

    title: str
    code: str


def in_code(address: str) -> tuple[Example, ...]:
    """Return how the figures at *address* are fetched."""
    return (
        Example("curl", f"curl '{address}'"),
        Example(
            "Python",
            "import json\nfrom urllib.request import urlopen\n\n"
            f'with urlopen("{address}") as reply:\n'
            '    figures = json.load(reply)["observations"]',
        ),
        Example(
            "R",
            f'library(jsonlite)\n\nfigures <- fromJSON("{address}")$observations',
        ),
    )


def image(address: str, alternative: str) -> str:
    """Return an element that shows only the picture, with its text alternative."""
    return str(Markup('<img src="{}" alt="{}">').format(address, alternative))


def pairs_with_language(site: Site) -> list[tuple[str, str]]:
    """Return the choice on screen with its language, for addresses that have no language of their own."""
    return [*site.pairs, *([("lang", "en")] if site.language == "en" else [])]


def frame_address(site: Site, indicator: str) -> str:
    """Return the whole address of what is on screen as a frame."""
    return site.absolute(f"/embed/{indicator}", pairs_with_language(site))


def script(site: Site) -> str:
    """Return the element that loads the component, proven by its hash."""
    asset = assets()["lansdata-figure.js"]
    element = Markup('<script type="module" src="{}" integrity="{}" crossorigin="anonymous"></script>')
    return str(element.format(site.absolute(f"/static/{asset.name}"), asset.integrity))


def component(site: Site, indicator: str, title: str) -> str:
    """Return what is on screen as the component; without scripts a link stands in its place."""
    said = [("indicator", indicator), *((_ATTRIBUTES.get(name, name), text) for name, text in site.pairs)]
    if site.language == "en":
        said.append(("lang", "en"))
    attributes = Markup("").join(Markup(' {}="{}"').format(name, text) for name, text in said)
    inside = Markup('<a href="{}">{}</a>').format(site.itself(), title)
    return f"{script(site)}\n<lansdata-figure{attributes}>{inside}</lansdata-figure>"


def frame(site: Site, indicator: str, title: str, width: str = "100%", height: int = 640) -> str:
    """Return what is on screen as a frame with a title."""
    element = Markup(
        '<iframe src="{}" title="{}" lang="{}" width="{}" height="{}"'
        ' loading="lazy" style="border:0"></iframe>'
    )
    address = frame_address(site, indicator)
    return str(element.format(address, title, site.language, width, height))


_ATTRIBUTES = {"yearFrom": "year-from", "yearTo": "year-to", "asOf": "as-of"}
