#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kills a server at random moments under concurrent writes, and checks that nothing acknowledged was lost.

    .venv/bin/python Tests/Crash/crash.py --kills 300 [--seed N] [--writers N]

Clients create, overwrite, copy, move and delete objects whose bytes carry their own digest and length. Before a
request is sent its body is noted as being in flight; when it is acknowledged it becomes what its key must hold. Every other
time the database is killed with the server, so that it has to recover from its log. After each `kill -9` the server is started
again on the same data, and

- every key with an acknowledged write exists, and holds the last acknowledged body or one that was in flight later;
- no key holds anything else: a mixture of two bodies fits neither length nor digest;
- of several creations of one key without upsert at most one was acknowledged, and its bytes stay;
- what was acknowledged as deleted is gone, unless a later write was in flight;
- an object that was being moved is at one of its two keys, not at both and not at none.

At the end, and every 25 kills, `magpie verify --repair` has to leave a store that `magpie verify` finds clean.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import http.client
import json
import pathlib
import random
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from Support.server import HOST, Server  # noqa: E402
from Support.wire import Wire  # noqa: E402

BUCKET = "crash"
SIZES = (0, 1, 100, 4_000, 70_000, 300_000, 2_000_000)


class Violation(Exception):
    """A promise that was broken."""


@dataclasses.dataclass
class Expectation:
    """What a key may hold."""

    # Digests that may be there: the last acknowledged write, and writes that were in flight after it.
    allowed: set[str] = dataclasses.field(default_factory=set)
    # Whether the key may be absent.
    may_be_absent: bool = True


class Ledger:
    """What was asked of the server and what it acknowledged. Each key belongs to one writer, except the contested ones."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.keys: dict[str, Expectation] = {}
        self.winners: dict[str, list[str]] = {}
        # Moves in flight: source and destination, of which one must exist.
        self.moves: set[tuple[str, str]] = set()
        self.acknowledged = 0

    def holds(self, key: str) -> str | None:
        """The digest that a key of a writer with nothing in flight holds, None when there is no such object."""
        with self.lock:
            return next(iter(self.keys.get(key, Expectation()).allowed), None)

    def sending(self, key: str, digest: str) -> None:
        with self.lock:
            self.keys.setdefault(key, Expectation()).allowed.add(digest)

    def stored(self, key: str, digest: str) -> None:
        with self.lock:
            self.keys[key] = Expectation({digest}, may_be_absent=False)
            self.acknowledged += 1

    def deleting(self, key: str) -> None:
        with self.lock:
            self.keys.setdefault(key, Expectation()).may_be_absent = True

    def deleted(self, key: str) -> None:
        with self.lock:
            self.keys[key] = Expectation()
            self.acknowledged += 1

    def moving(self, source: str, destination: str, digest: str) -> None:
        self.sending(destination, digest)
        self.deleting(source)
        with self.lock:
            self.moves.add((source, destination))

    def moved(self, source: str, destination: str, digest: str) -> None:
        self.stored(destination, digest)
        with self.lock:
            self.keys[source] = Expectation()
            self.moves.discard((source, destination))

    def refused(self, key: str, digest: str) -> None:
        """The server said no, so this body must never be there."""
        with self.lock:
            self.keys[key].allowed.discard(digest)

    def won(self, key: str, digest: str) -> None:
        with self.lock:
            self.winners.setdefault(key, []).append(digest)
            self.acknowledged += 1


def body_of(generator: random.Random, size: int) -> bytes:
    """Bytes that say how long they are and end in their digest, so that a mixture can't pass."""
    content = size.to_bytes(8, "big") + generator.randbytes(size)
    return content + hashlib.sha256(content).digest()


def is_whole(body: bytes) -> bool:
    return (
        len(body) >= 40
        and len(body) == int.from_bytes(body[:8], "big") + 40
        and hashlib.sha256(body[:-32]).digest() == body[-32:]
    )


