"""The index of one release: which words stand in which indicators, and how much they say there."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from api.search.synonyms import synonyms
from api.search.words import STOP, Splitter, folded, stem, tokens
from api.snapshot import IndicatorState, Snapshot
from datasets.units import unit

_TITLE, _CODE, _KEYWORD, _TEXT = 1.0, 1.5, 0.35, 0.22
_PART = 0.6
"""What a word is worth in each place, and inside of a compound there; titles go before texts."""
_TYPICAL_TITLE = 9.0
_ENDED = re.compile(r"\(\s*[-\u2013]\s*\d{4}\s*\)")
_MARKS = ".,;:()?!/-\u2013\"'"
_WHOLE = "totalt"
_ASIDE_WORTH, _ENDED_WORTH, _WHOLE_WORTH = 0.45, 0.85, 1.15
"""Of a title that nobody means unless they say so, of a series that has ended, of the undivided measure."""

Rows = NDArray[np.int32]
Worths = NDArray[np.float32]


class _Text(NamedTuple):
    """Words of one indicator that are worth the same."""

    worth: float
    words: Sequence[str]


class Index(Struct, frozen=True, kw_only=True):
    """Every word of one release's indicators; a row is the place of an indicator among the ids."""

    states: Sequence[IndicatorState]
    terms: Mapping[str, tuple[Rows, Worths]]
    """By stem, the rows that hold it and what it is worth there."""
    stems: Sequence[str]
    """Every stem, sorted, so that those that begin alike are found."""
    words: Sequence[str]
    """Every folded word, and those with a meaning of their own: what a typing error is held against."""
    splitter: Splitter
    priors: Worths
    spoken: Mapping[str, str]
    """A folded word as the texts write it."""

    def rows_with(self, one: str) -> int:
        """Return how many indicators hold the stem *one*."""
        found = self.terms.get(one)
        return 0 if found is None else len(found[0])


def index_of(snapshot: Snapshot) -> Index:
    """Return the index of everything in *snapshot*."""
    states = list(snapshot.indicators.values())
    told = [_texts(snapshot, state) for state in states]
    counts = Counter(word for texts in told for text in texts for word in text.words)
    splitter = Splitter(counts, synonyms().parts)
    spoken = _spoken(snapshot, states)
    terms = _terms(told, splitter)
    return Index(
        states=states,
        terms=terms,
        stems=sorted(terms),
        words=sorted({*(word for word in counts if word not in STOP), *synonyms().words}),
        splitter=splitter,
        priors=np.array([_prior(state) for state in states], np.float32),
        spoken=spoken,
    )


def _texts(snapshot: Snapshot, state: IndicatorState) -> list[_Text]:
    about, dataset = state.definition, snapshot.datasets[state.dataset].description
    titles = [tokens(about.title.sv), tokens(about.title.en)]
    measured = unit(about.unit).title
    beside = (dataset.title.sv, dataset.title.en, *dataset.keywords, measured.sv, measured.en)
    description = about.description
    body = (about.definition.sv, about.definition.en)
    more = (description.sv, description.en) if description else ()
    return [
        _Text(_CODE, [*tokens(about.id), *tokens(about.source_code), about.id.casefold()]),
        # a word of a short title says more of what it measures than one among many
        *(_Text(_TITLE * _brevity(len(words)), words) for words in titles),
        _Text(_KEYWORD, tokens(" ".join(beside))),
        _Text(_TEXT, tokens(" ".join((*body, *more)))),
    ]


def _brevity(length: int) -> float:
    return 1.0 / (0.75 + 0.25 * length / _TYPICAL_TITLE)


def _terms(told: Iterable[Sequence[_Text]], splitter: Splitter) -> dict[str, tuple[Rows, Worths]]:
    worths: dict[str, dict[int, float]] = {}
    shares: dict[str, list[tuple[str, float]]] = {word: [] for word in STOP}
    for row, texts in enumerate(told):
        held: dict[str, float] = {}
        for worth, words in texts:
            for word in set(words):
                if word not in shares:
                    shares[word] = _stems_of(word, splitter)
                for one, share in shares[word]:
                    if worth * share > held.get(one, 0.0):
                        held[one] = worth * share
        for one, worth in held.items():
            worths.setdefault(one, {})[row] = worth
    return {
        one: (np.fromiter(found, np.int32, len(found)), np.fromiter(found.values(), np.float32, len(found)))
        for one, found in worths.items()
    }


def _stems_of(word: str, splitter: Splitter) -> list[tuple[str, float]]:
    """Return the stem of *word*, and those of its parts if it is a compound, with their share."""
    shares = [(stem(word), 1.0)]
    if word.endswith("+"):
        shares.append((word[:-1], _PART))
    shares += [(one, _PART) for one in splitter.parts(word)]
    return shares


def _prior(state: IndicatorState) -> float:
    title = state.definition.title.sv
    worth = _ENDED_WORTH if _ENDED.search(title) else 1.0
    words = tokens(title)
    if _WHOLE in words:
        worth *= _WHOLE_WORTH
    return worth * _ASIDE_WORTH if words and words[0] in synonyms().aside else worth


def _spoken(snapshot: Snapshot, states: Iterable[IndicatorState]) -> dict[str, str]:
    texts = [text for state in states for text in (state.definition.title.sv, state.definition.definition.sv)]
    texts += [word for dataset in snapshot.datasets.values() for word in dataset.description.keywords]
    written = {word for text in texts for word in text.casefold().split()}
    plain = {word.strip(_MARKS) for word in written}
    return {folded(word): word for word in sorted(plain, reverse=True) if word.isalpha()}
