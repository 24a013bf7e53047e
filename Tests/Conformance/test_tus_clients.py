# SPDX-License-Identifier: Apache-2.0
"""tuspy and aiotus, unmodified: both go on after they were killed, and after the server was."""

from __future__ import annotations

import io
import pathlib
import uuid

import aiotus
import pytest

from Support.server import Server
from Support.tus import ROOT, metadata, sample
from Support.tusclients import UploadProcess
from Support.wire import Wire

MIB = 1 << 20
CHUNK = MIB // 2
SIZE = 48 * MIB + 12_345


@pytest.fixture(scope="module")
def own():
    """A server that may be killed."""
    with Server() as running:
        yield running


@pytest.fixture
def wire(own) -> Wire:
    return Wire(own.port, own.keys.service)


@pytest.fixture
def own_bucket(wire) -> str:
    name = f"b-{uuid.uuid4().hex[:12]}"
    assert wire.send_json("POST", "/bucket", {"name": name}).status == 200
    return name


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> pathlib.Path:
    path = tmp_path_factory.mktemp("upload") / "file.bin"
    path.write_bytes(sample(SIZE))
    return path


@pytest.fixture(params=["tuspy", "aiotus"])
def begin(request, own, own_bucket, file, tmp_path):
    """Starts the client's process, as often as asked; it resumes what it finds in `state` or is told to."""
    state = tmp_path / "state.json" if request.param == "tuspy" else None

    def start(resume: str | None = None) -> UploadProcess:
        return UploadProcess(
            request.param,
            endpoint(own),
            file,
            CHUNK,
            {"bucketName": own_bucket, "objectName": "dir/file.bin", "contentType": "application/x-test"},
            service(own),
            state=state,
            resume=None if state else resume,
        )

    return start


def endpoint(server: Server) -> str:
    return f"{server.url}/storage/v1{ROOT}"


def service(server: Server) -> dict[str, str]:
    return {"Authorization": f"Bearer {server.keys.service}"}


def stored(wire: Wire, bucket: str, key: str) -> bytes:
    reply = wire.get(f"/object/{bucket}/{key}")
    assert reply.status == 200, reply.text
    return reply.body


def test_a_client_that_was_killed_goes_on_where_it_was(begin, wire, own_bucket, file):
    url, acknowledged = None, 0
    for share in (6, 3, 2):
        with begin(url) as client:
            client.wait_for(SIZE // share)
            client.kill()
            assert url in (None, client.url)
            assert acknowledged <= (client.first_offset or 0) < SIZE
            url, acknowledged = client.url, client.acknowledged
    with begin(url) as client:
        client.finish()
        assert acknowledged <= client.first_offset < SIZE
    assert stored(wire, own_bucket, "dir/file.bin") == file.read_bytes()


def test_a_client_goes_on_by_itself_when_the_server_was_killed_and_comes_back(begin, own, wire, own_bucket, file):
    with begin() as client:
        for share in (5, 2):
            client.wait_for(SIZE // share)
            own.kill()
            assert client.process.poll() is None
            own.start()
        client.finish()
    assert stored(wire, own_bucket, "dir/file.bin") == file.read_bytes()


async def test_aiotus_uploads_reads_the_metadata_and_what_the_server_can(own, wire, own_bucket):
    data = sample(5 * MIB)
    values = {"bucketName": own_bucket.encode(), "objectName": b"a", "contentType": b"text/plain", "note": "ü".encode()}
    made = await aiotus.upload(endpoint(own), io.BytesIO(data), values, headers=service(own), chunksize=2 * MIB)
    assert stored(wire, own_bucket, "a") == data
    assert await aiotus.metadata(made, headers=service(own)) == values


async def test_aiotus_uploads_pieces_side_by_side_that_become_one_object(own, wire, own_bucket):
    """The pieces have to say which object they are for; this client takes that as a header."""
    data = sample(9 * MIB)
    pieces = [io.BytesIO(data[begin : begin + 3 * MIB]) for begin in range(0, len(data), 3 * MIB)]
    headers = {**service(own), "Upload-Metadata": metadata(bucketName=own_bucket, objectName="whole")}
    made = await aiotus.upload_multiple(endpoint(own), pieces, headers=headers, chunksize=MIB, parallel_uploads=3)
    assert made is not None
    assert stored(wire, own_bucket, "whole") == data
