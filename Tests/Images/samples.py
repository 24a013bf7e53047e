# SPDX-License-Identifier: Apache-2.0
"""Small images of every format, made here: a PNG from nothing, the others of it by the engine."""

import pathlib
import struct
import subprocess
import tempfile
import zlib

import probe

FORMATS = ["jpeg", "png", "webp", "avif", "gif", "jxl"]


def png(width: int, height: int, bands: int = 3) -> bytes:
    """A gradient with some noise, RGB or RGBA. ISO/IEC 15948."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    lines = bytearray()
    for y in range(height):
        lines.append(0)
        for x in range(width):
            values = [x * 255 // width, y * 255 // height, (x * 7 + y * 13) % 256, (x * y) % 256]
            lines += bytes(values[:bands])
    header = struct.pack(">IIBBBBB", width, height, 8, {3: 2, 4: 6}[bands], 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(lines))) + chunk(b"IEND", b"")


def files() -> list[bytes]:
    made = [png(97, 61, 3), png(64, 80, 4)]
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "source"
        for index, data in enumerate(list(made)):
            source.write_bytes(data)
            for name in FORMATS:
                output = pathlib.Path(folder) / f"{index}"
                output.mkdir(exist_ok=True)
                command = [str(probe.program()), "--transform", f"format={name}", "--output", str(output), str(source)]
                subprocess.run(command, check=True, capture_output=True, timeout=60)
                made.append((output / f"source.{name}").read_bytes())
    return made
