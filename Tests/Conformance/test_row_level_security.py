# SPDX-License-Identifier: Apache-2.0
"""Row-level security through every route: real policies, real tokens."""

from __future__ import annotations

import base64
import contextlib
import pathlib
import socket
import urllib.parse
import uuid

import pytest
from Support.server import wait_until
from Support.tokens import new_subject, token
from Support.wire import BUCKET_NOT_FOUND, DUPLICATE_KEY, OBJECT_NOT_FOUND, Wire, form, refused

DENIED = {"message": "Access denied"}


class Person:
    """A signed-in user."""

    def __init__(self, server):
        self.subject = new_subject()
        self.wire = Wire(server.port, token(server.keys.jwt_secret, subject=self.subject, email=f"{self.subject}@example.org"))


@pytest.fixture
def alice(server) -> Person:
    return Person(server)


@pytest.fixture
def bob(server) -> Person:
    return Person(server)


@pytest.fixture
def owned(database, bucket):
    """A private bucket in which everyone may do everything with what is theirs."""
    own = f"bucket_id = '{bucket}' and owner_id = auth.uid()::text"
    with database.policies(f"on storage.objects for all to authenticated using ({own}) with check ({own})"):
        yield bucket


@pytest.fixture
def hers(owned, alice) -> str:
    """An object that belongs to Alice."""
    reply = alice.wire.post(f"/object/{owned}/dir/hers.txt", b"hers", headers={"Content-Type": "text/plain"})
    assert reply.status == 200, reply.text
    return "dir/hers.txt"


# --- owner_id = auth.uid()::text: a user sees only what is theirs, through every route -----------------------------------------


def test_the_owner_can_do_everything_with_it(anyone, owned, alice, hers):
    wire, path = alice.wire, f"{owned}/{hers}"
    assert wire.get(f"/object/{path}").body == wire.get(f"/object/authenticated/{path}").body == b"hers"
    assert wire.head(f"/object/{path}").status == wire.head(f"/object/info/{path}").status == 200
    assert wire.get(f"/object/info/{path}").json()["size"] == 4
    assert [row["name"] for row in wire.send_json("POST", f"/object/list/{owned}", {"prefix": "dir"}).json()] == ["hers.txt"]
    assert [row["name"] for row in wire.send_json("POST", f"/object/list-v2/{owned}", {}).json()["objects"]] == [hers]
    assert anyone.get(wire.send_json("POST", f"/object/sign/{path}", {"expiresIn": 60}).json()["signedURL"]).body == b"hers"
    assert wire.send_json("POST", f"/object/sign/{owned}", {"expiresIn": 60, "paths": [hers]}).json()[0]["error"] is None
    assert wire.put(f"/object/{path}", b"more").status == 200
    content, headers = form({}, b"formed")
    assert wire.post(f"/object/{path}", content, headers={**headers, "x-upsert": "true"}).status == 200
    signed = wire.post(f"/object/upload/sign/{path}", headers={"x-upsert": "true"}).json()["url"]
    assert anyone.put(signed, b"signed").status == 200
    fields = {"bucketId": owned, "sourceKey": hers}
    assert wire.send_json("POST", "/object/copy", {**fields, "destinationKey": "copy"}).status == 200
    assert wire.send_json("POST", "/object/move", {**fields, "destinationKey": "moved"}).status == 200
    assert wire.delete(f"/object/{owned}/moved").status == 200
    assert len(wire.send_json("DELETE", f"/object/{owned}", {"prefixes": ["copy"]}).json()) == 1


def test_another_user_can_not_read_it_by_any_route(owned, bob, hers):
    wire, path = bob.wire, f"{owned}/{hers}"
    for route in ("/object/", "/object/authenticated/", "/object/info/", "/object/info/authenticated/"):
        reply = wire.get(route + path)
        assert (reply.status, reply.text) == (400, OBJECT_NOT_FOUND)
        head = wire.head(route + path)
        assert (head.status, head.body) == (400, b"")
    for route in ("/object/public/", "/object/info/public/"):
        assert wire.get(route + path).text == BUCKET_NOT_FOUND
    for headers in ({"Range": "bytes=0-1"}, {"If-None-Match": "*"}):
        assert wire.get(f"/object/{path}", headers=headers).text == OBJECT_NOT_FOUND


