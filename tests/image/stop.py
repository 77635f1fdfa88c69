"""Stops a running API under load and judges how it went: `stop.py PORT PID DATABASE_URL [stuck]`.

Three kinds of requests are under way when SIGTERM comes: steady ones, answered in no time; held ones, which
wait for a table that a lock of ours keeps from them; and slow readers, which take a large answer in sips.
Every request sent before the signal must get its whole answer, and the process must end within two seconds.
With `stuck` the table is never given back: the process must end in time all the same, and whatever does not
wait for the table must still be whole. It needs Python's own library and `psql`, nothing else.
"""

import http.client
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

LIMIT_SECONDS = 2.0
RELEASED_AFTER = 0.5
"""How long after the signal the held requests get their table back."""
STEADY, HELD, SLOW = 16, 8, 4
LARGE = "/api/v1/observations?dataset=scb-befolkning&breakdown=*&limit=10000"
SMALL = ("/api/v1/datasets", "/api/v1/indicators?limit=50", "/api/v1/observations?dataset=kolada-aldre-2013")


@dataclass
class Tally:
    """What came of the requests of one kind that were sent before the signal, and of those after it."""

    whole: int = 0
    broken: list[str] = field(default_factory=list)
    refused_later: int = 0


class Proof:
    """One stop under load."""

    def __init__(self, port: int, process: int, database: str, *, stuck: bool) -> None:
        self.port = port
        self.process = process
        self.database = database
        self.stuck = stuck
        self.signalled = float("inf")
        self.tallies = {"steady": Tally(), "held": Tally(), "slow": Tally()}
        self.lock = threading.Lock()

    def ask(self, kind: str, connection: http.client.HTTPConnection, path: str, sip: float = 0) -> None:
        """Ask once, and note what came of it."""
        sent = float("inf")
        try:
            connection.request("GET", path)
            sent = time.monotonic()
            answer = connection.getresponse()
            body = b""
            while part := answer.read(4096):
                body += part
                time.sleep(sip)
            json.loads(body)  # a part of an answer is no JSON
        except (OSError, http.client.HTTPException, ValueError) as error:
            with self.lock:
                if sent < self.signalled:
                    self.tallies[kind].broken.append(f"{path}: {type(error).__name__} {error}")
                else:
                    self.tallies[kind].refused_later += 1
            connection.close()
            return
        with self.lock:
            if answer.status == http.client.OK:
                self.tallies[kind].whole += 1
            else:
                self.tallies[kind].broken.append(f"{path}: status {answer.status}")

    def steady(self, number: int) -> None:
        """Ask again and again, every other one on a new connection each time."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        count = number
        while time.monotonic() < self.signalled:
            self.ask("steady", connection, SMALL[count % len(SMALL)])
            count += 1
            if number % 2:
                connection.close()

    def held(self, number: int, moments: list[str]) -> None:
        """Ask what only the locked table can answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        moment = moments[number % len(moments)]
        self.ask("held", connection, f"/api/v1/observations?dataset=kolada-aldre-2013&asOf={moment}")

    def slow(self, number: int) -> None:
        """Take a large answer in sips, with little room for it under way."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.sock = socket.socket()
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sock.connect(("127.0.0.1", self.port))
        self.ask("slow", connection, f"{LARGE}&lang={('sv', 'en')[number % 2]}", sip=0.02)

    def moments(self) -> list[str]:
        """Return times of earlier releases, of which nothing is in memory."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", "/api/v1/datasets?limit=100")
        body = json.loads(connection.getresponse().read())
        return sorted(one["publishedAt"] for one in body["datasets"])[2:-1]

    def run(self) -> bool:
        """Load, stop, judge; tell it all."""
        moments = self.moments()
        watched = os.pidfd_open(self.process)
        keeper = subprocess.Popen(
            ["psql", "-qAtX", self.database], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert keeper.stdin
        assert keeper.stdout
        keeper.stdin.write("BEGIN; LOCK TABLE cube_validity IN ACCESS EXCLUSIVE MODE; SELECT 'held';\n")
        keeper.stdin.flush()
        assert keeper.stdout.readline().strip() == "held"
        threads = [
            *_started(STEADY, self.steady),
            *_started(HELD, lambda number: self.held(number, moments)),
            *_started(SLOW, self.slow),
        ]
        time.sleep(0.5)
        under_way = sum(thread.is_alive() for thread in threads[STEADY:])
        with self.lock:
            self.signalled = time.monotonic()
            os.kill(self.process, signal.SIGTERM)
        if not self.stuck:
            time.sleep(RELEASED_AFTER)
            keeper.communicate("COMMIT;\n")
        ended = bool(select.select([watched], [], [], 10)[0])
        seconds = time.monotonic() - self.signalled
        keeper.kill()
        for thread in threads:
            thread.join()
        return self.told(under_way, seconds if ended else float("inf"))

    def told(self, under_way: int, seconds: float) -> bool:
        """Tell what came of it; return whether all is as it must be."""
        lines = [f"{under_way} of {HELD + SLOW} long requests were under way at SIGTERM"]
        for kind, tally in self.tallies.items():
            numbers = f"{tally.whole} whole, {len(tally.broken)} broken, {tally.refused_later} refused later"
            lines.append(f"{kind}: {numbers}")
            lines += [f"  {text}" for text in tally.broken[:5]]
        held = "never given back" if self.stuck else f"held for {RELEASED_AFTER} s more"
        lines.append(f"ended {seconds:.3f} s after SIGTERM; the table was {held}")
        sys.stdout.write("\n".join(lines) + "\n")
        judged = {"steady", "slow"} if self.stuck else self.tallies.keys()
        broken = any(self.tallies[kind].broken for kind in judged)
        return under_way == HELD + SLOW and not broken and seconds <= LIMIT_SECONDS


def _started(count: int, target: Callable[[int], None]) -> list[threading.Thread]:
    threads = [threading.Thread(target=target, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    return threads


if __name__ == "__main__":
    port, process, database, *more = sys.argv[1:]
    sys.exit(0 if Proof(int(port), int(process), database, stuck=more == ["stuck"]).run() else 1)
