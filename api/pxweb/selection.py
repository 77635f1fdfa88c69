"""Which codes of a variable are selected: PxWeb's codes and expressions, in the order that it tries them."""

import re
from collections.abc import Iterable, Sequence

from api.pxweb.problems import ILLEGAL_EXPRESSION, NO_VALUE, PxWebError
from datasets.closest import closest

_COUNTED = re.compile(r"(TOP|BOTTOM)\(([1-9]\d{0,5})(?:,(\d{1,6}))?\)", re.IGNORECASE)
_BETWEEN = re.compile(r"RANGE\(([^,()]+),([^,()]+)\)", re.IGNORECASE)
_EDGE = re.compile(r"(FROM|TO)\(([^,()]+)\)", re.IGNORECASE)
_MOST_STARS = 2


def selected(wanted: Iterable[str], codes: Sequence[str], *, is_time: bool) -> list[str]:
    """Return those of *codes* that are *wanted*, each once, in their own order.

    Raises PxWebError for a code that does not exist and for an expression that no code fits: PxWeb itself
    then leaves the variable out in silence.
    """
    folded = {code.casefold(): code for code in codes}
    chosen: set[str] = set()
    for text in wanted:
        known = folded.get(text.casefold())
        found = [known] if known is not None else _meant(text, codes, is_time=is_time)
        if not found:
            raise PxWebError(NO_VALUE, f"{text!r} meets none of {len(codes)} values{_hint(text, codes)}")
        chosen.update(found)
    return [code for code in codes if code in chosen]


def _meant(text: str, codes: Sequence[str], *, is_time: bool) -> Sequence[str]:
    counted, between, edge = _COUNTED.fullmatch(text), _BETWEEN.fullmatch(text), _EDGE.fullmatch(text)
    if counted:
        # the first of a list, but the latest of a time
        ordered = codes[::-1] if (counted[1].upper() == "TOP") == is_time else codes
        skip = int(counted[3] or 0)
        return ordered[skip : skip + int(counted[2])]
    if between:
        low, high = sorted((_place(between[1], codes), _place(between[2], codes)))
        return codes[low : high + 1]
    if edge:
        at = _place(edge[2], codes)
        return codes[at:] if edge[1].upper() == "FROM" else codes[: at + 1]
    if "(" in text or ")" in text:
        raise PxWebError(ILLEGAL_EXPRESSION, f"{text!r} is none of TOP, BOTTOM, RANGE, FROM and TO")
    return _like(text, codes)


def _like(text: str, codes: Sequence[str]) -> Sequence[str]:
    """Return the codes that a text with wildcards meets; beside a question mark a star is a plain sign."""
    if "?" in text:
        parts = ("." if sign == "?" else re.escape(sign) for sign in text)
    elif "*" in text:
        if text.count("*") > _MOST_STARS or "*" in text[1:-1]:
            raise PxWebError(ILLEGAL_EXPRESSION, f"{text!r} has a star elsewhere than first or last")
        parts = (".*" if sign == "*" else re.escape(sign) for sign in text)
    else:
        return ()
    pattern = re.compile("".join(parts), re.IGNORECASE)
    return [code for code in codes if pattern.fullmatch(code)]


def _place(code: str, codes: Sequence[str]) -> int:
    folded = [known.casefold() for known in codes]
    if code.strip().casefold() not in folded:
        raise PxWebError(NO_VALUE, f"{code!r} is no value{_hint(code, codes)}")
    return folded.index(code.strip().casefold())


def _hint(text: str, codes: Sequence[str]) -> str:
    near = closest(text, codes)
    return f"; closest: {', '.join(near)}" if near else ""
