#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Moves a project's originals to its own storage while they are read and written, with crashes and an outage on the way.

    .venv/bin/python Tests/Crash/migration.py --objects 10000 --kills 5 [--outage 20] [--seed N]

Objects whose bytes carry their own digest and length are put on the server's disk. The project gets a bucket of a SeaweedFS of its
own, and a migration begins. All the while clients read objects, overwrite them, delete some and make new ones. The server is killed
with `kill -9` and started again; once the storage is out of reach for a while.

- Every read is answered with the bytes that were acknowledged last, or were in flight. Only while the storage is out of reach may a
  read of what is there already be a 502 or 504.
- The migration ends as completed, without being begun anew by anybody.
- Every object is in the project's storage then, with the right bytes, and nothing else is: neither there nor on the server's disk.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import http.client
import pathlib
import random
import sys
import threading
import time
import urllib.parse
from collections.abc import Callable

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from crash import Expectation, Ledger, Violation, body_of, digest_of, is_whole  # noqa: E402
from Support.peers import Peer, use_s3  # noqa: E402
from Support.pixault import create_project  # noqa: E402
from Support.proxy import Proxy  # noqa: E402
from Support.server import Server  # noqa: E402
from Support.wire import Reply, Wire  # noqa: E402

SIZES = (0, 200, 5_000, 40_000)
# How long after an outage a store still counts as out of reach: until then it is not tried again.
AFTERMATH = 8.0


@dataclasses.dataclass
class Scene:
    """What all clients share."""

    server: Server
    project: str
    ledger: Ledger
    stop: threading.Event = dataclasses.field(default_factory=threading.Event)
    # Whether the storage may be out of reach.
    outage: threading.Event = dataclasses.field(default_factory=threading.Event)
    violations: list[str] = dataclasses.field(default_factory=list)
    reads: int = 0
    writes: int = 0
    refused: int = 0

    def path(self, key: str) -> str:
        return f"/object/{self.project}/{key}"

    def ask(self, method: str, key: str, body: bytes | None = None) -> Reply | None:
        """None when the server was not there, or went away."""
        headers = {"Content-Type": "application/octet-stream", "x-upsert": "true"} if body is not None else {}
        with contextlib.suppress(OSError, http.client.HTTPException):
            return Wire(self.server.port, self.server.keys.service).request(method, self.path(key), body, headers=headers)
        return None

    def expectation(self, key: str) -> Expectation:
        with self.ledger.lock:
            known = self.ledger.keys.get(key, Expectation())
            return Expectation(set(known.allowed), known.may_be_absent)


class Reader(threading.Thread):
    def __init__(self, scene: Scene, seed: str):
        super().__init__(daemon=True)
        self.scene, self.generator = scene, random.Random(seed)

    def run(self) -> None:
        while not self.scene.stop.is_set():
            with self.scene.ledger.lock:
                keys = list(self.scene.ledger.keys)
            for key in self.generator.choices(keys, k=50):
                if self.scene.stop.is_set():
                    return
                self.read(key)

    def read(self, key: str) -> None:
        scene = self.scene
        was_out = scene.outage.is_set()
        before = scene.expectation(key)
        reply = scene.ask("GET", key)
        after = scene.expectation(key)
        if reply is None:
            return
        scene.reads += 1
        if reply.status == 200:
            if not is_whole(reply.body) or digest_of(reply.body) not in before.allowed | after.allowed:
                scene.violations.append(f"{key}: {len(reply.body)} other bytes than were acknowledged")
        elif reply.status in (502, 504) and (was_out or scene.outage.is_set()):
            scene.refused += 1
        elif not (reply.status in (400, 404) and (before.may_be_absent or after.may_be_absent)):
            scene.violations.append(f"{key}: {reply.status} {reply.text[:200]}")


