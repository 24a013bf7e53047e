# SPDX-License-Identifier: Apache-2.0
"""Uploads: each test's name is a line of the checklist."""

from __future__ import annotations

import json
import threading
import uuid

import pytest
from Support.wire import (
    BUCKET_NOT_FOUND,
    DUPLICATE_KEY,
    Wire,
    encoded_metadata,
    error_text,
    form,
    raw_exchange,
    refused,
    status_of,
)

TOO_LARGE = error_text("413", "Payload too large", "The object exceeded the maximum allowed size", "EntityTooLarge")
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


def bad_type(name: str) -> str:
    return error_text("415", "invalid_mime_type", f"mime type {name} is not supported", "InvalidMimeType")


def send(wire: Wire, way: str, target: str, body: bytes, method: str = "POST", content_type: str = "text/plain", **headers: str):
    """An upload as a raw body or as a form."""
    extra = {name.replace("_", "-"): value for name, value in headers.items()}
    if way == "raw":
        return wire.request(method, target, body, headers={"Content-Type": content_type, **extra})
    content, fields = form({"cacheControl": "3600"}, body, file_type=content_type)
    return wire.request(method, target, content, headers={**fields, **extra})


ways = pytest.mark.parametrize("way", ["raw", "multipart"])


@ways
def test_upload_with_x_upsert_answers_key_and_id(admin, bucket, way):
    import re

    reply = send(admin, way, f"/object/{bucket}/dir/a.txt", b"text", x_upsert="true")
    assert reply.status == 200
    assert re.fullmatch(rf'{{"Id":"{UUID}","Key":"{bucket}/dir/a.txt"}}', reply.text)


@ways
def test_a_duplicate_without_upsert_is_409_in_the_body_and_leaves_the_old_bytes(admin, bucket, way):
    assert send(admin, way, f"/object/{bucket}/a.txt", b"old").status == 200
    for upsert in ("false", "TRUE", "1"):
        reply = send(admin, way, f"/object/{bucket}/a.txt", b"new", x_upsert=upsert)
        assert (reply.status, reply.text) == (400, DUPLICATE_KEY)
    assert admin.get(f"/object/{bucket}/a.txt").body == b"old"


@ways
def test_an_upsert_replaces(admin, bucket, way):
    for body in (b"old", b"new"):
        assert send(admin, way, f"/object/{bucket}/a.txt", body, x_upsert="true").status == 200
    assert admin.get(f"/object/{bucket}/a.txt").body == b"new"


@ways
def test_put_replaces_and_makes(admin, bucket, way):
    for body in (b"made", b"replaced"):
        assert send(admin, way, f"/object/{bucket}/a.txt", body, method="PUT").status == 200
        assert admin.get(f"/object/{bucket}/a.txt").body == body


@ways
def test_a_wrong_mime_type_is_415_in_the_body(admin, make_bucket, way):
    bucket = make_bucket(allowed_mime_types=["image/*"])
    reply = send(admin, way, f"/object/{bucket}/a.txt", b"text", content_type="text/plain")
    assert (reply.status, reply.text) == (400, bad_type("text/plain"))
    assert send(admin, way, f"/object/{bucket}/a.png", b"png", content_type="image/png").status == 200


@ways
def test_a_mime_list_set_by_a_later_update_counts(admin, bucket, way):
    assert admin.send_json("PUT", f"/bucket/{bucket}", {"allowed_mime_types": ["image/jpeg"]}).status == 200
    assert send(admin, way, f"/object/{bucket}/a.txt", b"text").text == bad_type("text/plain")
    assert send(admin, way, f"/object/{bucket}/a.jpg", b"jpg", content_type="image/jpeg").status == 200


def test_the_form_field_content_type_overrides_the_part(admin, make_bucket):
    bucket = make_bucket(allowed_mime_types=["image/png"])
    content, headers = form({"contentType": "image/png"}, b"png", file_type="text/plain")
    assert admin.post(f"/object/{bucket}/a.png", content, headers=headers).status == 200
    assert admin.get(f"/object/info/{bucket}/a.png").json()["content_type"] == "image/png"


