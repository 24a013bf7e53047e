# SPDX-License-Identifier: Apache-2.0
"""What clients of the S3 dialect need of a server: its key pair, and a client of boto3's."""

from __future__ import annotations

import json
import pathlib
import subprocess

import boto3
from botocore.client import Config

from .server import Server

REGION = "us-east-1"


def key_pair(server: Server) -> tuple[str, str]:
    """The server's own access key and secret."""
    found = json.loads(server.command("keys", "--json").stdout)
    return found["s3AccessKey"], found["s3SecretKey"]


def client(server: Server, pair: tuple[str, str] | None = None, path: str = "/s3", **options):
    """boto3's client for a server, unmodified but for one attempt where it would make several."""
    access, secret = pair or key_pair(server)
    if server.is_secure:
        options.setdefault("verify", server.settings["MAGPIE_TLS_CERTIFICATE"])
    style = {"addressing_style": "path"}
    return boto3.client(
        "s3",
        endpoint_url=options.pop("url", server.url) + path,
        aws_access_key_id=access,
        aws_secret_access_key=secret,
        region_name=REGION,
        config=Config(s3=style, retries={"max_attempts": 0}, signature_version="s3v4"),
        **options,
    )


def certificate(directory: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path]:
    """A certificate of localhost's and its key."""
    paths = directory / "certificate.pem", directory / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,DNS:*.localhost,IP:127.0.0.1"]
    subprocess.run([*command, *names, "-out", paths[0], "-keyout", paths[1]], check=True, capture_output=True)
    return paths
