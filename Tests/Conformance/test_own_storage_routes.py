# SPDX-License-Identifier: Apache-2.0
"""Where originals go, and moving them, over HTTP: every route and status, who may, and that credentials never come out."""

from __future__ import annotations

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.parse
import uuid

import pytest
from Support import pictures
from Support.azure_fake import ACCOUNT
from Support.azure_fake import KEY as AZURE_KEY
from Support.console import FAST, ROLES, Person, account_command, create_account, create_roles, sign_in_roles
from Support.peers import ACCESS_KEY, BUCKET, SECRET_KEY, Peer
from Support.pixault import Project, create_project
from Support.server import ROOT, Server
from Support.tokens import new_subject, token
from Support.wire import Reply, Wire

MANAGED = {"provider": "managed", "isByos": False}
UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def peer():
    with Peer("seaweedfs") as running:
        yield running


@pytest.fixture(scope="module")
def server(peer):
    """One that runs no jobs: they stay as they were ordered."""
    with Server({**FAST, "MAGPIE_BYOS_PRIVATE_ENDPOINTS": "on", "MAGPIE_LOG_LEVEL": "debug", "MAGPIE_JOB_WORKERS": "0"}) as running:
        create_roles(running)
        yield running


@pytest.fixture(scope="module")
def people(server) -> dict[str, Person]:
    return sign_in_roles(server)


class Shop(Project):
    """A project with one of each role. `owner` asks for what is below `/api/{project}`."""

    people: dict[str, Person]

    def ask(self, method: str, path: str, body: object = None, role: str = "owner", **options) -> Reply:
        return self.people[role].request(method, f"/api/{self.name}/{path}", body, **options)

    def bare(self, method: str, path: str, **options) -> Reply:
        return self.wire.request(method, f"/api/{self.name}/{path}", **options)


def make_shop(server: Server, people: dict[str, Person], *options: str) -> Shop:
    shop = Shop(server, create_project(server, None, "--private", *options))
    shop.people = people
    for role in ROLES[1:-1]:
        granted = account_command(server, "grant", f"{role}@example.com", shop.name, role)
        assert granted.returncode == 0, granted.stderr
    return shop


@pytest.fixture
def shop(server, people, way) -> Shop:
    way.open()
    return make_shop(server, people)


@pytest.fixture
def s3(way) -> dict:
    """What configures a bucket behind a way that can be cut."""
    return {
        "provider": "s3", "bucket": BUCKET, "region": "us-east-1", "endpoint": way.url, "accessKeyId": ACCESS_KEY,
        "secretAccessKey": SECRET_KEY, "pathPrefix": "media/",
    }  # fmt: skip


def problem(reply: Reply, status: int) -> str:
    assert reply.status == status, reply.text
    assert reply.headers["Content-Type"] == "application/problem+json" and reply.headers["Cache-Control"] == "no-store"
    body = reply.json()
    assert body["status"] == status and body["error"] == body["detail"]
    return body["detail"]


def fine(reply: Reply, status: int = 200) -> dict:
    assert reply.status == status, reply.text
    assert reply.headers["Cache-Control"] == "no-store"
    return reply.json()


# --- The contract, route by route -------------------------------------------------------------------------------------------------


def test_a_project_begins_in_the_servers_own_storage(shop):
    assert fine(shop.ask("GET", "storage")) == MANAGED
    health = fine(shop.ask("POST", "storage/health"))
    assert health["healthy"] is True and health["provider"] == "managed" and health["checkedAt"] and health["latencyMs"] == 0
    assert fine(shop.ask("DELETE", "storage")) == MANAGED
    head = shop.ask("HEAD", "storage")
    assert (head.status, head.body) == (200, b"")


