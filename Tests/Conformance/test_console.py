# SPDX-License-Identifier: Apache-2.0
"""Signing in: cookies, forgery, fixation, what errors tell, limits, sessions, and the command that makes accounts."""

from __future__ import annotations

import concurrent.futures
import http.cookies
import json
import statistics
import time

import pytest
from Support.console import FAST, PASSWORD, Person, account_command, address, create_account
from Support.server import Server

COOKIE = "magpie_session"


def problem(reply, status: int) -> str:
    assert reply.status == status, reply.text
    assert reply.headers["Content-Type"] == "application/problem+json" and reply.headers["Cache-Control"] == "no-store"
    body = reply.json()
    assert body["status"] == status and body["error"] == body["detail"]
    return body["detail"]


@pytest.fixture(scope="module")
def server():
    with Server({**FAST, "MAGPIE_SIGN_UP": "open"}) as running:
        create_account(running, "root@example.com")
        yield running


@pytest.fixture
def ann(server) -> Person:
    """Somebody who is no operator, signed in."""
    email = address("ann")
    create_account(server, email)
    return Person(server, email).sign_in()


def cookie_of(reply) -> http.cookies.Morsel:
    (line,) = reply.headers.get_all("Set-Cookie")
    (morsel,) = http.cookies.SimpleCookie(line).values()
    return morsel


# --- Signing up -------------------------------------------------------------------------------------------------------------------


def test_whoever_comes_first_runs_the_server_and_nobody_comes_second():
    with Server(FAST) as first:
        assert Person(first).get("/api/auth").json() == {"signUp": True}

        def register(number: int):
            body = {"email": f"p{number}@example.com", "password": PASSWORD, "name": "P"}
            return Person(first).post("/api/auth/register", body)

        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            replies = list(pool.map(register, range(6)))
        assert sorted(reply.status for reply in replies) == [201, 403, 403, 403, 403, 403]
        (made,) = [reply for reply in replies if reply.status == 201]
        assert made.json()["account"]["isOperator"] is True and made.json()["mayCreateProjects"] is True
        assert Person(first).get("/api/auth").json() == {"signUp": False}
        assert len(account_command(first, "list").stdout.splitlines()) == 1


def test_sign_up_can_be_switched_off():
    with Server({**FAST, "MAGPIE_SIGN_UP": "off"}) as closed:
        person = Person(closed, "a@example.com")
        assert person.get("/api/auth").json() == {"signUp": False}
        problem(person.post("/api/auth/register", {"email": "a@example.com", "password": PASSWORD}), 403)
        create_account(closed, "a@example.com")
        assert person.sign_in().get("/api/auth/me").json()["account"]["isOperator"] is True


def test_registering_signs_in(server):
    person = Person(server, address())
    reply = person.post("/api/auth/register", {"email": f"  {person.email.upper()} ", "password": PASSWORD, "name": "Zoë"})
    assert reply.status == 201
    account = reply.json()["account"]
    assert account["email"] == person.email and account["name"] == "Zoë" and account["isOperator"] is False
    assert person.get("/api/auth/me").json()["account"] == account
    again = Person(server).post("/api/auth/register", {"email": person.email, "password": PASSWORD})
    assert "e-mail address" in problem(again, 409) and again.headers["Set-Cookie"] is None


@pytest.mark.parametrize(
    "fields",
    [
        {"email": "nobody", "password": PASSWORD},
        {"email": "a@b@c", "password": PASSWORD},
        {"email": "a b@example.com", "password": PASSWORD},
        {"email": "a@" + "x" * 300, "password": PASSWORD},
        {"email": "short@example.com", "password": "seven77"},
        {"email": "long@example.com", "password": "x" * 1025},
        {"email": "nul@example.com", "password": "with\0a NUL"},
        {"email": "n@example.com", "password": PASSWORD, "name": "x" * 300},
        {"email": "n@example.com", "password": PASSWORD, "name": 5},
        {"email": ["n@example.com"], "password": PASSWORD},
        {"email": "n@example.com"},
        {"password": PASSWORD},
        [],
        "text",
    ],
)
def test_what_is_no_account_is_refused(server, fields):
    problem(Person(server).post("/api/auth/register", fields), 400)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 2000])
