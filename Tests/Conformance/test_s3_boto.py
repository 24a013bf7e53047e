# SPDX-License-Identifier: Apache-2.0
"""The S3 dialect as boto3 speaks it: over plain HTTP, where it signs bodies, and over TLS, where it sends trailers."""

from __future__ import annotations

import hashlib
import os
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError

from Support import s3
from Support.server import Server, temporary_directory

MIB = 1 << 20


@pytest.fixture(scope="module")
def secure():
    home = temporary_directory()
    certificate, key = s3.certificate(home)
    with Server({"MAGPIE_TLS_CERTIFICATE": str(certificate), "MAGPIE_TLS_KEY": str(key)}, home=home) as running:
        yield running


@pytest.fixture(params=["http", "https"])
def boto(request, server):
    if request.param == "http":
        return s3.client(server)
    secure = request.getfixturevalue("secure")
    return s3.client(secure, url=f"https://localhost:{secure.port}", verify=secure.settings["MAGPIE_TLS_CERTIFICATE"])


@pytest.fixture
def bucket(boto) -> str:
    name = f"s3-{uuid.uuid4().hex[:16]}"
    boto.create_bucket(Bucket=name)
    return name


def refused(call, **arguments) -> tuple[int, str]:
    """Status and code of a call that must fail."""
    with pytest.raises(ClientError) as found:
        call(**arguments)
    reply = found.value.response
    return reply["ResponseMetadata"]["HTTPStatusCode"], reply["Error"]["Code"]


# --- objects --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["a", "dir/b c+d", "/lead", "a//b", "..", "trail/", "ü/é/日本", "%41", "a?b#c&d=e", "~[]{}|^`", "\x01"])
def test_any_key_holds_what_was_put(boto, bucket, key):
    body = key.encode()
    assert boto.put_object(Bucket=bucket, Key=key, Body=body)["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    assert boto.get_object(Bucket=bucket, Key=key)["Body"].read() == body
    assert [entry["Key"] for entry in boto.list_objects_v2(Bucket=bucket)["Contents"]] == [key]
    assert [entry["Key"] for entry in boto.list_objects(Bucket=bucket)["Contents"]] == [key]
    if key.isprintable():
        boto.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key}]})
    else:  # this client writes documents that are no XML
        boto.delete_object(Bucket=bucket, Key=key)
    assert refused(boto.head_object, Bucket=bucket, Key=key) == (404, "404")


def test_what_is_said_of_an_object_comes_back(boto, bucket):
    said = {
        "ContentType": "text/css",
        "ContentEncoding": "gzip",
        "ContentDisposition": 'attachment; filename="x"',
        "ContentLanguage": "de",
        "CacheControl": "max-age=7",
        "Metadata": {"mtime": "1.5", "color": "red"},
    }
    boto.put_object(Bucket=bucket, Key="k", Body=b"x", Tagging="a=1&b=2", **said)
    for reply in (boto.head_object(Bucket=bucket, Key="k"), boto.get_object(Bucket=bucket, Key="k")):
        assert {name: reply[name] for name in said} == said
    boto.copy_object(Bucket=bucket, Key="kept", CopySource={"Bucket": bucket, "Key": "k"})
    assert boto.head_object(Bucket=bucket, Key="kept")["Metadata"] == said["Metadata"]
    assert len(boto.get_object_tagging(Bucket=bucket, Key="kept")["TagSet"]) == 2
    boto.copy_object(
        Bucket=bucket, Key="k", CopySource=f"{bucket}/k", MetadataDirective="REPLACE", Metadata={"n": "1"}, ContentType="a/b"
    )
    replaced = boto.head_object(Bucket=bucket, Key="k")
    assert (replaced["Metadata"], replaced["ContentType"], replaced.get("ContentEncoding")) == ({"n": "1"}, "a/b", None)
    assert refused(boto.copy_object, Bucket=bucket, Key="k", CopySource=f"{bucket}/k") == (400, "InvalidRequest")


