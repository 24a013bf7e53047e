# SPDX-License-Identifier: Apache-2.0
"""bkend's interface: people of an app sign up, in and out, and the keys of the app."""

from __future__ import annotations

import json
import time

import pytest
from Support.bkend import SETTINGS, App, Caller, data, problem
from Support.console import PASSWORD, Person, account_command, address, create_account
from Support.server import Server
from Support.tokens import claims_of
from Support.tokens import token as sign


@pytest.fixture(scope="module")
def server():
    with Server(SETTINGS) as running:
        yield running


@pytest.fixture(scope="module")
def app(server) -> App:
    return App.create(server)


def sign_up_body(**fields: object) -> dict:
    return {"method": "password", "email": address(), "password": PASSWORD, "name": "Ann", **fields}


# --- Signing up and in --------------------------------------------------------------------------------------------------------------


def test_who_signs_up_is_signed_in_and_an_ordinary_user(app):
    body = sign_up_body()
    tokens = data(app.anonymous.post("/auth/email/signup", body), 201)
    assert tokens["tokenType"] == "Bearer" and tokens["expiresIn"] == 3600
    said = claims_of(tokens["accessToken"])
    assert said["role"] == "authenticated" and said["sub"] == tokens["user"]["id"] and said["exp"] - said["iat"] == 3600
    me = data(Caller(app, app.keys.publishableKey, tokens["accessToken"]).get("/auth/me"))
    assert (me["id"], me["email"], me["name"], me["role"]) == (tokens["user"]["id"], body["email"], "Ann", "user")
    assert me["emailVerified"] is None and me["image"] is None and me["createdAt"].endswith("Z")


def test_signing_in_again_gives_other_tokens(app):
    ann = app.sign_up()
    again = app.sign_in(ann.email.upper())
    assert again.id == ann.id and again.token != ann.token


def test_an_address_is_taken_once(app):
    body = sign_up_body()
    data(app.anonymous.post("/auth/email/signup", body), 201)
    problem(app.anonymous.post("/auth/email/signup", body), 409, "auth/email-already-exists")


def test_a_wrong_password_and_an_unknown_address_are_one_error(app):
    ann = app.sign_up()
    wrong = app.anonymous.post("/auth/email/signin", {"method": "password", "email": ann.email, "password": "wrong password"})
    unknown = app.anonymous.post("/auth/email/signin", {"method": "password", "email": address(), "password": PASSWORD})
    assert problem(wrong, 401, "auth/invalid-credentials") == problem(unknown, 401, "auth/invalid-credentials")


