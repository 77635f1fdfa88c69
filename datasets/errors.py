"""What can go wrong in Länsdata, told once; knows no HTTP."""

from collections.abc import Sequence

from msgspec import Struct


class LansdataError(Exception):
    """Anything that Länsdata itself refuses or cannot do."""


class SettingError(LansdataError):
    """A setting that cannot be used; the message names it."""


class MisusedError(LansdataError):
    """A command that was called in a way that it cannot be."""


class DatabaseStartError(LansdataError):
    """The embedded database did not start; the message holds the end of its log."""


class StoreUnavailableError(LansdataError):
    """The database cannot be reached, or lost the connection under a question."""


class FilesUnavailableError(LansdataError):
    """The baked files cannot be written or read where they are kept."""


class ErasedError(LansdataError):
    """A figure is asked for that was erased, or a cube that held one; the message is the reason."""


class PublishRefusedError(LansdataError):
    """A version that must not be published as it is; nothing was written."""


class UnknownCodeError(LansdataError):
    """A code that does not exist; `closest` are the codes that do and look most like it."""

    def __init__(self, kind: str, value: str, closest: Sequence[str] = ()) -> None:
        """Tell *kind* ("municipality") and the *value* that is no code of it."""
        hint = f"; closest: {', '.join(closest)}" if closest else ""
        super().__init__(f"{value!r} is no {kind}{hint}")
        self.kind = kind
        self.value = value
        self.closest = tuple(closest)


class Fault(Struct, frozen=True, kw_only=True, order=True):
    """One fault in a file that a person handed over, with its place and the closest right value."""

    file: str
    row: int = 0
    """The line of the file, 1 for its first; 0 when the fault is the whole file's."""
    column: str = ""
    value: str = ""
    reason: str
    closest: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Say the fault in one line, place first."""
        place = ", ".join(
            part for part in (self.file, f"row {self.row}" if self.row else "", self.column) if part
        )
        value = f" {self.value!r}" if self.value else ""
        hint = f" (closest: {', '.join(self.closest)})" if self.closest else ""
        return f"{place}:{value} {self.reason}{hint}"


class FaultyFileError(LansdataError):
    """A hand-over with faults: all of them, in the order of the file; nothing of it is published."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        """Keep *faults*, at least one."""
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = tuple(faults)
