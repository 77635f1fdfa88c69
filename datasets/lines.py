"""Lines of text from columns of text, a cube at a time, joined by Arrow.

A column is Arrow's: a scalar where all rows say the same, a dictionary where texts repeat, else a text a row.
Neighbours that repeat become one column before anything is copied: a line has a dozen fields, of which mostly
only the value differs from row to row.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from datasets.numbers import number_texts

TEXT = pa.large_string()
_MOST_FOLDED = 1024
"""So many distinct texts a column of neighbours may have: more take longer to write than they save."""


class _Coded(NamedTuple):
    """A column whose texts repeat: where each row's stands among them, or nowhere where there is but one."""

    at: NDArray[np.int32] | None
    texts: list[str]


def constant(text: str) -> Any:
    """Return a column that says *text* in every row."""
    return pa.scalar(text, TEXT)


def coded_texts(positions: NDArray[np.integer[Any]], texts: Sequence[str]) -> Any:
    """Return the column that has at each row the one of *texts* at its position."""
    known = pa.array(map(str, texts), TEXT)
    if not positions.strides[0]:
        return known[int(positions[0])]
    return pa.DictionaryArray.from_arrays(pa.array(positions, pa.int32()), known)


def each_text(column: NDArray[np.integer[Any]], text: Callable[[int], str]) -> Any:
    """Write a column whose values mostly repeat: each distinct one once."""
    if not column.strides[0]:
        return constant(text(int(column[0])))
    distinct = pa.array(column).dictionary_encode()
    known = pa.array([text(one) for one in distinct.dictionary.to_pylist()], TEXT)
    return pa.DictionaryArray.from_arrays(distinct.indices, known)


def texts_of_numbers(numbers: NDArray[np.float64]) -> Any:
    """Return the column that `number_texts` writes, and sooner: the shortest digits are the same."""
    if not numbers.strides[0]:
        return constant(number_texts(numbers[:1])[0])
    texts: Any = pa.array(numbers + 0.0, mask=~np.isfinite(numbers)).cast(TEXT).fill_null("")
    has_exponent = pc.match_substring(texts, "e")
    odd = numbers[has_exponent.to_numpy(zero_copy_only=False)]
    if not len(odd):
        return texts
    return pc.replace_with_mask(texts, has_exponent, pa.array(number_texts(odd), TEXT))


def wrapped_numbers(
    numbers: NDArray[np.float64], before: str, after: str, absent: str, texts: Any = None
) -> tuple[Any, ...]:
    """Return columns that stand side by side: each number between two texts, or *absent* for NaN.

    *texts* are the numbers, if they are written already.
    """
    texts = texts_of_numbers(numbers) if texts is None else texts
    if isinstance(texts, pa.Scalar):
        return (constant(f"{before}{texts}{after}" if str(texts) else absent),)
    is_absent = np.isnan(numbers)
    if not is_absent.any():
        return constant(before), texts, constant(after)
    told = pc.binary_join_element_wise(constant(before), texts, constant(after), constant(""))
    return (pc.if_else(pa.array(is_absent), constant(absent), told),)


def joined_texts(columns: Iterable[Any], separator: str, rows: int) -> memoryview:
    """Return *rows* lines joined from *columns*, one right after the other."""
    lines = pc.binary_join_element_wise(*_folded(columns, separator, rows), constant(separator))
    if isinstance(lines, pa.Scalar):
        return memoryview(lines.as_py().encode() * rows)
    # Arrow keeps the texts of a column one after the other: the lines stand in its memory as in the file
    _, ends, body = lines.buffers()
    return memoryview(body)[: int(np.frombuffer(ends, np.int64)[rows])]


def _folded(columns: Iterable[Any], separator: str, rows: int) -> Iterator[Any]:
    """Yield *columns* with neighbours that repeat as one."""
    held: _Coded | None = None
    for column in columns:
        coded = _coded(column)
        if held and coded and _is_worth_it(held, coded, rows):
            held = _side_by_side(held, coded, separator)
            continue
        if held:
            yield _told(held)
        held = coded
        if coded is None:
            yield column
    if held:
        yield _told(held)


def _coded(column: Any) -> _Coded | None:
    if isinstance(column, pa.Scalar):
        return _Coded(None, [str(column)])
    if isinstance(column, pa.DictionaryArray):
        return _Coded(column.indices.to_numpy(), [str(text) for text in column.dictionary])
    return None


def _is_worth_it(left: _Coded, right: _Coded, rows: int) -> bool:
    if left.at is None or right.at is None:
        return True
    return len(left.texts) * len(right.texts) <= min(_MOST_FOLDED, rows)


def _side_by_side(left: _Coded, right: _Coded, separator: str) -> _Coded:
    texts = [f"{one}{separator}{other}" for one in left.texts for other in right.texts]
    if left.at is None or right.at is None:
        return _Coded(right.at if left.at is None else left.at, texts)
    return _Coded(left.at * np.int32(len(right.texts)) + right.at, texts)


def _told(coded: _Coded) -> Any:
    if coded.at is None:
        return constant(coded.texts[0])
    at: Any = pa.array(coded.at)
    return pa.array(coded.texts, TEXT).take(at)
