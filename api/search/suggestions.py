"""What to ask instead when nothing was found: words that are spelt like those asked for, or fewer of them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz, process

from api.search.query import Searcher
from api.search.words import STOP, tokens

_MOST = 3
_ALIKE = 65.0


def suggested(searcher: Searcher, text: str, among: NDArray[np.bool_]) -> tuple[str, ...]:
    """Return up to three questions like *text* that have an answer *among* the rows that may be found."""
    words = [word for word in dict.fromkeys(tokens(text)) if word not in STOP]
    known = set(searcher.known(words))
    replacing = {word: _alike(searcher, word) for word in words if word not in known}
    questions = []
    for word, others in replacing.items():
        kept = [one for one in words if one in known or one == word]
        questions += [[other if one == word else one for one in kept] for other in others]
    questions.append([word for word in words if word in known])
    questions += [[word] for word in words if word in known]
    spoken = [
        " ".join(searcher.index.spoken.get(word, word) for word in asked) for asked in questions if asked
    ]
    answered = [one for one in dict.fromkeys(spoken) if len(searcher.search(one, among).rows)]
    return tuple(answered[:_MOST])


def _alike(searcher: Searcher, word: str) -> Sequence[str]:
    if not word.isalpha():
        return ()
    found = process.extract(word, searcher.index.words, scorer=fuzz.ratio, score_cutoff=_ALIKE, limit=_MOST)
    return [other for other, _, _ in found]
