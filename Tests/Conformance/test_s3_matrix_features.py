# SPDX-License-Identifier: Apache-2.0
"""The matrix of S3, continued: features that some clients need and others lose something without, over raw HTTP."""

from __future__ import annotations

import hashlib
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from Support import s3, sigv4
from Support.s3documents import RULE, begin, complete, cors, status, tagging
from Support.sigv4 import Document, outcome


@pytest.fixture(scope="module")
def client(server) -> sigv4.Client:
    return sigv4.Client(server.port, s3.key_pair(server))


@pytest.fixture
def bucket(client) -> str:
    """A new bucket's path."""
    path = f"/s3/m-{uuid.uuid4().hex[:16]}"
    assert client.put(path).status == 200
    return path


@pytest.fixture
def versioned(client, bucket) -> str:
    assert client.put(f"{bucket}?versioning", status("Enabled")).status == 200
    return bucket


# --- conditional writes ---------------------------------------------------------------------------------------------


def test_conditional_writes_to_a_free_key_have_one_winner(client, bucket):
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda n: client.put(f"{bucket}/k", b"%d" % n, headers={"if-none-match": "*"}), range(24)))
    assert sorted({outcome(reply) for reply in replies} - {(409, "ConditionalRequestConflict")}) == [
        (200, None),
        (412, "PreconditionFailed"),
    ]
    winner = [n for n, reply in enumerate(replies) if reply.status == 200]
    assert [b"%d" % n for n in winner] == [client.get(f"{bucket}/k").body]


def test_conditional_writes_replace_only_what_was_meant(client, bucket):
    tag = client.put(f"{bucket}/k", b"1").headers["ETag"]
    second = client.put(f"{bucket}/k", b"2", headers={"if-match": tag})
    assert second.status == 200
    for method, body in (("PUT", b"3"), ("DELETE", None)):
        assert outcome(client.request(method, f"{bucket}/k", body, headers={"if-match": tag})) == (412, "PreconditionFailed")
        assert outcome(client.request(method, f"{bucket}/none", body, headers={"if-match": tag})) == (404, "NoSuchKey")
    assert client.get(f"{bucket}/k").body == b"2"
    assert client.delete(f"{bucket}/k", headers={"if-match": second.headers["ETag"]}).status == 204


def test_conditional_writes_when_an_upload_is_complete(client, bucket):
    upload = begin(client, f"{bucket}/k")
    assert complete(client, f"{bucket}/k", upload, {"if-none-match": "*"}).status == 200
    late = begin(client, f"{bucket}/k")
    assert outcome(complete(client, f"{bucket}/k", late, {"if-none-match": "*"})) == (412, "PreconditionFailed")
    assert outcome(complete(client, f"{bucket}/k", late, {"if-match": '"other"'})) == (412, "PreconditionFailed")
    tag = client.head(f"{bucket}/k").headers["ETag"]
    assert complete(client, f"{bucket}/k", late, {"if-match": tag}).status == 200


def test_conditional_writes_when_an_upload_begins(client, bucket):
    early = begin(client, f"{bucket}/k", if_none_match="*")
    client.put(f"{bucket}/k", b"x")
    assert outcome(client.post(f"{bucket}/k?uploads", headers={"if-none-match": "*"})) == (412, "PreconditionFailed")
    tag = '"0"'
    body = f"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{tag}</ETag></Part></CompleteMultipartUpload>"
    assert outcome(client.post(f"{bucket}/k?uploadId={early}", body.encode())) == (412, "PreconditionFailed")
    assert outcome(client.post(f"{bucket}/k?uploads", headers={"if-match": tag})) == (501, "NotImplemented")
    assert client.get(f"{bucket}/k").body == b"x"


def test_conditional_writes_of_copies_look_at_the_destination(client, bucket):
    source = {"x-amz-copy-source": bucket.removeprefix("/s3/") + "/from"}
    tag = client.put(f"{bucket}/from", b"x").headers["ETag"]
    assert client.put(f"{bucket}/to", headers={**source, "if-none-match": "*"}).status == 200
    assert outcome(client.put(f"{bucket}/to", headers={**source, "if-none-match": "*"})) == (412, "PreconditionFailed")
    assert outcome(client.put(f"{bucket}/to", headers={**source, "if-match": '"other"'})) == (412, "PreconditionFailed")
    assert client.put(f"{bucket}/to", headers={**source, "if-match": tag}).status == 200


