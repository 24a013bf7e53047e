# SPDX-License-Identifier: Apache-2.0
"""Every operation and feature that clients of S3 can't do without, over raw HTTP: what it does, and what it refuses.

A test is named after its line of the matrix; a line has at least one test of each kind. Signatures, bodies and uploads in parts are in
`test_s3_matrix_bodies.py`, the features that only some clients need in `test_s3_matrix_features.py` and `test_s3_matrix_access.py`, and what
nobody well-meaning sends in `test_s3_hostile.py`.
"""

from __future__ import annotations

import email.utils
import hashlib
import uuid
from urllib.parse import quote, unquote

import pytest

from Support import s3, sigv4
from Support.sigv4 import Document, outcome
from Support.wire import raw_exchange, status_of

MIB = 1 << 20


@pytest.fixture(scope="module")
def client(server) -> sigv4.Client:
    return sigv4.Client(server.port, s3.key_pair(server))


@pytest.fixture
def bucket(client) -> str:
    """A new bucket's path."""
    path = f"/s3/m-{uuid.uuid4().hex[:16]}"
    assert client.put(path).status == 200
    return path


def name_of(bucket: str) -> str:
    return bucket.rpartition("/")[2]


def fill(client, bucket: str, *keys: str) -> None:
    for key in keys:
        assert client.put(f"{bucket}/{key}", b"x").status == 200


# --- buckets --------------------------------------------------------------------------------------------------------


def test_list_buckets_names_each_with_its_date_and_the_owner(client, bucket):
    listing = Document.of(client.get("/s3"))
    assert listing.name == "ListAllMyBucketsResult"
    found = next(entry for entry in listing.all("Buckets/Bucket") if entry.text("Name") == name_of(bucket))
    assert found.text("CreationDate").endswith("Z") and "." in found.text("CreationDate")
    assert listing.text("Owner/ID") and listing.text("Owner/DisplayName")


def test_list_buckets_pages(client, bucket):
    other = f"{bucket}-z"
    assert client.put(other).status == 200
    first = Document.of(client.get(f"/s3?max-buckets=1&prefix={name_of(bucket)}"))
    assert first.texts("Buckets/Bucket/Name") == [name_of(bucket)]
    token = sigv4.escaped(first.text("ContinuationToken"))
    second = Document.of(client.get(f"/s3?max-buckets=1&prefix={name_of(bucket)}&continuation-token={token}"))
    assert (second.texts("Buckets/Bucket/Name"), second.text("ContinuationToken")) == ([name_of(other)], None)


@pytest.mark.parametrize("query", ["max-buckets=0", "max-buckets=x", "max-buckets=10001"])
def test_list_buckets_refuses_a_page_that_is_none(client, query):
    assert outcome(client.get(f"/s3?{query}")) == (400, "InvalidArgument")


def test_list_buckets_is_not_for_strangers(anyone):
    assert outcome(anyone.get("/s3")) == (403, "AccessDenied")


@pytest.mark.parametrize("place", ["", "US", "eu-central-1"])
def test_create_bucket_takes_any_place(client, place):
    path = f"/s3/m-{uuid.uuid4().hex[:16]}"
    inner = f"<LocationConstraint>{place}</LocationConstraint>" if place else ""
    body = f"<CreateBucketConfiguration xmlns='http://s3.amazonaws.com/doc/2006-03-01/'>{inner}</CreateBucketConfiguration>"
    made = client.put(path, body.encode(), headers={"x-amz-bucket-object-lock-enabled": "false"})
    assert (made.status, made.headers["Location"]) == (200, f"/{name_of(path)}")
    # Clients make sure of a bucket by making it again.
    assert client.put(path).status in (200, 409)
    assert client.head(path).status == 200


@pytest.mark.parametrize(
    "name", ["ab", "a" * 64, "Upper", "under_score", "-lead", "trail-", "a..b", "a.-b", "192.168.5.4", "sp%20ace", "%C3%BC%C3%BC%C3%BC"]
)
def test_create_bucket_refuses_names_that_no_host_has(client, name):
    assert outcome(client.put(f"/s3/{name}")) == (400, "InvalidBucketName")


@pytest.mark.parametrize("body", [b"<CreateBucket/>", b"<CreateBucketConfiguration>", b"eu-central-1"])
def test_create_bucket_refuses_a_document_that_is_none(client, body):
    path = f"/s3/m-{uuid.uuid4().hex[:16]}"
    assert outcome(client.put(path, body)) == (400, "MalformedXML")
    assert client.head(path).status == 404


