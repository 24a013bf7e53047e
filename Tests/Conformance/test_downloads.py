# SPDX-License-Identifier: Apache-2.0
"""Downloads, HEAD and info: each test's name is a line of the checklist."""

from __future__ import annotations

import hashlib
import http.client
import random
import re
import socket

import pytest
from Support.wire import BUCKET_NOT_FOUND, OBJECT_NOT_FOUND, NO_AUTHORIZATION

BODY = bytes(range(256)) * 40  # 10,240 bytes
DATE = re.compile(r"^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$")


@pytest.fixture
def stored(put, bucket) -> str:
    """The path of an object in a private bucket."""
    put(bucket, "dir/a.bin", BODY, "image/png", Cache_Control="max-age=60")
    return f"{bucket}/dir/a.bin"


@pytest.fixture
def opened(put, public_bucket) -> str:
    """The path of an object in a public bucket."""
    put(public_bucket, "dir/a.bin", BODY, "image/png", Cache_Control="max-age=60")
    return f"{public_bucket}/dir/a.bin"


@pytest.mark.parametrize("route", ["/object/authenticated/", "/object/"])
def test_get_with_and_without_the_authenticated_segment(admin, stored, route):
    reply = admin.get(route + stored)
    assert (reply.status, reply.body) == (200, BODY)
    assert reply.headers["Content-Type"] == "image/png"
    assert reply.headers["Content-Length"] == str(len(BODY))
    assert reply.headers["ETag"] == f'"{hashlib.md5(BODY).hexdigest()}"'
    assert DATE.match(reply.headers["Last-Modified"])
    assert reply.headers["X-Robots-Tag"] == "none"
    assert reply.headers["Accept-Ranges"] == "bytes"
    assert reply.headers["Cache-Control"] == "max-age=60"
    assert reply.headers["Content-Disposition"] is None


def test_public_get_head_and_info_need_no_token(anyone, opened):
    for _ in range(3):  # the first read, and reads from a cache
        assert anyone.get(f"/object/public/{opened}").body == BODY
        assert anyone.head(f"/object/public/{opened}").headers["Content-Length"] == str(len(BODY))
        assert anyone.get(f"/object/info/public/{opened}").json()["size"] == len(BODY)


def test_a_token_that_is_wrong_does_not_disturb_a_public_read(anyone, opened):
    assert anyone.get(f"/object/public/{opened}", token="wrong").body == BODY
    assert anyone.get(f"/object/{opened}", token="wrong").body == BODY


@pytest.mark.parametrize("route", ["/object/authenticated/", "/object/", "/object/info/", "/object/info/authenticated/"])
def test_head_has_the_size_and_an_etag_and_no_body(admin, stored, route):
    reply = admin.head(route + stored)
    assert (reply.status, reply.body) == (200, b"")
    assert reply.headers["Content-Length"] == str(len(BODY))
    assert reply.headers["ETag"] == f'"{hashlib.md5(BODY).hexdigest()}"'


def test_head_values_come_from_the_row(admin, stored, database):
    bucket = stored.split("/")[0]
    database.run(f"""update storage.objects set metadata = metadata || '{{"cacheControl": "max-age=5", "size": "10240"}}'
        where bucket_id = '{bucket}'""")
    reply = admin.head(f"/object/{stored}")
    assert (reply.headers["Cache-Control"], reply.headers["Content-Length"]) == ("max-age=5", "10240")
    assert reply.headers["Accept-Ranges"] == "bytes"


def test_head_is_never_304_or_206(admin, stored):
    tag = admin.head(f"/object/{stored}").headers["ETag"]
    assert admin.head(f"/object/{stored}", headers={"If-None-Match": tag}).status == 200
    assert admin.head(f"/object/{stored}", headers={"Range": "bytes=0-1"}).status == 200


def test_missing_objects_are_not_found_on_every_route(admin, anyone, bucket, public_bucket):
    for reply in (
        admin.get(f"/object/{bucket}/missing"),
        admin.get(f"/object/authenticated/{bucket}/missing"),
        admin.get(f"/object/info/{bucket}/missing"),
        admin.get(f"/object/info/authenticated/{bucket}/missing"),
        anyone.get(f"/object/public/{public_bucket}/missing"),
        anyone.get(f"/object/info/public/{public_bucket}/missing"),
    ):
        assert (reply.status, reply.text) == (400, OBJECT_NOT_FOUND)


def test_head_of_a_missing_object_is_400_with_an_empty_body(admin, bucket):
    for path in ("/object/", "/object/authenticated/", "/object/info/"):
        reply = admin.head(f"{path}{bucket}/missing")
        assert (reply.status, reply.body) == (400, b"")