def test_conditional_writes_that_s3_does_not_have(client, bucket):
    for fields in ({"if-none-match": '"tag"'}, {"if-none-match": "*", "if-match": '"tag"'}):
        assert outcome(client.put(f"{bucket}/k", b"x", headers=fields)) == (501, "NotImplemented")
    assert client.head(f"{bucket}/k").status == 404


# --- versioning -----------------------------------------------------------------------------------------------------


def test_versioning_keeps_names_and_removes(client, versioned):
    assert Document.of(client.get(f"{versioned}?versioning")).text("Status") == "Enabled"
    ids = [client.put(f"{versioned}/k", body).headers["x-amz-version-id"] for body in (b"1", b"2")]
    assert client.get(f"{versioned}/k?versionId={ids[0]}").body == b"1"
    assert client.get(f"{versioned}/k").headers["x-amz-version-id"] == ids[1]
    marker = client.delete(f"{versioned}/k").headers
    assert (marker["x-amz-delete-marker"], marker["x-amz-version-id"] in ids) == ("true", False)
    missing = client.get(f"{versioned}/k")
    assert (outcome(missing), missing.headers["x-amz-delete-marker"]) == ((404, "NoSuchKey"), "true")
    shown = client.get(f"{versioned}/k?versionId={marker['x-amz-version-id']}")
    assert (outcome(shown), shown.headers["x-amz-delete-marker"]) == ((405, "MethodNotAllowed"), "true")
    copy = {"x-amz-copy-source": f"{versioned.removeprefix('/s3/')}/k?versionId={ids[0]}"}
    assert client.put(f"{versioned}/k", headers=copy).headers["x-amz-copy-source-version-id"] == ids[0]
    assert client.get(f"{versioned}/k").body == b"1"
    for version in ids:
        assert client.delete(f"{versioned}/k?versionId={version}").headers["x-amz-version-id"] == version
    assert outcome(client.get(f"{versioned}/k?versionId={ids[1]}")) == (404, "NoSuchVersion")


def test_versioning_lists_page_by_page(client, versioned):
    for key in ("a", "a", "b/1", "b/2", "c"):
        client.put(f"{versioned}/{key}", b"x")
    client.delete(f"{versioned}/a")
    found, marker = [], ""
    while True:
        page = Document.of(client.get(f"{versioned}?versions&max-keys=2&delimiter=%2F{marker}"))
        found += [
            (item.name, item.text("Key") or item.text("Prefix"))
            for name in ("DeleteMarker", "Version", "CommonPrefixes")
            for item in page.all(name)
        ]
        if page.text("IsTruncated") == "false":
            break
        marker = "".join(
            f"&{field}={sigv4.escaped(value)}"
            for field, value in (("key-marker", page.text("NextKeyMarker")), ("version-id-marker", page.text("NextVersionIdMarker")))
            if value
        )
    assert found == [("DeleteMarker", "a"), ("Version", "a"), ("Version", "a"), ("CommonPrefixes", "b/"), ("Version", "c")]


def test_versioning_suspended_writes_the_null_version(client, bucket):
    client.put(f"{bucket}/k", b"before")
    client.put(f"{bucket}?versioning", status("Enabled"))
    named = client.put(f"{bucket}/k", b"named").headers["x-amz-version-id"]
    assert client.get(f"{bucket}/k?versionId=null").body == b"before"
    client.put(f"{bucket}?versioning", status("Suspended"))
    client.put(f"{bucket}/k", b"after")
    assert client.get(f"{bucket}/k?versionId=null").body == b"after"
    assert client.get(f"{bucket}/k?versionId={named}").body == b"named"
    assert len(Document.of(client.get(f"{bucket}?versions")).all("Version")) == 2


