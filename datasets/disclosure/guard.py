"""Before figures of people are published: suppression, given all that was ever shown, and the gate."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from pkgutil import resolve_name

from msgspec import structs

from datasets.disclosure.relations import Confidential
from datasets.disclosure.rules import rules_for
from datasets.disclosure.shown import Version, versions_of
from datasets.ledger import Draft
from datasets.store import Store

_Protect = Callable[[Draft, Confidential, Sequence[Version], Path | None], Draft]


async def guarded(store: Store, draft: Draft, home: Path | None = None) -> Draft:
    """Return *draft* with everything hidden that must be; as it is where nobody is behind its figures.

    A report for the publisher alone is kept under *home*. Raises HeldError where someone could be found.
    """
    if draft.confidential is None:
        return draft
    rules_for(draft.dataset, draft.confidential.rules)
    async with store.session() as session:
        versions, newest = await versions_of(session, draft.dataset.id)
    # by name, since the solver takes longer to import than most files take to publish
    protect: _Protect = resolve_name("datasets.disclosure.protecting:protected")
    safe = await asyncio.to_thread(protect, draft, draft.confidential, versions, home)
    return structs.replace(safe, stands_on=newest)
