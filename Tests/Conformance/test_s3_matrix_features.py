# SPDX-License-Identifier: Apache-2.0
"""The matrix of S3, continued: features that some clients need and others lose something without, over raw HTTP."""

from __future__ import annotations

import base64
import datetime
import hashlib
import hmac
import json
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from Support import s3, sigv4
from Support.server import Server
from Support.sigv4 import Document, outcome
from Support.tokens import new_subject
from Support.wire import Wire


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


def status(word: str) -> bytes:
    return f"<VersioningConfiguration><Status>{word}</Status></VersioningConfiguration>".encode()


def begin(client, path: str, **headers: str) -> str:
    begun = client.post(f"{path}?uploads", headers={name.replace("_", "-"): value for name, value in headers.items()})
    assert outcome(begun) == (200, None)
    return Document.of(begun).text("UploadId")


def complete(client, path: str, upload: str, headers: dict[str, str] | None = None):
    tag = client.put(f"{path}?partNumber=1&uploadId={upload}", b"part").headers["ETag"]
    body = f"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{tag}</ETag></Part></CompleteMultipartUpload>"
    return client.post(f"{path}?uploadId={upload}", body.encode(), headers=headers)


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


def tagging(*pairs: tuple[str, str]) -> bytes:
    inner = "".join(f"<Tag><Key>{name}</Key><Value>{value}</Value></Tag>" for name, value in pairs)
    return f"<Tagging><TagSet>{inner}</TagSet></Tagging>".encode()


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


def cors(*rules: str) -> bytes:
    return f"<CORSConfiguration>{''.join(f'<CORSRule>{rule}</CORSRule>' for rule in rules)}</CORSConfiguration>".encode()


RULE = "<AllowedOrigin>{}</AllowedOrigin><AllowedMethod>{}</AllowedMethod>"


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


# --- forms ----------------------------------------------------------------------------------------------------------