def test_parts_of_an_object_can_be_read(boto, bucket):
    boto.put_object(Bucket=bucket, Key="k", Body=b"0123456789")
    read = lambda **options: boto.get_object(Bucket=bucket, Key="k", **options)["Body"].read()  # noqa: E731
    assert read(Range="bytes=2-4") == b"234"
    assert read(Range="bytes=7-") == b"789"
    assert read(Range="bytes=-3") == b"789"
    assert read(Range="nonsense") == b"0123456789"
    assert refused(boto.get_object, Bucket=bucket, Key="k", Range="bytes=10-") == (416, "InvalidRange")
    tag = boto.head_object(Bucket=bucket, Key="k")["ETag"]
    assert read(Range="bytes=0-0", IfMatch=tag) == b"0"
    assert refused(boto.get_object, Bucket=bucket, Key="k", IfMatch='"other"') == (412, "PreconditionFailed")
    assert refused(boto.get_object, Bucket=bucket, Key="k", IfNoneMatch=tag)[0] == 304


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
def test_checksums_are_kept_and_told(boto, bucket, algorithm):
    put = boto.put_object(Bucket=bucket, Key="k", Body=b"hello" * 1000, ChecksumAlgorithm=algorithm)
    name = f"Checksum{algorithm}"
    assert boto.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")["Body"].read() == b"hello" * 1000
    assert boto.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")[name] == put[name]
    attributes = boto.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=["Checksum", "ObjectSize", "ETag"])
    assert (attributes["Checksum"][name], attributes["ObjectSize"]) == (put[name], 5000)


def test_a_body_that_is_another_is_not_stored(boto, bucket):
    assert refused(boto.put_object, Bucket=bucket, Key="k", Body=b"x", ContentMD5="1B2M2Y8AsgTpgAmY7PhCfg==") == (400, "BadDigest")
    assert refused(boto.put_object, Bucket=bucket, Key="k", Body=b"x", ChecksumCRC32="AAAAAA==") == (400, "BadDigest")
    assert refused(boto.put_object, Bucket=bucket, Key="k", Body=b"x", ContentMD5="x") == (400, "InvalidDigest")
    assert refused(boto.get_object, Bucket=bucket, Key="k") == (404, "NoSuchKey")


# --- conditions -----------------------------------------------------------------------------------------------------


def test_one_of_many_racing_writers_wins(boto, bucket):
    def write(number: int) -> bool:
        try:
            boto.put_object(Bucket=bucket, Key="lock", Body=b"%d" % number, IfNoneMatch="*")
            return True
        except ClientError as error:
            assert error.response["Error"]["Code"] in ("PreconditionFailed", "ConditionalRequestConflict")
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(write, range(24))) == 1


def test_a_write_may_demand_what_it_replaces(boto, bucket):
    assert refused(boto.put_object, Bucket=bucket, Key="k", Body=b"x", IfMatch='"x"') == (404, "NoSuchKey")
    tag = boto.put_object(Bucket=bucket, Key="k", Body=b"1")["ETag"]
    assert refused(boto.put_object, Bucket=bucket, Key="k", Body=b"x", IfMatch='"x"') == (412, "PreconditionFailed")
    assert refused(boto.delete_object, Bucket=bucket, Key="k", IfMatch='"x"') == (412, "PreconditionFailed")
    boto.put_object(Bucket=bucket, Key="k", Body=b"2", IfMatch=tag)
    assert boto.get_object(Bucket=bucket, Key="k")["Body"].read() == b"2"


# --- listings -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", ["/", "-x-", "é"])
def test_a_common_prefix_comes_once_over_all_pages(boto, bucket, delimiter):
    keys = [f"{top}{delimiter}{n}" for top in ("a", "b b", "c") for n in range(4)] + ["a", "top", "z+"]
    for key in keys:
        boto.put_object(Bucket=bucket, Key=key, Body=b"")
    for operation in ("list_objects_v2", "list_objects"):
        for size in (1, 2, 1000):
            pages = list(
                boto.get_paginator(operation).paginate(Bucket=bucket, Delimiter=delimiter, PaginationConfig={"PageSize": size})
            )
            found = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
            folded = [entry["Prefix"] for page in pages for entry in page.get("CommonPrefixes", [])]
            assert found == ["a", "top", "z+"]
            assert folded == [f"a{delimiter}", f"b b{delimiter}", f"c{delimiter}"]


# --- uploads in parts -----------------------------------------------------------------------------------------------