def test_a_bucket_is_tried_configured_shown_and_left(shop, peer, way, s3):
    tried = fine(shop.ask("POST", "storage/validate", s3))
    assert tried["valid"] is True and tried["latencyMs"] >= 0 and set(tried) == {"valid", "latencyMs"}
    assert fine(shop.ask("GET", "storage")) == MANAGED, "trying keeps nothing"
    assert peer.keys(f"media/{shop.name}/") == []

    made = fine(shop.ask("PUT", "storage", s3))
    assert made == fine(shop.ask("GET", "storage"))
    assert {name: made[name] for name in ("provider", "isByos", "bucket", "region", "endpoint", "pathPrefix", "healthy", "error")} == {
        "provider": "s3", "isByos": True, "bucket": BUCKET, "region": "us-east-1", "endpoint": way.url, "pathPrefix": "media/",
        "healthy": True, "error": None,
    }  # fmt: skip
    assert made["configuredAt"].endswith("Z") and made["lastHealthCheckAt"].endswith("Z")
    asset = shop.upload(pictures.quarters())["imageId"]
    assert peer.keys(f"media/{shop.name}/") == [f"media/{shop.name}/{asset}"]

    health = fine(shop.ask("POST", "storage/health"))
    assert health["healthy"] is True and health["latencyMs"] >= 0 and set(health) == {"healthy", "checkedAt", "latencyMs"}
    assert fine(shop.ask("GET", "storage"))["lastHealthCheckAt"] == health["checkedAt"]

    assert fine(shop.ask("DELETE", "storage")) == MANAGED == fine(shop.ask("GET", "storage"))
    shop.upload(pictures.quarters(20, 20))
    assert peer.keys(f"media/{shop.name}/") == [f"media/{shop.name}/{asset}"]


def test_what_was_given_can_be_sent_back_with_the_credentials(shop, s3):
    made = fine(shop.ask("PUT", "storage", s3))
    secrets = {"credentials": {name: s3[name] for name in ("accessKeyId", "secretAccessKey")}}
    again = fine(shop.ask("PUT", "storage", {**made, **secrets}))
    assert {**again, "configuredAt": 0, "lastHealthCheckAt": 0} == {**made, "configuredAt": 0, "lastHealthCheckAt": 0}


def test_fields_have_other_names(shop, s3, way):
    aliases = {
        "Provider": "S3Compatible", "bucketName": BUCKET, "serviceUrl": way.url, "prefix": "/media", "ForcePathStyle": True,
        "credentials": {"AccessKeyId": ACCESS_KEY, "SecretAccessKey": SECRET_KEY}, "containerName": None,
    }  # fmt: skip
    assert fine(shop.ask("POST", "storage/validate", aliases))["valid"] is True
    made = fine(shop.ask("PUT", "storage", aliases))
    assert (made["provider"], made["bucket"], made["pathPrefix"]) == ("s3", BUCKET, "media/")
    for provider in ("S3", "AwsS3", "awss3", "s3-compatible"):
        assert fine(shop.ask("POST", "storage/validate", {**s3, "provider": provider}))["valid"] is True


@pytest.fixture(scope="module")
def cloud(request):
    directory = pathlib.Path(tempfile.mkdtemp(prefix="magpie-cloud-"))
    command = [str(ROOT / "Tests" / "Support" / "cloud-peer"), request.param, str(directory)]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "MAGPIE_TEST_PROGRAMS": str(pathlib.Path(sys.executable).parent)},
    )  # fmt: skip
    url = process.stdout.readline().strip()
    assert url, f"{request.param} did not start"
    yield request.param, url, directory
    process.stdin.close()
    process.wait(30)
    process.stdout.close()
    shutil.rmtree(directory, ignore_errors=True)


@pytest.mark.parametrize("cloud", ["azure", "gcs"], indirect=True)
def test_azure_and_google_are_configured_like_s3(server, people, cloud):
    name, url, directory = cloud
    shop = make_shop(server, people)
    if name == "azure":
        secret = AZURE_KEY
        connection = f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={AZURE_KEY};BlobEndpoint={url}"
        body = {"provider": "AzureBlob", "containerName": BUCKET, "connectionString": connection, "pathPrefix": "in/here"}
        wrong = {**body, "connectionString": connection.replace(AZURE_KEY, "d3Jvbmc=")}
    else:
        key = (directory / "key.json").read_text()
        secret = json.loads(key)["private_key"].splitlines()[1]
        body = {"provider": "GoogleCloud", "bucket": BUCKET, "endpoint": url, "serviceAccountJson": key, "pathPrefix": "in/here/"}
        wrong = {**body, "bucket": "no-such-bucket"}
    refused = fine(shop.ask("POST", "storage/validate", wrong))
    assert refused["valid"] is False and refused["stage"] == "write" and refused["error"], refused
    made = shop.ask("PUT", "storage", body)
    assert fine(made)["provider"] == name and made.json()["pathPrefix"] == "in/here/" and made.json()["bucket"] == BUCKET
    picture = pictures.quarters()
    asset = shop.upload(picture)["imageId"]
    owner = server.database.value(f"SELECT backend_id FROM magpie.bucket_backends WHERE bucket_id = '{shop.name}'")
    places = server.database.rows(f"SELECT key FROM magpie.blobs WHERE backend = '{owner}'")
    assert [row["key"] for row in places] == [f"in/here/{shop.name}/{asset}"]
    assert fine(shop.ask("POST", "storage/health"))["healthy"] is True
    for text in (made.text, shop.ask("GET", "storage").text, server.log()):
        assert secret not in text


