# SPDX-License-Identifier: Apache-2.0
"""The matrix of S3, continued: signatures, checksums, the codings of bodies, and uploads in parts, over raw HTTP."""

from __future__ import annotations

import base64
import hashlib
import uuid

import pytest

from Support import s3, sigv4
from Support.sigv4 import Document, outcome

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


# --- Signature Version 4 in the header ------------------------------------------------------------------------------


@pytest.mark.parametrize("payload", [None, sigv4.UNSIGNED])
def test_sigv4_header_auth_signs_the_body_or_does_not(client, bucket, payload):
    assert client.put(f"{bucket}/k", b"body", payload=payload).status == 200
    assert client.get(f"{bucket}/k").body == b"body"


def test_sigv4_header_auth_takes_signed_fields_of_all_sdks(client, bucket):
    fields = {"accept-encoding": "identity", "amz-sdk-invocation-id": "x", "amz-sdk-request": "attempt=1;  max=3", "content-length": "1"}
    assert client.put(f"{bucket}/k?x-id=PutObject", b"x", headers=fields).status == 200
    assert client.get(f"{bucket}?uploads").status == client.get(f"{bucket}?uploads=").status == 200
    assert client.get(f"{bucket}?prefix=b&list-type=2&delimiter=a%20~%2A").status == 200


@pytest.mark.parametrize("region", ["us-east-1", "auto", "eu-central-1"])
def test_sigv4_header_auth_takes_any_region(server, bucket, region):
    assert sigv4.Client(server.port, s3.key_pair(server), region).head(bucket).status == 200


@pytest.mark.parametrize("seconds, status", [(-14 * 60, 200), (14 * 60, 200), (-16 * 60, 403), (16 * 60, 403)])
def test_sigv4_header_auth_allows_a_quarter_of_an_hour(client, bucket, seconds, status):
    reply = client.get(bucket, at=sigv4.now(seconds))
    assert outcome(reply) == ((200, None) if status == 200 else (403, "RequestTimeTooSkewed"))


def test_sigv4_header_auth_verifies_the_body(client, bucket):
    other = hashlib.sha256(b"other").hexdigest()
    assert outcome(client.put(f"{bucket}/k", b"body", payload=other)) == (400, "XAmzContentSHA256Mismatch")
    assert outcome(client.put(f"{bucket}/k", b"body", payload="not-a-digest")) == (400, "InvalidArgument")
    assert client.head(f"{bucket}/k").status == 404


def test_sigv4_header_auth_refuses_what_was_not_signed(client, server, bucket):
    signed, _ = client.sign("GET", bucket, {}, sigv4.EMPTY)
    get = lambda **changed: client.wire.request("GET", bucket, headers={**signed, **changed})  # noqa: E731
    assert get().status == 200
    text = signed["Authorization"]
    assert outcome(get(Authorization=text[:-1] + ("0" if text[-1] != "0" else "1"))) == (403, "SignatureDoesNotMatch")
    assert outcome(get(Authorization=text.replace(client.access, "AKIANOBODY"))) == (403, "InvalidAccessKeyId")
    assert outcome(get(Authorization=text.partition(", SignedHeaders")[0])) == (400, "AuthorizationHeaderMalformed")
    assert outcome(get(Authorization=text.replace("/s3/", "/ec2/"))) == (400, "AuthorizationHeaderMalformed")
    assert outcome(get(**{"x-amz-acl": "private"})) == (403, "AccessDenied")
    assert outcome(client.wire.request("HEAD", bucket, headers=signed))[0] == 403
    assert outcome(client.wire.request("GET", f"{bucket}?list-type=2", headers=signed)) == (403, "SignatureDoesNotMatch")


@pytest.mark.parametrize("old", ["AWS AKIA:c2lnbmF0dXJl", "AWS :"])
def test_sigv4_header_auth_names_itself_to_the_old_version(client, bucket, old):
    reply = client.wire.request("GET", bucket, headers={"Authorization": old})
    assert outcome(reply) == (400, "InvalidRequest")
    assert "AWS4-HMAC-SHA256" in reply.text
    query = client.wire.request("GET", f"{bucket}?AWSAccessKeyId=AKIA&Expires=1&Signature=x")
    assert outcome(query) == (400, "InvalidRequest")


# --- presigned ------------------------------------------------------------------------------------------------------


