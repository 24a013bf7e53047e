# SPDX-License-Identifier: Apache-2.0
"""What each role may do in a project, by the cookie: through Pixault's routes, and over members and keys."""

from __future__ import annotations

import io

import pytest
from PIL import Image
from Support.console import FAST, PASSWORD, ROLES, Person, account_command, address, create_account, create_roles, sign_in_roles
from Support.pixault import Project, create_project, form
from Support.server import Server



def picture() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def server():
    with Server(FAST) as running:
        create_roles(running)
        yield running


@pytest.fixture(scope="module")
def people(server) -> dict[str, Person]:
    return sign_in_roles(server)


@pytest.fixture(scope="module")
def shop(server, people) -> Project:
    """A project with one of each role, and an asset."""
    project = Project(server, create_project(server, None, "--private"))
    for role in ("viewer", "member", "admin", "owner"):
        granted = account_command(server, "grant", f"{role}@example.com", project.name, role)
        assert granted.returncode == 0, granted.stderr
    return project


@pytest.fixture
def asset(shop) -> str:
    return shop.upload(picture(), content_type="image/png")["imageId"]


@pytest.fixture
def guest(server) -> Person:
    email = address("guest")
    create_account(server, email)
    return Person(server, email).sign_in()


UPLOAD = form(picture(), "a.png", "image/png")

# Each with the least role that may, and what it answers then.
PIXAULT = [
    ("viewer", "GET", "", None, 200),
    ("viewer", "GET", "/images", None, 200),
    ("viewer", "GET", "/{asset}", None, 200),
    ("viewer", "GET", "/{asset}/metadata", None, 200),
    ("viewer", "GET", "/folders", None, 200),
    ("viewer", "GET", "/transforms", None, 200),
    ("viewer", "GET", "/watermarks", None, 200),
    ("viewer", "GET", "/plugins", None, 200),
    ("member", "POST", "/upload", UPLOAD, 201),
    ("member", "PATCH", "/{asset}/metadata", {"name": "named"}, 200),
    ("member", "POST", "/folders", {"path": "made/by/{role}"}, 201),
    ("member", "DELETE", "/folders/made%2Fby%2F{role}", None, 204),
    ("member", "DELETE", "/{asset}", None, 204),
    ("admin", "PUT", "/transforms/small", {"width": 10}, 200),
    ("admin", "DELETE", "/transforms/small", None, 204),
    ("admin", "PUT", "/watermarks/logo", picture(), 201),
    ("admin", "DELETE", "/watermarks/logo", None, 204),
    ("admin", "POST", "/plugins/draw/activate", None, 204),
    ("admin", "PUT", "/originals-signing", None, 200),
    ("admin", "DELETE", "/originals-signing", None, 204),
    ("admin", "GET", "/usage", None, 200),
]


@pytest.mark.parametrize("least, method, path, body, status", PIXAULT, ids=[f"{row[1]} {row[2]}" for row in PIXAULT])
def test_pixaults_routes_take_the_cookie_as_far_as_the_role_goes(people, shop, asset, least, method, path, body, status):
    for role in ROLES:
        target = f"/api/{shop.name}" + path.format(asset=asset, role=role)
        content, headers = body, {}
        if isinstance(body, tuple):
            content, headers = body[0], {"Content-Type": body[1]}
        elif isinstance(body, bytes):
            headers = {"Content-Type": "image/png"}
        elif isinstance(body, dict):
            content = {name: value.format(role=role) if isinstance(value, str) else value for name, value in body.items()}
        if method == "DELETE" and path.startswith("/folders"):
            shop.request("POST", "folders", {"path": f"made/by/{role}"})
        elif method == "DELETE" and path == "/transforms/small":
            shop.request("PUT", "transforms/small", {"width": 10})
        elif method == "DELETE" and path == "/watermarks/logo":
            shop.request("PUT", "watermarks/logo", picture(), {"Content-Type": "image/png"})
        elif method == "PUT" and path == "/watermarks/logo":
            shop.request("DELETE", "watermarks/logo")
        elif method == "DELETE" and path == "/{asset}" and ROLES.index(role) > ROLES.index(least):
            target = f"/api/{shop.name}/" + shop.upload(picture(), content_type="image/png")["imageId"]
        reply = people[role].request(method, target, content, headers=headers)
        expected = status if ROLES.index(role) >= ROLES.index(least) else 403
        assert reply.status == expected, (role, reply.text)


def test_what_a_member_uploads_is_theirs(server, people, shop):
    body, content_type = UPLOAD
    reply = people["member"].request("POST", f"/api/{shop.name}/upload", body, headers={"Content-Type": content_type})
    assert reply.status == 201, reply.text
    query = f"select owner_id from storage.objects where bucket_id = '{shop.name}' and name = '{reply.json()['imageId']}'"
    assert server.database.value(query) == people["member"].id


def test_a_project_that_is_not_there_is_not_found(people):
    for role in ("viewer", "operator"):
        assert people[role].get("/api/nowhere/images").status == 404
        assert people[role].get("/api/account/projects/nowhere/members").status == 404