def test_missing_buckets_are_not_found(admin, anyone):
    for reply in (
        admin.get("/object/no-such-bucket/a"),
        admin.get("/object/authenticated/no-such-bucket/a"),
        anyone.get("/object/public/no-such-bucket/a"),
        anyone.get("/object/info/public/no-such-bucket/a"),
    ):
        assert (reply.status, reply.text) == (400, BUCKET_NOT_FOUND)


def test_a_private_bucket_is_not_found_without_a_token(anyone, stored):
    for path in ("/object/", "/object/public/", "/object/info/public/", "/object/info/"):
        reply = anyone.get(path + stored)
        assert (reply.status, reply.text) == (400, BUCKET_NOT_FOUND)
    assert anyone.get(f"/object/authenticated/{stored}").text == NO_AUTHORIZATION


def test_anon_on_a_private_bucket_finds_no_object(anon, stored):
    assert anon.get(f"/object/authenticated/{stored}").text == OBJECT_NOT_FOUND
    assert anon.get(f"/object/{stored}").status == 400


def test_a_public_bucket_is_readable_with_an_empty_authorization(anyone, opened):
    assert anyone.get(f"/object/{opened}", headers={"Authorization": ""}).body == BODY
    assert anyone.get(f"/object/{opened}").body == BODY


def test_a_public_bucket_needs_no_select_policy_when_authenticated(user, opened):
    assert user.get(f"/object/authenticated/{opened}").body == BODY


# --- conditions and ranges ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("visibility", ["private", "public"])
def test_conditions_answer_304(admin, anyone, stored, opened, visibility):
    wire, path = (admin, f"/object/{stored}") if visibility == "private" else (anyone, f"/object/public/{opened}")
    first = wire.get(path)
    tag, date = first.headers["ETag"], first.headers["Last-Modified"]
    for headers in (
        {"If-None-Match": tag},
        {"If-None-Match": f'"other", {tag}'},
        {"If-None-Match": "*"},
        {"If-None-Match": f"W/{tag}"},
        {"If-Modified-Since": date},
        {"If-None-Match": tag, "If-Modified-Since": "Sat, 01 Jan 2000 00:00:00 GMT"},
    ):
        reply = wire.get(path, headers=headers)
        assert (reply.status, reply.body) == (304, b""), headers
    for headers in (
        {"If-None-Match": '"other"'},
        {"If-Modified-Since": "Sat, 01 Jan 2000 00:00:00 GMT"},
        {"If-Modified-Since": "not a date"},
        {"If-None-Match": '"other"', "If-Modified-Since": date},
    ):
        assert wire.get(path, headers=headers).body == BODY, headers


@pytest.mark.parametrize(
    ("range_", "slice_", "content_range"),
    [
        ("bytes=0-0", slice(0, 1), "bytes 0-0/10240"),
        ("bytes=100-199", slice(100, 200), "bytes 100-199/10240"),
        ("bytes=10000-", slice(10000, None), "bytes 10000-10239/10240"),
        ("bytes=-240", slice(-240, None), "bytes 10000-10239/10240"),
        ("bytes=10239-99999", slice(10239, None), "bytes 10239-10239/10240"),
        ("bytes=-99999", slice(None), "bytes 0-10239/10240"),
    ],
)
@pytest.mark.parametrize("visibility", ["private", "public"])
def test_a_range_answers_206(admin, anyone, stored, opened, range_, slice_, content_range, visibility):
    wire, path = (admin, f"/object/{stored}") if visibility == "private" else (anyone, f"/object/public/{opened}")
    for _ in range(2):
        reply = wire.get(path, headers={"Range": range_})
        assert (reply.status, reply.body) == (206, BODY[slice_])
        assert (reply.headers["Content-Range"], reply.headers["Content-Length"]) == (content_range, str(len(BODY[slice_])))


@pytest.mark.parametrize("range_", ["bytes=10240-", "bytes=5-1", "bytes=-0", "bytes=a-b", "bytes=0-1,3-4", "bytes=", "bytes=--1"])
def test_an_unsatisfiable_malformed_or_multiple_range_stays_416(admin, anyone, stored, opened, range_):
    for wire, path in ((admin, f"/object/{stored}"), (anyone, f"/object/public/{opened}")):
        reply = wire.get(path, headers={"Range": range_})
        body = reply.json()
        assert (reply.status, body["statusCode"], body["error"], body["code"]) == (416, "416", "invalid_range", "InvalidRange")
        if range_ in ("bytes=10240-", "bytes=-0"):  # well-formed, so the size helps
            assert reply.headers["Content-Range"] == "bytes */10240"