def test_sigv4_presigned_reads_writes_and_removes(client, bucket):
    send = client.wire.request
    assert send("PUT", client.presigned("PUT", f"{bucket}/k"), b"body").status == 200
    assert send("GET", client.presigned("GET", f"{bucket}/k", 604800)).body == b"body"
    assert send("HEAD", client.presigned("HEAD", f"{bucket}/k")).status == 200
    upload = Document.of(client.post(f"{bucket}/p?uploads")).text("UploadId")
    assert send("PUT", client.presigned("PUT", f"{bucket}/p?partNumber=1&uploadId={upload}"), b"part").status == 200
    assert send("DELETE", client.presigned("DELETE", f"{bucket}/k")).status == 204


@pytest.mark.parametrize("expires", [-1, 0, 604801, "soon", ""])
def test_sigv4_presigned_refuses_a_time_that_is_none(client, bucket, expires):
    client.put(f"{bucket}/k", b"x")
    # What was over when it was made is over.
    wanted = (403, "AccessDenied") if expires in (-1, 0) else (400, "AuthorizationQueryParametersError")
    assert outcome(client.wire.request("GET", client.presigned("GET", f"{bucket}/k", expires))) == wanted


def test_sigv4_presigned_ends(client, bucket):
    client.put(f"{bucket}/k", b"x")
    late = client.wire.request("GET", client.presigned("GET", f"{bucket}/k", 60, at=sigv4.now(-61)))
    assert outcome(late) == (403, "AccessDenied")
    assert "Request has expired" in late.text
    early = client.wire.request("GET", client.presigned("GET", f"{bucket}/k", 60, at=sigv4.now(3600)))
    assert outcome(early) == (403, "AccessDenied")


def test_sigv4_presigned_is_for_one_method_and_target(client, bucket):
    client.put(f"{bucket}/k", b"x")
    url = client.presigned("GET", f"{bucket}/k")
    for method in ("HEAD", "PUT", "DELETE"):
        assert client.wire.request(method, url, b"" if method == "PUT" else None).status == 403
    assert outcome(client.wire.request("GET", url.replace("/k?", "/j?"))) == (403, "SignatureDoesNotMatch")
    assert outcome(client.wire.request("GET", f"{url}&versionId=null")) == (403, "SignatureDoesNotMatch")
    assert outcome(client.wire.request("GET", url.replace("X-Amz-Date", "X-Amz-Dote"))) == (400, "AuthorizationQueryParametersError")
    assert client.get(f"{bucket}/k").body == b"x"


# --- aws-chunked ----------------------------------------------------------------------------------------------------

FORMS = [sigv4.SIGNED_CHUNKS, sigv4.SIGNED_CHUNKS_TRAILER, sigv4.UNSIGNED_TRAILER]


