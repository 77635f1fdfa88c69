"""The pages of the documentation as HTML, with the address that the reader called in every example."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from urllib.parse import urlsplit

from markdown_it import MarkdownIt

from api import about
from api.guide.limits import LIMITS
from api.problems import KINDS
from datasets.statuses import LEGEND

PAGES = (
    "index",
    "migrate",
    "quickstart-curl",
    "quickstart-excel",
    "quickstart-javascript",
    "quickstart-power-bi",
    "quickstart-python",
    "quickstart-r",
    "villkor",
)
_markdown = MarkdownIt("commonmark", {"html": False}).enable("table")


@cache
def source(name: str) -> str:
    """Return the Markdown of the page *name*, one of `PAGES`."""
    return files("api.guide").joinpath(f"{name}.md").read_text("utf-8")


def title_of(text: str) -> str:
    """Return the first heading of a page in Markdown."""
    return text.partition("\n")[0].removeprefix("# ")


def page(text: str, base: str) -> str:
    """Return a page in Markdown as HTML for a reader who called us at *base*."""
    there = text.replace(about.ADDRESS, base).replace("](/", f"]({urlsplit(base).path}/")
    return str(_markdown.render(there))


def made() -> Mapping[str, str]:
    """Return the pages that follow from the code, as Markdown by their path: statuses, limits, problems."""
    pages = {
        "statuses": _list("Statusar och flaggor / Statuses and flags", _signs()),
        "limits": _list("Gränser / Limits", {f"limits/{name}": name for name in LIMITS}),
        "problems": _list("Fel och hur de rättas / Problems and their repair", {}) + _problems(),
    }
    for sign in LEGEND:
        pages[f"statuses/{sign.code}"] = (
            f"# {sign.title.sv} (`{sign.code}`)\n\n{sign.text.sv}\n\n*{sign.title.en}: {sign.text.en}*\n\n"
            f"{_SHOWN[sign.kind].format(code=sign.code)}\n\n[Alla / All](/docs/statuses)\n"
        )
    for name, words in LIMITS.items():
        pages[f"limits/{name}"] = (
            f"# `{name}`\n\n{words.sv}\n\n*{words.en}*\n\nTalet står i [/config](/api/v1/config), som aldrig "
            "räknas. *The number stands in [/config](/api/v1/config), which is never counted.*\n\n"
            "[Alla / All](/docs/limits)\n"
        )
    return pages


_SHOWN = {
    "status": '```json\n{{"value": null, "status": "{code}"}}\n```',
    "flag": '```json\n{{"value": 12.3, "flags": ["{code}"]}}\n```',
}


def _signs() -> Mapping[str, str]:
    return {f"statuses/{sign.code}": f"{sign.code}: {sign.title.sv} / {sign.title.en}" for sign in LEGEND}


def _problems() -> str:
    return "".join(f"- [{kind.status} {kind.title}]({kind.type}): {kind.sv} *{kind.en}*\n" for kind in KINDS)


def _list(title: str, entries: Mapping[str, str]) -> str:
    lines = (f"- [{words}](/docs/{path})\n" for path, words in entries.items())
    return f"# {title}\n\n{''.join(lines)}"
