"""What is on screen, in code: for curl, Python and R, and to paste into another page."""

from markupsafe import Markup
from msgspec import Struct


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
