# SPDX-License-Identifier: Apache-2.0
"""MinIO's client library for Python, unmodified, which knows a host and no path."""

from __future__ import annotations

import base64
import datetime
import hashlib
import io
import os
import ssl
import uuid

import httpx
import pytest
from minio import Minio
from minio.commonconfig import ENABLED, REPLACE, ComposeSource, CopySource, Filter, Tags
from minio.datatypes import PostPolicy
from minio.deleteobjects import DeleteObject
from minio.error import S3Error
from minio.lifecycleconfig import Expiration, LifecycleConfig, Rule
from minio.versioningconfig import SUSPENDED, VersioningConfig

from Support import s3
from Support.tools import minio_client

MIB = 1 << 20
SOON = datetime.timedelta(minutes=5)


@pytest.fixture
def minio(either_server) -> Minio:
    return minio_client(either_server)


@pytest.fixture
def bucket(minio) -> str:
    name = f"m-{uuid.uuid4().hex[:16]}"
    minio.make_bucket(name)
    return name


@pytest.fixture
def anybody(either_server) -> httpx.Client:
    """Follows URLs without credentials."""
    trust = ssl.create_default_context(cafile=either_server.settings["MAGPIE_TLS_CERTIFICATE"]) if either_server.is_secure else True
    with httpx.Client(verify=trust) as client:
        yield client


def read(minio: Minio, bucket: str, key: str, **options) -> bytes:
    answer = minio.get_object(bucket, key, **options)
    try:
        return answer.read()
    finally:
        answer.close()
        answer.release_conn()


def put(minio: Minio, bucket: str, key: str, body: bytes, **options):
    return minio.put_object(bucket, key, io.BytesIO(body), len(body), **options)


def refused(call, *arguments, **options) -> str:
    """The code of a call that must fail."""
    with pytest.raises(S3Error) as found:
        call(*arguments, **options)
    return found.value.code


# --- buckets and objects --------------------------------------------------------------------------------------------


def test_buckets_are_made_found_and_removed(minio, bucket):
    assert minio.bucket_exists(bucket)
    assert not minio.bucket_exists(f"{bucket}-not")
    assert bucket in [found.name for found in minio.list_buckets()]
    minio.remove_bucket(bucket)
    assert not minio.bucket_exists(bucket)
    assert refused(minio.remove_bucket, bucket) == "NoSuchBucket"


@pytest.mark.parametrize("key", ["a", "dir/b c+d", "ü/é/日本", "%41", "a?b#c&d=e", "~[]{}|^`", "a//b", "trail/"])
def test_any_key_holds_what_was_put(minio, bucket, key):
    body = key.encode()
    assert put(minio, bucket, key, body).etag == hashlib.md5(body).hexdigest()
    assert read(minio, bucket, key) == body
    assert [found.object_name for found in minio.list_objects(bucket, recursive=True)] == [key]
    minio.remove_object(bucket, key)
    assert refused(minio.stat_object, bucket, key) == "NoSuchKey"


def test_what_is_said_of_an_object_is_told_by_stat(minio, bucket):
    put(minio, bucket, "k", b"12345", content_type="text/css", metadata={"color": "red", "Cache-Control": "max-age=7"})
    found = minio.stat_object(bucket, "k")
    assert (found.size, found.content_type, found.etag) == (5, "text/css", hashlib.md5(b"12345").hexdigest())
    assert (found.metadata["x-amz-meta-color"], found.metadata["cache-control"]) == ("red", "max-age=7")
    age = datetime.datetime.now(datetime.timezone.utc) - found.last_modified
    assert datetime.timedelta(seconds=-2) < age < datetime.timedelta(minutes=1)


def test_a_part_of_an_object_can_be_read(minio, bucket):
    put(minio, bucket, "k", b"0123456789")
    assert read(minio, bucket, "k", offset=3, length=4) == b"3456"
    assert read(minio, bucket, "k", offset=8) == b"89"
    assert refused(read, minio, bucket, "k", offset=10) == "InvalidRange"


