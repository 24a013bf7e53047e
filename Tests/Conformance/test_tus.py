# SPDX-License-Identifier: Apache-2.0
"""Resumable uploads by TUS 1.0: each test's name is a line of the checklist."""

from __future__ import annotations

import base64
import hashlib
import threading
import time
import zlib

import pytest
from Support.server import wait_until
from Support.tokens import new_subject, token
from Support.tus import BODY_TYPE, ROOT, Tus, metadata, path_of, sample
from Support.wire import Wire

INSERT = "on storage.objects for insert to authenticated with check"


@pytest.fixture
def tus(admin) -> Tus:
    return Tus(admin)


def stored(wire: Wire, bucket: str, key: str) -> bytes:
    reply = wire.get(f"/object/{bucket}/{key}")
    assert reply.status == 200, reply.text
    return reply.body


# --- discovery and routing ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [ROOT, ROOT + "/sign", "/storage/v1" + ROOT, ROOT + "/x"])
def test_options_tells_what_there_is_without_credentials(anyone, path):
    reply = anyone.request("OPTIONS", path)
    assert (reply.status, reply.headers["Tus-Version"], reply.headers["Tus-Resumable"]) == (204, "1.0.0", "1.0.0")
    extensions = set(reply.headers["Tus-Extension"].split(","))
    assert extensions == {
        "creation",
        "creation-with-upload",
        "creation-defer-length",
        "termination",
        "expiration",
        "checksum",
        "concatenation",
    }
    assert int(reply.headers["Tus-Max-Size"]) > 0
    assert reply.headers["Tus-Checksum-Algorithm"] == "sha1,sha256,md5,crc32"


@pytest.mark.parametrize("version", [None, "0.2.2", "1.0.1"])
def test_another_protocol_version_is_412(admin, bucket, version):
    headers = {"Upload-Length": "1", "Upload-Metadata": metadata(bucketName=bucket, objectName="a")}
    if version:
        headers["Tus-Resumable"] = version
    reply = admin.request("POST", ROOT, headers=headers)
    assert (reply.status, reply.text, reply.headers["Tus-Version"]) == (412, "Tus-Resumable Required\n", "1.0.0")


def test_the_location_is_absolute_and_below_the_path_that_was_used(admin, bucket):
    for root in (ROOT, "/storage/v1" + ROOT):
        reply = Tus(admin, root).create(bucket, "dir/a b.txt", 3)
        location = reply.headers["Location"]
        assert location.startswith(f"http://127.0.0.1:{admin.port}{root}/")
        name = location.rsplit("/", 1)[1]
        text = base64.urlsafe_b64decode(name + "=" * (-len(name) % 4)).decode()
        assert text.startswith(f"{bucket}/dir/a b.txt/")
        assert "=" not in name


def test_the_method_may_be_overridden(tus, bucket):
    path = tus.begin(bucket, "a", 3)
    reply = tus.send(
        "POST", path, b"abc", X_HTTP_Method_Override="PATCH", Content_Type=BODY_TYPE, Upload_Offset="0"
    )
    assert (reply.status, reply.headers["Upload-Offset"]) == (204, "3")


@pytest.mark.parametrize("name", ["!!!", "%00", "YQ", base64.urlsafe_b64encode(b"a/b/\xff").decode(), "x" * 5000])
@pytest.mark.parametrize("method", ["HEAD", "PATCH", "DELETE"])
def test_a_name_of_nothing_is_refused_and_never_an_error_of_the_server(tus, method, name):
    reply = tus.send(method, f"{ROOT}/{name}", Content_Type=BODY_TYPE, Upload_Offset="0", Content_Length="0")
    assert reply.status in (400, 404)


def test_an_upload_under_another_name_is_not_found(tus, bucket):
    path = tus.begin(bucket, "mine", 3)
    name = path.rsplit("/", 1)[1]
    text = base64.urlsafe_b64decode(name + "=" * (-len(name) % 4)).decode()
    other = base64.urlsafe_b64encode(text.replace("mine", "other").encode()).decode().rstrip("=")
    assert tus.head(f"{ROOT}/{other}").status == 404
    assert tus.head(path).status == 200


