# SPDX-License-Identifier: Apache-2.0
"""One store behind all dialects: every client reads what every other stored, and row-level security binds a user in each."""

from __future__ import annotations

import functools
import os
import pathlib
import urllib.parse

import pytest

from Support.dialects import CLIENTS, S3_CLIENTS, Caller, Client
from Support.tokens import new_subject
from Support.tools import contents
from Support.wire import Wire

MIB = 1 << 20
READERS = [client for client in CLIENTS if client.reads]
# What the clients make of 403 and of 404; their words differ, and rclone ends with 9 when it transferred nothing.
FORBIDDEN = r"(?i)AccessDenied|Access Denied|\b403\b|row-level security"
NOT_FOUND = r"(?i)NoSuchKey|\b404\b|not found|not_found|does not exist|rclone ended with 9"


def named(client: type[Client]) -> str:
    return client.name


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> pathlib.Path:
    """Files of many sizes, one of them sent in parts by those who do so, with names that all dialects take."""
    root = tmp_path_factory.mktemp("files")
    for name, size in {"empty": 0, "small.txt": 5, "dir/a b+c (1).bin": 70_000, "dir/sub/x=y&z@$.bin": 300, "big.bin": 16 * MIB + 1}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(size))
    return root


@pytest.fixture(scope="module")
def shelf(server) -> str:
    """A bucket for all clients of this module."""
    assert Wire(server.port, server.keys.service).send_json("POST", "/bucket", {"name": "shelf"}).status == 200
    return "shelf"


@pytest.fixture(scope="module")
def stored_by(server, shelf, files, tmp_path_factory):
    """Lets a client store the files below its name, once. Returns what the bucket must then hold of it."""

    @functools.cache
    def store(client: type[Client]) -> dict[str, bytes]:
        client(Caller.service(server), tmp_path_factory.mktemp(client.name)).store(shelf, client.name, files)
        return {f"{client.name}/{name}": body for name, body in contents(files).items()}

    return store


# --- one store ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("client", CLIENTS, ids=named)
def test_what_a_client_stores_is_read_through_rest(admin, shelf, stored_by, client):
    for key, body in stored_by(client).items():
        reply = admin.get(f"/object/{shelf}/{urllib.parse.quote(key)}")
        assert (reply.status, key, reply.body == body) == (200, key, True)
        assert admin.get(f"/object/info/{shelf}/{urllib.parse.quote(key)}").json()["size"] == len(body)


@pytest.mark.parametrize("client", READERS, ids=named)
def test_a_client_reads_what_every_client_stored(server, shelf, stored_by, tmp_path, client):
    wanted: dict[str, bytes] = {}
    for writer in CLIENTS:
        wanted |= stored_by(writer)
    found = client(Caller.service(server), tmp_path).fetch(shelf)
    assert sorted(found) == sorted(wanted)
    assert [key for key in wanted if found[key] != wanted[key]] == []


@pytest.mark.parametrize("client", [client for client in CLIENTS if client.takes_any_key], ids=named)
def test_a_key_that_rest_would_not_make_is_read_through_rest(server, admin, bucket, tmp_path, client):
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "ü #1 é.bin").write_bytes(b"named")
    client(Caller.service(server), tmp_path).store(bucket, "日本", folder)
    reply = admin.get(f"/object/{bucket}/" + urllib.parse.quote("日本/ü #1 é.bin"))
    assert (reply.status, reply.body) == (200, b"named")


@pytest.mark.parametrize("client", READERS, ids=named)
def test_a_client_reads_what_rest_replaced_and_misses_what_rest_deleted(server, admin, bucket, put, tmp_path, client):
    reader = client(Caller.service(server), tmp_path)
    put(bucket, "k", b"first")
    put(bucket, "gone", b"x")
    assert reader.fetch(bucket) == {"k": b"first", "gone": b"x"}
    assert admin.put(f"/object/{bucket}/k", b"second and longer").status == 200
    assert admin.delete(f"/object/{bucket}/gone").status == 200
    assert reader.fetch(bucket) == {"k": b"second and longer"}
    with pytest.raises(client.refusals, match=NOT_FOUND):
        reader.fetch_one(bucket, "gone")


# --- row-level security ---------------------------------------------------------------------------------------------


@pytest.fixture
def own_files(database, bucket):
    """A private bucket in which everyone may do everything with what is theirs."""
    own = f"bucket_id = '{bucket}' and owner_id = (auth.jwt() ->> 'sub')"
    with database.policies(f"on storage.objects for all to authenticated using ({own}) with check ({own})"):
        yield bucket


FORMS = {"session": Caller.user_by_session, "key": Caller.user_by_key}
USERS = [pytest.param(client, form, id=f"{client.name}-{form}") for client in S3_CLIENTS for form in FORMS]
USERS += [pytest.param(client, "session", id=client.name) for client in CLIENTS if client not in S3_CLIENTS]


@pytest.mark.parametrize(("client", "form"), USERS)
def test_a_user_stores_and_reads_what_is_theirs_and_nothing_else(server, database, admin, own_files, put, tmp_path, client, form):
    bucket, subject = own_files, new_subject()
    put(bucket, "of-service.txt", b"secret")
    stranger = Wire(server.port, Caller.user_by_session(server, new_subject()).bearer)
    assert stranger.post(f"/object/{bucket}/of-stranger.txt", b"private").status == 200
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "mine.bin").write_bytes(b"mine")
    caller = FORMS[form](server, subject)
    user = client(caller, tmp_path)

    user.store(bucket, "up", folder)

    assert database.value(f"select owner_id from storage.objects where bucket_id = '{bucket}' and name = 'up/mine.bin'") == subject
    assert Wire(server.port, caller.bearer).get(f"/object/{bucket}/up/mine.bin").body == b"mine"
    assert stranger.get(f"/object/{bucket}/up/mine.bin").status == 400
    if client.reads:
        assert user.fetch(bucket) == {"up/mine.bin": b"mine"}
        for key in ("of-service.txt", "of-stranger.txt"):
            with pytest.raises(client.refusals, match=NOT_FOUND):
                user.fetch_one(bucket, key)
    assert len(admin.send_json("POST", f"/object/list-v2/{bucket}", {}).json()["objects"]) == 3


@pytest.mark.parametrize(("client", "form"), USERS)
def test_a_user_whom_no_policy_lets_write_stores_nothing(server, admin, bucket, tmp_path, client, form):
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "small.bin").write_bytes(b"x")
    with pytest.raises(client.refusals, match=FORBIDDEN):
        client(FORMS[form](server, new_subject()), tmp_path).store(bucket, "up", folder)
    assert admin.send_json("POST", f"/object/list-v2/{bucket}", {}).json()["objects"] == []
