# SPDX-License-Identifier: Apache-2.0
"""Who may do what over S3: key pairs with claims, the session form, presigned URLs, forms, strangers, and pages of other origins."""

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
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from Support import s3
from Support.tokens import new_subject, token

NOW = datetime.timezone.utc


@pytest.fixture
def boto(server):
    return s3.client(server)


@pytest.fixture
def bucket(boto) -> str:
    name = f"s3-{uuid.uuid4().hex[:16]}"
    boto.create_bucket(Bucket=name)
    return name


def code(call, **arguments) -> str:
    with pytest.raises(ClientError) as found:
        call(**arguments)
    return found.value.response["Error"]["Code"]


@pytest.fixture
def owners_only(database, bucket):
    """Lets signed-in users read and write what is theirs in the bucket."""
    for command, check in (("SELECT", "USING"), ("INSERT", "WITH CHECK"), ("DELETE", "USING")):
        database.run(
            f"""CREATE POLICY "{bucket} {command}" ON storage.objects FOR {command} TO authenticated
            {check} (bucket_id = '{bucket}' AND owner_id = (auth.jwt() ->> 'sub'))"""
        )
    yield bucket
    for command in ("SELECT", "INSERT", "DELETE"):
        database.run(f'DROP POLICY "{bucket} {command}" ON storage.objects')


# --- credentials ----------------------------------------------------------------------------------------------------


def test_a_wrong_secret_or_key_is_refused(server, bucket):
    access, secret = s3.key_pair(server)
    assert code(s3.client(server, (access, secret + "x")).list_objects_v2, Bucket=bucket) == "SignatureDoesNotMatch"
    assert code(s3.client(server, ("AKIANOBODY", secret)).list_objects_v2, Bucket=bucket) == "InvalidAccessKeyId"


def test_a_key_with_claims_is_bound_by_policies(server, boto, owners_only):
    bucket, subject = owners_only, new_subject()
    boto.put_object(Bucket=bucket, Key="service", Body=b"x")
    made = server.command("key", "create", "--claims", json.dumps({"role": "authenticated", "sub": subject}))
    assert made.returncode == 0, made.stderr
    found = dict(line.split() for line in made.stdout.splitlines())
    mine = s3.client(server, (found["s3AccessKey"], found["s3SecretKey"]))
    mine.put_object(Bucket=bucket, Key="mine", Body=b"mine")
    assert [entry["Key"] for entry in mine.list_objects_v2(Bucket=bucket)["Contents"]] == ["mine"]
    assert code(mine.get_object, Bucket=bucket, Key="service") == "NoSuchKey"
    assert len(boto.list_objects_v2(Bucket=bucket)["Contents"]) == 2
    assert server.command("key", "revoke", found["s3AccessKey"]).returncode == 0
    end = time.monotonic() + 40
    while time.monotonic() < end:
        try:
            mine.list_objects_v2(Bucket=bucket)
        except ClientError as error:
            assert error.response["Error"]["Code"] == "InvalidAccessKeyId"
            return
        time.sleep(0.2)
    pytest.fail("a revoked key still opens")


def test_a_users_token_travels_as_session_token(server, owners_only):
    bucket = owners_only
    user = token(server.keys.jwt_secret, subject=new_subject())
    mine = s3.client(server, ("any-project", server.keys.anon), aws_session_token=user)
    mine.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert mine.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"
    other = s3.client(
        server, ("any-project", server.keys.anon), aws_session_token=token(server.keys.jwt_secret, subject=new_subject())
    )
    assert code(other.get_object, Bucket=bucket, Key="k") == "NoSuchKey"
    forged = s3.client(server, ("any-project", server.keys.anon), aws_session_token=token("x" * 32, subject="me"))
    assert code(forged.get_object, Bucket=bucket, Key="k") == "InvalidToken"
    assert code(s3.client(server, ("p", "guess"), aws_session_token=user).get_object, Bucket=bucket, Key="k") == "SignatureDoesNotMatch"


# --- without a signature of one's own -------------------------------------------------------------------------------


def test_a_presigned_url_does_one_thing_until_it_expires(boto, bucket):
    names = {"Bucket": bucket, "Key": "a b+ü"}
    put = boto.generate_presigned_url("put_object", Params=names)
    get = boto.generate_presigned_url("get_object", Params=names)
    assert httpx.put(put, content=b"signed").status_code == 200
    assert httpx.get(get).content == b"signed"
    assert httpx.head(get).status_code == 403
    assert httpx.get(put).status_code == 403
    assert httpx.get(get.replace("a%20b", "a%20c")).status_code == 403
    late = httpx.put(put.replace("X-Amz-Expires=3600", "X-Amz-Expires=-5"), content=b"")
    assert (late.status_code, "AccessDenied" in late.text) == (403, True)
    shown = boto.generate_presigned_url("get_object", Params={**names, "ResponseContentType": "a/b"})
    assert httpx.get(shown).headers["content-type"] == "a/b"


