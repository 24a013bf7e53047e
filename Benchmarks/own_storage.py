#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares a project's own storage through Magpie with going to it directly, and a migration to it with `rclone copy`.

    scripts/build release && .venv/bin/python Benchmarks/own_storage.py --rounds 5 --seconds 4

The storage is a SeaweedFS on the same machine. The ways take turns, round after round; all of it shares one machine, so read the ratios.
Magpie as it comes keeps hot objects in memory, flushes what it writes down and looks at what was put into a project; a second one does
nothing of this, and shows what the way costs by itself.
Migration and `rclone copy` both go from this machine's disk to the SeaweedFS, over the same files.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import hashlib
import os
import pathlib
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "Tests"))

from measures import download, upload, wrk  # noqa: E402
from servers import ACCESS_KEY, HOST, SCRIPTS, SECRET_KEY, Magpie, SeaweedFS  # noqa: E402
from Support.pixault import create_project  # noqa: E402
from Support.wire import Wire  # noqa: E402

SMALL, LARGE = 100_000, 100_000_000
# Of a migration: how many files of which size.
FILES = ((2000, 100_000), (20, 10_000_000))


class Through(Magpie):
    """Magpie as it comes, with a project whose originals are in somebody else's bucket."""

    name = "through Magpie"
    settings = {"MAGPIE_BYOS_PRIVATE_ENDPOINTS": "on", "MAGPIE_MIGRATION_GRACE": "1s"}

    def use(self, project: str, storage: SeaweedFS, prefix: str) -> None:
        made = self.server.command(
            "backend", "s3", "--project", project, "--bucket", "private", "--endpoint", f"http://{HOST}:{storage.port}",
            "--access-key", ACCESS_KEY, "--prefix", prefix, given=SECRET_KEY,
        )  # fmt: skip
        if made.returncode != 0:
            raise RuntimeError(made.stderr)


class Bare(Through):
    """The way alone: nothing is read from memory, nothing flushed (as the storage does not), and nobody looks at what was written."""

    name = "the way alone"
    settings = {**Through.settings, "MAGPIE_CACHE_SIZE": "0", "MAGPIE_DURABILITY": "none", "MAGPIE_JOB_WORKERS": "0"}


