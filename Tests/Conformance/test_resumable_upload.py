# SPDX-License-Identifier: Apache-2.0
"""Resumable uploads by the IETF draft: each test's name is a line of the checklist."""

from __future__ import annotations

import json
import socket
import time
import urllib.parse

import pytest
from Support.tokens import new_subject, token
from Support.tus import sample
from Support.wire import HOST, Wire

PARTIAL = "application/partial-upload"


def stored(wire: Wire, bucket: str, key: str) -> bytes:
    reply = wire.get(f"/object/{bucket}/{key}")
    assert reply.status == 200, reply.text
    return reply.body


def path_of(location: str) -> str:
    return urllib.parse.urlsplit(location).path


def begin(wire: Wire, bucket: str, key: str, body: bytes, complete: str = "?0", **headers: str):
    fields = {"Upload-Complete": complete, "Content-Type": "text/plain", **headers}
    return wire.request("POST", f"/object/{bucket}/{key}", body, headers=fields)


def append(wire: Wire, path: str, offset: int, body: bytes, complete: str, **headers: str):
    fields = {"Upload-Complete": complete, "Upload-Offset": str(offset), "Content-Type": PARTIAL, **headers}
    return wire.request("PATCH", path, body, headers=fields)


def test_an_upload_in_one_request_is_answered_like_any_other(admin, bucket):
    reply = begin(admin, bucket, "dir/a.txt", b"hello", "?1", **{"Cache-Control": "max-age=9"})
    assert (reply.status, reply.headers["Upload-Complete"], reply.headers["Upload-Offset"]) == (200, "?1", "5")
    assert reply.json()["Key"] == f"{bucket}/dir/a.txt" and reply.json()["Id"]
    info = admin.get(f"/object/info/{bucket}/dir/a.txt").json()
    assert (info["size"], info["cache_control"], info["content_type"]) == (5, "max-age=9", "text/plain")


@pytest.mark.parametrize("mount", ["", "/storage/v1"])
def test_an_upload_in_several_requests(admin, bucket, mount):
    data = sample(3_000_000)
    reply = admin.request(
        "POST", f"{mount}/object/{bucket}/a", data[:1_000_000], headers={"Upload-Complete": "?0", "Upload-Length": str(len(data))}
    )
    assert (reply.status, reply.headers["Upload-Complete"], reply.headers["Upload-Offset"]) == (201, "?0", "1000000")
    path = path_of(reply.headers["Location"])
    assert path.startswith(f"{mount}/upload/object/")
    middle = append(admin, path, 1_000_000, data[1_000_000:2_500_000], "?0")
    assert (middle.status, middle.headers["Upload-Offset"]) == (204, "2500000")
    head = admin.head(path)
    assert (head.status, head.headers["Upload-Offset"], head.headers["Upload-Complete"]) == (204, "2500000", "?0")
    assert (head.headers["Upload-Length"], head.headers["Cache-Control"]) == ("3000000", "no-store")
    assert append(admin, path, 2_500_000, data[2_500_000:], "?1").status == 200
    assert stored(admin, bucket, "a") == data
    assert admin.head(path).headers["Upload-Complete"] == "?1"


def test_an_upload_whose_length_nobody_knows_ends_when_its_client_says_so(admin, bucket):
    path = path_of(begin(admin, bucket, "a", b"abc").headers["Location"])
    assert "Upload-Length" not in admin.head(path).headers
    assert append(admin, path, 3, b"def", "?0").status == 204
    assert append(admin, path, 6, b"", "?1").status == 200
    assert stored(admin, bucket, "a") == b"abcdef"


def test_another_offset_is_409_and_says_where_the_upload_is(admin, bucket):
    path = path_of(begin(admin, bucket, "a", b"abc").headers["Location"])
    reply = append(admin, path, 1, b"x", "?1")
    assert (reply.status, reply.headers["Upload-Offset"], reply.headers["Upload-Complete"]) == (409, "3", "?0")
    assert reply.headers["Content-Type"] == "application/problem+json"
    assert reply.json()["type"].endswith("#mismatching-upload-offset")


def test_a_complete_upload_takes_no_more(admin, bucket):
    path = path_of(begin(admin, bucket, "a", b"abc", "?1").headers["Location"])
    reply = append(admin, path, 3, b"x", "?1")
    assert (reply.status, reply.json()["type"].rsplit("#", 1)[1]) == (400, "completed-upload")
    assert stored(admin, bucket, "a") == b"abc"


def test_a_length_that_does_not_agree_is_400(admin, bucket):
    reply = begin(admin, bucket, "a", b"abc", "?1", **{"Upload-Length": "4"})
    assert (reply.status, reply.json()["type"].rsplit("#", 1)[1]) == (400, "inconsistent-upload-length")
    path = path_of(begin(admin, bucket, "b", b"abc", **{"Upload-Length": "5"}).headers["Location"])
    assert append(admin, path, 3, b"d", "?1").status == 400
    assert append(admin, path, 3, b"de", "?0", **{"Upload-Length": "6"}).status == 400
    assert append(admin, path, 3, b"de", "?1").status == 200