@pytest.mark.parametrize(
    "fields, code",
    [
        ({"method": None}, "common/invalid-parameters"),
        ({"method": "magiclink"}, "common/invalid-parameters"),
        ({"method": 5}, "common/invalid-parameters"),
        ({"email": None}, "common/invalid-parameters"),
        ({"email": ["a@example.com"]}, "common/invalid-parameters"),
        ({"email": "nobody"}, "auth/invalid-email"),
        ({"email": "a@" + "x" * 300}, "auth/invalid-email"),
        ({"password": None}, "common/invalid-parameters"),
        ({"password": 12345678}, "common/invalid-parameters"),
        ({"password": "seven77"}, "auth/invalid-password-format"),
        ({"password": "x" * 1025}, "auth/invalid-password-format"),
        ({"password": "with\0a NUL"}, "common/invalid-parameters"),
        ({"name": 5}, "common/invalid-parameters"),
        ({"name": "x" * 300}, "common/invalid-parameters"),
    ],
)
def test_what_is_no_account_is_refused(app, fields, code):
    body = {name: value for name, value in sign_up_body(**fields).items() if value is not None}
    problem(app.anonymous.post("/auth/email/signup", body), 400, code)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[]", b'"text"', b"[" * 2000])
@pytest.mark.parametrize("path", ["/auth/email/signup", "/auth/email/signin", "/auth/refresh"])
def test_a_body_that_is_no_object_is_refused(app, path, body):
    problem(app.anonymous.post(path, body), 400, "common/invalid-parameters")


def test_guessing_is_slowed_down(server):
    with Server({**SETTINGS, "MAGPIE_SIGN_IN_ATTEMPTS": "3"}) as strict:
        app = App.create(strict)
        body = {"method": "password", "email": address(), "password": "wrong password"}
        answers = [app.anonymous.post("/auth/email/signin", body) for _ in range(4)]
        assert [answer.status for answer in answers] == [401, 401, 401, 429]
        problem(answers[-1], 429, "auth/too-many-requests")
        assert int(answers[-1].headers["Retry-After"]) > 1


# --- Tokens -------------------------------------------------------------------------------------------------------------------------


def test_a_refresh_token_is_good_once_and_one_that_comes_again_ends_the_session(app):
    tokens = data(app.anonymous.post("/auth/email/signup", sign_up_body()), 201)
    next_ones = data(app.anonymous.post("/auth/refresh", {"refreshToken": tokens["refreshToken"]}))
    assert next_ones["refreshToken"] != tokens["refreshToken"] and next_ones["expiresIn"] == 3600
    problem(app.anonymous.post("/auth/refresh", {"refreshToken": tokens["refreshToken"]}), 401, "auth/invalid-refresh-token")
    problem(app.anonymous.post("/auth/refresh", {"refreshToken": next_ones["refreshToken"]}), 401, "auth/invalid-refresh-token")


def test_signing_out_ends_the_session(app):
    tokens = data(app.anonymous.post("/auth/email/signup", sign_up_body()), 201)
    ann = Caller(app, app.keys.publishableKey, tokens["accessToken"])
    assert data(ann.post("/auth/signout"))["message"]
    problem(app.anonymous.post("/auth/refresh", {"refreshToken": tokens["refreshToken"]}), 401, "auth/invalid-refresh-token")
    problem(app.anonymous.post("/auth/signout"), 401, "common/authentication-required")


@pytest.mark.parametrize("token", ["x", "a.b.c", "null", "Bearer", "x" * 5000])
def test_a_token_that_is_none_is_always_401(app, token):
    somebody = Caller(app, app.keys.publishableKey, token)
    for path in ("/auth/me", "/files", "/files/00000000-0000-4000-8000-000000000000"):
        problem(somebody.get(path), 401, "common/authentication-required")


def test_a_token_that_is_over_is_401(server, app):
    ann = app.sign_up()
    over = sign(server.keys.jwt_secret, subject=ann.id, exp=int(time.time()) - 10)
    reply = Caller(app, app.keys.publishableKey, over).get("/files")
    problem(reply, 401, "common/authentication-required")
    assert reply.headers["WWW-Authenticate"] == "Bearer"


def test_a_user_of_another_service_is_a_user_and_has_no_account(server, app):
    token = sign(server.keys.jwt_secret, subject="11111111-1111-4111-8111-111111111111")
    stranger = Caller(app, app.keys.publishableKey, token)
    assert data(stranger.get("/files"))["items"] == []
    problem(stranger.get("/auth/me"), 404, "auth/user-not-found")


# --- Who runs the server ------------------------------------------------------------------------------------------------------------


def test_nobody_becomes_the_operator_by_signing_up_in_an_app():
    with Server(SETTINGS) as fresh:
        app = App.create(fresh)
        ann = app.sign_up()
        assert data(ann.get("/auth/me"))["role"] == "user"
        # The place of the first one is still free in the console.
        assert Person(fresh).get("/api/auth").json() == {"signUp": True}
        console = Person(fresh, ann.email).sign_in()
        me = console.get("/api/auth/me").json()
        assert me["account"]["isOperator"] is False and me["mayCreateProjects"] is False
        made = Person(fresh).post("/api/auth/register", {"email": "root@example.com", "password": PASSWORD, "name": "Root"})
        assert made.status == 201 and made.json()["account"]["isOperator"] is True


def test_people_of_apps_make_no_projects_though_others_may():
    with Server({**SETTINGS, "MAGPIE_ACCOUNT_PLAN": "unlimited", "MAGPIE_SIGN_UP": "open"}) as running:
        create_account(running, "root@example.com")
        ann = App.create(running).sign_up()
        console = Person(running, ann.email).sign_in()
        assert console.post("/api/account/projects", {"name": "mine"}).status == 403


def test_who_signed_up_in_an_app_is_made_a_member_by_the_operator_alone(server, app):
    create_account(server, email := address("owner"))
    assert account_command(server, "grant", email, app.name, "owner").returncode == 0
    ann = app.sign_up()
    owner = Person(server, email).sign_in()
    refused = owner.post(f"/api/account/projects/{app.name}/members", {"email": ann.email, "role": "admin"})
    assert refused.status == 404 and "app" in refused.json()["detail"]
    assert account_command(server, "grant", ann.email, app.name, "admin").returncode == 0
    assert data(ann.get("/auth/me"))["role"] == "admin"


GIVEN = {"MAGPIE_JWT_SECRET": "what another service signs its tokens with as well, 40+ characters"}


@pytest.mark.parametrize(
    "settings, publishable, secret",
    [
        ({"MAGPIE_APP_SIGN_UP": "off"}, 403, 403),
        ({"MAGPIE_APP_SIGN_UP": "secret"}, 403, 201),
        # Whom policies let in is not for who holds an app to say, where others let people in.
        (GIVEN, 403, 403),
        ({**GIVEN, "MAGPIE_APP_SIGN_UP": "open"}, 201, 201),
    ],
)
def test_who_may_sign_up_is_a_setting(settings, publishable, secret):
    with Server({**SETTINGS, **settings}) as running:
        app = App.create(running)
        assert app.anonymous.post("/auth/email/signup", sign_up_body()).status == publishable
        assert app.backend.post("/auth/email/signup", sign_up_body()).status == secret


# --- Keys ---------------------------------------------------------------------------------------------------------------------------


def key_command(server: Server, *arguments: str) -> dict:
    result = server.command("project", "key", *arguments)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout) if result.stdout else {}