def test_strangers_read_public_objects_and_nothing_else(server, boto, bucket):
    boto.put_object(Bucket=bucket, Key="k", Body=b"x")
    url = f"{server.url}/s3/{bucket}/k"
    assert httpx.get(url).status_code == 403 or httpx.get(url).status_code == 404
    boto.put_bucket_acl(Bucket=bucket, ACL="public-read")
    assert httpx.get(url).content == b"x"
    assert httpx.get(f"{server.url}/s3/{bucket}").status_code == 403
    assert httpx.put(url, content=b"y").status_code == 403
    assert httpx.delete(url).status_code == 403
    assert httpx.get(f"{url}?response-content-type=text/html").status_code == 400
    assert boto.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"


def test_every_answer_names_the_request(server, bucket):
    answer = httpx.get(f"{server.url}/s3/{bucket}/none")
    assert answer.headers["content-type"] == "application/xml"
    assert f"<RequestId>{answer.headers['x-amz-request-id']}</RequestId>" in answer.text
    assert f"<HostId>{answer.headers['x-amz-id-2']}</HostId>" in answer.text


# --- other dialects -------------------------------------------------------------------------------------------------


def test_both_dialects_see_the_same_objects(boto, admin, bucket):
    boto.put_object(Bucket=bucket, Key="from/s3.txt", Body=b"s3", ContentType="text/plain", Metadata={"a": "b"})
    reply = admin.get(f"/object/{bucket}/from/s3.txt")
    assert (reply.body, reply.headers["content-type"]) == (b"s3", "text/plain")
    assert admin.post(f"/object/{bucket}/from/rest.txt", b"rest", headers={"Content-Type": "text/plain"}).status == 200
    assert boto.get_object(Bucket=bucket, Key="from/rest.txt")["Body"].read() == b"rest"


# --- forms ----------------------------------------------------------------------------------------------------------


def old_form(server, bucket: str, conditions: list, **fields: str) -> dict[str, str]:
    """The fields of a form as old pages sign them: Signature Version 2."""
    access, secret = s3.key_pair(server)
    expires = (datetime.datetime.now(NOW) + datetime.timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    document = {"expiration": expires, "conditions": [{"bucket": bucket}, *conditions]}
    policy = base64.b64encode(json.dumps(document).encode()).decode()
    signature = base64.b64encode(hmac.new(secret.encode(), policy.encode(), hashlib.sha1).digest()).decode()
    return {**fields, "AWSAccessKeyId": access, "policy": policy, "signature": signature}


@pytest.mark.parametrize("form", ["v2", "v4"])
def test_a_page_uploads_by_form(server, boto, bucket, form):
    conditions = [["starts-with", "$key", "up/"], ["content-length-range", 1, 10], {"success_action_status": "201"}]
    if form == "v2":
        url, fields = f"{server.url}/s3/{bucket}", old_form(
            server, bucket, conditions, key="up/${filename}", success_action_status="201"
        )
    else:
        made = boto.generate_presigned_post(
            bucket, "up/${filename}", Fields={"success_action_status": "201"}, Conditions=conditions
        )
        url, fields = made["url"], made["fields"]
    answer = httpx.post(url, data=fields, files={"file": ("f.txt", b"form")})
    assert answer.status_code == 201, answer.text
    assert "<Key>up/f.txt</Key>" in answer.text
    assert boto.get_object(Bucket=bucket, Key="up/f.txt")["Body"].read() == b"form"
    assert httpx.post(url, data=fields, files={"file": ("g.txt", b"x" * 11)}).status_code == 400
    assert httpx.post(url, data={**fields, "extra": "1"}, files={"file": ("g.txt", b"x")}).status_code == 403
    assert httpx.post(url, data={**fields, "key": "elsewhere"}, files={"file": ("g.txt", b"x")}).status_code == 403
    assert httpx.post(url, data={"key": "up/x"}, files={"file": ("g.txt", b"x")}).status_code == 403
    assert [entry["Key"] for entry in boto.list_objects_v2(Bucket=bucket)["Contents"]] == ["up/f.txt"]


# --- pages of other origins -----------------------------------------------------------------------------------------


def test_a_buckets_own_rules_answer_preflights(server, boto, bucket):
    url, origin = f"{server.url}/s3/{bucket}/k", "https://app.example"
    ask = {"Origin": origin, "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "x-amz-date"}
    assert httpx.options(url, headers=ask).headers["access-control-allow-origin"] == "*"
    rule = {"AllowedOrigins": ["https://*.example"], "AllowedMethods": ["PUT"], "AllowedHeaders": ["x-amz-*"], "ExposeHeaders": ["ETag"]}
    boto.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})
    allowed = httpx.options(url, headers=ask)
    assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (200, origin)
    assert httpx.options(url, headers={**ask, "Origin": "https://evil.test"}).status_code == 403
    assert httpx.options(url, headers={**ask, "Access-Control-Request-Method": "DELETE"}).status_code == 403
    put = boto.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "k"})
    assert httpx.put(put, content=b"", headers={"Origin": origin}).headers["access-control-expose-headers"] == "ETag"
    assert "access-control-allow-origin" not in httpx.put(put, content=b"", headers={"Origin": "https://evil.test"}).headers