@ways
def test_a_body_over_the_buckets_limit_is_413_in_the_body_and_leaves_nothing(server, admin, make_bucket, way):
    bucket = make_bucket(file_size_limit=10)
    reply = send(admin, way, f"/object/{bucket}/a.txt", b"x" * 20)
    assert (reply.status, reply.text) == (400, TOO_LARGE)
    assert admin.get(f"/object/{bucket}/a.txt").status == 400
    assert send(admin, way, f"/object/{bucket}/a.txt", b"x" * 10).status == 200


def test_a_chunked_body_is_limited_too(admin, make_bucket):
    bucket = make_bucket(file_size_limit=10)
    reply = admin.request(
        "POST", f"/object/{bucket}/a.txt", iter([b"12345678", b"90123456"]), headers={"Content-Type": "text/plain"}
    )
    assert (reply.status, reply.text) == (400, TOO_LARGE)
    assert admin.request("POST", f"/object/{bucket}/a.txt", iter([b"12345", b"67890"])).status == 200


def test_a_limit_of_zero_counts(admin, make_bucket):
    bucket = make_bucket(file_size_limit=0)
    assert admin.post(f"/object/{bucket}/a.txt", b"x").text == TOO_LARGE
    assert admin.post(f"/object/{bucket}/a.txt", b"").status == 200


def test_a_spoofed_decoded_content_length_is_ignored(admin, make_bucket):
    bucket = make_bucket(file_size_limit=10)
    reply = admin.post(f"/object/{bucket}/a.txt", b"x" * 20, headers={"x-amz-decoded-content-length": "5"})
    assert reply.text == TOO_LARGE


def test_x_metadata_round_trips_through_info(admin, bucket):
    value = {"a": {"b": [1, 2.5, None, "ü"]}, "ok": True}
    admin.post(f"/object/{bucket}/a.txt", b"x", headers={"x-metadata": encoded_metadata(value)})
    assert admin.get(f"/object/info/{bucket}/a.txt").json()["metadata"] == value


@pytest.mark.parametrize("header", ["%%%", "bm90IGpzb24=", "W10="])
def test_an_unreadable_x_metadata_is_ignored(admin, bucket, header):
    assert admin.post(f"/object/{bucket}/a.txt", b"x", headers={"x-metadata": header}).status == 200
    assert admin.get(f"/object/info/{bucket}/a.txt").json()["metadata"] in (None, {})


@pytest.mark.parametrize("name", ["metadata", "userMetadata"])
@pytest.mark.parametrize("place", ["before", "after"])
def test_the_metadata_field_lands_before_and_after_the_file(admin, bucket, name, place):
    fields = {name: json.dumps({"department": "press"}), "cacheControl": "60"}
    content, headers = form(fields if place == "before" else {}, b"x", fields_after=fields if place == "after" else None)
    assert admin.post(f"/object/{bucket}/a.txt", content, headers=headers).status == 200
    info = admin.get(f"/object/info/{bucket}/a.txt").json()
    assert (info["metadata"], info["cache_control"], info["size"]) == ({"department": "press"}, "max-age=60", 1)


def test_user_metadata_is_replaced_by_an_update(admin, bucket):
    admin.post(f"/object/{bucket}/a.txt", b"x", headers={"x-metadata": encoded_metadata({"n": 1})})
    admin.put(f"/object/{bucket}/a.txt", b"y", headers={"x-metadata": encoded_metadata({"m": 2})})
    assert admin.get(f"/object/info/{bucket}/a.txt").json()["metadata"] == {"m": 2}
    admin.put(f"/object/{bucket}/a.txt", b"z")
    assert admin.get(f"/object/info/{bucket}/a.txt").json()["metadata"] in (None, {})


def test_user_metadata_over_one_mebibyte_is_413_in_the_body(admin, bucket):
    content, headers = form({"metadata": json.dumps({"x": "y" * (1 << 20)})}, b"x")
    reply = admin.post(f"/object/{bucket}/a.txt", content, headers=headers)
    assert (reply.status, reply.json()["statusCode"], reply.json()["error"]) == (400, "413", "Payload too large")
    assert "user_metadata" in reply.json()["message"]


