# SPDX-License-Identifier: Apache-2.0
"""The engine in a process of its own, asked file by file."""

import json
import pathlib
import select
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]


def program() -> pathlib.Path:
    """The probe that was built last."""
    built = [path for name in ("release", "debug") if (path := ROOT / ".build" / name / "media-probe").exists()]
    if not built:
        raise FileNotFoundError("media-probe is not built: swift build --product media-probe")
    return max(built, key=lambda path: path.stat().st_mtime)


class ProbeDied(Exception):
    """The process ended or stopped answering while it had a file."""


class Probe:
    """A media-probe that lives as long as it survives its files."""

    def __init__(self, *options: str, log: pathlib.Path | None = None):
        self.options = options
        self.log = open(log, "ab") if log else subprocess.DEVNULL
        self.process = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            [str(program()), "--stdin-list", *self.options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log
        )

    def ask(self, path: pathlib.Path, seconds: float = 60) -> dict:
        """What became of the file. Raises ProbeDied."""
        if self.process is None:
            self.start()
        try:
            self.process.stdin.write(f"{path}\n".encode())
            self.process.stdin.flush()
        except BrokenPipeError:
            raise ProbeDied(self.stop("ended"))
        if not select.select([self.process.stdout], [], [], seconds)[0]:
            raise ProbeDied(self.stop(f"gave no answer within {seconds} s"))
        line = self.process.stdout.readline()
        if not line:
            raise ProbeDied(self.stop("ended"))
        return json.loads(line)

    def stop(self, reason: str = "") -> str:
        process, self.process = self.process, None
        if process is None:
            return reason
        try:
            process.stdin.close()
            process.wait(timeout=1 if reason else 20)
        except (subprocess.TimeoutExpired, BrokenPipeError):
            process.kill()
            process.wait()
        return f"{reason}, status {process.returncode}"
