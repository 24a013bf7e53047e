# SPDX-License-Identifier: Apache-2.0
"""Small videos, made by FFmpeg."""

from __future__ import annotations

import shutil
import subprocess

from .server import temporary_directory


def film(seconds: int = 1, sound: bool = False) -> bytes:
    """An MP4 of 320 by 180 pixels."""
    home = temporary_directory()
    try:
        target = home / "film.mp4"
        inputs = ["-f", "lavfi", "-i", f"testsrc=size=320x180:rate=10:duration={seconds}"]
        if sound:
            inputs += ["-f", "lavfi", "-i", f"sine=duration={seconds}", "-shortest"]
        subprocess.run(
            ["ffmpeg", "-v", "error", *inputs, "-pix_fmt", "yuv420p", str(target)], check=True, stdin=subprocess.DEVNULL
        )
        return target.read_bytes()
    finally:
        shutil.rmtree(home, ignore_errors=True)
