"""The right code that looks most like a wrong one, so that a refusal can repair."""

from collections.abc import Iterable, Mapping

from rapidfuzz import fuzz, process, utils

_AT_MOST = 3
_ALIKE_ENOUGH = 50.0
_LONGEST = 100


def closest(value: str, codes: Iterable[str] | Mapping[str, object]) -> tuple[str, ...]:
    """Return up to three of *codes* that look like *value*, best first.

    With a mapping from code to name, a name written for its code counts too: "Kalmar" finds 0880.
    A mapping to anything else counts as its codes.
    """
    asked = value[:_LONGEST]
    names = codes if isinstance(codes, Mapping) else {}
    named = {code: name for code, name in names.items() if isinstance(name, str)}
    by_code = process.extract(
        asked, list(codes), scorer=fuzz.ratio, processor=utils.default_process, limit=_AT_MOST
    )
    by_name = process.extract(
        asked, named, scorer=fuzz.WRatio, processor=utils.default_process, limit=_AT_MOST
    )
    scored = [(score, code) for code, score, _ in by_code] + [(score, code) for _, score, code in by_name]
    best = sorted((pair for pair in scored if pair[0] >= _ALIKE_ENOUGH), key=lambda pair: (-pair[0], pair[1]))
    return tuple(dict.fromkeys(code for _, code in best))[:_AT_MOST]