@pytest.mark.parametrize("field", ["file", "", "anything"])
def test_a_file_part_of_any_name_is_the_body(admin, bucket, field):
    content, headers = form({"cacheControl": "3600"}, b"the bytes", file_field=field)
    assert admin.post(f"/object/{bucket}/a.txt", content, headers=headers).status == 200
    assert admin.get(f"/object/{bucket}/a.txt").body == b"the bytes"


def test_bytes_that_look_like_a_boundary_are_stored(admin, bucket):
    body = b"\r\n--magpie-boundary-7f3\r\n--magpie-boundary-7f3b--\r\n\r\n--"
    content, headers = form({}, body)
    assert admin.post(f"/object/{bucket}/a.bin", content, headers=headers).status == 200
    assert admin.get(f"/object/{bucket}/a.bin").body == body


def test_a_form_without_a_file_is_refused(admin, bucket):
    content, headers = form({"cacheControl": "3600"}, None)
    reply = admin.post(f"/object/{bucket}/a.txt", content, headers=headers)
    assert (reply.status, reply.json()["code"]) == (400, "InvalidRequest")
    assert "No content provided" in reply.json()["message"]


def test_the_defaults_of_a_raw_body(admin, bucket):
    assert admin.post(f"/object/{bucket}/a", b"x").status == 200
    info = admin.get(f"/object/info/{bucket}/a").json()
    assert (info["content_type"], info["cache_control"]) == ("application/octet-stream", "no-cache")


def test_a_raw_bodys_cache_control_is_stored_as_it_came(admin, bucket):
    admin.post(f"/object/{bucket}/a", b"x", headers={"Cache-Control": "public, max-age=31536000, immutable"})
    assert admin.get(f"/object/{bucket}/a").headers["Cache-Control"] == "public, max-age=31536000, immutable"


def test_json_and_text_bodies_are_ordinary_bytes(admin, bucket):
    for content_type, body in (("application/json", b"{not json"), ("text/plain", b"\xff\xfe")):
        assert admin.put(f"/object/{bucket}/a", body, headers={"Content-Type": content_type}).status == 200
        assert admin.get(f"/object/{bucket}/a").body == body


@ways
def test_anon_gets_the_row_level_security_body_and_nothing_is_stored(server, anon, admin, bucket, way):
    before = set(server.blobs())
    reply = send(anon, way, f"/object/{bucket}/a.txt", b"x" * 100)
    assert (reply.status, reply.text) == (400, refused("INSERT", "anon"))
    assert before.issuperset(server.blobs())


@ways
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_an_unknown_bucket_is_not_found(admin, way, method):
    reply = send(admin, way, "/object/no-such-bucket/a.txt", b"x", method=method)
    assert (reply.status, reply.text) == (400, BUCKET_NOT_FOUND)


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_an_empty_file_name_is_400(admin, bucket, method):
    assert admin.request(method, f"/object/{bucket}/", b"x").status == 400


@pytest.mark.parametrize(
    "key", ["na%C3%AFve.txt", "a%23b", "a%5Bb%5D", "a%7Eb", "a%22b", "a%5Cb", "a%0Ab", "x" * 1100, "a/../b", "./a", "a/%2e%2e/b"]
)
def test_a_key_outside_of_the_alphabet_is_invalid(admin, bucket, key):
    reply = admin.post(f"/object/{bucket}/{key}", b"x")
    assert (reply.status, reply.json()["error"], reply.json()["code"]) == (400, "InvalidKey", "InvalidKey")


def test_an_invalid_key_is_named(admin, bucket):
    reply = admin.post(f"/object/{bucket}/a%23b", b"x")
    assert reply.text == error_text("400", "InvalidKey", "Invalid key: a#b", "InvalidKey")


def test_an_empty_folder_placeholder_passes_a_mime_restricted_bucket_if_it_is_empty(admin, make_bucket):
    bucket = make_bucket(allowed_mime_types=["image/*"])
    assert admin.post(f"/object/{bucket}/dir/.emptyFolderPlaceholder", b"").status == 200
    assert admin.put(f"/object/{bucket}/dir/.emptyFolderPlaceholder", b"1").status == 400


