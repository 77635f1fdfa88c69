"""Lines of text from columns of text, a cube at a time, joined by Arrow.

Of the dozen fields of a line mostly only the value differs from row to row. So a column whose texts repeat is
the few texts and their places, and neighbours that repeat become one column before anything is copied.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from datasets.numbers import number_texts

_TEXT = pa.large_string()
_MOST_FOLDED = 1024
"""So many distinct texts a column of neighbours may have: more take longer to write than they save."""


class Coded(NamedTuple):
    """A column whose texts repeat: where each row's stands among them; nowhere where there is but one."""

    at: NDArray[np.integer[Any]] | None
    texts: Sequence[str]


Column = Coded | Any
"""A column: coded, or Arrow's array with a text a row."""


def constant(text: str) -> Coded:
    """Return a column that says *text* in every row."""
    return Coded(None, [text])


def says_only(column: Column, text: str) -> bool:
    """Tell whether *column* says *text* in every row."""
    return isinstance(column, Coded) and column.at is None and column.texts[0] == text


def coded_texts(positions: NDArray[np.integer[Any]], texts: Sequence[str]) -> Coded:
    """Return the column that has at each row the one of *texts* at its position."""
    return Coded(positions, texts) if positions.strides[0] else constant(texts[int(positions[0])])


def each_text(column: NDArray[np.integer[Any]], text: Callable[[int], str]) -> Coded:
    """Write a column whose values mostly repeat: each distinct one once."""
    if not column.strides[0]:
        return constant(text(int(column[0])))
    distinct = pa.array(column).dictionary_encode()
    return Coded(distinct.indices.to_numpy(), [text(one) for one in distinct.dictionary.to_pylist()])


def arrow_numbers(numbers: NDArray[np.float64]) -> Any:
    """Return as Arrow's texts what `number_texts` writes, and sooner: the shortest digits are the same."""
    texts: Any = pa.array(numbers + 0.0, mask=~np.isfinite(numbers)).cast(_TEXT).fill_null("")
    has_exponent = pc.match_substring(texts, "e")
    odd = numbers[has_exponent.to_numpy(zero_copy_only=False)]
    if not len(odd):
        return texts
    return pc.replace_with_mask(texts, has_exponent, pa.array(number_texts(odd), _TEXT))


def texts_of_numbers(numbers: NDArray[np.float64]) -> Column:
    """Return the column that writes *numbers*; nothing for NaN."""
    return arrow_numbers(numbers) if numbers.strides[0] else constant(number_texts(numbers[:1])[0])


def wrapped_numbers(
    numbers: NDArray[np.float64], before: str, after: str, absent: str, texts: Column = None
) -> tuple[Column, ...]:
    """Return columns that stand side by side: each number between two texts, or *absent* for NaN.

    *texts* are the numbers, if they are written already.
    """
    texts = texts_of_numbers(numbers) if texts is None else texts
    if isinstance(texts, Coded):
        return (constant(f"{before}{texts.texts[0]}{after}" if texts.texts[0] else absent),)
    is_absent = np.isnan(numbers)
    if not is_absent.any():
        return constant(before), texts, constant(after)
    sides = [pa.scalar(text, _TEXT) for text in (before, after, "")]
    told = pc.binary_join_element_wise(sides[0], texts, *sides[1:])
    return (pc.if_else(pa.array(is_absent), pa.scalar(absent, _TEXT), told),)


def joined_texts(columns: Iterable[Column], separator: str, rows: int) -> memoryview:
    """Return *rows* lines joined from *columns*, one right after the other."""
    told = list(_folded(columns, separator, rows))
    if len(told) == 1 and isinstance(told[0], pa.Scalar):
        return memoryview(str(told[0]).encode() * rows)
    lines = pc.binary_join_element_wise(*told, pa.scalar(separator, _TEXT))
    # Arrow keeps the texts of a column one after the other: the lines stand in its memory as in the file
    _, ends, body = lines.buffers()
    return memoryview(body)[: int(np.frombuffer(ends, np.int64)[rows])]


def _folded(columns: Iterable[Column], separator: str, rows: int) -> Iterator[Any]:
    """Yield *columns* as Arrow takes them, neighbours that repeat as one."""
    held: Coded | None = None
    for column in columns:
        coded = column if isinstance(column, Coded) else None
        if held and coded and _is_worth_it(held, coded, rows):
            held = _side_by_side(held, coded, separator)
            continue
        if held:
            yield _for_arrow(held)
        held = coded
        if coded is None:
            yield column
    if held:
        yield _for_arrow(held)


def _is_worth_it(left: Coded, right: Coded, rows: int) -> bool:
    if left.at is None or right.at is None:
        return True
    return len(left.texts) * len(right.texts) <= min(_MOST_FOLDED, rows)


def _side_by_side(left: Coded, right: Coded, separator: str) -> Coded:
    texts = [f"{one}{separator}{other}" for one in left.texts for other in right.texts]
    if left.at is None or right.at is None:
        return Coded(right.at if left.at is None else left.at, texts)
    return Coded(left.at.astype(np.int32) * len(right.texts) + right.at, texts)


def _for_arrow(column: Coded) -> Any:
    if column.at is None:
        return pa.scalar(column.texts[0], _TEXT)
    at: Any = pa.array(column.at)
    return pa.array(column.texts, _TEXT).take(at)