def test_another_user_does_not_see_it_in_a_list(owned, bob, hers):
    assert bob.wire.send_json("POST", f"/object/list/{owned}", {"prefix": ""}).text == "[]"
    assert bob.wire.send_json("POST", f"/object/list/{owned}", {"prefix": "dir", "sortBy": {"column": "created_at"}}).text == "[]"
    assert bob.wire.send_json("POST", f"/object/list-v2/{owned}", {}).json() == {"hasNext": False, "folders": [], "objects": []}
    assert bob.wire.send_json("POST", f"/object/list-v2/{owned}", {"with_delimiter": True}).json()["folders"] == []


def test_another_user_can_not_sign_it(owned, bob, hers):
    assert bob.wire.send_json("POST", f"/object/sign/{owned}/{hers}", {"expiresIn": 60}).text == OBJECT_NOT_FOUND
    item = bob.wire.send_json("POST", f"/object/sign/{owned}", {"expiresIn": 60, "paths": [hers]}).json()[0]
    assert (item["signedURL"], item["error"]) == (None, "Either the object does not exist or you do not have access to it")


def test_another_user_can_not_replace_it(owned, admin, bob, hers):
    content, form_headers = form({}, b"his")
    for reply in (
        bob.wire.put(f"/object/{owned}/{hers}", b"his"),
        bob.wire.post(f"/object/{owned}/{hers}", b"his", headers={"x-upsert": "true"}),
        bob.wire.put(f"/object/{owned}/{hers}", content, headers=form_headers),
        bob.wire.post(f"/object/upload/sign/{owned}/{hers}", headers={"x-upsert": "true"}),
    ):
        assert (reply.status, reply.json()["statusCode"]) == (400, "403")
    assert bob.wire.post(f"/object/{owned}/{hers}", b"his").text == DUPLICATE_KEY
    assert admin.get(f"/object/{owned}/{hers}").body == b"hers"


def test_another_user_can_not_delete_copy_or_move_it(owned, admin, bob, hers):
    fields = {"bucketId": owned, "sourceKey": hers, "destinationKey": "his.txt"}
    assert bob.wire.delete(f"/object/{owned}/{hers}").text in (refused("DELETE", **DENIED), refused("SELECT", **DENIED))
    assert bob.wire.send_json("DELETE", f"/object/{owned}", {"prefixes": [hers]}).text == "[]"
    assert bob.wire.send_json("POST", "/object/copy", fields).text == OBJECT_NOT_FOUND
    assert bob.wire.send_json("POST", "/object/move", fields).text == OBJECT_NOT_FOUND
    assert admin.get(f"/object/{owned}/{hers}").body == b"hers"


def test_anon_can_do_nothing_with_it(owned, anon, hers):
    assert anon.get(f"/object/{owned}/{hers}").text == OBJECT_NOT_FOUND
    assert anon.post(f"/object/{owned}/x", b"x").text == refused("INSERT", "anon")
    assert anon.delete(f"/object/{owned}/{hers}").text == refused("DELETE", "anon", **DENIED)
    assert anon.send_json("POST", f"/object/list/{owned}", {"prefix": ""}).text == "[]"


def test_a_subject_can_not_be_put_on_by_a_header(owned, bob, alice, hers):
    reply = bob.wire.get(
        f"/object/{owned}/{hers}",
        headers={
            "request.jwt.claim.sub": alice.subject,
            "x-sub": alice.subject,
            "role": "service_role",
            "x-role": "service_role",
        },
    )
    assert reply.text == OBJECT_NOT_FOUND


