"""The database that comes along: a PostgreSQL server in LANSDATA_HOME, started on demand and shared.

Three locked files in the home say who does what:

- `postgres.gate`: held while somebody starts or stops the server;
- `postgres.users`: shared by every process with a lease;
- `postgres.alive`: inherited by the server and each of its parts, so it is free only when all are gone.
"""

import atexit
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, NoReturn
from urllib.parse import quote

from datasets.embedded_place import (
    ENVIRONMENT,
    PORT,
    Account,
    account_for,
    hand_over,
    identity,
    installed_programs,
    place_data,
    place_socket,
    programs_for,
)
from datasets.errors import DatabaseStartError
from datasets.locks import (
    POLL_SECONDS,
    close_lock,
    locked,
    open_lock,
    opened,
    share_lock,
    try_lock,
    wait_lock,
)

NAME = "lansdata"
"""The database, and the superuser that made it."""

_START_SECONDS = 30
_STOP_SECONDS = 60
_LOG_BYTES = 1_000_000
_INITDB = (
    f"--username={NAME}",
    "--auth-local=trust",
    "--auth-host=reject",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--no-instructions",
    "--set=jit=off",
    "--set=timezone=UTC",
    "--set=log_timezone=UTC",
    "--set=max_connections=60",
    "--set=log_checkpoints=off",
)


class _Postmaster(subprocess.Popen[bytes]):
    """A process that is meant to outlive the one that started it."""

    def __del__(self) -> None:
        """Reap it if it is over; a plain Popen would warn that it still runs."""
        self.poll()


class Lease:
    """One process's use of the server; a process forked from it borrows it and has nothing to release."""

    def __init__(self, home: Path, sockets: str, users: int) -> None:
        """Keep *users*, a descriptor with a shared lock; *sockets* is the server's socket directory."""
        self._home = home
        self._sockets = sockets
        _held[self] = users

    def address(self, user: str) -> str:
        """Return the URL under which *user* reaches the database."""
        host = quote(self._sockets, safe="")
        return f"postgresql://{quote(user, safe='')}@/{NAME}?host={host}&port={PORT}"

    def release(self) -> None:
        """Use the server no more; the last one out stops it and waits until it is gone."""
        users = _held.pop(self, None)
        if users is None:
            return
        try:
            with locked(self._home / "postgres.gate"):
                if try_lock(users):
                    _stop(self._home)
        except FileNotFoundError:
            pass  # the home is gone, and a server whose files are gone ends by itself
        finally:
            close_lock(users)


_held: dict[Lease, int] = {}
_started: list[_Postmaster] = []


