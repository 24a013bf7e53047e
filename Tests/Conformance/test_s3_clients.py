# SPDX-License-Identifier: Apache-2.0
"""Tools that people use, unmodified: aws, rclone and s3cmd, on a server with a domain for buckets, plain and over TLS."""

from __future__ import annotations

import os
import pathlib
import ssl
import subprocess
import sys
import uuid

import boto3
import httpx
import pytest
from botocore.client import Config

from Support import s3
from Support.server import Server, clean_environment, temporary_directory

TOOLS = pathlib.Path(sys.executable).parent
MIB = 1 << 20


@pytest.fixture(scope="module", params=["http", "https"])
def place(request):
    """A server and its URL."""
    home = temporary_directory()
    settings = {"MAGPIE_S3_DOMAIN": "localhost"}
    if request.param == "https":
        certificate, key = s3.certificate(home)
        settings |= {"MAGPIE_TLS_CERTIFICATE": str(certificate), "MAGPIE_TLS_KEY": str(key)}
    with Server(settings, home=home) as running:
        yield running, f"{request.param}://localhost:{running.port}"


@pytest.fixture
def tree(tmp_path) -> pathlib.Path:
    """Files of many sizes and names."""
    root = tmp_path / "tree"
    for name, size in {"empty": 0, "small.txt": 5, "dir/a b+c.bin": 70_000, "dir/sub/ü.bin": 3 * MIB, "big.bin": 20 * MIB}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(size))
    return root


