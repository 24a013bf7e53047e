# SPDX-License-Identifier: Apache-2.0
"""The matrix of S3, continued: forms, hosts, who may, and what goes with time, over raw HTTP."""

from __future__ import annotations

import base64
import datetime
import hashlib
import hmac
import json
import time
import uuid

import httpx
import pytest

from Support import s3, sigv4
from Support.s3documents import DAYS, RULE, begin, complete, cors, lifecycle, status, tagging
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
