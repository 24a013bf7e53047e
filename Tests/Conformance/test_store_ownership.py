# SPDX-License-Identifier: Apache-2.0
"""A store is never opened with a database that is not its own: what a database does not know would be removed as left over."""

from __future__ import annotations

import json

import pytest
from Support.server import Server
from Support.wire import Wire


def fill(server: Server) -> None:
    admin = Wire(server.port, server.keys.service)
    assert admin.send_json("POST", "/bucket", {"name": "kept", "public": True}).status == 200
    assert admin.post("/object/kept/a", b"kept").status == 200


def is_kept(server: Server) -> bool:
    return Wire(server.port).get("/object/public/kept/a").body == b"kept"


def refusal(server: Server) -> str:
    with pytest.raises(RuntimeError) as caught:
        server.start()
    return str(caught.value)


def marker(server: Server) -> dict:
    return json.loads((server.data / "store" / "store.json").read_text())


def test_an_empty_database_is_refused_and_nothing_is_removed(cluster):
    with Server() as server:
        fill(server)
        server.stop()
        _, url = cluster.create()
        wrong = Server({"MAGPIE_DATABASE_URL": url}, home=server.home)
        assert "belongs to another database" in refusal(wrong)
        assert wrong.command("verify", "--repair").returncode != 0

        server.start()
        assert is_kept(server)


def test_a_forgotten_database_url_is_refused_and_nothing_is_removed(cluster):
    _, url = cluster.create()
    with Server({"MAGPIE_DATABASE_URL": url}) as server:
        fill(server)
        server.stop()
        forgetful = Server(home=server.home)
        assert "belongs to another database" in refusal(forgetful)
        assert forgetful.command("verify", "--repair").returncode != 0

        server.start()
        assert is_kept(server)


def test_two_servers_with_a_database_and_no_common_store_are_refused(cluster):
    _, url = cluster.create()
    with Server({"MAGPIE_DATABASE_URL": url}) as first:
        fill(first)
        second = Server({"MAGPIE_DATABASE_URL": url})
        try:
            (second.data / "store").mkdir(parents=True)
            assert "another store" in refusal(second) or "is missing" in refusal(second) or "store.json" in refusal(second)
        finally:
            second.close()
        assert is_kept(first)


def test_a_restored_database_is_taken_when_the_operator_says_so(cluster):
    database, url = cluster.create()
    with Server({"MAGPIE_DATABASE_URL": url}) as server:
        fill(server)
        server.stop()
        database.run("delete from magpie.backends")
        assert "magpie migrate --adopt-store" in refusal(server)

        adopted = server.command("migrate", "--adopt-store")
        assert adopted.returncode == 0, adopted.stdout + adopted.stderr
        server.start()
        assert is_kept(server)


def test_a_store_from_before_the_tie_is_known_by_what_it_holds(cluster):
    database, url = cluster.create()
    with Server({"MAGPIE_DATABASE_URL": url}) as server:
        fill(server)
        server.stop()
        database.run("delete from magpie.backends")
        path = server.data / "store" / "store.json"
        path.write_text(json.dumps({key: value for key, value in marker(server).items() if key != "database"}))

        server.start()
        assert is_kept(server)
        assert marker(server)["database"] == database.value("select database from magpie.backends where id = 'managed'")
