# SPDX-License-Identifier: Apache-2.0
"""Moving here from a Supabase Storage: its rows and its files."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
import urllib.parse
import uuid

import pytest

from Support.peers import ACCESS_KEY, BUCKET, SECRET_KEY, Peer
from Support.server import BINARY, Server, clean_environment, temporary_directory, wait_until
from Support.supabase import Supabase, tags
from Support.wire import Wire

ALICE = "11111111-1111-4111-8111-111111111111"


@pytest.fixture
def source(cluster):
    directory = temporary_directory()
    yield Supabase(cluster, directory)
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def name() -> str:
    return f"b-{uuid.uuid4().hex[:12]}"


def run(server: Server, source: Supabase, *options: str, **more):
    return server.command("import", "supabase", "--database", source.url, "--files", str(source.directory), *options, **more)


def body_of(server: Server, bucket: str, key: str):
    return Wire(server.port, server.keys.service).get(f"/object/{bucket}/{urllib.parse.quote(key)}")


def row(server: Server, bucket: str, key: str) -> dict:
    name = key.replace("'", "''")
    return server.database.rows(
        "select id, version, owner, owner_id, metadata, user_metadata, created_at at time zone 'utc' as created_at, "
        f"updated_at at time zone 'utc' as updated_at from storage.objects where bucket_id = '{bucket}' and name = '{name}'"
    )[0]


def test_buckets_and_objects_are_as_they_were(server, source, name):
    source.bucket(
        name, public=True, file_size_limit=1 << 20, allowed_mime_types=["text/plain", "image/*"], owner=ALICE, owner_id=ALICE,
        created_at="2023-01-02T03:04:05Z", updated_at="2023-02-03T04:05:06Z",
    )  # fmt: skip
    large = os.urandom(3 << 20)
    bodies = {
        "a.txt": b"a", "dir/b c.txt": b"b", "Bär/日本 %20+&#?.txt": b"unicode", "100%.txt": b"%", "empty.txt": b"",
        "dir/large.bin": large, "it's.txt": b"quote", "a//b.txt": b"double",
    }  # fmt: skip
    versions = {}
    for key, body in bodies.items():
        versions[key] = source.put(
            name, key, body, owner=ALICE, owner_id=ALICE, user_metadata={"of": key}, created_at="2024-01-02T03:04:05.678901Z",
            updated_at="2024-03-04T05:06:07.000008Z", metadata=tags(body, "text/plain"),
        )  # fmt: skip
    before = source.everything()

    result = run(server, source)

    assert result.returncode == 0, result.stdout + result.stderr
    assert f"{len(bodies)} imported" in result.stdout and "0 failed" in result.stdout
    assert source.everything() == before, "nothing there is touched"
    for key, body in bodies.items():
        reply = body_of(server, name, key)
        assert (reply.status, reply.body == body) == (200, True), key
        found = row(server, name, key)
        assert found["version"] == versions[key] and found["owner_id"] == ALICE and found["owner"] == ALICE
        assert found["user_metadata"] == {"of": key} and found["metadata"] == tags(body)
        assert found["created_at"] == "2024-01-02T03:04:05.678901" and found["updated_at"] == "2024-03-04T05:06:07.000008"
    theirs = source.database.rows(f"select id, name from storage.objects where bucket_id = '{name}'")
    assert {found["name"]: found["id"] for found in theirs} == {key: row(server, name, key)["id"] for key in bodies}
    bucket = server.database.rows(f"select *, created_at at time zone 'utc' as made from storage.buckets where id = '{name}'")[0]
    assert bucket["public"] and bucket["file_size_limit"] == 1 << 20 and bucket["allowed_mime_types"] == ["text/plain", "image/*"]
    assert bucket["owner_id"] == ALICE and bucket["made"] == "2023-01-02T03:04:05"

    again = run(server, source)
    assert again.returncode == 0 and f"0 imported (0 B), {len(bodies)} here already" in again.stdout, again.stdout
    assert server.command("verify").returncode in (0, 1)
    assert name not in server.command("verify").stdout


def test_what_is_wrong_is_listed_and_the_rest_comes(server, source, name):
    source.bucket(name)
    source.put(name, "missing.txt", None, metadata=tags(b"x"))
    source.put(name, "short.txt", b"sho", metadata=tags(b"short"))
    source.put(name, "other.txt", b"other", metadata=tags(b"OTHER"))
    source.put(name, "../../etc/passwd", None)
    source.put(name, "good.txt", b"good")
    source.put(name, "parts.bin", b"parts", metadata={**tags(b"parts"), "eTag": '"0123456789abcdef0123456789abcdef-2"'})
    source.put(name, "null.txt", b"null", metadata=None)
    source.put(name, "odd.txt", b"odd", metadata={"size": "3"})
    source.put(name, "mtime.txt", b"mtime", metadata={**tags(b"mtime"), "eTag": '"18c9-5"'})

    result = run(server, source)

    assert result.returncode == 1, result.stdout + result.stderr
    assert "5 imported" in result.stdout and "4 failed" in result.stdout, result.stdout
    for key in ("missing.txt", "short.txt", "other.txt", "../../etc/passwd"):
        assert f"{name}/{key}: " in result.stderr, result.stderr
        assert server.database.value(f"select count(*) from storage.objects where bucket_id = '{name}' and name = '{key}'") == "0"
    assert body_of(server, name, "parts.bin").headers["ETag"] == '"0123456789abcdef0123456789abcdef-2"'
    assert row(server, name, "null.txt")["metadata"]["size"] == 4
    assert body_of(server, name, "odd.txt").body == b"odd"
    # What is mended there comes with the next run, and what came stays.
    source.write(f"{name}/missing.txt/" + row_there(source, name, "missing.txt"), b"x")
    again = run(server, source)
    assert "1 imported" in again.stdout and "5 here already, 3 failed" in again.stdout, again.stdout


def row_there(source: Supabase, bucket: str, key: str) -> str:
    return source.database.value(f"select version from storage.objects where bucket_id = '{bucket}' and name = '{key}'")


def test_tags_that_are_none_can_be_ignored(server, source, name):
    source.bucket(name)
    source.put(name, "kms.txt", b"kms", metadata=tags(b"KMS"))
    assert run(server, source).returncode == 1
    result = run(server, source, "--ignore-tags")
    assert result.returncode == 0 and body_of(server, name, "kms.txt").body == b"kms"


@pytest.mark.parametrize("base", ["", "tenant", "stub/tenant"])
def test_every_layout_is_found(server, cluster, name, base):
    directory = temporary_directory()
    try:
        source = Supabase(cluster, directory, base)
        source.bucket(name)
        source.put(name, "a.txt", b"slash")
        source.put(name, "dir/b.txt", b"separator", separator="-$v-")
        source.put(name, "old.txt", b"no version", version=None)
        (directory / "stub" / "another").mkdir(parents=True)

        result = run(server, source)

        assert result.returncode == 0, result.stdout + result.stderr
        assert body_of(server, name, "dir/b.txt").body == b"separator" and body_of(server, name, "old.txt").body == b"no version"
    finally:
        shutil.rmtree(directory)


def test_only_some_buckets_and_a_dry_run(server, source, name):
    source.bucket(name)
    source.bucket(name + "-2")
    source.put(name, "a.txt", b"a")
    source.put(name + "-2", "b.txt", b"b")
    source.put(name + "-2", "missing.txt", None)

    dry = run(server, source, "--dry-run")
    assert dry.returncode == 1 and "2 to be imported" in dry.stdout and "missing.txt" in dry.stderr, dry.stdout + dry.stderr
    assert server.database.value(f"select count(*) from storage.buckets where id like '{name}%'") == "0"

    assert run(server, source, "--bucket", name).returncode == 0
    assert server.database.value(f"select string_agg(id, ',') from storage.buckets where id like '{name}%'") == name
    unknown = run(server, source, "--bucket", "nothing")
    assert unknown.returncode == 1 and "nothing" in unknown.stderr and len(unknown.stderr.splitlines()) == 1


def test_another_object_here_is_kept_unless_told(server, source, name):
    source.bucket(name)
    source.put(name, "a.txt", b"theirs")
    assert run(server, source).returncode == 0
    wire = Wire(server.port, server.keys.service)
    assert wire.request("PUT", f"/object/{name}/a.txt", b"ours", headers={"Content-Type": "text/plain"}).status == 200

    kept = run(server, source)
    assert kept.returncode == 1 and "another object" in kept.stderr and body_of(server, name, "a.txt").body == b"ours"
    assert run(server, source, "--replace").returncode == 0
    assert body_of(server, name, "a.txt").body == b"theirs"


def test_a_moved_object_and_its_source_are_two(server, source, name):
    """The version of the one that moved is in use: the other gets one of its own, and neither loses its bytes."""
    source.bucket(name)
    source.put(name, "a.txt", b"body")
    assert run(server, source).returncode == 0
    wire = Wire(server.port, server.keys.service)
    moved = wire.send_json("POST", "/object/move", {"bucketId": name, "sourceKey": "a.txt", "destinationKey": "b.txt"})
    assert moved.status == 200
    assert run(server, source).returncode == 0
    assert body_of(server, name, "a.txt").body == body_of(server, name, "b.txt").body == b"body"
    assert row(server, name, "a.txt")["version"] != row(server, name, "b.txt")["version"]


def test_older_versions_of_supabase_lack_columns(server, source, name):
    source.bucket(name, owner=ALICE)
    source.put(name, "a.txt", b"a", owner=ALICE)
    source.database.run(
        "ALTER TABLE storage.objects DROP COLUMN owner_id, DROP COLUMN user_metadata, DROP COLUMN archived_at, "
        "DROP COLUMN is_delete_marker, DROP COLUMN is_versioned; ALTER TABLE storage.buckets DROP COLUMN owner_id, "
        "DROP COLUMN allowed_mime_types, DROP COLUMN file_size_limit, DROP COLUMN type CASCADE"
    )
    result = run(server, source)
    assert result.returncode == 0, result.stderr
    assert row(server, name, "a.txt")["owner_id"] == ALICE


def test_rows_hidden_by_policies_are_an_error(server, source, name, cluster):
    source.bucket(name)
    source.put(name, "a.txt", b"a")
    role = f"reader_{uuid.uuid4().hex[:8]}"
    source.database.run(
        f"CREATE ROLE {role} LOGIN PASSWORD 'secret'; GRANT USAGE ON SCHEMA storage TO {role}; "
        f"GRANT SELECT ON ALL TABLES IN SCHEMA storage TO {role}"
    )
    url = source.url.replace(f"owner:{cluster.password}", f"{role}:secret")
    result = server.command("import", "supabase", "--database", url, "--files", str(source.directory))
    assert result.returncode == 1 and "row-level security" in result.stderr, result.stderr
    assert "secret" not in result.stderr


def test_the_s3_bucket_of_a_supabase_storage(server, source, name):
    with Peer("moto") as peer:
        source.bucket(name)
        bodies = {"a.txt": b"a", "Bär %20.txt": os.urandom(300_000), "empty.txt": b""}
        for key, body in bodies.items():
            version = source.put(name, key, None, metadata=tags(body))
            peer.client.put_object(Bucket=BUCKET, Key=f"tenant/{name}/{key}/{version}", Body=body)
        before = peer.keys()
        arguments = (
            "import", "supabase", "--database", source.url, "--s3-endpoint", peer.url, "--s3-bucket", BUCKET, "--s3-access-key",
            ACCESS_KEY,
        )  # fmt: skip

        result = server.command(*arguments, given=SECRET_KEY)

        assert result.returncode == 0, result.stdout + result.stderr
        for key, body in bodies.items():
            assert body_of(server, name, key).body == body
        assert peer.keys() == before
        silent = server.command(*arguments)
        assert silent.returncode == 1 and "standard input" in silent.stderr


def test_a_kill_in_the_middle_loses_and_doubles_nothing(cluster, source, name):
    count = 400
    source.bucket(name)
    for number in range(count):
        source.put(name, f"{number}.bin", f"{number}".encode() * 5000)
    with Server() as server:
        command = [str(BINARY), "import", "supabase", "--database", source.url, "--files", str(source.directory)]
        for wanted in (20, 120, 220):
            process = subprocess.Popen(
                [*command, "--parallel", "2", "--data-dir", str(server.data)], env=clean_environment(server.settings),
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            assert wait_until(lambda: int(server.database.value("select count(*) from storage.objects")) >= wanted, 60)  # noqa: B023
            process.kill()
            process.wait()
        result = run(server, source)
        assert result.returncode == 0, result.stderr
        rows = server.database.rows(f"select name, version from storage.objects where bucket_id = '{name}'")
        assert len(rows) == count
        for number in range(0, count, 37):
            assert body_of(server, name, f"{number}.bin").body == f"{number}".encode() * 5000


def test_an_import_needs_no_server(cluster, source, name):
    source.bucket(name)
    source.put(name, "a.txt", b"alone")
    server = Server()
    try:
        result = run(server, source)
        assert result.returncode == 0, result.stderr
        begin = time.monotonic()
        server.start()
        assert body_of(server, name, "a.txt").body == b"alone" and time.monotonic() - begin < 60
    finally:
        server.close()


def test_assets_of_a_project_follow(server, source, name):
    """A bucket that is a project's here gets its assets with the objects."""
    made = server.command("project", "create", name)
    assert made.returncode == 0, made.stderr
    source.bucket(name, public=False)
    source.put(name, "dir/a.txt", b"a")
    result = run(server, source)
    assert result.returncode == 0 and "here already" in result.stderr
    assert server.database.value(f"select file_name from magpie.assets where bucket_id = '{name}'") == "a.txt"
