# SPDX-License-Identifier: Apache-2.0
"""Projects that keep their originals in a bucket of their own."""

from __future__ import annotations

import os
import time
import urllib.parse
import urllib.request
import uuid

import pytest

from Support import pictures, tus
from Support.peers import ACCESS_KEY, BUCKET, SECRET_KEY, Peer, use_s3
from Support.pixault import Project, create_project
from Support.server import Server, wait_until
from Support.wire import Wire

LARGE = 2 << 20


@pytest.fixture(scope="module", params=["seaweedfs", "moto"])
def peer(request):
    with Peer(request.param) as running:
        yield running


@pytest.fixture(scope="module")
def server(peer):
    with Server({"MAGPIE_BYOS_PRIVATE_ENDPOINTS": "on", "MAGPIE_LOG_LEVEL": "debug"}) as running:
        yield running


@pytest.fixture
def shop(server, way) -> Project:
    """A project with a store of its own, behind a way that can be cut."""
    way.open()
    project = Project(server, create_project(server))
    made = use_s3(server, project.name, way.url)
    assert made.returncode == 0, made.stderr
    return project


def object_path(project: Project, key: str) -> str:
    return f"/object/{project.name}/{key}"


def put(server, project, key: str, body: bytes, method: str = "POST"):
    wire = Wire(server.port, server.keys.service)
    return wire.request(method, object_path(project, key), body, headers={"Content-Type": "application/octet-stream", "x-upsert": "true"})


def get(server, project, key: str, **options):
    return Wire(server.port, server.keys.service).get(object_path(project, key), **options)


def place_of(server, project, key: str) -> tuple[str, str]:
    row = server.database.rows(
        "SELECT l.backend, l.key FROM storage.objects o JOIN magpie.blobs l ON l.version = o.version "
        f"WHERE o.bucket_id = '{project.name}' AND o.name = '{key}'"
    )[0]
    return row["backend"], row["key"]


def test_assets_are_in_the_bucket_under_their_ids(server, peer, shop):
    picture = pictures.quarters()
    asset = shop.upload(picture)["imageId"]
    assert peer.keys(f"media/{shop.name}/") == [f"media/{shop.name}/{asset}"]
    assert peer.client.get_object(Bucket=BUCKET, Key=f"media/{shop.name}/{asset}")["Body"].read() == picture
    shown = shop.fetch(f"{asset}/w_40.jpg")
    assert shown.status == 200 and pictures.opened(shown.body).width == 40


def test_every_dialect_writes_there_and_reads_from_there(server, peer, shop):
    body = os.urandom(LARGE)
    assert put(server, shop, "a/b.bin", body).status == 200
    wire = Wire(server.port, server.keys.service)
    client = tus.Tus(wire)
    path = client.begin(shop.name, "tus.bin", len(body))
    assert client.patch(path, 0, body).status == 204
    for key in ("a/b.bin", "tus.bin"):
        found = get(server, shop, key)
        assert (found.status, found.body == body) == (200, True)
        part = get(server, shop, key, headers={"Range": "bytes=1000-1999"})
        assert (part.status, part.body == body[1000:2000]) == (206, True)
        backend, name = place_of(server, shop, key)
        assert backend.startswith("byos_") and name in peer.keys(f"media/{shop.name}/")


def test_overwriting_and_deleting_leaves_nothing_behind(server, peer, shop):
    for number in range(3):
        assert put(server, shop, "x.bin", f"{number}".encode() * 1000).status == 200
    assert wait_until(lambda: len(peer.keys(f"media/{shop.name}/")) == 1, 60)
    assert get(server, shop, "x.bin").body == b"2" * 1000
    assert Wire(server.port, server.keys.service).delete(object_path(shop, "x.bin")).status == 200
    assert wait_until(lambda: peer.keys(f"media/{shop.name}/") == [], 60)


def test_what_else_is_in_the_bucket_is_left_alone(server, peer, shop):
    theirs = [f"media/{shop.name}/holiday.jpg", f"media/{shop.name}/{uuid.uuid4()}", "store.json", f"blobs/{uuid.uuid4()}"]
    for key in theirs:
        peer.client.put_object(Bucket=BUCKET, Key=key, Body=b"theirs")
    assert put(server, shop, "x.bin", b"x").status == 200
    assert server.command("verify", "--repair").returncode in (0, 1)
    for key in theirs:
        assert peer.client.get_object(Bucket=BUCKET, Key=key)["Body"].read() == b"theirs"


def test_a_store_that_is_left_is_still_read(server, peer, shop):
    assert put(server, shop, "old.bin", b"o" * LARGE).status == 200
    assert server.command("backend", "remove", shop.name).returncode == 0
    assert put(server, shop, "new.bin", b"n").status == 200
    assert place_of(server, shop, "new.bin")[0] == "managed"
    assert get(server, shop, "old.bin").body == b"o" * LARGE
    assert server.command("backend", "remove", shop.name, "--forget").returncode == 0
    assert wait_until(lambda: get(server, shop, "old.bin").status == 502, 20)
    assert get(server, shop, "new.bin").status == 200


