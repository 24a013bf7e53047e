# SPDX-License-Identifier: Apache-2.0
"""Resumable uploads with an unmodified client, through crashes of the server, and past their time."""

from __future__ import annotations

import io
import time
import uuid

import pytest
from Support.server import Server, wait_until
from Support.tus import ROOT, Tus, path_of, sample
from Support.wire import Wire
from tusclient import client as tusclient


@pytest.fixture(scope="module")
def own():
    """A server that may be killed, whose uploads live long enough for all tests but the one of their end."""
    with Server({"MAGPIE_UPLOAD_EXPIRY": "10m"}) as running:
        yield running


@pytest.fixture
def wire(own) -> Wire:
    return Wire(own.port, own.keys.service)


@pytest.fixture
def own_bucket(wire) -> str:
    name = f"b-{uuid.uuid4().hex[:12]}"
    assert wire.send_json("POST", "/bucket", {"name": name}).status == 200
    return name


def uploader(own: Server, bucket: str, key: str, data: bytes, chunk: int, **options):
    place = tusclient.TusClient(f"http://127.0.0.1:{own.port}/storage/v1{ROOT}")
    place.set_headers({"Authorization": f"Bearer {own.keys.service}", "x-upsert": "true"})
    values = {"bucketName": bucket, "objectName": key, "contentType": "application/octet-stream", "cacheControl": "3600"}
    return place.uploader(file_stream=io.BytesIO(data), chunk_size=chunk, metadata=values, retries=0, **options)


def stored(wire: Wire, bucket: str, key: str) -> bytes:
    reply = wire.get(f"/object/{bucket}/{key}")
    assert reply.status == 200, reply.text
    return reply.body


@pytest.mark.parametrize(("size", "chunk"), [(30, 1), (12 << 20, 5 << 20), (13 << 20, 6 << 20), (7 << 20, 50 << 20)])
def test_tuspy_uploads_with_chunks_of_any_size(own, wire, own_bucket, size, chunk):
    data = sample(size)
    uploader(own, own_bucket, "a/b.bin", data, chunk).upload()
    assert stored(wire, own_bucket, "a/b.bin") == data


def test_tuspy_with_checksums(own, wire, own_bucket):
    data = sample(3 << 20)
    uploader(own, own_bucket, "a", data, 1 << 20, upload_checksum=True).upload()
    assert stored(wire, own_bucket, "a") == data


def test_tuspy_goes_on_after_the_server_was_killed_between_its_chunks(own, wire, own_bucket):
    data = sample(5 << 20)
    sending = uploader(own, own_bucket, "a", data, 1 << 20)
    for _ in range(3):
        sending.upload_chunk()
        own.kill()
        own.start()
    resumed = uploader(own, own_bucket, "a", data, 1 << 20, url=sending.url)
    assert resumed.offset == 3 << 20
    resumed.upload()
    assert stored(wire, own_bucket, "a") == data


@pytest.mark.parametrize("round_", range(3))
def test_a_server_killed_inside_a_chunk_keeps_what_it_acknowledged(own, wire, own_bucket, round_):
    data = sample(4 << 20, seed=round_)
    tus = Tus(wire)
    path = tus.begin(own_bucket, "a", len(data))
    acknowledged = (1 << 20) + round_
    assert tus.patch(path, 0, data[:acknowledged]).status == 204
    # Wrong bytes, so that any of them that stayed would show.
    dying = tus.half_patch(path, acknowledged, 2 << 20, sample(1_500_000, seed=99))
    time.sleep(0.1 * round_)
    own.kill()
    dying.close()
    own.start()
    assert tus.offset(path) == acknowledged
    for offset in range(acknowledged, len(data), 1_000_000):
        assert tus.patch(path, offset, data[offset : offset + 1_000_000]).status == 204
    assert stored(wire, own_bucket, "a") == data


def test_a_complete_upload_is_still_known_after_a_restart(own, wire, own_bucket):
    tus = Tus(wire)
    path = path_of(tus.create(own_bucket, "a", 5, b"hello"))
    own.kill()
    own.start()
    assert tus.offset(path) == 5
    assert tus.patch(path, 5, b"").status == 204
    assert stored(wire, own_bucket, "a") == b"hello"


def test_an_upload_ends_with_its_time():
    with Server({"MAGPIE_UPLOAD_EXPIRY": "2s"}) as running:
        wire = Wire(running.port, running.keys.service)
        assert wire.send_json("POST", "/bucket", {"name": "b"}).status == 200
        tus = Tus(wire)
        reply = tus.create("b", "a", 10, b"1234")
        path = path_of(reply)
        assert reply.headers["Upload-Expires"].endswith(" GMT")
        parts = running.data / "store" / "parts"
        assert len(list(parts.iterdir())) == 1
        seen = set()

        def is_over() -> bool:
            seen.add(tus.head(path).status)
            return not list(parts.iterdir())

        assert wait_until(is_over, 20)
        assert seen <= {200, 404, 410} and tus.head(path).status in (404, 410)
        assert tus.patch(path, 4, b"567890").status in (404, 410)
        assert wire.get("/object/b/a").status == 400
