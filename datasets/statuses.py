"""The legend: what every status and flag means, in Swedish and English."""

from typing import Literal

from msgspec import Struct

from datasets.vocabulary import Flag, Status, Text


class Sign(Struct, frozen=True):
    """One status (why there is no value) or flag (what to know of a value)."""

    code: str
    kind: Literal["status", "flag"]
    title: Text
    text: Text


REMOVED = "removed"
"""A status that no stored figure has: told of one that a later version no longer holds."""

ABSENT = "absent"
"""A status that no figure has: told of a combination without a figure, where a format tells them all."""

LEGEND = (
    Sign(
        Status.MISSING,
        "status",
        Text("Uppgift saknas", "Missing"),
        Text(
            "Källan har ingen uppgift. Det är inte noll.",
            "The source has no figure. It is not zero.",
        ),
    ),
    Sign(
        Status.SUPPRESSED,
        "status",
        Text("Dold av sekretesskäl", "Suppressed"),
        Text(
            "Uppgiften finns men visas inte, för att ingen enskild ska kunna kännas igen.",
            "The figure exists but is not shown, so that nobody can be identified.",
        ),
    ),
    Sign(
        Status.NOT_APPLICABLE,
        "status",
        Text("Ej tillämplig", "Not applicable"),
        Text(
            "Det finns inget att mäta här, till exempel en verksamhet som kommunen inte har.",
            "There is nothing to measure here, such as a service the municipality does not have.",
        ),
    ),
    Sign(
        Status.NOT_YET_PUBLISHED,
        "status",
        Text("Ännu inte publicerad", "Not yet published"),
        Text(
            "Källan har aviserat uppgiften men inte publicerat den.",
            "The source has announced the figure but not published it.",
        ),
    ),
    Sign(
        REMOVED,
        "status",
        Text("Borttagen", "Removed"),
        Text(
            "Uppgiften fanns i en tidigare version och finns inte längre hos källan.",
            "The figure stood in an earlier version and the source no longer has it.",
        ),
    ),
    Sign(
        ABSENT,
        "status",
        Text("Ingen siffra", "No figure"),
        Text(
            "Källan har ingen siffra för kombinationen. Sägs bara i JSON-stat, som räknar upp alla.",
            "The source has no figure for the combination. Only told in JSON-stat, which lists them all.",
        ),
    ),
    Sign(
        Flag.PRELIMINARY,
        "flag",
        Text("Preliminär", "Preliminary"),
        Text("Källan kan komma att revidera uppgiften.", "The source may still revise the figure."),
    ),
    Sign(
        Flag.ESTIMATED,
        "flag",
        Text("Uppskattad", "Estimated"),
        Text(
            "Källan anger uppgiften som ungefärlig, uppskattad eller uppräknad för bortfall.",
            "The source states the figure as approximate, estimated or grossed up for non-response.",
        ),
    ),
    Sign(
        Flag.LOW_RELIABILITY,
        "flag",
        Text("Osäker", "Low reliability"),
        Text(
            "Få svar, låg svarsfrekvens eller ett brett osäkerhetsintervall.",
            "Few answers, a low response rate or a wide interval.",
        ),
    ),
    Sign(
        Flag.SERIES_BREAK,
        "flag",
        Text("Tidsseriebrott", "Series break"),
        Text(
            "Uppgiften kan inte jämföras med året före: definition eller metod är ny.",
            "The figure cannot be compared with the year before: the definition or method is new.",
        ),
    ),
    Sign(
        Flag.PERTURBED,
        "flag",
        Text("Störd med brus", "Perturbed"),
        Text(
            "Källan har lagt till slumpmässigt brus (SCB från referensår 2025); delar summerar inte.",
            "The source has added random noise (SCB from reference year 2025); parts do not add up.",
        ),
    ),
)