def test_versioning_refuses_words_and_ids_that_are_none(client, bucket):
    for word in ("Disabled", "enabled", ""):
        assert outcome(client.put(f"{bucket}?versioning", status(word))) == (400, "MalformedXML")
    client.put(f"{bucket}/k", b"x")
    assert outcome(client.get(f"{bucket}/k?versionId=none")) == (404, "NoSuchVersion")
    assert outcome(client.get(f"{bucket}/k?versionId=")) == (400, "InvalidArgument")
    assert outcome(client.get(f"{bucket}?versions&version-id-marker=x")) == (400, "InvalidArgument")
    assert Document.of(client.get(f"{bucket}?versioning")).text("Status") is None


# --- tags -----------------------------------------------------------------------------------------------------------


def tags(client, target: str) -> list[tuple[str, str]]:
    document = Document.of(client.get(f"{target}?tagging"))
    return list(zip(document.texts("TagSet/Tag/Key"), document.texts("TagSet/Tag/Value")))


def test_tagging_of_objects_and_buckets(client, bucket):
    client.put(f"{bucket}/k", b"x", headers={"x-amz-tagging": "a=1&b=%C3%BC"})
    assert tags(client, f"{bucket}/k") == [("a", "1"), ("b", "ü")]
    assert client.get(f"{bucket}/k").headers["x-amz-tagging-count"] == "2"
    source = {"x-amz-copy-source": bucket.removeprefix("/s3/") + "/k"}
    client.put(f"{bucket}/kept", headers=source)
    client.put(f"{bucket}/other", headers={**source, "x-amz-tagging-directive": "REPLACE", "x-amz-tagging": "c=3"})
    assert (tags(client, f"{bucket}/kept"), tags(client, f"{bucket}/other")) == ([("a", "1"), ("b", "ü")], [("c", "3")])
    for target in (f"{bucket}/k", bucket):
        assert client.put(f"{target}?tagging", tagging(("x", "y"))).status in (200, 204)
        assert tags(client, target) == [("x", "y")]
        assert client.delete(f"{target}?tagging").status == 204
    assert tags(client, f"{bucket}/k") == []
    assert client.head(f"{bucket}/k").headers["x-amz-tagging-count"] is None
    assert outcome(client.get(f"{bucket}?tagging")) == (404, "NoSuchTagSet")


@pytest.mark.parametrize(
    "pairs",
    [[(str(n), "v") for n in range(11)], [("k" * 129, "v")], [("k", "v" * 257)], [("k", "1"), ("k", "2")], [("", "v")]],
    ids=["eleven", "long name", "long value", "twice", "no name"],
)
def test_tagging_refuses_what_amazon_refuses(client, bucket, pairs):
    client.put(f"{bucket}/k", b"x")
    assert outcome(client.put(f"{bucket}/k?tagging", tagging(*pairs))) == (400, "InvalidTag")
    query = "&".join(f"{name}={value}" for name, value in pairs)
    assert outcome(client.put(f"{bucket}/k", b"y", headers={"x-amz-tagging": query})) == (400, "InvalidTag")
    assert (client.get(f"{bucket}/k").body, tags(client, f"{bucket}/k")) == (b"x", [])


def test_tagging_refuses_documents_and_keys_that_are_none(client, bucket):
    client.put(f"{bucket}/k", b"x")
    for body in (b"", b"<Tagging/>", b"<TagSet/>", b"<Tagging><TagSet><Tag><Key>k</Key></Tag></TagSet></Tagging>"):
        assert outcome(client.put(f"{bucket}/k?tagging", body)) == (400, "MalformedXML")
    assert outcome(client.put(f"{bucket}/none?tagging", tagging(("a", "b")))) == (404, "NoSuchKey")
    assert outcome(client.get(f"{bucket}/none?tagging")) == (404, "NoSuchKey")


# --- pages of other origins -----------------------------------------------------------------------------------------


