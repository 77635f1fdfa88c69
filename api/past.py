"""One indicator's past: the states of its definition, and why it is not there at some time."""

from datetime import datetime

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from api.asked import Asked
from api.definitions import DefinitionState, definition_states
from api.live import Live, TooManyStaysError
from api.parameters import AS_OF, INCLUDE_HISTORY, INDICATOR, LANGUAGE, UPDATED_AFTER
from api.problems import InvalidParameter, InvalidParametersError, RefusalError, not_found
from api.question import titles_of
from api.snapshot import Snapshot
from datasets.closest import closest
from datasets.errors import StoreUnavailableError, UnknownCodeError
from datasets.ledger import Release

_MOST_NAMES = 20
_ENDED = "is no longer published since {}; asOf with a time before has it"


async def history_of(
    live: Live, snapshot: Snapshot, indicator: str, asked: Asked
) -> list[DefinitionState] | UnsetType:
    """Return the states of the definition that are asked for, as they were known at *snapshot*.

    Raises StoreUnavailableError when the database is away, since the past is kept nowhere else.
    """
    since: datetime | None = asked[UPDATED_AFTER.name]
    if since is None and not asked[INCLUDE_HISTORY.name]:
        return UNSET
    past = await live.past(snapshot.number, indicators=[indicator])
    stays = past.stays[indicator]
    definitions = await live.definitions({stay.metadata_sha256 for stay in stays})
    states = definition_states(stays, definitions, snapshot.line, asked[LANGUAGE.name])
    return [state for state in states if since is None or state.valid_from > since]


async def not_there(live: Live, newest: Snapshot, indicator: str, as_of: datetime | None) -> RefusalError:
    """Return the refusal for an indicator that there is not, or was not: with when it was, or the closest."""
    try:
        stays = (await live.past(newest.number, indicators=[indicator])).stays.get(indicator, ())
    except StoreUnavailableError:
        if indicator in newest.indicators:
            raise
        stays = ()
    if not stays:
        hints = closest(indicator, titles_of(newest))
        return not_found("indicatorId", UnknownCodeError("indicator", indicator, hints))
    line = {release.number: release for release in newest.line}
    first = line[stays[0].began]
    if as_of is not None and as_of < first.published_at:
        return _not_yet(indicator, first, as_of)
    before = [stay for stay in stays if stay.ended is not None and _is_over(line[stay.ended], as_of)]
    return _no_longer(indicator, line[before[-1].ended or 0])


async def knowing_what_ended(live: Live, error: InvalidParametersError) -> InvalidParametersError:
    """Return *error*, which says of indicators that there are none, saying of those that ended when."""
    names = [fault.value for fault in error.faults if fault.name == INDICATOR.name][:_MOST_NAMES]
    newest = live.newest()
    try:
        stays = (await live.past(newest.number, indicators=names)).stays if names else {}
    except (StoreUnavailableError, TooManyStaysError):
        return error
    ends = {release.number: _text(release.published_at) for release in newest.line}
    faults = [
        replace(fault, reason=_ENDED.format(ends[stays[fault.value][-1].ended or 0]), closest=())
        if fault.name == INDICATOR.name and fault.value in stays
        else fault
        for fault in error.faults
    ]
    return InvalidParametersError(faults)


def _is_over(end: Release, as_of: datetime | None) -> bool:
    return as_of is None or end.published_at <= as_of


def _not_yet(indicator: str, first: Release, as_of: datetime) -> RefusalError:
    moment = _text(first.published_at)
    reason = f"is before {indicator} was first published"
    fault = InvalidParameter(name=AS_OF.name, reason=reason, value=_text(as_of), closest=(moment,))
    detail = (
        f"{indicator} was first published at {moment},"
        f" in release {first.number}, {first.dataset} {first.version}"
    )
    return RefusalError("not-found", detail, invalid_parameters=(fault,))


def _no_longer(indicator: str, end: Release) -> RefusalError:
    moment = _text(end.published_at)
    reason = "is no longer published; asOf with a time before its end shows it"
    fault = InvalidParameter(name="indicatorId", reason=reason, value=indicator)
    detail = f"{indicator} was removed at {moment}, in release {end.number}, {end.dataset} {end.version}"
    return RefusalError("not-found", detail, invalid_parameters=(fault,))


def _text(moment: datetime) -> str:
    text: str = msgspec.to_builtins(moment)
    return text