def test_a_body_that_is_no_json_is_refused(server, body):
    for path in ("register", "sign-in"):
        problem(Person(server).post(f"/api/auth/{path}", body, headers={"Content-Type": "application/json"}), 400)


def test_a_body_that_is_too_long_is_refused(server):
    problem(Person(server).post("/api/auth/sign-in", {"email": "a" * 70_000, "password": "x"}), 413)


# --- The cookie -------------------------------------------------------------------------------------------------------------------


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(server, ann):
    reply = ann.post("/api/auth/sign-in", {"email": ann.email, "password": PASSWORD})
    morsel = cookie_of(reply)
    assert morsel.key == COOKIE and morsel["httponly"] is True and morsel["samesite"] == "Lax" and morsel["path"] == "/"
    assert not morsel["secure"] and not morsel["domain"]
    assert 29 * 86_400 < int(morsel["max-age"]) <= 30 * 86_400
    assert reply.headers["Cache-Control"] == "no-store" and morsel.value not in reply.text


@pytest.mark.parametrize("settings, fields", [({"MAGPIE_PUBLIC_URL": "https://media.example.com"}, {}), ({}, {"X-Forwarded-Proto": "https"})])
def test_behind_tls_the_cookie_is_of_this_host_and_for_tls_only(settings, fields):
    with Server({**FAST, **settings}) as secure:
        create_account(secure, "a@example.com")
        body = {"email": "a@example.com", "password": PASSWORD}
        reply = Person(secure).post("/api/auth/sign-in", body, headers=fields)
        morsel = cookie_of(reply)
        assert morsel.key == f"__Host-{COOKIE}" and morsel["secure"] is True and morsel["path"] == "/" and not morsel["domain"]
        for name, status in ((morsel.key, 200), (COOKIE, 401)):
            asked = Person(secure).request("GET", "/api/auth/me", headers={**fields, "Cookie": f"{name}={morsel.value}"})
            assert asked.status == status


def test_only_a_digest_of_the_token_and_a_slow_hash_are_kept(server, ann):
    rows = server.database.value("select string_agg(s::text, ' ') from magpie.account_sessions as s")
    assert ann.token not in rows
    stored = server.database.value(f"select password_hash from magpie.accounts where email = '{ann.email}'")
    assert stored.startswith("$scrypt$ln=14,r=8,p=3$") and PASSWORD not in stored
    assert ann.token not in server.log() and PASSWORD not in server.log()


@pytest.mark.parametrize("value", ["", "x", "A" * 43, "A" * 44, "é" * 20, "../../etc", "A" * 5000, '"quoted"'])
def test_what_is_no_session_is_nobody(server, value):
    reply = Person(server).request("GET", "/api/auth/me", headers={"Cookie": f"{COOKIE}={value}".encode().decode("latin-1")})
    problem(reply, 401)
    assert reply.headers["WWW-Authenticate"]


def test_a_cookie_that_somebody_put_beside_it_is_not_taken(server, ann):
    other = Person(server, ann.email).sign_in()
    for line in (f"{COOKIE}={ann.token}; {COOKIE}={other.token}", f"{COOKIE}={other.token};{COOKIE}=x"):
        problem(ann.request("GET", "/api/auth/me", headers={"Cookie": line}), 401)
    assert ann.request("GET", "/api/auth/me", headers={"Cookie": f"a=b; {COOKIE}={ann.token}; c=d"}).status == 200


# --- Fixation ---------------------------------------------------------------------------------------------------------------------


def test_a_token_that_the_client_brings_is_never_taken_over(server, ann):
    for brought in ("A" * 43, ann.token):
        victim = Person(server, ann.email)
        victim.cookies = {COOKIE: brought}
        victim.sign_in()
        assert victim.token != brought
        problem(Person(server).request("GET", "/api/auth/me", headers={"Cookie": f"{COOKIE}={brought}"}), 401)


