# SPDX-License-Identifier: Apache-2.0
"""tuspy and aiotus, unmodified, each in a process that can be killed while it uploads.

    python -m Support.tusclients tuspy|aiotus ENDPOINT FILE --chunk N [--state FILE | --resume URL]

The metadata (a JSON object) and the headers come in the environment, since they hold a token. What the process prints is for
`UploadProcess`, which starts it: the upload's URL, and each offset that the server acknowledged.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import pathlib
import re
import subprocess
import sys

import aiohttp
import aiotus
import yarl
from aiotus import core
from tusclient import client as tusclient
from tusclient.storage import filestorage

from .server import clean_environment

TESTS = pathlib.Path(__file__).resolve().parents[1]
# A server that was killed is back within a few seconds.
ATTEMPTS = 60


class UploadProcess:
    """A client that uploads a file in a process of its own, and goes on by itself when the server comes back."""

    def __init__(
        self,
        client: str,
        endpoint: str,
        file: pathlib.Path,
        chunk: int,
        metadata: dict[str, str],
        headers: dict[str, str],
        state: pathlib.Path | None = None,
        resume: str | None = None,
    ):
        """`state` is where tuspy remembers the URLs of its uploads; aiotus is told to `resume` one."""
        command = [sys.executable, "-m", "Support.tusclients", client, endpoint, str(file), "--chunk", str(chunk)]
        command += ["--state", str(state)] if state else []
        command += ["--resume", resume] if resume else []
        secrets = {"UPLOAD_METADATA": json.dumps(metadata), "UPLOAD_HEADERS": json.dumps(headers)}
        self.chunk = chunk
        self.url: str | None = resume
        self.acknowledged = 0
        self.first_offset: int | None = None
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            command,
            cwd=TESTS,
            env=clean_environment(secrets),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            bufsize=1,
        )

    def __enter__(self) -> "UploadProcess":
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def wait_for(self, count: int) -> None:
        """Returns once the server has acknowledged `count` bytes; the upload goes on meanwhile."""
        while self.acknowledged < count:
            line = self.process.stdout.readline()
            if not line:
                raise RuntimeError(f"the client ended with {self.process.wait()} at {self.acknowledged}:\n{self.said()}")
            self.take(line)

    def take(self, line: str) -> None:
        self.lines.append(line)
        if found := re.match(r"url (\S+)|Upload created, upload URL is '(\S+)'", line):
            self.url = found[1] or found[2]
        elif found := re.match(r"offset (\d+)", line):
            self.acknowledged = int(found[1])
            self.first_offset = self.acknowledged if self.first_offset is None else self.first_offset
        elif found := re.match(r"Resuming upload of \S+ at offset (\d+)", line):
            # Said at the beginning of each attempt, after the server was asked.
            self.acknowledged = int(found[1]) - self.chunk
            self.first_offset = int(found[1]) if self.first_offset is None else self.first_offset
        elif line.startswith("Uploading "):
            # Said before a chunk is sent, so the one before is there.
            self.acknowledged += self.chunk

    def finish(self, seconds: float = 60) -> None:
        """Returns once the upload is complete. Raises when the client gave up."""
        rest, _ = self.process.communicate(timeout=seconds)
        for line in rest.splitlines():
            self.take(line)
        if self.process.returncode != 0:
            raise RuntimeError(f"the client ended with {self.process.returncode}:\n{self.said()}")

    def kill(self) -> None:
        """Ends the process at once, wherever it is."""
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def said(self) -> str:
        return "".join(self.lines[-30:])


# --- in the process -----------------------------------------------------------------------------------------------------


def with_tuspy(options: argparse.Namespace, metadata: dict[str, str], headers: dict[str, str]) -> None:
    memory = {"store_url": True, "url_storage": filestorage.FileStorage(options.state)} if options.state else {}
    uploader = tusclient.TusClient(options.endpoint, headers=headers).uploader(
        options.file, chunk_size=options.chunk, metadata=metadata, retries=ATTEMPTS, retry_delay=0.2, **memory
    )
    if uploader.url is None:
        uploader.set_url(uploader.create_url())
    say("url", uploader.url)
    say("offset", uploader.offset)
    while uploader.offset < uploader.get_file_size():
        uploader.upload_chunk()
        say("offset", uploader.offset)


async def with_aiotus(options: argparse.Namespace, metadata: dict[str, str], headers: dict[str, str]) -> None:
    logging.basicConfig(level=logging.DEBUG, stream=sys.stdout, format="%(message)s")
    with open(options.file, "rb") as file:
        if options.resume:
            async with aiohttp.ClientSession() as session:
                await core.upload_buffer(session, yarl.URL(options.resume), file, chunksize=options.chunk, headers=headers)
            return
        values = {name: value.encode() for name, value in metadata.items()}
        patience = aiotus.RetryConfiguration(retry_attempts=ATTEMPTS, max_retry_period_seconds=0.2)
        made = await aiotus.upload(options.endpoint, file, values, config=patience, headers=headers, chunksize=options.chunk)
        if made is None:
            raise SystemExit(1)


def say(*words: object) -> None:
    print(*words, flush=True)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("client", choices=["tuspy", "aiotus"])
    arguments.add_argument("endpoint")
    arguments.add_argument("file")
    arguments.add_argument("--chunk", type=int, required=True)
    arguments.add_argument("--state")
    arguments.add_argument("--resume")
    options = arguments.parse_args()
    metadata, headers = json.loads(os.environ["UPLOAD_METADATA"]), json.loads(os.environ["UPLOAD_HEADERS"])
    if options.client == "tuspy":
        with_tuspy(options, metadata, headers)
    else:
        asyncio.run(with_aiotus(options, metadata, headers))


if __name__ == "__main__":
    main()