def test_an_object_is_made_of_parts(boto, bucket):
    bodies = {1: os.urandom(5 * MIB), 2: os.urandom(5 * MIB), 3: b"end"}
    upload = boto.create_multipart_upload(Bucket=bucket, Key="k", ContentType="a/b", Metadata={"x": "y"})["UploadId"]
    put = lambda number: boto.upload_part(  # noqa: E731
        Bucket=bucket, Key="k", UploadId=upload, PartNumber=number, Body=bodies[number]
    )["ETag"]
    with ThreadPoolExecutor(3) as pool:
        tags = dict(zip((3, 1, 2), pool.map(put, (3, 1, 2))))
    assert [part["Size"] for part in boto.list_parts(Bucket=bucket, Key="k", UploadId=upload)["Parts"]] == [5 * MIB, 5 * MIB, 3]
    assert [found["UploadId"] for found in boto.list_multipart_uploads(Bucket=bucket)["Uploads"]] == [upload]
    parts = [{"PartNumber": number, "ETag": tags[number]} for number in (1, 2, 3)]
    complete = {"Bucket": bucket, "Key": "k", "UploadId": upload}
    assert refused(boto.complete_multipart_upload, **complete, MultipartUpload={"Parts": parts[::-1]}) == (400, "InvalidPartOrder")
    wrong = [{"PartNumber": 1, "ETag": tags[2]}]
    assert refused(boto.complete_multipart_upload, **complete, MultipartUpload={"Parts": wrong}) == (400, "InvalidPart")
    for _ in range(2):  # the answer to the first may have been lost
        done = boto.complete_multipart_upload(**complete, MultipartUpload={"Parts": parts})
        digest = hashlib.md5(b"".join(hashlib.md5(bodies[n]).digest() for n in (1, 2, 3))).hexdigest()
        assert done["ETag"] == f'"{digest}-3"'
    reply = boto.get_object(Bucket=bucket, Key="k")
    assert (reply["Body"].read(), reply["Metadata"]) == (bodies[1] + bodies[2] + bodies[3], {"x": "y"})
    second = boto.get_object(Bucket=bucket, Key="k", PartNumber=2)
    assert (second["Body"].read(), second["PartsCount"]) == (bodies[2], 3)
    assert refused(boto.head_object, Bucket=bucket, Key="k", PartNumber=4)[0] == 400
    attributes = boto.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=["ObjectParts"], MaxParts=2)
    assert attributes["ObjectParts"]["TotalPartsCount"] == 3 and attributes["ObjectParts"]["IsTruncated"]


def test_parts_that_are_too_small_or_given_up_make_nothing(boto, bucket):
    upload = boto.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    names = {"Bucket": bucket, "Key": "k", "UploadId": upload}
    tags = [boto.upload_part(**names, PartNumber=n, Body=b"x")["ETag"] for n in (1, 2)]
    parts = [{"PartNumber": n + 1, "ETag": tag} for n, tag in enumerate(tags)]
    assert refused(boto.complete_multipart_upload, **names, MultipartUpload={"Parts": parts}) == (400, "EntityTooSmall")
    boto.abort_multipart_upload(**names)
    assert refused(boto.list_parts, **names) == (404, "NoSuchUpload")
    assert refused(boto.upload_part, **names, PartNumber=1, Body=b"x") == (404, "NoSuchUpload")
    assert refused(boto.get_object, Bucket=bucket, Key="k") == (404, "NoSuchKey")


def test_parts_are_copied_from_an_object(boto, bucket):
    source = os.urandom(6 * MIB)
    boto.put_object(Bucket=bucket, Key="from", Body=source)
    upload = boto.create_multipart_upload(Bucket=bucket, Key="to")["UploadId"]
    names = {"Bucket": bucket, "Key": "to", "UploadId": upload, "CopySource": f"{bucket}/from"}
    ranges = [f"bytes=0-{5 * MIB - 1}", f"bytes={5 * MIB}-{6 * MIB - 1}"]
    parts = [
        {"PartNumber": n + 1, "ETag": boto.upload_part_copy(**names, PartNumber=n + 1, CopySourceRange=span)["CopyPartResult"]["ETag"]}
        for n, span in enumerate(ranges)
    ]
    assert refused(boto.upload_part_copy, **names, PartNumber=3, CopySourceRange=f"bytes=0-{6 * MIB}")[0] == 416
    boto.complete_multipart_upload(Bucket=bucket, Key="to", UploadId=upload, MultipartUpload={"Parts": parts})
    assert boto.get_object(Bucket=bucket, Key="to")["Body"].read() == source


