# SPDX-License-Identifier: Apache-2.0
"""Reads of one small object again and again: the server answers them from memory, and nobody may tell but by the clock."""

from __future__ import annotations

import json
import time
import uuid

import httpx
import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from Support import s3
from Support.tokens import new_subject, token


@pytest.fixture
def boto(server):
    return s3.client(server)


@pytest.fixture
def hot(boto):
    """A small private object that was read often enough to be answered from memory: its bucket and key."""
    bucket = f"s3-{uuid.uuid4().hex[:16]}"
    boto.create_bucket(Bucket=bucket)
    boto.put_object(Bucket=bucket, Key="k", Body=b"first", ContentType="text/x-hot", Metadata={"a": "b"}, ChecksumAlgorithm="SHA256")
    for _ in range(3):
        assert read(boto, bucket) == b"first"
    return bucket, "k"


def read(boto, bucket: str) -> bytes:
    return boto.get_object(Bucket=bucket, Key="k")["Body"].read()


def code(call, **arguments) -> str:
    with pytest.raises(ClientError) as found:
        call(**arguments)
    return found.value.response["Error"]["Code"]


def signed(server, target: str, secret: str | None = None, **headers: str) -> httpx.Response:
    access, own = s3.key_pair(server)
    url = f"{server.url}{target}"
    request = AWSRequest("GET", url, headers={"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD", **headers})
    S3SigV4Auth(Credentials(access, secret or own), "s3", s3.REGION).add_auth(request)
    return httpx.get(url, headers=dict(request.headers.items()))


def test_the_first_answer_and_a_later_one_have_the_same_fields(boto, hot):
    bucket, key = hot
    boto.put_object(Bucket=bucket, Key=key, Body=b"again", ContentType="text/x-hot", Metadata={"a": "b"}, ChecksumAlgorithm="SHA256")
    answers = [boto.get_object(Bucket=bucket, Key=key) for _ in range(4)]
    ids = [answer["ResponseMetadata"]["RequestId"] for answer in answers]
    assert len(set(ids)) == len(ids) and all(ids)
    fields = [
        {name: value for name, value in answer["ResponseMetadata"]["HTTPHeaders"].items() if "request-id" not in name and name != "date"}
        for answer in answers
    ]
    assert all(other == fields[0] for other in fields[1:])
    assert [answer["Body"].read() for answer in answers] == [b"again"] * 4
    assert answers[3]["ChecksumSHA256"] == answers[0]["ChecksumSHA256"]


def test_checksums_are_sent_only_to_those_who_ask(server, hot):
    target = f"/s3/{hot[0]}/{hot[1]}"
    for _ in range(2):
        assert "x-amz-checksum-sha256" not in signed(server, target).headers
        assert "x-amz-checksum-sha256" in signed(server, target, **{"x-amz-checksum-mode": "ENABLED"}).headers


def test_what_was_written_is_read_at_once(boto, admin, hot):
    bucket, key = hot
    for number in range(5):
        boto.put_object(Bucket=bucket, Key=key, Body=b"s3 %d" % number)
        assert read(boto, bucket) == b"s3 %d" % number == read(boto, bucket)
        admin.put(f"/object/{bucket}/{key}", b"rest %d" % number)
        assert read(boto, bucket) == b"rest %d" % number == read(boto, bucket)


def test_what_was_deleted_is_gone_at_once(boto, hot):
    bucket, key = hot
    boto.delete_object(Bucket=bucket, Key=key)
    assert code(boto.get_object, Bucket=bucket, Key=key) == "NoSuchKey"


def test_what_plain_sql_deleted_is_gone(boto, database, hot):
    bucket, key = hot
    database.run(f"set storage.allow_delete_query = 'true'; delete from storage.objects where bucket_id = '{bucket}'")
    # The notice of it takes the time that PostgreSQL takes to send one.
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            boto.get_object(Bucket=bucket, Key=key)
        except ClientError:
            break
        time.sleep(0.01)
    assert code(boto.get_object, Bucket=bucket, Key=key) == "NoSuchKey"