# --- creation -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Upload-Length": "-1"},
        {"Upload-Length": "1.5"},
        {"Upload-Length": "99999999999999999999"},
        {"Upload-Length": "1", "Upload-Defer-Length": "1"},
        {"Upload-Defer-Length": "2"},
    ],
)
def test_a_length_that_is_missing_doubled_or_no_number_is_400(tus, bucket, headers):
    fields = {"Upload-Metadata": metadata(bucketName=bucket, objectName="a"), **headers}
    reply = tus.send("POST", ROOT, **fields)
    assert (reply.status, reply.text) == (400, "Upload-Length or Upload-Defer-Length header required\n")


@pytest.mark.parametrize("value", [None, "", "bucketName", "objectName YQ==", "bucketName Y,objectName YQ==", "a YQ==,a YQ=="])
def test_metadata_that_is_missing_or_wrong_is_400(tus, value):
    fields = {} if value is None else {"Upload-Metadata": value}
    assert tus.send("POST", ROOT, Upload_Length="1", **fields).status == 400


def test_metadata_becomes_the_objects(admin, bucket, tus):
    fields = metadata(bucketName=bucket, objectName="a", contentType="image/png", cacheControl="77", metadata='{"n":1}')
    reply = tus.send("POST", ROOT, b"abc", Upload_Length="3", Upload_Metadata=fields, Content_Type=BODY_TYPE)
    assert reply.status == 201
    info = admin.get(f"/object/info/{bucket}/a").json()
    assert (info["content_type"], info["cache_control"], info["metadata"]) == ("image/png", "max-age=77", {"n": 1})
    assert info["etag"] == f'"{hashlib.md5(b"abc").hexdigest()}"'


def test_cache_control_that_is_no_number_becomes_no_cache_and_bad_user_metadata_is_ignored(admin, bucket, tus):
    fields = metadata(bucketName=bucket, objectName="a", cacheControl="public", metadata="{")
    assert tus.send("POST", ROOT, b"", Upload_Length="0", Upload_Metadata=fields).status == 201
    assert admin.get(f"/object/info/{bucket}/a").json()["cache_control"] == "no-cache"


def test_an_object_of_no_bytes_is_complete_at_once(admin, bucket, tus):
    reply = tus.create(bucket, "empty", 0)
    assert (reply.status, reply.headers["Tus-Complete"]) == (201, "1")
    assert stored(admin, bucket, "empty") == b""


def test_everything_with_the_creation(admin, bucket, tus):
    reply = tus.create(bucket, "a", 5, b"hello")
    assert (reply.status, reply.headers["Upload-Offset"], reply.headers["Tus-Complete"]) == (201, "5", "1")
    assert "Upload-Expires" not in reply.headers
    assert stored(admin, bucket, "a") == b"hello"


def test_a_beginning_with_the_creation(admin, bucket, tus):
    reply = tus.create(bucket, "a", 5, b"he")
    assert (reply.status, reply.headers["Upload-Offset"]) == (201, "2")
    assert "Upload-Expires" in reply.headers and "Tus-Complete" not in reply.headers
    assert tus.patch(path_of(reply), 2, b"llo").headers["Tus-Complete"] == "1"
    assert stored(admin, bucket, "a") == b"hello"


def test_the_length_may_come_later(admin, bucket, tus):
    path = tus.begin(bucket, "a", None)
    assert tus.head(path).headers["Upload-Defer-Length"] == "1"
    assert tus.patch(path, 0, b"he").status == 204
    assert tus.patch(path, 2, b"", Upload_Length="5").status == 204
    head = tus.head(path)
    assert (head.headers["Upload-Length"], head.headers["Upload-Offset"]) == ("5", "2")
    assert "Upload-Defer-Length" not in head.headers
    assert tus.patch(path, 2, b"llo", Upload_Length="6").status == 400
    assert tus.patch(path, 2, b"llo").status == 204
    assert stored(admin, bucket, "a") == b"hello"


