<<<<<<< HEAD
# SPDX-License-Identifier: Apache-2.0
"""Images: what a cached one costs beside a file, what a cold one costs beside thumbor, and what a crowd does to the server."""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import io
import pathlib
import random
import time

from PIL import Image, ImageFilter

from measures import Sample, cpu_seconds, memory, reset_peak, wrk
from Support.server import HOST

WIDTH = 800
# Each has an identity of its own, so that nothing is shared between renderings that run at the same time.
COPIES = 16
CONCURRENCY = 4


def photograph(width: int, height: int) -> bytes:
    """A JPEG that costs about what a camera's does: soft shapes with fine detail over them."""
    generator = random.Random(7)
    shapes = Image.frombytes("RGB", (24, 18), generator.randbytes(24 * 18 * 3)).resize((width, height), Image.Resampling.BICUBIC)
    tile = Image.frombytes("RGB", (512, 512), generator.randbytes(512 * 512 * 3)).filter(ImageFilter.GaussianBlur(1.2))
    detail = Image.new("RGB", (width, height))
    for left in range(0, width, 512):
        for top in range(0, height, 512):
            detail.paste(tile, (left, top))
    file = io.BytesIO()
    Image.blend(shapes, detail, 0.25).save(file, "JPEG", quality=90)
    return file.getvalue()


@dataclasses.dataclass(frozen=True)
class Reply:
    status: int
    media_type: str
    size: int
    seconds: float


async def get(port: int, path: str) -> Reply:
    begin = time.perf_counter()
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        head, _, body = (await reader.read(-1)).partition(b"\r\n\r\n")
    finally:
        writer.close()
    lines = head.decode("latin-1").split("\r\n")
    fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    return Reply(int(lines[0].split(" ")[1]), fields.get("content-type", ""), len(body), time.perf_counter() - begin)