# --- What is refused --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change, named",
    [
        ({"provider": "ftp"}, "provider"),
        ({"provider": None}, "provider"),
        ({"provider": 3}, "provider"),
        ({"bucket": ""}, "bucket"),
        ({"bucket": "a/../b"}, "bucket"),
        ({"bucket": "UPPER"}, "bucket"),
        ({"bucket": [BUCKET]}, "bucket"),
        ({"bucketName": "another"}, "bucket"),
        ({"region": "not a region"}, "region"),
        ({"endpoint": "ftp://example.com"}, "endpoint"),
        ({"endpoint": "http://user:word@127.0.0.1:1"}, "endpoint"),
        ({"endpoint": "http://127.0.0.1:1/?x=y"}, "endpoint"),
        ({"pathPrefix": "../up"}, "pathPrefix"),
        ({"pathPrefix": "x" * 300}, "pathPrefix"),
        ({"pathPrefix": {"a": 1}}, "pathPrefix"),
        ({"forcePathStyle": "yes"}, "forcePathStyle"),
        ({"accessKeyId": "new\nline"}, "accessKeyId"),
        ({"secretAccessKey": None}, "secretAccessKey"),
        ({"secretAccessKey": "x" * 2000}, "secretAccessKey"),
        ({"secretAccesKey": "typo"}, "secretAccesKey"),
        ({"connectionString": "AccountKey=x"}, "connectionString"),
        ({"credentials": "text"}, "credentials"),
        ({"credentials": {"password": "x"}}, "password"),
        ({"provider": "azure", "region": None, "endpoint": None, "accessKeyId": None, "secretAccessKey": None}, "connectionString"),
    ],
)
def test_a_field_that_is_wrong_is_named_and_not_repeated(shop, s3, change, named):
    for method, path in (("PUT", "storage"), ("POST", "storage/validate")):
        said = problem(shop.ask(method, path, {**s3, **change}), 400)
        assert named in said and SECRET_KEY not in said and "user:word" not in said, said
    assert fine(shop.ask("GET", "storage")) == MANAGED


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"s3"', b"\xff\xfe", b"[" * 3000, b'{"provider":"s3\\u0000"}'])
def test_a_body_that_is_no_object_is_refused(shop, body):
    for method, path in (("PUT", "storage"), ("POST", "storage/validate")):
        problem(shop.ask(method, path, body, headers={"Content-Type": "application/json"}), 400)


def test_a_body_that_is_too_long_is_refused(shop, s3):
    for method, path in (("PUT", "storage"), ("POST", "storage/validate"), ("POST", "migrations/bucket-import")):
        problem(shop.ask(method, path, {**s3, "region": "x" * 70_000}), 413)


def test_methods_that_are_not_there_are_told(shop):
    for path, allowed in (("storage", "GET, HEAD, PUT, DELETE"), ("storage/validate", "POST"), ("migrations", "GET, HEAD")):
        reply = shop.ask("PATCH", path, {})
        problem(reply, 405)
        assert reply.headers["Allow"] == allowed
    assert shop.ask("GET", "storage/other").status == 404
    problem(shop.ask("DELETE", "storage?forgetCredentials=maybe"), 400)


WRONG = "wrongSecretKey0123456789abcdefghijklmnop"