def test_the_same_place_is_the_same_store_again(server, peer, way, shop):
    assert put(server, shop, "old.bin", b"o" * LARGE).status == 200
    server.command("backend", "remove", shop.name, "--forget")
    assert use_s3(server, shop.name, way.url).returncode == 0
    assert wait_until(lambda: get(server, shop, "old.bin").status == 200, 20)


@pytest.mark.parametrize("outage, status", [("refuse", 502), ("hang", 504)])
def test_an_outage_is_an_error_that_nobody_keeps_and_variants_go_on(server, way, shop, outage, status):
    picture = pictures.quarters(1200, 900, "PNG")
    asset = shop.upload(picture)["imageId"]
    assert shop.fetch(f"{asset}/w_50.jpg").status == 200
    assert put(server, shop, "x.bin", b"x" * LARGE).status == 200
    getattr(way, outage)()
    begin = time.monotonic()
    for reply in (shop.fetch(f"{asset}/w_51.jpg"), get(server, shop, "x.bin"), shop.fetch(f"{asset}/original.png")):
        assert (reply.status, reply.headers["Cache-Control"]) == (status, "no-store"), reply.text
    assert time.monotonic() - begin < 130
    assert shop.fetch(f"{asset}/w_50.jpg").status == 200
    assert put(server, shop, "y.bin", b"y").status == status
    health = server.command("backend", "list", shop.name, "--json")
    assert '"failure":"' in health.stdout.replace('": "', '":"'), health.stdout
    way.open()
    assert wait_until(lambda: get(server, shop, "x.bin").status == 200, 30)
    assert shop.fetch(f"{asset}/w_51.jpg").status == 200


def test_deletions_wait_for_a_store_that_is_out_of_reach_and_others_do_not(server, peer, way, shop):
    assert put(server, shop, "x.bin", b"x").status == 200
    other = Project(server, create_project(server))
    assert put(server, other, "y.bin", b"y" * 5000).status == 200
    held = len(server.blobs())
    way.hang()
    wire = Wire(server.port, server.keys.service)
    assert wire.delete(object_path(shop, "x.bin")).status == 200
    assert wire.delete(object_path(other, "y.bin")).status == 200
    assert wait_until(lambda: len(server.blobs()) < held, 10)
    way.open()
    assert wait_until(lambda: peer.keys(f"media/{shop.name}/") == [], 150)


def test_a_store_that_cannot_be_used_is_not_taken(server, peer, way, shop):
    way.open()
    # moto takes any signature, and SeaweedFS makes buckets that are missing.
    wrong = {"bucket": "no-such-bucket"} if peer.name == "moto" else {"secret": "wrong" * 8}
    refused = use_s3(server, shop.name, way.url, **wrong)
    assert refused.returncode != 0 and "write" in refused.stderr, refused.stderr
    assert "wrongwrong" not in refused.stderr
    assert put(server, shop, "x.bin", b"x").status == 200
    assert place_of(server, shop, "x.bin")[1] in peer.keys(f"media/{shop.name}/")


def test_plans_without_it_have_no_storage_of_their_own(server, way):
    project = create_project(server, None, "--plan", "growth")
    refused = use_s3(server, project.project, way.url)
    assert refused.returncode != 0 and "growth" in refused.stderr


def test_secrets_are_nowhere_to_be_read(server, shop):
    assert put(server, shop, "x.bin", b"x").status == 200
    listed = server.command("backend", "list", "--json")
    assert SECRET_KEY not in listed.stdout and ACCESS_KEY not in listed.stdout
    assert SECRET_KEY not in server.log()
    rows = server.database.value("SELECT string_agg(w::text, ' ') FROM magpie.own_backends w")
    assert SECRET_KEY not in rows and SECRET_KEY.encode().hex() not in rows


def test_verify_reads_every_store(server, peer, way, shop):
    assert put(server, shop, "x.bin", b"x" * 1000).status == 200
    _, name = place_of(server, shop, "x.bin")
    peer.client.put_object(Bucket=BUCKET, Key=name, Body=b"y" * 1000)
    found = server.command("verify")
    assert found.returncode == 1 and f"damaged   {shop.name}/x.bin" in found.stdout, found.stdout
    peer.client.delete_object(Bucket=BUCKET, Key=name)
    assert f"lost      {shop.name}/x.bin" in server.command("verify").stdout
    way.refuse()
    assert f"unknown   {shop.name}/x.bin" in server.command("verify").stdout
    way.open()
    Wire(server.port, server.keys.service).delete(object_path(shop, "x.bin"))


def test_a_killed_server_leaves_nothing_that_is_not_found(peer):
    with Server({"MAGPIE_BYOS_PRIVATE_ENDPOINTS": "on"}) as server:
        project = Project(server, create_project(server))
        assert use_s3(server, project.name, peer.url).returncode == 0
        # As if it had been killed between the bytes and the row.
        backend = server.database.value("SELECT backend_id FROM magpie.bucket_backends")
        key = f"media/{project.name}/{uuid.uuid4()}"
        server.database.run(
            f"INSERT INTO magpie.blob_intents VALUES ('{backend}', '{key}', '{uuid.uuid4()}', now() - interval '2 days')"
        )
        peer.client.put_object(Bucket=BUCKET, Key=key, Body=b"left")
        server.kill()
        server.start()
        assert wait_until(lambda: key not in peer.keys(f"media/{project.name}/"), 60)


