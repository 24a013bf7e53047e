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