def cold(peer, format_: str, seconds: float) -> Sample:
    """Images a second, none of them kept: `CONCURRENCY` readers, each with pictures of its own."""

    async def reader(number: int, end: float) -> int:
        count = 0
        while time.perf_counter() < end:
            reply = await get(peer.port, peer.image_path(number + CONCURRENCY * (count % (COPIES // CONCURRENCY)), WIDTH, format_))
            if reply.status != 200 or reply.media_type != f"image/{format_}":
                raise RuntimeError(f"{peer.name}: {reply}")
            count += 1
        return count

    async def readers() -> Sample:
        before, begin = cpu_seconds(peer.pid), time.perf_counter()
        counts = await asyncio.gather(*(reader(number, begin + seconds) for number in range(CONCURRENCY)))
        elapsed, total = time.perf_counter() - begin, sum(counts)
        return Sample(total / elapsed, (cpu_seconds(peer.pid) - before) / total * 1e6)

    return asyncio.run(readers())


def cached(peer, seconds: float) -> tuple[Sample, Sample]:
    """Requests a second for a kept image, and for a file of as many bytes."""
    path = peer.image_path(0, WIDTH, "webp")
    reply = asyncio.run(get(peer.port, path))
    if reply.status != 200:
        raise RuntimeError(f"{peer.name}: {reply}")
    peer.store("as-large", random.Random(3).randbytes(reply.size))
    return wrk(peer, seconds, path), wrk(peer, seconds, peer.public_path("as-large"))


def crowd(peer, count: int) -> str:
    """What `count` different images asked for at the same time get."""

    async def everybody() -> list[Reply]:
        return await asyncio.gather(*(get(peer.port, peer.image_path(0, 100 + number, "jpeg")) for number in range(count)))

    replies = asyncio.run(everybody())
    statuses = collections.Counter(reply.status for reply in replies)
    if not set(statuses) <= {200, 429}:
        raise RuntimeError(f"{peer.name}: {statuses}")
    slowest = {status: max(reply.seconds for reply in replies if reply.status == status) for status in statuses}
    answers = ", ".join(f"{statuses[status]} × {status}, the slowest after {slowest[status]:.1f} s" for status in sorted(statuses))
    return f"{count:,} different cold images of 12 MP at once: {answers}"


def peak(peer, picture: pathlib.Path, count: int) -> float:
    """The server's peak memory in MB while `count` pictures are rendered that were asked for at the same time."""
    for number in range(count):
        peer.store_image(f"large-{number}.jpg", picture.read_bytes())

    async def everybody() -> list[Reply]:
        return await asyncio.gather(
            *(get(peer.port, peer.rendered_path(f"large-{number}.jpg", WIDTH, "jpeg")) for number in range(count))
        )

    reset_peak(peer.pid)
    replies = asyncio.run(everybody())
    if {reply.status for reply in replies} != {200}:
        raise RuntimeError(f"{peer.name}: {collections.Counter(reply.status for reply in replies)}")
    return memory(peer.pid, "VmHWM")
=======
#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""images.py [--rounds N] [--images N]: the image engine beside pyvips and thumbor, on a picture of 12 megapixels made 800 wide.

Each round asks all in turn, two images at a time; the table holds medians of the rounds and the ratios to Magpie. Magpie and pyvips run within a
process (two threads; two processes), thumbor as the server that it is (two processes), asked over the loopback interface: its HTTP counts, at a few
percent of what an image costs. Quality 80 for JPEG, 79 for WebP, 63 for AVIF; each with its own effort.

The peers get a virtual environment of their own under .build, by pip, with the first run.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import json
import pathlib
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[1]
PEERS = ROOT / ".build" / "image-peers"
QUALITY = {"jpeg": 80, "webp": 79, "avif": 63}

# Smooth areas, edges and some noise: what a photograph costs to decode. The same bytes every time.
PICTURE = """
import sys, numpy, PIL.Image
width, height = 4000, 3000
chance = numpy.random.default_rng(1)
picture = numpy.zeros((height, width, 3))
for size, weight in ((6, 90), (25, 60), (100, 40), (400, 25)):
    coarse = chance.random((height // (3000 // size) + 2, width // (3000 // size) + 2, 3))
    layer = PIL.Image.fromarray((coarse * 255).astype(numpy.uint8)).resize((width, height), PIL.Image.Resampling.BICUBIC)
    picture += numpy.asarray(layer, dtype=float) / 255 * weight
picture += chance.normal(0, 4, picture.shape)
PIL.Image.fromarray(picture.clip(0, 255).astype(numpy.uint8)).save(sys.argv[1], quality=90)
"""

# Two processes, as pyvips is used in servers. The library is loaded behind the fork: its threads would not survive it.
PYVIPS = """
import os, sys, time, multiprocessing
os.environ["VIPS_CONCURRENCY"] = "1"
path, suffix, images = sys.argv[1], sys.argv[2], int(sys.argv[3])
data = open(path, "rb").read()
def work(count, ready):
    import pyvips
    pyvips.cache_set_max(0)
    def make():
        pyvips.Image.thumbnail_buffer(data, 800, height=10000000, size="down").write_to_buffer(suffix)
    make()
    ready.wait()
    for _ in range(count):
        make()
ready = multiprocessing.Barrier(3)
workers = [multiprocessing.Process(target=work, args=(images // 2, ready)) for _ in range(2)]
for worker in workers: worker.start()
ready.wait()
start = time.perf_counter()
for worker in workers: worker.join()
print(images // 2 * 2 / (time.perf_counter() - start))
"""


def prepare() -> pathlib.Path:
    """The Python of the peers."""
    python = PEERS / "bin" / "python"
    wanted = (ROOT / "Benchmarks" / "images-requirements.txt").read_text()
    stamp = PEERS / "installed"
    if not stamp.exists() or stamp.read_text() != wanted:
        subprocess.run([sys.executable, "-m", "venv", str(PEERS)], check=True)
        command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "-r"]
        subprocess.run([*command, str(ROOT / "Benchmarks" / "images-requirements.txt")], check=True, stdin=subprocess.DEVNULL)
        stamp.write_text(wanted)
    return python


def probe() -> pathlib.Path:
    path = ROOT / ".build" / "release" / "media-probe"
    if not path.exists():
        sys.exit("images.py: build the engine first: swift build -c release --product media-probe")
    return path


def magpie(picture: pathlib.Path, name: str, images: int) -> float:
    command = [str(probe()), "--threads", "2", "--rounds", str(images), "--transform"]
    command += [f"w=800,format={name},q={QUALITY[name]}", str(picture)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, timeout=600).stdout)["perSecond"]


def pyvips(python: pathlib.Path, picture: pathlib.Path, name: str, images: int) -> float:
    suffix = {"jpeg": ".jpg"}.get(name, f".{name}") + f"[Q={QUALITY[name]}]"
    command = [str(python), "-c", PYVIPS, str(picture), suffix, str(images)]
    return float(subprocess.run(command, check=True, capture_output=True, timeout=600).stdout)


class Thumbor:
    """The server, without any storage."""

    def __init__(self, folder: pathlib.Path):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        settings = folder / "thumbor.conf"
        settings.write_text(
            f"LOADER = 'thumbor.loaders.file_loader'\nFILE_LOADER_ROOT_PATH = {str(folder)!r}\n"
            "STORAGE = 'thumbor.storages.no_storage'\nRESULT_STORAGE = None\nALLOW_UNSAFE_URL = True\n"
            f"QUALITY = {QUALITY['jpeg']}\nWEBP_QUALITY = {QUALITY['webp']}\nAVIF_QUALITY = {QUALITY['avif']}\nMAX_PIXELS = 100000000\n"
        )
        command = [str(PEERS / "bin" / "thumbor"), "-i", "127.0.0.1", "-p", str(self.port), "-c", str(settings), "--processes", "2"]
        self.log = open(folder / "thumbor.log", "wb")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, start_new_session=True)

    def wait(self) -> None:
        for _ in range(200):
            with socket.socket() as test:
                if test.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.1)
        raise RuntimeError("thumbor does not start")

    def rate(self, picture: pathlib.Path, name: str, images: int) -> float:
        url = f"http://127.0.0.1:{self.port}/unsafe/800x0/filters:format({name})/{picture.name}"

        def fetch(_: int) -> None:
            with urllib.request.urlopen(url, timeout=120) as answer:
                body = answer.read()
                if answer.headers["Content-Type"] != f"image/{name}" or len(body) < 1000:
                    raise RuntimeError(f"thumbor gave {answer.headers['Content-Type']}")

        fetch(0)
        start = time.perf_counter()
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            list(pool.map(fetch, range(images)))
        return images / (time.perf_counter() - start)

    def stop(self) -> None:
        import os
        import signal

        os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait(timeout=20)


