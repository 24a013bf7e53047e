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