def test_head_bucket_tells_the_region_and_has_no_body(client, bucket):
    found = client.head(bucket)
    assert (found.status, found.headers["x-amz-bucket-region"], found.body) == (200, "us-east-1", b"")
    missing = client.head(f"{bucket}-none")
    assert (missing.status, missing.body) == (404, b"")


def test_delete_bucket_does_not_wait_for_uploads_in_parts(client, bucket):
    assert client.post(f"{bucket}/k?uploads").status == 200
    gone = client.delete(bucket)
    assert (gone.status, gone.body) == (204, b"")


def test_delete_bucket_leaves_one_that_is_not_empty(client, bucket):
    fill(client, bucket, "k")
    assert outcome(client.delete(bucket)) == (409, "BucketNotEmpty")
    assert client.get(f"{bucket}/k").body == b"x"
    assert outcome(client.delete(f"{bucket}-none")) == (404, "NoSuchBucket")


def test_get_bucket_location_of_the_oldest_region_is_empty(client, bucket):
    place = Document.of(client.get(f"{bucket}/?location"))
    assert (place.name, place.element.text) == ("LocationConstraint", None)
    assert outcome(client.get(f"{bucket}-none?location")) == (404, "NoSuchBucket")


# --- listings -------------------------------------------------------------------------------------------------------


def test_list_objects_v2_counts_keys_and_prefixes_in_byte_order(client, bucket):
    fill(client, bucket, "B", "a", "a/1", "a/2", "%EF%BF%BD", "%F0%9F%98%80", "%C3%A9")
    listing = Document.of(client.get(f"{bucket}?list-type=2&delimiter=%2F"))
    assert listing.texts("Contents/Key") == ["B", "a", "é", "\ufffd", "\U0001f600"]
    assert listing.texts("CommonPrefixes/Prefix") == ["a/"]
    assert (listing.text("KeyCount"), listing.text("IsTruncated")) == ("6", "false")
    assert listing.text("Contents/ETag") == f'"{hashlib.md5(b"x").hexdigest()}"'
    assert listing.text("Contents/StorageClass") == "STANDARD"
    assert listing.text("Contents/Owner/ID") is None
    owned = Document.of(client.get(f"{bucket}?list-type=2&fetch-owner=true"))
    assert owned.text("Contents/Owner/ID")


def test_list_objects_v2_encodes_what_it_says_when_asked(client, bucket):
    fill(client, bucket, "d%20d/k%2B%01")
    query = "list-type=2&encoding-type=url&prefix=d%20d%2F&start-after=d%20d%2F%20"
    listing = Document.of(client.get(f"{bucket}?{query}"))
    assert listing.text("EncodingType") == "url"
    assert [listing.text(name) for name in ("Contents/Key", "Prefix", "StartAfter")] == ["d%20d/k%2B%01", "d%20d/", "d%20d/%20"]
    folded = Document.of(client.get(f"{bucket}?list-type=2&encoding-type=url&delimiter=%20"))
    assert (folded.text("CommonPrefixes/Prefix"), folded.text("Delimiter")) == ("d%20", "%20")


def test_list_objects_v2_goes_on_with_its_token_whatever_was_deleted(client, bucket):
    fill(client, bucket, "a", "b", "c", "d")
    first = Document.of(client.get(f"{bucket}?list-type=2&max-keys=2"))
    assert (first.texts("Contents/Key"), first.text("IsTruncated")) == (["a", "b"], "true")
    client.delete(f"{bucket}/b")
    token = first.text("NextContinuationToken")
    second = Document.of(client.get(f"{bucket}?list-type=2&start-after=zzz&continuation-token={sigv4.escaped(token)}"))
    assert (second.texts("Contents/Key"), second.text("ContinuationToken")) == (["c", "d"], token)


def test_list_objects_v2_of_no_keys_is_not_truncated(client, bucket):
    fill(client, bucket, "a")
    listing = Document.of(client.get(f"{bucket}?list-type=2&max-keys=0"))
    assert (listing.text("KeyCount"), listing.text("IsTruncated"), listing.text("MaxKeys")) == ("0", "false", "0")
    assert Document.of(client.get(f"{bucket}?list-type=2&max-keys=5000")).text("MaxKeys") == "1000"


@pytest.mark.parametrize(
    "query", ["max-keys=-1", "max-keys=x", "encoding-type=hex", "continuation-token=%00", "continuation-token=made-up"]
)
def test_list_objects_v2_refuses_what_it_cannot_mean(client, bucket, query):
    assert outcome(client.get(f"{bucket}?list-type=2&{query}")) == (400, "InvalidArgument")


