# SPDX-License-Identifier: Apache-2.0
"""Files in projects' own buckets that become assets."""

from __future__ import annotations

import io
import json

import pytest
from PIL import Image

from Support import pictures
from Support.peers import BUCKET, Peer, use_s3
from Support.pixault import Project, create_project
from Support.server import Server, wait_until

ASSET = "img_01J9Q2B7ZK3V8M5T6R4W2X1Y0Z"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="30" height="20"><rect width="30" height="20" fill="red"/></svg>'


@pytest.fixture(scope="module", params=["seaweedfs", "moto"])
def peer(request):
    with Peer(request.param) as running:
        yield running


@pytest.fixture(scope="module")
def server(peer):
    with Server({"MAGPIE_BYOS_PRIVATE_ENDPOINTS": "on", "MAGPIE_LOG_LEVEL": "info"}) as running:
        yield running


@pytest.fixture
def shop(server, peer) -> Project:
    """A project with a store of its own."""
    return own_project(server, peer)


def own_project(server: Server, peer: Peer) -> Project:
    project = Project(server, create_project(server))
    made = use_s3(server, project.name, peer.url)
    assert made.returncode == 0, made.stderr
    return project


def begin(server: Server, project: Project, **order) -> str:
    """Begins an import. - Returns: the job's id."""
    payload = json.dumps({"prefix": f"media/{project.name}/", "dryRun": False, **order}).replace("'", "''")
    key = f"bucket-import/{project.name}"
    return server.database.value(f"select (magpie.enqueue_job('bucket-import', '{project.name}', NULL, '{payload}', '{key}')).id")


def state(server: Server, job: str) -> dict:
    return server.database.rows(
        f"select status, total, processed, succeeded, failed, recent_errors, failure from magpie.jobs where id = '{job}'"
    )[0]


def imported(server: Server, project: Project, seconds: float = 90, **order) -> dict:
    """What an import has come to."""
    job = begin(server, project, **order)
    assert wait_until(lambda: state(server, job)["status"] not in ("Pending", "Discovering", "Running"), seconds), state(server, job)
    return state(server, job)


def add(peer: Peer, key: str, body: bytes) -> None:
    peer.client.put_object(Bucket=BUCKET, Key=key, Body=body)


def assets(server: Server, project: Project) -> dict[str, dict]:
    rows = server.database.rows(
        "select a.id, a.file_name, a.folder, a.public_id, a.media_type, a.size, a.width, a.height, a.inspected_version is not null "
        "as inspected, l.key, l.md5 from magpie.assets a join storage.objects o on o.id = a.object_id join magpie.blobs l on "
        f"l.version = o.version where a.bucket_id = '{project.name}'"
    )
    return {row["file_name"]: row for row in rows}


def noise(width: int, height: int, form: str) -> bytes:
    """An image of more bytes than are read of it."""
    picture = Image.effect_noise((width, height), 200).convert("RGB")
    out = io.BytesIO()
    picture.save(out, form, **({"lossless": True} if form == "WEBP" else {}))
    assert len(out.getvalue()) > 80_000
    return out.getvalue()


def test_images_become_assets_and_their_sources_stay(server, peer, shop):
    place = f"media/{shop.name}/"
    picture = pictures.quarters()
    files = {
        f"{place}old/Bär & Ä%20 +1.jpg": picture,
        f"{place}a.png": pictures.quarters(40, 30, "PNG"),
        f"{place}b.webp": pictures.quarters(60, 30, "WEBP"),
        f"{place}c.gif": pictures.quarters(20, 30, "GIF"),
        f"{place}d.svg": SVG,
        f"{place}notes.txt": b"no image",
        f"{place}fake.jpg": b"no image either",
        f"{place}empty.jpg": b"",
        f"{place}{ASSET}": picture,
    }
    for key, body in files.items():
        add(peer, key, body)

    result = imported(server, shop, folder="moved/here")

    assert (result["status"], result["succeeded"], result["failed"]) == ("Completed", 6, 0), result
    assert result["processed"] == 8 and result["total"] == 8
    found = assets(server, shop)
    assert set(found) == {"Bär & Ä%20 +1.jpg", "a.png", "b.webp", "c.gif", "d.svg", ASSET}
    assert found[ASSET]["id"] == ASSET and found[ASSET]["key"] == place + ASSET and found[ASSET]["md5"] is None
    sizes = {name: (row["width"], row["height"]) for name, row in found.items()}
    assert sizes == {
        "Bär & Ä%20 +1.jpg": (400, 300), ASSET: (400, 300), "a.png": (40, 30), "b.webp": (60, 30), "c.gif": (20, 30), "d.svg": (30, 20),
    }  # fmt: skip
    for name, row in found.items():
        assert row["folder"] == "moved/here" and row["inspected"] and row["key"] == place + row["id"], name
    assert found["a.png"]["public_id"] == "a" and found[ASSET]["public_id"] is None
    for key, body in files.items():
        assert peer.client.get_object(Bucket=BUCKET, Key=key)["Body"].read() == body, key
    for name in ("Bär & Ä%20 +1.jpg", ASSET):
        shown = shop.fetch(f"{found[name]['id']}/w_40.jpg")
        assert shown.status == 200 and pictures.opened(shown.body).width == 40
        assert found[name]["size"] == len(picture)

    keys = peer.keys(place)
    again = imported(server, shop, folder="moved/here")
    assert (again["status"], again["processed"], again["succeeded"]) == ("Completed", 2, 0), "only what is no image is looked at again"
    assert peer.keys(place) == keys and len(assets(server, shop)) == 6


