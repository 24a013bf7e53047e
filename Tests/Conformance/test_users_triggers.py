# SPDX-License-Identifier: Apache-2.0
"""Triggers of users on the tables of storage, and what the server has in memory of the rows they change."""

from __future__ import annotations

import uuid

import pytest

from Support.server import wait_until


@pytest.fixture
def trigger(database):
    """Makes a trigger for the uploads to one bucket, and takes it away again."""
    name = f"users_{uuid.uuid4().hex[:12]}"

    def make(bucket: str, body: str) -> None:
        database.run(
            f"create function public.{name}() returns trigger language plpgsql as $$ begin {body} return null; end $$;"
            f"create trigger {name} after insert on storage.objects for each row "
            f"when (new.bucket_id = '{bucket}') execute function public.{name}()"
        )

    yield make
    database.run(f"drop function if exists public.{name}() cascade")


def read_twice(anyone, target: str) -> None:
    """So that the second answer comes from memory."""
    for _ in range(2):
        assert anyone.get(target).body == b"old"


def test_an_object_that_a_trigger_deletes_is_gone(put, anyone, public_bucket, trigger):
    put(public_bucket, "avatar-old.txt", b"old")
    read_twice(anyone, f"/object/public/{public_bucket}/avatar-old.txt")
    trigger(public_bucket, f"delete from storage.objects where bucket_id = '{public_bucket}' and name = 'avatar-old.txt';")

    put(public_bucket, "avatar.txt", b"new")

    assert wait_until(lambda: anyone.get(f"/object/public/{public_bucket}/avatar-old.txt").status == 400, 10)


def test_a_bucket_that_a_trigger_makes_private_is_closed(put, anyone, public_bucket, trigger):
    put(public_bucket, "a.txt", b"old")
    read_twice(anyone, f"/object/public/{public_bucket}/a.txt")
    trigger(public_bucket, f"update storage.buckets set public = false where id = '{public_bucket}';")

    put(public_bucket, "b.txt", b"new")

    assert wait_until(lambda: anyone.get(f"/object/public/{public_bucket}/a.txt").status == 400, 10)