def test_what_an_append_must_say(admin, bucket):
    path = path_of(begin(admin, bucket, "a", b"abc").headers["Location"])
    assert append(admin, path, 3, b"d", "?1", **{"Content-Type": "text/plain"}).status == 415
    assert append(admin, path, 3, b"d", "yes").status == 400
    assert append(admin, path, 3, b"d", "?1", **{"Upload-Offset": "x"}).status == 400
    assert append(admin, path, 3, b"d", "?1", **{"Upload-Draft-Interop-Version": "99"}).status == 400
    assert admin.head(path).headers["Upload-Offset"] == "3"


def test_an_upload_that_is_cancelled_is_gone(admin, bucket):
    path = path_of(begin(admin, bucket, "a", b"abc").headers["Location"])
    assert admin.delete(path).status == 204
    assert admin.head(path).status == 404


def test_options_tells_the_limits(admin, bucket):
    reply = admin.request("OPTIONS", f"/object/{bucket}/a", headers={"Upload-Draft-Interop-Version": "6"})
    assert reply.status == 204
    limits = dict(item.strip().split("=") for item in reply.headers["Upload-Limit"].split(","))
    assert int(limits["max-size"]) > 0 and int(limits["max-age"]) == 86400


def test_put_replaces_and_post_does_not(admin, bucket, put):
    put(bucket, "a", b"old")
    assert begin(admin, bucket, "a", b"new", "?1").status == 409
    reply = admin.request("PUT", f"/object/{bucket}/a", b"new", headers={"Upload-Complete": "?1"})
    assert reply.status == 200
    assert stored(admin, bucket, "a") == b"new"


def test_policies_decide(server, bucket, database, admin, anyone):
    wire = Wire(server.port, token(server.keys.jwt_secret, subject=new_subject()))
    assert begin(wire, bucket, "a", b"abc").status == 403
    assert begin(anyone, bucket, "a", b"abc").status == 403
    with database.policies(f"on storage.objects for insert to authenticated with check (bucket_id = '{bucket}')"):
        path = path_of(begin(wire, bucket, "a", b"abc").headers["Location"])
    assert append(wire, path, 3, b"d", "?1").status == 403
    assert anyone.head(path).status == 403
    assert admin.head(path).headers["Upload-Offset"] == "3"


def heads_of(answer: bytes) -> list[tuple[int, dict[str, str]]]:
    """Every head of a raw answer, informational ones first."""
    heads = []
    rest = answer
    while rest.startswith(b"HTTP/1.1 "):
        head, _, rest = rest.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        heads.append((int(lines[0].split(" ")[1]), {k.lower(): v for k, v in (line.split(": ", 1) for line in lines[1:])}))
    return heads


@pytest.mark.parametrize(("version", "word", "incomplete"), [("3", "Upload-Incomplete", "?1"), ("5", "Upload-Complete", "?0"), ("6", "Upload-Complete", "?0")])
def test_a_client_of_each_version_goes_on_where_its_connection_broke(admin, bucket, version, word, incomplete):
    data = sample(200_000)
    complete = "?0" if incomplete == "?1" else "?1"
    request = (
        f"POST /object/{bucket}/v{version} HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Bearer {admin.token}\r\n"
        f"Upload-Draft-Interop-Version: {version}\r\n{word}: {complete}\r\nContent-Length: {len(data)}\r\n\r\n"
    )
    with socket.create_connection((HOST, admin.port), timeout=20) as connection:
        connection.sendall(request.encode() + data[:150_000])
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += connection.recv(65536)
        status, headers = heads_of(answer)[0]
        assert (status, headers["upload-draft-interop-version"]) == (104, version)
        path = path_of(headers["location"])
        fields = {"Upload-Draft-Interop-Version": version}
        # What the server has not read by then is sent again.
        time.sleep(0.3)
        head = admin.head(path, headers=fields)
    offset = int(head.headers["Upload-Offset"])
    assert head.status == 204 and 0 < offset <= 150_000
    assert head.headers[word] == incomplete
    fields |= {word: complete, "Upload-Offset": str(offset), "Content-Type": PARTIAL}
    reply = admin.request("PATCH", path, data[offset:], headers=fields)
    assert (reply.status, reply.headers[word]) == (200, complete), reply.text
    assert stored(admin, bucket, f"v{version}") == data


def test_an_ordinary_upload_stays_one(admin, bucket):
    reply = admin.post(f"/object/{bucket}/a", b"abc", headers={"Content-Type": "text/plain"})
    assert reply.status == 200 and "Location" not in reply.headers
    assert json.loads(reply.text)["Key"] == f"{bucket}/a"
