# SPDX-License-Identifier: Apache-2.0
"""Row-level security over S3, call by call: what a user's key pair and session token may do beside putting and getting."""

from __future__ import annotations

import os

import httpx
import pytest
from botocore.exceptions import ClientError

from Support import s3
from Support.dialects import Caller
from Support.tokens import new_subject, token
from Support.tus import ROOT, Tus
from Support.wire import Wire

MIB = 1 << 20
OBJECTS = "on storage.objects for"


@pytest.fixture
def boto(server):
    """The service role."""
    return s3.client(server)


@pytest.fixture(params=[Caller.user_by_session, Caller.user_by_key], ids=["session", "key"])
def user(request, server):
    """A signed-in user, each way that S3 knows."""
    return as_boto(request.param(server, new_subject()))


@pytest.fixture
def somebody(server):
    """Another user."""
    return as_boto(Caller.user_by_session(server, new_subject()))


def as_boto(caller: Caller):
    return s3.client(caller.server, caller.pair, **({"aws_session_token": caller.session} if caller.session else {}))


def own(bucket: str) -> str:
    return f"bucket_id = '{bucket}' and owner_id = (auth.jwt() ->> 'sub')"


@pytest.fixture
def owned(database, bucket):
    """A private bucket in which everyone may do everything with what is theirs."""
    with database.policies(f"{OBJECTS} all to authenticated using ({own(bucket)}) with check ({own(bucket)})"):
        yield bucket


@pytest.fixture
def write_once(database, bucket):
    """A private bucket in which everyone may add and read what is theirs, and neither change nor delete it."""
    with database.policies(
        f"{OBJECTS} insert to authenticated with check ({own(bucket)})", f"{OBJECTS} select to authenticated using ({own(bucket)})"
    ):
        yield bucket


def refused(call, **arguments) -> tuple[int, str]:
    with pytest.raises(ClientError) as found:
        call(**arguments)
    reply = found.value.response
    return reply["ResponseMetadata"]["HTTPStatusCode"], reply["Error"]["Code"]


def body(client, bucket: str, key: str) -> bytes:
    return client.get_object(Bucket=bucket, Key=key)["Body"].read()


def keys(client, bucket: str) -> list[str]:
    return [found["Key"] for found in client.list_objects_v2(Bucket=bucket).get("Contents", [])]


def upload_of(client, bucket: str, key: str, *parts: bytes) -> dict:
    """Begins an upload and sends its parts. What completes it."""
    names = {"Bucket": bucket, "Key": key, "UploadId": client.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]}
    tags = [client.upload_part(**names, PartNumber=n, Body=part)["ETag"] for n, part in enumerate(parts, 1)]
    return {**names, "MultipartUpload": {"Parts": [{"PartNumber": n, "ETag": tag} for n, tag in enumerate(tags, 1)]}}


# --- what is theirs -------------------------------------------------------------------------------------------------


def test_a_user_does_everything_with_what_is_theirs(user, owned):
    user.put_object(Bucket=owned, Key="k", Body=b"1", Tagging="a=1")
    user.put_object(Bucket=owned, Key="k", Body=b"2")
    user.copy_object(Bucket=owned, Key="copy", CopySource=f"{owned}/k")
    user.put_object_tagging(Bucket=owned, Key="k", Tagging={"TagSet": [{"Key": "b", "Value": "2"}]})
    assert user.get_object_tagging(Bucket=owned, Key="k")["TagSet"] == [{"Key": "b", "Value": "2"}]
    assert (body(user, owned, "k"), body(user, owned, "copy")) == (b"2", b"2")
    assert user.head_object(Bucket=owned, Key="k")["ContentLength"] == 1
    answer = user.delete_objects(Bucket=owned, Delete={"Objects": [{"Key": "k"}, {"Key": "copy"}]})
    assert (len(answer["Deleted"]), keys(user, owned)) == (2, [])


def test_a_users_upload_in_parts_is_theirs(user, boto, database, owned):
    parts = os.urandom(5 * MIB), b"end"
    user.complete_multipart_upload(**upload_of(user, owned, "big", *parts))
    assert body(user, owned, "big") == b"".join(parts)
    boto.put_object(Bucket=owned, Key="other", Body=b"")
    owners = database.rows(f"select name, owner_id from storage.objects where bucket_id = '{owned}' order by name")
    assert owners[0]["name"] == "big" and owners[0]["owner_id"] not in (None, owners[1]["owner_id"])


# --- what is another's ----------------------------------------------------------------------------------------------


