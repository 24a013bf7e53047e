# SPDX-License-Identifier: Apache-2.0
"""Hostile and broken requests: each gets its documented error, never a 500, leaves no file, and blocks nobody."""

from __future__ import annotations

import base64
import hmac
import json
import random
import re
import socket
import threading
import time

import jwt
import pytest
from Support.server import wait_until
from Support.tokens import new_subject, token
from Support.wire import form, raw_exchange, status_of


@pytest.fixture(autouse=True)
def unharmed(server, admin, put, make_bucket):
    """After each test the server answers, logged no 5xx, and keeps no byte that it did not have before."""
    bucket = make_bucket()
    put(bucket, "canary", b"sings")
    files, log_start = server.blobs(), len(server.log())
    yield
    assert admin.get(f"/object/{bucket}/canary").body == b"sings"
    assert wait_until(lambda: set(server.blobs()) <= set(files), 15), sorted(set(server.blobs()) - set(files))[:5]
    new_lines = server.log()[log_start:].splitlines()
    faults = [line for line in new_lines if re.search(r'"status": ?5(?!05)|"level": ?"(error|critical)"', line)]
    assert faults == []


def refused(reply, code: str | None = None, statuses: tuple[int, ...] = (400,)) -> None:
    assert reply.status in statuses, (reply.status, reply.text)
    if reply.body:
        assert set(reply.json()) >= {"statusCode", "error", "message", "code"}
        if code:
            assert reply.json()["code"] == code


# --- JSON -------------------------------------------------------------------------------------------------------------------

JSON_ROUTES = [
    ("POST", "/bucket"),
    ("PUT", "/bucket/b"),
    ("DELETE", "/object/b"),
    ("POST", "/object/copy"),
    ("POST", "/object/move"),
    ("POST", "/object/sign/b/k"),
    ("POST", "/object/sign/b"),
    ("POST", "/object/list/b"),
    ("POST", "/object/list-v2/b"),
]
BAD_JSON = [
    b"{",
    b"{]",
    b"nul",
    b'{"name": }',
    b'"text"',
    b"[1,2]",
    b"123",
    b"\xff\xfe{}",
    b'{"name":"\xc3"}',
    b"{'name':'x'}",
    b'{"a":1}{"b":2}',
    b"[" * 5000,
    b'{"a":' * 3000,
    b'{"name":"\\ud800"}',
    b"",
]


@pytest.mark.parametrize(("method", "path"), JSON_ROUTES)
@pytest.mark.parametrize("body", BAD_JSON, ids=lambda body: repr(body[:14]))
def test_malformed_json_is_400_invalid_request(admin, method, path, body):
    refused(admin.request(method, path, body, headers={"Content-Type": "application/json"}), "InvalidRequest")


@pytest.mark.parametrize(("method", "path"), JSON_ROUTES)
def test_a_json_body_over_one_mebibyte_is_413(admin, method, path):
    body = b'{"name":"' + b"x" * (1 << 20) + b'"}'
    assert admin.request(method, path, body, headers={"Content-Type": "application/json"}).status == 413


def test_a_body_of_another_type_on_a_json_route_is_400(admin):
    reply = admin.post("/bucket", b'{"name":"x"}', headers={"Content-Type": "text/plain"})
    refused(reply, "InvalidRequest")