def test_one_connections_identity_does_not_leak_into_the_next_request(server, owned, alice, bob, anon, hers):
    import threading

    wrong = []

    def read(wire: Wire, may: bool) -> None:
        for _ in range(40):
            if (wire.get(f"/object/{owned}/{hers}").status == 200) is not may:
                wrong.append(may)

    threads = [
        threading.Thread(target=read, args=(wire, may))
        for wire, may in ((alice.wire, True), (bob.wire, False), (anon, False))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_cached_body_is_not_served_to_someone_the_policies_refuse(owned, alice, bob, hers):
    for _ in range(5):
        assert alice.wire.get(f"/object/{owned}/{hers}").status == 200
        assert bob.wire.get(f"/object/{owned}/{hers}").text == OBJECT_NOT_FOUND


def test_a_policy_dropped_by_plain_sql_closes_at_once(bucket, database, user, put):
    put(bucket, "a", b"x")
    with database.policies(f"on storage.objects for select to authenticated using (bucket_id = '{bucket}')"):
        for _ in range(3):
            assert user.get(f"/object/{bucket}/a").status == 200
    assert user.get(f"/object/{bucket}/a").text == OBJECT_NOT_FOUND


def test_the_owner_moves_with_the_mover(bucket, database, alice, bob):
    both = f"on storage.objects for all to authenticated using (bucket_id = '{bucket}')"
    with database.policies(both):
        alice.wire.post(f"/object/{bucket}/a", b"x")
        bob.wire.send_json("POST", "/object/move", {"bucketId": bucket, "sourceKey": "a", "destinationKey": "b"})
    assert database.value(f"select owner_id from storage.objects where bucket_id = '{bucket}'") == bob.subject


# --- the measured matrix: which commands each call needs ------------------------------------------------------------------------

CALLS = ("insert new", "insert existing", "upsert new", "upsert existing", "move", "delete")
OK, NO_INSERT, NO_SELECT, NO_UPDATE = "ok", "INSERT", "SELECT", "UPDATE"
MATRIX = {
    "": (NO_INSERT, NO_INSERT, NO_INSERT, NO_INSERT, "not found", "DELETE"),
    "I": (OK, "duplicate", NO_SELECT, NO_SELECT, "not found", "DELETE"),
    "IS": (OK, "duplicate", OK, NO_UPDATE, "not found", "DELETE"),
    "IU": (OK, "duplicate", NO_SELECT, NO_SELECT, "not found", "DELETE"),
    "ISU": (OK, "duplicate", OK, OK, OK, "DELETE"),
    "SU": (NO_INSERT, NO_INSERT, NO_INSERT, NO_INSERT, OK, "DELETE"),
    "U": (NO_INSERT, NO_INSERT, NO_INSERT, NO_INSERT, "not found", "DELETE"),
    "D": (NO_INSERT, NO_INSERT, NO_INSERT, NO_INSERT, "not found", "DELETE or SELECT"),
    "DS": (NO_INSERT, NO_INSERT, NO_INSERT, NO_INSERT, "not found", OK),
}


@contextlib.contextmanager
def granted(database, letters: str, scope: str, table: str = "storage.objects"):
    """Policies for the commands that `letters` name: I, S, U, D."""
    commands = {
        "I": f"for insert to authenticated with check ({scope})",
        "S": f"for select to authenticated using ({scope})",
        "U": f"for update to authenticated using ({scope})",
        "D": f"for delete to authenticated using ({scope})",
    }
    with database.policies(*(f"on {table} {commands[letter]}" for letter in letters)):
        yield


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("letters", MATRIX, ids=lambda letters: letters or "none")
def test_the_policy_matrix(user, bucket, database, put, letters, call):
    put(bucket, "old", b"old")
    with granted(database, letters, f"bucket_id = '{bucket}'"):
        reply = {
            "insert new": lambda: user.post(f"/object/{bucket}/new", b"x"),
            "insert existing": lambda: user.post(f"/object/{bucket}/old", b"x"),
            "upsert new": lambda: user.put(f"/object/{bucket}/new", b"x"),
            "upsert existing": lambda: user.post(f"/object/{bucket}/old", b"x", headers={"x-upsert": "true"}),
            "move": lambda: user.send_json(
                "POST", "/object/move", {"bucketId": bucket, "sourceKey": "old", "destinationKey": "new"}
            ),
            "delete": lambda: user.delete(f"/object/{bucket}/old"),
        }[call]()
    expected = MATRIX[letters][CALLS.index(call)]
    if expected == OK:
        assert reply.status == 200, reply.text
    elif expected == "duplicate":
        assert (reply.status, reply.text) == (400, DUPLICATE_KEY)
    elif expected == "not found":
        assert (reply.status, reply.text) == (400, OBJECT_NOT_FOUND)
    else:
        message = {"message": "Access denied"} if call == "delete" else {}
        assert reply.status == 400
        assert reply.text in [refused(command, **message) for command in expected.split(" or ")]


def test_a_refusal_says_in_the_log_which_role_was_refused_which_command(server, user, bucket):
    user.post(f"/object/{bucket}/a", b"x")
    assert any(
        "authenticated" in line and "INSERT" in line and "storage.objects" in line for line in server.log().splitlines()[-10:]
    )


def test_read_only_objects(user, bucket, make_bucket, database, put):
    put(bucket, "a", b"x")
    empty = make_bucket()
    with granted(database, "S", f"bucket_id = '{bucket}'"):
        assert user.post(f"/object/{bucket}/b", b"x").text == refused("INSERT")
        assert user.put(f"/object/{bucket}/a", b"x").json()["message"] == "new row violates row-level security policy"
        assert user.send_json("POST", "/bucket", {"name": uuid.uuid4().hex}).text == refused("INSERT", table="storage.buckets")
        for method, body in (("GET", None), ("PUT", {"public": True}), ("DELETE", None)):
            reply = user.send_json(method, f"/bucket/{empty}", body) if body else user.request(method, f"/bucket/{empty}")
            assert (reply.status, reply.text) == (400, BUCKET_NOT_FOUND)
        assert user.get(f"/object/{bucket}/a").status == 200
        assert user.delete(f"/object/{bucket}/a").text == refused("DELETE", **DENIED)
        for route in ("copy", "move"):
            reply = user.send_json("POST", f"/object/{route}", {"bucketId": bucket, "sourceKey": "a", "destinationKey": "b"})
            assert reply.status == 400


def test_read_only_buckets(user, bucket, database, put):
    put(bucket, "a", b"x")
    with granted(database, "S", f"id = '{bucket}'", "storage.buckets"):
        assert user.get(f"/bucket/{bucket}").json()["id"] == bucket
        assert [row["id"] for row in user.get("/bucket").json()] == [bucket]
        assert user.get(f"/object/{bucket}/a").text == OBJECT_NOT_FOUND


def test_insert_only_objects(user, bucket, database, put):
    put(bucket, "a", b"x")
    with granted(database, "I", f"bucket_id = '{bucket}'"):
        assert user.post(f"/object/{bucket}/b", b"x").status == 200
        for reply in (user.put(f"/object/{bucket}/c", b"x"), user.get(f"/object/{bucket}/a"), user.delete(f"/object/{bucket}/a")):
            assert reply.status == 400


def test_select_and_insert_copy_but_do_not_replace(user, bucket, database, put):
    put(bucket, "a", b"x")
    with granted(database, "SI", f"bucket_id = '{bucket}'"):
        fields = {"bucketId": bucket, "sourceKey": "a", "destinationKey": "b"}
        assert user.send_json("POST", "/object/copy", fields).status == 200
        again = user.send_json("POST", "/object/copy", fields, headers={"x-upsert": "true"})
        assert (again.status, again.text) == (400, refused("UPDATE"))


def test_select_and_delete_delete_then_nothing_is_found(user, bucket, database, put):
    put(bucket, "a", b"x")
    with granted(database, "SD", f"bucket_id = '{bucket}'"):
        assert user.delete(f"/object/{bucket}/a").status == 200
        assert user.get(f"/object/{bucket}/a").text == OBJECT_NOT_FOUND


@pytest.mark.parametrize(
    ("letters", "updates", "deletes"),
    [("US", True, False), ("U", False, False), ("S", False, False), ("DS", False, True), ("D", False, False)],
)
def test_buckets_need_select_with_update_and_with_delete(user, make_bucket, database, letters, updates, deletes):
    for call, allowed in (("update", updates), ("delete", deletes)):
        bucket = make_bucket()
        with granted(database, letters, f"id = '{bucket}'", "storage.buckets"):
            reply = (
                user.send_json("PUT", f"/bucket/{bucket}", {"public": True})
                if call == "update"
                else user.delete(f"/bucket/{bucket}")
            )
        assert reply.status == 200 if allowed else reply.text == BUCKET_NOT_FOUND


def test_a_bucket_policy_lets_a_user_make_buckets(server, user, database):
    name = f"mine-{uuid.uuid4().hex[:8]}"
    with database.policies(f"on storage.buckets for insert to authenticated with check (name = '{name}')"):
        assert user.send_json("POST", "/bucket", {"name": name}).status == 200
    assert database.value(f"select owner_id is not null from storage.buckets where id = '{name}'") == "t"


# --- what policies may read ------------------------------------------------------------------------------------------------------


def test_allow_only_operation_permits_list_and_hides_get(user, bucket, database, put):
    put(bucket, "a", b"x")
    only = f"on storage.objects for select to authenticated using (bucket_id = '{bucket}' and storage.allow_only_operation('object.list'))"
    with database.policies(only):
        assert len(user.send_json("POST", f"/object/list/{bucket}", {"prefix": ""}).json()) == 1
        assert user.get(f"/object/{bucket}/a").text == OBJECT_NOT_FOUND
        assert user.get(f"/object/info/{bucket}/a").text == OBJECT_NOT_FOUND


def test_allow_any_operation_permits_both_and_delete_stays_refused(user, bucket, database, put):
    put(bucket, "a", b"x")
    several = f"""on storage.objects for select to authenticated using (bucket_id = '{bucket}'
        and storage.allow_any_operation(array['storage.object.list', 'object.get_authenticated']))"""
    with database.policies(several):
        assert len(user.send_json("POST", f"/object/list/{bucket}", {"prefix": ""}).json()) == 1
        assert user.get(f"/object/{bucket}/a").status == 200
        assert user.delete(f"/object/{bucket}/a").text == refused("DELETE", **DENIED)


OPERATIONS = [
    ("storage.object.get_authenticated", "GET", "/object/{b}/a", None),
    ("storage.object.get_authenticated", "GET", "/object/authenticated/{b}/a", None),
    ("object.get_authenticated_info", "GET", "/object/info/{b}/a", None),
    ("object.head_authenticated_info", "HEAD", "/object/{b}/a", None),
    ("storage.object.list", "POST", "/object/list/{b}", {"prefix": ""}),
    ("storage.object.list_v2", "POST", "/object/list-v2/{b}", {}),
    ("storage.object.sign", "POST", "/object/sign/{b}/a", {"expiresIn": 9}),
    ("storage.object.sign_many", "POST", "/object/sign/{b}", {"expiresIn": 9, "paths": ["a"]}),
]


@pytest.mark.parametrize(("operation", "method", "path", "body"), OPERATIONS)
def test_policies_see_the_name_of_the_operation(user, bucket, database, put, operation, method, path, body):
    put(bucket, "a", b"x")
    target = path.format(b=bucket)

    def visible() -> bool:
        reply = user.request(method, target) if body is None else user.send_json(method, target, body)
        return (
            reply.status == 200
            and reply.text not in ("[]",)
            and '"objects":[]' not in reply.text
            and '"signedURL":null' not in reply.text
        )

    for name, expected in ((operation, True), ("storage.object.none", False)):
        with database.policies(
            f"on storage.objects for select to authenticated using (bucket_id = '{bucket}' and storage.operation() = '{name}')"
        ):
            assert visible() is expected


def test_policies_see_headers_method_path_and_claims(user, bucket, database, put):
    put(bucket, "a", b"x")
    conditions = [
        "current_setting('request.headers', true)::json->>'x-team' = 'red'",
        "current_setting('request.method', true) = 'GET'",
        f"current_setting('request.path', true) = '/object/{bucket}/a?v=1'",
        "auth.role() = 'authenticated'",
        "(auth.jwt()->'app_metadata'->>'team') is null",
        "current_setting('request.jwt.claim.sub', true) = auth.uid()::text",
        "current_setting('request.jwt.claims', true)::jsonb->>'role' = 'authenticated'",
    ]
    for condition in conditions:
        with database.policies(f"on storage.objects for select to authenticated using (bucket_id = '{bucket}' and {condition})"):
            reply = user.get(f"/object/{bucket}/a?v=1", headers={"X-Team": "red"})
            assert reply.status == 200, condition
        with database.policies(
            f"on storage.objects for select to authenticated using (bucket_id = '{bucket}' and not ({condition}))"
        ):
            assert user.get(f"/object/{bucket}/a?v=1", headers={"X-Team": "red"}).status == 400, condition


def test_policies_see_nested_claims(server, anyone, bucket, database, put):
    put(bucket, "a", b"x")
    claim = f"on storage.objects for select to authenticated using (bucket_id = '{bucket}' and auth.jwt()->'app_metadata'->>'team' = 'réd')"
    with database.policies(claim):
        for team, status in (("réd", 200), ("blue", 400)):
            bearer = token(server.keys.jwt_secret, subject=new_subject(), app_metadata={"team": team})
            assert anyone.get(f"/object/{bucket}/a", token=bearer).status == status


def test_folder_functions_work_in_policies(alice, bob, bucket, database):
    folder = f"on storage.objects for all to authenticated using (bucket_id = '{bucket}' and (storage.foldername(name))[1] = auth.uid()::text)"
    with database.policies(folder):
        assert alice.wire.post(f"/object/{bucket}/{alice.subject}/a", b"x").status == 200
        assert alice.wire.post(f"/object/{bucket}/{bob.subject}/a", b"x").text == refused("INSERT")
        assert bob.wire.get(f"/object/{bucket}/{alice.subject}/a").text == OBJECT_NOT_FOUND


def test_a_policy_with_an_error_in_it_is_no_500_with_sql_in_it(user, bucket, database, put):
    put(bucket, "a", b"x")
    with database.policies(
        f"on storage.objects for select to authenticated using (bucket_id = '{bucket}' and (metadata->>'size')::uuid is not null)"
    ):
        reply = user.get(f"/object/{bucket}/a")
    assert (reply.status, reply.json()["code"]) == (400, "InvalidParameter")


@pytest.mark.parametrize(
    "role", ["postgres", "no_such_role", "magpie", "pg_read_all_data", "", "anon; drop table storage.objects", 'x"y', "a\nb"]
)
def test_a_token_that_names_a_role_that_can_not_be_assumed_is_refused(server, anyone, bucket, put, role):
    put(bucket, "a", b"x")
    bearer = token(server.keys.jwt_secret, role=role, subject=new_subject())
    for reply in (
        anyone.get("/bucket", token=bearer),
        anyone.get(f"/object/authenticated/{bucket}/a", token=bearer),
        anyone.post(f"/object/{bucket}/b", b"x", token=bearer),
        anyone.send_json("POST", f"/object/list/{bucket}", {"prefix": ""}, token=bearer),
    ):
        if role == "":
            assert reply.status in (200, 400) and reply.text != "" and "x" != reply.text
        else:
            assert (reply.status, reply.json()["statusCode"], reply.json()["code"]) == (400, "403", "AccessDenied"), reply.text


def test_a_token_without_a_role_is_anon(server, anyone, bucket, database, put):
    put(bucket, "a", b"x")
    with database.policies(f"on storage.objects for select to anon using (bucket_id = '{bucket}')"):
        assert (
            anyone.get(f"/object/{bucket}/a", token=token(server.keys.jwt_secret, role=None, subject=new_subject())).status == 200
        )


def test_a_role_of_the_applications_own_works_once_it_is_granted(server, anyone, bucket, database, put):
    put(bucket, "a", b"x")
    role = f"editor_{uuid.uuid4().hex[:8]}"
    database.run(
        f"create role {role} nologin; grant {role} to authenticator; grant usage on schema storage to {role}; grant all on storage.objects, storage.buckets to {role}"
    )
    try:
        with database.policies(f"on storage.objects for select to {role} using (bucket_id = '{bucket}')"):
            assert (
                anyone.get(f"/object/{bucket}/a", token=token(server.keys.jwt_secret, role=role, subject=new_subject())).status
                == 200
            )
        assert (
            anyone.get(f"/object/{bucket}/a", token=token(server.keys.jwt_secret, role=role, subject=new_subject())).text
            == OBJECT_NOT_FOUND
        )
    finally:
        database.run(f"drop owned by {role}; drop role {role}")


# --- what comes while a body is under way ---------------------------------------------------------------------------------------


@contextlib.contextmanager
def half_sent(port: int, method: str, target: str, body: bytes, **fields: str):
    """A request whose body stops in its middle; calling what this gives sends the rest and returns the status line and the body."""
    head = {"Host": "localhost", "Content-Length": str(len(body)), "Connection": "close", **fields}
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in head.items()), "", ""]
    half = len(body) // 2
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall("\r\n".join(lines).encode() + body[:half])

        def finish() -> tuple[int, bytes]:
            connection.sendall(body[half:])
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
            head, _, content = answer.partition(b"\r\n\r\n")
            return int(head.split()[1]), content

        yield finish