def test_a_range_in_another_unit_is_ignored(admin, stored):
    """RFC 9110 §14.2."""
    assert admin.get(f"/object/{stored}", headers={"Range": "items=0-1"}).body == BODY


def test_a_range_of_an_empty_object_is_416(admin, bucket, put):
    put(bucket, "empty", b"")
    assert admin.get(f"/object/{bucket}/empty").body == b""
    assert admin.get(f"/object/{bucket}/empty", headers={"Range": "bytes=0-"}).status == 416


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 262_145, 1_048_576, 5_000_001])
def test_bodies_of_every_size_class_come_back_whole(admin, anyone, public_bucket, size):
    body = random.Random(size).randbytes(size)
    key = f"size-{size}"
    assert admin.post(f"/object/{public_bucket}/{key}", body).status == 200
    for _ in range(2):
        assert hashlib.sha256(anyone.get(f"/object/public/{public_bucket}/{key}").body).digest() == hashlib.sha256(body).digest()
    if size > 10:
        middle = anyone.get(f"/object/public/{public_bucket}/{key}", headers={"Range": f"bytes=7-{size - 3}"})
        assert middle.body == body[7 : size - 2]


def test_many_reads_on_one_connection(server, opened, stored):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    for number in range(30):
        headers = {"Authorization": f"Bearer {server.keys.service}"} if number % 2 else {}
        connection.request("GET", f"/object/{stored}" if number % 2 else f"/object/public/{opened}", headers=headers)
        assert connection.getresponse().read() == BODY
    connection.close()


def test_pipelined_reads_are_answered_in_order(server, admin, public_bucket):
    for number in range(8):
        admin.post(f"/object/{public_bucket}/{number}", f"body-{number};".encode())
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(
            b"".join(
                f"GET /object/public/{public_bucket}/{number} HTTP/1.1\r\nHost: h\r\n{'Connection: close' if number == 7 else 'X-A: b'}\r\n\r\n".encode()
                for number in range(8)
            )
        )
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    assert re.findall(rb"body-(\d);", answer) == [str(number).encode() for number in range(8)]


# --- headers --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "disposition"),
    [
        ("download", "attachment;"),
        ("download=", "attachment;"),
        ("download=testname.png", "attachment; filename=testname.png; filename*=UTF-8''testname.png"),
    ],
)
def test_download_as_an_attachment(admin, anyone, stored, opened, query, disposition):
    assert admin.get(f"/object/{stored}?{query}").headers["Content-Disposition"] == disposition
    assert anyone.get(f"/object/public/{opened}?{query}").headers["Content-Disposition"] == disposition


@pytest.mark.parametrize("name", ["a b.txt", "it's (1).txt", "naïve.txt", "x;y.txt", 'q"uote.txt'])
def test_a_download_name_with_special_characters_can_be_read_back(admin, stored, name):
    from urllib.parse import quote, unquote

    disposition = admin.get(f"/object/{stored}?download={quote(name, safe='')}").headers["Content-Disposition"]
    extended = re.search(r"filename\*=UTF-8''([A-Za-z0-9!#$&+.^_`|~%-]+)$", disposition)
    assert extended and unquote(extended[1]) == name


def test_a_download_name_with_a_line_break_adds_no_header(admin, stored):
    reply = admin.get(f"/object/{stored}?download=a%0d%0aX-Injected:%20yes")
    assert reply.headers["X-Injected"] is None
    assert reply.status in (200, 400)


def test_html_is_served_as_plain_text(admin, bucket, put):
    put(bucket, "page", b"<script>", "text/html; charset=utf-8")
    assert admin.get(f"/object/{bucket}/page").headers["Content-Type"] == "text/plain"
    assert admin.head(f"/object/{bucket}/page").headers["Content-Type"] == "text/plain"
    assert admin.get(f"/object/info/{bucket}/page").json()["content_type"] == "text/html; charset=utf-8"


def test_signed_reads_have_expires_and_no_cache_control(admin, anyone, stored):
    url = admin.send_json("POST", f"/object/sign/{stored}", {"expiresIn": 60}).json()["signedURL"]
    reply = anyone.get(url)
    assert (reply.body, reply.headers["Cache-Control"]) == (BODY, None)
    assert DATE.match(reply.headers["Expires"])
    assert anyone.head(url).status == 200


