#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares uploads of images as assets, with metadata, with the same bytes stored as plain objects by the same server.

    scripts/build release && .venv/bin/python Benchmarks/assets.py --rounds 3 --seconds 5

Both kinds take turns, round after round; the load comes from the same machine, so read the ratio.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import random
import shutil
import statistics
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "Tests"))

from measures import Sample, wrk  # noqa: E402
from PIL import Image  # noqa: E402
from servers import ROOT, request_head  # noqa: E402
from Support.pixault import create_project, form  # noqa: E402
from Support.server import HOST, Server  # noqa: E402

FIELDS = (
    ("name", "Red boot"), ("description", "A boot for the winter"), ("caption", "Red leather boot"), ("category", "catalog"),
    ("keywords", "boot,red,winter"), ("author", "R. Vey"), ("folder", "catalog/shoes"),
)  # fmt: skip


class Subject:
    """The server as `measures` knows peers."""

    name = "Magpie"

    def __init__(self, server: Server):
        assert server.process is not None
        self.port, self.pid = server.port, server.process.pid


def photo(megabytes: float) -> bytes:
    """A JPEG with EXIF of about so many megabytes: noise, which compresses as badly as a photograph's grain."""
    side = int((megabytes * 1e6 / 0.47) ** 0.5)
    picture = Image.frombytes("RGB", (side, side), random.Random(5).randbytes(side * side * 3))
    exif = Image.Exif()
    exif[0x0110] = "Magpie Cam"
    exif.get_ifd(0x8769)[0x9003] = "2024:05:06 07:08:09"
    target = pathlib.Path(tempfile.mkstemp(suffix=".jpg")[1])
    try:
        picture.save(target, "JPEG", quality=60, exif=exif)
        return target.read_bytes()
    finally:
        target.unlink()


def measure(options: argparse.Namespace, home: pathlib.Path) -> None:
    body = photo(options.megabytes)
    raw, asset = home / "raw", home / "form"
    raw.write_bytes(body)
    form_body, form_type = form(body, "boot.jpg", "image/jpeg", before=FIELDS)
    asset.write_bytes(form_body)
    with Server({"MAGPIE_UPLOAD_RATE": "0", "MAGPIE_DURABILITY": options.durability}, home=home, binary=options.binary) as server:
        keys = create_project(server, "shop")
        plain = {"Host": f"{HOST}:{server.port}", "Authorization": f"Bearer {server.keys.service}", "Content-Type": "image/jpeg"}
        heads = {
            "object": [
                request_head("POST", f"/object/{options.bucket}/{number}.jpg", {**plain, "Content-Length": str(len(body)), "x-upsert": "true"})
                for number in range(20_000)
            ],
            "asset": [
                request_head(
                    "POST",
                    f"/api/{keys.project}/upload",
                    {
                        "Host": f"{HOST}:{server.port}",
                        "X-Api-Key": keys.apiKey,
                        "Content-Type": form_type,
                        "Content-Length": str(len(form_body)),
                    },
                )
            ],
        }
        from Support.wire import Wire

        Wire(server.port, server.keys.service).send_json("POST", "/bucket", {"id": options.bucket, "name": options.bucket})
        files = {"object": raw, "asset": asset}
        samples: dict[str, list[Sample]] = {kind: [] for kind in options.only}
        # PostgreSQL's first plans are made for empty tables, and hold until its first statistics.
        for kind in samples:
            wrk(Subject(server), options.warm_up, "/", heads[kind], files[kind], home, connections=options.connections)
        for _ in range(options.rounds):
            for kind, taken in samples.items():
                taken.append(
                    wrk(Subject(server), options.seconds, "/", heads[kind], files[kind], home, connections=options.connections)
                )
    rates = {kind: statistics.median(sample.value for sample in taken) for kind, taken in samples.items()}
    cpu = {kind: statistics.median(sample.cpu for sample in taken) for kind, taken in samples.items()}
    print(f"{len(body) / 1e6:.1f} MB JPEG, {options.connections} at a time, durability {options.durability}, medians of {options.rounds}")
    for kind in samples:
        print(f"  {kind}: {rates[kind]:.1f} uploads/s, {cpu[kind]:,.0f} µs of processor time each")
    if len(rates) == 2:
        print(f"  asset / object: {rates['asset'] / rates['object']:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--warm-up", type=int, default=12, help="how long each kind is tried before it is measured (12)")
    parser.add_argument("--connections", type=int, default=50)
    parser.add_argument("--megabytes", type=float, default=2)
    parser.add_argument("--durability", choices=["fsync", "none"], default="fsync")
    parser.add_argument("--only", nargs="+", choices=["object", "asset"], default=["object", "asset"])
    parser.add_argument("--bucket", default="objects")
    parser.add_argument("--binary", type=pathlib.Path, default=ROOT / ".build" / "release" / "magpie")
    parser.add_argument("--directory", help="where to work; on a disk with some gigabytes to spare")
    options = parser.parse_args()
    home = pathlib.Path(tempfile.mkdtemp(prefix="magpie-bench-", dir=options.directory))
    home.chmod(0o755)
    try:
        measure(options, home)
    finally:
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    os.umask(0o022)
    main()
