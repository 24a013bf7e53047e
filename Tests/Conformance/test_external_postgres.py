# SPDX-License-Identifier: Apache-2.0
"""A server on an external PostgreSQL: migration, adoption, row-level security and a database that goes away."""

from __future__ import annotations

import subprocess
import uuid

import pytest
from storage3 import SyncStorageClient
from Support.server import BINARY, Server, clean_environment, embedded_processes, wait_until
from Support.tokens import new_subject, token
from Support.wire import OBJECT_NOT_FOUND, Wire, refused


def migrate(url: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(BINARY), "migrate"],
        env=clean_environment({"MAGPIE_DATABASE_URL": url, **settings}),
        capture_output=True,
        text=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
        check=False,
    )


@pytest.fixture(scope="module")
def external(cluster):
    """A server on a database of the test cluster, with that database."""
    database, url = cluster.create()
    result = migrate(url)
    assert result.returncode == 0, result.stdout + result.stderr
    with Server({"MAGPIE_DATABASE_URL": url}) as running:
        yield running, database


def test_migrate_can_be_run_again_and_rewrites_nothing(cluster):
    database, url = cluster.create()
    assert migrate(url).returncode == 0
    snapshot = "select json_agg(m order by id) from storage.migrations m"
    before = database.value(snapshot)
    database.run("insert into storage.buckets (id, name) values ('kept', 'kept')")
    again = migrate(url)
    assert again.returncode == 0, again.stderr
    assert database.value(snapshot) == before
    assert database.value("select count(*) from storage.buckets") == "1"


def test_migrate_by_several_nodes_at_once_ends_well(cluster):
    database, url = cluster.create()
    processes = [
        subprocess.Popen(
            [str(BINARY), "migrate"],
            env=clean_environment({"MAGPIE_DATABASE_URL": url}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
        )
        for _ in range(3)
    ]
    outputs = [process.communicate(timeout=120)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], outputs
    assert database.value("select count(*) from storage.buckets") == "0"


def test_migrate_keeps_the_auth_helpers_that_are_there(cluster):
    database, url = cluster.create()
    database.run(
        "create schema auth; create function auth.uid() returns uuid language sql stable as $$ select '00000000-0000-4000-8000-000000000007'::uuid $$"
    )
    assert migrate(url).returncode == 0
    assert database.value("select auth.uid()") == "00000000-0000-4000-8000-000000000007"


def test_migrate_says_when_the_database_can_not_be_reached_and_hides_the_password(cluster):
    result = migrate("postgresql://owner:very-secret@127.0.0.1:1/nothing")
    assert result.returncode != 0
    assert (result.stdout + result.stderr).strip() != "" and "very-secret" not in result.stdout + result.stderr


def test_no_private_postgres_runs_and_no_password_is_logged(external, cluster):
    server, _ = external
    assert embedded_processes(server.data) == []
    assert cluster.password not in server.log()


def test_storage3_works_on_it(external):
    server, _ = external
    client = SyncStorageClient(f"{server.url}/storage/v1/", {"Authorization": f"Bearer {server.keys.service}"})
    name = f"b-{uuid.uuid4().hex[:8]}"
    client.create_bucket(name)
    files = client.from_(name)
    files.upload("dir/a.txt", b"external")
    assert files.download("dir/a.txt") == b"external"
    assert [entry["name"] for entry in files.list("dir")] == ["a.txt"]
    files.remove(["dir/a.txt"])
    client.delete_bucket(name)
    client.session.close()


def test_owners_see_only_what_is_theirs(external):
    server, database = external
    name = f"b-{uuid.uuid4().hex[:8]}"
    Wire(server.port, server.keys.service).send_json("POST", "/bucket", {"name": name})
    alice, bob = (Wire(server.port, token(server.keys.jwt_secret, subject=new_subject())) for _ in range(2))
    own = f"bucket_id = '{name}' and owner_id = auth.uid()::text"
    with database.policies(f"on storage.objects for all to authenticated using ({own}) with check ({own})"):
        assert alice.post(f"/object/{name}/a", b"hers").status == 200
        assert alice.get(f"/object/{name}/a").body == b"hers"
        assert bob.get(f"/object/{name}/a").text == OBJECT_NOT_FOUND
        assert bob.delete(f"/object/{name}/a").text in (
            refused("DELETE", message="Access denied"),
            refused("SELECT", message="Access denied"),
        )
        assert bob.send_json("POST", f"/object/list/{name}", {"prefix": ""}).text == "[]"


def test_lost_connections_are_replaced(external):
    server, database = external
    wire = Wire(server.port, server.keys.service)
    assert wire.get("/bucket").status == 200
    for _ in range(3):
        database.run(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
        )
        assert wait_until(lambda: wire.get("/bucket").status == 200, 10)
    assert wait_until(lambda: wire.get("/bucket").status == 200 and server.is_ready(), 10)


def test_a_change_by_plain_sql_is_seen_after_the_listening_connection_was_lost(external):
    server, database = external
    name = f"b-{uuid.uuid4().hex[:8]}"
    wire = Wire(server.port, server.keys.service)
    wire.send_json("POST", "/bucket", {"name": name, "public": True})
    wire.post(f"/object/{name}/a", b"open")
    assert Wire(server.port).get(f"/object/public/{name}/a").status == 200
    database.run(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
    )
    database.run(f"update storage.buckets set public = false where id = '{name}'")
    assert wait_until(lambda: Wire(server.port).get(f"/object/public/{name}/a").status == 400, 5)


def test_a_slow_statement_is_ended_and_its_connection_comes_back(external):
    server, database = external
    name = f"b-{uuid.uuid4().hex[:8]}"
    wire = Wire(server.port, server.keys.service)
    wire.send_json("POST", "/bucket", {"name": name})
    wire.post(f"/object/{name}/a", b"x")
    user = Wire(server.port, token(server.keys.jwt_secret, subject=new_subject()))
    with database.policies(
        f"on storage.objects for select to authenticated using (bucket_id = '{name}' and pg_sleep(1) is not null)"
    ):
        assert user.get(f"/object/{name}/a").status in (200, 400)
    for _ in range(20):
        assert wire.get("/bucket?limit=1").status == 200