@pytest.mark.parametrize(
    "fields",
    [
        {"name": 5},
        {"name": ["x"]},
        {"name": {}},
        {"name": None},
        {"name": "x", "public": "maybe"},
        {"name": "x", "allowed_mime_types": "a/b"},
        {"name": "x", "allowed_mime_types": [1]},
        {"name": "x", "type": "OTHER"},
        {"name": "nul\u0000byte"},
        {"name": "x", "id": "nul\u0000byte"},
    ],
    ids=str,
)
def test_fields_of_the_wrong_kind_are_400(admin, fields):
    if fields == {"name": 5}:
        admin.delete("/bucket/5")  # numbers are taken as text, as clients rely on
        assert admin.send_json("POST", "/bucket", fields).json() == {"name": "5"}
        admin.delete("/bucket/5")
    else:
        refused(admin.send_json("POST", "/bucket", fields))


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/object/copy", {"bucketId": "b", "sourceKey": "a\u0000b", "destinationKey": "c"}),
        ("/object/copy", {"bucketId": "b", "sourceKey": "a", "destinationKey": "a\u0000b"}),
        ("/object/move", {"bucketId": "b\u0000", "sourceKey": "a", "destinationKey": "b"}),
        ("/object/list-v2/b", {"cursor": "\u0000"}),
    ],
)
def test_a_nul_in_a_key_of_a_json_body_is_400(admin, path, fields):
    refused(admin.send_json("POST", path, fields))


def test_a_nul_in_a_search_or_a_path_of_many_finds_nothing(admin):
    for reply in (
        admin.send_json("POST", "/object/list/b", {"prefix": "a\u0000"}),
        admin.send_json("POST", "/object/list-v2/b", {"prefix": "\u0000"}),
        admin.send_json("DELETE", "/object/b", {"prefixes": ["a\u0000b"]}),
        admin.send_json("POST", "/object/sign/b", {"expiresIn": 9, "paths": ["\u0000"]}),
        admin.get("/bucket?search=%00"),
    ):
        assert reply.status in (200, 400), reply.text


# --- paths ------------------------------------------------------------------------------------------------------------------

PATHS = [
    "/object/{b}/%",
    "/object/{b}/a%2",
    "/object/{b}/%zz",
    "/object/{b}/%ff%fe",
    "/object/{b}/%c3",
    "/object/{b}/%00",
    "/object/{b}/a%00b",
    "/object/{b}/..",
    "/object/{b}/../x",
    "/object/{b}/..%2f..%2fetc%2fpasswd",
    "/object/{b}/%2e%2e/x",
    "/object/{b}/a/./b",
    "/object/%2e%2e/x",
    "/object/%00/x",
    "/object/%zz/x",
    "/object/{b}/" + "x" * 2000,
    "/object/..%2f{b}/x",
    "/object/{b}/a%5C..%5Cb",
]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "HEAD"])
def test_bad_escapes_nuls_and_dot_segments_are_refused(admin, bucket, method, path):
    reply = admin.request(method, path.format(b=bucket), b"body" if method in ("POST", "PUT") else None)
    refused(reply, statuses=(400, 404))


@pytest.mark.parametrize(
    "path",
    [
        "/object/public/{b}/..%2f..%2f..%2fetc%2fpasswd",
        "/object/public/../../etc/passwd",
        "/object/public/{b}/%2e%2e%2f%2e%2e%2fmagpie",
    ],
)
def test_no_path_leads_to_a_file_of_the_machine(anyone, public_bucket, path):
    reply = anyone.get(path.format(b=public_bucket))
    assert reply.status in (400, 404)
    assert b"root:" not in reply.body


@pytest.mark.parametrize(
    "query", ["token=%", "token=%zz", "token=%00", "token=%ff", "download=%", "token", "=&&=", "token=a&token=b"]
)
def test_bad_escapes_in_a_query_are_no_500(anyone, bucket, query):
    assert anyone.get(f"/object/sign/{bucket}/a?{query}").status == 400


def test_random_paths_are_no_500(server):
    generator = random.Random(20240517)
    pieces = [
        b"/",
        b"object",
        b"bucket",
        b"public",
        b"sign",
        b"info",
        b"authenticated",
        b"list",
        b"upload",
        b"%2F",
        b"%00",
        b"%",
        b"..",
        b"?",
        b"&",
        b"=",
        b"+",
        b"a",
        b"%c3%a9",
        b"\xc3\xa9",
        b"*",
        b"//",
    ]
    for _ in range(300):
        target = b"/" + b"".join(generator.choice(pieces) for _ in range(generator.randrange(1, 9)))
        method = generator.choice([b"GET", b"POST", b"PUT", b"DELETE", b"HEAD", b"PATCH"])
        request = (
            method
            + b" "
            + target
            + b" HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nAuthorization: Bearer "
            + server.keys.service.encode()
            + b"\r\nConnection: close\r\n\r\n"
        )
        assert 200 <= status_of(raw_exchange(server.port, request)) < 500, target