def test_a_bucket_that_can_not_be_used_is_said_with_its_stage_and_nothing_changes(shop, way, s3):
    fine(shop.ask("PUT", "storage", s3))
    before = fine(shop.ask("GET", "storage"))
    wrong = {**s3, "secretAccessKey": WRONG}
    found = fine(shop.ask("POST", "storage/validate", wrong))
    assert found["valid"] is False and found["stage"] == "write" and "403" in found["error"], found
    reply = shop.ask("PUT", "storage", wrong)
    assert "write" in problem(reply, 422) and reply.json()["stage"] == "write"
    way.refuse()
    reply = shop.ask("PUT", "storage", {**s3, "pathPrefix": "elsewhere"})
    assert reply.json()["stage"] == "write" and "not reached" in problem(reply, 422)
    health = fine(shop.ask("POST", "storage/health"))
    assert health["healthy"] is False and health["stage"] == "write" and "not reached" in health["error"]
    after = fine(shop.ask("GET", "storage"))
    assert after["healthy"] is False and after["error"].startswith("write: ") and after["lastHealthCheckAt"] == health["checkedAt"]
    same = {name: before[name] for name in ("bucket", "pathPrefix", "endpoint", "configuredAt")}
    assert {name: after[name] for name in same} == same
    way.open()
    assert fine(shop.ask("POST", "storage/health"))["healthy"] is True


def test_plans_without_it_have_no_storage_of_their_own(server, people, s3):
    shop = make_shop(server, people, "--plan", "growth")
    for method, path in (("PUT", "storage"), ("POST", "storage/validate")):
        assert "growth" in problem(shop.ask(method, path, s3), 403)
    assert fine(shop.ask("GET", "storage")) == MANAGED


@pytest.fixture(scope="module")
def closed():
    """A server that lets nobody into private networks."""
    with Server(FAST) as running:
        create_account(running, "operator@example.com")
        project = create_project(running).project
        yield Person(running, "operator@example.com").sign_in(), project


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://127.0.0.1:1",
        "https://localhost",
        "https://[::1]",
        "https://[::ffff:127.0.0.1]",
        "https://10.0.0.1",
        "https://169.254.169.254",
        "https://2130706433",
        "https://0x7f.1",
        "http://127.0.0.1:1",
    ],
)
def test_endpoints_lead_nowhere_near(closed, s3, endpoint):
    person, project = closed
    body = {**s3, "endpoint": endpoint}
    found = fine(person.post(f"/api/{project}/storage/validate", body))
    assert found["valid"] is False and found["stage"] == "connect" and "endpoint" in found["error"], found
    reply = person.request("PUT", f"/api/{project}/storage", body)
    assert "endpoint" in problem(reply, 422) and reply.json()["stage"] == "connect"
    account = {"provider": "azure", "container": "acme", "connectionString": f"AccountName=a;AccountKey=eA==;BlobEndpoint={endpoint}"}
    assert fine(person.post(f"/api/{project}/storage/validate", account))["stage"] == "connect"


# --- Originals --------------------------------------------------------------------------------------------------------------------


def original(shop: Shop, asset: str) -> Reply:
    return Wire(shop.wire.port).get(f"/{shop.name}/{asset}/original.png", headers=shop.headers)


def test_other_credentials_of_the_same_place_go_on_reading_what_is_there(server, shop, s3):
    fine(shop.ask("PUT", "storage", s3))
    picture = pictures.quarters(64, 48, "PNG")
    asset = shop.upload(picture)["imageId"]
    first = server.database.rows(f"SELECT b.id FROM magpie.own_backends b WHERE b.bucket_id = '{shop.name}'")
    # The service knows one key: what changes is where the blobs of the place are opened with.
    fine(shop.ask("PUT", "storage", {**s3, "region": "eu-west-1"}))
    assert server.database.rows(f"SELECT b.id FROM magpie.own_backends b WHERE b.bucket_id = '{shop.name}'") == first
    assert read(server, shop, asset) == picture
    fine(shop.ask("PUT", "storage", {**s3, "pathPrefix": "other/"}))
    assert read(server, shop, asset) == picture, "another place moves nothing"


def read(server: Server, shop: Shop, key: str) -> bytes | int:
    found = Wire(server.port, server.keys.service).get(f"/object/authenticated/{shop.name}/{key}")
    return found.body if found.status == 200 else found.status


def test_leaving_keeps_originals_readable_unless_asked_to_forget(server, shop, s3):
    fine(shop.ask("PUT", "storage", s3))
    picture = pictures.quarters(64, 48, "PNG")
    asset = shop.upload(picture)["imageId"]
    fine(shop.ask("DELETE", "storage"))
    assert read(server, shop, asset) == picture
    fine(shop.ask("DELETE", "storage?forgetCredentials=true"))
    assert read(server, shop, asset) == 502
    fine(shop.ask("PUT", "storage", s3))
    assert read(server, shop, asset) == picture