def test_info_has_its_headers_and_fields(admin, stored):
    reply = admin.get(f"/object/info/{stored}")
    body = reply.json()
    assert list(body) == [
        "id",
        "name",
        "version",
        "bucket_id",
        "size",
        "content_type",
        "cache_control",
        "etag",
        "metadata",
        "last_modified",
        "created_at",
    ]
    assert (body["size"], body["content_type"], body["cache_control"]) == (len(BODY), "image/png", "max-age=60")
    assert reply.headers["ETag"] == body["etag"]
    assert DATE.match(reply.headers["Last-Modified"])
    assert reply.headers["Content-Type"].startswith("application/json")


# --- keys -------------------------------------------------------------------------------------------------------------------


def test_a_special_key_round_trips_through_get_and_both_lists(admin, bucket):
    key, escaped = "special file @+$,;=?.txt", "special%20file%20@+$,;=%3F.txt"
    assert admin.post(f"/object/{bucket}/{escaped}", b"special").json()["Key"] == f"{bucket}/{key}"
    assert admin.get(f"/object/{bucket}/{escaped}").body == b"special"
    assert [row["name"] for row in admin.send_json("POST", f"/object/list/{bucket}", {"prefix": ""}).json()] == [key]
    assert [row["name"] for row in admin.send_json("POST", f"/object/list-v2/{bucket}", {}).json()["objects"]] == [key]


def test_a_key_with_empty_segments_is_kept_exactly(admin, bucket):
    assert admin.post(f"/object/{bucket}/a///b//c.txt", b"slashes").json()["Key"] == f"{bucket}/a///b//c.txt"
    assert admin.get(f"/object/{bucket}/a///b//c.txt").body == b"slashes"
    assert admin.get(f"/object/{bucket}/a/b/c.txt").status == 400
    assert [row["name"] for row in admin.send_json("POST", f"/object/list-v2/{bucket}", {}).json()["objects"]] == ["a///b//c.txt"]


def test_an_escaped_slash_is_part_of_the_key_and_a_plus_is_a_plus(admin, bucket):
    admin.post(f"/object/{bucket}/a%2Fb+c", b"x")
    assert admin.get(f"/object/{bucket}/a/b+c").body == b"x"
    assert admin.get(f"/object/{bucket}/a/b%20c").status == 400


def test_a_key_that_another_dialect_wrote_can_be_read(admin, anyone, public_bucket, put, database):
    put(public_bucket, "plain", b"unicode")
    database.run(f"update storage.objects set name = 'naïve/#1.txt' where bucket_id = '{public_bucket}'")
    assert anyone.get(f"/object/public/{public_bucket}/na%C3%AFve/%231.txt").body == b"unicode"
    assert admin.get(f"/object/info/{public_bucket}/na%C3%AFve/%231.txt").status == 200


def test_a_row_without_bytes_is_404_in_the_body_and_not_to_be_kept(admin, bucket, put, server):
    from Support.server import wait_until

    before = set(server.blobs())
    put(bucket, "lost", b"gone soon" * 20_000)
    added = set(server.blobs()) - before
    for path in added:
        path.unlink()
    reply = admin.get(f"/object/{bucket}/lost")
    body = reply.json()
    assert added
    assert (reply.status, body["statusCode"], body["error"], body["message"], body["code"]) == (
        400,
        "404",
        "Not found",
        "The resource was not found",
        "NoSuchKey",
    )
    assert reply.headers["Cache-Control"] == "no-store"
    assert wait_until(lambda: admin.delete(f"/object/{bucket}/lost").status in (200, 400), 5)


def test_a_read_never_mixes_two_versions(server, admin, anyone, public_bucket):
    """Readers during overwrites see one version or the other, whole."""
    import threading

    from Support.wire import Wire

    versions = [bytes([65 + number]) * (300_000 + number * 1000) for number in range(4)]
    admin.put(f"/object/{public_bucket}/hot", versions[0])
    stop, torn = threading.Event(), []

    def read() -> None:
        wire = Wire(server.port)
        while not stop.is_set():
            body = wire.get(f"/object/public/{public_bucket}/hot").body
            if body not in versions:
                torn.append(len(body))

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for number in range(40):
        assert admin.put(f"/object/{public_bucket}/hot", versions[number % 4]).status == 200
    stop.set()
    for reader in readers:
        reader.join()
    assert torn == []


def test_an_overwrite_is_seen_by_the_next_read(admin, anyone, public_bucket):
    for number in range(50):
        body = f"version {number}".encode()
        admin.put(f"/object/{public_bucket}/fresh", body)
        assert anyone.get(f"/object/public/{public_bucket}/fresh").body == body
    admin.delete(f"/object/{public_bucket}/fresh")
    assert anyone.get(f"/object/public/{public_bucket}/fresh").status == 400
