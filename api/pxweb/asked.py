"""What a PxWeb client asks: parameters in any case, the selection of a query string or of a body."""

from collections.abc import Iterable, Iterator
from urllib.parse import parse_qsl

import msgspec
from msgspec import Struct, field

from api.pxweb.problems import (
    ILLEGAL_BODY,
    ILLEGAL_PARAMETER,
    NO_CODELIST,
    NO_LANGUAGE,
    PxWebError,
)

LANGUAGES = ("sv", "en")
_MOST_PARAMETERS = 200
_VALUES, _CODELIST = "valuecodes[", "codelist["


class Selected(Struct, frozen=True, rename="camel"):
    """What is wanted of one variable."""

    variable_code: str
    value_codes: list[str] = []
    codelist: str | None = None


class Placement(Struct, frozen=True):
    """Which variables stand above the columns, and which before the rows."""

    heading: list[str] = []
    stub: list[str] = []


class Selection(Struct, frozen=True):
    """What is wanted of a table; an empty one means its default selection."""

    selection: list[Selected] = []
    placement: Placement | None = field(default_factory=Placement)

    def __post_init__(self) -> None:
        """Refuse code lists, which no table here has."""
        for one in self.selection:
            if one.codelist:
                raise PxWebError(NO_CODELIST, f"{one.codelist!r}: no variable has code lists here")


class Parameters(Struct, frozen=True):
    """The parameters of a query string by their names in lower case, and the selection in it."""

    texts: dict[str, str]
    selection: Selection

    @property
    def language(self) -> str:
        """Return the language of texts."""
        asked = self.texts.get("lang") or LANGUAGES[0]
        if asked not in LANGUAGES:
            raise PxWebError(NO_LANGUAGE, f"lang {asked!r}; there is {', '.join(LANGUAGES)}")
        return asked

    def whole(self, name: str, standard: int, most: int = 10**6) -> int:
        """Return a whole number from 1, *standard* where it is not told."""
        text = self.texts.get(name, "")
        if not text:
            return standard
        if not text.isascii() or not text.isdecimal() or not 1 <= int(text[:9]) <= most:
            raise PxWebError(
                ILLEGAL_PARAMETER, f"{name} {text[:20]!r} is not a whole number from 1 to {most}"
            )
        return int(text)


def parameters_of(query: bytes) -> Parameters:
    """Read a query string; names that PxWeb does not know are left aside, as it does."""
    try:
        pairs = parse_qsl(query.decode("ascii"), errors="strict", max_num_fields=_MOST_PARAMETERS)
    except ValueError:
        raise PxWebError(ILLEGAL_PARAMETER, "the query is not percent-encoded UTF-8, or too long") from None
    texts, values, lists = dict[str, str](), dict[str, list[str]](), dict[str, str]()
    for name, text in pairs:
        folded = name.lower()
        if folded.startswith(_VALUES):
            values.setdefault(_variable(name, _VALUES), []).extend(_parts(text))
        elif folded.startswith(_CODELIST):
            lists[_variable(name, _CODELIST)] = text
        else:
            texts[folded] = text
    placement = Placement(list(_parts(texts.get("heading", ""))), list(_parts(texts.get("stub", ""))))
    chosen = [Selected(name, codes, lists.get(name)) for name, codes in values.items()]
    chosen += [Selected(name, [], code) for name, code in lists.items() if name not in values]
    return Parameters(texts, Selection(chosen, placement))


def selection_of(body: bytes) -> Selection:
    """Read the body of a POST; an empty one is the default selection."""
    if not body.strip():
        return Selection()
    try:
        return msgspec.json.decode(body, type=Selection)
    except msgspec.DecodeError as error:
        raise PxWebError(ILLEGAL_BODY, str(error)) from None


def _variable(name: str, prefix: str) -> str:
    return name[len(prefix) :].removesuffix("]")


def _parts(text: str) -> Iterator[str]:
    """Yield the codes of a list; one that holds commas stands in brackets."""
    return (_bare(part) for part in _split(text) if part)


def _split(text: str) -> Iterable[str]:
    part, depth = "", 0
    for sign in text:
        if sign == "," and depth <= 0:
            yield part
            part = ""
            continue
        # RANGE(a,b) is meant even where nobody put brackets around it
        depth += (sign in "[(") - (sign in ")]")
        part += sign
    yield part


def _bare(part: str) -> str:
    return part[1:-1] if part.startswith("[") and part.endswith("]") else part