def test_a_bucket_that_is_no_project_is_no_accounts(server, people):
    from Support.wire import Wire

    admin = Wire(server.port, server.keys.service)
    assert admin.send_json("POST", "/bucket", {"name": "plain"}).status == 200
    for role in ("viewer", "owner", "operator"):
        assert people[role].get("/api/plain/images").status == 404


def test_a_key_or_a_token_counts_before_the_cookie(people, shop):
    reply = people["nobody"].request("GET", f"/api/{shop.name}", headers={"X-Api-Key": shop.keys.apiKey})
    assert reply.status == 200
    reply = people["owner"].request("GET", f"/api/{shop.name}", headers={"X-Api-Key": "pk_wrong"})
    assert reply.status == 401


STORAGE = [("GET", "storage"), ("PUT", "storage"), ("DELETE", "storage"), ("POST", "storage/validate"), ("POST", "storage/health")]
MIGRATIONS = [
    ("GET", "migrations"),
    ("GET", "migrations/00000000-0000-4000-8000-000000000000"),
    ("POST", "migrations/00000000-0000-4000-8000-000000000000/cancel"),
    ("POST", "migrations/storage"),
    ("POST", "migrations/bucket-import"),
]


@pytest.mark.parametrize("method, path", STORAGE + MIGRATIONS)
def test_where_originals_are_is_for_owners_and_moving_them_for_admins(people, shop, method, path):
    target = f"/api/{shop.name}/{path}"
    least = "owner" if path.startswith("storage") else "admin"
    for role in ROLES:
        status = people[role].request(method, target, {} if method in ("POST", "PUT") else None).status
        assert (status == 403) == (ROLES.index(role) < ROLES.index(least)), (role, status)
    assert shop.wire.request(method, target).status == 401
    assert (shop.request(method, path).status == 403) == path.startswith("storage")


# --- Members ----------------------------------------------------------------------------------------------------------------------


def members(person: Person, project: Project) -> dict[str, str]:
    reply = person.get(f"/api/account/projects/{project.name}/members")
    assert reply.status == 200, reply.text
    return {item["email"]: item["role"] for item in reply.json()}


@pytest.mark.parametrize("granted", ["viewer", "member", "admin", "owner"])
def test_who_may_invite_whom(people, shop, guest, granted):
    target = f"/api/account/projects/{shop.name}/members"
    for role in ROLES:
        allowed = role in ("owner", "operator") or (role == "admin" and granted != "owner")
        reply = people[role].post(target, {"email": guest.email, "role": granted.capitalize()})
        assert reply.status == (201 if allowed else 403), (role, reply.text)
        if allowed:
            assert reply.json()["accountId"] == guest.id and members(guest, shop)[guest.email] == granted
            assert people[role].post(target, {"email": guest.email, "role": granted}).status == 409
            assert people["owner"].request("DELETE", f"{target}/{guest.id}").status == 204
            assert guest.get(f"/api/{shop.name}").status == 403


@pytest.mark.parametrize("current", ["viewer", "member", "admin", "owner"])
def test_who_may_change_and_remove_whom(people, shop, guest, current):
    target = f"/api/account/projects/{shop.name}/members"
    for role in ROLES:
        assert people["operator"].post(target, {"email": guest.email, "role": current}).status == 201
        allowed = role in ("owner", "operator") or (role == "admin" and current != "owner")
        reply = people[role].request("PATCH", f"{target}/{guest.id}", {"role": "member"})
        assert reply.status == (204 if allowed else 403), (role, reply.text)
        reply = people[role].request("PATCH", f"{target}/{guest.id}", {"role": "owner"})
        assert reply.status == (204 if role in ("owner", "operator") else 403), (role, reply.text)
        assert people["operator"].request("PATCH", f"{target}/{guest.id}", {"role": current}).status == 204
        reply = people[role].request("DELETE", f"{target}/{guest.id}")
        assert reply.status == (204 if allowed else 403), (role, reply.text)
        if not allowed:
            assert guest.request("DELETE", f"{target}/{guest.id}").status == 204


def test_the_last_owner_stays(people, shop, guest):
    target = f"/api/account/projects/{shop.name}/members"
    owner = people["owner"]
    for person in (owner, people["operator"]):
        assert person.request("DELETE", f"{target}/{owner.id}").status == 409
        assert person.request("PATCH", f"{target}/{owner.id}", {"role": "admin"}).status == 409
    assert owner.post(target, {"email": guest.email, "role": "owner"}).status == 201
    assert owner.request("PATCH", f"{target}/{owner.id}", {"role": "admin"}).status == 204
    assert guest.request("DELETE", f"{target}/{guest.id}").status == 409
    assert guest.request("PATCH", f"{target}/{owner.id}", {"role": "owner"}).status == 204
    assert guest.request("DELETE", f"{target}/{guest.id}").status == 204


def test_members_see_each_other_and_nobody_else_does(people, shop):
    for role in ("viewer", "member", "admin", "owner"):
        assert members(people[role], shop)[f"{role}@example.com"] == role
    assert people["nobody"].get(f"/api/account/projects/{shop.name}/members").status == 403