def test_list_objects_v2_of_no_bucket_is_an_error(client, bucket):
    assert outcome(client.get(f"{bucket}-none?list-type=2")) == (404, "NoSuchBucket")


def test_list_objects_v1_echoes_its_marker_and_names_the_next(client, bucket):
    fill(client, bucket, "a", "b", "c/1", "c/2", "d")
    first = Document.of(client.get(f"{bucket}?max-keys=2&marker=a&delimiter=%2F"))
    assert (first.text("Marker"), first.text("NextMarker"), first.text("IsTruncated")) == ("a", "c/", "true")
    assert (first.texts("Contents/Key"), first.texts("CommonPrefixes/Prefix")) == (["b"], ["c/"])
    second = Document.of(client.get(f"{bucket}?max-keys=2&marker=c%2F&delimiter=%2F"))
    assert (second.texts("Contents/Key"), second.text("NextMarker")) == (["d"], None)
    assert second.text("Contents/Owner/ID")


@pytest.mark.parametrize("query", ["max-keys=-1", "max-keys=many", "encoding-type=x"])
def test_list_objects_v1_refuses_what_it_cannot_mean(client, bucket, query):
    assert outcome(client.get(f"{bucket}?{query}")) == (400, "InvalidArgument")


# --- objects --------------------------------------------------------------------------------------------------------


def test_put_object_keeps_what_describes_it(client, bucket):
    said = {
        "content-type": "text/css",
        "content-encoding": "gzip,aws-chunked",
        "content-disposition": "inline",
        "content-language": "de",
        "cache-control": "max-age=5",
        "expires": "Thu, 01 Dec 2033 16:00:00 GMT",
        "x-amz-meta-mtime": "1.5",
        "x-amz-storage-class": "STANDARD",
        "x-amz-acl": "private",
        "content-md5": sigv4.md5(b"body"),
    }
    put = client.put(f"{bucket}/k?x-id=PutObject", b"body", headers=said)
    assert (put.status, put.headers["ETag"]) == (200, f'"{hashlib.md5(b"body").hexdigest()}"')
    found = client.head(f"{bucket}/k").headers
    said["content-encoding"] = "gzip"
    kept = set(said) - {"x-amz-storage-class", "x-amz-acl", "content-md5"}
    assert {name: found[name] for name in kept} == {name: said[name] for name in kept}


def test_put_object_refuses_another_body_than_it_was_promised(client, bucket):
    fill(client, bucket, "k")
    for wrong, code in ((sigv4.md5(b"other"), "BadDigest"), ("bm90IGEgZGlnZXN0", "InvalidDigest"), ("?", "InvalidDigest")):
        assert outcome(client.put(f"{bucket}/k", b"new", headers={"content-md5": wrong})) == (400, code)
    assert outcome(client.put(f"{bucket}/k", b"new", headers={"x-amz-meta-a": "v" * 2048})) == (400, "MetadataTooLarge")
    assert outcome(client.put(f"{bucket}/k", b"new", headers={"x-amz-storage-class": "NO_SUCH"})) == (400, "InvalidStorageClass")
    assert client.get(f"{bucket}/k").body == b"x"


def test_put_object_needs_a_bucket_and_a_length(client, bucket, server):
    assert outcome(client.put(f"{bucket}-none/k", b"x")) == (404, "NoSuchBucket")
    signed, _ = client.sign("PUT", f"{bucket}/k", {}, sigv4.UNSIGNED)
    assert outcome(client.wire.request("PUT", f"{bucket}/k", iter([b"x"]), headers=signed)) == (411, "MissingContentLength")


@pytest.mark.parametrize("good", [True, False])
def test_put_object_continues_only_for_who_may(client, bucket, server, good):
    target = f"{bucket}/k"
    signed, _ = client.sign("PUT", target, {"content-length": "4"}, sigv4.UNSIGNED)
    if not good:
        signed["Authorization"] = signed["Authorization"][:-4] + "0000"
    lines = [f"PUT {target} HTTP/1.1", f"Host: {client.host}", "Expect: 100-continue", "Connection: close"]
    head = "\r\n".join([*lines, *(f"{name}: {value}" for name, value in signed.items())]) + "\r\n\r\n"
    # Without the body: who was refused gets the answer at once, who may go on is told so and nothing else.
    answer = raw_exchange(server.port, head.encode(), timeout=2 if good else 20)
    assert status_of(answer) == (100 if good else 403)


