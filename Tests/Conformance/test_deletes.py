# SPDX-License-Identifier: Apache-2.0
"""Deletes: each test's name is a line of the checklist."""

from __future__ import annotations

import pytest
from Support.server import wait_until
from Support.wire import OBJECT_NOT_FOUND, refused


def test_a_single_delete_then_get_is_not_found(admin, bucket, put):
    put(bucket, "a")
    reply = admin.delete(f"/object/{bucket}/a")
    assert (reply.status, reply.text) == (200, '{"message":"Successfully deleted"}')
    assert admin.get(f"/object/{bucket}/a").text == OBJECT_NOT_FOUND


def test_a_bulk_delete_returns_one_row_for_each_key(admin, bucket, put):
    for key in ("a", "dir/b"):
        put(bucket, key)
    rows = admin.send_json("DELETE", f"/object/{bucket}", {"prefixes": ["a", "dir/b", "missing"]}).json()
    assert sorted(row["name"] for row in rows) == ["a", "dir/b"]
    assert set(rows[0]) == {
        "name",
        "bucket_id",
        "owner",
        "owner_id",
        "version",
        "id",
        "updated_at",
        "created_at",
        "last_accessed_at",
        "metadata",
        "user_metadata",
    }
    assert (rows[0]["owner"], rows[0]["owner_id"]) == ("", "")


def test_a_folder_name_deletes_nothing(admin, bucket, put):
    put(bucket, "dir/a")
    assert admin.send_json("DELETE", f"/object/{bucket}", {"prefixes": ["dir", "dir/", "dir/%"]}).text == "[]"
    assert admin.get(f"/object/{bucket}/dir/a").status == 200


def test_a_single_delete_by_anon_or_of_something_unknown_is_400(admin, anon, bucket, put):
    put(bucket, "a")
    denied = anon.delete(f"/object/{bucket}/a")
    assert (denied.status, denied.text) == (400, refused("DELETE", "anon", message="Access denied"))
    assert admin.delete(f"/object/{bucket}/missing").text == OBJECT_NOT_FOUND
    assert admin.delete("/object/no-such-bucket/a").status == 400
    assert admin.get(f"/object/{bucket}/a").status == 200


@pytest.mark.parametrize("count", [1000, 1001])
def test_a_thousand_keys_and_one_more_are_deleted_in_one_call(admin, bucket, database, count):
    database.run(f"insert into storage.objects (bucket_id, name) select '{bucket}', 'k' || n from generate_series(1, {count}) n")
    rows = admin.send_json("DELETE", f"/object/{bucket}", {"prefixes": [f"k{number}" for number in range(1, count + 1)]}).json()
    assert len(rows) == count
    assert database.value(f"select count(*) from storage.objects where bucket_id = '{bucket}'") == "0"


def test_a_bulk_delete_by_anon_or_of_something_unknown_is_an_empty_list(admin, anon, bucket, put):
    put(bucket, "a")
    for reply in (
        anon.send_json("DELETE", f"/object/{bucket}", {"prefixes": ["a"]}),
        admin.send_json("DELETE", "/object/no-such-bucket", {"prefixes": ["a"]}),
        admin.send_json("DELETE", f"/object/{bucket}", {"prefixes": ["missing"]}),
    ):
        assert (reply.status, reply.text) == (200, "[]")


def test_mixed_permissions_delete_only_what_is_allowed(user, admin, bucket, put, database):
    for key in ("mine/a", "theirs/b"):
        put(bucket, key)
    with database.policies(f"on storage.objects for all to authenticated using (bucket_id = '{bucket}' and name like 'mine/%')"):
        rows = user.send_json("DELETE", f"/object/{bucket}", {"prefixes": ["mine/a", "theirs/b"]}).json()
    assert [row["name"] for row in rows] == ["mine/a"]
    assert admin.get(f"/object/{bucket}/theirs/b").status == 200


@pytest.mark.parametrize("body", [{}, {"prefixes": []}, {"prefixes": "a"}, {"prefixes": [1, {}]}])
def test_a_bulk_delete_without_keys_is_400_and_names_the_field(admin, bucket, body):
    reply = admin.send_json("DELETE", f"/object/{bucket}", body)
    assert (reply.status, "prefixes" in reply.json()["message"]) == (400, True)


def test_the_bytes_of_deleted_objects_go_away(server, admin, bucket, put):
    before = len(server.blobs())
    for number in range(5):
        put(bucket, f"{number}", b"x" * 100)
    assert len(server.blobs()) >= before + 5
    admin.delete(f"/object/{bucket}/0")
    admin.send_json("DELETE", f"/object/{bucket}", {"prefixes": ["1", "2"]})
    admin.post(f"/bucket/{bucket}/empty")
    assert wait_until(lambda: len(server.blobs()) <= before, 20)
