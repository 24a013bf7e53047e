#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares Magpie with nginx, SeaweedFS, rclone and thumbor on this machine and prints one table.

All servers run at the same time and are asked in turn, round after round, so that what else the machine does touches all alike;
the table holds medians. The load comes from the same machine: read the ratios, not the absolute numbers.

    make bench BENCH_ARGS='--rounds 5 --seconds 8'
    make bench BENCH_ARGS='--only get-10kb put-100kb --rounds 1 --seconds 2'
"""

from __future__ import annotations

import argparse
import concurrent.futures
import datetime
import hashlib
import json
import os
import pathlib
import platform
import random
import shutil
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "Tests"))

import pictures  # noqa: E402
from measures import Sample, download, median_milliseconds, memory, tus, upload, upload_at_once, wrk  # noqa: E402
from servers import ROOT, Magpie, MagpieWithoutCache, MagpieWithoutFsync, Nginx, Peer, Rclone, SeaweedFS, Thumbor  # noqa: E402

KB, MB = 1_000, 1_000_000
PEERS = ["nginx", "seaweedfs", "rclone", "thumbor"]
NAMES = [
    *("get-10kb", "get-100kb", "get-100mb", "rls-get-10kb", "put-100kb", "user-put-100kb", "put-100mb", "list"),
    *("s3-get-10kb", "s3-put-100kb", "s3-put-100mb", "s3-list", "tus-put-20mb"),
    *("image-cached", "image-jpeg", "image-webp", "image-avif", "image-crowd", "memory"),
]
TITLES = {
    "get-10kb": ("GET 10 KB public", "req/s"),
    "get-100kb": ("GET 100 KB public", "req/s"),
    "get-100mb": ("GET 100 MB public", "MB/s"),
    "rls-get-10kb": ("GET 10 KB private (Magpie: row-level security; others: signed)", "req/s"),
    "put-100kb": ("PUT 100 KB", "obj/s"),
    "user-put-100kb": ("PUT 100 KB by a user, with row-level security", "obj/s"),
    "put-100mb": ("PUT 100 MB", "MB/s"),
    "list": ("list 1,000 of 100,000 objects", "ms"),
    "s3-get-10kb": ("S3: signed GET 10 KB", "req/s"),
    "s3-put-100kb": ("S3: signed PUT 100 KB", "obj/s"),
    "s3-put-100mb": ("S3: signed PUT 100 MB", "MB/s"),
    "s3-list": ("S3: signed list of 1,000 keys of 3,000", "req/s"),
    "tus-put-20mb": ("TUS: 20 MB in chunks of 5 MiB", "MB/s"),
    "image-cached": ("GET of a kept image, 800 px WebP", "req/s"),
    "image-jpeg": ("12 MP JPEG to 800 px JPEG, nothing kept", "images/s"),
    "image-webp": ("12 MP JPEG to 800 px WebP, nothing kept", "images/s"),
    "image-avif": ("12 MP JPEG to 800 px AVIF, nothing kept", "images/s"),
}
# More than any server here takes, so that every PUT creates an object and none overwrites one.
KEYS_PER_SECOND = 4000
CONCURRENT_UPLOADS = 64
# What a server must be able to do for a measurement, by the first word of its name.
ABILITIES = {"get": "get", "rls": "private get", "put": "put", "user": "user put", "list": "list", "s3": "s3", "tus": "tus"}
ABILITIES["image"] = "image"


class Bench:
    """The servers, the bodies and what was measured."""

    def __init__(self, options: argparse.Namespace):
        self.options = options
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="magpie-bench-", dir=options.directory))
        self.home.chmod(0o755)
        generator = random.Random(1)
        self.small, self.medium = generator.randbytes(10 * KB), generator.randbytes(100 * KB)
        self.medium_file, self.large_file = self.home / "100kb", self.home / "100mb"
        self.medium_file.write_bytes(self.medium)
        large = generator.randbytes(100 * MB)
        self.large_file.write_bytes(large)
        self.large_digest = hashlib.sha256(large).hexdigest()
        self.magpie = Magpie(self.home / "magpie")
        self.peers: list[Peer] = [self.magpie]
        if any("put-" in name for name in options.only):
            self.peers.append(MagpieWithoutFsync(self.home / "magpie-without-fsync"))
        if any(name.startswith("image-") for name in options.only):
            self.peers.append(MagpieWithoutCache(self.home / "magpie-cold"))
        kinds = (Nginx, SeaweedFS, Rclone, Thumbor)
        self.peers += [kind(self.home / kind.name) for kind in kinds if kind.name.lower() in options.peers]
        self.samples: dict[str, dict[str, list[Sample]]] = {}
        self.peaks: dict[str, float] = {}
        self.own = (Magpie.name, MagpieWithoutFsync.name, MagpieWithoutCache.name)
        self.notes: list[str] = []
        # Files as large as the kept images beside them.
        self.files: list[Sample] = []

    # --- life ---------------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        large = self.large_file.read_bytes()
        for peer in self.peers:
            print(f"starting {peer.name}", file=sys.stderr, flush=True)
            peer.start()
            if "get" in peer.abilities or "private get" in peer.abilities:
                peer.store("10kb", self.small)
                peer.store("100kb", self.medium)
                if "get-100mb" in self.options.only and "get" in peer.abilities:
                    peer.store("100mb", large)
        if any(name.startswith("image-") for name in self.options.only):
            picture = pictures.photograph(4000, 3000)
            for peer in self.peers:
                if "image" in peer.abilities:
                    for number in range(pictures.COPIES):
                        peer.store_image(f"{number}.jpg", picture)
        if "list" in self.options.only:
            self.fill_large_bucket()
        if "s3-list" in self.options.only:
            for peer in self.peers:
                if "s3" in peer.abilities:
                    self.fill_listed_bucket(peer)

    @staticmethod
    def fill_listed_bucket(peer: Peer) -> None:
        peer.s3.client.create_bucket(Bucket="listed")
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda n: peer.s3.client.put_object(Bucket="listed", Key=f"{n:06}.txt", Body=b"x"), range(3000)))

    def stop(self) -> None:
        for peer in self.peers:
            if peer.process is not None:
                peer.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    def fill_large_bucket(self) -> None:
        self.magpie.server.database.run(f"""
            insert into storage.buckets (id, name) values ('large', 'large');
            insert into storage.objects (bucket_id, name, owner_id, version, metadata)
            select 'large', 'folder' || lpad((n % 100)::text, 3, '0') || '/' || lpad(n::text, 6, '0') || '.jpg', '{self.magpie.subject}',
                gen_random_uuid()::text, '{{"size": 1000, "mimetype": "image/jpeg", "eTag": "\\"0\\""}}'
            from generate_series(1, 100000) n;
            vacuum analyze storage.objects;""")

    # --- measurements ---------------------------------------------------------------------------------------------------------

    def measure(self, name: str, peer: Peer, round_: int) -> Sample | None:
        """One measurement, or nothing where the server does not do this."""
        seconds, needed = (
            self.options.seconds,
            ABILITIES[name.split("-")[0]],
        )
        if needed not in peer.abilities and not (name.startswith("s3-put") and "s3 put" in peer.abilities):
            return None
        if name.startswith("image-"):
            return self.measure_images(name, peer)
        if name in ("get-10kb", "get-100kb"):
            return wrk(peer, seconds, peer.public_path(name.removeprefix("get-")))
        if name == "get-100mb":
            return download(peer, peer.public_path("100mb"), 100, times=5)
        if name == "rls-get-10kb":
            return wrk(peer, seconds, heads=[peer.private_head("10kb")], scratch=self.home)
        keys = range(int(seconds * KEYS_PER_SECOND))
        if name == "put-100kb":
            digest = hashlib.sha256(self.medium).hexdigest()
            heads = [peer.put_head(f"r{round_}-{number}", self.medium, digest) for number in keys]
            return wrk(peer, seconds, heads=heads, body=self.medium_file, scratch=self.home)
        if name == "s3-get-10kb":
            return wrk(peer, seconds, heads=[peer.s3.head("GET", "private/10kb")], scratch=self.home)
        if name == "s3-list":
            return wrk(peer, seconds, heads=[peer.s3.head("GET", "listed?list-type=2")], scratch=self.home)
        if name == "s3-put-100kb":
            digest, length = hashlib.sha256(self.medium).hexdigest(), {"Content-Length": str(len(self.medium))}
            heads = [peer.s3.head("PUT", f"private/s3-{round_}-{number}", digest, length) for number in keys]
            return wrk(peer, seconds, heads=heads, body=self.medium_file, scratch=self.home)
        if name == "s3-put-100mb":
            length = {"Content-Length": str(100 * MB)}
            heads = [peer.s3.head("PUT", f"private/s3-large-{number}", self.large_digest, length) for number in range(3)]
            return upload(peer, heads, self.large_file)
        if name == "tus-put-20mb":
            return tus(peer, [f"tus-{round_}-{number}" for number in range(5)], self.large_file.read_bytes()[: 20 * MB], 5 << 20)
        if name == "user-put-100kb":
            heads = [peer.user_put_head(f"u{round_}-{number}", self.medium) for number in keys]
            return wrk(peer, seconds, heads=heads, body=self.medium_file, scratch=self.home)
        if name == "put-100mb":
            large = self.large_file.read_bytes()
            return upload(
                peer, [peer.put_head(f"large-{number}", large, self.large_digest) for number in range(3)], self.large_file
            )
        return Sample(self.list_over_http(self.magpie.user, {"prefix": "folder050/", "limit": 1000}), 0)

    def measure_images(self, name: str, peer: Peer) -> Sample | None:
        if name == "image-cached":
            if peer is not self.magpie:
                return None
            image, file = pictures.cached(peer, self.options.seconds)
            self.files.append(file)
            return image
        # What keeps nothing is what is compared.
        if peer is self.magpie or name == "image-crowd" or (name == "image-avif" and isinstance(peer, Thumbor)):
            return None
        return pictures.cold(peer, name.removeprefix("image-"), self.options.seconds)

    def measure_crowds(self) -> None:
        self.notes.append(pictures.crowd(self.magpie, 1000))
        picture = self.home / "24mp.jpg"
        picture.write_bytes(pictures.photograph(6000, 4000))
        self.peaks["with 32 cold images of 24 MP at once"] = pictures.peak(self.magpie, picture, 32)

    def list_over_http(self, bearer: str, body: dict) -> float:
        def call() -> None:
            reply = self.magpie.admin.send_json("POST", "/object/list-v2/large", body, token=bearer)
            if reply.status != 200 or len(reply.json()["objects"]) != 1000:
                raise RuntimeError(reply.text[:300])

        return median_milliseconds(call, 31)

    def measure_lists_in_the_database(self) -> None:
        """The database's own time for a page, with and without policies, in the middle of the bucket."""
        claims = json.dumps({"sub": self.magpie.subject, "role": "authenticated"})
        statements = {
            "flat page, service_role": (
                "service_role",
                """select name, id, metadata, updated_at, created_at, last_accessed_at from storage.objects
                where bucket_id = 'large' and name collate "C" > 'folder050/' order by name collate "C" limit 1001""",
            ),
            "flat page, owner policy": (
                "authenticated",
                """select name, id, metadata, updated_at, created_at, last_accessed_at from storage.objects
                where bucket_id = 'large' and name collate "C" > 'folder050/' order by name collate "C" limit 1001""",
            ),
            "storage.search (list v1) of a folder, owner policy": (
                "authenticated",
                "select * from storage.search('folder050/', 'large', 1000)",
            ),
            "storage.search_v2 (delimiter) of a folder, owner policy": (
                "authenticated",
                "select * from storage.search_v2('folder050/', 'large', 1000, 2)",
            ),
        }
        for title, (role, statement) in statements.items():
            output = self.magpie.server.database.run(
                f"begin; set local role {role}; select set_config('request.jwt.claims', '{claims}', true),"
                f" set_config('request.jwt.claim.sub', '{self.magpie.subject}', true) \\g /dev/null\n"
                + f"explain (analyze, timing off) {statement};\n" * 31
                + "rollback;"
            )
            times = [
                float(line.split(": ")[1].split(" ")[0]) for line in output.splitlines() if line.startswith("Execution Time")
            ]
            self.notes.append(f"{title}: {statistics.median(times):.2f} ms at the database (median of {len(times)})")

    def measure_memory(self) -> None:
        magpie = self.magpie
        large = self.large_file.read_bytes()
        self.peaks["after the runs above"] = memory(magpie.pid, "VmHWM")
        heads = [magpie.put_head(f"at-once-{number}", large, self.large_digest) for number in range(CONCURRENT_UPLOADS)]
        self.peaks[f"with {CONCURRENT_UPLOADS} uploads of 100 MB at once"] = upload_at_once(magpie, heads, self.large_file)

    def run(self) -> None:
        for round_ in range(self.options.rounds):
            for name in self.options.only:
                if name == "memory":
                    continue
                for peer in self.peers:
                    os.sync()  # what others left to be written is not this one's burden
                    sample = self.measure(name, peer, round_)
                    if sample is not None:
                        self.samples.setdefault(name, {}).setdefault(peer.name, []).append(sample)
                        print(
                            f"round {round_ + 1}: {TITLES[name][0]}, {peer.name}: {sample.value:.1f} {TITLES[name][1]}",
                            file=sys.stderr,
                            flush=True,
                        )
        if "list" in self.options.only:
            self.measure_lists_in_the_database()
        if self.files:
            file, image = statistics.median(sample.value for sample in self.files), self.medians("image-cached")["Magpie"].value
            self.notes.append(f"a file as large as the kept image: {file:,.0f} req/s; kept image / file {image / file:.2f}")
        if "image-crowd" in self.options.only:
            self.measure_crowds()
        if "memory" in self.options.only:
            self.measure_memory()

    # --- results --------------------------------------------------------------------------------------------------------------

    def medians(self, name: str) -> dict[str, Sample]:
        return {
            peer: Sample(
                statistics.median(sample.value for sample in samples), statistics.median(sample.cpu for sample in samples)
            )
            for peer, samples in self.samples.get(name, {}).items()
        }

    def report(self) -> str:
        others = [peer.name for peer in self.peers if peer.name not in self.own]
        lines = [
            f"{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d}, {os.cpu_count()} cores ({processor()}), {platform.system()} {platform.release()},"
            f" medians of {self.options.rounds} rounds of {self.options.seconds} s, load average at the end {os.getloadavg()[0]:.1f}.",
            "",
            "| measure | "
            + " | ".join(["Magpie", *others])
            + " | "
            + " | ".join(f"Magpie / {name}" for name in others)
            + " | CPU per request (MB for 100 MB), µs: "
            + ", ".join(["Magpie", *others])
            + " |",
            "|---|" + "---|" * (2 * len(others) + 2),
        ]
        for name in self.options.only:
            medians = self.medians(name)
            for own in self.own:
                if own in medians:
                    lines.append(self.row(name, own, medians, others))
        lines += [
            "",
            *(
                f"- Peak resident memory of the Magpie process {when}: {megabytes:.0f} MB"
                for when, megabytes in self.peaks.items()
            ),
            *(f"- {note}" for note in self.notes),
        ]
        return "\n".join(lines) + "\n"

    def row(self, name: str, own: str, medians: dict[str, Sample], others: list[str]) -> str:
        title, unit = TITLES[name]
        if "put-" in name:
            title += ", fsync off" if own == MagpieWithoutFsync.name else ", fsync on"
        values = [f"{medians[peer].value:,.1f}" if peer in medians else "–" for peer in [own, *others]]
        ratios = [f"{medians[own].value / medians[peer].value:.2f}" if peer in medians else "–" for peer in others]
        cpu = ", ".join(f"{medians[peer].cpu:,.0f}" if peer in medians and medians[peer].cpu else "–" for peer in [own, *others])
        return f"| {title}, {unit} | " + " | ".join([*values, *ratios, cpu]) + " |"


def processor() -> str:
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":")[1].strip()
    return platform.machine()


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="how often everything is measured (3)")
    parser.add_argument("--seconds", type=int, default=6, help="how long each run of small requests takes (6)")
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES, help="which measurements")
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=PEERS)
    parser.add_argument(
        "--directory",
        help="where the servers keep their data while it runs (the system's temporary directory); needs 15 GB for everything",
    )
    return parser.parse_args()


def main() -> int:
    options = parse()
    bench = Bench(options)
    try:
        bench.start()
        bench.run()
        report = bench.report()
    finally:
        bench.stop()
    results = ROOT / "Benchmarks" / "results"
    results.mkdir(exist_ok=True)
    commit = (
        subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
        ).stdout.strip()
        or "unknown"
    )
    name = f"{datetime.datetime.now(datetime.timezone.utc):%Y%m%d-%H%M%S}-{commit}"
    (results / f"{name}.md").write_text(report)
    (results / f"{name}.json").write_text(
        json.dumps(
            {
                measure: {peer: [vars(sample) for sample in samples] for peer, samples in peers.items()}
                for measure, peers in bench.samples.items()
            },
            indent=1,
        )
    )
    print(report)
    return 0


if __name__ == "__main__":
    sys.exit(main())