def form(client, bucket: str, conditions: list, expires: int = 300, **fields: str) -> dict[str, str]:
    """The fields of a form, signed."""
    stamp = sigv4.now().strftime("%Y%m%dT%H%M%SZ")
    scope = f"{stamp[:8]}/us-east-1/s3/aws4_request"
    signing = {
        "x-amz-algorithm": "AWS4-HMAC-SHA256",
        "x-amz-credential": f"{client.access}/{scope}",
        "x-amz-date": stamp,
    }
    end = (sigv4.now(expires)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    listed = [{"bucket": bucket.removeprefix("/s3/")}, *conditions, *({name: value} for name, value in signing.items())]
    policy = base64.b64encode(json.dumps({"expiration": end, "conditions": listed}).encode()).decode()
    key = f"AWS4{client.secret}".encode()
    for step in scope.split("/"):
        key = hmac.new(key, step.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, policy.encode(), hashlib.sha256).hexdigest()
    return {**fields, **signing, "policy": policy, "x-amz-signature": signature}


def post(server, bucket: str, fields: dict[str, str], body: bytes = b"file") -> httpx.Response:
    return httpx.post(f"{server.url}{bucket}", data=fields, files={"file": ("name.txt", body)})


def test_post_policy_uploads_answer_as_they_are_asked(client, server, bucket):
    page = "http://localhost:1/done?x=1"
    for number, (asked, status_code) in enumerate(
        [({}, 204), ({"success_action_status": "200"}, 200), ({"success_action_status": "204"}, 204)]
        + [({"success_action_status": "201"}, 201), ({"success_action_status": "404"}, 204), ({"success_action_redirect": page}, 303)]
    ):
        key = f"up/{number}"
        fields = form(client, bucket, [["starts-with", "$key", "up/"], *({k: v} for k, v in asked.items())], key=key, **asked)
        reply = post(server, bucket, fields, b"%d" % number)
        assert reply.status_code == status_code, reply.text
        assert client.get(f"{bucket}/{key}").body == b"%d" % number
        if status_code == 201:
            assert "<Key>up/3</Key>" in reply.text and "<PostResponse" in reply.text
        if status_code == 303:
            assert reply.headers["location"].startswith(f"{page}&bucket=") and "key=up%2F5" in reply.headers["location"]


def test_post_policy_uploads_know_fields_in_any_case_and_the_files_name(client, server, bucket):
    fields = form(
        client,
        bucket,
        [["starts-with", "$key", ""], ["eq", "$Content-Type", "text/css"], ["starts-with", "$x-amz-meta-a", ""]],
        KEY="dir/${filename}",
        **{"Content-Type": "text/css", "X-Amz-Meta-A": "b", "x-ignore-me": "1"},
    )
    assert post(server, bucket, fields).status_code == 204
    found = client.get(f"{bucket}/dir/name.txt").headers
    assert (found["content-type"], found["x-amz-meta-a"]) == ("text/css", "b")


@pytest.mark.parametrize(
    "change, code",
    [
        (lambda fields: fields | {"key": "elsewhere"}, (403, "AccessDenied")),
        (lambda fields: fields | {"extra": "1"}, (403, "AccessDenied")),
        (lambda fields: fields | {"policy": fields["policy"][:-4] + "AAAA"}, (403, "SignatureDoesNotMatch")),
        (lambda fields: fields | {"x-amz-signature": "0" * 64}, (403, "SignatureDoesNotMatch")),
        (lambda fields: fields | {"x-amz-credential": "AKIANOBODY" + fields["x-amz-credential"][20:]}, None),
        (lambda fields: {name: value for name, value in fields.items() if name != "policy"}, None),
        (lambda fields: {name: value for name, value in fields.items() if name != "key"}, None),
        (lambda fields: {"key": "up/x"}, (403, "AccessDenied")),
    ],
    ids=["other key", "extra field", "other policy", "other signature", "other credential", "no policy", "no key", "unsigned"],
)
def test_post_policy_uploads_refuse_what_was_not_signed(client, server, bucket, change, code):
    fields = form(client, bucket, [["starts-with", "$key", "up/"]], key="up/x")
    reply = post(server, bucket, change(fields))
    assert 400 <= reply.status_code < 404
    if code:
        assert (reply.status_code, f"<Code>{code[1]}</Code>" in reply.text) == (code[0], True), reply.text
    assert Document.of(client.get(f"{bucket}?list-type=2")).text("KeyCount") == "0"


@pytest.mark.parametrize(
    "conditions, expires, body, code",
    [
        ([["content-length-range", 2, 4]], 300, b"x", (400, "EntityTooSmall")),
        ([["content-length-range", 2, 4]], 300, b"x" * 5, (400, "EntityTooLarge")),
        ([], -1, b"x", (403, "AccessDenied")),
        ([["content-length-range", 4]], 300, b"x", (400, "InvalidPolicyDocument")),
        ([["unheard-of", "$key", ""]], 300, b"x", (400, "InvalidPolicyDocument")),
        (["nonsense"], 300, b"x", (400, "InvalidPolicyDocument")),
    ],
)
def test_post_policy_uploads_keep_to_their_policy(client, server, bucket, conditions, expires, body, code):
    fields = form(client, bucket, [{"key": "k"}, *conditions], expires, key="k")
    reply = post(server, bucket, fields, body)
    assert (reply.status_code, f"<Code>{code[1]}</Code>" in reply.text) == (code[0], True), reply.text
    assert client.head(f"{bucket}/k").status == 404


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


# --- hosts ----------------------------------------------------------------------------------------------------------


def test_virtual_host_style_is_a_bucket_below_the_domain():
    with Server({"MAGPIE_S3_DOMAIN": "s3.test"}) as running:
        plain = sigv4.Client(running.port, s3.key_pair(running))
        assert plain.put("/s3/hosted").status == 200

        def at(host: str, method: str, target: str, body: bytes | None = None):
            there = sigv4.Client(running.port, s3.key_pair(running))
            there.host = f"{host}:{running.port}"
            signed, _ = there.sign(method, target, {}, sigv4.UNSIGNED)
            return there.wire.request(method, target, body, headers={**signed, "Host": there.host})

        assert at("hosted.s3.test", "PUT", "/a/b", b"x").status == 200
        assert plain.get("/s3/hosted/a/b").body == b"x"
        assert Document.of(at("hosted.s3.test", "GET", "/?list-type=2")).texts("Contents/Key") == ["a/b"]
        assert Document.of(at("s3.test", "GET", "/")).name == "ListAllMyBucketsResult"
        assert outcome(at("none.s3.test", "GET", "/?list-type=2")) == (404, "NoSuchBucket")
        assert outcome(Wire(running.port).request("GET", "/a/b", headers={"Host": "hosted.s3.test"}))[0] in (403, 404)


# --- who may ----------------------------------------------------------------------------------------------------------


def test_acl_stubs_say_who_owns_and_who_reads(client, bucket):
    client.put(f"{bucket}/k", b"x")
    for target in (bucket, f"{bucket}/k"):
        found = Document.of(client.get(f"{target}?acl"))
        assert found.texts("AccessControlList/Grant/Permission") == ["FULL_CONTROL"]
        assert found.text("Owner/ID") == found.text("AccessControlList/Grant/Grantee/ID")
        assert client.put(f"{target}?acl", headers={"x-amz-acl": "private"}).status == 200
    assert outcome(client.put(f"{bucket}/k?acl", headers={"x-amz-acl": "public-read"})) == (400, "AccessControlListNotSupported")
    assert client.put(f"{bucket}?acl", headers={"x-amz-acl": "public-read"}).status == 200
    assert client.put(f"{bucket}/k?acl", headers={"x-amz-acl": "public-read"}).status == 200
    for other in ("public-read-write", "authenticated-read", "bucket-owner-full", "nonsense"):
        assert outcome(client.put(f"{bucket}?acl", headers={"x-amz-acl": other}))[0] == 400, other
    assert outcome(client.get(f"{bucket}/none?acl")) == (404, "NoSuchKey")


def policy(bucket: str, **changes) -> bytes:
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*", **changes}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}).encode()


def test_bucket_policy_that_lets_everybody_read(client, anyone, bucket):
    name = bucket.removeprefix("/s3/")
    client.put(f"{bucket}/k", b"x")
    assert outcome(client.get(f"{bucket}?policy")) == (404, "NoSuchBucketPolicy")
    assert client.put(f"{bucket}?policy", policy(name)).status == 204
    assert anyone.get(f"{bucket}/k").body == b"x"
    assert client.get(f"{bucket}?policy").json()["Statement"][0]["Effect"] == "Allow"
    assert Document.of(client.get(f"{bucket}?policyStatus")).text("IsPublic") == "true"
    assert client.delete(f"{bucket}?policy").status == 204
    assert outcome(anyone.get(f"{bucket}/k"))[0] in (403, 404)


def test_bucket_policy_that_says_anything_else_is_refused(client, anyone, bucket):
    name = bucket.removeprefix("/s3/")
    client.put(f"{bucket}/k", b"x")
    for body, code in (
        (policy(name, Effect="Deny"), 501),
        (policy(name, Action="s3:*"), 501),
        (policy(name, Principal={"AWS": "arn:aws:iam::1:root"}), 501),
        (policy(name, Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}), 501),
        (policy("other-bucket"), 400),
        (b"{", 400),
        (b"[]", 400),
    ):
        assert outcome(client.put(f"{bucket}?policy", body))[0] == code, body
    assert outcome(anyone.get(f"{bucket}/k"))[0] in (403, 404)


