"""What is said of how fresh a dataset is, Swedish and English: positively, and no guess as a promise."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct

from datasets.ledger import FAILED, HELD, PUBLISHED, UNCHANGED


class Said(Struct, frozen=True, kw_only=True):
    """What a statement is made of; `late` is later than the habit, `overdue` later than the plan."""

    outcome: str
    tried: datetime
    version: str | None
    changed: datetime | None
    planned: datetime | None
    overdue: bool
    frequency: str | None
    late: bool


_OUTCOMES = {
    "sv": {
        UNCHANGED: "Kontrollerad {day}, ingen förändring",
        PUBLISHED: "Publicerad {day}, version {version}",
        HELD: "Kontrollerad {day}, det nya hölls tillbaka av kontrollerna; {stands}",
        FAILED: "Försöket {day} misslyckades; {stands}",
    },
    "en": {
        UNCHANGED: "Checked {day}, no change",
        PUBLISHED: "Published {day}, version {version}",
        HELD: "Checked {day}, what is new was held back by the checks; {stands}",
        FAILED: "The attempt of {day} failed; {stands}",
    },
}
_STANDS = {
    "sv": ("version {version} från {changed} ligger kvar", "ingenting är publicerat ännu"),
    "en": ("version {version} of {changed} stands", "nothing is published yet"),
}
_NEXT = {
    "sv": {
        "planned": "Kontrolleras igen senast {planned}",
        "overdue": "Skulle ha kontrollerats igen senast {planned}, men har inte blivit det",
        "habit": "Uppdateras vanligen {often}",
        "late": "Uppdateras vanligen {often}; nästa är senare än vanligt",
    },
    "en": {
        "planned": "Checked again by {planned}",
        "overdue": "Should have been checked again by {planned}, and was not",
        "habit": "Usually updated {often}",
        "late": "Usually updated {often}; the next is later than usual",
    },
}
_OFTEN = {
    "sv": {
        "daily": "varje dag",
        "weekly": "varje vecka",
        "monthly": "varje månad",
        "quarterly": "varje kvartal",
        "annual": "varje år",
        "biennial": "vartannat år",
        "triennial": "vart tredje år",
    },
    "en": {
        "daily": "every day",
        "weekly": "every week",
        "monthly": "every month",
        "quarterly": "every quarter",
        "annual": "every year",
        "biennial": "every second year",
        "triennial": "every third year",
    },
}
_COUNTED = {
    "sv": {
        UNCHANGED: "{} utan förändring",
        PUBLISHED: "{} med en ny version",
        HELD: "{} tillbakahållna",
        FAILED: "{} misslyckade",
    },
    "en": {
        UNCHANGED: "{} without change",
        PUBLISHED: "{} with a new version",
        HELD: "{} held back",
        FAILED: "{} failed",
    },
}


def statement(said: Said, language: str) -> str:
    """Return one or two sentences: what came of the last attempt, and when the next is meant to come."""
    there, nothing = _STANDS[language]
    words = {
        "day": f"{said.tried:%Y-%m-%d}",
        "version": said.version or "",
        "changed": f"{said.changed:%Y-%m-%d}" if said.changed else "",
        "planned": f"{said.planned:%Y-%m-%d %H:%M} UTC" if said.planned else "",
        "often": _OFTEN[language].get(said.frequency or "", ""),
    }
    words["stands"] = (there if said.version else nothing).format(**words)
    sentences = [_OUTCOMES[language][said.outcome]]
    if said.planned:
        sentences.append(_NEXT[language]["overdue" if said.overdue else "planned"])
    elif words["often"]:
        sentences.append(_NEXT[language]["late" if said.late else "habit"])
    return ". ".join(sentence.format(**words) for sentence in sentences)


def source_statement(outcomes: Iterable[str], language: str) -> str:
    """Return what came of the last attempts on all datasets of a source."""
    counts = Counter(outcomes)
    parts = [
        words.format(counts[outcome]) for outcome, words in _COUNTED[language].items() if counts[outcome]
    ]
    total = counts.total()
    if language == "sv":
        return f"{total} datamängd{'er' if total > 1 else ''}: {', '.join(parts)}"
    return f"{total} dataset{'s' if total > 1 else ''}: {', '.join(parts)}"


def stale_warning(known_at: datetime, language: str) -> str:
    """Return that the ledger cannot be asked, and since when."""
    moment = f"{known_at:%Y-%m-%d %H:%M:%S} UTC"
    if language == "sv":
        return f"Databasen kan inte nås just nu; detta var känt {moment}."
    return f"The database cannot be reached right now; this was known at {moment}."