def sizes(server) -> dict[pathlib.Path, int]:
    """Of the files of the store. Those that go meanwhile are left out."""
    found = {}
    for path in server.blobs():
        with contextlib.suppress(FileNotFoundError):
            found[path] = path.stat().st_size
    return found


def has_grown(server, before: dict[pathlib.Path, int]) -> bool:
    return any(size > before.get(path, 0) for path, size in sizes(server).items())


@pytest.fixture
def insertable(database, bucket):
    """A private bucket in which everyone may write what is new and read all, and change and delete only what is theirs."""
    mine = "owner_id = auth.uid()::text"
    here = f"bucket_id = '{bucket}'"
    with (
        database.policies(f"on storage.objects for insert to authenticated with check ({here})"),
        database.policies(f"on storage.objects for select to authenticated using ({here})"),
        database.policies(f"on storage.objects for update to authenticated using ({here} and {mine})"),
        database.policies(f"on storage.objects for delete to authenticated using ({here} and {mine})"),
    ):
        yield bucket


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_the_right_to_insert_is_none_to_replace_what_came_meanwhile(server, admin, insertable, alice, bob, method):
    body = b"his" * 1_000_000
    fields = {"Authorization": f"Bearer {bob.wire.token}", "Content-Type": "text/plain", "x-upsert": "true"}
    before = sizes(server)
    with half_sent(server.port, method, f"/object/{insertable}/raced.txt", body, **fields) as finish:
        # Bytes are taken in once the policies let the request through.
        assert wait_until(lambda: has_grown(server, before), 20)
        assert alice.wire.post(f"/object/{insertable}/raced.txt", b"hers").status == 200
        status, answer = finish()
    assert (status, b"row-level security" in answer) == (400, True), answer
    assert admin.get(f"/object/{insertable}/raced.txt").body == b"hers"


def test_nor_is_it_at_the_end_of_a_resumable_upload(server, admin, insertable, alice, bob):
    body = b"his" * 1_000_000
    names = {"bucketName": insertable, "objectName": "raced.txt", "contentType": "text/plain"}
    metadata = ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in names.items())
    version = {"Tus-Resumable": "1.0.0"}
    begun = bob.wire.post(
        "/upload/resumable", headers={**version, "Upload-Length": str(len(body)), "Upload-Metadata": metadata, "x-upsert": "true"}
    )
    assert begun.status == 201, begun.text
    target = urllib.parse.urlsplit(begun.headers["Location"]).path
    fields = {
        **version,
        "Authorization": f"Bearer {bob.wire.token}",
        "Content-Type": "application/offset+octet-stream",
        "Upload-Offset": "0",
    }
    before = sizes(server)
    with half_sent(server.port, "PATCH", target, body, **fields) as finish:
        assert wait_until(lambda: has_grown(server, before), 20)
        assert alice.wire.post(f"/object/{insertable}/raced.txt", b"hers").status == 200
        status, answer = finish()
    assert (status, b"row-level security" in answer) == (403, True), (status, answer)
    assert admin.get(f"/object/{insertable}/raced.txt").body == b"hers"