def test_a_new_password_comes_with_a_new_token_and_ends_what_was(server, ann):
    elsewhere = Person(server, ann.email).sign_in()
    old = ann.token
    problem(ann.post("/api/auth/password", {"currentPassword": "wrong", "newPassword": "another password"}), 403)
    problem(ann.post("/api/auth/password", {"currentPassword": PASSWORD, "newPassword": "short"}), 400)
    assert elsewhere.get("/api/auth/me").status == 200
    reply = ann.post("/api/auth/password", {"currentPassword": PASSWORD, "newPassword": "another password"})
    assert reply.status == 200 and ann.token != old
    assert reply.json()["csrfToken"] != ann.csrf
    assert ann.get("/api/auth/me").status == 200
    problem(elsewhere.get("/api/auth/me"), 401)
    problem(Person(server).request("GET", "/api/auth/me", headers={"Cookie": f"{COOKIE}={old}"}), 401)
    problem(Person(server).post("/api/auth/sign-in", {"email": ann.email, "password": PASSWORD}), 401)
    Person(server, ann.email, "another password").sign_in()


# --- Forgery ----------------------------------------------------------------------------------------------------------------------

CHANGES = [
    ("POST", "/api/auth/sign-out"),
    ("POST", "/api/auth/sign-out-everywhere"),
    ("POST", "/api/auth/password"),
    ("DELETE", "/api/auth/sessions/{session}"),
    ("POST", "/api/account/projects"),
    ("POST", "/api/account/projects/default/members"),
    ("PATCH", "/api/account/projects/default/members/{account}"),
    ("DELETE", "/api/account/projects/default/members/{account}"),
    ("POST", "/api/account/projects/default/keys"),
    ("DELETE", "/api/account/projects/default/keys/x"),
    ("POST", "/api/default/upload"),
    ("POST", "/api/default/folders"),
    ("PUT", "/api/default/transforms/x"),
    ("DELETE", "/api/default/img_x"),
    ("POST", "/api/default/plugins/draw/activate"),
]


@pytest.mark.parametrize("method, path", CHANGES)
def test_every_change_needs_the_token_of_the_session(server, method, path):
    root = Person(server, "root@example.com").sign_in()
    other = Person(server, "root@example.com").sign_in()
    session = root.get("/api/auth/me").json()["session"]["id"]
    target = path.format(session=session, account=root.id)
    for shown in ("", "x", other.csrf, root.csrf[:-1], root.token):
        reply = root.request(method, target, {}, headers={"X-CSRF-Token": shown})
        assert "X-CSRF-Token" in problem(reply, 403)
    reply = root.request(method, target, {}, headers={"Sec-Fetch-Site": "cross-site"})
    assert "origin" in problem(reply, 403)
    assert root.get("/api/auth/me").status == 200


def test_reading_needs_no_token_and_tells_no_other_origin(server, ann):
    reply = ann.request("GET", "/api/auth/me", headers={"Origin": "https://evil.example.com"})
    assert reply.status == 200
    assert reply.headers["Access-Control-Allow-Credentials"] is None


@pytest.mark.parametrize("path", ["sign-in", "register"])
def test_a_form_of_another_site_signs_nobody_in(server, ann, path):
    body = {"email": ann.email, "password": PASSWORD}
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        problem(Person(server).post(f"/api/auth/{path}", json.dumps(body).encode(), headers={"Content-Type": content_type}), 415)
    for site in ("cross-site", "same-site"):
        problem(Person(server).post(f"/api/auth/{path}", body, headers={"Sec-Fetch-Site": site}), 403)


# --- What errors tell -------------------------------------------------------------------------------------------------------------


def test_one_error_for_everybody_who_is_not_let_in(server, ann):
    disabled = address("gone")
    create_account(server, disabled)
    assert account_command(server, "disable", disabled).returncode == 0
    tries = [
        (ann.email, "wrong password"),
        (address("nobody"), PASSWORD),
        ("no address", PASSWORD),
        ("", ""),
        (disabled, PASSWORD),
        (ann.email, ""),
        (ann.email, PASSWORD + "\u00a0"),
        (ann.email, "x" * 2000),
    ]
    answers = set()
    for email, password in tries:
        reply = Person(server).post("/api/auth/sign-in", {"email": email, "password": password})
        assert reply.headers["Set-Cookie"] is None
        answers.add(problem(reply, 401))
    assert len(answers) == 1


def test_an_address_that_nobody_has_takes_as_long(server, ann):
    def seconds(email: str) -> float:
        begin = time.perf_counter()
        assert Person(server).post("/api/auth/sign-in", {"email": email, "password": "wrong password"}).status == 401
        return time.perf_counter() - begin

    known, unknown = [], []
    for _ in range(9):
        known.append(seconds(ann.email))
        unknown.append(seconds(address("nobody")))
    known, unknown = min(known), min(unknown)
    # A hashing takes tens of milliseconds: without it an answer would take a tenth of that.
    assert unknown > 0.5 * known, (known, unknown)
    assert statistics.fmean([known, unknown]) > 0.01