# --- appending ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "chunk"), [(40, 1), (17 << 20, 5 << 20), (13 << 20, 6 << 20), (100_000, 7), (9 << 20, 9 << 20)])
def test_chunks_of_any_size_become_the_object(admin, bucket, tus, size, chunk):
    if chunk == 7:
        size = 700
    data = sample(size)
    path = tus.begin(bucket, "a", size)
    for offset in range(0, size, chunk):
        reply = tus.patch(path, offset, data[offset : offset + chunk])
        assert reply.status == 204, reply.text
        assert int(reply.headers["Upload-Offset"]) == min(size, offset + chunk)
        assert ("Tus-Complete" in reply.headers) == (offset + chunk >= size)
    assert stored(admin, bucket, "a") == data


def test_head_tells_where_the_upload_is(bucket, tus):
    path = tus.begin(bucket, "a", 10)
    tus.patch(path, 0, b"1234")
    head = tus.head(path)
    assert head.status == 200
    assert (head.headers["Upload-Offset"], head.headers["Upload-Length"]) == ("4", "10")
    assert head.headers["Cache-Control"] == "no-store"
    assert head.headers["Upload-Metadata"] == metadata(bucketName=bucket, objectName="a", contentType="text/plain")


def test_another_offset_is_409_and_changes_nothing(bucket, tus):
    path = tus.begin(bucket, "a", 10)
    tus.patch(path, 0, b"1234")
    for offset in (0, 3, 5):
        reply = tus.patch(path, offset, b"xx")
        assert (reply.status, reply.text) == (409, "Upload-Offset conflict\n")
    assert tus.offset(path) == 4


def test_what_a_patch_must_say(bucket, tus):
    path = tus.begin(bucket, "a", 10)
    assert tus.send("PATCH", path, b"x", Content_Type=BODY_TYPE).text == "Upload-Offset header required\n"
    assert tus.send("PATCH", path, b"x", Content_Type=BODY_TYPE, Upload_Offset="-1").status == 403
    reply = tus.send("PATCH", path, b"x", Content_Type="text/plain", Upload_Offset="0")
    assert (reply.status, reply.text) == (403, "Content-Type header required\n")


def test_more_than_the_length_is_413(bucket, tus):
    path = tus.begin(bucket, "a", 3)
    reply = tus.patch(path, 0, b"1234")
    assert (reply.status, reply.text) == (413, "upload's size exceeded\n")
    chunks = (b"12", b"34")
    headers = {**tus.headers, "Content-Type": BODY_TYPE, "Upload-Offset": "0"}
    assert tus.wire.request("PATCH", path, iter(chunks), headers=headers).status == 413
    assert tus.offset(path) <= 3


def test_the_buckets_limits_hold(admin, make_bucket, tus):
    bucket = make_bucket(file_size_limit=10, allowed_mime_types=["image/*"])
    reply = tus.create(bucket, "a", 11, **{"Upload-Metadata": metadata(bucketName=bucket, objectName="a", contentType="image/png")})
    assert (reply.status, reply.text) == (413, "Maximum size exceeded\n")
    reply = tus.create(bucket, "a", 3)
    assert reply.status == 415, reply.text
    fields = {"Upload-Metadata": metadata(bucketName=bucket, objectName="a", contentType="image/png")}
    path = tus.begin(bucket, "a", None, **fields)
    assert tus.patch(path, 0, b"x" * 11).status == 413


def test_a_chunked_body_is_taken(admin, bucket, tus):
    path = tus.begin(bucket, "a", 6)
    headers = {**tus.headers, "Content-Type": BODY_TYPE, "Upload-Offset": "0"}
    assert tus.wire.request("PATCH", path, iter((b"ab", b"cd", b"ef")), headers=headers).status == 204
    assert stored(admin, bucket, "a") == b"abcdef"


# --- checksums ------------------------------------------------------------------------------------------------------

DIGESTS = {
    "sha1": lambda data: hashlib.sha1(data).digest(),
    "sha256": lambda data: hashlib.sha256(data).digest(),
    "md5": lambda data: hashlib.md5(data).digest(),
    "crc32": lambda data: zlib.crc32(data).to_bytes(4, "big"),
}