# --- Who may ----------------------------------------------------------------------------------------------------------------------

ROUTES = [
    ("GET", "storage", 200),
    ("PUT", "storage", 400),
    ("POST", "storage/validate", 400),
    ("POST", "storage/health", 200),
    ("DELETE", "storage", 200),
    ("GET", "migrations", 200),
    ("GET", f"migrations/{UNKNOWN}", 404),
    ("GET", "migrations/no-id", 404),
    ("POST", f"migrations/{UNKNOWN}/cancel", 404),
    ("POST", "migrations/storage", 409),
    ("POST", "migrations/bucket-import", 409),
]


@pytest.mark.parametrize("method, path, status", ROUTES, ids=[f"{row[0]} {row[1]}" for row in ROUTES])
def test_owners_say_where_originals_are_and_admins_move_them(server, shop, method, path, status):
    body = {} if method == "PUT" or path == "storage/validate" else None
    least = "owner" if path.startswith("storage") else "admin"
    for role in ROLES:
        expected = status if ROLES.index(role) >= ROLES.index(least) else 403
        assert shop.ask(method, path, body, role=role).status == expected, role
    # Nobody, and who says they are.
    content = b"{}" if body is not None else None
    assert shop.bare(method, path, body=content).status == 401
    assert shop.bare(method, path, body=content, headers={"Cookie": "magpie_session=forged"}).status == 401
    # Keys of the project, and of another.
    assert shop.request(method, path, body).status == (403 if path.startswith("storage") else status)
    stranger = Project(server, create_project(server))
    assert shop.bare(method, path, body=content, headers=stranger.headers).status == 403
    assert shop.bare(method, path, body=content, headers={"X-Api-Key": shop.keys.publishableKey}).status in (401, 403)
    # Tokens: the service's, and those that see nothing of the project.
    assert shop.bare(method, path, body=content, token=server.keys.service).status == status
    for text in (server.keys.anon, token(server.keys.jwt_secret, subject=new_subject())):
        reply = shop.bare(method, path, body=content, token=text)
        # A body that is wrong is wrong for everybody.
        assert reply.status == (400 if status == 400 else 404), reply.text
        if status != 400:
            here = re.sub(r'"traceId":"[^"]*"', "", reply.text).replace(shop.name, "-")
            nowhere = Wire(server.port, text).request(method, f"/api/p-{uuid.uuid4().hex}/{path}", content)
            assert nowhere.status == reply.status and re.sub(r'"traceId":"[^"]*"', "", nowhere.text) == here


def test_a_project_that_is_hidden_does_not_exist_for_who_may_not_know(server, shop, s3):
    for text in (server.keys.anon, token(server.keys.jwt_secret, subject=new_subject())):
        for method, path in (("PUT", "storage"), ("POST", "storage/validate")):
            assert shop.bare(method, path, body=json.dumps(s3).encode(), token=text).status == 404


def test_who_may_only_see_a_project_may_not_know_where_it_is(server, shop, s3):
    stranger = token(server.keys.jwt_secret, subject=new_subject())
    with server.database.policies(f"on storage.buckets for select to authenticated using (id = '{shop.name}')"):
        for method, path, _ in ROUTES:
            body = json.dumps(s3).encode() if method == "PUT" or path == "storage/validate" else None
            assert shop.bare(method, path, body=body, token=stranger).status == 403, path


@pytest.mark.parametrize("method, path", [row[:2] for row in ROUTES if row[0] != "GET"])
def test_changes_by_cookie_need_the_token_of_the_page(shop, method, path):
    for forged in ("", "0" * 64):
        reply = shop.ask(method, path, {}, headers={"X-CSRF-Token": forged})
        assert reply.status == 403, (forged, reply.text)


def test_a_bucket_that_is_no_project_has_no_storage_of_its_own(server):
    admin = Wire(server.port, server.keys.service)
    name = f"plain-{uuid.uuid4().hex[:8]}"
    assert admin.send_json("POST", "/bucket", {"name": name}).status == 200
    assert admin.get(f"/api/{name}/storage").status == 404
    assert admin.post(f"/api/{name}/migrations/storage").status == 404


# --- Migrations -------------------------------------------------------------------------------------------------------------------

