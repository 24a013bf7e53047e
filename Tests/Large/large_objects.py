#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Stores a large object by S3 in parts and one by TUS, through everything that goes wrong on the way, and reads both back.

    .venv/bin/python Tests/Large/large_objects.py --gigabytes 5

- S3: parts go up side by side; the second one comes last, one breaks off in the middle and is sent again, one is sent with
  other bytes before. The ETag has to be the MD5 of the parts' MD5s. It is read back through the REST dialect.
- TUS: the client (tuspy, a process) is killed three times and started again, then the server is killed with `kill -9` and started
  again while the client waits. It is read back over S3.

Length, MD5 and SHA-256 of what comes back have to be those of what was sent, and the server's peak of resident memory (VmHWM; its
PostgreSQL apart) has to stay below the limit. Runs the release build where there is one; MAGPIE_BINARY names another.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import hashlib
import http.client
import math
import os
import pathlib
import random
import socket
import sys
import time
import urllib.parse
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from Support import s3  # noqa: E402
from Support.server import BINARY, HOST, ROOT, Server  # noqa: E402
from Support.tus import ROOT as TUS  # noqa: E402
from Support.tusclients import UploadProcess  # noqa: E402
from Support.wire import Wire  # noqa: E402

BUCKET = "large"
MIB = 1 << 20
# Of the server's resident memory, in bytes.
MEMORY_LIMIT = 300_000_000
# At most so many parts are on their way at a time.
PARALLEL_PARTS = 4
TUS_CHUNK = 6 * MIB


class Violation(Exception):
    """A promise that was broken."""


@dataclasses.dataclass(frozen=True)
class Digests:
    """What is compared of a body: its bytes are too many to keep."""

    length: int
    md5: str
    sha256: str

    @classmethod
    def of(cls, blocks: Iterable[bytes]) -> "Digests":
        length, md5, sha256 = 0, hashlib.md5(), hashlib.sha256()
        for block in blocks:
            length += len(block)
            md5.update(block)
            sha256.update(block)
        return cls(length, md5.hexdigest(), sha256.hexdigest())


def blocks_of(size: int, seed: int) -> Iterator[bytes]:
    """`size` bytes, a MiB at a time; no two blocks are the same, so that one in the wrong place shows."""
    common = random.Random(seed).randbytes(MIB)
    for index in range(math.ceil(size / MIB)):
        block = index.to_bytes(8, "big") + common[8:]
        yield block[: size - index * MIB]


def write(path: pathlib.Path, size: int, seed: int) -> Digests:
    """Makes a file and returns what it holds."""

    def written() -> Iterator[bytes]:
        with path.open("wb") as file:
            for block in blocks_of(size, seed):
                file.write(block)
                yield block

    return Digests.of(written())


