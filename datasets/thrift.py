"""Thrift's compact protocol, read and written without loss: what the foot of a Parquet file is made of."""

from collections.abc import Sequence
from typing import Any

_TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = range(1, 13)
_WHOLE = frozenset({_I16, _I32, _I64})
_DOUBLE_SIZE, _LONG_LIST, _LARGEST_STEP = 8, 15, 15

Field = tuple[int, int, Any]
"""Number, type, value; whole numbers as such, texts as bytes, a list as its elements' type and values."""
Record = list[Field]


class Reader:
    """Reads one record from the start of some bytes."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    def record(self) -> Record:
        """Return the fields of the record that begins here."""
        fields: Record = []
        number = 0
        while head := self._byte():
            step, kind = head >> 4, head & 15
            number = number + step if step else self._zigzag()
            fields.append((number, kind, self._value(kind)))
        return fields

    def _value(self, kind: int) -> Any:
        if kind in {_TRUE, _FALSE}:
            return None
        if kind in _WHOLE:
            return self._zigzag()
        if kind == _BINARY:
            return self._take(self._varint())
        if kind in {_LIST, _SET}:
            head = self._byte()
            size, of = head >> 4, head & 15
            size = self._varint() if size == _LONG_LIST else size
            read = self._byte if of in {_TRUE, _FALSE, _BYTE} else lambda: self._value(of)
            return of, [read() for _ in range(size)]
        if kind == _STRUCT:
            return self.record()
        if kind in {_BYTE, _DOUBLE}:
            return self._take(1 if kind == _BYTE else _DOUBLE_SIZE)
        message = f"a foot with a value of type {kind}, which no Parquet file has"
        raise ValueError(message)

    def _take(self, size: int) -> bytes:
        self._at += size
        return self._body[self._at - size : self._at]

    def _byte(self) -> int:
        return self._take(1)[0]

    def _varint(self) -> int:
        number = shift = 0
        while True:
            part = self._byte()
            number |= (part & 127) << shift
            if part < 128:  # noqa: PLR2004 the top bit says that more follows
                return number
            shift += 7

    def _zigzag(self) -> int:
        number = self._varint()
        return number >> 1 ^ -(number & 1)


def written(record: Record) -> bytes:
    """Return *record* as bytes."""
    out = bytearray()
    last = 0
    for number, kind, value in record:
        step = number - last
        if 0 < step <= _LARGEST_STEP:
            out.append(step << 4 | kind)
        else:
            out += bytes([kind]) + _zigzag(number)
        out += _written(kind, value)
        last = number
    return bytes(out) + b"\0"


def changed(record: Record, **fields: Any) -> Record:
    """Return *record* with other values in some of its fields, each named by its number: `_3=...`."""
    others = {int(name[1:]): value for name, value in fields.items()}
    return [(number, kind, others.get(number, value)) for number, kind, value in record]


def value_of(record: Sequence[Field], number: int) -> Any:
    """Return the value of one field; None where it is absent."""
    return next((value for own, _, value in record if own == number), None)


def _written(kind: int, value: Any) -> bytes:
    if kind in {_TRUE, _FALSE}:
        return b""
    if kind in _WHOLE:
        return _zigzag(value)
    if kind == _BINARY:
        return _varint(len(value)) + bytes(value)
    if kind in {_LIST, _SET}:
        of, values = value
        size = len(values)
        head = bytes([size << 4 | of]) if size < _LONG_LIST else bytes([0xF0 | of]) + _varint(size)
        if of in {_TRUE, _FALSE, _BYTE}:
            return head + bytes(values)
        return head + b"".join([_written(of, one) for one in values])
    return written(value) if kind == _STRUCT else bytes(value)


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:  # noqa: PLR2004
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def _zigzag(number: int) -> bytes:
    return _varint(number << 1 ^ number >> 63)