def compare(
    options: argparse.Namespace, servers: list[Through], storage: SeaweedFS, home: pathlib.Path
) -> dict[str, dict[str, list[float]]]:
    generator = random.Random(5)
    small, large = home / "small", home / "large"
    small.write_bytes(generator.randbytes(SMALL))
    large.write_bytes(generator.randbytes(1_000_000) * (LARGE // 1_000_000))
    digests = {file: hashlib.sha256(file.read_bytes()).hexdigest() for file in (small, large)}
    places = {"directly": (storage, "private")}
    paths = {"directly": "/public/large"}
    storage.s3.client.put_object(Bucket="public", Key="large", Body=large.read_bytes())
    for magpie in servers:
        project = create_project(magpie.server, "bench").project
        magpie.use(project, storage, f"{type(magpie).__name__}/")
        magpie.s3.client.put_object(Bucket=project, Key="large", Body=large.read_bytes())
        places[magpie.name], paths[magpie.name] = (magpie, project), f"/object/public/{project}/large"
    for peer, bucket in places.values():
        for number in range(200):
            peer.s3.client.put_object(Bucket=bucket, Key=f"read/{number}", Body=small.read_bytes())
    found: dict[str, dict[str, list[float]]] = {}

    def note(row: str, way: str, value: float) -> None:
        found.setdefault(row, {}).setdefault(way, []).append(value)

    for round_ in range(options.rounds):
        for way, (peer, bucket) in places.items():
            length = {"Content-Length": str(SMALL)}
            puts = [peer.s3.head("PUT", f"{bucket}/put/{round_}/{n}", digests[small], length) for n in range(options.keys)]
            note("PUT 100 KB, requests/s", way, wrk(peer, options.seconds, "/", puts, small, home).value)
            gets = [peer.s3.head("GET", f"{bucket}/read/{number}") for number in range(200)]
            note("GET 100 KB, requests/s", way, wrk(peer, options.seconds, "/", gets, scratch=home).value)
            length = {"Content-Length": str(LARGE)}
            heads = [peer.s3.head("PUT", f"{bucket}/large/{round_}/{n}", digests[large], length) for n in range(2)]
            note("PUT 100 MB, MB/s", way, upload(peer, heads, large).value)
            note("GET 100 MB, MB/s", way, download(peer, paths[way], LARGE / 1e6, 3).value)
    return found


def rclone(storage: SeaweedFS, source: pathlib.Path, target: str, transfers: int) -> float:
    """Seconds of one copy."""
    environment = {
        **os.environ, "RCLONE_CONFIG": "/dev/null", "RCLONE_CONFIG_PEER_TYPE": "s3", "RCLONE_CONFIG_PEER_PROVIDER": "SeaweedFS",
        "RCLONE_CONFIG_PEER_ENDPOINT": f"http://{HOST}:{storage.port}", "RCLONE_CONFIG_PEER_ACCESS_KEY_ID": ACCESS_KEY,
        "RCLONE_CONFIG_PEER_SECRET_ACCESS_KEY": SECRET_KEY,
    }  # fmt: skip
    command = [str(SCRIPTS / "rclone"), "copy", str(source), f"peer:private/{target}", "--transfers", str(transfers)]
    begin = time.monotonic()
    subprocess.run(command, env=environment, check=True, stdin=subprocess.DEVNULL)
    return time.monotonic() - begin


def migrate(magpie: Through, storage: SeaweedFS, source: pathlib.Path, name: str) -> float:
    """Seconds of the job that moves the files, which are put into a project of their own first."""
    project = create_project(magpie.server, name).project
    wire = Wire(magpie.port, magpie.server.keys.service)

    def put(file: pathlib.Path) -> None:
        reply = wire.post(f"/object/{project}/{file.name}", file.read_bytes(), headers={"Content-Type": "application/octet-stream"})
        if reply.status != 200:
            raise RuntimeError(reply.text)

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(put, sorted(source.iterdir())))
    magpie.use(project, storage, name)
    job = magpie.server.command("backend", "migrate", project, "--detach").stdout.strip()
    query = (
        "SELECT status, succeeded, extract(epoch FROM completed_at - started_at) AS seconds "
        f"FROM magpie.jobs WHERE id = '{job}' AND completed_at IS NOT NULL"
    )
    while not (ended := magpie.server.database.rows(query)):
        time.sleep(0.5)
    if ended[0]["status"] != "Completed" or int(ended[0]["succeeded"]) != len(list(source.iterdir())):
        raise RuntimeError(f"the migration ended as {ended[0]}")
    return float(ended[0]["seconds"])


def race(options: argparse.Namespace, magpie: Through, storage: SeaweedFS, home: pathlib.Path) -> dict[str, list[float]]:
    source = home / "files"
    source.mkdir()
    generator = random.Random(6)
    for count, size in FILES:
        for number in range(count):
            (source / f"{size}-{number}").write_bytes(generator.randbytes(size))
    found: dict[str, list[float]] = {}
    for round_ in range(options.rounds):
        found.setdefault("Magpie, 8 at a time", []).append(migrate(magpie, storage, source, f"m{round_}"))
        for transfers in (4, 8):
            seconds = rclone(storage, source, f"r{transfers}-{round_}", transfers)
            found.setdefault(f"rclone, {transfers} at a time", []).append(seconds)
    return found


def report(through: dict[str, dict[str, list[float]]], moves: dict[str, list[float]]) -> None:
    for row, ways in through.items():
        print(f"{row}: directly {statistics.median(ways['directly']):,.1f}")
        for way, values in ways.items():
            if way != "directly":
                ratios = [ours / direct for ours, direct in zip(values, ways["directly"], strict=True)]
                ratio = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
                print(f"  {way} {statistics.median(values):,.1f}, {ratio} times that")
    if moves:
        count = sum(count for count, _ in FILES)
        megabytes = sum(count * size for count, size in FILES) / 1e6
        print(f"{count} files of {megabytes:,.0f} MB from this machine's disk to the storage:")
        ours = statistics.median(moves["Magpie, 8 at a time"])
        for name, seconds in moves.items():
            median = statistics.median(seconds)
            print(f"  {name}: {median:.1f} s, {megabytes / median:.1f} MB/s; Magpie is {median / ours:.2f} times as fast")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--keys", type=int, default=6000, help="how many objects a round of writes may make")
    parser.add_argument("--only", nargs="+", choices=["through", "migration"], default=["through", "migration"])
    parser.add_argument("--directory", help="where to work; on a disk with some gigabytes to spare")
    options = parser.parse_args()
    home = pathlib.Path(tempfile.mkdtemp(prefix="magpie-own-storage-", dir=options.directory))
    home.chmod(0o755)
    storage, magpie, bare = SeaweedFS(home / "seaweedfs"), Through(home / "magpie"), Bare(home / "bare")
    try:
        storage.start()
        magpie.start()
        through = {}
        if "through" in options.only:
            bare.start()
            through = compare(options, [magpie, bare], storage, home)
        moves = race(options, magpie, storage, home) if "migration" in options.only else {}
        report(through, moves)
    finally:
        for server in (bare, magpie):
            if hasattr(server, "server"):
                server.stop()
        storage.stop()
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
