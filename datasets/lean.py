"""Keeps out of a process of ours what a library imports for no better reason than that it is installed.

pyarrow looks for pandas at its first array. Nothing of ours uses it; the tests' tools bring it, and then it
costs every process a second and fifty megabytes. Without those tools it is not there, and nothing changes.
"""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

_LEFT_OUT = frozenset({"pandas"})


class _LeftOut(MetaPathFinder):
    """Finds nothing, and says so of what is left out before anybody else finds it."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Refuse what is left out."""
        del path, target
        if fullname in _LEFT_OUT:
            message = f"{fullname} is left out of this process"
            raise ModuleNotFoundError(message, name=fullname)
        return None


def leave_out() -> None:
    """Leave it out for the rest of this process; must be called before the first figure is read."""
    sys.meta_path.insert(0, _LeftOut())
