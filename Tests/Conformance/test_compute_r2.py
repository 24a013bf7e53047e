# SPDX-License-Identifier: Apache-2.0
"""Blobs in a bucket of an S3 service, and the Compute interface's images where a CDN serves that bucket."""

from __future__ import annotations

import os
import uuid

import pytest
from botocore.exceptions import ClientError

from Support import compute, s3
from Support.peers import BUCKET as SERVICE_BUCKET
from Support.peers import SECRET_KEY, Peer
from Support.server import Server, wait_until
from Support.wire import Wire, form

CDN = "https://cdn.example.com"
ROOT = compute.MOUNTS[0]


@pytest.fixture(scope="module")
def peer():
    with Peer("seaweedfs") as running:
        yield running


@pytest.fixture(scope="module")
def server(peer):
    with Server({**peer.settings, "R2_PUBLIC_URL": CDN + "/", "MAGPIE_LOG_LEVEL": "debug"}) as running:
        yield running


@pytest.fixture
def images(server) -> Wire:
    return Wire(server.port, server.keys.service)


@pytest.fixture
def folder() -> str:
    return f"t-{uuid.uuid4().hex[:12]}"


def save(wire: Wire, path: str, body: bytes):
    content, headers = form({}, body)
    return wire.post(f"{ROOT}/{path}", content, headers=headers)


def published(peer, path: str) -> bytes | None:
    try:
        return peer.client.get_object(Bucket=SERVICE_BUCKET, Key=f"compute/{path}")["Body"].read()
    except peer.client.exceptions.NoSuchKey:
        return None


def test_an_image_is_served_by_the_cdn(peer, images, folder):
    body = b"\x89PNG\r\n\x1a\n" + os.urandom(300)
    saved = save(images, f"{folder}/a%20b.png", body)
    assert (saved.status, saved.json()) == (200, {"path": f"{folder}/a b.png", "url": f"{CDN}/compute/{folder}/a%20b.png"})
    found = images.get(f"{ROOT}/{folder}/a%20b.png")
    assert (found.status, found.headers["Location"]) == (302, f"{CDN}/compute/{folder}/a%20b.png")
    assert found.headers["Cache-Control"] == "no-store"
    copy = peer.client.get_object(Bucket=SERVICE_BUCKET, Key=f"compute/{folder}/a b.png")
    assert (copy["Body"].read(), copy["ContentType"]) == (body, "image/png")
    assert images.head(f"{ROOT}/{folder}/a%20b.png").status == 200
    assert images.get(f"{ROOT}?prefix={folder}").json() == [f"{folder}/a b.png"]


def test_saving_again_replaces_what_the_cdn_serves(peer, images, folder):
    for body in (b"one", b"two, and longer", b"3"):
        assert save(images, f"{folder}/x.png", body).status == 200
        assert published(peer, f"{folder}/x.png") == body


def test_deleting_takes_it_from_the_cdn(peer, images, folder):
    save(images, f"{folder}/x.png", b"x")
    assert images.delete(f"{ROOT}/{folder}/x.png").status == 200
    assert published(peer, f"{folder}/x.png") is None
    assert images.get(f"{ROOT}/{folder}/x.png").status == 404


def test_nobody_without_a_token_is_told_where(server, images, folder):
    save(images, f"{folder}/x.png", b"x")
    reply = Wire(server.port).get(f"{ROOT}/{folder}/x.png")
    assert (reply.status, reply.headers["Location"]) == (401, None)


def test_what_another_dialect_stores_is_published_when_it_is_asked_for(server, peer, images, folder):
    save(images, f"{folder}/first", b"makes the bucket")
    objects = s3.client(server)
    for body in (b"by S3", b"by S3, again"):
        objects.put_object(Bucket="images", Key=f"{folder}/y.png", Body=body)
        assert images.get(f"{ROOT}/{folder}/y.png").status == 302
        assert published(peer, f"{folder}/y.png") == body


def test_what_other_dialects_write_is_published_soon(server, peer, images, folder):
    save(images, f"{folder}/gone", b"x")
    objects = s3.client(server)
    objects.delete_object(Bucket="images", Key=f"{folder}/gone")
    objects.put_object(Bucket="images", Key=f"{folder}/s3", Body=b"by S3")
    assert images.put(f"/object/images/{folder}/supabase", b"by Supabase", headers={"Content-Type": "image/png"}).status == 200
    assert wait_until(lambda: published(peer, f"{folder}/s3") == b"by S3", 10)
    assert wait_until(lambda: published(peer, f"{folder}/supabase") == b"by Supabase", 10)
    assert wait_until(lambda: published(peer, f"{folder}/gone") is None, 10)


def test_what_sql_writes_is_published_soon(server, peer, images, folder):
    save(images, f"{folder}/gone", b"x")
    save(images, f"{folder}/old", b"y")
    where = f"bucket_id = 'images' AND name = '{folder}"
    server.database.run(
        f"""SELECT set_config('storage.allow_delete_query', 'true', false);
        DELETE FROM storage.objects WHERE {where}/gone';
        UPDATE storage.objects SET name = '{folder}/new' WHERE {where}/old'"""
    )
    assert wait_until(lambda: published(peer, f"{folder}/gone") is None, 10)
    assert wait_until(lambda: published(peer, f"{folder}/old") is None, 10)
    assert wait_until(lambda: published(peer, f"{folder}/new") == b"y", 10)