def test_get_object_ranges(client, bucket):
    client.put(f"{bucket}/k", b"0123456789")
    for span, body, said in (("2-4", b"234", "2-4"), ("7-", b"789", "7-9"), ("-3", b"789", "7-9"), ("8-99", b"89", "8-9")):
        part = client.get(f"{bucket}/k", headers={"range": f"bytes={span}"})
        assert (part.status, part.body, part.headers["Content-Range"]) == (206, body, f"bytes {said}/10")
    for span in ("bytes=1-2,4-5", "bytes=5-2", "chars=1-2"):
        whole = client.get(f"{bucket}/k", headers={"range": span})
        assert (whole.status, whole.body, whole.headers["Accept-Ranges"]) == (200, b"0123456789", "bytes")


def test_get_object_refuses_a_range_behind_the_end(client, bucket):
    client.put(f"{bucket}/k", b"0123456789")
    for span in ("10-", "50-60", "-0"):
        refused = client.get(f"{bucket}/k", headers={"range": f"bytes={span}"})
        assert outcome(refused) == (416, "InvalidRange")
        assert refused.headers["Content-Range"] == "bytes */10"
    client.put(f"{bucket}/empty", b"")
    assert outcome(client.get(f"{bucket}/empty", headers={"range": "bytes=0-0"})) == (416, "InvalidRange")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_get_and_head_object_weigh_conditions_as_rfc_9110_says(client, bucket, method):
    put = client.put(f"{bucket}/k", b"x")
    tag, date = put.headers["ETag"], client.head(f"{bucket}/k").headers["Last-Modified"]
    past, future = "Mon, 01 Jan 2001 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT"
    for fields, status in (
        ({"if-match": tag}, 200),
        ({"if-match": f'"other", {tag}'}, 200),
        ({"if-match": "*"}, 200),
        ({"if-match": '"other"'}, 412),
        ({"if-none-match": tag}, 304),
        ({"if-none-match": "*"}, 304),
        ({"if-none-match": '"other"'}, 200),
        ({"if-modified-since": date}, 304),
        ({"if-modified-since": past}, 200),
        ({"if-unmodified-since": past}, 412),
        ({"if-unmodified-since": future}, 200),
        # A tag outweighs a date.
        ({"if-match": tag, "if-unmodified-since": past}, 200),
        ({"if-none-match": '"other"', "if-modified-since": date}, 200),
        ({"if-none-match": tag, "if-modified-since": past}, 304),
    ):
        reply = client.request(method, f"{bucket}/k", headers=fields)
        assert reply.status == status, fields
        if status == 304:
            assert (reply.body, reply.headers["ETag"]) == (b"", tag)


def test_get_object_shows_it_otherwise_to_who_signed(client, anyone, bucket):
    fill(client, bucket, "k")
    asked = {
        "cache-control": "no-store",
        "content-disposition": 'attachment; filename="x"',
        "content-encoding": "br",
        "content-language": "fr",
        "content-type": "a/b",
        "expires": "0",
    }
    query = "&".join(f"response-{name}={sigv4.escaped(value)}" for name, value in asked.items())
    shown = client.get(f"{bucket}/k?{query}").headers
    assert {name: shown[name] for name in asked} == asked
    client.put(f"{bucket}?acl", headers={"x-amz-acl": "public-read"})
    assert outcome(anyone.get(f"{bucket}/k?response-content-type=text%2Fhtml")) == (400, "InvalidRequest")
    assert outcome(client.get(f"{bucket}/k?response-content-type=a%0D%0Ab")) == (400, "InvalidArgument")


def test_head_object_says_what_get_says(client, bucket):
    client.put(f"{bucket}/k", b"hello", headers={"x-amz-meta-a": "b"})
    got, found = client.get(f"{bucket}/k"), client.head(f"{bucket}/k")
    own = {"date", "x-amz-request-id", "x-request-id"}
    assert {n.lower(): v for n, v in got.headers.items() if n.lower() not in own} == {
        n.lower(): v for n, v in found.headers.items() if n.lower() not in own
    }
    assert (found.headers["Content-Length"], found.body) == ("5", b"")
    listed = Document.of(client.get(f"{bucket}?list-type=2")).text("Contents/LastModified")
    moment = email.utils.parsedate_to_datetime(found.headers["Last-Modified"])
    assert listed.startswith(moment.strftime("%Y-%m-%dT%H:%M:%S"))