# --- heads ------------------------------------------------------------------------------------------------------------------


def test_a_header_of_10_kilobytes_is_answered(server, admin, bucket):
    reply = admin.get(f"/bucket/{bucket}", headers={"X-Long": "x" * 10_240})
    assert reply.status in (200, 400, 431)


def test_headers_of_a_megabyte_are_refused(server):
    request = (
        b"GET /status HTTP/1.1\r\nHost: h\r\n"
        + b"".join(b"X-%d: %s\r\n" % (number, b"x" * 1000) for number in range(1000))
        + b"\r\n"
    )
    assert status_of(raw_exchange(server.port, request, timeout=5)) in (0, 400, 431)


def test_ten_thousand_headers_are_refused(server):
    request = b"GET /status HTTP/1.1\r\nHost: h\r\n" + b"".join(b"a%d: b\r\n" % number for number in range(10_000)) + b"\r\n"
    assert status_of(raw_exchange(server.port, request, timeout=5)) in (0, 400, 431)


def test_a_target_of_a_megabyte_is_refused(server):
    assert status_of(raw_exchange(server.port, b"GET /" + b"x" * 1_000_000 + b" HTTP/1.1\r\nHost: h\r\n\r\n", timeout=5)) in (
        0,
        400,
        414,
        431,
    )