def test_keys_have_the_form_that_the_vendors_tools_check(app):
    for prefix, key in (("pk_", app.keys.publishableKey), ("sk_", app.keys.secretKey)):
        assert key.startswith(prefix) and len(key) == 67 and set(key[3:]) <= set("0123456789abcdef")


@pytest.mark.parametrize("path", ["/files", "/auth/me", "/auth/email/signin", "/files/stats"])
@pytest.mark.parametrize("key", [None, "", "x", "pk_" + "0" * 64, "sk_" + "0" * 64, "pk_" + "x" * 400])
def test_without_a_key_that_is_in_use_everything_is_401(app, path, key):
    ann = app.sign_up()
    reply = Caller(app, key, ann.token).request("POST" if path.endswith("signin") else "GET", path, {} if path.endswith("signin") else None)
    problem(reply, 401, "auth/unauthorized")


def test_a_revoked_key_and_one_that_is_over_are_401(server, app):
    made = key_command(server, "create", "--project", app.name, "--kind", "publishable", "--json")
    key = made["publishableKey"]
    assert data(Caller(app, key).get("/files"))["items"] == []
    key_command(server, "revoke", "--project", app.name, made["id"])
    deadline = time.monotonic() + 20
    while Caller(app, key).get("/files").status != 401:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    short = key_command(server, "create", "--project", app.name, "--kind", "secret", "--expires", "2s", "--json")["secretKey"]
    assert Caller(app, short).get("/files").status == 200
    time.sleep(2.2)
    problem(Caller(app, short).get("/files"), 401, "auth/unauthorized")


def test_other_dialects_keys_are_none_here(app):
    problem(Caller(app, app.keys.clientSecret).get("/files"), 401, "auth/unauthorized")


SCOPES = [
    ("files:list", "GET", "/files"),
    ("files:list", "GET", "/files/stats"),
    ("files:read", "GET", "/files/{id}"),
    ("files:read", "POST", "/files/{id}/download-url"),
    ("files:create", "POST", "/files/presigned-url"),
    ("files:create", "POST", "/files"),
    ("files:create", "POST", "/files/multipart/init"),
    ("files:update", "PATCH", "/files/{id}"),
    ("files:update", "PATCH", "/files/{id}/visibility"),
    ("files:update", "POST", "/files/{id}/shares"),
    ("files:delete", "DELETE", "/files/{id}"),
]


def test_scopes_are_asked_for_before_anything_else_and_of_admins_too(server, app):
    words = ["create", "read", "update", "delete", "list"]
    narrowed = {
        word: key_command(
            server, "create", "--project", app.name, "--kind", "secret", "--json",
            *(part for other in words if other != word for part in ("--scope", f"files:{other}")),
        )["secretKey"]  # fmt: skip
        for word in words
    }
    file = app.backend.upload()
    for scope, method, path in SCOPES:
        path = path.format(id=file["id"])
        reply = Caller(app, narrowed[scope.split(":")[1]]).request(method, path, {} if method != "GET" else None)
        assert scope in problem(reply, 403, "data/scope-insufficient")
        others = narrowed["list" if not scope.endswith("list") else "read"]
        assert Caller(app, others).request(method, path, {} if method != "GET" else None).status != 403


@pytest.mark.parametrize("scope", ["files:*", "*:*", "*:list"])
def test_a_star_stands_for_all(server, app, scope):
    key = key_command(server, "create", "--project", app.name, "--kind", "publishable", "--scope", scope, "--json")["publishableKey"]
    assert Caller(app, key).get("/files").status == 200


def test_a_narrowed_secret_key_opens_no_other_dialect(server, app):
    key = key_command(server, "create", "--project", app.name, "--kind", "secret", "--scope", "files:read", "--json")["secretKey"]
    assert app.wire.get(f"/api/{app.name}", headers={"X-Api-Key": key}).status == 403
    assert app.wire.get(f"/api/{app.name}", headers={"X-Api-Key": app.keys.secretKey}).status == 200


@pytest.mark.parametrize("options", [["--scope", "posts:read"], ["--scope", "files"], ["--expires", "never"], ["--kind", "single", "--scope", "files:read"]])
def test_the_command_refuses_what_means_nothing(server, app, options):
    result = server.command("project", "key", "create", "--project", app.name, *(["--kind", "secret"] if "--kind" not in options else []), *options)
    assert result.returncode != 0 and result.stdout == ""


# --- Envelopes ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode, names", [("flat", {"items", "pagination"}), ("wrapped", {"success", "data"}), ("both", {"success", "data", "items", "pagination"})])
def test_the_envelope_is_a_setting(mode, names):
    with Server({**SETTINGS, "MAGPIE_BKEND_ENVELOPE": mode}) as running:
        app = App.create(running)
        assert set(app.anonymous.get("/files").json()) == names
        refused = app.anonymous.get("/auth/me")
        assert set(refused.json()) == {"success", "error", "statusCode", "message"}