@pytest.mark.parametrize("transfer_chunked", [False, True])
@pytest.mark.parametrize("form", FORMS)
def test_aws_chunked_streaming_in_all_forms(client, bucket, form, transfer_chunked):
    chunks = [b"a" * 65536, b"b" * 65536, b"end"]
    body = b"".join(chunks)
    trailer = None if form == sigv4.SIGNED_CHUNKS else {"x-amz-checksum-crc32": sigv4.crc32(body)}
    put = client.put_chunked(f"{bucket}/k", chunks, form, trailer, transfer_chunked=transfer_chunked)
    assert outcome(put) == (200, None)
    assert put.headers["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    found = client.get(f"{bucket}/k", headers={"x-amz-checksum-mode": "ENABLED"})
    assert (found.body, found.headers["Content-Encoding"]) == (body, None)
    if trailer:
        assert put.headers["x-amz-checksum-crc32"] == found.headers["x-amz-checksum-crc32"] == sigv4.crc32(body)


@pytest.mark.parametrize("form", FORMS)
def test_aws_chunked_streaming_of_nothing(client, bucket, form):
    trailer = None if form == sigv4.SIGNED_CHUNKS else {"x-amz-checksum-sha256": sigv4.sha256(b"")}
    assert client.put_chunked(f"{bucket}/k", [], form, trailer).status == 200
    assert client.get(f"{bucket}/k").body == b""


def test_aws_chunked_streaming_needs_the_length_of_its_content(client, bucket):
    signed, _ = client.sign("PUT", f"{bucket}/k", {"content-encoding": "aws-chunked"}, sigv4.UNSIGNED_TRAILER)
    reply = client.wire.request("PUT", f"{bucket}/k", b"0\r\n\r\n", headers=signed)
    assert outcome(reply) == (411, "MissingContentLength")
    assert client.head(f"{bucket}/k").status == 404


# --- checksums ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name, compute", [("crc32", sigv4.crc32), ("sha256", sigv4.sha256)])
@pytest.mark.parametrize("place", ["header", "trailer"])
def test_checksums_are_verified_kept_and_told(client, bucket, name, compute, place):
    field = f"x-amz-checksum-{name}"

    def put(value: str, **more: str):
        fields = {"x-amz-sdk-checksum-algorithm": name.upper(), **more}
        if place == "header":
            return client.put(f"{bucket}/k", b"body", headers={field: value, **fields})
        return client.put_chunked(f"{bucket}/k", [b"body"], trailer={field: value}, headers=fields)

    assert outcome(put(compute(b"other"))) == (400, "BadDigest")
    assert outcome(put("!")) == (400, "InvalidRequest")
    assert client.head(f"{bucket}/k").status == 404
    assert put(compute(b"body")).headers[field] == compute(b"body")
    asked = {"x-amz-checksum-mode": "ENABLED"}
    for method in ("GET", "HEAD"):
        found = client.request(method, f"{bucket}/k", headers=asked)
        assert (found.headers[field], found.headers["x-amz-checksum-type"]) == (compute(b"body"), "FULL_OBJECT")
    assert client.get(f"{bucket}/k").headers[field] is None
    assert client.get(f"{bucket}/k", headers={**asked, "range": "bytes=0-1"}).headers[field] is None


def test_checksums_must_be_one_and_the_one_announced(client, bucket):
    crc, sha = sigv4.crc32(b"x"), sigv4.sha256(b"x")
    both = {"x-amz-checksum-crc32": crc, "x-amz-checksum-sha256": sha}
    assert outcome(client.put(f"{bucket}/k", b"x", headers=both)) == (400, "InvalidRequest")
    other = {"x-amz-checksum-crc32": crc, "x-amz-sdk-checksum-algorithm": "SHA256"}
    assert outcome(client.put(f"{bucket}/k", b"x", headers=other)) == (400, "InvalidRequest")
    unknown = {"x-amz-checksum-crc32": crc, "x-amz-sdk-checksum-algorithm": "CRC8"}
    assert outcome(client.put(f"{bucket}/k", b"x", headers=unknown)) == (400, "InvalidRequest")
    missing = client.put_chunked(f"{bucket}/k", [b"x"], announced="x-amz-checksum-crc32")
    assert outcome(missing) == (400, "MalformedTrailerError")
    assert client.head(f"{bucket}/k").status == 404


def test_checksums_that_nobody_chose_are_crc64nvme(client, bucket):
    client.put(f"{bucket}/k", b"x")
    found = client.head(f"{bucket}/k", headers={"x-amz-checksum-mode": "ENABLED"}).headers
    assert len(base64.b64decode(found["x-amz-checksum-crc64nvme"])) == 8
    assert found["x-amz-checksum-type"] == "FULL_OBJECT"


# --- uploads in parts -----------------------------------------------------------------------------------------------


class Upload:
    """One upload in parts."""

    def __init__(self, client: sigv4.Client, path: str, **headers: str):
        self.client, self.path = client, path
        self.begun = client.post(f"{path}?uploads", headers={name.replace("_", "-"): value for name, value in headers.items()})
        assert outcome(self.begun) == (200, None)
        self.id = Document.of(self.begun).text("UploadId")

    def put(self, number: int | str, body: bytes = b"part", **headers: str):
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.put(f"{self.path}?partNumber={number}&uploadId={self.id}", body, headers=fields)

    def complete(self, *parts: tuple[int, str], inner: str = "", **headers: str):
        named = "".join(f"<Part><PartNumber>{number}</PartNumber><ETag>{tag}</ETag>{inner}</Part>" for number, tag in parts)
        body = f"<CompleteMultipartUpload>{named}</CompleteMultipartUpload>".encode()
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post(f"{self.path}?uploadId={self.id}", body, headers=fields)

    def abort(self):
        return self.client.delete(f"{self.path}?uploadId={self.id}")

    def list(self, query: str = ""):
        return self.client.get(f"{self.path}?uploadId={self.id}{query}")


@pytest.mark.parametrize("spelling", ["{}", '"{}"', "&quot;{}&quot;", "&#34;{}&#34;"])
def test_multipart_tags_may_be_quoted_as_any_client_does(client, bucket, spelling):
    upload = Upload(client, f"{bucket}/k")
    tag = upload.put(1).headers["ETag"].strip('"')
    done = upload.complete((1, spelling.format(tag)))
    assert outcome(done) == (200, None)
    assert Document.of(done).text("ETag") == f'"{hashlib.md5(bytes.fromhex(tag)).hexdigest()}-1"'
    assert client.get(f"{bucket}/k").body == b"part"


def test_multipart_a_part_that_was_sent_twice_is_what_came_last(client, bucket):
    upload = Upload(client, f"{bucket}/k")
    first, last = upload.put(1, b"first").headers["ETag"], upload.put(1, b"last").headers["ETag"]
    assert outcome(upload.complete((1, first))) == (400, "InvalidPart")
    assert outcome(upload.complete((1, first), (1, last))) == (200, None)
    assert client.get(f"{bucket}/k").body == b"last"


@pytest.mark.parametrize("number", [0, -1, 10001, "x", ""])
def test_multipart_part_numbers_end_at_ten_thousand(client, bucket, number):
    upload = Upload(client, f"{bucket}/k")
    assert outcome(upload.put(number)) == (400, "InvalidArgument")
    last = upload.put(10000)
    assert outcome(upload.complete((10000, last.headers["ETag"]))) == (200, None)


def test_multipart_refuses_parts_that_are_not_its_own(client, bucket):
    upload = Upload(client, f"{bucket}/k")
    tag = upload.put(1).headers["ETag"]
    for parts in ([(1, '"0"')], [(2, tag)], [(1, tag), (3, tag)], [(0, tag)]):
        assert outcome(upload.complete(*parts)) == (400, "InvalidPart"), parts
    assert outcome(upload.complete((2, tag), (1, tag)))[0] == 400
    assert outcome(upload.complete()) == (400, "MalformedXML")
    assert client.head(f"{bucket}/k").status == 404
    elsewhere = client.put(f"{bucket}/other?partNumber=1&uploadId={upload.id}", b"x")
    assert outcome(elsewhere) == (404, "NoSuchUpload")


@pytest.mark.parametrize("upload_id", ["", "none", "..%2F..%2Fetc", "x" * 2000])
def test_multipart_knows_no_upload_that_it_did_not_begin(client, bucket, upload_id):
    target = f"{bucket}/k?uploadId={upload_id}"
    for reply in (client.put(f"{target}&partNumber=1", b"x"), client.get(target), client.delete(target)):
        assert outcome(reply) == (404, "NoSuchUpload")
    body = b"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>x</ETag></Part></CompleteMultipartUpload>"
    assert outcome(client.post(target, body)) == (404, "NoSuchUpload")


def test_multipart_ends_once(client, bucket):
    upload = Upload(client, f"{bucket}/k")
    upload.put(1)
    gone = upload.abort()
    assert (gone.status, gone.body) == (204, b"")
    for reply in (upload.abort(), upload.put(1), upload.list(), upload.complete((1, "x"))):
        assert outcome(reply) == (404, "NoSuchUpload")


def test_multipart_parts_are_listed_page_by_page(client, bucket):
    upload = Upload(client, f"{bucket}/k")
    tags = {number: upload.put(number, b"x" * number).headers["ETag"] for number in (1, 2, 5)}
    first = Document.of(upload.list("&max-parts=2"))
    assert (first.texts("Part/PartNumber"), first.texts("Part/Size")) == (["1", "2"], ["1", "2"])
    assert (first.text("IsTruncated"), first.text("NextPartNumberMarker"), first.text("MaxParts")) == ("true", "2", "2")
    second = Document.of(upload.list("&max-parts=2&part-number-marker=2"))
    assert (second.texts("Part/ETag"), second.text("IsTruncated")) == ([tags[5]], "false")
    assert outcome(upload.list("&max-parts=-1")) == (400, "InvalidArgument")
    assert outcome(upload.list("&part-number-marker=x")) == (400, "InvalidArgument")


def test_multipart_uploads_are_listed_page_by_page(client, bucket):
    begun = sorted((key, Upload(client, f"{bucket}/{key}").id) for key in ("a", "a", "b/1", "b/2", "c"))
    found, marker = [], ""
    while True:
        page = Document.of(client.get(f"{bucket}?uploads&max-uploads=2{marker}"))
        found += zip(page.texts("Upload/Key"), page.texts("Upload/UploadId"))
        if page.text("IsTruncated") == "false":
            break
        key, upload = (sigv4.escaped(page.text(f"Next{name}Marker")) for name in ("Key", "UploadId"))
        marker = f"&key-marker={key}&upload-id-marker={upload}"
    assert sorted(found) == begun and [key for key, _ in found] == [key for key, _ in begun]
    folded = Document.of(client.get(f"{bucket}?uploads&delimiter=%2F&prefix=b"))
    assert (folded.texts("CommonPrefixes/Prefix"), folded.texts("Upload/Key")) == (["b/"], [])
    assert outcome(client.get(f"{bucket}?uploads&max-uploads=x")) == (400, "InvalidArgument")


def test_multipart_copies_ranges_of_an_object_that_is_the_one_meant(client, bucket):
    tag = client.put(f"{bucket}/from", b"0123456789").headers["ETag"]
    upload = Upload(client, f"{bucket}/to")
    source = bucket.removeprefix("/s3/") + "/from"

    def copy(number: int, **fields: str):
        return upload.put(number, b"", x_amz_copy_source=source, **{f"x_amz_copy_source_{k}": v for k, v in fields.items()})

    part = Document.of(copy(1, range="bytes=2-4", if_match=tag))
    assert (part.name, part.text("ETag")) == ("CopyPartResult", f'"{hashlib.md5(b"234").hexdigest()}"')
    for span in ("bytes=0-10", "bytes=10-12"):
        assert outcome(copy(2, range=span)) == (416, "InvalidRange")
    for span in ("bytes=2-", "bytes=-2", "2-4", "bytes=4-2", "bytes=0-1,3-4"):
        assert outcome(copy(2, range=span)) == (400, "InvalidArgument"), span
    assert outcome(copy(2, if_match='"other"')) == (412, "PreconditionFailed")
    assert Document.of(upload.list()).texts("Part/PartNumber") == ["1"]


@pytest.mark.parametrize("algorithm, kind", [("CRC32", "COMPOSITE"), ("CRC32", "FULL_OBJECT"), ("SHA256", "COMPOSITE")])
def test_multipart_checksums_are_of_the_parts_or_of_the_whole(client, bucket, algorithm, kind):
    compute = {"CRC32": sigv4.crc32, "SHA256": sigv4.sha256}[algorithm]
    field = f"x_amz_checksum_{algorithm.lower()}"
    upload = Upload(client, f"{bucket}/k", x_amz_checksum_algorithm=algorithm, x_amz_checksum_type=kind)
    assert (upload.begun.headers["x-amz-checksum-algorithm"], upload.begun.headers["x-amz-checksum-type"]) == (algorithm, kind)
    bodies = [b"a" * (5 * MIB), b"end"]
    assert outcome(upload.put(1, bodies[0], **{field: compute(b"other")})) == (400, "BadDigest")
    tags = [(n + 1, upload.put(n + 1, body, **{field: compute(body)}).headers["ETag"]) for n, body in enumerate(bodies)]
    parts = [compute(body) for body in bodies]
    assert Document.of(upload.list()).texts(f"Part/Checksum{algorithm}") == parts
    composite = compute(b"".join(base64.b64decode(part) for part in parts)) + "-2"
    whole = composite if kind == "COMPOSITE" else compute(b"".join(bodies))
    wrong = compute(b"other") + ("-2" if kind == "COMPOSITE" else "")
    assert outcome(upload.complete(*tags, **{field: wrong})) == (400, "BadDigest")
    assert outcome(upload.complete(*tags, x_amz_mp_object_size="7")) == (400, "InvalidRequest")
    assert outcome(upload.complete(*tags, x_amz_checksum_type="OTHER")) == (400, "InvalidRequest")
    done = upload.complete(*tags, **{field: whole}, x_amz_checksum_type=kind, x_amz_mp_object_size=str(5 * MIB + 3))
    assert (Document.of(done).text(f"Checksum{algorithm}"), Document.of(done).text("ChecksumType")) == (whole, kind)
    asked = {"x-amz-object-attributes": "Checksum,ObjectParts,ObjectSize"}
    for key in ("k", "copy"):
        shown = Document.of(client.get(f"{bucket}/{key}?attributes", headers=asked))
        assert (shown.text(f"Checksum/Checksum{algorithm}"), shown.text("Checksum/ChecksumType")) == (whole, kind)
        assert shown.texts(f"ObjectParts/Part/Checksum{algorithm}") == parts
        assert shown.texts("ObjectParts/Part/Size") == [str(5 * MIB), "3"]
        client.put(f"{bucket}/copy", headers={"x-amz-copy-source": bucket.removeprefix("/s3/") + "/k"})


@pytest.mark.parametrize(
    "fields",
    [
        {"x-amz-checksum-algorithm": "CRC8"},
        {"x-amz-checksum-algorithm": "SHA256", "x-amz-checksum-type": "FULL_OBJECT"},
        {"x-amz-checksum-algorithm": "CRC64NVME", "x-amz-checksum-type": "COMPOSITE"},
        {"x-amz-checksum-type": "COMPOSITE"},
    ],
)
def test_multipart_refuses_checksums_that_cannot_be(client, bucket, fields):
    assert outcome(client.post(f"{bucket}/k?uploads", headers=fields)) == (400, "InvalidRequest")
    assert Document.of(client.get(f"{bucket}?uploads")).all("Upload") == []