@pytest.mark.parametrize(
    "request_",
    [
        b"NONSENSE\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/1.1\r\nbad header\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"POST /bucket HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n",
        b"POST /bucket HTTP/1.1\r\nHost: h\r\nContent-Length: abc\r\n\r\n",
        b"POST /bucket HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"GET / HTTP/1.1\r\nHost: h\r\nX: a\x00b\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
    ids=lambda request: repr(request[:18]),
)
def test_what_is_not_http_is_refused_or_closed(server, request_):
    assert status_of(raw_exchange(server.port, request_, timeout=3, half_close=True)) in (0, 400, 404, 405, 505)


def test_a_smuggled_second_request_is_not_answered(server, bucket):
    request = (
        f"POST /object/{bucket}/a HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n"
        "0\r\n\r\nGET /version HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
    ).encode()
    answer = raw_exchange(server.port, request, timeout=3, half_close=True)
    assert status_of(answer) == 400
    assert answer.count(b"HTTP/1.1 ") == 1


# --- bodies -----------------------------------------------------------------------------------------------------------------


def upload_head(server, bucket: str, length: str, key: str = "a.bin", extra: str = "") -> bytes:
    return (
        f"POST /object/{bucket}/{key} HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {server.keys.service}\r\n"
        f"{length}\r\n{extra}\r\n"
    ).encode()


def nothing_stored(admin, bucket: str) -> bool:
    return admin.send_json("POST", f"/object/list/{bucket}", {"prefix": ""}).text == "[]"


def test_a_body_shorter_than_its_content_length_stores_nothing(server, admin, bucket):
    raw_exchange(server.port, upload_head(server, bucket, "Content-Length: 100") + b"short", timeout=3, half_close=True)
    assert nothing_stored(admin, bucket)


def test_a_body_longer_than_its_content_length_stores_only_what_was_announced(server, admin, bucket):
    answer = raw_exchange(
        server.port,
        upload_head(server, bucket, "Content-Length: 5", extra="") + b"12345TRAILING GARBAGE\r\n\r\n",
        timeout=3,
        half_close=True,
    )
    assert status_of(answer) == 200
    assert admin.get(f"/object/{bucket}/a.bin").body == b"12345"
    admin.delete(f"/object/{bucket}/a.bin")


def test_a_chunked_body_that_breaks_off_stores_nothing(server, admin, bucket):
    raw_exchange(
        server.port, upload_head(server, bucket, "Transfer-Encoding: chunked") + b"5\r\nhello\r\n", timeout=3, half_close=True
    )
    assert nothing_stored(admin, bucket)


def test_a_chunked_body_with_a_broken_frame_stores_nothing(server, admin, bucket):
    raw_exchange(
        server.port,
        upload_head(server, bucket, "Transfer-Encoding: chunked") + b"5\r\nhello\r\nXYZ\r\n",
        timeout=3,
        half_close=True,
    )
    assert nothing_stored(admin, bucket)


def cut_forms() -> list[bytes]:
    whole, _ = form({"cacheControl": "3600", "metadata": "{}"}, b"x" * 300)
    generator = random.Random(7)
    return [whole[:length] for length in sorted(generator.sample(range(len(whole) - 4), 25))]


@pytest.mark.parametrize("content", cut_forms(), ids=lambda content: str(len(content)))
def test_a_truncated_form_is_refused_and_stores_nothing(admin, bucket, content):
    _, headers = form({}, b"")
    reply = admin.post(f"/object/{bucket}/a.bin", content, headers=headers)
    refused(reply)
    assert nothing_stored(admin, bucket)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=", b"x"),
        ("multipart/form-data; boundary=" + "b" * 5000, b"x"),
        ("multipart/form-data; boundary=b", b""),
        ("multipart/form-data; boundary=b", b"no boundary at all"),
        ("multipart/form-data; boundary=b", b"--b\r\nno colon here\r\n\r\nx\r\n--b--\r\n"),
        ("multipart/form-data; boundary=b", b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n"),
        ("multipart/form-data; boundary=b", b"--b\r\n" + b"X: y\r\n" * 5000 + b"\r\nx\r\n--b--\r\n"),
        ("multipart/form-data; boundary=b", b"--b\r\nX: " + b"y" * 100_000 + b"\r\n\r\nx\r\n--b--\r\n"),
        (
            "multipart/form-data; boundary=b",
            b"".join(b'--b\r\nContent-Disposition: form-data; name="f%d"\r\n\r\nv\r\n' % n for n in range(200)) + b"--b--\r\n",
        ),
    ],
    ids=range(10),
)
def test_a_malformed_form_is_refused(admin, bucket, content_type, body):
    refused(admin.post(f"/object/{bucket}/a.bin", body, headers={"Content-Type": content_type}))
    assert nothing_stored(admin, bucket)


def test_a_form_with_two_files_does_not_mix_them(admin, bucket):
    body = (
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="1"\r\n\r\nfirst\r\n'
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="2"\r\n\r\nsecond\r\n--b--\r\n'
    )
    reply = admin.post(f"/object/{bucket}/a.bin", body, headers={"Content-Type": "multipart/form-data; boundary=b"})
    if reply.status == 200:
        assert admin.get(f"/object/{bucket}/a.bin").body == b"first"
        admin.delete(f"/object/{bucket}/a.bin")
    else:
        refused(reply)


# --- time -------------------------------------------------------------------------------------------------------------------


def test_a_hundred_slow_clients_do_not_keep_others_from_being_served(server, admin, bucket):
    slow = []
    try:
        for number in range(100):
            connection = socket.create_connection(("127.0.0.1", server.port), timeout=10)
            connection.sendall(
                b"GET /status HT"
                if number % 2
                else upload_head(server, bucket, "Content-Length: 1000", f"slow{number}") + b"x" * 10
            )
            slow.append(connection)
        begin = time.monotonic()
        for _ in range(20):
            assert admin.get("/bucket?limit=1").status == 200
        assert time.monotonic() - begin < 10
    finally:
        for connection in slow:
            connection.close()
    assert wait_until(lambda: nothing_stored(admin, bucket), 5)


