"""Ready answers: kept whole, in the encodings that were asked for, in front of routing; bounded in bytes."""

import gzip
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

import brotli
import xxhash
import zstandard
from litestar.types import HTTPResponseBodyEvent

from api.formats import PARQUET, XLSX

_WORTH_COMPRESSING = 600
_ENCODERS: dict[bytes, Callable[[bytes], bytes]] = {
    # in our order of choice: the quickest that the caller takes
    b"zstd": lambda body: zstandard.compress(body, 6),
    b"br": lambda body: brotli.compress(body, quality=5),
    b"gzip": lambda body: gzip.compress(body, compresslevel=6, mtime=0),
}
_WAYS_SHARE = 8
"""Which part of the room for answers is for the straight ways to them."""
_MOST_WAYS = 8
"""How many ways may lead to one answer; a caller cannot fill the room with spellings of one question."""
_LONGEST_WAY = 4_000
_BESIDE_TEXTS = 1_200
"""About what one way takes in memory beside the texts of the request, in bytes."""
_LARGE = 1 << 20
_COMPRESSED = frozenset({(b"content-type", one.media.encode()) for one in (PARQUET, XLSX)})
"""What is compressed already."""
_NOT_KEPT = frozenset({(b"cache-control", b"no-store"), (b"cache-control", b"no-cache")})
"""What does not hang on the release alone."""

Headers = list[tuple[bytes, bytes]]


class Form:
    """One encoding of an answer: its body, its strong tag, and the headers of a 200 and of a 304."""

    __slots__ = ("body", "full", "tag", "unchanged")

    def __init__(self, body: bytes, encoding: bytes, headers: Headers) -> None:
        # a tag tells answers apart, it proves nothing: what proves a figure is the sha256 of its cube
        digest = xxhash.xxh3_128_hexdigest(body).encode()
        self.body = body
        self.tag = b'"' + digest + b'"'
        # what a 304 must repeat of the answer it stands for
        self.unchanged: Headers = [*headers, (b"etag", self.tag)]
        self.full: Headers = [*self.unchanged, (b"content-length", str(len(body)).encode())]
        if encoding:
            self.full.append((b"content-encoding", encoding))


class ReadyAnswer:
    """An answer of status 200 with everything that does not depend on the single request."""

    def __init__(self, body: bytes, headers: Headers) -> None:
        self.headers = headers
        self.body = body
        self.bytes_held = 2 * len(body) + 2000
        """About how much memory it takes, its encodings included."""
        self.may_be_kept = _NOT_KEPT.isdisjoint(headers)
        self.ways: list[Came] = []
        """The requests that lead straight to it."""
        self.was_asked = False
        """Whether it was asked for since it was last looked at."""
        self.is_large = len(body) > _LARGE
        self._gains = len(body) >= _WORTH_COMPRESSING and _COMPRESSED.isdisjoint(headers)
        self._forms: dict[bytes, Form] = {}

    def form(self, accept_encoding: bytes) -> Form:
        """Return the form that a caller with *accept_encoding* takes, made at its first use."""
        encoding = chosen_encoding(accept_encoding) if self._gains else b""
        form = self._forms.get(encoding)
        if form is None:
            body = _ENCODERS[encoding](self.body) if encoding else self.body
            form = self._forms[encoding] = Form(body, encoding, self.headers)
        return form


Question = tuple[int, bytes, bytes, str, bytes]
"""Release, path, query, base address, Accept: all that an answer can depend on."""
Came = tuple[int | str | bytes | None, ...]
"""Release, and all of a request that what is sent can depend on, just as it came."""


class Way(NamedTuple):
    """What is sent: a status, the headers but for the trace, and the body; and whose form it is."""

    status: int
    headers: Headers
    body: HTTPResponseBodyEvent
    answer: ReadyAnswer


class ReadyAnswers:
    """The ready answers of one process, and the straight ways to those that are asked for again and again.

    What was not asked for since it was last looked at makes room first, the oldest first: near enough to the
    least recently asked, and nothing to keep in order when an answer is sent.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_way_bytes = most_bytes // _WAYS_SHARE
        self._most_bytes = most_bytes - self._most_way_bytes
        self._bytes = self._way_bytes = 0
        self._answers: OrderedDict[Question, ReadyAnswer] = OrderedDict()
        self._ways: dict[Came, Way] = {}
        self.way = self._ways.get

    def get(self, question: Question) -> ReadyAnswer | None:
        """Return the answer to *question*, if it is kept."""
        answer = self._answers.get(question)
        if answer is not None:
            answer.was_asked = True
        return answer

    def keep(self, question: Question, answer: ReadyAnswer) -> None:
        """Keep *answer*, unless it alone is larger than all there is room for."""
        before = self._answers.pop(question, None)
        if before is not None:
            self._forget(before)
        if answer.bytes_held > self._most_bytes:
            return
        self._answers[question] = answer
        self._bytes += answer.bytes_held
        while self._bytes > self._most_bytes:
            oldest, passed = self._answers.popitem(last=False)
            if passed.was_asked:
                passed.was_asked = False
                self._answers[oldest] = passed
            else:
                self._forget(passed)

    def lead(self, came: Came, question: Question, way: Way) -> None:
        """Let a request that comes so again go the straight way, while the answer is kept."""
        answer, size = way.answer, _way_bytes(came)
        if size > _LONGEST_WAY or self._answers.get(question) is not answer:
            return
        if self._way_bytes + size > self._most_way_bytes:
            for one in self._answers.values():
                self._block(one)
        if len(answer.ways) == _MOST_WAYS:
            self._drop(answer.ways.pop(0))
        self._drop(came)
        self._ways[came] = way
        self._way_bytes += size
        answer.ways.append(came)

    def _forget(self, answer: ReadyAnswer) -> None:
        self._bytes -= answer.bytes_held
        self._block(answer)

    def _block(self, answer: ReadyAnswer) -> None:
        """Let no way lead to *answer* any more."""
        while answer.ways:
            self._drop(answer.ways.pop())

    def _drop(self, came: Came) -> None:
        if self._ways.pop(came, None):
            self._way_bytes -= _way_bytes(came)


def _way_bytes(came: Came) -> int:
    texts = [part for part in came if isinstance(part, bytes | str)]
    return _BESIDE_TEXTS + sum(map(len, texts))


@lru_cache(maxsize=256)
def chosen_encoding(accept_encoding: bytes) -> bytes:
    """Return the encoding to answer with: the caller's best, ours among equals; empty for none."""
    weights: dict[bytes, float] = {}
    for part in accept_encoding.lower().split(b","):
        name, _, parameters = part.partition(b";")
        weights[name.strip()] = _weight(parameters)
    wanted = [(weights.get(name, weights.get(b"*", 0.0)), name) for name in _ENCODERS]
    best = max(wanted, key=lambda pair: pair[0])
    identity = weights.get(b"identity", 0.0)
    return best[1] if best[0] > 0 and best[0] >= identity else b""


def tag_matches(if_none_match: bytes, tag: bytes) -> bool:
    """Tell whether a caller that holds *if_none_match* has the answer with *tag* already."""
    held: Sequence[bytes] = [one.strip().removeprefix(b"W/") for one in if_none_match.split(b",")]
    return tag in held or b"*" in held


def _weight(parameters: bytes) -> float:
    name, _, text = parameters.strip().partition(b"=")
    try:
        return float(text) if name.strip() == b"q" else 1.0
    except ValueError:
        return 0.0