def test_robots_rules_default_to_none_and_are_replaced_on_upsert(admin, bucket):
    def robots() -> str:
        return admin.get(f"/object/{bucket}/a").headers["X-Robots-Tag"]

    admin.post(f"/object/{bucket}/a", b"x")
    assert robots() == "none"
    for rule in ("all", "max-snippet: 10, notranslate"):
        assert admin.put(f"/object/{bucket}/a", b"x", headers={"x-robots-tag": rule}).status == 200
        assert robots() == rule
    admin.put(f"/object/{bucket}/a", b"x")
    assert robots() == "none"


def test_an_invalid_robots_rule_is_400(admin, bucket):
    reply = admin.post(f"/object/{bucket}/a", b"x", headers={"x-robots-tag": "invalidrule"})
    assert (reply.status, reply.text) == (
        400,
        error_text(
            "400",
            "invalid_x_robots_tag",
            'Invalid X-Robots-Tag header: Invalid X-Robots-Tag rule: "invalidrule"',
            "InvalidRequest",
        ),
    )


def test_the_declared_length_type_and_user_metadata_are_visible_to_policies(server, user, bucket, database):
    check = f"""on storage.objects for insert to authenticated with check (
        bucket_id = '{bucket}' and (metadata->>'contentLength')::int <= 10 and metadata->>'mimetype' like 'image/%'
        and user_metadata->>'department' = 'press')"""
    good = {"Content-Type": "image/png", "x-metadata": encoded_metadata({"department": "press"})}
    with database.policies(check):
        assert user.post(f"/object/{bucket}/a.png", b"x" * 10, headers=good).status == 200
        for body, headers in (
            (b"x" * 11, good),
            (b"x", {**good, "Content-Type": "text/plain"}),
            (b"x", {**good, "x-metadata": encoded_metadata({"department": "sales"})}),
            (b"x", {"Content-Type": "image/png"}),
        ):
            reply = user.post(f"/object/{bucket}/b.png", body, headers=headers)
            assert (reply.status, reply.text) == (400, refused("INSERT"))


def test_metadata_behind_the_file_is_judged_by_policies_too(user, bucket, database):
    check = f"on storage.objects for insert to authenticated with check (bucket_id = '{bucket}' and coalesce(user_metadata->>'secret', '') = '')"
    content, headers = form({}, b"x", fields_after={"metadata": json.dumps({"secret": "yes"})})
    with database.policies(check):
        reply = user.post(f"/object/{bucket}/a.txt", content, headers=headers)
    assert (reply.status, reply.text) == (400, refused("INSERT"))


@ways
def test_a_refused_upload_leaves_no_row_and_no_bytes(server, admin, make_bucket, database, way):
    bucket = make_bucket(file_size_limit=1000)
    before = set(server.blobs())
    reply = (
        admin.request("POST", f"/object/{bucket}/a.txt", iter([b"x" * 600] * 4))
        if way == "raw"
        else send(admin, way, f"/object/{bucket}/a.txt", b"x" * 4000)
    )
    assert reply.text == TOO_LARGE
    assert database.value(f"select count(*) from storage.objects where bucket_id = '{bucket}'") == "0"
    assert before.issuperset(server.blobs())


def test_the_row_has_the_metadata_that_existing_code_reads(admin, bucket, database):
    admin.post(f"/object/{bucket}/a.txt", b"hello", headers={"Content-Type": "text/plain", "Cache-Control": "max-age=7"})
    row = database.rows(
        f"select metadata, owner, owner_id, version, path_tokens from storage.objects where bucket_id = '{bucket}'"
    )[0]
    metadata = row["metadata"]
    assert metadata["eTag"] == '"5d41402abc4b2a76b9719d911017c592"'
    assert (
        metadata["size"],
        metadata["contentLength"],
        metadata["mimetype"],
        metadata["cacheControl"],
        metadata["httpStatusCode"],
    ) == (5, 5, "text/plain", "max-age=7", 200)
    assert metadata["lastModified"].endswith("Z")
    assert (row["owner"], row["owner_id"], row["path_tokens"], len(row["version"])) == (None, None, ["a.txt"], 36)