def test_a_client_that_does_not_read_does_not_keep_others_from_being_served(server, admin, bucket):
    admin.post(f"/object/{bucket}/big", b"x" * 30_000_000)
    stalled = []
    try:
        for _ in range(20):
            connection = socket.create_connection(("127.0.0.1", server.port), timeout=10)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.sendall(
                f"GET /object/{bucket}/big HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {server.keys.service}\r\n\r\n".encode()
            )
            stalled.append(connection)
        assert admin.get(f"/bucket/{bucket}").status == 200
    finally:
        for connection in stalled:
            connection.close()
    assert admin.delete(f"/object/{bucket}/big").status == 200


# --- tokens -----------------------------------------------------------------------------------------------------------------

BAD_TOKENS = [
    "",
    "x",
    "..",
    "a.b.c",
    "eyJhbGciOiJIUzI1NiJ9..",
    "." * 500,
    "A" * 7000,
    "eyJhbGciOiJub25lIn0.eyJyb2xlIjoic2VydmljZV9yb2xlIn0.",
    "%00",
    "\u00e9",
]


@pytest.mark.parametrize("bad", BAD_TOKENS, ids=lambda bad: repr(bad[:12]))
@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/bucket"), ("POST", "/object/b/k"), ("GET", "/object/authenticated/b/k"), ("POST", "/object/list-v2/b")],
)
def test_an_invalid_token_is_400(anyone, method, path, bad):
    headers = {"Authorization": f"Bearer {bad}".encode("utf-8").decode("latin-1")}
    refused(anyone.request(method, path, headers=headers, token=None))


def test_a_token_with_claims_of_the_wrong_kind_is_no_500(server, anyone, bucket):
    for claims in (
        {"exp": "soon"},
        {"nbf": []},
        {"app_metadata": "x" * 4000},
        {"note": "nul\u0000byte"},
        {"exp": 1e300},
        {"exp": -1},
    ):
        bearer = jwt.api_jws.encode(
            json.dumps({"role": "authenticated", **claims}).encode(), server.keys.jwt_secret, algorithm="HS256"
        )
        assert anyone.get("/bucket", token=bearer).status in (200, 400)
    for role in (5, ["service_role"], {"a": 1}, True):
        bearer = jwt.api_jws.encode(json.dumps({"role": role}).encode(), server.keys.jwt_secret, algorithm="HS256")
        reply = anyone.get("/bucket", token=bearer)
        assert reply.status == 400 or reply.text == "[]"


@pytest.mark.parametrize("algorithm", ["HS384", "HS512", "RS256", "ES256", "EdDSA", "none", "PS256", "hs256", ""])
def test_a_token_of_an_algorithm_that_is_not_configured_is_refused(server, anyone, algorithm):
    head = base64.urlsafe_b64encode(json.dumps({"alg": algorithm, "typ": "JWT"}).encode()).rstrip(b"=")
    claims = base64.urlsafe_b64encode(b'{"role":"service_role"}').rstrip(b"=")
    signature = base64.urlsafe_b64encode(
        hmac.digest(server.keys.jwt_secret.encode(), head + b"." + claims, "sha512" if algorithm == "HS512" else "sha384")
    ).rstrip(b"=")
    reply = anyone.get("/bucket", token=b".".join([head, claims, signature]).decode())
    assert (reply.status, reply.json()["error"]) == (400, "Unauthorized")


def test_a_nul_in_a_subject_is_no_500(server, anyone, bucket):
    bearer = token(server.keys.jwt_secret, subject="a\u0000b")
    assert anyone.get("/bucket", token=bearer).status in (200, 400)


def test_many_bad_requests_at_once_leave_the_pool_whole(server, admin, anyone, bucket):
    bearer = token(server.keys.jwt_secret, role="no_such_role", subject=new_subject())

    def fire() -> None:
        for _ in range(25):
            anyone.get("/bucket", token=bearer)
            anyone.post(f"/object/{bucket}/x", b"x", token=bearer)

    threads = [threading.Thread(target=fire) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    begin = time.monotonic()
    for _ in range(20):
        assert admin.get(f"/bucket/{bucket}").status == 200
    assert time.monotonic() - begin < 10