def test_anonymous_access_reads_objects_of_public_buckets(client, anyone, bucket):
    client.put(f"{bucket}/k", b"x")
    for target in (f"{bucket}/k", f"{bucket}/none"):
        assert outcome(anyone.get(target))[0] in (403, 404)
    client.put(f"{bucket}?acl", headers={"x-amz-acl": "public-read"})
    assert (anyone.get(f"{bucket}/k").body, anyone.head(f"{bucket}/k").headers["Content-Length"]) == (b"x", "1")
    assert anyone.head(bucket).status == 200
    assert anyone.get(f"{bucket}/k", headers={"Range": "bytes=0-0"}).status == 206
    for method, target, body in (
        ("GET", bucket, None),
        ("GET", f"{bucket}?versions", None),
        ("GET", f"{bucket}/k?acl", None),
        ("GET", f"{bucket}/k?tagging", None),
        ("PUT", f"{bucket}/k", b"y"),
        ("PUT", f"{bucket}/k?tagging", tagging(("a", "b"))),
        ("POST", f"{bucket}/k?uploads", b""),
        ("POST", f"{bucket}?delete", b"<Delete><Object><Key>k</Key></Object></Delete>"),
        ("DELETE", f"{bucket}/k", None),
        ("DELETE", bucket, None),
    ):
        assert outcome(anyone.request(method, target, body)) == (403, "AccessDenied"), (method, target)
    assert client.get(f"{bucket}/k").body == b"x"


