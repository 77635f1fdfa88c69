"""What each limit of `/config` means, and what to do at it."""

from collections.abc import Mapping

from datasets.vocabulary import Text

LIMITS: Mapping[str, Text] = {
    "rowsPerPage": Text(
        "Det högsta `limit` som en sida kan ha. Mer hämtas sida för sida med `_links.next`, eller som fil.",
        "The largest `limit` of a page. More is had page by page with `_links.next`, or as a file.",
    ),
    "defaultRowsPerPage": Text(
        "Siffror på en sida av `/observations` när `limit` inte är angivet.",
        "Figures on a page of `/observations` when `limit` is not told.",
    ),
    "defaultRowsPerList": Text(
        "Rader på en sida av varje annan lista när `limit` inte är angivet.",
        "Rows on a page of every other list when `limit` is not told.",
    ),
    "rowsPerAnswer": Text(
        "Så många siffror får en fråga gälla, alla sidor tillsammans. Felet säger hur många den "
        "gällde och var "
        "hela datamängden finns.",
        "How many figures a question may be for, all pages together. The problem tells how many "
        "it was for and "
        "where the whole dataset is.",
    ),
    "rowsPerFile": Text(
        "Siffror i ett svar i annat format än JSON; sådana svar har inga sidor.",
        "Figures of an answer in a format other than JSON; such answers have no pages.",
    ),
    "cellsPerFile": Text(
        "Celler i ett svar i JSON-stat, där också kombinationer utan siffra tar plats.",
        "Cells of an answer in JSON-stat, where combinations without a figure take room too.",
    ),
    "indicatorsPerQuery": Text(
        "Indikatorer i en fråga. Dela frågan, eller ange `dataset`.",
        "Indicators of one question. Split it, or name a `dataset`.",
    ),
    "codesPerParameter": Text(
        "Koder i en kommalista. `county:08` är länets alla kommuner i en kod.",
        "Codes of a comma list. `county:08` is every municipality of the county in one code.",
    ),
    "charactersPerAddress": Text(
        "Tecken i en adress, i enlighet med den nationella profilen.",
        "Characters of an address, as the national profile has it.",
    ),
    "callsPerWindow": Text(
        "Anrop som en anropare får göra i ett fönster; `null` där de inte räknas. Svarshuvudet "
        "`RateLimit` säger "
        "hur många som är kvar. 304, `/config` och hälsa räknas aldrig.",
        "Calls that one caller may make in a window; `null` where they are not counted. The "
        "header `RateLimit` "
        "tells how many are left. 304, `/config` and health are never counted.",
    ),
    "windowSeconds": Text(
        "Hur långt ett fönster är, i sekunder. `Retry-After` på ett 429 säger när nästa börjar.",
        "How long a window is, in seconds. `Retry-After` of a 429 tells when the next begins.",
    ),
}