def test_what_is_anothers_is_not_found_by_any_call_that_reads(user, somebody, owned):
    somebody.put_object(Bucket=owned, Key="secret", Body=b"secret", Tagging="a=1")
    user.put_object(Bucket=owned, Key="mine", Body=b"mine")
    for call in (user.get_object, user.head_object, user.get_object_tagging):
        assert refused(call, Bucket=owned, Key="secret")[0] == 404
    assert refused(user.get_object_attributes, Bucket=owned, Key="secret", ObjectAttributes=["ETag"])[0] == 404
    assert refused(user.copy_object, Bucket=owned, Key="stolen", CopySource=f"{owned}/secret")[0] == 404
    upload = user.create_multipart_upload(Bucket=owned, Key="stolen")["UploadId"]
    names = {"Bucket": owned, "Key": "stolen", "UploadId": upload, "PartNumber": 1}
    assert refused(user.upload_part_copy, **names, CopySource=f"{owned}/secret")[0] == 404
    assert keys(user, owned) == ["mine"]
    assert [found["Key"] for found in user.list_objects(Bucket=owned)["Contents"]] == ["mine"]
    assert [found["Key"] for found in user.list_object_versions(Bucket=owned)["Versions"]] == ["mine"]


def test_what_is_anothers_is_neither_replaced_nor_deleted(user, somebody, boto, owned):
    somebody.put_object(Bucket=owned, Key="k", Body=b"theirs", Tagging="a=1")
    user.put_object(Bucket=owned, Key="mine", Body=b"mine")
    assert refused(user.put_object, Bucket=owned, Key="k", Body=b"x") == (403, "AccessDenied")
    assert refused(user.copy_object, Bucket=owned, Key="k", CopySource=f"{owned}/mine") == (403, "AccessDenied")
    assert refused(user.put_object_tagging, Bucket=owned, Key="k", Tagging={"TagSet": []}) == (404, "NoSuchKey")
    assert refused(user.delete_object_tagging, Bucket=owned, Key="k") == (404, "NoSuchKey")
    assert refused(user.delete_object, Bucket=owned, Key="k") == (403, "AccessDenied")
    answer = user.delete_objects(Bucket=owned, Delete={"Objects": [{"Key": "k"}, {"Key": "mine"}]})
    assert [(found["Key"], found["Code"]) for found in answer["Errors"]] == [("k", "AccessDenied")]
    assert [found["Key"] for found in answer["Deleted"]] == ["mine"]
    assert (body(boto, owned, "k"), len(boto.get_object_tagging(Bucket=owned, Key="k")["TagSet"])) == (b"theirs", 1)


def test_an_upload_of_anothers_is_not_gone_on_with_completed_or_given_up(user, somebody, boto, owned):
    theirs = upload_of(somebody, owned, "k", b"theirs")
    names = {name: theirs[name] for name in ("Bucket", "Key", "UploadId")}
    denied = (403, "AccessDenied")
    assert refused(user.upload_part, **names, PartNumber=2, Body=b"x") == denied
    assert refused(user.list_parts, **names) == refused(user.abort_multipart_upload, **names) == denied
    assert refused(user.complete_multipart_upload, **theirs) == denied
    assert "Uploads" not in user.list_multipart_uploads(Bucket=owned)
    somebody.complete_multipart_upload(**theirs)
    assert body(boto, owned, "k") == b"theirs"


# --- what policies leave out ----------------------------------------------------------------------------------------


def test_without_a_policy_for_updates_nothing_is_replaced(user, boto, write_once):
    user.put_object(Bucket=write_once, Key="k", Body=b"first")
    assert refused(user.put_object, Bucket=write_once, Key="k", Body=b"x") == (403, "AccessDenied")
    with pytest.raises(ClientError, match="AccessDenied"):
        user.complete_multipart_upload(**upload_of(user, write_once, "k", b"x"))
    assert body(boto, write_once, "k") == b"first"


def test_without_a_policy_for_deletes_nothing_is_deleted(user, boto, write_once):
    user.put_object(Bucket=write_once, Key="k", Body=b"kept")
    assert refused(user.delete_object, Bucket=write_once, Key="k") == (403, "AccessDenied")
    answer = user.delete_objects(Bucket=write_once, Delete={"Objects": [{"Key": "k"}]})
    assert [(found["Key"], found["Code"]) for found in answer["Errors"]] == [("k", "AccessDenied")]
    assert body(boto, write_once, "k") == b"kept"


def test_without_a_policy_for_inserts_no_upload_begins(user, boto, bucket):
    assert refused(user.put_object, Bucket=bucket, Key="k", Body=b"x") == (403, "AccessDenied")
    assert refused(user.create_multipart_upload, Bucket=bucket, Key="k") == (403, "AccessDenied")
    assert (keys(boto, bucket), boto.list_multipart_uploads(Bucket=bucket).get("Uploads", [])) == ([], [])