@pytest.fixture(scope="module")
def closed_server():
    """A server that lets nobody into private networks."""
    with Server() as running:
        yield running


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://127.0.0.1:1",
        "https://127.0.0.1:1",
        "https://localhost",
        "https://[::1]",
        "https://[::ffff:127.0.0.1]",
        "https://10.0.0.1",
        "https://169.254.169.254",
        "https://2130706433",
        "https://0x7f.1",
        "https://0",
    ],
)
def test_strangers_endpoints_lead_nowhere_near(closed_server, endpoint):
    project = create_project(closed_server)
    refused = use_s3(closed_server, project.project, endpoint)
    assert refused.returncode != 0 and "endpoint" in refused.stderr, refused.stderr


# --- Downloads that do not pass through the server ----------------------------------------------------------------


@pytest.fixture
def direct_shop(server, shop) -> Project:
    changed = server.command("backend", "direct", shop.name, "--from", "1MB")
    assert changed.returncode == 0, changed.stderr
    return shop


def public_path(project: Project, key: str) -> str:
    return f"/object/public/{project.name}/{key}"


def test_large_originals_are_fetched_from_the_store_itself(server, way, direct_shop):
    body = os.urandom(LARGE)
    assert put(server, direct_shop, "large", body).status == 200
    assert put(server, direct_shop, "small", b"small").status == 200

    reply = Wire(server.port).get(public_path(direct_shop, "large"))

    assert reply.status == 302 and reply.headers["Cache-Control"] == "no-store"
    location = urllib.parse.urlsplit(reply.headers["Location"])
    assert f"http://{location.netloc}" == way.url
    fetched = urllib.request.urlopen(reply.headers["Location"], timeout=20)
    assert fetched.read() == body and fetched.headers["Content-Type"] == "application/octet-stream"
    assert Wire(server.port).get(public_path(direct_shop, "small")).body == b"small"


def test_a_name_to_save_under_goes_along(server, direct_shop):
    put(server, direct_shop, "large", os.urandom(LARGE))
    location = Wire(server.port).get(public_path(direct_shop, "large") + "?download=report.bin").headers["Location"]
    fetched = urllib.request.urlopen(location, timeout=20)
    assert "attachment" in fetched.headers["Content-Disposition"] and "report.bin" in fetched.headers["Content-Disposition"]


@pytest.mark.parametrize("field", ["apikey", "x-api-key", "Cookie", "Authorization"])
def test_who_shows_credentials_is_served_here(server, direct_shop, field):
    body = os.urandom(LARGE)
    assert put(server, direct_shop, "large", body).status == 200
    secret = f"Bearer {server.keys.service}" if field == "Authorization" else server.keys.service
    assert Wire(server.port).get(public_path(direct_shop, "large"), headers={field: secret}).body == body


def test_a_signed_url_leads_there_as_long_as_it_is_good(server, direct_shop):
    body = os.urandom(LARGE)
    assert put(server, direct_shop, "large", body).status == 200
    admin = Wire(server.port, server.keys.service)
    signed = admin.send_json("POST", f"/object/sign/{direct_shop.name}/large", {"expiresIn": 60}).json()["signedURL"]
    reply = Wire(server.port).get(signed)
    assert reply.status == 302 and urllib.request.urlopen(reply.headers["Location"], timeout=20).read() == body
    assert Wire(server.port).get(signed[:-3] + "abc").status == 400


def test_nobody_is_sent_to_what_is_not_public(server, direct_shop):
    assert put(server, direct_shop, "large", os.urandom(LARGE)).status == 200
    server.database.run(f"UPDATE storage.buckets SET public = false WHERE id = '{direct_shop.name}'")
    wait_until(lambda: Wire(server.port).get(public_path(direct_shop, "large")).status != 302, 10)
    assert Wire(server.port).get(public_path(direct_shop, "large")).status in (400, 404)


def test_storage3_downloads_from_such_a_bucket_as_ever(server, direct_shop):
    from storage3 import SyncStorageClient

    body = os.urandom(LARGE)
    assert put(server, direct_shop, "large", body).status == 200
    keys = {"Authorization": f"Bearer {server.keys.service}", "apikey": server.keys.service}
    client = SyncStorageClient(f"{server.url}/storage/v1/", keys).from_(direct_shop.name)
    assert client.download("large") == body
    assert urllib.request.urlopen(client.get_public_url("large"), timeout=20).read() == body


def test_downloads_pass_through_the_server_again(server, direct_shop):
    body = os.urandom(LARGE)
    assert put(server, direct_shop, "large", body).status == 200
    assert server.command("backend", "direct", direct_shop.name, "--off").returncode == 0
    path = public_path(direct_shop, "large")
    assert wait_until(lambda: Wire(server.port).get(path).status == 200, 10) and Wire(server.port).get(path).body == body
