# SPDX-License-Identifier: Apache-2.0
"""S3 services of others, each a process of its own that ends with the tests."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

import boto3
from botocore.client import Config

BUCKET = "magpie-tests"
ACCESS_KEY, SECRET_KEY = "AKIDEXAMPLEPEER00001", "peerSecretKey0123456789abcdefghijklmnopq"


class Peer:
    """`seaweedfs`, `rclone` or `moto`, with one bucket."""

    def __init__(self, name: str):
        self.name = name
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="magpie-peer-"))
        self.url = ""

    def __enter__(self) -> "Peer":
        command = [str(pathlib.Path(__file__).with_name("s3-peer")), self.name, str(self.directory)]
        environment = {**os.environ, "MAGPIE_TEST_PROGRAMS": str(pathlib.Path(sys.executable).parent)}
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        self.url = self.process.stdout.readline().strip()
        assert self.url, f"{self.name} did not start"
        return self

    def stop(self) -> None:
        self.process.stdin.close()
        self.process.wait(30)

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.stop()
        self.process.stdout.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    @contextlib.contextmanager
    def held(self):
        """Meanwhile the service stands still: what is asked of it waits."""
        started = self.process.pid
        programs = [int(child) for child in pathlib.Path(f"/proc/{started}/task/{started}/children").read_text().split()]
        for program in programs:
            os.kill(program, signal.SIGSTOP)
        try:
            yield
        finally:
            for program in programs:
                os.kill(program, signal.SIGCONT)

    @property
    def client(self):
        return boto3.client(
            "s3",
            endpoint_url=self.url,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            region_name="us-east-1",
            config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 0}),
        )

    def keys(self, prefix: str = "") -> list[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
        return [found["Key"] for page in pages for found in page.get("Contents", [])]

    @property
    def settings(self) -> dict[str, str]:
        """What makes a server keep its blobs here."""
        return {
            "R2_ENDPOINT_URL": self.url,
            "R2_ACCESS_KEY_ID": ACCESS_KEY,
            "R2_SECRET_ACCESS_KEY": SECRET_KEY,
            "R2_BUCKET_NAME": BUCKET,
            "R2_REGION": "us-east-1",
        }


def use_s3(server, project: str, url: str, *options: str, bucket: str = BUCKET, secret: str = SECRET_KEY, prefix: str = "media"):
    """Has new originals of a project go to a bucket: `magpie backend s3 …`."""
    return server.command(
        "backend", "s3", "--project", project, "--bucket", bucket, "--endpoint", url, "--access-key", ACCESS_KEY, "--prefix", prefix,
        *options, given=secret,
    )  # fmt: skip