def test_the_clients_own_transfers_work(boto, bucket, tmp_path):
    path = tmp_path / "big"
    path.write_bytes(os.urandom(20 * MIB))
    boto.upload_file(str(path), bucket, "big")
    boto.copy({"Bucket": bucket, "Key": "big"}, bucket, "copy")
    boto.download_file(bucket, "copy", str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == path.read_bytes()


# --- versions -------------------------------------------------------------------------------------------------------


def test_versions_are_kept_read_and_removed(boto, bucket):
    boto.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    assert boto.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    first, second = (boto.put_object(Bucket=bucket, Key="k", Body=body)["VersionId"] for body in (b"1", b"2"))
    assert boto.get_object(Bucket=bucket, Key="k", VersionId=first)["Body"].read() == b"1"
    marker = boto.delete_object(Bucket=bucket, Key="k")
    assert marker["DeleteMarker"] is True
    with pytest.raises(ClientError) as found:
        boto.get_object(Bucket=bucket, Key="k")
    assert found.value.response["ResponseMetadata"]["HTTPHeaders"]["x-amz-delete-marker"] == "true"
    assert refused(boto.get_object, Bucket=bucket, Key="k", VersionId=marker["VersionId"]) == (405, "MethodNotAllowed")
    listed = boto.list_object_versions(Bucket=bucket)
    assert [version["VersionId"] for version in listed["Versions"]] == [second, first]
    assert [version["IsLatest"] for version in listed["DeleteMarkers"]] == [True]
    boto.delete_object(Bucket=bucket, Key="k", VersionId=marker["VersionId"])
    assert boto.get_object(Bucket=bucket, Key="k")["Body"].read() == b"2"
    boto.delete_object(Bucket=bucket, Key="k", VersionId=second)
    assert boto.get_object(Bucket=bucket, Key="k")["Body"].read() == b"1"
    assert refused(boto.get_object, Bucket=bucket, Key="k", VersionId=second) == (404, "NoSuchVersion")


# --- settings -------------------------------------------------------------------------------------------------------


def test_settings_come_back_and_go(boto, bucket):
    assert refused(boto.get_bucket_tagging, Bucket=bucket) == (404, "NoSuchTagSet")
    boto.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    assert boto.get_bucket_tagging(Bucket=bucket)["TagSet"] == [{"Key": "a", "Value": "b"}]
    assert refused(boto.get_bucket_lifecycle_configuration, Bucket=bucket) == (404, "NoSuchLifecycleConfiguration")
    rule = {"ID": "r", "Status": "Enabled", "Filter": {"Prefix": "a"}, "Expiration": {"Days": 3}}
    boto.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [rule]})
    assert boto.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"] == [rule]
    assert refused(boto.get_bucket_cors, Bucket=bucket) == (404, "NoSuchCORSConfiguration")
    cors = {"AllowedOrigins": ["https://a.example"], "AllowedMethods": ["GET"]}
    boto.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [cors]})
    assert boto.get_bucket_cors(Bucket=bucket)["CORSRules"] == [cors]
    for remove in (boto.delete_bucket_tagging, boto.delete_bucket_lifecycle, boto.delete_bucket_cors):
        remove(Bucket=bucket)
    assert refused(boto.get_bucket_cors, Bucket=bucket) == (404, "NoSuchCORSConfiguration")


def test_a_canned_list_makes_a_bucket_public(boto, bucket):
    assert refused(boto.get_bucket_policy, Bucket=bucket) == (404, "NoSuchBucketPolicy")
    boto.put_bucket_acl(Bucket=bucket, ACL="public-read")
    assert len(boto.get_bucket_acl(Bucket=bucket)["Grants"]) == 2
    assert boto.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"]["IsPublic"]
    boto.put_bucket_acl(Bucket=bucket, ACL="private")
    assert len(boto.get_bucket_acl(Bucket=bucket)["Grants"]) == 1
    assert refused(boto.put_bucket_acl, Bucket=bucket, ACL="public-read-write") == (400, "AccessControlListNotSupported")


@pytest.mark.parametrize(
    "operation, arguments",
    [
        ("get_bucket_website", {}),
        ("get_bucket_replication", {}),
        ("get_object_torrent", {"Key": "k"}),
        ("put_object_legal_hold", {"Key": "k", "LegalHold": {"Status": "ON"}}),
        ("put_object_retention", {"Key": "k", "Retention": {"Mode": "GOVERNANCE"}}),
    ],
)
def test_what_is_not_there_leaves_the_object_alone(boto, bucket, operation, arguments):
    boto.put_object(Bucket=bucket, Key="k", Body=b"precious")
    assert refused(getattr(boto, operation), Bucket=bucket, **arguments) == (501, "NotImplemented")
    assert boto.get_object(Bucket=bucket, Key="k")["Body"].read() == b"precious"


def test_buckets_are_made_seen_and_removed(boto, bucket):
    assert bucket in [found["Name"] for found in boto.list_buckets()["Buckets"]]
    assert boto.get_bucket_location(Bucket=bucket)["LocationConstraint"] is None
    boto.create_bucket(Bucket=bucket)
    boto.put_object(Bucket=bucket, Key="k", Body=b"")
    assert refused(boto.delete_bucket, Bucket=bucket) == (409, "BucketNotEmpty")
    boto.delete_object(Bucket=bucket, Key="k")
    boto.delete_object(Bucket=bucket, Key="k")
    boto.delete_bucket(Bucket=bucket)
    assert refused(boto.head_bucket, Bucket=bucket)[0] == 404
    assert refused(boto.list_objects_v2, Bucket=bucket) == (404, "NoSuchBucket")
    assert refused(boto.create_bucket, Bucket="Not_A_Name") == (400, "InvalidBucketName")