@pytest.mark.parametrize("algorithm", DIGESTS)
def test_a_chunk_with_its_digest_is_kept_and_one_with_another_discarded(admin, bucket, tus, algorithm):
    data = sample(100_000)
    good = base64.b64encode(DIGESTS[algorithm](data)).decode()
    path = tus.begin(bucket, "a", len(data))
    reply = tus.patch(path, 0, sample(len(data), seed=2), Upload_Checksum=f"{algorithm} {good}")
    assert (reply.status, reply.text) == (460, "Checksum mismatch\n")
    assert tus.offset(path) == 0
    assert tus.patch(path, 0, data, Upload_Checksum=f"{algorithm} {good}").status == 204
    assert stored(admin, bucket, "a") == data


@pytest.mark.parametrize("value", ["sha512 AAAA", "sha1", "sha1 !!", "md5 AAAA"])
def test_a_checksum_that_can_not_be_checked_is_400(bucket, tus, value):
    path = tus.begin(bucket, "a", 1)
    assert tus.patch(path, 0, b"x", Upload_Checksum=value).status == 400
    assert tus.offset(path) == 0


# --- concatenation --------------------------------------------------------------------------------------------------


def test_pieces_become_one_object(admin, bucket, tus):
    data = sample(300_000)
    pieces = []
    for begin, end in ((0, 100_000), (100_000, 250_000), (250_000, 300_000)):
        path = tus.begin(bucket, "a", end - begin, **{"Upload-Concat": "partial"})
        assert tus.patch(path, 0, data[begin:end]).status == 204
        assert tus.head(path).headers["Upload-Concat"] == "partial"
        pieces.append(path)
    assert admin.get(f"/object/{bucket}/a").status == 400

    reply = tus.create(bucket, "a", -1, **{"Upload-Concat": "final;" + " ".join(pieces)})

    assert (reply.status, reply.headers["Tus-Complete"]) == (201, "1")
    assert stored(admin, bucket, "a") == data
    final = path_of(reply)
    head = tus.head(final)
    assert (head.headers["Upload-Length"], head.headers["Upload-Concat"]) == ("300000", "final;" + " ".join(pieces))
    assert tus.patch(final, 300_000, b"x").status == 403


def test_what_is_no_whole_piece_of_the_object_is_refused(bucket, tus):
    half = tus.begin(bucket, "a", 10, **{"Upload-Concat": "partial"})
    other = tus.begin(bucket, "b", 0, **{"Upload-Concat": "partial"})
    ordinary = tus.begin(bucket, "a", 10)
    for pieces in (half, other, ordinary, f"{ROOT}/nothing", ""):
        assert tus.create(bucket, "a", -1, **{"Upload-Concat": f"final;{pieces}"}).status in (400, 404)


# --- ending ---------------------------------------------------------------------------------------------------------


def test_an_upload_that_is_given_up_is_gone(bucket, tus):
    path = tus.begin(bucket, "a", 10)
    tus.patch(path, 0, b"1234")
    assert tus.delete(path).status == 204
    assert tus.head(path).status == 404
    assert tus.patch(path, 4, b"x").status == 404
    assert tus.delete(path).status == 404


def test_a_complete_upload_can_not_be_given_up(admin, bucket, tus):
    path = path_of(tus.create(bucket, "a", 5, b"hello"))
    reply = tus.delete(path)
    assert (reply.status, reply.text) == (400, "Cannot terminate an already completed upload")
    assert tus.offset(path) == 5
    assert stored(admin, bucket, "a") == b"hello"


def test_without_upsert_a_taken_key_is_409_at_the_beginning_and_at_the_end(bucket, put, tus):
    put(bucket, "a")
    reply = tus.create(bucket, "a", 3)
    assert (reply.status, reply.text) == (409, "The resource already exists")
    path = tus.begin(bucket, "b", 3)
    put(bucket, "b")
    reply = tus.patch(path, 0, b"abc")
    assert (reply.status, reply.text) == (409, "The resource already exists")