def digest_of(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


class Writer(threading.Thread):
    """One client: works on keys of its own, and races others for contested ones, until it is cut off."""

    def __init__(self, number: int, seed: int, server: Server, ledger: Ledger, stop: threading.Event, round_: int):
        super().__init__(name=f"writer {number}", daemon=True)
        self.number, self.round_ = number, round_
        self.generator = random.Random(f"{seed}/{round_}/{number}")
        self.port, self.token = server.port, server.keys.service
        self.ledger, self.stop_asked = ledger, stop
        self.problem: str | None = None

    def run(self) -> None:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=20)
        try:
            while not self.stop_asked.is_set():
                self.step(connection)
        except (OSError, http.client.HTTPException):
            pass  # the server was killed under it, which is the point
        except Violation as violation:
            self.problem = str(violation)
        finally:
            connection.close()

    def send(
        self, connection: http.client.HTTPConnection, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> int:
        fields = {"Authorization": f"Bearer {self.token}", **{name.replace("_", "-"): value for name, value in headers.items()}}
        connection.request(method, path, body, fields)
        response = connection.getresponse()
        response.read()
        if response.status >= 500:
            raise Violation(f"{method} {path} answered {response.status}")
        return response.status

    def send_json(
        self, connection: http.client.HTTPConnection, method: str, path: str, body: object, **headers: str
    ) -> int:
        return self.send(connection, method, path, json.dumps(body).encode(), Content_Type="application/json", **headers)

    def step(self, connection: http.client.HTTPConnection) -> None:
        steps = (self.overwrite, self.race, self.delete, self.delete_some, self.copy, self.move)
        self.generator.choices(steps, weights=(55, 15, 8, 4, 9, 9))[0](connection)

    def own_key(self) -> str:
        return f"w{self.number}/{self.generator.randrange(12)}"

    def overwrite(self, connection: http.client.HTTPConnection) -> None:
        key, body = self.own_key(), body_of(self.generator, self.generator.choice(SIZES))
        self.ledger.sending(key, digest_of(body))
        status = self.send(connection, "PUT", f"/object/{BUCKET}/{key}", body, Content_Type="application/x-crash")
        if status != 200:
            raise Violation(f"an overwrite of {key} answered {status}")
        self.ledger.stored(key, digest_of(body))

    def race(self, connection: http.client.HTTPConnection) -> None:
        key = f"contested/{self.round_}-{self.generator.randrange(200)}"
        body = body_of(self.generator, self.generator.choice(SIZES[:5]))
        self.ledger.sending(key, digest_of(body))
        status = self.send(connection, "POST", f"/object/{BUCKET}/{key}", body, Content_Type="application/x-crash")
        if status == 200:
            self.ledger.won(key, digest_of(body))
        else:
            self.ledger.refused(key, digest_of(body))

    def delete(self, connection: http.client.HTTPConnection) -> None:
        key = self.own_key()
        self.ledger.deleting(key)
        if self.send(connection, "DELETE", f"/object/{BUCKET}/{key}") in (200, 400):
            self.ledger.deleted(key)

    def delete_some(self, connection: http.client.HTTPConnection) -> None:
        keys = sorted({self.own_key() for _ in range(4)})
        for key in keys:
            self.ledger.deleting(key)
        if self.send_json(connection, "DELETE", f"/object/{BUCKET}", {"prefixes": keys}) != 200:
            raise Violation(f"deleting {keys} was refused")
        for key in keys:
            self.ledger.deleted(key)

    def copy(self, connection: http.client.HTTPConnection) -> None:
        source, destination = self.own_key(), self.own_key()
        digest = self.ledger.holds(source)
        if digest is None or source == destination:
            return self.overwrite(connection)
        self.ledger.sending(destination, digest)
        body = {"bucketId": BUCKET, "sourceKey": source, "destinationKey": destination}
        status = self.send_json(connection, "POST", "/object/copy", body, x_upsert="true")
        if status != 200:
            raise Violation(f"a copy of {source} to {destination} answered {status}")
        self.ledger.stored(destination, digest)

    def move(self, connection: http.client.HTTPConnection) -> None:
        source, destination = self.own_key(), self.own_key()
        digest = self.ledger.holds(source)
        if digest is None or self.ledger.holds(destination) is not None:
            return self.overwrite(connection)
        self.ledger.moving(source, destination, digest)
        body = {"bucketId": BUCKET, "sourceKey": source, "destinationKey": destination}
        status = self.send_json(connection, "POST", "/object/move", body)
        if status != 200:
            raise Violation(f"a move of {source} to {destination} answered {status}")
        self.ledger.moved(source, destination, digest)


def check(server: Server, ledger: Ledger, round_: int | None = None) -> int:
    """Reads every key back, or of the contested ones those of one round: old ones are read again now and then.

    Returns how many exist; what was in flight is settled by what is found.
    """
    wire, found = Wire(server.port, server.keys.service), 0
    for key, winners in ledger.winners.items():
        if len(winners) > 1:
            raise Violation(f"{key} was created {len(winners)} times without upsert")
        ledger.keys[key] = Expectation({winners[0]}, may_be_absent=False)
    for key, expectation in ledger.keys.items():
        if round_ is not None and key.startswith("contested/") and not key.startswith(f"contested/{round_}-"):
            continue
        reply = wire.get(f"/object/{BUCKET}/{key}")
        if reply.status == 400 and reply.json()["error"] == "not_found":
            if not expectation.may_be_absent:
                raise Violation(f"{key} was acknowledged and is lost")
            ledger.keys[key] = Expectation()
            continue
        if reply.status != 200:
            raise Violation(f"{key} answered {reply.status}: {reply.body[:300]!r}")
        if not is_whole(reply.body):
            raise Violation(f"{key} is torn ({len(reply.body)} bytes)")
        digest = digest_of(reply.body)
        if digest not in expectation.allowed:
            raise Violation(f"{key} holds a body that it must not hold any more")
        ledger.keys[key] = Expectation({digest}, may_be_absent=False)
        found += 1
    for source, destination in ledger.moves:
        if (ledger.holds(source) is None) == (ledger.holds(destination) is None):
            raise Violation(f"{source} was being moved to {destination}, and neither or both of them exist")
    ledger.winners.clear()
    ledger.moves.clear()
    return found


def verify(server: Server) -> None:
    """Repairs, then wants to hear that there is nothing to repair.

    The server is stopped: beside a running one `verify` spares what is young, since it may be an upload under way.
    """
    repaired = server.command("verify", "--repair", timeout=600)
    if repaired.returncode != 0:
        raise Violation(f"verify --repair ended with {repaired.returncode}:\n{repaired.stdout[-3000:]}{repaired.stderr[-3000:]}")
    clean = server.command("verify", timeout=600)
    if clean.returncode != 0:
        raise Violation(f"verify is not clean after --repair:\n{clean.stdout[-3000:]}{clean.stderr[-3000:]}")


def run(kills: int, seed: int, writers: int, report=print) -> int:
    """Returns how many writes were acknowledged. Throws `Violation`."""
    report(f"crash: {kills} kills, {writers} writers, seed {seed}")
    moments = random.Random(seed)
    ledger = Ledger()
    server = Server()
    begin = time.monotonic()
    try:
        server.start()
        assert Wire(server.port, server.keys.service).send_json("POST", "/bucket", {"name": BUCKET}).status == 200
        for number in range(1, kills + 1):
            stop = threading.Event()
            threads = [Writer(writer, seed, server, ledger, stop, number) for writer in range(writers)]
            for thread in threads:
                thread.start()
            time.sleep(moments.uniform(0.02, 1.2))  # the random moment, not a synchronisation
            server.kill(with_database=number % 2 == 0)
            stop.set()
            for thread in threads:
                thread.join(30)
                if thread.is_alive():
                    raise Violation(f"{thread.name} hangs on a server that is gone")
                if thread.problem:
                    raise Violation(thread.problem)
            server.start()
            check(server, ledger, number)
            if number % 25 == 0 or number == kills:
                server.stop()
                verify(server)
                server.start()
                objects = check(server, ledger)
                report(
                    f"crash: {number} kills, {ledger.acknowledged} writes acknowledged, {objects} objects, {time.monotonic() - begin:.0f} s"
                )
        return ledger.acknowledged
    except Violation:
        report(f"crash: seed {seed}; the end of the server's log:\n{server.log()[-4000:]}")
        raise
    finally:
        server.close()


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--kills", type=int, default=300)
    arguments.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    arguments.add_argument("--writers", type=int, default=6)
    options = arguments.parse_args()
    try:
        acknowledged = run(options.kills, options.seed, options.writers, lambda text: print(text, flush=True))
    except Violation as violation:
        print(f"crash: FAILED with seed {options.seed}: {violation}", flush=True)
        return 1
    print(f"crash: {options.kills} kills survived, {acknowledged} acknowledged writes, nothing lost, nothing torn", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
