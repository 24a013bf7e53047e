# SPDX-License-Identifier: Apache-2.0
"""Buckets: each test's name is a line of the checklist."""

from __future__ import annotations

import re
import uuid

import pytest
from Support.wire import BUCKET_NOT_FOUND, error_text, refused

TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")


def unique(prefix: str = "n") -> str:
    return f"{prefix}-{uuid.uuid4().hex[:12]}"


def invalid_name() -> str:
    return error_text("400", "Invalid Input", "Bucket name invalid", "InvalidBucketName")


def test_create_returns_the_name(admin):
    name = unique()
    reply = admin.send_json("POST", "/bucket", {"id": name, "name": name, "public": False, "file_size_limit": None})
    assert (reply.status, reply.text) == (200, f'{{"name":"{name}"}}')


def test_create_of_a_duplicate_is_409_in_the_body(admin, bucket):
    reply = admin.send_json("POST", "/bucket", {"name": bucket})
    assert (reply.status, reply.text) == (
        400,
        error_text("409", "Duplicate", "The resource already exists", "BucketAlreadyExists"),
    )


@pytest.mark.parametrize(
    "name", ["a/b", "x" * 101, " leading", "trailing ", "tab\tinside", "naïve", "percent%", "a--table-s3", ""]
)
def test_create_refuses_an_invalid_name(admin, name):
    reply = admin.send_json("POST", "/bucket", {"name": name})
    assert (reply.status, reply.text) == (400, invalid_name())


def test_create_refuses_an_invalid_id_with_a_valid_name(admin):
    reply = admin.send_json("POST", "/bucket", {"name": unique(), "id": "a/b"})
    assert (reply.status, reply.text) == (400, invalid_name())


@pytest.mark.parametrize("name", ["a.b-c_d!e*f'g(h) i&j$k@l=m;n:o+p,q?r"])
def test_create_takes_every_allowed_character(admin, name):
    name += uuid.uuid4().hex[:6]
    assert admin.send_json("POST", "/bucket", {"name": name}).status == 200


def test_create_takes_100_characters(admin):
    assert admin.send_json("POST", "/bucket", {"name": unique().ljust(100, "x")}).status == 200


def test_create_by_anon_is_refused_with_the_row_level_security_text(anon):
    reply = anon.send_json("POST", "/bucket", {"name": unique()})
    assert (reply.status, reply.text) == (400, refused("INSERT", "anon", "storage.buckets"))


def test_create_without_a_name_says_so(admin):
    reply = admin.send_json("POST", "/bucket", {"public": True})
    assert (reply.status, reply.text) == (
        400,
        error_text("400", "Error", "body must have required property 'name'", "InvalidRequest"),
    )


@pytest.mark.parametrize(
    ("limit", "bytes_"),
    [(1000, 1000), ("100", 100), ("1KB", 1000), ("1.5MB", 1_500_000), ("2gb", 2_000_000_000), ("10B", 10), (0, 0), (None, None)],
)
def test_create_reads_size_limits_with_units(admin, limit, bytes_):
    name = unique()
    assert admin.send_json("POST", "/bucket", {"name": name, "file_size_limit": limit}).status == 200
    assert admin.get(f"/bucket/{name}").json()["file_size_limit"] == bytes_


@pytest.mark.parametrize("limit", ["many", "1XB", -1, "-5MB"])
def test_create_refuses_a_malformed_size_limit(admin, limit):
    assert admin.send_json("POST", "/bucket", {"name": unique(), "file_size_limit": limit}).status == 400


@pytest.mark.parametrize("types", [["image"], ["/png"], ["image/png; x=y"], ["x" * 1001 + "/y"]])
def test_create_refuses_a_malformed_mime_type(admin, types):
    reply = admin.send_json("POST", "/bucket", {"name": unique(), "allowed_mime_types": types})
    assert (reply.status, reply.json()["error"]) == (400, "invalid_mime_type")


def test_get_by_id_has_every_field(admin, make_bucket):
    name = make_bucket(public=True)
    reply = admin.get(f"/bucket/{name}")
    body = reply.json()
    assert reply.status == 200
    assert {key: body[key] for key in ("id", "name", "owner", "public", "file_size_limit", "allowed_mime_types")} == {
        "id": name,
        "name": name,
        "owner": "",
        "public": True,
        "file_size_limit": None,
        "allowed_mime_types": None,
    }
    assert TIME.match(body["created_at"]) and TIME.match(body["updated_at"])
    assert "type" not in body