def lease(home: Path) -> Lease:
    """Start the server of *home* unless it runs, and use it until the lease is released or we exit."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        home = home.resolve()
        with locked(home / "postgres.gate"):
            sockets = _running(home) or _start(home)
            users = open_lock(home / "postgres.users")
            share_lock(users)
            return Lease(home, sockets, users)
    except (OSError, KeyError, subprocess.SubprocessError) as error:
        message = f"the database in {home} does not start: {error}"
        raise DatabaseStartError(message) from error


@atexit.register
def _release_all() -> None:
    for held in tuple(_held):
        held.release()


def _forget_all() -> None:
    _held.clear()
    _started.clear()


os.register_at_fork(after_in_child=_forget_all)


def _running(home: Path) -> str | None:
    """Return the socket directory of the server, waiting while one starts or ends; None if there is none."""
    data = (home / "postgres").resolve()
    deadline = time.monotonic() + _START_SECONDS
    with opened(home / "postgres.alive") as alive:
        while (sockets := _answering(data)) is None and not try_lock(alive):
            if time.monotonic() > deadline:
                message = f"a server in {home} runs without answering; its log is {home / 'postgres.log'}"
                raise DatabaseStartError(message)
            time.sleep(POLL_SECONDS)
    return sockets


def _answering(data: Path) -> str | None:
    try:
        # pid, data, start, port, socket directory, TCP address, shared memory, status
        note = os.fsdecode((data / "postmaster.pid").read_bytes()).splitlines()
    except FileNotFoundError:
        return None
    if len(note) < 8 or note[7].strip() != "ready":  # noqa: PLR2004  # the lines above
        return None
    server = ("-h", note[4], "-p", str(PORT), "-U", NAME, "-d", NAME)
    ask = [str(installed_programs() / "pg_isready"), "-q", *server]
    return note[4] if subprocess.run(ask, check=False, env=ENVIRONMENT).returncode == 0 else None  # noqa: S603


def _start(home: Path) -> str:
    """Start a server where none is, on data made first if need be; return its socket directory."""
    account = account_for(home / "postgres")
    data = place_data(home, account)
    programs = programs_for(account)
    with locked(home / "postgres.alive") as alive:
        if not (data / "PG_VERSION").exists():
            _initialise(data, programs, account, alive)
        hand_over(data, account)
        sockets = place_socket(data, account)
        for note in (data / "postmaster.pid", sockets / f".s.PGSQL.{PORT}.lock"):
            # we hold `alive`: the server that left this is gone, whoever has its number now
            if _server_in(note, data) is None:
                note.unlink(missing_ok=True)
        with _log(home, account) as log:
            before = log.tell()
            command = [str(programs / "postgres"), "-D", str(data), *_options(sockets)]
            postmaster = _spawn(command, account, alive, log)
    return _await(postmaster, data, home / "postgres.log", before)


def _options(sockets: Path) -> list[str]:
    directories = str(sockets).replace('"', '""')
    settings = (
        f'unix_socket_directories="{directories}"',
        "unix_socket_permissions=0700",
        "listen_addresses=",
        f"port={PORT}",
    )
    return [f"--{setting}" for setting in settings]


def _spawn(command: Sequence[str], account: Account | None, alive: int, log: IO[bytes]) -> _Postmaster:
    postmaster = _Postmaster(
        command,
        cwd="/",
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # Ctrl-C is for us, who stop it in our time
        pass_fds=(alive,),
        **identity(account),
    )
    _started[:] = [earlier for earlier in _started if earlier.poll() is None]
    _started.append(postmaster)
    return postmaster


def _await(postmaster: _Postmaster, data: Path, log: Path, before: int) -> str:
    """Wait for an answer; a server that is slow to recover goes on, and a later lease finds it up."""
    deadline = time.monotonic() + _START_SECONDS
    try:
        while (sockets := _answering(data)) is None:
            if postmaster.poll() is not None:
                _fail(f"the database server ended at its start; the end of {log}", log, before)
            if time.monotonic() > deadline:
                _fail(f"the database server is slow to start, try again in a while; {log}", log, before)
            time.sleep(POLL_SECONDS)
    except (KeyboardInterrupt, SystemExit):
        postmaster.send_signal(signal.SIGINT)
        raise
    return sockets


def _fail(what: str, log: Path, before: int) -> NoReturn:
    """Raise with the log's last lines, all from before anybody could tell this server a secret."""
    written = log.read_bytes()[before:].decode(errors="replace").splitlines()
    raise DatabaseStartError("\n".join([f"{what}:", *written[-8:]]))


def _log(home: Path, account: Account | None) -> IO[bytes]:
    path = home / "postgres.log"
    if path.exists() and path.stat().st_size > _LOG_BYTES:
        path.replace(home / "postgres.log.old")
    log = os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600), "ab")
    if account is not None:
        os.fchown(log.fileno(), *account)
    return log


def _initialise(data: Path, programs: Path, account: Account | None, alive: int) -> None:
    """Make the data beside their place and rename them, so that half-made data are never used."""
    new = data.with_name(f"{data.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(mode=0o700)
    if account is not None:
        os.chown(new, *account, follow_symlinks=False)
    _run([str(programs / "initdb"), "-D", str(new), *_INITDB], account, alive)
    single = [str(programs / "postgres"), "--single", "-D", str(new), "-c", "exit_on_error=on", "postgres"]
    _run(single, account, alive, f"CREATE DATABASE {NAME}\n".encode())
    new.rename(data)


def _run(command: Sequence[str], account: Account | None, alive: int, said: bytes = b"") -> None:
    done = subprocess.run(  # noqa: S603  # our own programs and options
        command,
        check=False,
        input=said,
        capture_output=True,
        cwd="/",
        env=ENVIRONMENT,
        start_new_session=True,
        pass_fds=(alive,),
        **identity(account),
    )
    if done.returncode:
        words = (done.stderr or done.stdout).decode(errors="replace").splitlines()
        raise DatabaseStartError("\n".join([f"{Path(command[0]).name} failed:", *words[-8:]]))


def _server_in(note: Path, data: Path) -> int | None:
    """Return the number in *note* if that process serves *data*, and did not get a dead one's number."""
    try:
        number = int(note.read_bytes().split(b"\n")[0])
        command = Path(f"/proc/{number}/cmdline").read_bytes().split(b"\0")
    except (ValueError, ProcessLookupError):
        return None
    except FileNotFoundError:
        # without /proc (macOS) the note is all there is
        return None if Path("/proc/self").exists() or not note.exists() else number
    return number if os.fsencode(data) in command else None


def _stop(home: Path) -> None:
    data = (home / "postgres").resolve()
    number = _server_in(data / "postmaster.pid", data)
    if number is None:
        return
    os.kill(number, signal.SIGINT)
    with opened(home / "postgres.alive") as alive:
        gone = wait_lock(alive, _STOP_SECONDS)
    for postmaster in _started:
        if gone and postmaster.pid == number:
            postmaster.wait()