def test_letters_that_are_composed_otherwise_are_the_same_password(server):
    email = address()
    create_account(server, email, password="Zoe\u0308 wartet lang")
    Person(server, email, "Zo\u00eb wartet lang").sign_in()


# --- Limits -----------------------------------------------------------------------------------------------------------------------


def test_failures_are_limited_for_an_account_and_for_an_address():
    settings = {"MAGPIE_PASSWORD_COST": "14", "MAGPIE_SIGN_IN_ATTEMPTS": "3", "MAGPIE_CLIENT_ADDRESS_HEADER": "X-Forwarded-For"}
    with Server(settings) as limited:
        for name in ("a", "b"):
            create_account(limited, f"{name}@example.com")

        def attempt(email: str, password: str, address: str):
            body = {"email": email, "password": password}
            return Person(limited).post("/api/auth/sign-in", body, headers={"X-Forwarded-For": f"6.6.6.6, {address}"})

        # Who knows the password is not limited.
        assert {attempt("a@example.com", PASSWORD, "10.0.0.1").status for _ in range(6)} == {200}
        for email in ("a@example.com", "nobody@example.com"):
            statuses = [attempt(email, "wrong", f"10.0.1.{number}") for number in range(5)]
            assert [reply.status for reply in statuses] == [401, 401, 401, 429, 429]
            assert 1 <= int(statuses[-1].headers["Retry-After"]) <= 30
        assert attempt("A@Example.com ", PASSWORD, "10.0.2.1").status == 429
        assert attempt("b@example.com", PASSWORD, "10.0.2.1").status == 200
        # From one network, whatever the account and whatever was said before the proxy.
        statuses = [attempt(f"n{number}@example.com", "wrong", f"2001:db8:0:1::{number + 1}").status for number in range(14)]
        assert statuses == [401] * 12 + [429] * 2
        assert attempt("b@example.com", PASSWORD, "2001:db8:0:1:ffff::1").status == 429
        assert attempt("b@example.com", PASSWORD, "2001:db8:0:2::1").status == 200


def test_many_at_once_are_counted_before_they_fail():
    with Server({"MAGPIE_PASSWORD_COST": "14", "MAGPIE_SIGN_IN_ATTEMPTS": "4"}) as limited:
        create_account(limited, "a@example.com")

        def attempt(_):
            return Person(limited).post("/api/auth/sign-in", {"email": "a@example.com", "password": "wrong"}).status

        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            statuses = list(pool.map(attempt, range(12)))
        assert statuses.count(401) == 4 and statuses.count(429) == 8


# --- Sessions ---------------------------------------------------------------------------------------------------------------------


def test_sessions_are_listed_and_ended_one_by_one(server, ann):
    other = Person(server, ann.email).sign_in()
    listed = ann.get("/api/auth/sessions").json()
    assert [item["isCurrent"] for item in listed].count(True) == 1 and len(listed) == 2
    assert all(item["kind"] == "cookie" and item["address"] == "127.0.0.1" for item in listed)
    (theirs,) = [item["id"] for item in listed if not item["isCurrent"]]
    stranger = Person(server, "root@example.com").sign_in()
    problem(stranger.request("DELETE", f"/api/auth/sessions/{theirs}"), 404)
    problem(ann.request("DELETE", "/api/auth/sessions/none"), 404)
    assert ann.request("DELETE", f"/api/auth/sessions/{theirs}").status == 204
    problem(other.get("/api/auth/me"), 401)
    assert ann.get("/api/auth/me").status == 200


def test_signing_out_ends_the_session_and_everywhere_all_of_them(server, ann):
    others = [Person(server, ann.email).sign_in() for _ in range(2)]
    token = others[0].token
    assert others[0].post("/api/auth/sign-out").status == 204
    assert others[0].cookies == {}
    problem(Person(server).request("GET", "/api/auth/me", headers={"Cookie": f"{COOKIE}={token}"}), 401)
    assert ann.post("/api/auth/sign-out-everywhere").status == 204
    problem(others[1].get("/api/auth/me"), 401)
    problem(ann.get("/api/auth/me"), 401)