def test_nobody_else_gets_it(server, anyone, anon, user, hot):
    bucket, key = hot
    assert anyone.get(f"/s3/{bucket}/{key}").status == 403
    for wire in (anyone, anon, user):
        assert wire.get(f"/object/authenticated/{bucket}/{key}").status == 400
        assert wire.get(f"/object/public/{bucket}/{key}").status == 400
    made = server.command("key", "create", "--claims", json.dumps({"role": "authenticated", "sub": new_subject()}))
    pair = dict(line.split() for line in made.stdout.splitlines())
    theirs = s3.client(server, (pair["s3AccessKey"], pair["s3SecretKey"]))
    for _ in range(3):
        assert code(theirs.get_object, Bucket=bucket, Key=key) == "NoSuchKey"


def test_a_signature_is_verified_each_time(server, hot):
    target = f"/s3/{hot[0]}/{hot[1]}"
    assert signed(server, target).status_code == 200
    refused = signed(server, target, secret="x" * 40)
    assert refused.status_code == 403 and "SignatureDoesNotMatch" in refused.text
    assert httpx.get(f"{server.url}{target}", headers={"Authorization": "AWS4-HMAC-SHA256 x"}).status_code == 400


def test_a_request_signed_long_ago_is_refused(server, hot):
    access, secret = s3.key_pair(server)
    url = f"{server.url}/s3/{hot[0]}/{hot[1]}"
    request = AWSRequest("GET", url, headers={"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"})
    signer = S3SigV4Auth(Credentials(access, secret), "s3", s3.REGION)
    request.context["timestamp"] = "20200101T000000Z"
    request.headers["X-Amz-Date"] = "20200101T000000Z"
    canonical = signer.canonical_request(request)
    text = signer.string_to_sign(request, canonical)
    signature = signer.signature(text, request)
    signer._inject_signature_to_request(request, signature)
    answer = httpx.get(url, headers=dict(request.headers.items()))
    assert answer.status_code == 403 and "RequestTimeTooSkewed" in answer.text


def test_an_unsigned_amazon_field_is_refused_on_a_hot_target_too(server, hot):
    access, secret = s3.key_pair(server)
    url = f"{server.url}/s3/{hot[0]}/{hot[1]}"
    request = AWSRequest("GET", url, headers={"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"})
    S3SigV4Auth(Credentials(access, secret), "s3", s3.REGION).add_auth(request)
    answer = httpx.get(url, headers={**dict(request.headers.items()), "x-amz-checksum-mode": "ENABLED"})
    assert answer.status_code == 403


def test_conditions_and_ranges_count(boto, hot):
    bucket, key = hot
    assert boto.get_object(Bucket=bucket, Key=key, Range="bytes=1-2")["Body"].read() == b"ir"
    tag = boto.head_object(Bucket=bucket, Key=key)["ETag"]
    assert code(boto.get_object, Bucket=bucket, Key=key, IfNoneMatch=tag) == "304"
    assert code(boto.get_object, Bucket=bucket, Key=key, IfMatch='"other"') == "PreconditionFailed"


def test_a_service_token_reads_what_was_written_at_once(admin, make_bucket):
    bucket = make_bucket()
    for number in range(3):
        admin.put(f"/object/{bucket}/k", b"%d" % number)
        for _ in range(3):
            assert admin.get(f"/object/authenticated/{bucket}/k").body == b"%d" % number


def test_making_a_user_the_service_needs_their_token(server, admin, make_bucket):
    """The role decides, not who asked before: a token of another role finds nothing in memory."""
    bucket = make_bucket()
    admin.put(f"/object/{bucket}/k", b"x")
    assert admin.get(f"/object/authenticated/{bucket}/k").status == 200
    bearer = token(server.keys.jwt_secret, subject=new_subject())
    assert admin.request("GET", f"/object/authenticated/{bucket}/k", token=bearer).status == 400