def test_with_upsert_a_taken_key_is_replaced(admin, bucket, put, tus):
    put(bucket, "a", b"old")
    path = tus.begin(bucket, "a", 3, **{"x-upsert": "true"})
    assert stored(admin, bucket, "a") == b"old"
    assert tus.patch(path, 0, b"new").status == 204
    assert stored(admin, bucket, "a") == b"new"


def test_a_bucket_with_an_upload_under_way_can_be_deleted(admin, bucket, tus):
    path = tus.begin(bucket, "a", 10)
    tus.patch(path, 0, b"1234")
    assert admin.delete(f"/bucket/{bucket}").status == 200
    assert tus.patch(path, 4, b"x").status == 404


# --- rights ---------------------------------------------------------------------------------------------------------


def test_row_level_security_decides_on_every_request(server, bucket, database, admin):
    wire = Wire(server.port, token(server.keys.jwt_secret, subject=new_subject()))
    tus = Tus(wire)
    assert tus.create(bucket, "a", 3).status == 403
    with database.policies(f"{INSERT} (bucket_id = '{bucket}')"):
        path = tus.begin(bucket, "a", 6)
        assert tus.patch(path, 0, b"abc").status == 204
    assert tus.patch(path, 3, b"def").status == 403
    assert tus.delete(path).status == 403
    assert tus.offset(path) == 3
    with database.policies(f"{INSERT} (bucket_id = '{bucket}')"):
        assert tus.patch(path, 3, b"def").status == 204
    assert stored(admin, bucket, "a") == b"abcdef"


def test_policies_see_the_length_and_the_media_type(server, bucket, database):
    tus = Tus(Wire(server.port, token(server.keys.jwt_secret, subject=new_subject())))
    check = "(metadata->>'contentLength')::int <= 10 and metadata->>'mimetype' = 'text/plain'"
    with database.policies(f"{INSERT} ({check})"):
        assert tus.create(bucket, "a", 11).status == 403
        assert tus.create(bucket, "a", 10).status == 201


def test_nobody_goes_on_with_an_upload_of_somebody_else(server, bucket, database, admin):
    alice, bob = new_subject(), new_subject()
    one = Tus(Wire(server.port, token(server.keys.jwt_secret, subject=alice)))
    two = Tus(Wire(server.port, token(server.keys.jwt_secret, subject=bob)))
    with database.policies(f"{INSERT} (bucket_id = '{bucket}')"):
        path = one.begin(bucket, "a", 3)
        assert two.patch(path, 0, b"abc").status == 403
        assert two.delete(path).status == 403
        assert one.patch(path, 0, b"abc").status == 204
    owner = database.value(f"select owner_id from storage.objects where bucket_id = '{bucket}' and name = 'a'")
    assert owner == alice


@pytest.mark.parametrize("method", ["POST", "HEAD", "PATCH", "DELETE"])
def test_without_a_token_nothing_works(anyone, bucket, tus, method):
    path = tus.begin(bucket, "a", 3)
    target = ROOT if method == "POST" else path
    headers = {
        **tus.headers,
        "Content-Type": BODY_TYPE,
        "Upload-Offset": "0",
        "Upload-Length": "3",
        "Upload-Metadata": metadata(bucketName=bucket, objectName="a"),
    }
    assert anyone.request(method, target, b"abc" if method == "PATCH" else None, headers=headers).status == 403
    assert anyone.request(method, target, b"abc" if method == "PATCH" else None, headers=headers, token="x").status in (400, 403)
    assert tus.offset(path) == 0


def signed_token(wire: Wire, bucket: str, key: str, **headers: str) -> str:
    reply = wire.post(f"/object/upload/sign/{bucket}/{key}", headers=headers)
    assert reply.status == 200, reply.text
    return reply.json()["token"]


def test_a_signed_token_is_enough_for_its_object(admin, anyone, bucket):
    signed = Tus(anyone, ROOT + "/sign", {"x-signature": signed_token(admin, bucket, "dir/a.txt")})
    path = signed.begin(bucket, "dir/a.txt", 6)
    assert path.startswith(ROOT + "/sign/")
    assert signed.patch(path, 0, b"abc").status == 204
    assert signed.offset(path) == 3
    assert signed.patch(path, 3, b"def").status == 204
    assert stored(admin, bucket, "dir/a.txt") == b"abcdef"
    assert signed.create(bucket, "other.txt", 1).status == 400