def test_cors_config_decides_by_origin_method_and_headers(client, anyone, bucket):
    rules = [RULE.format("*suffix", "GET"), RULE.format("start*end", "GET"), RULE.format("prefix*", "GET"), RULE.format("*.put", "PUT")]
    assert client.put(f"{bucket}?cors", cors(*rules)).status == 200
    for origin, method, allowed in (
        ("foo.suffix", "GET", True),
        ("foo.suffix.get", "GET", False),
        ("startend", "GET", True),
        ("start12end", "GET", True),
        ("0start12end", "GET", False),
        ("prefix", "GET", True),
        ("bla.prefix", "GET", False),
        ("foo.put", "PUT", True),
        ("foo.put", "GET", False),
        ("foo.suffix", "DELETE", False),
    ):
        asked = {"Origin": origin, "Access-Control-Request-Method": method}
        reply = anyone.request("OPTIONS", f"{bucket}/k", headers=asked)
        assert reply.status == (200 if allowed else 403), (origin, method)
        assert reply.headers["access-control-allow-origin"] == (origin if allowed else None)
        answer = client.request(method, f"{bucket}/none", b"" if method == "PUT" else None, headers={"origin": origin})
        assert answer.headers["access-control-allow-origin"] == (origin if allowed else None)
        if allowed:
            assert reply.headers["access-control-allow-methods"] == answer.headers["access-control-allow-methods"] == method
            assert "Origin" in answer.headers["vary"]
    needs_headers = {"Origin": "foo.suffix", "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "x-a"}
    assert anyone.request("OPTIONS", bucket, headers=needs_headers).status == 403
    assert anyone.request("OPTIONS", bucket).status == 400


def test_cors_config_says_what_pages_may_see(client, anyone, bucket):
    inner = (
        RULE.format("https://a.example", "PUT")
        + "<AllowedHeader>x-amz-*</AllowedHeader><ExposeHeader>ETag</ExposeHeader><MaxAgeSeconds>77</MaxAgeSeconds>"
    )
    client.put(f"{bucket}?cors", cors(inner))
    asked = {
        "Origin": "https://a.example",
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "x-amz-date, X-Amz-Content-Sha256",
    }
    allowed = anyone.request("OPTIONS", f"{bucket}/k", headers=asked).headers
    assert allowed["access-control-max-age"] == "77"
    assert allowed["access-control-allow-headers"].lower() == "x-amz-date, x-amz-content-sha256"
    assert allowed["access-control-expose-headers"] == "ETag"
    assert anyone.request("OPTIONS", bucket, headers={**asked, "Access-Control-Request-Headers": "range"}).status == 403
    assert client.delete(f"{bucket}?cors").status == 204
    assert anyone.request("OPTIONS", bucket, headers=asked).headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    "body, code",
    [
        (b"<CORSConfiguration/>", "MalformedXML"),
        (cors("<AllowedOrigin>*</AllowedOrigin>"), "MalformedXML"),
        (cors(RULE.format("*", "PATCH")), "InvalidRequest"),
        (cors(RULE.format("http://*.a.*", "GET")), "InvalidRequest"),
        (cors(*[RULE.format("*", "GET")] * 101), "MalformedXML"),
    ],
)
def test_cors_config_refuses_rules_that_are_none(client, bucket, body, code):
    refused = outcome(client.put(f"{bucket}?cors", body))
    assert refused in ((400, code), (400, "InvalidRequest"), (400, "MalformedXML"))
    assert outcome(client.get(f"{bucket}?cors")) == (404, "NoSuchCORSConfiguration")


# --- what an object is made of --------------------------------------------------------------------------------------


def test_get_object_attributes_tells_what_is_asked_for(client, bucket):
    client.put(f"{bucket}/k", b"hello")
    asked = {"x-amz-object-attributes": "ETag, ObjectSize"}
    reply = client.get(f"{bucket}/k?attributes", headers=asked)
    found = Document.of(reply)
    assert (found.text("ETag"), found.text("ObjectSize")) == (hashlib.md5(b"hello").hexdigest(), "5")
    assert (found.all("StorageClass"), found.all("Checksum"), found.all("ObjectParts")) == ([], [], [])
    assert reply.headers["Last-Modified"]