class Writer(threading.Thread):
    """Owns the keys it was given: what it does to one of them it does alone."""

    def __init__(self, scene: Scene, keys: list[str], seed: str):
        super().__init__(daemon=True)
        self.scene, self.keys, self.generator = scene, keys, random.Random(seed)
        self.fresh = 0
        self.seed = seed

    def run(self) -> None:
        while not self.scene.stop.is_set():
            choice = self.generator.random()
            if choice < 0.6:
                self.put(self.generator.choice(self.keys))
            elif choice < 0.8:
                self.fresh += 1
                key = f"new/{urllib.parse.quote(self.seed)}/{self.fresh}"
                self.keys.append(key)
                self.put(key)
            else:
                self.delete(self.generator.choice(self.keys))
            time.sleep(0.01)

    def put(self, key: str) -> None:
        body = body_of(self.generator, self.generator.choice(SIZES))
        digest = digest_of(body)
        self.scene.ledger.sending(key, digest)
        reply = self.scene.ask("POST", key, body)
        if reply is not None and reply.status == 200:
            self.scene.ledger.stored(key, digest)
            self.scene.writes += 1
        elif reply is not None and not self.scene.outage.is_set() and reply.status not in (502, 503, 504):
            self.scene.violations.append(f"put {key}: {reply.status} {reply.text[:200]}")

    def delete(self, key: str) -> None:
        self.scene.ledger.deleting(key)
        reply = self.scene.ask("DELETE", key)
        if reply is not None and reply.status in (200, 400, 404):
            # One that was never made is as good as deleted.
            self.scene.ledger.deleted(key)
            self.scene.writes += 1


