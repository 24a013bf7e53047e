# SPDX-License-Identifier: Apache-2.0
"""Programs that people use with S3, unmodified: found, given a server's credentials, and run."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import sys

import urllib3
from minio import Minio

from . import s3
from .server import Server, clean_environment

VIRTUAL_ENVIRONMENT = pathlib.Path(sys.executable).parent


def program(name: str) -> str:
    """Where a program is: beside the Python that runs this, or on the path of the machine."""
    beside = VIRTUAL_ENVIRONMENT / name
    found = str(beside) if beside.exists() else shutil.which(name)
    assert found is not None, f"{name} is not installed; scripts/bootstrap tests installs it"
    return found


class ToolFailed(Exception):
    """A program ended with an error; the text is what it said."""


class Tools:
    """aws, rclone, s3cmd and restic with one caller's credentials; what they say is in the failure."""

    def __init__(
        self,
        server: Server,
        home: pathlib.Path,
        pair: tuple[str, str] | None = None,
        session: str | None = None,
        url: str | None = None,
    ):
        """Calls with `pair`, or the server's own; `session` is a session token. `home` is where programs keep their files."""
        self.access, self.secret = pair or s3.key_pair(server)
        self.session = session
        self.url = url or server.url
        self.certificate = server.settings.get("MAGPIE_TLS_CERTIFICATE", "")
        self.home = home

    def environment(self) -> dict[str, str]:
        values = {
            "HOME": str(self.home),
            "AWS_ACCESS_KEY_ID": self.access,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_SESSION_TOKEN": self.session,
            "AWS_DEFAULT_REGION": s3.REGION,
            "AWS_CA_BUNDLE": self.certificate,
            "RCLONE_CONFIG": os.devnull,
            "RCLONE_CONFIG_M_TYPE": "s3",
            "RCLONE_CONFIG_M_PROVIDER": "Other",
            "RCLONE_CONFIG_M_ACCESS_KEY_ID": self.access,
            "RCLONE_CONFIG_M_SECRET_ACCESS_KEY": self.secret,
            "RCLONE_CONFIG_M_SESSION_TOKEN": self.session,
            "RCLONE_CONFIG_M_ENDPOINT": self.url,
            "RCLONE_CONFIG_M_CHUNK_SIZE": "5Mi",
            "RCLONE_CONFIG_M_UPLOAD_CUTOFF": "8Mi",
            "RCLONE_CA_CERT": self.certificate,
            "RESTIC_PASSWORD": "a password of the repository's own",
            "RESTIC_PROGRESS_FPS": "0",
            "RESTIC_CACHE_DIR": str(self.home / "restic-cache"),
        }
        # What this machine may have set for these programs is not for the tests.
        ours = ("AWS_", "RCLONE_", "RESTIC_")
        inherited = {name: value for name, value in clean_environment({}).items() if not name.startswith(ours)}
        return inherited | {name: value for name, value in values.items() if value}

    def attempt(self, *command: str, timeout: float = 110) -> subprocess.CompletedProcess[str]:
        """Runs a program that may fail."""
        return subprocess.run(
            [program(command[0]), *command[1:]],
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def run(self, *command: str, timeout: float = 110) -> str:
        """Runs a program that must succeed, and returns its output."""
        result = self.attempt(*command, timeout=timeout)
        if result.returncode != 0:
            raise ToolFailed(f"{command[0]} ended with {result.returncode}:\n{result.stdout[-2000:]}\n{result.stderr[-4000:]}")
        return result.stdout

    def aws(self, *command: str) -> str:
        return self.run("aws", "--endpoint-url", self.url, *command)

    def rclone(self, *command: str) -> str:
        """The server is the remote `m:`."""
        return self.run("rclone", *command)

    def s3cmd(self, *command: str) -> str:
        return self.run("s3cmd", *self.s3cmd_options(), *command)

    def s3cmd_options(self) -> list[str]:
        host = self.url.split("://")[1]
        options = ["--config", os.devnull, f"--access_key={self.access}", f"--secret_key={self.secret}"]
        options += [f"--access_token={self.session}"] if self.session else []
        options += [f"--host={host}", f"--host-bucket={host}"]
        return options + ([f"--ca-certs={self.certificate}"] if self.certificate else ["--no-ssl"])

    def restic(self, bucket: str, *command: str) -> str:
        """With a repository at `repository` in the bucket."""
        trust = ["--cacert", self.certificate] if self.certificate else []
        return self.run("restic", "--repo", f"s3:{self.url}/{bucket}/repository", *trust, *command)


def contents(root: pathlib.Path) -> dict[str, bytes]:
    """Every file below a directory, by its path there."""
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def minio_client(server: Server, pair: tuple[str, str] | None = None, session: str | None = None) -> Minio:
    """MinIO's client for a server, unmodified, with one attempt where it would make several."""
    access, secret = pair or s3.key_pair(server)
    certificate = server.settings.get("MAGPIE_TLS_CERTIFICATE")
    pool = urllib3.PoolManager(retries=False, timeout=60, cert_reqs="CERT_REQUIRED", ca_certs=certificate)
    host = server.url.split("://")[1]
    return Minio(host, access, secret, session, secure=server.is_secure, region=s3.REGION, http_client=pool)