def test_what_another_dialect_changes_is_brought_up_to_date(server, peer, images, folder):
    for name in ("gone", "changed"):
        save(images, f"{folder}/{name}", b"x")
    objects = s3.client(server)
    objects.delete_object(Bucket="images", Key=f"{folder}/gone")
    objects.put_object(Bucket="images", Key=f"{folder}/changed", Body=b"changed")
    objects.put_object(Bucket="images", Key=f"{folder}/new", Body=b"new")
    server.stop()
    server.start()
    assert wait_until(lambda: published(peer, f"{folder}/gone") is None, 20)
    assert wait_until(lambda: published(peer, f"{folder}/new") == b"new", 20)
    assert published(peer, f"{folder}/changed") == b"changed"


def test_all_dialects_keep_their_bytes_in_the_bucket(server, peer, folder):
    objects = s3.client(server)
    objects.create_bucket(Bucket=folder)
    small, large = os.urandom(1000), os.urandom(17 << 20)
    before = set(peer.keys("magpie/blobs/"))
    objects.put_object(Bucket=folder, Key="small", Body=small)
    upload = objects.create_multipart_upload(Bucket=folder, Key="large")["UploadId"]
    parts = []
    for number, start in enumerate(range(0, len(large), 6 << 20), 1):
        sent = objects.upload_part(
            Bucket=folder, Key="large", UploadId=upload, PartNumber=number, Body=large[start : start + (6 << 20)]
        )
        parts.append({"PartNumber": number, "ETag": sent["ETag"]})
    objects.complete_multipart_upload(Bucket=folder, Key="large", UploadId=upload, MultipartUpload={"Parts": parts})

    assert objects.get_object(Bucket=folder, Key="small")["Body"].read() == small
    assert objects.get_object(Bucket=folder, Key="large")["Body"].read() == large
    part = objects.get_object(Bucket=folder, Key="large", Range="bytes=5000000-9000000")["Body"].read()
    assert part == large[5_000_000:9_000_001]
    objects.copy_object(Bucket=folder, Key="copy", CopySource={"Bucket": folder, "Key": "large"})
    assert objects.get_object(Bucket=folder, Key="copy")["Body"].read() == large
    # What other tests deleted may leave the bucket meanwhile.
    added = set(peer.keys("magpie/blobs/")) - before
    assert len(added) == 3
    assert server.blobs() == []
    for key in ("small", "large", "copy"):
        objects.delete_object(Bucket=folder, Key=key)
    assert wait_until(lambda: added.isdisjoint(peer.keys("magpie/blobs/")), 20)


def test_verify_reads_the_bucket(server, images, folder):
    save(images, f"{folder}/x.png", b"x")
    server.stop()
    try:
        found = server.command("verify")
        assert found.returncode == 0, found.stdout + found.stderr
        assert " 0 findings" in found.stdout
    finally:
        server.start()


def test_no_secret_is_logged(server):
    assert SECRET_KEY not in server.log()


def test_a_second_database_is_kept_from_the_bucket(peer, server):
    stranger = Server({**peer.settings})
    try:
        with pytest.raises(RuntimeError, match="another"):
            stranger.start()
    finally:
        stranger.close()


def test_images_of_the_disk_stay_readable_and_are_published():
    with Peer("moto") as moto:
        server = Server({})
        try:
            server.start()
            wire = Wire(server.port, server.keys.service)
            assert save(wire, "old.png", b"from the disk").status == 200
            assert wire.get(f"{ROOT}/old.png").body == b"from the disk"
            server.stop()
            server.settings = {**moto.settings, "R2_PUBLIC_URL": CDN}
            server.start()
            assert wire.get(f"{ROOT}/old.png").headers["Location"] == f"{CDN}/compute/old.png"
            assert published(moto, "old.png") == b"from the disk"
            admin = Wire(server.port, server.keys.service)
            assert admin.get("/object/authenticated/images/old.png").body == b"from the disk"
        finally:
            server.close()


def test_a_service_that_is_gone_is_an_error_and_no_fallback():
    with Peer("moto") as moto, Server({**moto.settings, "MAGPIE_CACHE_SIZE": "0"}) as server:
        objects = s3.client(server)
        objects.create_bucket(Bucket="bucket")
        objects.put_object(Bucket="bucket", Key="k", Body=b"x" * 1000)
        moto.stop()
        for call in (
            lambda: objects.get_object(Bucket="bucket", Key="k"),
            lambda: objects.put_object(Bucket="bucket", Key="other", Body=b"y"),
        ):
            with pytest.raises(ClientError) as refused:
                call()
            assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] >= 500
        assert objects.list_objects_v2(Bucket="bucket")["KeyCount"] == 1
        assert server.blobs() == []


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"R2_ENDPOINT_URL": "http://127.0.0.1:1", "R2_ACCESS_KEY_ID": "a"}, "R2_SECRET_ACCESS_KEY"),
        ({"R2_ENDPOINT_URL": "http://127.0.0.1:1", "R2_ACCESS_KEY_ID": "a", "R2_SECRET_ACCESS_KEY": "b"}, "R2_BUCKET_NAME"),
        (
            {"R2_ENDPOINT_URL": "no url", "R2_ACCESS_KEY_ID": "a", "R2_SECRET_ACCESS_KEY": "b", "R2_BUCKET_NAME": "c"},
            "R2_ENDPOINT_URL",
        ),
    ],
)
def test_half_a_configuration_is_named(settings, named):
    server = Server(settings)
    try:
        with pytest.raises(RuntimeError, match=named):
            server.start()
    finally:
        server.close()


def test_without_a_key_the_disk_is_used():
    with Server({"R2_ENDPOINT_URL": "http://127.0.0.1:1"}) as server:
        wire = Wire(server.port, server.keys.service)
        assert save(wire, "a.png", b"x").json()["url"].startswith("http://127.0.0.1")
        assert wire.get(f"{ROOT}/a.png").body == b"x"
