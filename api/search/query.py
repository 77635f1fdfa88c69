"""What somebody typed, read as what they may mean, and the indicators that answer it, best first."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray
from rapidfuzz import process
from rapidfuzz.distance import OSA

from api.search.index import Index
from api.search.synonyms import Meaning, synonyms
from api.search.words import STOP, stem, tokens

MOST_WORDS = 16
_PARTS_WORTH, _PREFIX_WORTH, _ERROR_WORTH = 0.5, 0.5, 0.6
_SHORTEST_PREFIX, _SHORTEST_ENDING, _MOST_ALIKE = 3, 5, 60
_SHORTEST_MISTYPED, _TWO_ERRORS_FROM = 4, 8
_ENOUGH = 0.45
"""How much of what was asked an indicator must hold at least, by the weight of the words."""
_UNITS_KEPT = 2048

Scores = NDArray[np.float32]
Match = Literal["all", "some", "none"]


class Found(NamedTuple):
    """The rows that answer, best first; whether they hold every word, and which words none holds."""

    rows: NDArray[np.intp]
    match: Match
    unmatched: tuple[str, ...]


class Unit(NamedTuple):
    """One thing that was asked for: its words, the rows that hold it, how rare it is (0: nowhere)."""

    words: tuple[str, ...]
    rows: NDArray[np.intp]
    worths: Scores
    weight: float


class Searcher:
    """Answers questions about one index; what a word led to is kept."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self._units: LRUCache[tuple[str, ...], Unit] = LRUCache(_UNITS_KEPT)
        self._by_length: dict[int, list[str]] = {}
        for word in index.words:
            self._by_length.setdefault(len(word), []).append(word)

    def search(self, text: str, among: NDArray[np.bool_] | None = None) -> Found:
        """Return the rows that answer *text*, of those *among* that may.

        Those that hold every word if there are any; else those that hold most of what was asked.
        """
        units = [self._unit(words) for words in self._phrases(_asked_words(text))]
        unmatched = tuple(word for unit in units if not len(unit.rows) for word in unit.words)
        if not units:
            return Found(np.empty(0, np.intp), "none", ())
        # a word that stands nowhere is as much of what was asked as any other
        known = [unit.weight for unit in units if unit.weight] or [0.0]
        total = sum(unit.weight or sum(known) / len(known) for unit in units)
        score, held = np.zeros((2, len(self.index.states)), np.float32)
        holding = np.zeros(len(score), np.uint8)
        for unit in units:
            holding[unit.rows] += 1
            held[unit.rows] += unit.weight
            score[unit.rows] += unit.weight * unit.worths
        every = holding == len(units)
        if among is not None:
            every &= among
            held *= among
        whole = bool(every.any())
        rows = np.flatnonzero(every if whole else (held > 0) & (held >= _ENOUGH * total))
        worth = score[rows] * self.index.priors[rows] * held[rows] ** 2
        match: Match = "all" if whole else "some" if len(rows) else "none"
        # rows stand by id, and the sort is stable: among equals the first id goes first
        return Found(rows[np.argsort(-worth, kind="stable")], match, unmatched)

    def known(self, words: Iterable[str]) -> list[str]:
        """Return those of the folded *words* that lead anywhere."""
        return [word for word in words if len(self._unit((word,)).rows)]

    def _phrases(self, words: Sequence[str]) -> list[tuple[str, ...]]:
        """Return *words* in the groups that mean something together, the longest first."""
        meanings, longest = synonyms().meanings, synonyms().longest
        groups: list[tuple[str, ...]] = []
        at = 0
        while at < len(words):
            for length in range(min(longest, len(words) - at), 0, -1):
                group = tuple(words[at : at + length])
                if length == 1 or tuple(map(stem, group)) in meanings:
                    break
            groups.append(group)
            at += len(group)
        return groups

    def _unit(self, words: tuple[str, ...]) -> Unit:
        unit = self._units.get(words)
        if unit is None:
            scores = self._scores(self._ways(words))
            rows = np.flatnonzero(scores)
            weight = float(np.log1p(len(scores) / len(rows))) if len(rows) else 0.0
            unit = self._units[words] = Unit(words, rows, scores[rows], weight)
        return unit

    def _ways(self, words: tuple[str, ...]) -> list[Meaning]:
        """Return every way to say *words*, themselves first, with what it is worth."""
        said = tuple(map(stem, words))
        ways = [Meaning(said, 1.0), *synonyms().meanings.get(said, ())]
        if len(words) > 1:
            return ways
        parts = self.index.splitter.parts(words[0])
        if parts:
            ways += self._of_parts(parts)
        if any(self._holds(way) for way in ways):
            return ways
        ways = self._around(words[0]) or self._meant_by(words[0])
        return ways or [Meaning(said, 1.0)]

    def _of_parts(self, parts: Sequence[str]) -> list[Meaning]:
        """Return the ways to say a compound by its parts, one of them by what it means for itself."""
        ways = [Meaning(tuple(parts), _PARTS_WORTH)]
        for at, part in enumerate(parts):
            for meaning in synonyms().meanings.get((part,), ()):
                said = (*parts[:at], *meaning.stems, *parts[at + 1 :])
                ways.append(Meaning(said, _PARTS_WORTH * meaning.worth))
        return ways

    def _holds(self, way: Meaning) -> bool:
        return all(self.index.rows_with(one) for one in way.stems)

    def _around(self, word: str) -> list[Meaning]:
        """Return the stems that begin with *word*, or end with its stem: medellivslängd for livslängd."""
        if len(word) < _SHORTEST_PREFIX:
            return []
        first = bisect_left(self.index.stems, word)
        found = [one for one in self.index.stems[first : first + _MOST_ALIKE] if one.startswith(word)]
        end = stem(word)
        if not found and len(end) >= _SHORTEST_ENDING:
            found = [one for one in self.index.stems if one.endswith(end)][:_MOST_ALIKE]
        return [Meaning((one,), _PREFIX_WORTH) for one in found]

    def _meant_by(self, word: str) -> list[Meaning]:
        """Return the words that *word* is a typing error of: those that differ least, and never a code."""
        if len(word) < _SHORTEST_MISTYPED or not word.isalpha():
            return []
        most = 2 if len(word) >= _TWO_ERRORS_FROM else 1
        near = [
            one
            for length in range(len(word) - most, len(word) + most + 1)
            for one in self._by_length.get(length, ())
        ]
        alike = process.extract(word, near, scorer=OSA.distance, score_cutoff=most, limit=_MOST_ALIKE)
        least = min((distance for _, distance, _ in alike), default=0)
        ways = [
            way._replace(worth=way.worth * _ERROR_WORTH)
            for meant, distance, _ in alike
            if distance == least
            for way in (Meaning((stem(meant),), 1.0), *synonyms().meanings.get((stem(meant),), ()))
        ]
        return [way for way in ways if self._holds(way)]

    def _scores(self, ways: Iterable[Meaning]) -> Scores:
        """Return what each row is worth for the best of *ways*; a way holds where all of its stems do."""
        best = np.zeros(len(self.index.states), np.float32)
        for way in ways:
            if not self._holds(way):
                continue
            first, *others = sorted(way.stems, key=self.index.rows_with)
            rows, worths = self.index.terms[first]
            for other in others:
                dense = np.zeros(len(best), np.float32)
                at, worth = self.index.terms[other]
                dense[at] = worth
                worths = np.minimum(worths, dense[rows])
            best[rows] = np.maximum(best[rows], worths * way.worth)
        return best


def _asked_words(text: str) -> list[str]:
    """Return the folded words of *text* that say something, each once, at most as many as are looked for."""
    asked = list(dict.fromkeys(tokens(text)))
    return [word for word in asked if word not in STOP][:MOST_WORDS]