STATUS = [
    "id", "source", "status", "totalAssets", "processedAssets", "succeededAssets", "failedAssets", "createdAt", "startedAt", "completedAt",
    "error", "recentErrors",
]  # fmt: skip


def test_a_migration_is_ordered_shown_listed_and_cancelled(shop, s3):
    assert "never had other storage" in problem(shop.ask("POST", "migrations/storage"), 409)
    assert fine(shop.ask("GET", "migrations")) == {"migrations": [], "nextCursor": None, "hasMore": False}
    fine(shop.ask("PUT", "storage", s3))
    begun = fine(shop.ask("POST", "migrations/storage", role="admin"), 202)
    assert set(begun) == {"jobId", "status"} and begun["status"] == "Pending" and uuid.UUID(begun["jobId"])
    path = f"migrations/{begun['jobId']}"
    shown = fine(shop.ask("GET", path))
    assert list(shown) == STATUS and shown["id"] == begun["jobId"] and shown["source"] == "storage-migration"
    assert shown["recentErrors"] == [] and shown["totalAssets"] == 0 and shown["completedAt"] is None
    assert fine(shop.request("GET", path)) == shown, "keys of the project may"
    assert fine(shop.ask("GET", "migrations"))["migrations"] == [shown]

    for other in ("migrations/storage", "migrations/bucket-import"):
        assert begun["jobId"] in problem(shop.ask("POST", other), 409)
    assert fine(shop.ask("PUT", "storage", s3))["isByos"] is True, "credentials may change under it"

    ended = fine(shop.ask("POST", f"{path}/cancel"), 202)
    assert list(ended) == STATUS and ended["status"] == "Cancelled" and ended["completedAt"]
    assert "Cancelled" in problem(shop.ask("POST", f"{path}/cancel"), 409)
    assert fine(shop.ask("GET", path))["status"] == "Cancelled"
    assert fine(shop.ask("POST", "migrations/storage"), 202)["jobId"] != begun["jobId"]


def test_an_import_is_for_a_bucket_of_ones_own_and_says_what_to_do(server, shop, s3):
    assert "no storage of its own" in problem(shop.ask("POST", "migrations/bucket-import"), 409)
    fine(shop.ask("PUT", "storage", s3))
    orders = [
        (None, {"prefix": f"media/{shop.name}/", "folder": None, "dryRun": False}),
        ({}, {"prefix": f"media/{shop.name}/", "folder": None, "dryRun": False}),
        ({"prefix": "old/", "folder": "in/here", "dryRun": True}, {"prefix": "old/", "folder": "in/here", "dryRun": True}),
        ({"prefix": None, "folder": None, "dryRun": None}, {"prefix": f"media/{shop.name}/", "folder": None, "dryRun": False}),
    ]
    for body, payload in orders:
        begun = fine(shop.ask("POST", "migrations/bucket-import", body), 202)
        assert fine(shop.ask("GET", f"migrations/{begun['jobId']}"))["source"] == "bucket-import"
        kept = server.database.value(f"SELECT payload FROM magpie.jobs WHERE id = '{begun['jobId']}'")
        assert json.loads(kept) == payload
        fine(shop.ask("POST", f"migrations/{begun['jobId']}/cancel"), 202)
    for body, named in [
        ({"prefix": 5}, "prefix"), ({"prefix": "a\0b"}, "prefix"), ({"prefix": "x" * 2000}, "prefix"), ({"folder": "a/../b"}, "older"),
        ({"dryRun": "yes"}, "dryRun"), ({"dryrun": True}, "dryrun"), ({"colour": 1}, "colour"),
    ]:  # fmt: skip
        assert named in problem(shop.ask("POST", "migrations/bucket-import", body), 400)
    problem(shop.ask("POST", "migrations/bucket-import", b"{", headers={"Content-Type": "application/json"}), 400)