def main() -> int:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--images", type=int, default=40, help="in each round; a quarter of it for AVIF")
    options = arguments.parse_args()
    python = prepare()
    with tempfile.TemporaryDirectory(prefix="magpie-images-") as name:
        folder = pathlib.Path(name)
        picture = folder / "picture.jpg"
        subprocess.run([str(python), "-c", PICTURE, str(picture)], check=True)
        print(f"4000 x 3000 JPEG, {picture.stat().st_size >> 10} KB, to 800 wide; {platform.machine()}, images a second", flush=True)
        server = Thumbor(folder)
        try:
            server.wait()
            print(f"{'':6}{'Magpie':>10}{'pyvips':>10}{'thumbor':>10}{'/ pyvips':>10}{'/ thumbor':>11}")
            for form in QUALITY:
                images = options.images // 4 if form == "avif" else options.images
                rates: dict[str, list[float]] = {"magpie": [], "pyvips": [], "thumbor": []}
                for _ in range(options.rounds):
                    rates["magpie"].append(magpie(picture, form, images))
                    rates["pyvips"].append(pyvips(python, picture, form, images))
                    rates["thumbor"].append(server.rate(picture, form, images))
                ours, vips, thumbor = (statistics.median(rates[peer]) for peer in rates)
                print(f"{form:6}{ours:10.1f}{vips:10.1f}{thumbor:10.1f}{ours / vips:10.2f}{ours / thumbor:11.2f}", flush=True)
        finally:
            server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
>>>>>>> variants