def test_get_of_an_unknown_bucket_and_by_anon_is_not_found(admin, anon, bucket):
    for reply in (admin.get("/bucket/no-such-bucket"), anon.get(f"/bucket/{bucket}")):
        assert (reply.status, reply.text) == (400, BUCKET_NOT_FOUND)


def test_list_search_finds_the_bucket_in_any_case(admin, bucket):
    assert [row["id"] for row in admin.get(f"/bucket?search={bucket[3:12].upper()}").json()] == [bucket]


@pytest.mark.parametrize("search", ["%25", "b_%25", "___"])
def test_list_search_takes_percent_and_underscore_literally(admin, bucket, search):
    assert admin.get(f"/bucket?search={search}").json() == []


def test_list_has_the_type(admin, bucket):
    assert admin.get(f"/bucket?search={bucket}").json()[0]["type"] == "STANDARD"


@pytest.mark.parametrize(
    ("header", "value", "has_type"),
    [
        ("X-Client-Info", "supabase-py/2.17.9", False),
        ("X-Client-Info", "supabase-py/2.18.0", True),
        ("User-Agent", "supabase-py/storage3 v0.12.0", False),
        ("User-Agent", "supabase-py/storage3 v0.12.1", True),
        ("X-Client-Info", "storage-js/2.0.0", True),
    ],
)
def test_list_leaves_the_type_out_for_old_python_clients(admin, bucket, header, value, has_type):
    row = admin.get(f"/bucket?search={bucket}", headers={header: value}).json()[0]
    assert ("type" in row) is has_type


def test_list_by_anon_is_empty(anon, bucket):
    reply = anon.get("/bucket")
    assert (reply.status, reply.text) == (200, "[]")


def test_list_pages_and_sorts_what_it_finds(admin):
    mark = uuid.uuid4().hex[:10]
    for letter in "cab":
        admin.send_json("POST", "/bucket", {"name": f"{mark}-{letter}"})

    def names(query: str) -> list[str]:
        return [row["name"][-1] for row in admin.get(f"/bucket?search={mark}&{query}").json()]

    assert names("sortColumn=name&sortOrder=asc") == ["a", "b", "c"]
    assert names("sortColumn=name&sortOrder=desc&limit=2") == ["c", "b"]
    assert names("sortColumn=name&sortOrder=asc&limit=2&offset=1") == ["b", "c"]
    assert names("sortColumn=created_at&sortOrder=asc") == ["c", "a", "b"]


@pytest.mark.parametrize(
    ("query", "field"), [("limit=0", "limit"), ("offset=-1", "offset"), ("limit=x", "limit"), ("sortColumn=owner", "sortColumn")]
)
def test_list_refuses_a_query_out_of_range_and_names_the_field(admin, query, field):
    reply = admin.get(f"/bucket?{query}")
    assert (reply.status, field in reply.json()["message"]) == (400, True)


def test_update_changes_visibility_limit_and_types(admin, bucket):
    reply = admin.send_json(
        "PUT", f"/bucket/{bucket}", {"public": "true", "file_size_limit": "5MB", "allowed_mime_types": ["image/*", ""]}
    )
    assert (reply.status, reply.text) == (200, '{"message":"Successfully updated"}')
    body = admin.get(f"/bucket/{bucket}").json()
    assert (body["public"], body["file_size_limit"], body["allowed_mime_types"]) == (True, 5_000_000, ["image/*"])


def test_update_with_nulls_lifts_the_limits(admin, make_bucket):
    name = make_bucket(file_size_limit=5, allowed_mime_types=["a/b"])
    assert admin.send_json("PUT", f"/bucket/{name}", {"file_size_limit": None, "allowed_mime_types": None}).status == 200
    body = admin.get(f"/bucket/{name}").json()
    assert (body["file_size_limit"], body["allowed_mime_types"]) == (None, None)