def test_the_owner_is_the_callers_subject(server, bucket, database, anyone):
    from Support.tokens import new_subject, token

    subject = new_subject()
    with database.policies(f"on storage.objects for all to authenticated using (bucket_id = '{bucket}')"):
        for key, sub in (("uuid.txt", subject), ("text.txt", "auth0|12")):
            reply = anyone.post(f"/object/{bucket}/{key}", b"x", token=token(server.keys.jwt_secret, subject=sub))
            assert reply.status == 200, reply.text
    rows = database.rows(f"select name, owner, owner_id from storage.objects where bucket_id = '{bucket}' order by name")
    assert rows == [
        {"name": "text.txt", "owner": None, "owner_id": "auth0|12"},
        {"name": "uuid.txt", "owner": subject, "owner_id": subject},
    ]


def test_two_racing_uploads_without_upsert_cannot_both_win(server, admin, bucket):
    for round_ in range(12):
        key = f"race-{round_}"
        replies, barrier = [], threading.Barrier(6)

        def upload(number: int) -> None:
            barrier.wait()
            reply = Wire(server.port, server.keys.service).post(f"/object/{bucket}/{key}", str(number).encode() * 2000)
            replies.append((number, reply.status, reply.text))

        threads = [threading.Thread(target=upload, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        winners = [number for number, status, _ in replies if status == 200]
        assert len(winners) == 1, replies
        assert {text for _, status, text in replies if status != 200} == {DUPLICATE_KEY}
        assert admin.get(f"/object/{bucket}/{key}").body == str(winners[0]).encode() * 2000


def test_a_client_that_goes_away_in_the_middle_leaves_nothing(server, admin, bucket, database):
    from Support.server import wait_until

    before = set(server.blobs())
    head = (
        f"POST /object/{bucket}/gone.bin HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {server.keys.service}\r\n"
        "Content-Length: 1000000\r\n\r\n"
    ).encode()
    raw_exchange(server.port, head + b"x" * 300_000, timeout=0.3)
    assert wait_until(lambda: before.issuperset(server.blobs()), 10)
    assert database.value(f"select count(*) from storage.objects where bucket_id = '{bucket}'") == "0"
    assert admin.post(f"/object/{bucket}/gone.bin", b"again").status == 200


def test_an_answer_to_a_body_that_was_not_read_closes_the_connection(server, anon, bucket):
    head = (
        f"POST /object/{bucket}/a.bin HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {server.keys.anon}\r\n"
        "Content-Length: 50000000\r\n\r\n"
    ).encode()
    answer = raw_exchange(server.port, head + b"x" * 100_000, timeout=5)
    assert status_of(answer) == 400
    assert b"\r\nconnection: close" in answer.lower()


def test_expect_100_continue_is_answered_before_the_body(server, admin, bucket):
    import socket

    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(
            (
                f"PUT /object/{bucket}/a.txt HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {server.keys.service}\r\n"
                "Content-Length: 4\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
            ).encode()
        )
        first = connection.recv(1000)
        assert first.startswith(b"HTTP/1.1 100 ")
        connection.sendall(b"body")
        rest = first
        while piece := connection.recv(65536):
            rest += piece
    assert b"HTTP/1.1 200 " in rest
    assert admin.get(f"/object/{bucket}/a.txt").body == b"body"


def test_a_replaced_objects_bytes_are_removed_from_the_disk(server, admin, bucket):
    from Support.server import wait_until

    key = uuid.uuid4().hex
    admin.put(f"/object/{bucket}/{key}", b"first")
    before = len(server.blobs())
    for number in range(5):
        admin.put(f"/object/{bucket}/{key}", f"version {number}".encode())
    assert wait_until(lambda: len(server.blobs()) <= before, 20)
    assert admin.get(f"/object/{bucket}/{key}").body == b"version 4"