def test_a_session_lasts_for_being_used_and_no_longer_than_it_may():
    with Server({**FAST, "MAGPIE_SESSION_IDLE": "3600s", "MAGPIE_SESSION_LIFETIME": "5000s"}) as short:
        create_account(short, "a@example.com")
        person = Person(short, "a@example.com").sign_in()
        first = person.get("/api/auth/me").json()["session"]
        move = "update magpie.account_sessions set {0} = {0} - interval '{1} s'"
        for column in ("used_at", "expires_at", "ends_at", "created_at"):
            short.database.run(move.format(column, 2000))
        assert person.get("/api/auth/me").status == 200
        later = short.database.value("select (expires_at = ends_at)::text || (used_at > created_at + interval '1000 s')::text from magpie.account_sessions")
        assert later == "truetrue" and first["expiresAt"] < first["endsAt"]
        short.database.run(move.format("expires_at", 3001))
        problem(person.get("/api/auth/me"), 401)


# --- The command ------------------------------------------------------------------------------------------------------------------


def test_the_command_makes_lists_disables_and_grants(server):
    email = address("cli")
    identity = create_account(server, email.upper(), "--name", "Cli")
    listed = {item["email"]: item for item in json.loads(account_command(server, "list", "--json").stdout)}
    assert listed[email]["id"] == identity and listed[email]["name"] == "Cli" and listed[email]["operator"] is False
    assert listed["root@example.com"]["operator"] is True
    again = account_command(server, "create", email, password=PASSWORD)
    assert again.returncode != 0 and "account" in again.stderr and again.stderr.count("\n") == 1
    for bad in ("", "short"):
        refused = account_command(server, "create", address(), password=bad)
        assert refused.returncode != 0 and "password" in refused.stderr

    person = Person(server, email).sign_in()
    assert person.get("/api/account/projects").json() == []
    assert account_command(server, "grant", email, "default", "Viewer").returncode == 0
    assert [(item["projectId"], item["role"]) for item in person.get("/api/account/projects").json()] == [("default", "viewer")]
    assert account_command(server, "grant", email, "default", "admin").returncode == 0
    assert person.get("/api/account/projects").json()[0]["role"] == "admin"
    assert account_command(server, "grant", email, "default", "none").returncode == 0
    assert person.get("/api/account/projects").json() == []
    for arguments in ((email, "nowhere", "admin"), (address(), "default", "admin"), (email, "default", "king")):
        assert account_command(server, "grant", *arguments).returncode != 0

    assert account_command(server, "password", email, password="something else").returncode == 0
    problem(person.get("/api/auth/me"), 401)
    person.sign_in("something else")
    assert account_command(server, "disable", email).returncode == 0
    problem(person.get("/api/auth/me"), 401)
    problem(person.post("/api/auth/sign-in", {"email": email, "password": "something else"}), 401)
    assert account_command(server, "disable", email, "--undo").returncode == 0
    person.sign_in("something else")


def test_a_hash_of_another_cost_is_renewed_at_sign_in():
    with Server({**FAST, "MAGPIE_PASSWORD_COST": "15"}) as running:
        create_account(running, "a@example.com")
        read = "select password_hash from magpie.accounts"
        before = running.database.value(read)
        assert before.startswith("$scrypt$ln=15,")
        running.settings["MAGPIE_PASSWORD_COST"] = "14"
        running.stop()
        running.start()
        Person(running, "a@example.com").sign_in()
        after = running.database.value(read)
        assert after.startswith("$scrypt$ln=14,")
        Person(running, "a@example.com").sign_in()
        assert running.database.value(read) == after


# --- Paths ------------------------------------------------------------------------------------------------------------------------


def test_what_is_at_no_path_is_not_found_and_methods_are_named(server, ann):
    for path in ("/api/auth/none", "/api/auth/me/x", "/api/account", "/api/account/projects/x", "/api/account/projects//members"):
        problem(ann.get(path), 404)
    reply = ann.get("/api/auth/sign-in")
    problem(reply, 405)
    assert reply.headers["Allow"] == "POST"
    head = ann.request("HEAD", "/api/auth/me")
    assert head.status == 200 and head.body == b"" and int(head.headers["Content-Length"]) > 100