def test_update_with_nothing_for_an_unknown_bucket_or_by_anon_is_400(admin, anon, bucket):
    assert admin.send_json("PUT", f"/bucket/{bucket}", {}).status == 400
    assert admin.put(f"/bucket/{bucket}").status == 400
    assert admin.send_json("PUT", "/bucket/no-such-bucket", {"public": True}).text == BUCKET_NOT_FOUND
    assert anon.send_json("PUT", f"/bucket/{bucket}", {"public": True}).text == BUCKET_NOT_FOUND


def test_a_bucket_made_private_is_closed_at_once(admin, anyone, public_bucket, put):
    put(public_bucket, "a.txt", b"open")
    opened = anyone.get(f"/object/public/{public_bucket}/a.txt")
    assert opened.status == 200
    assert opened.headers["X-Robots-Tag"] == "none"
    again = anyone.get(f"/object/public/{public_bucket}/a.txt", headers={"If-None-Match": opened.headers["ETag"]})
    assert (again.status, again.body) == (304, b"")
    assert opened.headers["Last-Modified"]

    admin.send_json("PUT", f"/bucket/{public_bucket}", {"public": False})

    for headers in ({}, {"If-None-Match": opened.headers["ETag"]}):
        closed = anyone.get(f"/object/public/{public_bucket}/a.txt", headers=headers)
        assert (closed.status, closed.text) == (400, BUCKET_NOT_FOUND)


def test_a_bucket_made_private_by_plain_sql_is_closed_soon(admin, anyone, public_bucket, put, database):
    put(public_bucket, "a.txt", b"open")
    for _ in range(3):
        assert anyone.get(f"/object/public/{public_bucket}/a.txt").status == 200

    database.run(f"update storage.buckets set public = false where id = '{public_bucket}'")

    from Support.server import wait_until

    assert wait_until(lambda: anyone.get(f"/object/public/{public_bucket}/a.txt").status == 400, 2)


@pytest.mark.parametrize("body", [b"{}", b"", None])
def test_empty_and_delete_take_an_empty_json_object_an_empty_json_body_or_none(admin, make_bucket, body):
    name = make_bucket()
    headers = {} if body is None else {"Content-Type": "application/json"}
    emptied = admin.post(f"/bucket/{name}/empty", body, headers=headers)
    deleted = admin.delete(f"/bucket/{name}", body, headers=headers)
    assert (emptied.status, emptied.text) == (
        200,
        '{"message":"Empty bucket has been queued. Completion may take up to an hour."}',
    )
    assert (deleted.status, deleted.text) == (200, '{"message":"Successfully deleted"}')


def test_empty_leaves_nothing_to_list(admin, bucket, put):
    for number in range(7):
        put(bucket, f"dir/{number}.txt")
    assert admin.post(f"/bucket/{bucket}/empty").status == 200
    assert admin.send_json("POST", f"/object/list/{bucket}", {"prefix": ""}).text == "[]"


def test_empty_of_an_unknown_bucket_is_not_found(admin):
    reply = admin.post("/bucket/no-such-bucket/empty")
    assert (reply.status, reply.text) == (400, BUCKET_NOT_FOUND)


def test_empty_by_another_role_is_403(anon, user, bucket):
    for caller in (anon, user):
        reply = caller.post(f"/bucket/{bucket}/empty")
        assert (reply.status, reply.text) == (
            403,
            error_text("403", "Unauthorized", "Access denied: Invalid role", "AccessDenied"),
        )


def test_empty_with_a_bad_token_is_400(anyone, bucket):
    assert anyone.post(f"/bucket/{bucket}/empty", token="bad").status == 400


def test_delete_of_a_bucket_that_is_not_empty_is_409_in_the_body(admin, bucket, put):
    put(bucket, "a.txt")
    reply = admin.delete(f"/bucket/{bucket}")
    body = reply.json()
    assert (reply.status, body["statusCode"], body["error"], body["code"]) == (400, "409", "ResourceNotEmpty", "ResourceNotEmpty")
    assert "not empty" in body["message"]


def test_delete_of_an_unknown_bucket_and_by_anon_is_not_found(admin, anon, bucket):
    assert admin.delete("/bucket/no-such-bucket").text == BUCKET_NOT_FOUND
    assert anon.delete(f"/bucket/{bucket}").text == BUCKET_NOT_FOUND
