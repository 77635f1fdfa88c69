"""The reviewed words of search (`synonyms.toml`): what means the same, and what covers what."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import msgspec
from msgspec import Struct

from api.search.words import stems, tokens

SAME, COVERED = 0.85, 0.6
"""What a word is worth that means the same as the one asked for, and one that it covers."""


class Meaning(NamedTuple):
    """Another way to say what was asked: stems that must all be there, and what they are worth."""

    stems: tuple[str, ...]
    worth: float


class _Covers(Struct, frozen=True, forbid_unknown_fields=True):
    word: str
    covers: list[str]


class _Reviewed(Struct, frozen=True, forbid_unknown_fields=True):
    parts: list[str]
    aside: list[str]
    same: list[list[str]]
    covers: list[_Covers]


class Synonyms(Struct, frozen=True):
    """The reviewed words, as stems."""

    meanings: Mapping[tuple[str, ...], tuple[Meaning, ...]]
    parts: frozenset[str]
    """Words that compounds are made of, beside those that the catalogue uses by themselves."""
    aside: frozenset[str]
    """First words of titles that nobody means unless they say so."""
    words: frozenset[str]
    """Every single word that has a meaning here, folded: what a typing error may have been meant for."""
    longest: int


@cache
def synonyms() -> Synonyms:
    """Return the reviewed words, read once."""
    body = files("api.search").joinpath("synonyms.toml").read_text("utf-8")
    said = msgspec.convert(tomllib.loads(body), _Reviewed)
    found: dict[tuple[str, ...], dict[tuple[str, ...], float]] = {}
    for group in said.same:
        for word in group:
            for other in group:
                found.setdefault(stems(word), {}).setdefault(stems(other), SAME)
    for one in said.covers:
        # what means the same as the covering word covers the same
        for word in {stems(one.word), *found.get(stems(one.word), ())}:
            for covered in one.covers:
                found.setdefault(word, {}).setdefault(stems(covered), COVERED)
    meanings = {
        word: tuple(Meaning(other, worth) for other, worth in others.items() if other != word)
        for word, others in found.items()
    }
    phrases = [word for group in said.same for word in group] + [one.word for one in said.covers]
    return Synonyms(
        meanings=meanings,
        parts=frozenset(word for part in said.parts for word in tokens(part)),
        aside=frozenset(word for text in said.aside for word in tokens(text)),
        words=frozenset(tokens(phrase)[0] for phrase in phrases if len(tokens(phrase)) == 1),
        longest=max(map(len, meanings)),
    )