def test_lists_fold_at_slashes_and_start_where_told(minio, bucket):
    for key in ("a/1", "a/2", "b", "c/1"):
        put(minio, bucket, key, b"x")
    names = lambda **options: [found.object_name for found in minio.list_objects(bucket, **options)]  # noqa: E731
    assert sorted(names()) == ["a/", "b", "c/"]
    assert names(prefix="a/") == ["a/1", "a/2"]
    assert names(recursive=True, start_after="a/1") == ["a/2", "b", "c/1"]
    assert names(recursive=True, use_api_v1=True) == ["a/1", "a/2", "b", "c/1"]


def test_many_objects_are_removed_at_once(minio, bucket):
    for number in range(12):
        put(minio, bucket, f"k{number:02}", b"x")
    assert list(minio.remove_objects(bucket, [DeleteObject(f"k{number:02}") for number in range(11)])) == []
    assert [found.object_name for found in minio.list_objects(bucket)] == ["k11"]


# --- large objects --------------------------------------------------------------------------------------------------


def test_parts_go_up_side_by_side_and_files_come_back(minio, bucket, tmp_path):
    path = tmp_path / "big.bin"
    path.write_bytes(os.urandom(18 * MIB + 1))
    made = minio.fput_object(bucket, "big", str(path), part_size=5 * MIB, num_parallel_uploads=3)
    assert made.etag.endswith("-4")
    minio.fget_object(bucket, "big", str(tmp_path / "back.bin"))
    assert (tmp_path / "back.bin").read_bytes() == path.read_bytes()


def test_a_stream_of_unknown_length_goes_up_in_parts(minio, bucket):
    body = os.urandom(11 * MIB)
    minio.put_object(bucket, "stream", io.BytesIO(body), -1, part_size=5 * MIB)
    assert read(minio, bucket, "stream") == body


def test_objects_are_composed_of_others_and_of_parts_of_them(minio, bucket):
    first, second = os.urandom(6 * MIB), os.urandom(7 * MIB)
    put(minio, bucket, "first", first)
    put(minio, bucket, "second", second)
    sources = [ComposeSource(bucket, "first"), ComposeSource(bucket, "second", offset=MIB, length=5 * MIB), ComposeSource(bucket, "first")]
    minio.compose_object(bucket, "whole", sources, metadata={"made": "of-three"})
    assert read(minio, bucket, "whole") == first + second[MIB : 6 * MIB] + first
    assert minio.stat_object(bucket, "whole").metadata["x-amz-meta-made"] == "of-three"


def test_objects_are_copied(minio, bucket):
    put(minio, bucket, "from", b"copied", metadata={"a": "1"})
    minio.copy_object(bucket, "kept", CopySource(bucket, "from"))
    minio.copy_object(bucket, "changed", CopySource(bucket, "from"), metadata={"b": "2"}, metadata_directive=REPLACE)
    assert read(minio, bucket, "kept") == read(minio, bucket, "changed") == b"copied"
    assert minio.stat_object(bucket, "kept").metadata["x-amz-meta-a"] == "1"
    assert "x-amz-meta-a" not in minio.stat_object(bucket, "changed").metadata
    stale = CopySource(bucket, "from", match_etag="0" * 32)
    assert refused(minio.copy_object, bucket, "never", stale) == "PreconditionFailed"


# --- URLs and forms for others --------------------------------------------------------------------------------------


def test_presigned_urls_put_and_get(minio, bucket, anybody):
    assert anybody.put(minio.presigned_put_object(bucket, "a b", SOON), content=b"signed").status_code == 200
    assert anybody.get(minio.presigned_get_object(bucket, "a b", SOON)).content == b"signed"
    shown = minio.presigned_get_object(bucket, "a b", SOON, response_headers={"response-content-type": "a/b"})
    assert anybody.get(shown).headers["content-type"] == "a/b"
    assert anybody.delete(minio.get_presigned_url("DELETE", bucket, "a b", SOON)).status_code == 204
    assert refused(minio.stat_object, bucket, "a b") == "NoSuchKey"


