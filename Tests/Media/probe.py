# SPDX-License-Identifier: Apache-2.0
"""The converter in a process of its own, asked file by file, and what it leaves behind."""

from __future__ import annotations

import json
import pathlib
import select
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]


def program() -> pathlib.Path:
    """The probe that was built last."""
    built = [path for name in ("release", "debug") if (path := ROOT / ".build" / name / "conversion-probe").exists()]
    if not built:
        raise FileNotFoundError("conversion-probe is not built: swift build --product conversion-probe")
    return max(built, key=lambda path: path.stat().st_mtime)


def commands(directory: pathlib.Path) -> list[bytes]:
    """Command lines of bubblewrap that name a directory. Its processes are there as long as anything in their sandbox is."""
    found = []
    for process in pathlib.Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                words = (process / "cmdline").read_bytes()
            except OSError:
                continue  # it ended meanwhile
            if words.split(b"\0", 1)[0].endswith(b"bwrap") and str(directory).encode() in words:
                found.append(words)
    return found


def until(condition, seconds: float, what: str) -> None:
    """Waits for something that others do."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


class Probe:
    """A conversion-probe with a scratch directory of its own."""

    def __init__(self, scratch: pathlib.Path, *options: str):
        self.scratch = scratch
        self.process = subprocess.Popen(
            [str(program()), str(scratch), *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def tell(self, path: pathlib.Path) -> None:
        self.process.stdin.write(f"{path}\n".encode())
        self.process.stdin.flush()

    def ask(self, path: pathlib.Path, seconds: float) -> dict:
        """What became of the file."""
        self.tell(path)
        ready = select.select([self.process.stdout], [], [], seconds)[0]
        line = self.process.stdout.readline() if ready else b""
        if not line:
            self.process.kill()
            raise AssertionError(f"{path}: no answer in {seconds} s: {self.process.communicate()[1].decode()[-2000:]}")
        return json.loads(line)

    def stop(self) -> None:
        errors = self.process.communicate(timeout=30)[1].decode()
        assert self.process.returncode == 0, errors
