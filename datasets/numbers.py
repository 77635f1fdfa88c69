"""Numbers as published: the shortest decimal that reads back equal, and no float noise."""

import math
import re
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

LARGEST = 1e15
"""Whole numbers beyond this no longer keep every digit with decimals beside them; no statistic needs them."""
SMALLEST = 1e-15
LARGEST_COUNT = 2**53
"""Whole numbers beyond this cannot be told from their neighbours by readers that only have floats."""
_REPR_TURNS_TO_EXPONENT = 1e-4
# no exponent: a spreadsheet that writes 12345678901 as 1.23457E+10 has lost digits on the way
_PLAIN = re.compile(r"[-+]?([0-9]+(\.[0-9]+)?|\.[0-9]+)")


def checked_number(number: float) -> float:
    """Return *number*, or refuse what no figure can be: not finite, too large, too small to write out."""
    if not math.isfinite(number) or abs(number) >= LARGEST or 0 < abs(number) < SMALLEST:
        message = f"{number} is not a number that a figure can have"
        raise ValueError(message)
    return number


def number_text(number: float) -> str:
    """Write *number* as the shortest decimal that reads back equal: `3`, `0.0000001`, never `3.0`."""
    text = repr(number)
    if text.endswith(".0"):
        return "0" if text == "-0.0" else text[:-2]
    return np.format_float_positional(number, trim="-") if "e" in text else text


def number_texts(numbers: NDArray[np.float64]) -> list[str]:
    """Write every one of *numbers*, empty for NaN; a column at a time, since a cube may hold a million."""
    if len(numbers) and not numbers.strides[0]:
        only = float(numbers[0])
        return [number_text(only) if math.isfinite(only) else ""] * len(numbers)
    present = np.isfinite(numbers)
    if (present & (numbers == np.rint(numbers)) & (np.abs(numbers) < LARGEST)).all():
        return list(map(str, numbers.astype(np.int64).tolist()))
    texts = list(map(repr, numbers.tolist()))
    for at in np.flatnonzero(~present).tolist():
        texts[at] = ""
    tiny = np.abs(numbers) < _REPR_TURNS_TO_EXPONENT
    for at in np.flatnonzero(present & ((numbers == np.rint(numbers)) | tiny)).tolist():
        texts[at] = number_text(float(numbers[at]))
    return texts


def number_of(text: str) -> float:
    """Read a decimal that was written down, refusing one whose digits a float would lose.

    Raises ValueError for anything but plain decimals: no thousand marks, no decimal comma, no exponent.
    """
    if not _PLAIN.fullmatch(text):
        message = f"{text!r} is not a number with decimal point and without thousand marks"
        raise ValueError(message)
    exact = Decimal(text)
    number = checked_number(float(exact))
    if Decimal(repr(number)) != exact:
        message = f"{text} has more digits than can be kept; closest {number_text(number)}"
        raise ValueError(message)
    return number + 0.0