def test_a_form_with_its_policy_uploads(either_server, minio, bucket, anybody):
    policy = PostPolicy(bucket, datetime.datetime.now(datetime.timezone.utc) + SOON)
    policy.add_starts_with_condition("key", "up/")
    policy.add_content_length_range_condition(1, 10)
    fields = {**minio.presigned_post_policy(policy), "key": "up/f"}
    url = f"{either_server.url}/s3/{bucket}"
    assert anybody.post(url, data=fields, files={"file": ("f", b"form")}).status_code == 204
    assert anybody.post(url, data=fields, files={"file": ("f", b"x" * 11)}).status_code == 400
    assert read(minio, bucket, "up/f") == b"form"


# --- tags, versions, settings ---------------------------------------------------------------------------------------


def test_tags_of_objects_and_buckets_come_back_and_go(minio, bucket):
    tags = Tags.new_object_tags()
    tags["color"], tags["size or so"] = "red", "L +1"
    put(minio, bucket, "k", b"x", tags=tags)
    assert dict(minio.get_object_tags(bucket, "k")) == dict(tags)
    tags["color"] = "blue"
    minio.set_object_tags(bucket, "k", tags)
    assert minio.get_object_tags(bucket, "k")["color"] == "blue"
    minio.delete_object_tags(bucket, "k")
    assert not minio.get_object_tags(bucket, "k")
    of_bucket = Tags.new_bucket_tags()
    of_bucket["team"] = "a"
    minio.set_bucket_tags(bucket, of_bucket)
    assert dict(minio.get_bucket_tags(bucket)) == {"team": "a"}
    minio.delete_bucket_tags(bucket)
    assert minio.get_bucket_tags(bucket) is None


def test_versions_are_kept_listed_read_and_removed(minio, bucket):
    minio.set_bucket_versioning(bucket, VersioningConfig(ENABLED))
    assert minio.get_bucket_versioning(bucket).status == ENABLED
    first, second = (put(minio, bucket, "k", body).version_id for body in (b"1", b"2"))
    minio.remove_object(bucket, "k")
    assert refused(minio.get_object, bucket, "k") == "NoSuchKey"
    assert read(minio, bucket, "k", version_id=first) == b"1"
    listed = [(found.version_id, found.is_delete_marker) for found in minio.list_objects(bucket, include_version=True)]
    marker = next(version for version, is_marker in listed if is_marker)
    assert sorted(version for version, is_marker in listed if not is_marker) == sorted([first, second])
    minio.remove_object(bucket, "k", version_id=marker)
    assert read(minio, bucket, "k") == b"2"
    minio.copy_object(bucket, "k", CopySource(bucket, "k", version_id=first))
    assert read(minio, bucket, "k") == b"1"
    minio.set_bucket_versioning(bucket, VersioningConfig(SUSPENDED))
    assert minio.get_bucket_versioning(bucket).status == SUSPENDED


def test_lifecycle_rules_come_back(minio, bucket):
    rule = Rule(ENABLED, rule_filter=Filter(prefix="logs/"), rule_id="r", expiration=Expiration(days=3))
    minio.set_bucket_lifecycle(bucket, LifecycleConfig([rule]))
    (found,) = minio.get_bucket_lifecycle(bucket).rules
    assert (found.rule_id, found.rule_filter.prefix, found.expiration.days) == ("r", "logs/", 3)
    minio.delete_bucket_lifecycle(bucket)
    assert minio.get_bucket_lifecycle(bucket) is None


# --- who calls ------------------------------------------------------------------------------------------------------


def test_a_wrong_secret_is_refused(either_server, bucket):
    access, secret = s3.key_pair(either_server)
    wrong = minio_client(either_server, (access, secret + "x"))
    assert refused(wrong.get_object, bucket, "k") == "SignatureDoesNotMatch"