def test_head_object_of_nothing_has_no_body(client, bucket):
    missing = client.head(f"{bucket}/none")
    assert (missing.status, missing.body) == (404, b"")
    assert client.head(f"{bucket}-none/k").status == 404


def test_delete_object_of_nothing_is_done(client, bucket):
    fill(client, bucket, "k")
    for _ in range(2):
        gone = client.delete(f"{bucket}/k")
        assert (gone.status, gone.body) == (204, b"")
    assert outcome(client.delete(f"{bucket}-none/k")) == (404, "NoSuchBucket")


def deletion(*keys: str, quiet: bool = False) -> bytes:
    named = "".join(f"<Object><Key>{key}</Key></Object>" for key in keys)
    return f"<Delete>{'<Quiet>true</Quiet>' if quiet else ''}{named}</Delete>".encode()


def test_delete_objects_reads_keys_as_xml_writes_them(client, bucket):
    fill(client, bucket, "a%26b", "%3Ctag%3E", "tab%09", "%C3%A9")
    body = deletion("a&amp;b", "&lt;tag&gt;", "tab&#9;", "&#xE9;", "never-there")
    for fields in ({}, {"content-md5": sigv4.md5(body)}, {"x-amz-checksum-crc32": sigv4.crc32(body)}):
        result = Document.of(client.post(f"{bucket}?delete", body, headers=fields))
        assert sorted(result.texts("Deleted/Key")) == sorted(["a&b", "<tag>", "tab\t", "é", "never-there"])
        assert result.all("Error") == []
    assert Document.of(client.get(f"{bucket}?list-type=2")).text("KeyCount") == "0"


def test_delete_objects_quietly_tells_of_errors_only(client, bucket):
    fill(client, bucket, "k")
    result = Document.of(client.post(f"{bucket}?delete", deletion("k", "x" * 1025, quiet=True)))
    assert (result.all("Deleted"), result.texts("Error/Code")) == ([], ["KeyTooLongError"])
    assert client.head(f"{bucket}/k").status == 404


def test_delete_objects_refuses_more_than_a_thousand_and_what_is_no_list(client, bucket):
    fill(client, bucket, "k")
    assert outcome(client.post(f"{bucket}?delete", deletion("k", *map(str, range(1000))))) == (400, "MalformedXML")
    for body in (b"", b"<Delete/>", b"<Delete><Object/></Delete>", b"<Remove><Object><Key>k</Key></Object></Remove>"):
        assert outcome(client.post(f"{bucket}?delete", body)) == (400, "MalformedXML")
    wrong = {"content-md5": sigv4.md5(b"other")}
    assert outcome(client.post(f"{bucket}?delete", deletion("k"), headers=wrong)) == (400, "BadDigest")
    assert client.head(f"{bucket}/k").status == 200


def copied(client, source: str, target: str, **fields: str):
    headers = {"x-amz-copy-source": source, **{f"x-amz-{name.replace('_', '-')}": value for name, value in fields.items()}}
    return client.put(target, headers=headers)


def test_copy_object_reads_its_source_however_it_is_written(client, bucket):
    client.put(f"{bucket}/a%20%2B%C3%A9", b"body", headers={"x-amz-meta-k": "v", "content-type": "a/b"})
    source = f"{name_of(bucket)}/a%20%2B%C3%A9"
    for spelling in (source, f"/{source}", source.replace("/", "%2F")):
        result = Document.of(copied(client, spelling, f"{bucket}/copy"))
        assert result.name == "CopyObjectResult"
        assert result.text("ETag") == f'"{hashlib.md5(b"body").hexdigest()}"'
        assert result.text("LastModified").endswith("Z")
    found = client.get(f"{bucket}/copy")
    assert (found.body, found.headers["x-amz-meta-k"], found.headers["content-type"]) == (b"body", "v", "a/b")


def test_copy_object_refuses_what_would_change_nothing_and_what_is_not_there(client, bucket):
    client.put(f"{bucket}/k", b"x")
    source = f"{name_of(bucket)}/k"
    assert outcome(copied(client, source, f"{bucket}/k")) == (400, "InvalidRequest")
    assert outcome(copied(client, f"{name_of(bucket)}/none", f"{bucket}/k")) == (404, "NoSuchKey")
    assert outcome(copied(client, f"{name_of(bucket)}-none/k", f"{bucket}/c")) == (404, "NoSuchBucket")
    assert outcome(copied(client, source, f"{bucket}/c", metadata_directive="MERGE")) == (400, "InvalidArgument")
    for nonsense in ("", "k", "%ZZ/k", "/"):
        assert outcome(copied(client, nonsense, f"{bucket}/c"))[0] == 400, nonsense
    assert outcome(copied(client, f"{source}?versionId=none", f"{bucket}/c")) == (404, "NoSuchVersion")
    assert client.head(f"{bucket}/c").status == 404