def test_on_every_signed_request_the_token_must_be_there(admin, anyone, bucket):
    signed = Tus(anyone, ROOT + "/sign", {"x-signature": signed_token(admin, bucket, "a")})
    bare = Tus(anyone, ROOT + "/sign")
    path = signed.begin(bucket, "a", 3)
    for reply in (bare.create(bucket, "a", 3), bare.patch(path, 0, b"abc"), bare.delete(path)):
        assert (reply.status, reply.text) == (400, "Missing x-signature header\n")
    assert bare.head(path).status == 400
    wrong = Tus(anyone, ROOT + "/sign", {"x-signature": signed_token(admin, bucket, "b")})
    assert wrong.patch(path, 0, b"abc").status == 400
    assert signed.delete(path).status == 204


def test_upsert_comes_from_the_signed_token_alone(admin, anyone, bucket, put):
    upserting = signed_token(admin, bucket, "a", **{"x-upsert": "true"})
    plain = signed_token(admin, bucket, "b")
    put(bucket, "a", b"old")
    put(bucket, "b", b"old")
    assert Tus(anyone, ROOT + "/sign", {"x-signature": upserting}).create(bucket, "a", 3, b"new").status == 201
    reply = Tus(anyone, ROOT + "/sign", {"x-signature": plain, "x-upsert": "true"}).create(bucket, "b", 3, b"new")
    assert reply.status == 409
    assert (stored(admin, bucket, "a"), stored(admin, bucket, "b")) == (b"new", b"old")


# --- requests that die ----------------------------------------------------------------------------------------------


def test_a_client_that_reconnects_gets_past_its_own_request_that_hangs(admin, bucket, tus):
    data = sample(200_000)
    path = tus.begin(bucket, "a", len(data))
    dead = tus.half_patch(path, 0, len(data), data[:70_000])
    # The bytes are on their way through the loopback interface; what has not been read by then is sent again.
    time.sleep(0.3)

    offset = tus.offset(path)
    assert 0 < offset <= 70_000

    answer = dead.recv(65536)
    assert answer.startswith(b"HTTP/1.1 400") and answer.endswith(b"Request aborted due to lock acquired")
    dead.close()
    assert tus.patch(path, offset, data[offset:]).status == 204
    assert stored(admin, bucket, "a") == data


def test_every_byte_counts_after_the_connection_broke(server, admin, bucket, tus):
    data = sample(300_000)
    path = tus.begin(bucket, "a", len(data))
    broken = tus.half_patch(path, 0, len(data), data[:123_456])
    broken.shutdown(1)
    broken.close()
    # Until the server has noticed, a new request would be taken for one that gives up what is still on its way.
    assert wait_until(lambda: any(path in line and '"PATCH"' in line for line in server.log().splitlines()), 10)
    assert tus.offset(path) == 123_456
    assert tus.patch(path, 123_456, data[123_456:]).status == 204
    assert stored(admin, bucket, "a") == data


def test_two_clients_on_one_upload_never_mix_their_bytes(admin, bucket, tus):
    data = sample(2 << 20)
    path = tus.begin(bucket, "a", len(data))
    failures: list[str] = []

    def send() -> None:
        try:
            for _ in range(500):
                offset = tus.offset(path)
                if offset == len(data):
                    return
                reply = tus.patch(path, offset, data[offset : offset + 100_000])
                if reply.status not in (204, 400, 403, 409, 503):
                    failures.append(f"{reply.status} {reply.text}")
        except Exception as error:  # noqa: BLE001 - reported below
            if not isinstance(error, (ConnectionError, BrokenPipeError)):
                failures.append(repr(error))

    clients = [threading.Thread(target=send) for _ in range(4)]
    for client in clients:
        client.start()
    for client in clients:
        client.join(120)
    while (offset := tus.offset(path)) < len(data):
        assert tus.patch(path, offset, data[offset:]).status == 204
    assert failures == []
    assert stored(admin, bucket, "a") == data