def test_a_list_is_paged_from_the_newest(server, shop):
    for number in range(7):
        kind = "bucket-import" if number % 2 else "storage-migration"
        server.database.run(
            "INSERT INTO magpie.jobs (kind, bucket_id, status, created_at, completed_at) VALUES "
            f"('{kind}', '{shop.name}', 'Completed', now() - interval '{7 - number} hours', now())"
        )
    server.database.run(
        f"INSERT INTO magpie.jobs (kind, bucket_id, status, completed_at) VALUES ('inspect', '{shop.name}', 'Completed', now())"
    )
    whole = fine(shop.ask("GET", "migrations"))
    assert len(whole["migrations"]) == 7 and whole["nextCursor"] is None and whole["hasMore"] is False
    times = [item["createdAt"] for item in whole["migrations"]]
    assert times == sorted(times, reverse=True)
    pages, cursor = [], ""
    while True:
        page = fine(shop.ask("GET", f"migrations?limit=3&cursor={cursor}"))
        pages.append(page["migrations"])
        assert page["hasMore"] == (page["nextCursor"] is not None)
        cursor = page["nextCursor"]
        if cursor is None:
            break
    assert [len(page) for page in pages] == [3, 3, 1] and sum(pages, []) == whole["migrations"]
    assert len(fine(shop.ask("GET", "migrations?limit=0"))["migrations"]) == 1
    assert len(fine(shop.ask("GET", "migrations?limit=1000"))["migrations"]) == 7
    for query in ("limit=x", "cursor=x", "cursor=MSAy", "cursor=" + "A" * 300, "limit=%zz"):
        problem(shop.ask("GET", f"migrations?{query}"), 400)


def test_the_state_has_the_latest_errors(server, shop):
    errors = [{"subject": f"img_{n}", "key": f"k{n}", "message": f"m{n}", "at": f"2026-11-22T01:00:{n:02}.000Z"} for n in range(25)]
    job = str(uuid.uuid4())
    server.database.run(
        "INSERT INTO magpie.jobs (id, kind, bucket_id, status, completed_at, total, processed, succeeded, failed, recent_errors) VALUES "
        f"('{job}', 'storage-migration', '{shop.name}', 'CompletedWithErrors', now(), 30, 30, 5, 25, '{json.dumps(errors)}')"
    )
    shown = fine(shop.ask("GET", f"migrations/{job.upper()}"))
    assert (shown["status"], shown["totalAssets"], shown["processedAssets"]) == ("CompletedWithErrors", 30, 30)
    assert (shown["succeededAssets"], shown["failedAssets"]) == (5, 25)
    assert [item["assetId"] for item in shown["recentErrors"]] == [f"img_{n}" for n in range(5, 25)]
    assert shown["recentErrors"][0] == {"assetId": "img_5", "key": "k5", "message": "m5", "at": "2026-11-22T01:00:05.000Z"}
    assert "CompletedWithErrors" in problem(shop.ask("POST", f"migrations/{job}/cancel"), 409)


def test_other_jobs_and_other_projects_jobs_are_none_of_this_list(server, people, shop):
    other = make_shop(server, people)
    for kind, project in (("storage-migration", other.name), ("inspect", shop.name)):
        job = str(uuid.uuid4())
        server.database.run(f"INSERT INTO magpie.jobs (id, kind, bucket_id) VALUES ('{job}', '{kind}', '{project}')")
        for method, path in (("GET", f"migrations/{job}"), ("POST", f"migrations/{job}/cancel")):
            problem(shop.ask(method, path), 404)
        assert server.database.value(f"SELECT status FROM magpie.jobs WHERE id = '{job}'") == "Pending"


# --- Secrets ----------------------------------------------------------------------------------------------------------------------


def test_secrets_are_nowhere_to_be_read(server, shop, s3, way):
    replies = []

    def ask(method: str, path: str, body: object = None) -> None:
        reply = shop.ask(method, path, body)
        replies.append(reply.text + str(reply.headers))

    unusable = {**s3, "secretAccessKey": WRONG}
    for body in (s3, unusable, {**s3, "region": SECRET_KEY + " "}, {**s3, "bucket": SECRET_KEY}, {**s3, "provider": SECRET_KEY}):
        ask("POST", "storage/validate", body)
        ask("PUT", "storage", body)
    ask("GET", "storage")
    ask("POST", "storage/health")
    ask("POST", "migrations/storage")
    ask("GET", "migrations")
    way.refuse()
    ask("POST", "storage/health")
    way.open()
    ask("DELETE", "storage")
    log = server.log()
    rows = server.database.value("SELECT string_agg(b::text, ' ') FROM magpie.own_backends b")
    jobs = server.database.value("SELECT string_agg(j::text, ' ') FROM magpie.jobs j")
    for text in (*replies, log, rows, jobs):
        for secret in (SECRET_KEY, WRONG, ACCESS_KEY):
            assert secret not in text and secret.encode().hex() not in text