def test_get_object_attributes_pages_parts(client, bucket):
    upload = begin(client, f"{bucket}/k", x_amz_checksum_algorithm="CRC32")
    big, parts = b"x" * (5 << 20), ""
    for number, body in ((1, big), (2, big), (3, b"x")):
        crc = {"x-amz-checksum-crc32": sigv4.crc32(body)}
        tag = client.put(f"{bucket}/k?partNumber={number}&uploadId={upload}", body, headers=crc).headers["ETag"]
        parts += f"<Part><PartNumber>{number}</PartNumber><ETag>{tag}</ETag></Part>"
    client.post(f"{bucket}/k?uploadId={upload}", f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode())
    asked = {"x-amz-object-attributes": "ObjectParts", "x-amz-max-parts": "2"}
    first = Document.of(client.get(f"{bucket}/k?attributes", headers=asked))
    assert (first.texts("ObjectParts/Part/PartNumber"), first.text("ObjectParts/IsTruncated")) == (["1", "2"], "true")
    assert (first.text("ObjectParts/PartsCount"), first.text("ObjectParts/NextPartNumberMarker")) == ("3", "2")
    second = Document.of(client.get(f"{bucket}/k?attributes", headers={**asked, "x-amz-part-number-marker": "2"}))
    assert (second.texts("ObjectParts/Part/Size"), second.text("ObjectParts/IsTruncated")) == (["1"], "false")


@pytest.mark.parametrize("kind", ["COMPOSITE", "FULL_OBJECT"])
def test_part_number_tells_the_checksum_of_the_part(client, bucket, kind):
    upload = begin(client, f"{bucket}/k", x_amz_checksum_algorithm="CRC32", x_amz_checksum_type=kind)
    bodies, parts = (b"x" * (5 << 20), b"y" * (5 << 20), b"end"), ""
    for number, body in enumerate(bodies, 1):
        tag = client.put(
            f"{bucket}/k?partNumber={number}&uploadId={upload}", body, headers={"x-amz-checksum-crc32": sigv4.crc32(body)}
        ).headers["ETag"]
        parts += f"<Part><PartNumber>{number}</PartNumber><ETag>{tag}</ETag></Part>"
    client.post(f"{bucket}/k?uploadId={upload}", f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode())
    enabled = {"x-amz-checksum-mode": "ENABLED"}
    for method in ("GET", "HEAD"):
        for number, body in enumerate(bodies, 1):
            told = client.request(method, f"{bucket}/k?partNumber={number}", headers=enabled).headers
            assert (told["x-amz-checksum-crc32"], told["x-amz-checksum-type"]) == (sigv4.crc32(body), None)
            assert client.request(method, f"{bucket}/k?partNumber={number}").headers["x-amz-checksum-crc32"] is None
    # What the server computes of every part is not what a client chose, and of one piece the checksum is the object's.
    complete(client, f"{bucket}/plain", begin(client, f"{bucket}/plain"))
    assert client.get(f"{bucket}/plain?partNumber=1", headers=enabled).headers["x-amz-checksum-crc64nvme"] is None
    client.put(f"{bucket}/whole", b"whole", headers={"x-amz-checksum-crc32": sigv4.crc32(b"whole")})
    assert client.get(f"{bucket}/whole?partNumber=1", headers=enabled).headers["x-amz-checksum-crc32"] == sigv4.crc32(b"whole")


@pytest.mark.parametrize("names", [None, "", "ETag,Color"])
def test_get_object_attributes_refuses_names_that_are_none(client, bucket, names):
    client.put(f"{bucket}/k", b"x")
    asked = {} if names is None else {"x-amz-object-attributes": names}
    assert outcome(client.get(f"{bucket}/k?attributes", headers=asked)) == (400, "InvalidArgument")
    assert outcome(client.get(f"{bucket}/none?attributes", headers={"x-amz-object-attributes": "ETag"})) == (404, "NoSuchKey")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_part_number_reads_one_part(client, bucket, method):
    complete(client, f"{bucket}/k", begin(client, f"{bucket}/k"))
    client.put(f"{bucket}/whole", b"whole")
    for key, count, size in (("k", "1", "4"), ("whole", None, "5")):
        reply = client.request(method, f"{bucket}/{key}?partNumber=1")
        assert (reply.status, reply.headers["x-amz-mp-parts-count"], reply.headers["Content-Length"]) == (206, count, size)
        assert reply.headers["Content-Range"] == f"bytes 0-{int(size) - 1}/{size}"
        assert client.request(method, f"{bucket}/{key}?partNumber=2").status in (400, 416)
    for wrong in ("0", "10001", "x"):
        assert client.request(method, f"{bucket}/k?partNumber={wrong}").status == 400
    both = client.request(method, f"{bucket}/k?partNumber=1", headers={"range": "bytes=0-1"})
    assert both.status == 400