# --- a proxy in front -----------------------------------------------------------------------------------------------


def presigned(server, path: str, method: str = "GET") -> str:
    """The query of a URL for a path of this server's, signed with its own pair."""
    access, secret = s3.key_pair(server)
    request = AWSRequest(method, f"http://outside.example{path}")
    S3SigV4QueryAuth(Credentials(access, secret), "s3", s3.REGION, expires=60).add_auth(request)
    return request.url.partition("?")[2]


def forwarded(server, method: str, path: str, query: str, prefix: str) -> httpx.Response:
    headers = {"Host": "outside.example", "X-Forwarded-Prefix": prefix}
    return httpx.request(method, f"{server.url}{path}?{query}", headers=headers)


def test_a_signature_holds_for_the_path_before_a_proxy_cut_its_front(server, boto, bucket):
    boto.put_object(Bucket=bucket, Key="k", Body=b"x")
    for prefix in ("/storage/v1", "/storage/v1/s3", "/s3"):
        inner = ("/s3" if prefix == "/storage/v1" else "") + f"/{bucket}/k"
        answer = forwarded(server, "GET", inner, presigned(server, prefix + inner), prefix)
        assert (answer.status_code, answer.content) == (200, b"x"), prefix


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_a_signature_for_one_object_opens_no_other_by_a_forwarded_prefix(server, boto, bucket, method):
    """The field is anybody's to send: the end of a key that somebody chose must not become a path of its own."""
    boto.put_object(Bucket=bucket, Key="secret", Body=b"secret")
    other = f"s3-{uuid.uuid4().hex[:16]}"
    boto.create_bucket(Bucket=other)
    prefix = f"/s3/{other}/uploads"
    query = presigned(server, f"{prefix}/{bucket}/secret", method)
    assert forwarded(server, method, f"/{bucket}/secret", query, prefix).status_code == 403
    assert forwarded(server, method, f"/s3/{bucket}/secret", query, prefix).status_code == 403
    assert boto.get_object(Bucket=bucket, Key="secret")["Body"].read() == b"secret"


def test_a_signature_for_an_object_lists_no_bucket_by_a_forwarded_prefix(server, boto, bucket):
    query = presigned(server, f"/s3/other/uploads/{bucket}")
    assert forwarded(server, "GET", f"/{bucket}", query, "/s3/other/uploads").status_code == 403


@pytest.mark.parametrize("what", ["cors", "lifecycle", "tagging", "versioning", "acl", "delete"])
def test_documents_of_strangers_are_refused_unread(server, bucket, what):
    method = "POST" if what == "delete" else "PUT"
    answer = httpx.request(method, f"{server.url}/s3/{bucket}?{what}", content=b"<a>" + b"<b/>" * 500_000 + b"</a>")
    assert answer.status_code == 403 and "AccessDenied" in answer.text


def test_documents_of_settings_are_small(boto, bucket):
    rule = {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "AllowedHeaders": [f"x-{n}" for n in range(10_000)]}
    assert code(boto.put_bucket_cors, Bucket=bucket, CORSConfiguration={"CORSRules": [rule]}) in ("MalformedXML", "EntityTooLarge")


def test_an_empty_last_part_reads_as_nothing(boto, bucket):
    upload = boto.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    parts = [
        {"PartNumber": number, "ETag": boto.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=number, Body=body)["ETag"]}
        for number, body in ((1, b"x" * (5 << 20)), (2, b""))
    ]
    boto.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=upload, MultipartUpload={"Parts": parts})
    first, second = (boto.get_object(Bucket=bucket, Key="k", PartNumber=number) for number in (1, 2))
    assert len(first["Body"].read()) == 5 << 20 and second["Body"].read() == b""
    assert second["PartsCount"] == 2
    assert boto.head_object(Bucket=bucket, Key="k", PartNumber=2)["ContentLength"] == 0