def fill(scene: Scene, count: int, seed: int) -> list[str]:
    """Objects on the server's own disk."""
    keys = [f"o/{number:05}" for number in range(count)]

    def put(part: list[str], generator: random.Random) -> None:
        for key in part:
            body = body_of(generator, generator.choice(SIZES))
            reply = scene.ask("POST", key, body)
            if reply is None or reply.status != 200:
                raise Violation(f"{key} was not stored: {reply}")
            scene.ledger.stored(key, digest_of(body))

    threads = [threading.Thread(target=put, args=(keys[n::4], random.Random(f"{seed}/{n}"))) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(scene.ledger.keys) != count:
        raise Violation("not all objects were stored")
    return keys


def job_of(server: Server, job: str) -> dict:
    rows = server.database.rows(
        "SELECT status, processed, succeeded, failed, total, coalesce(failure, '') AS failure, recent_errors::text AS errors "
        f"FROM magpie.jobs WHERE id = '{job}'"
    )
    return rows[0]


def moved(server: Server, project: str) -> int:
    query = (
        "SELECT count(*) AS n FROM storage.objects o JOIN magpie.blobs l ON l.version = o.version "
        f"WHERE o.bucket_id = '{project}' AND l.backend <> 'managed'"
    )
    return int(server.database.rows(query)[0]["n"])


def wait_for(what: str, condition: Callable[[], bool], seconds: float = 1800) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise Violation(f"it took longer than {seconds:.0f} s: {what}")
        time.sleep(0.2)


def check_end(scene: Scene, peer: Peer) -> None:
    """Everything is where it belongs, and nothing is anywhere else."""
    server, project = scene.server, scene.project
    verified = server.command("verify", timeout=1800)
    if verified.returncode != 0:
        raise Violation(f"verify: {verified.stdout}{verified.stderr}")
    elsewhere = server.database.rows(
        "SELECT o.name FROM storage.objects o JOIN magpie.blobs l ON l.version = o.version "
        f"WHERE o.bucket_id = '{project}' AND l.backend = 'managed'"
    )
    if elsewhere:
        raise Violation(f"{len(elsewhere)} objects are on the server's disk still: {elsewhere[:3]}")
    for key in list(scene.ledger.keys):
        expected = scene.expectation(key)
        reply = scene.ask("GET", key)
        if reply is None:
            raise Violation("the server is gone")
        if reply.status == 200:
            if not is_whole(reply.body) or digest_of(reply.body) not in expected.allowed:
                raise Violation(f"{key} holds other bytes than were acknowledged")
        elif not expected.may_be_absent:
            raise Violation(f"{key} is lost: {reply.status} {reply.text[:200]}")
    # Intents of the killed are given up after a while of their own; everything that may be there is named by a row.
    named = {
        row["key"]
        for row in server.database.rows(
            "SELECT key FROM magpie.blobs WHERE backend <> 'managed' UNION SELECT key FROM magpie.blob_deletions "
            "WHERE backend <> 'managed' UNION SELECT key FROM magpie.blob_intents"
        )
    }
    unnamed = set(peer.keys("media/")) - named
    if unnamed:
        raise Violation(f"{len(unnamed)} keys of the storage are nobody's: {sorted(unnamed)[:3]}")


def run(objects: int, kills: int, outage: float, seed: int, rate: str = "0", binary: pathlib.Path | None = None) -> Scene:
    settings = {
        "MAGPIE_BYOS_PRIVATE_ENDPOINTS": "on",
        "MAGPIE_MIGRATION_GRACE": "3s",
        "MAGPIE_MIGRATION_RATE": rate,
        "MAGPIE_LOG_LEVEL": "info",
    }
    generator = random.Random(seed)
    with contextlib.ExitStack() as stack:
        peer = stack.enter_context(Peer("seaweedfs"))
        way = stack.enter_context(Proxy(urllib.parse.urlsplit(peer.url).port))
        server = stack.enter_context(Server(settings, **({"binary": binary} if binary else {})))
        scene = Scene(server, create_project(server).project, Ledger())
        keys = fill(scene, objects, seed)
        made = use_s3(server, scene.project, way.url)
        if made.returncode != 0:
            raise Violation(made.stderr)
        clients: list[threading.Thread] = [Reader(scene, f"{seed}/r{n}") for n in range(3)]
        clients += [Writer(scene, keys[n::2], f"{seed}-w{n}") for n in range(2)]
        for client in clients:
            client.start()
        begun = server.command("backend", "migrate", scene.project, "--detach")
        if begun.returncode != 0:
            raise Violation(begun.stderr)
        job = begun.stdout.strip()
        begin = time.monotonic()
        try:
            disturb(scene, way, generator, objects, kills, outage)
            wait_for("the migration", lambda: job_of(server, job)["status"] not in ("Pending", "Discovering", "Running"))
        finally:
            seconds = time.monotonic() - begin
            scene.stop.set()
            for client in clients:
                client.join(60)
        ended = job_of(server, job)
        print(f"{ended} after {seconds:.0f} s; {scene.reads} reads ({scene.refused} refused in the outage), {scene.writes} writes")
        if scene.violations:
            raise Violation(f"{len(scene.violations)} violations, such as: " + "; ".join(scene.violations[:5]))
        if ended["status"] != "Completed":
            raise Violation(f"the migration ended as {ended}")
        check_end(scene, peer)
        # What was moved is gone from the disk.
        wait_for("removing what was moved", lambda: not server.blobs(), 180)
        return scene


def disturb(scene: Scene, way: Proxy, generator: random.Random, objects: int, kills: int, outage: float) -> None:
    """Kills the server at so many moments of the migration, and cuts the way to the storage once in the middle of it."""
    server = scene.server
    events = ["kill"] * kills + (["outage"] if outage else [])
    generator.shuffle(events)
    for number, event in enumerate(events):
        share = (number + 1) * objects // (len(events) + 2)
        # Overwritten objects are there as well, so more may be there than were moved.
        wait_for(f"moving {share} objects", lambda: moved(server, scene.project) >= share)  # noqa: B023
        if event == "kill":
            server.kill(with_database=generator.random() < 0.5)
            server.start()
        else:
            scene.outage.set()
            way.refuse()
            time.sleep(outage)
            way.open()
            threading.Timer(AFTERMATH, scene.outage.clear).start()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--outage", type=float, default=20, help="seconds")
    parser.add_argument("--rate", default="0", help="bytes a second that are copied at most")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--binary", type=pathlib.Path)
    options = parser.parse_args()
    print(f"seed {options.seed}")
    run(options.objects, options.kills, options.outage, options.seed, options.rate, options.binary)


if __name__ == "__main__":
    main()