def contents(root: pathlib.Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.fixture
def tool(place, tmp_path):
    """Runs a tool with the server's credentials; its output is in the failure."""
    server, url = place
    access, secret = s3.key_pair(server)
    certificate = server.settings.get("MAGPIE_TLS_CERTIFICATE", "")
    environment = {
        "HOME": str(tmp_path),
        "AWS_ACCESS_KEY_ID": access,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_DEFAULT_REGION": s3.REGION,
        "AWS_CA_BUNDLE": certificate,
        "RCLONE_CONFIG": os.devnull,
        "RCLONE_CONFIG_M_TYPE": "s3",
        "RCLONE_CONFIG_M_PROVIDER": "Other",
        "RCLONE_CONFIG_M_ACCESS_KEY_ID": access,
        "RCLONE_CONFIG_M_SECRET_ACCESS_KEY": secret,
        "RCLONE_CONFIG_M_ENDPOINT": url,
        "RCLONE_CONFIG_M_CHUNK_SIZE": "5Mi",
        "RCLONE_CONFIG_M_UPLOAD_CUTOFF": "8Mi",
        "RCLONE_CA_CERT": certificate,
    }

    def run(*command: str) -> str:
        result = subprocess.run(
            [str(TOOLS / command[0]), *command[1:]],
            env=clean_environment({name: value for name, value in environment.items() if value}),
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )
        assert result.returncode == 0, f"{command}:\n{result.stdout[-2000:]}\n{result.stderr[-4000:]}"
        return result.stdout

    run.url, run.access, run.secret, run.certificate = url, access, secret, certificate
    return run


@pytest.fixture
def bucket() -> str:
    return f"t-{uuid.uuid4().hex[:12]}"


def test_aws_copies_syncs_and_moves(tool, tree, tmp_path, bucket):
    aws = lambda *command: tool("aws", "--endpoint-url", tool.url, *command)  # noqa: E731
    aws("s3", "mb", f"s3://{bucket}")
    aws("s3", "sync", str(tree), f"s3://{bucket}/t")
    aws("s3", "mv", f"s3://{bucket}/t/big.bin", f"s3://{bucket}/t/moved.bin")
    aws("s3", "cp", "--recursive", f"s3://{bucket}/t", str(tmp_path / "back"))
    wanted = contents(tree)
    wanted["moved.bin"] = wanted.pop("big.bin")
    assert contents(tmp_path / "back") == wanted
    assert "moved.bin" in aws("s3", "ls", "--recursive", f"s3://{bucket}")
    aws("s3api", "head-object", "--bucket", bucket, "--key", "t/small.txt")
    aws("s3", "rb", "--force", f"s3://{bucket}")


def test_rclone_copies_checks_and_syncs(tool, tree, tmp_path, bucket):
    tool("rclone", "mkdir", f"m:{bucket}")
    tool("rclone", "copy", "--checksum", str(tree), f"m:{bucket}/t")
    tool("rclone", "check", str(tree), f"m:{bucket}/t")
    tool("rclone", "check", "--download", str(tree), f"m:{bucket}/t")
    tool("rclone", "moveto", f"m:{bucket}/t/small.txt", f"m:{bucket}/t/dir/renamed.txt")
    tool("rclone", "sync", f"m:{bucket}/t", str(tmp_path / "back"))
    wanted = contents(tree)
    wanted["dir/renamed.txt"] = wanted.pop("small.txt")
    assert contents(tmp_path / "back") == wanted
    assert sorted(tool("rclone", "lsf", "-R", "--files-only", f"m:{bucket}/t").split("\n")[:-1]) == sorted(wanted)
    tool("rclone", "purge", f"m:{bucket}")


def test_s3cmd_puts_lists_and_gets(tool, tree, tmp_path, bucket):
    host = tool.url.split("://")[1]
    options = [f"--access_key={tool.access}", f"--secret_key={tool.secret}", f"--host={host}", f"--host-bucket={host}"]
    options += [f"--ca-certs={tool.certificate}"] if tool.certificate else ["--no-ssl"]
    s3cmd = lambda *command: tool("s3cmd", "--config", os.devnull, *options, *command)  # noqa: E731
    s3cmd("mb", f"s3://{bucket}")
    s3cmd("sync", "--multipart-chunk-size-mb=6", f"{tree}/", f"s3://{bucket}/t/")
    s3cmd("info", f"s3://{bucket}/t/small.txt")
    s3cmd("info", f"s3://{bucket}")
    s3cmd("cp", f"s3://{bucket}/t/small.txt", f"s3://{bucket}/t/copy.txt")
    s3cmd("mv", f"s3://{bucket}/t/copy.txt", f"s3://{bucket}/t/copied.txt")
    (tmp_path / "back").mkdir()
    s3cmd("sync", f"s3://{bucket}/t/", f"{tmp_path / 'back'}/")
    assert contents(tmp_path / "back") == {**contents(tree), "copied.txt": (tree / "small.txt").read_bytes()}
    assert "big.bin" in s3cmd("ls", "--recursive", f"s3://{bucket}")
    s3cmd("rb", "--recursive", "--force", f"s3://{bucket}")


def test_a_bucket_is_a_host_below_the_domain(tool, bucket):
    boto = boto3.client(
        "s3",
        endpoint_url=tool.url,
        aws_access_key_id=tool.access,
        aws_secret_access_key=tool.secret,
        region_name=s3.REGION,
        config=Config(s3={"addressing_style": "virtual"}, signature_version="s3v4"),
    )
    trust = ssl.create_default_context(cafile=tool.certificate) if tool.certificate else True

    def send(operation: str, content: bytes = b"", **names: str) -> httpx.Response:
        """Signed by the client, and sent without asking anyone for the address of the host."""
        url = httpx.URL(boto.generate_presigned_url(operation, Params={"Bucket": bucket, **names}))
        assert url.host == f"{bucket}.localhost"
        method = {"create_bucket": "PUT", "put_object": "PUT"}.get(operation, "GET")
        fields = {"Host": url.netloc.decode()}
        return httpx.request(method, url.copy_with(host="localhost"), headers=fields, content=content, verify=trust)

    made = send("create_bucket")
    assert made.status_code == 200, made.text
    assert send("put_object", b"x", Key="s3/other/k").status_code == 200
    assert send("get_object", Key="s3/other/k").content == b"x"
    assert "<Key>s3/other/k</Key>" in send("list_objects_v2").text