@pytest.mark.parametrize(
    "body, status",
    [
        ({"email": "nobody-here@example.com", "role": "viewer"}, 404),
        ({"email": "no address", "role": "viewer"}, 400),
        ({"email": "nobody@example.com", "role": "king"}, 400),
        ({"email": "nobody@example.com"}, 400),
        ({"role": "viewer"}, 400),
    ],
)
def test_an_invitation_of_another_shape_is_refused(people, shop, body, status):
    assert people["owner"].post(f"/api/account/projects/{shop.name}/members", body).status == status


def test_a_role_that_is_taken_away_is_gone_at_once(people, shop, guest, asset):
    target = f"/api/account/projects/{shop.name}/members"
    assert people["owner"].post(target, {"email": guest.email, "role": "member"}).status == 201
    assert guest.request("PATCH", f"/api/{shop.name}/{asset}/metadata", {"name": "x"}).status == 200
    assert people["owner"].request("PATCH", f"{target}/{guest.id}", {"role": "viewer"}).status == 204
    assert guest.request("PATCH", f"/api/{shop.name}/{asset}/metadata", {"name": "y"}).status == 403
    assert guest.get(f"/api/{shop.name}/{asset}").status == 200
    assert people["owner"].request("DELETE", f"{target}/{guest.id}").status == 204
    assert guest.get(f"/api/{shop.name}/{asset}").status == 403


# --- Keys -------------------------------------------------------------------------------------------------------------------------


def test_admins_make_list_and_revoke_keys(people, shop):
    target = f"/api/account/projects/{shop.name}/keys"
    for role in ROLES:
        allowed = ROLES.index(role) >= ROLES.index("admin")
        person = people[role]
        listed = person.get(target)
        made = person.post(target, {"kind": "pair", "description": f"of {role}"})
        assert listed.status == (200 if allowed else 403) and made.status == (201 if allowed else 403), made.text
        if not allowed:
            assert person.request("DELETE", f"{target}/{shop.keys.clientId}").status == 403
            continue
        key = made.json()
        assert key["secret"] not in person.get(target).text
        shown = {"X-Client-Id": key["clientId"], "X-Client-Secret": key["secret"]}
        assert shop.wire.get(f"/api/{shop.name}", headers=shown).status == 200
        assert person.request("DELETE", f"{target}/{key['id']}").status == 204
        assert person.request("DELETE", f"{target}/{key['id']}").status == 404
        assert shop.wire.get(f"/api/{shop.name}", headers=shown).status == 401
    assert people["owner"].post(target, {"kind": "master"}).status == 400


# --- Projects ---------------------------------------------------------------------------------------------------------------------


def test_projects_are_listed_with_the_role(people, shop):
    for role in ("viewer", "member", "admin", "owner"):
        listed = {item["projectId"]: item["role"] for item in people[role].get("/api/account/projects").json()}
        assert listed == {shop.name: role}
    listed = {item["projectId"]: item["role"] for item in people["operator"].get("/api/account/projects").json()}
    assert listed[shop.name] == "owner" and "default" in listed
    assert people["nobody"].get("/api/account/projects").json() == []


def test_only_who_runs_the_server_makes_projects_unless_a_plan_is_set(people):
    assert people["owner"].post("/api/account/projects", {"name": "mine"}).status == 403
    made = people["operator"].post("/api/account/projects", {"name": "ours", "plan": "pro", "private": True})
    assert made.status == 201 and list(made.json()) == ["project", "clientId", "clientSecret", "apiKey", "publishableKey", "secretKey"]
    wire = people["operator"].wire
    assert wire.get("/api/ours", headers={"X-Api-Key": made.json()["apiKey"]}).json()["plan"]["name"] == "pro"
    assert people["operator"].post("/api/account/projects", {"name": "ours"}).status == 409
    for body, status in (({"name": "Not A Name"}, 400), ({}, 400), ({"name": "x", "plan": "gold"}, 400), ({"name": "x", "private": 1}, 400)):
        assert people["operator"].post("/api/account/projects", body).status == status


def test_accounts_make_projects_of_the_plan_and_take_no_bucket():
    from Support.wire import Wire

    with Server({**FAST, "MAGPIE_ACCOUNT_PLAN": "starter", "MAGPIE_SIGN_UP": "open"}) as running:
        create_account(running, "root@example.com")
        person = Person(running, "a@example.com")
        person.learn(person.post("/api/auth/register", {"email": "a@example.com", "password": PASSWORD}))
        assert Wire(running.port, running.keys.service).send_json("POST", "/bucket", {"name": "somebodys"}).status == 200
        assert person.post("/api/account/projects", {"name": "somebodys"}).status == 409
        assert person.post("/api/account/projects", {"name": "mine", "plan": "business"}).status == 403
        assert person.post("/api/account/projects", {"name": "mine"}).status == 201
        listed = person.get("/api/account/projects").json()
        assert [(item["projectId"], item["role"], item["plan"]["name"]) for item in listed] == [("mine", "owner", "starter")]
        # The plan has one.
        assert person.post("/api/account/projects", {"name": "another"}).status == 400
        body, content_type = UPLOAD
        assert person.request("POST", "/api/mine/upload", body, headers={"Content-Type": content_type}).status == 201