def test_a_policy_that_goes_away_during_an_upload_ends_it(user, boto, database, bucket):
    with database.policies(f"{OBJECTS} all to authenticated using ({own(bucket)}) with check ({own(bucket)})"):
        complete = upload_of(user, bucket, "k", b"x")
    assert refused(user.complete_multipart_upload, **complete) == (403, "AccessDenied")
    assert keys(boto, bucket) == []


def test_kept_versions_are_hidden_from_users_until_a_policy_shows_them(user, somebody, boto, database, owned):
    boto.put_bucket_versioning(Bucket=owned, VersioningConfiguration={"Status": "Enabled"})
    first, second = (user.put_object(Bucket=owned, Key="k", Body=text)["VersionId"] for text in (b"1", b"2"))
    versions = lambda client: [found["VersionId"] for found in client.list_object_versions(Bucket=owned).get("Versions", [])]  # noqa: E731
    assert versions(user) == [second]
    assert refused(user.get_object, Bucket=owned, Key="k", VersionId=first) == (404, "NoSuchVersion")
    with database.policies(f"on magpie.object_versions for select to authenticated using ({own(owned)})"):
        assert versions(user) == [second, first]
        assert user.get_object(Bucket=owned, Key="k", VersionId=first)["Body"].read() == b"1"
        assert versions(somebody) == []
        assert refused(somebody.get_object, Bucket=owned, Key="k", VersionId=first) == (404, "NoSuchVersion")
    assert boto.get_object(Bucket=owned, Key="k", VersionId=first)["Body"].read() == b"1"


def test_a_user_has_no_say_over_buckets(user, boto, owned):
    assert refused(user.create_bucket, Bucket=f"{owned}-x") == (403, "AccessDenied")
    assert owned not in [found["Name"] for found in user.list_buckets()["Buckets"]]
    rule = {"AllowedOrigins": ["*"], "AllowedMethods": ["GET"]}
    for bucket, answer in ((owned, (403, "AccessDenied")), (f"{owned}-x", (404, "NoSuchBucket"))):
        assert refused(user.put_bucket_acl, Bucket=bucket, ACL="public-read") == answer
        assert refused(user.put_bucket_versioning, Bucket=bucket, VersioningConfiguration={"Status": "Enabled"}) == answer
        assert refused(user.put_bucket_cors, Bucket=bucket, CORSConfiguration={"CORSRules": [rule]}) == answer
        assert refused(user.get_bucket_cors, Bucket=bucket) == answer
        assert refused(user.delete_bucket, Bucket=bucket) == answer
        assert refused(user.head_bucket, Bucket=bucket) == (answer[0], str(answer[0]))
    assert len(boto.get_bucket_acl(Bucket=owned)["Grants"]) == 1
    assert "Status" not in boto.get_bucket_versioning(Bucket=owned)


def test_a_list_tells_of_a_bucket_and_of_nothing_in_it(server, user, boto, owned):
    boto.put_object(Bucket=owned, Key="secret", Body=b"x")
    for list_all in (user.list_objects, user.list_objects_v2, user.list_object_versions, user.list_multipart_uploads):
        found = list_all(Bucket=owned)
        assert not any(found.get(name) for name in ("Contents", "Versions", "Uploads", "CommonPrefixes"))
        assert refused(list_all, Bucket=f"{owned}-x") == (404, "NoSuchBucket")
    # Supabase's own lists tell nothing at all.
    rest = Wire(server.port, token(server.keys.jwt_secret, subject=new_subject()))
    for bucket in (owned, f"{owned}-x"):
        plain = rest.send_json("POST", f"/object/list/{bucket}", {"prefix": ""})
        paged = rest.send_json("POST", f"/object/list-v2/{bucket}", {"prefix": ""})
        assert (plain.status, plain.json(), paged.status, paged.json()["objects"]) == (200, [], 200, [])


def test_strangers_are_refused_what_is_there_and_told_what_is_not(server, owned):
    stranger = Wire(server.port)
    for target, status in ((owned, 403), (f"{owned}/k", 403), (f"{owned}-x", 404), (f"{owned}-x/k", 404)):
        assert stranger.request("HEAD", f"/s3/{target}").status == status
    assert (stranger.get(f"/s3/{owned}").status, stranger.get(f"/s3/{owned}-x").status) == (403, 403)


# --- what is signed for others --------------------------------------------------------------------------------------


def test_a_presigned_url_can_do_what_its_signer_can(user, somebody, owned):
    somebody.put_object(Bucket=owned, Key="theirs", Body=b"theirs")
    url = lambda operation, key: user.generate_presigned_url(operation, Params={"Bucket": owned, "Key": key})  # noqa: E731
    assert httpx.put(url("put_object", "mine"), content=b"mine").status_code == 200
    assert httpx.get(url("get_object", "mine")).content == b"mine"
    assert httpx.get(url("get_object", "theirs")).status_code == 404
    assert httpx.put(url("put_object", "theirs"), content=b"x").status_code == 403
    assert body(somebody, owned, "theirs") == b"theirs"


