# SPDX-License-Identifier: Apache-2.0
"""Copy and move: each test's name is a line of the checklist."""

from __future__ import annotations

import pytest
from Support.wire import DUPLICATE_KEY, OBJECT_NOT_FOUND, RELATED_MISSING, encoded_metadata, refused


def copy(wire, bucket: str, source: str, destination: str, headers: dict | None = None, **fields):
    return wire.send_json(
        "POST",
        "/object/copy",
        {"bucketId": bucket, "sourceKey": source, "destinationKey": destination, **fields},
        headers=headers or {},
    )


def move(wire, bucket: str, source: str, destination: str, **fields):
    return wire.send_json(
        "POST", "/object/move", {"bucketId": bucket, "sourceKey": source, "destinationKey": destination, **fields}
    )


@pytest.fixture
def source(admin, bucket) -> str:
    """An object `a` with user metadata, a type and a cache lifetime."""
    reply = admin.post(
        f"/object/{bucket}/a",
        b"bytes",
        headers={"Content-Type": "image/png", "Cache-Control": "max-age=10", "x-metadata": encoded_metadata({"n": 1})},
    )
    assert reply.status == 200
    return "a"


def test_a_copy_answers_with_the_new_row(admin, bucket, source):
    reply = copy(admin, bucket, source, "dir/b")
    body = reply.json()
    assert reply.status == 200
    assert (body["Key"], body["name"], body["bucket_id"], body["Id"]) == (f"{bucket}/dir/b", "dir/b", bucket, body["id"])
    assert set(body) == {
        "Id",
        "Key",
        "name",
        "bucket_id",
        "owner",
        "owner_id",
        "version",
        "id",
        "updated_at",
        "created_at",
        "last_accessed_at",
        "metadata",
        "user_metadata",
    }
    assert admin.get(f"/object/{bucket}/dir/b").body == b"bytes"


def test_a_copy_to_another_bucket(admin, bucket, make_bucket, source):
    other = make_bucket()
    assert copy(admin, bucket, source, "b", destinationBucket=other).json()["Key"] == f"{other}/b"
    assert admin.get(f"/object/{other}/b").body == b"bytes"


def test_a_copy_keeps_both_kinds_of_metadata_when_copy_metadata_is_omitted(admin, bucket, source):
    copy(
        admin,
        bucket,
        source,
        "b",
        metadata={"cacheControl": "no-store", "mimetype": "a/b"},
        headers={"x-metadata": encoded_metadata({"m": 2})},
    )
    info = admin.get(f"/object/info/{bucket}/b").json()
    assert (info["metadata"], info["content_type"], info["cache_control"]) == ({"n": 1}, "image/png", "max-age=10")


def test_a_copy_without_copy_metadata_takes_what_is_given_and_keeps_the_rest(admin, bucket, source):
    copy(
        admin,
        bucket,
        source,
        "b",
        copyMetadata=False,
        metadata={"cacheControl": "no-store"},
        headers={"x-metadata": encoded_metadata({"m": 2})},
    )
    info = admin.get(f"/object/info/{bucket}/b").json()
    assert (info["metadata"], info["content_type"], info["cache_control"]) == ({"m": 2}, "image/png", "no-store")


def test_a_copy_without_copy_metadata_and_without_x_metadata_has_none(admin, bucket, source):
    assert copy(admin, bucket, source, "b", copyMetadata="false").json()["user_metadata"] is None
    assert admin.get(f"/object/info/{bucket}/b").json()["metadata"] is None


def test_a_copy_onto_an_existing_key_without_upsert_is_409_in_the_body(admin, bucket, source, put):
    put(bucket, "b", b"other")
    reply = copy(admin, bucket, source, "b")
    assert (reply.status, reply.text) == (400, DUPLICATE_KEY)
    assert admin.get(f"/object/{bucket}/b").body == b"other"


def test_a_copy_onto_an_existing_key_with_upsert_replaces(admin, bucket, source, put):
    put(bucket, "b", b"other")
    assert copy(admin, bucket, source, "b", headers={"x-upsert": "true"}).status == 200
    assert admin.get(f"/object/{bucket}/b").body == b"bytes"


def test_a_copy_onto_itself_rewrites_the_headers(admin, anyone, public_bucket):
    admin.post(f"/object/{public_bucket}/a", b"bytes", headers={"Content-Type": "image/png", "Cache-Control": "max-age=10"})
    assert anyone.get(f"/object/public/{public_bucket}/a").headers["Cache-Control"] == "max-age=10"

    reply = copy(
        admin, public_bucket, "a", "a", copyMetadata=False, metadata={"cacheControl": "max-age=99"}, headers={"x-upsert": "true"}
    )

    assert reply.status == 200, reply.text
    read = anyone.get(f"/object/public/{public_bucket}/a")
    info = admin.get(f"/object/info/{public_bucket}/a").json()
    assert (read.body, read.headers["Cache-Control"], read.headers["Content-Type"]) == (b"bytes", "max-age=99", "image/png")
    assert (info["cache_control"], info["content_type"]) == ("max-age=99", "image/png")


def test_a_copy_honours_the_destinations_limits(admin, bucket, make_bucket, source):
    small, texts = make_bucket(file_size_limit=2), make_bucket(allowed_mime_types=["text/*"])
    assert copy(admin, bucket, source, "b", destinationBucket=small).json()["statusCode"] == "413"
    assert copy(admin, bucket, source, "b", destinationBucket=texts).json()["statusCode"] == "415"