def test_copy_object_weighs_conditions_on_its_source(client, bucket):
    tag = client.put(f"{bucket}/k", b"x").headers["ETag"]
    past, future = "Mon, 01 Jan 2001 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT"
    for fields, status in (
        ({"copy_source_if_match": tag}, 200),
        ({"copy_source_if_match": '"other"'}, 412),
        ({"copy_source_if_none_match": tag}, 412),
        ({"copy_source_if_none_match": '"other"'}, 200),
        ({"copy_source_if_modified_since": past}, 200),
        ({"copy_source_if_unmodified_since": past}, 412),
        ({"copy_source_if_unmodified_since": future}, 200),
        ({"copy_source_if_match": tag, "copy_source_if_unmodified_since": past}, 200),
        ({"copy_source_if_none_match": tag, "copy_source_if_modified_since": past}, 412),
    ):
        assert copied(client, f"{name_of(bucket)}/k", f"{bucket}/c", **fields).status == status, fields


# --- keys and limits ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["%2Flead", "a%2F%2Fb", ".", "..", "a/../b", "./", "t/", "%2B", "%20", "%07", "%F0%9F%98%80", "%25", "%5C"])
def test_keys_are_bytes_and_no_paths(client, bucket, key):
    assert client.put(f"{bucket}/{key}", key.encode()).status == 200
    assert client.get(f"{bucket}/{key}").body == key.encode()
    listed = Document.of(client.get(f"{bucket}?list-type=2&encoding-type=url"))
    assert listed.texts("Contents/Key") == [quote(unquote(key), safe="-_.~/")]


def test_keys_have_1024_bytes(client, bucket):
    assert client.put(f"{bucket}/{'k' * 1024}", b"x").status == 200
    assert client.put(f"{bucket}/{'%C3%A9' * 512}", b"x").status == 200
    assert outcome(client.put(f"{bucket}/{'k' * 1025}", b"x")) == (400, "KeyTooLongError")
    assert outcome(client.put(f"{bucket}/{'%C3%A9' * 512}k", b"x")) == (400, "KeyTooLongError")
    assert outcome(client.put(f"{bucket}/%FF%FE", b"x")) == (400, "InvalidURI")


def test_limits_hold_before_a_body_is_read(client, bucket):
    signed, _ = client.sign("PUT", f"{bucket}/k", {"content-length": str(5 * 1024**4 + 1)}, sigv4.UNSIGNED)
    assert outcome(client.wire.request("PUT", f"{bucket}/k", b"", headers=signed)) == (400, "EntityTooLarge")
    assert client.put(f"{bucket}/k", b"x" * MIB).status == 200


# --- errors ---------------------------------------------------------------------------------------------------------


def test_error_xml_names_the_request_that_the_head_names(client, bucket):
    reply = client.get(f"{bucket}/none%20such")
    error = Document.of(reply)
    assert error.text("Code") == "NoSuchKey" and error.text("Message")
    assert error.text("Resource") == f"{bucket}/none such"
    assert (error.text("RequestId"), error.text("HostId")) == (reply.headers["x-amz-request-id"], reply.headers["x-amz-id-2"])
    assert client.get(bucket).headers["x-amz-request-id"] != reply.headers["x-amz-request-id"]


@pytest.mark.parametrize(
    "query", ["retention", "legal-hold", "torrent", "select&select-type=2", "restore", "encryption", "website", "unheard-of"]
)
@pytest.mark.parametrize("method", ["PUT", "POST", "GET"])
def test_error_xml_for_a_sub_resource_that_is_not_there(client, bucket, method, query):
    fill(client, bucket, "k")
    assert outcome(client.request(method, f"{bucket}/k?{query}", b"<x/>"))[0] in (405, 501)
    assert client.get(f"{bucket}/k").body == b"x"


def test_error_xml_for_a_method_that_is_not_there(client, bucket):
    assert outcome(client.request("PATCH", f"{bucket}/k", b"")) == (405, "MethodNotAllowed")
    assert outcome(client.post(f"{bucket}/k", b"")) == (405, "MethodNotAllowed")
    assert outcome(client.put("/s3", b"")) == (405, "MethodNotAllowed")