def test_large_images_are_measured_by_their_beginning(server, peer, shop):
    place = f"media/{shop.name}/"
    bodies = {"large.jpg": noise(700, 500, "JPEG"), "large.png": noise(400, 300, "PNG"), "large.webp": noise(700, 400, "WEBP")}
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x9286] = "x" * 60_000
    padded = io.BytesIO()
    Image.effect_noise((700, 500), 200).convert("RGB").save(padded, "JPEG", exif=exif, icc_profile=b"\0" * 150_000)
    bodies["padded.jpg"] = padded.getvalue()
    for name, body in bodies.items():
        add(peer, place + name, body)

    assert imported(server, shop)["succeeded"] == 4

    first = assets(server, shop)
    print({name: (row["width"], row["inspected"]) for name, row in first.items()})
    assert (first["large.jpg"]["width"], first["large.jpg"]["inspected"]) == (700, True)
    assert (first["large.png"]["width"], first["large.png"]["inspected"]) == (400, True)
    # What the beginning does not say is found out a little later.
    assert wait_until(lambda: all(row["inspected"] for row in assets(server, shop).values()), 60)
    sizes = {name: (row["width"], row["height"]) for name, row in assets(server, shop).items()}
    assert sizes == {"large.jpg": (700, 500), "large.png": (400, 300), "large.webp": (700, 400), "padded.jpg": (500, 700)}


def test_a_dry_run_changes_nothing(server, peer, shop):
    add(peer, f"media/{shop.name}/x.jpg", pictures.quarters())
    result = imported(server, shop, dryRun=True)
    assert (result["status"], result["succeeded"]) == ("Completed", 1)
    assert assets(server, shop) == {} and peer.keys(f"media/{shop.name}/") == [f"media/{shop.name}/x.jpg"]


def test_deleting_takes_what_is_ours_and_no_more(server, peer, shop):
    place = f"media/{shop.name}/"
    add(peer, place + ASSET, pictures.quarters())
    add(peer, place + "theirs.jpg", pictures.quarters())
    assert imported(server, shop)["succeeded"] == 2
    for row in assets(server, shop).values():
        assert shop.request("DELETE", row["id"]).status in (200, 204)
    assert wait_until(lambda: peer.keys(place) == [place + "theirs.jpg"], 60), peer.keys(place)


@pytest.mark.timeout(600)
def test_a_kill_in_the_middle_loses_and_doubles_nothing(peer):
    count = 600
    with Server({"MAGPIE_BYOS_PRIVATE_ENDPOINTS": "on"}) as server:
        shop = own_project(server, peer)
        place = f"media/{shop.name}/"
        picture = pictures.quarters(20, 20, "PNG")
        for number in range(count):
            add(peer, f"{place}photo {number}.png", picture)
        job = begin(server, shop, folder="new")
        for kill in range(3):
            wanted = 60 + 120 * kill
            assert wait_until(lambda: len(assets(server, shop)) >= wanted, 60), state(server, job)
            server.kill(with_database=kill == 1)
            server.start()
        assert wait_until(lambda: state(server, job)["status"] == "Completed", 180), state(server, job)
        result = state(server, job)
        found = server.database.rows(
            "select a.id, a.file_name, a.folder, a.width, l.key from magpie.assets a join storage.objects o on o.id = a.object_id "
            f"join magpie.blobs l on l.version = o.version where a.bucket_id = '{shop.name}'"
        )
        assert sorted(row["file_name"] for row in found) == sorted(f"photo {number}.png" for number in range(count))
        assert {row["folder"] for row in found} == {"new"} and {row["width"] for row in found} == {20}
        assert (result["succeeded"], result["failed"], result["processed"]) == (count, 0, count), result
        again = imported(server, shop, folder="new")
        assert (again["status"], again["processed"]) == ("Completed", 0)
        # What the kills left behind are copies under reserved keys, which nobody takes for files of the owner's.
        held = set(peer.keys(place))
        assert {row["key"] for row in found} <= held
        assert len([key for key in held if key.endswith(".png")]) == count


def test_cancelling_ends_an_import(server, peer, shop):
    for number in range(300):
        add(peer, f"media/{shop.name}/{number}.png", pictures.quarters(20, 20, "PNG"))
    job = begin(server, shop)
    assert wait_until(lambda: len(assets(server, shop)) > 5, 30)
    with peer.held():
        assert server.command("jobs", "cancel", job).returncode == 0
        assert wait_until(lambda: state(server, job)["status"] == "Cancelled", 30), state(server, job)
    assert imported(server, shop)["status"] == "Completed"
    assert len(assets(server, shop)) == 300


def test_a_store_that_is_down_is_waited_for(server):
    with Peer("moto") as peer:
        shop = own_project(server, peer)
        job = begin(server, shop)
        assert wait_until(lambda: state(server, job)["status"] == "Completed", 30)
        peer.stop()
        job = begin(server, shop)
        assert wait_until(lambda: state(server, job)["failure"], 30)
        assert state(server, job)["status"] in ("Pending", "Running")
        assert server.command("jobs", "cancel", job).returncode == 0
