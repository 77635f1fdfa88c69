"""The contract's own words, Swedish and English: what the service is, promises and cannot do."""

DESCRIPTION = """\
## Svenska

Länsdata är Region Kalmar läns öppna datatjänst: siffror om barns hälsa, skola, äldreomsorg och \
psykisk hälsa efter indikator, område, kön och år. Varje siffra är den som källan publicerade, eller `null` \
med en `status` som säger varför. Varje publicerad version finns kvar och kan citeras.

**Begränsningar:** se `/config`; alla gränser står där. Större uttag görs per datamängd.

**Livscykel:** semantisk version; inom `v1` görs bara tillägg: nya resurser, parametrar, fält, koder och \
medietyper, så läs tolerant. Det som ska bort avråds först i svarshuvudena `Deprecation` och \
`Sunset`, minst ett \
år före, med en länk till det som kommer i stället. Inget konto och ingen nyckel behövs.

**Villkor, driftnivå och kontakt:** siffrorna används enligt licensen på varje datamängd (`licence`, \
`attribution`); tjänsten ges som den är, utan garanti om tillgänglighet. Se `/docs/villkor`, \
`x-sla` och `contact`.

## English

Länsdata is the open data service of Region Kalmar län: figures on children's health, school, care of the \
old and mental health, by indicator, area, sex and year. Each figure is the one that the source published, \
or `null` with a `status` that says why. Every published version stays and can be cited.

**Limits:** see `/config`; every limit stands there. Larger pulls go by dataset.

**Life cycle:** semantic version; within `v1` there are only additions: new resources, parameters, \
fields, codes \
and media types, so read tolerantly. What is to go is first advised against in the headers `Deprecation` and \
`Sunset`, a year before at least, with a link to what comes instead. No account and no key is needed.

**Terms, service level and contact:** the figures are used under the licence of each dataset (`licence`, \
`attribution`); the service is given as it is, with no warranty of availability. See \
`/docs/villkor`, `x-sla` and \
`contact`.
"""

SERVICE_LEVEL = {
    "availability": "Bästa möjliga, dygnet runt / Best effort, around the clock",
    "responseTime": "Under 0,5 s för en sida på 1 000 siffror / Under 0.5 s for a page of 1 000 figures",
    "support": "Vardagar 8-16 / Weekdays 8-16",
}

LIMITATIONS = [
    "Högst 10 000 siffror per sida / At most 10 000 figures a page",
    "Andra format: högst 100 000 siffror per svar / Other formats: at most 100,000 figures an answer",
]

TAGS = [
    {"name": "about", "description": "Om tjänsten / About the service"},
    {"name": "datasets", "description": "Datamängder och versioner / Datasets and versions"},
    {"name": "indicators", "description": "Indikatorer / Indicators"},
    {"name": "municipalities", "description": "Områden / Areas"},
    {"name": "observations", "description": "Siffrorna / The figures"},
]