def test_a_form_can_do_what_its_signer_can(user, somebody, owned):
    somebody.put_object(Bucket=owned, Key="up/theirs", Body=b"theirs")
    made = user.generate_presigned_post(owned, "up/${filename}", Conditions=[["starts-with", "$key", "up/"]])
    assert httpx.post(made["url"], data=made["fields"], files={"file": ("mine", b"mine")}).status_code == 204
    assert httpx.post(made["url"], data=made["fields"], files={"file": ("theirs", b"x")}).status_code == 403
    assert (body(user, owned, "up/mine"), body(somebody, owned, "up/theirs")) == (b"mine", b"theirs")


# --- between the dialects -------------------------------------------------------------------------------------------


def test_what_a_user_uploads_by_tus_is_theirs_over_s3(server, somebody, owned):
    caller = Caller.user_by_session(server, new_subject())
    tus = Tus(Wire(server.port, caller.bearer))
    assert tus.patch(tus.begin(owned, "by-tus", 3), 0, b"tus").status == 204
    assert body(as_boto(caller), owned, "by-tus") == b"tus"
    assert refused(somebody.get_object, Bucket=owned, Key="by-tus") == (404, "NoSuchKey")
    assert refused(somebody.put_object, Bucket=owned, Key="by-tus", Body=b"x") == (403, "AccessDenied")


def test_an_upload_of_one_dialect_is_none_of_the_other(server, boto, admin, bucket):
    """Ids of uploads in parts and URLs of resumable ones open nothing where they don't belong."""
    tus = Tus(admin)
    path = tus.begin(bucket, "k", 10)
    assert tus.patch(path, 0, b"12345").status == 204
    name = path.rsplit("/", 1)[1]
    assert refused(boto.list_parts, Bucket=bucket, Key="k", UploadId=name) == (404, "NoSuchUpload")
    assert refused(boto.upload_part, Bucket=bucket, Key="k", UploadId=name, PartNumber=1, Body=b"x") == (404, "NoSuchUpload")
    upload = boto.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    assert tus.head(f"{ROOT}/{upload}").status == 400
    assert tus.offset(path) == 5
    assert [found["UploadId"] for found in boto.list_multipart_uploads(Bucket=bucket)["Uploads"]] == [upload]


# --- callers without a subject -------------------------------------------------------------------------------------------------


@pytest.fixture
def anonymous(server):
    """Whoever has the anonymous key, in the session form: a role and no subject."""
    return s3.client(server, ("any-project", server.keys.anon), aws_session_token=server.keys.anon)


@pytest.fixture
def open_to_all(database, bucket):
    """A private bucket in which whoever has the anonymous key may write and read."""
    here = f"(bucket_id = '{bucket}')"
    with database.policies(f"{OBJECTS} insert to anon with check {here}", f"{OBJECTS} select to anon using {here}"):
        yield bucket


def test_a_condition_tells_nothing_to_who_may_not_delete(boto, anonymous, bucket):
    tag = boto.put_object(Bucket=bucket, Key="k", Body=b"secret")["ETag"]
    place = {"Bucket": bucket, "Key": "k"}
    plain = refused(anonymous.delete_object, **place)
    assert plain == (403, "AccessDenied")
    for guess in (tag, '"0123456789abcdef0123456789abcdef"', "*"):
        assert refused(anonymous.delete_object, **place, IfMatch=guess) == plain
    assert boto.get_object(**place)["Body"].read() == b"secret"


def test_the_services_uploads_are_not_anonymous(boto, anonymous, open_to_all):
    place = {"Bucket": open_to_all, "Key": "k"}
    services = boto.create_multipart_upload(**place)["UploadId"]
    assert "Uploads" not in anonymous.list_multipart_uploads(Bucket=open_to_all)
    assert refused(anonymous.upload_part, **place, UploadId=services, PartNumber=1, Body=b"x") == (403, "AccessDenied")
    assert refused(anonymous.abort_multipart_upload, **place, UploadId=services) == (403, "AccessDenied")
    assert [item["UploadId"] for item in boto.list_multipart_uploads(Bucket=open_to_all)["Uploads"]] == [services]


def test_an_anonymous_upload_goes_on_by_its_id(boto, anonymous, open_to_all):
    place = {"Bucket": open_to_all, "Key": "k"}
    upload = anonymous.create_multipart_upload(**place)["UploadId"]
    part = anonymous.upload_part(**place, UploadId=upload, PartNumber=1, Body=b"bytes")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    anonymous.complete_multipart_upload(**place, UploadId=upload, MultipartUpload=parts)
    assert body(boto, open_to_all, "k") == b"bytes"