def test_a_copy_denied_at_its_destination_is_400(user, bucket, source, database):
    with database.policies(f"on storage.objects for select to authenticated using (bucket_id = '{bucket}')"):
        reply = copy(user, bucket, source, "b")
    assert (reply.status, reply.text) == (400, refused("INSERT"))


def test_a_copy_of_what_is_unknown_or_hidden_is_not_found(admin, anon, bucket, source):
    for reply in (copy(admin, bucket, "missing", "b"), copy(admin, "no-such-bucket", "a", "b"), copy(anon, bucket, source, "b")):
        assert (reply.status, reply.text) == (400, OBJECT_NOT_FOUND)


def test_a_copy_into_an_unknown_bucket_is_400(admin, bucket, source):
    reply = copy(admin, bucket, source, "b", destinationBucket="no-such-bucket")
    assert (reply.status, reply.json()["statusCode"]) == (400, "404")


def test_a_copys_policies_see_its_metadata(user, bucket, source, database):
    read = f"on storage.objects for select to authenticated using (bucket_id = '{bucket}')"
    write = f"on storage.objects for insert to authenticated with check (bucket_id = '{bucket}' and user_metadata->>'n' = '1' and metadata->>'mimetype' = 'image/png')"
    with database.policies(read, write):
        assert copy(user, bucket, source, "b").status == 200
        assert copy(user, bucket, source, "c", copyMetadata=False).text == refused("INSERT")


@pytest.mark.parametrize("missing", ["bucketId", "sourceKey", "destinationKey"])
@pytest.mark.parametrize("route", ["copy", "move"])
def test_a_missing_field_is_named(admin, bucket, route, missing):
    fields = {"bucketId": bucket, "sourceKey": "a", "destinationKey": "b"}
    del fields[missing]
    reply = admin.send_json("POST", f"/object/{route}", fields)
    assert (reply.status, reply.json()["message"]) == (400, f"body must have required property '{missing}'")


@pytest.mark.parametrize("route", [copy, move])
def test_a_destination_key_outside_of_the_alphabet_is_invalid(admin, bucket, source, route):
    reply = route(admin, bucket, source, "b#c")
    assert (reply.status, reply.json()["error"]) == (400, "InvalidKey")


def test_a_move_in_and_between_buckets(admin, bucket, make_bucket, source):
    other = make_bucket()
    before = admin.get(f"/object/info/{bucket}/a").json()
    reply = move(admin, bucket, source, "b")
    assert (reply.status, reply.text) == (200, '{"message":"Successfully moved"}')
    assert admin.get(f"/object/{bucket}/a").text == OBJECT_NOT_FOUND
    assert move(admin, bucket, "b", "c", destinationBucket=other).status == 200
    assert admin.get(f"/object/{bucket}/b").text == OBJECT_NOT_FOUND
    assert admin.get(f"/object/{other}/c").body == b"bytes"
    after = admin.get(f"/object/info/{other}/c").json()
    assert (after["id"], after["created_at"], after["metadata"]) == (before["id"], before["created_at"], {"n": 1})


def test_a_move_onto_an_existing_key_is_409_in_the_body_and_keeps_both(admin, bucket, source, put):
    put(bucket, "b", b"other")
    reply = move(admin, bucket, source, "b")
    assert (reply.status, reply.json()["statusCode"], reply.json()["error"]) == (400, "409", "Duplicate")
    assert (admin.get(f"/object/{bucket}/a").body, admin.get(f"/object/{bucket}/b").body) == (b"bytes", b"other")


def test_a_move_onto_itself_is_200(admin, bucket, source):
    assert move(admin, bucket, source, source).text == '{"message":"Successfully moved"}'
    assert admin.get(f"/object/{bucket}/a").body == b"bytes"


def test_a_move_of_what_is_unknown_or_hidden_is_not_found(admin, anon, bucket, source):
    for reply in (move(admin, bucket, "missing", "b"), move(admin, "no-such-bucket", "a", "b"), move(anon, bucket, source, "b")):
        assert (reply.status, reply.text) == (400, OBJECT_NOT_FOUND)


def test_a_move_into_an_unknown_bucket_names_the_related_resource(admin, bucket, source):
    reply = move(admin, bucket, source, "b", destinationBucket="no-such-bucket")
    assert (reply.status, reply.text) == (400, RELATED_MISSING)


def test_a_move_refused_at_its_destination_changes_nothing(user, admin, bucket, source, database):
    policies = (
        f"on storage.objects for select to authenticated using (bucket_id = '{bucket}')",
        f"on storage.objects for update to authenticated using (bucket_id = '{bucket}') with check (name like 'allowed/%')",
    )
    with database.policies(*policies):
        denied = move(user, bucket, source, "elsewhere/b")
        assert (denied.status, denied.text) == (400, refused("UPDATE"))
        assert admin.get(f"/object/{bucket}/a").body == b"bytes"
        assert move(user, bucket, source, "allowed/b").status == 200


def test_a_moved_public_object_is_gone_from_its_old_address_at_once(admin, anyone, public_bucket, put):
    put(public_bucket, "a", b"hot")
    for _ in range(3):
        assert anyone.get(f"/object/public/{public_bucket}/a").body == b"hot"
    move(admin, public_bucket, "a", "b")
    assert anyone.get(f"/object/public/{public_bucket}/a").status == 400
    assert anyone.get(f"/object/public/{public_bucket}/b").body == b"hot"


def test_a_copy_survives_its_source(admin, bucket, source):
    copy(admin, bucket, source, "b")
    admin.put(f"/object/{bucket}/a", b"changed")
    admin.delete(f"/object/{bucket}/a")
    assert admin.get(f"/object/{bucket}/b").body == b"bytes"
