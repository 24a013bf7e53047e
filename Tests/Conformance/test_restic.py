# SPDX-License-Identifier: Apache-2.0
"""restic, unmodified, keeps backups in a bucket: what it restores is what was there, and what it prunes leaves the rest whole."""

from __future__ import annotations

import json
import os
import pathlib
import uuid

import pytest

from Support import s3
from Support.tools import Tools, contents

MIB = 1 << 20


@pytest.fixture
def tools(server, tmp_path) -> Tools:
    return Tools(server, tmp_path)


@pytest.fixture
def boto(server):
    return s3.client(server)


@pytest.fixture
def repository(tools) -> str:
    """A bucket with a repository, made by restic."""
    bucket = f"restic-{uuid.uuid4().hex[:12]}"
    tools.restic(bucket, "init")
    return bucket


@pytest.fixture
def files(tmp_path) -> pathlib.Path:
    root = tmp_path / "files"
    for name, size in {"empty": 0, "small.txt": 5, "dir/a b+c.bin": 70_000, "dir/sub/ü.bin": 3 * MIB, "big.bin": 20 * MIB}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(size))
    return root


def restored(tools: Tools, repository: str, snapshot: str, files: pathlib.Path) -> dict[str, bytes]:
    place = tools.home / f"restored-{snapshot}"
    tools.restic(repository, "restore", snapshot, "--target", str(place))
    return contents(place / files.relative_to("/"))


def snapshots(tools: Tools, repository: str) -> list[str]:
    return [found["short_id"] for found in json.loads(tools.restic(repository, "snapshots", "--json"))]


def test_backups_are_checked_forgotten_pruned_and_restored_byte_by_byte(tools, boto, repository, files):
    first = contents(files)
    tools.restic(repository, "backup", str(files))
    (files / "big.bin").write_bytes(os.urandom(9 * MIB))
    (files / "small.txt").unlink()
    second = contents(files)
    tools.restic(repository, "backup", str(files))
    old, new = snapshots(tools, repository)
    assert restored(tools, repository, old, files) == first
    size = lambda: sum(found["Size"] for found in boto.list_objects_v2(Bucket=repository)["Contents"])  # noqa: E731
    before = size()

    tools.restic(repository, "forget", old, "--prune", "--max-unused", "0")

    assert size() < before - 15 * MIB
    assert snapshots(tools, repository) == [new]
    tools.restic(repository, "check", "--read-data")
    assert restored(tools, repository, new, files) == second


def test_over_tls(secure_server, files, tmp_path):
    tools, bucket = Tools(secure_server, tmp_path), "restic-over-tls"
    tools.restic(bucket, "init")
    tools.restic(bucket, "backup", str(files))
    assert restored(tools, bucket, "latest", files) == contents(files)