class Peak:
    """The most resident memory that any process of a server ever had."""

    def __init__(self, server: Server):
        self.server = server
        self.bytes = 0

    def look(self) -> int:
        """Asks the process that runs; it forgets when it ends."""
        assert self.server.process is not None
        for line in pathlib.Path(f"/proc/{self.server.process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                self.bytes = max(self.bytes, int(line.split()[1]) * 1024)
                return self.bytes
        raise RuntimeError("the kernel tells no VmHWM of the server")


# --- S3 -----------------------------------------------------------------------------------------------------------------


class Parts:
    """An upload in parts from a file."""

    def __init__(self, server: Server, key: str, path: pathlib.Path):
        self.boto = s3.client(server)
        self.path = path
        self.size = path.stat().st_size
        # As many parts as make the order interesting, none smaller than S3 allows.
        self.part_size = max(5 * MIB, min(64 * MIB, self.size // 16))
        self.names = {"Bucket": BUCKET, "Key": key}
        self.names["UploadId"] = self.boto.create_multipart_upload(**self.names)["UploadId"]
        self.numbers = list(range(1, math.ceil(self.size / self.part_size) + 1))
        self.tags: dict[int, str] = {}
        self.digests: dict[int, bytes] = {}

    def body(self, number: int) -> bytes:
        with self.path.open("rb") as file:
            file.seek((number - 1) * self.part_size)
            return file.read(self.part_size)

    def send(self, number: int) -> None:
        body = self.body(number)
        tag = self.boto.upload_part(**self.names, PartNumber=number, Body=body)["ETag"]
        digest = hashlib.md5(body)
        if tag != f'"{digest.hexdigest()}"':
            raise Violation(f"part {number} has the ETag {tag}, and its MD5 is {digest.hexdigest()}")
        self.tags[number], self.digests[number] = tag, digest.digest()

    def send_other_bytes(self, number: int) -> None:
        """A first attempt that is complete, and replaced later."""
        self.boto.upload_part(**self.names, PartNumber=number, Body=self.body(number)[::-1])

    def break_off(self, number: int) -> None:
        """A first attempt that ends in the middle of its body."""
        url = urllib.parse.urlsplit(self.boto.generate_presigned_url("upload_part", Params={**self.names, "PartNumber": number}))
        body = self.body(number)
        head = f"PUT {url.path}?{url.query} HTTP/1.1\r\nHost: {url.netloc}\r\nContent-Length: {len(body)}\r\n\r\n"
        with socket.create_connection((HOST, url.port or 80), timeout=60) as connection:
            connection.sendall(head.encode() + body[: len(body) // 2])

    def send_all(self) -> None:
        replaced, broken, last = self.numbers[0], self.numbers[-1], self.numbers[1]
        self.send_other_bytes(replaced)
        self.break_off(broken)
        with ThreadPoolExecutor(PARALLEL_PARTS) as pool:
            list(pool.map(self.send, [number for number in self.numbers if number != last]))
        self.send(last)

    def complete(self) -> None:
        parts = [{"PartNumber": number, "ETag": self.tags[number]} for number in self.numbers]
        tag = self.boto.complete_multipart_upload(**self.names, MultipartUpload={"Parts": parts})["ETag"]
        whole = hashlib.md5(b"".join(self.digests[number] for number in self.numbers)).hexdigest()
        if tag != f'"{whole}-{len(parts)}"':
            raise Violation(f"the object has the ETag {tag} and not {whole}-{len(parts)}")


# --- TUS ----------------------------------------------------------------------------------------------------------------


def upload_by_tus(server: Server, peak: Peak, key: str, path: pathlib.Path) -> None:
    size, acknowledged = path.stat().st_size, 0

    def client() -> UploadProcess:
        """Goes on with the upload that it finds in its own notes."""
        return UploadProcess(
            "tuspy",
            f"{server.url}/storage/v1{TUS}",
            path,
            TUS_CHUNK,
            {"bucketName": BUCKET, "objectName": key, "contentType": "application/x-large"},
            {"Authorization": f"Bearer {server.keys.service}"},
            state=path.with_suffix(".uploads"),
        )

    for eighth in (1, 2, 3):
        with client() as killed:
            killed.wait_for(size * eighth // 8)
            killed.kill()
        check_goes_on(killed, acknowledged)
        acknowledged = killed.acknowledged
    with client() as survivor:
        survivor.wait_for(size * 4 // 8)
        peak.look()
        server.kill()
        if survivor.process.poll() is not None:
            raise Violation("the client was through before the server was killed")
        server.start()
        survivor.finish(seconds=3600)
    check_goes_on(survivor, acknowledged)


def check_goes_on(client: UploadProcess, acknowledged: int) -> None:
    if client.first_offset is None or client.first_offset < acknowledged:
        raise Violation(f"{acknowledged} bytes were acknowledged, and the next client was told {client.first_offset}")


# --- reading back -------------------------------------------------------------------------------------------------------


def read_by_s3(server: Server, key: str) -> Digests:
    return Digests.of(s3.client(server).get_object(Bucket=BUCKET, Key=key)["Body"].iter_chunks(MIB))


def read_by_rest(server: Server, key: str) -> Digests:
    connection = http.client.HTTPConnection(HOST, server.port, timeout=120)
    with contextlib.closing(connection):
        connection.request("GET", f"/object/{BUCKET}/{key}", headers={"Authorization": f"Bearer {server.keys.service}"})
        response = connection.getresponse()
        if response.status != 200:
            raise Violation(f"reading {key} answered {response.status}: {response.read(300)!r}")
        return Digests.of(iter(lambda: response.read(MIB), b""))


def read_in_pieces(server: Server, key: str, size: int) -> Digests:
    """By ranges side by side, as clients that download quickly do."""
    boto, step = s3.client(server), max(5 * MIB, min(64 * MIB, size // 16))

    def piece(begin: int) -> bytes:
        span = f"bytes={begin}-{min(size, begin + step) - 1}"
        return boto.get_object(Bucket=BUCKET, Key=key, Range=span)["Body"].read()

    def pieces() -> Iterator[bytes]:
        with ThreadPoolExecutor(PARALLEL_PARTS) as pool:
            begins = range(0, size, step)
            for index in range(0, len(begins), PARALLEL_PARTS):
                yield from pool.map(piece, begins[index : index + PARALLEL_PARTS])

    return Digests.of(pieces())


# --- the run ------------------------------------------------------------------------------------------------------------


@dataclasses.dataclass
class Figures:
    size: int
    peak: int = 0
    seconds: dict[str, float] = dataclasses.field(default_factory=dict)


class Run:
    """One server, one file, and the time of each step."""

    def __init__(self, server: Server, size: int, seed: int, report: Callable[[str], None]):
        self.server, self.report = server, report
        self.figures = Figures(size)
        self.peak = Peak(server)
        self.path = server.home / "file.bin"
        self.wanted = write(self.path, size, seed)

    def step(self, name: str, work: Callable[[], Digests | None]) -> None:
        """Runs a step; what it read has to be what was sent."""
        begin = time.monotonic()
        found = work()
        seconds = self.figures.seconds[name] = time.monotonic() - begin
        self.figures.peak = self.peak.look()
        rate = self.figures.size / seconds / 1e6
        self.report(f"large: {name}: {seconds:.1f} s, {rate:.0f} MB/s; peak of memory so far {self.figures.peak / 1e6:.0f} MB")
        if found is not None and found != self.wanted:
            raise Violation(f"{name}: read {found}, and sent was {self.wanted}")
        check_memory(self.figures.peak)

    def everything(self) -> None:
        parts = Parts(self.server, "by-s3.bin", self.path)
        self.step(f"S3, {len(parts.numbers)} parts", parts.send_all)
        self.step("S3, completed", parts.complete)
        self.step("S3, read by REST", lambda: read_by_rest(self.server, "by-s3.bin"))
        self.step("S3, read in pieces", lambda: read_in_pieces(self.server, "by-s3.bin", self.figures.size))
        self.step("TUS, with four kills", lambda: upload_by_tus(self.server, self.peak, "by-tus.bin", self.path))
        self.step("TUS, read by S3", lambda: read_by_s3(self.server, "by-tus.bin"))


def check_memory(peak: int) -> None:
    if peak >= MEMORY_LIMIT:
        raise Violation(f"the server's memory reached {peak / 1e6:.0f} MB, the limit is {MEMORY_LIMIT / 1e6:.0f} MB")


def run(size: int, seed: int, binary: pathlib.Path = BINARY, report: Callable[[str], None] = print) -> Figures:
    """Stores and reads two objects of `size` bytes. Throws `Violation`."""
    report(f"large: {size} bytes, seed {seed}, {binary}")
    server = Server({"MAGPIE_UPLOAD_LIMIT": str(max(size, 5 << 30))}, binary=binary)
    try:
        server.start()
        assert Wire(server.port, server.keys.service).send_json("POST", "/bucket", {"name": BUCKET}).status == 200
        current = Run(server, size, seed, report)
        current.everything()
        return current.figures
    except Violation:
        report(f"large: the end of the server's log:\n{server.log()[-4000:]}")
        raise
    finally:
        server.close()


def best_binary() -> pathlib.Path:
    release = ROOT / ".build" / "release" / "magpie"
    return release if "MAGPIE_BINARY" not in os.environ and release.exists() else BINARY


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--gigabytes", type=float, default=5.0, help="of 10^9 bytes")
    arguments.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = arguments.parse_args()
    size = int(options.gigabytes * 1_000_000_000)
    try:
        figures = run(size, options.seed, best_binary(), lambda text: print(text, flush=True))
    except Violation as violation:
        print(f"large: FAILED with seed {options.seed}: {violation}", flush=True)
        return 1
    print(f"large: both objects of {size} bytes are whole; peak of the server's memory {figures.peak / 1e6:.0f} MB", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