# --- what goes with time --------------------------------------------------------------------------------------------


def lifecycle(*rules: str) -> bytes:
    return f"<LifecycleConfiguration>{''.join(f'<Rule>{rule}</Rule>' for rule in rules)}</LifecycleConfiguration>".encode()


DAYS = "<ID>r</ID><Status>Enabled</Status><Filter><Prefix>{}</Prefix></Filter><Expiration><Days>{}</Days></Expiration>"


def test_lifecycle_tells_when_an_object_goes(client, bucket):
    client.put(f"{bucket}/before/k", b"x")
    rules = [
        DAYS.format("logs/", 3),
        DAYS.format("logs/a", 1).replace("<ID>r<", "<ID>s &amp; t<"),
        DAYS.format("off/", 1).replace("Enabled", "Disabled").replace(">r<", ">o<"),
    ]
    assert client.put(f"{bucket}?lifecycle", lifecycle(*rules)).status == 200
    put = client.put(f"{bucket}/logs/b", b"x").headers["x-amz-expiration"]
    assert put.endswith(', rule-id="r"')
    date = datetime.datetime.strptime(put.split('"')[1], "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=datetime.timezone.utc)
    assert datetime.timedelta(days=3) <= date - sigv4.now(-60) <= datetime.timedelta(days=4, minutes=1)
    assert (date.hour, date.minute, date.second) == (0, 0, 0)
    for reply in (client.get(f"{bucket}/logs/b"), client.head(f"{bucket}/logs/b")):
        assert reply.headers["x-amz-expiration"] == put
    copy = client.put(f"{bucket}/logs/a", headers={"x-amz-copy-source": bucket.removeprefix("/s3/") + "/logs/b"})
    assert 'rule-id="s%20%26%20t"' in copy.headers["x-amz-expiration"]
    done = complete(client, f"{bucket}/logs/c", begin(client, f"{bucket}/logs/c"))
    assert done.headers["x-amz-expiration"] == put
    for key in ("before/k", "off/k"):
        client.put(f"{bucket}/{key}", b"x")
        assert client.get(f"{bucket}/{key}").headers["x-amz-expiration"] is None


def test_lifecycle_comes_back_as_it_was_written(client, bucket):
    old = "<ID>old</ID><Prefix>a/</Prefix><Status>Enabled</Status><Expiration><Date>2030-01-01T00:00:00Z</Date></Expiration>"
    new = (
        "<ID>new</ID><Filter><And><Prefix>b/</Prefix><Tag><Key>k</Key><Value>v</Value></Tag>"
        "<ObjectSizeGreaterThan>5</ObjectSizeGreaterThan></And></Filter><Status>Disabled</Status>"
        "<NoncurrentVersionExpiration><NoncurrentDays>2</NoncurrentDays></NoncurrentVersionExpiration>"
    )
    parts = (
        "<ID>parts</ID><Filter><Prefix/></Filter><Status>Enabled</Status>"
        "<AbortIncompleteMultipartUpload><DaysAfterInitiation>7</DaysAfterInitiation></AbortIncompleteMultipartUpload>"
    )
    assert client.put(f"{bucket}?lifecycle", lifecycle(old, new, parts)).status == 200
    found = Document.of(client.get(f"{bucket}?lifecycle"))
    first, second, third = found.all("Rule")
    assert (first.text("Prefix"), first.all("Filter"), first.text("Expiration/Date")) == ("a/", [], "2030-01-01T00:00:00.000Z")
    assert (second.text("Filter/And/Prefix"), second.text("Filter/And/Tag/Key"), second.text("Status")) == ("b/", "k", "Disabled")
    assert third.text("AbortIncompleteMultipartUpload/DaysAfterInitiation") == "7"
    assert client.delete(f"{bucket}?lifecycle").status == 204
    assert outcome(client.get(f"{bucket}?lifecycle")) == (404, "NoSuchLifecycleConfiguration")


@pytest.mark.parametrize(
    "rules, code",
    [
        ([], (400, "MalformedXML")),
        ([DAYS.format("", 0)], (400, "InvalidArgument")),
        ([DAYS.format("", -1)], (400, "InvalidArgument")),
        ([DAYS.format("", "x")], (400, "MalformedXML")),
        ([DAYS.format("", 1), DAYS.format("", 2)], (400, "InvalidArgument")),
        ([DAYS.format("", 1).replace("Enabled", "enabled")], (400, "MalformedXML")),
        ([DAYS.format("", 1).replace("<ID>r<", f"<ID>{'r' * 256}<")], (400, "InvalidArgument")),
        ([DAYS.format("", 1).replace("<Days>1</Days>", "<Date>2030-01-01T01:00:00Z</Date>")], (400, "InvalidArgument")),
        ([DAYS.format("", 1).replace("<Days>1</Days>", "<Date>soon</Date>")], (400, "MalformedXML")),
        ([DAYS.format("", 1).replace("Expiration", "Transition")], (501, "NotImplemented")),
        ([DAYS.format("", 1).partition("<Expiration>")[0]], (400, "InvalidRequest")),
    ],
)
def test_lifecycle_refuses_rules_that_cannot_be(client, bucket, rules, code):
    assert outcome(client.put(f"{bucket}?lifecycle", lifecycle(*rules))) == code
    assert outcome(client.get(f"{bucket}?lifecycle")) == (404, "NoSuchLifecycleConfiguration")


def test_lifecycle_removes_what_is_due_and_nothing_else():
    with Server({"MAGPIE_LIFECYCLE_DAY": "1s"}) as running:
        here = sigv4.Client(running.port, s3.key_pair(running))
        bucket = "/s3/expiring"
        here.put(bucket)
        for key in ("logs/a", "logs/b", "keep/a"):
            here.put(f"{bucket}/{key}", b"x")
        begin(here, f"{bucket}/logs/parts")
        aborting = "<AbortIncompleteMultipartUpload><DaysAfterInitiation>1</DaysAfterInitiation></AbortIncompleteMultipartUpload>"
        assert here.put(f"{bucket}?lifecycle", lifecycle(DAYS.format("logs/", 1) + aborting)).status == 200
        end = time.monotonic() + 30
        while time.monotonic() < end:
            left = Document.of(here.get(f"{bucket}?list-type=2")).texts("Contents/Key")
            under_way = Document.of(here.get(f"{bucket}?uploads")).all("Upload")
            if left == ["keep/a"] and under_way == []:
                return
            time.sleep(0.2)
        pytest.fail(f"{left} and {len(under_way)} uploads are left")


# --- what else comes with requests ----------------------------------------------------------------------------------


@pytest.mark.parametrize("part", ["tagging", "cors", "lifecycle", "versioning"])
def test_content_md5_of_configurations_is_verified_in_any_form(client, bucket, part):
    body = {
        "tagging": tagging(("a", "b")),
        "cors": cors(RULE.format("*", "GET")),
        "lifecycle": lifecycle(DAYS.format("", 1)),
        "versioning": status("Enabled"),
    }[part]
    wrong = ({"content-md5": sigv4.md5(b"other")}, {"x-amz-checksum-sha256": sigv4.sha256(b"other")})
    for fields in wrong:
        assert outcome(client.put(f"{bucket}?{part}", body, headers=fields)) == (400, "BadDigest")
    right = ({}, {"content-md5": sigv4.md5(body)}, {"x-amz-checksum-crc32": sigv4.crc32(body)})
    for fields in right:
        assert client.put(f"{bucket}?{part}", body, headers=fields).status in (200, 204)


def test_expected_bucket_owner_and_request_payer_do_no_harm(client, server, bucket):
    said = {"x-amz-expected-bucket-owner": "111122223333", "x-amz-request-payer": "requester"}
    assert client.put(f"{bucket}/k", b"x", headers=said).status == 200
    assert client.get(f"{bucket}/k", headers=said).body == b"x"
    assert client.delete(f"{bucket}/k", headers=said).status == 204
    claims = json.dumps({"role": "authenticated", "sub": new_subject()})
    made = dict(line.split() for line in server.command("key", "create", "--claims", claims).stdout.splitlines())
    stranger = sigv4.Client(server.port, (made["s3AccessKey"], made["s3SecretKey"]))
    assert outcome(stranger.put(f"{bucket}/k", b"x", headers=said)) == (403, "AccessDenied")
