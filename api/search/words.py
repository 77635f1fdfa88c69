"""The words of a text as they are compared: folded, stemmed, and compounds in their parts."""

import re
import unicodedata
from collections.abc import Collection, Mapping
from functools import lru_cache

import snowballstemmer

_TOKEN = re.compile(r"[^\W_]+\+?")
_STEMMER = snowballstemmer.stemmer("swedish")
_LONGEST_WORD = 60
_SHORTEST_COMPOUND = 8
_SHORTEST_PART = 4
_SURE_PART = 6
_SHORTEST_STEM = 4
_DEFINITE = re.compile(r"(?<=[^aeiouy])(?:ans?|ets?)$")
_LATIN = re.compile(r"i(?:ets?|ums?|er|erna)$")
_JOINTS = ("", "s", "e", "o", "u", "a")
"""What stands between the parts of a compound: barn|omsorg, omsorg|s|personal, gymnasi|e|skola."""
_MOST_KEPT = 1 << 16
_USUAL = str.maketrans("åäöéèüáàæø\u2013\u2019", "aaoeeuaaao-'")
"""The letters beside a to z that Swedish texts mostly hold: going by them alone is ten times as fast."""

STOP = frozenset(
    """
    alla att av bland bli blir da de den der det dessa dig din du eller en enligt er ett fick finns
    for fran ha har hos hur i in inom inte ja jag kan mang manga med mellan mer mot nagon nagot nar ni och
    om oss pa per samt sin ska som stor stora till ut vad var vara vart vi vid vilka vilken vilket ar
    a an and are by for from how in is many of on or per the to what which who with
    """.split()  # noqa: SIM905 a column of words reads better than a list of quotes
)
"""Folded words that say nothing of the subject, Swedish and English; they are never indexed."""


def folded(text: str) -> str:
    """Return *text* for comparison: without case, and with å ä ö as people type them without."""
    plain = text.casefold().translate(_USUAL)
    if plain.isascii():
        return plain
    return "".join(one for one in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(one))


def tokens(text: str) -> list[str]:
    """Return the folded words of *text* in their order, codes and numbers among them."""
    return [word[:_LONGEST_WORD] for word in _TOKEN.findall(folded(text))]


@lru_cache(maxsize=_MOST_KEPT)
def stem(word: str) -> str:
    """Return the stem of a folded word: hemtjänstens and hemtjänst are one.

    The stemmer leaves three endings that Swedish statistics are full of: skolan, bistånd|et, gymnasi|um.
    """
    plain = _LATIN.sub("i", word)
    if plain == word and len(word) > _SHORTEST_STEM + 1:
        plain = _DEFINITE.sub("", word)
    # twice, since the first cut may bare an ending: koncernens, koncern, and -ern is cut as if it were one
    cut = str(_STEMMER.stemWord(_STEMMER.stemWord(plain)))
    # demens is not dem
    return cut if len(cut) >= _SHORTEST_STEM or len(word) - len(cut) < len("ens") else word


def stems(text: str) -> tuple[str, ...]:
    """Return the stems of the words of *text* that say something."""
    return tuple(stem(word) for word in tokens(text) if word not in STOP)


class Splitter:
    """Splits compounds into words that the catalogue itself uses."""

    def __init__(self, counts: Mapping[str, int], taught: Collection[str] = ()) -> None:
        """Learn from *counts*, how often each folded word stands alone, and from *taught* ones."""
        known = {
            word
            for word, count in counts.items()
            if _may_be_part(word) and (count > 1 or len(word) >= _SURE_PART)
        }
        known |= {word for word in taught if word not in STOP}
        self._stems = {stem(word) for word in known}
        self._firsts = known | {one for one in self._stems if len(one) >= _SHORTEST_PART}
        self._kept: dict[str, tuple[str, ...]] = {}

    def parts(self, word: str) -> tuple[str, ...]:
        """Return the stems of the parts of *word*, as few as there can be; none when it is no compound."""
        kept = self._kept.get(word)
        if kept is None:
            found = self._split(word) if len(word) >= _SHORTEST_COMPOUND and word.isalpha() else None
            kept = tuple(found) if found and len(found) > 1 else ()
            if len(self._kept) < _MOST_KEPT:
                self._kept[word] = kept
        return kept

    def _split(self, word: str) -> list[str] | None:
        """Return the fewest parts of *word*, the longest first part among equals; None for no compound."""
        best: dict[int, list[str]] = {0: []}
        for end in range(_SHORTEST_PART, len(word) - _SHORTEST_PART + 1):
            for start in [at for at in best if end - at >= _SHORTEST_PART]:
                piece = word[start:end]
                if piece not in self._firsts:
                    continue
                for joint in _JOINTS:
                    follows = end + len(joint)
                    path = [*best[start], stem(piece)]
                    if word.startswith(joint, end) and len(path) <= len(best.get(follows, path)):
                        best[follows] = path
        ends = [
            [*path, stem(word[start:])]
            for start, path in best.items()
            if start and len(word) - start >= _SHORTEST_PART and stem(word[start:]) in self._stems
        ]
        return min(ends, key=lambda path: (len(path), -len(path[0]))) if ends else None


def _may_be_part(word: str) -> bool:
    return len(word) >= _SHORTEST_PART and word.isalpha() and word not in STOP
