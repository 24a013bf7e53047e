# SPDX-License-Identifier: Apache-2.0
"""Tools that people use, unmodified: aws, rclone and s3cmd, on a server with a domain for buckets, plain and over TLS."""

from __future__ import annotations

import os
import pathlib
import shutil
import ssl
import uuid

import boto3
import httpx
import pytest
from botocore.client import Config

from Support import s3
from Support.server import Server, temporary_directory
from Support.tools import Tools, contents

MIB = 1 << 20


@pytest.fixture(scope="module", params=["http", "https"])
def place(request):
    """A server and its URL."""
    home = temporary_directory()
    settings = {"MAGPIE_S3_DOMAIN": "localhost"}
    if request.param == "https":
        certificate, key = s3.certificate(home)
        settings |= {"MAGPIE_TLS_CERTIFICATE": str(certificate), "MAGPIE_TLS_KEY": str(key)}
    try:
        with Server(settings, home=home) as running:
            yield running, f"{request.param}://localhost:{running.port}"
    finally:
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def tree(tmp_path) -> pathlib.Path:
    """Files of many sizes and names."""
    root = tmp_path / "tree"
    for name, size in {"empty": 0, "small.txt": 5, "dir/a b+c.bin": 70_000, "dir/sub/ü.bin": 3 * MIB, "big.bin": 20 * MIB}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(size))
    return root


@pytest.fixture
def tool(place, tmp_path) -> Tools:
    server, url = place
    return Tools(server, tmp_path, url=url)


@pytest.fixture
def bucket() -> str:
    return f"t-{uuid.uuid4().hex[:12]}"


def test_aws_copies_syncs_and_moves(tool, tree, tmp_path, bucket):
    aws = tool.aws
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
    tool.rclone("mkdir", f"m:{bucket}")
    tool.rclone("copy", "--checksum", str(tree), f"m:{bucket}/t")
    tool.rclone("check", str(tree), f"m:{bucket}/t")
    tool.rclone("check", "--download", str(tree), f"m:{bucket}/t")
    tool.rclone("moveto", f"m:{bucket}/t/small.txt", f"m:{bucket}/t/dir/renamed.txt")
    tool.rclone("sync", f"m:{bucket}/t", str(tmp_path / "back"))
    wanted = contents(tree)
    wanted["dir/renamed.txt"] = wanted.pop("small.txt")
    assert contents(tmp_path / "back") == wanted
    assert sorted(tool.rclone("lsf", "-R", "--files-only", f"m:{bucket}/t").split("\n")[:-1]) == sorted(wanted)
    tool.rclone("purge", f"m:{bucket}")


def test_s3cmd_puts_lists_and_gets(tool, tree, tmp_path, bucket):
    s3cmd = tool.s3cmd
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
