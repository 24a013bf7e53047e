# SPDX-License-Identifier: Apache-2.0
"""What projects configure of their images: named transforms, watermarks, plugins, and the signing of originals."""

from __future__ import annotations

import io
import re

import pytest
from PIL import Image
from Support.tokens import new_subject, token
from Support.wire import Wire

UNSET = {
    "width": None,
    "height": None,
    "fitMode": None,
    "quality": None,
    "blur": None,
    "watermarkId": None,
    "watermarkPosition": None,
    "watermarkOpacity": None,
    "plugins": None,
    "lockedPlugins": [],
    "lockedParameters": [],
}
PLUGINS = ["bg", "smart_crop", "wt", "filter", "draw"]


def picture(colour: str = "red", kind: str = "PNG", size: tuple[int, int] = (40, 40)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, kind)
    return buffer.getvalue()


def problem(reply, status: int) -> str:
    """Checks that an answer says what went wrong as this dialect does. Returns what it says."""
    assert reply.status == status, reply.text
    assert reply.headers["Content-Type"] == "application/problem+json"
    assert reply.headers["Cache-Control"] == "no-store"
    body = reply.json()
    assert body["type"] == f"https://httpstatuses.io/{status}" and body["status"] == status and body["title"]
    assert body["error"] == body["detail"]
    return body["detail"]


@pytest.fixture
def api(admin, bucket):
    """Requests to a project's part of the interface."""

    def send(method: str, path: str, body=None, wire: Wire = admin, **options):
        if isinstance(body, dict):
            return wire.send_json(method, f"/api/{bucket}/{path}", body, **options)
        return wire.request(method, f"/api/{bucket}/{path}", body, **options)

    return send


@pytest.fixture
def reader(server, database, bucket):
    """A user who sees the bucket and may not update it."""
    with database.policies(f"on storage.buckets for select to authenticated using (id = '{bucket}')"):
        yield Wire(server.port, token(server.keys.jwt_secret, subject=new_subject()))


@pytest.fixture
def editor(server, database, bucket, reader):
    """A user who may update the bucket."""
    with database.policies(f"on storage.buckets for update to authenticated using (id = '{bucket}')"):
        yield Wire(server.port, token(server.keys.jwt_secret, subject=new_subject()))


# --- Named transforms -----------------------------------------------------------------------------------------------------------


def test_a_transform_is_made_read_replaced_and_deleted(api, bucket):
    body = {
        "width": 320,
        "height": 240,
        "fitMode": "Cover",
        "quality": 78,
        "blur": 3,
        "watermarkId": "logo",
        "watermarkPosition": "br",
        "watermarkOpacity": 0,
        "plugins": {"filter": ["sepia", "brightness-1.2"], "background-removal": "remove"},
        "lockedPlugins": ["filter"],
        "lockedParameters": ["height", "width"],
    }
    kept = {
        "name": "card",
        "projectId": bucket,
        **body,
        "fitMode": "cover",
        "plugins": {"bg": "remove", "filter": ["sepia", "brightness-1.2"]},
        "lockedParameters": ["width", "height"],
    }
    reply = api("PUT", "transforms/card", body)
    assert (reply.status, reply.json()) == (200, kept)
    assert list(reply.json()) == ["name", "projectId", *UNSET]
    assert api("GET", "transforms/card").json() == kept
    assert api("PUT", "transforms/a-plain1", {}).json() == {"name": "a-plain1", "projectId": bucket, **UNSET}
    assert [item["name"] for item in api("GET", "transforms").json()] == ["a-plain1", "card"]
    assert api("GET", "transforms/").json() == api("GET", "transforms").json()

    assert api("PUT", "transforms/card", {"width": 1}).json() == {"name": "card", "projectId": bucket, **UNSET, "width": 1}
    reply = api("DELETE", "transforms/card")
    assert (reply.status, reply.body) == (204, b"")
    assert "card" in problem(api("DELETE", "transforms/card"), 404)
    assert "card" in problem(api("GET", "transforms/card"), 404)


def test_nulls_are_unset_and_what_was_given_can_be_sent_back(api):
    first = api("PUT", "transforms/card", {"name": "card", "projectId": "x", **UNSET, "newField": None, "width": 9}).json()
    assert api("PUT", "transforms/card", first).json() == first


def test_the_older_form_is_understood(api, bucket):
    body = {
        "name": "hero",
        "description": "of the first page",
        "parameters": {"w": 1200, "q": 85, "fit": "pad", "wm": "logo", "wm_pos": "c", "wm_opacity": 40},
        "locked": ["w", "quality"],
    }
    kept = {
        "name": "hero",
        "projectId": bucket,
        **UNSET,
        "width": 1200,
        "quality": 85,
        "fitMode": "pad",
        "watermarkId": "logo",
        "watermarkPosition": "c",
        "watermarkOpacity": 40,
        "lockedParameters": ["width", "quality"],
    }
    reply = api("POST", "transforms", body)
    assert (reply.status, reply.json()) == (201, kept)
    assert "hero" in problem(api("POST", "transforms", body), 409)
    assert api("GET", "transforms/hero").json() == kept


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"width": 0}, "width"),
        ({"width": 4097}, "width"),
        ({"width": 1.5}, "width"),
        ({"height": "10"}, "height"),
        ({"width": 1e300}, "width"),
        ({"fitMode": "stretch"}, "fitMode"),
        ({"fitMode": 1}, "fitMode"),
        ({"quality": 101}, "quality"),
        ({"blur": -1}, "blur"),
        ({"watermarkId": "../logo"}, "watermark"),
        ({"watermarkPosition": "tc"}, "watermarkPosition"),
        ({"watermarkOpacity": 101}, "watermarkOpacity"),
        ({"lockedParameters": ["format"]}, "lockedParameters"),
        ({"lockedParameters": "width"}, "lockedParameters"),
        ({"lockedPlugins": ["sharpen"]}, "lockedPlugins"),
        ({"plugins": {"sharpen": "1"}}, "plugins"),
        ({"plugins": {"filter": "purple"}}, "filter_purple"),
        ({"plugins": {"filter": {"a": 1}}}, "plugins.filter"),
        ({"plugins": ["filter"]}, "plugins"),
        ({"plugins": {"filter": ["sepia"] * 17}}, "plugins"),
        ({"widht": 10}, "widht"),
    ],
)
def test_what_is_wrong_is_named(api, body, field):
    assert field in problem(api("PUT", "transforms/card", body), 400)
    assert api("GET", "transforms").json() == []


@pytest.mark.parametrize("name", ["Card", "-card", "c" * 33, "a_b", "a%2Fb", "%00", "%C3%BC"])
def test_a_name_that_is_none_is_refused(api, name):
    problem(api("PUT", f"transforms/{name}", {}), 400)


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b"\xff\xfe", b"[" * 100_000])
def test_a_body_that_is_no_object_is_refused(api, body):
    problem(api("PUT", "transforms/card", body), 400)


def test_a_body_that_is_too_large_is_refused(api):
    problem(api("PUT", "transforms/card", b"{", headers={"Content-Length": str((1 << 20) + 1)}), 413)


# --- Watermarks -----------------------------------------------------------------------------------------------------------------


def test_a_watermark_is_put_replaced_and_deleted(api):
    first = picture()
    reply = api("PUT", "watermarks/logo", first, headers={"Content-Type": "text/html"})
    assert reply.status == 201
    kept = reply.json()
    assert list(kept) == ["id", "sizeBytes", "contentType", "updatedAt"]
    assert (kept["id"], kept["sizeBytes"], kept["contentType"]) == ("logo", len(first), "image/png")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", kept["updatedAt"])
    assert api("GET", "watermarks/").json() == api("GET", "watermarks").json() == [kept]

    second = picture(kind="JPEG")
    reply = api("PUT", "watermarks/logo", iter([second[:10], second[10:]]))
    assert (reply.status, reply.json()["contentType"], reply.json()["sizeBytes"]) == (200, "image/jpeg", len(second))
    assert api("DELETE", "watermarks/logo").status == 204
    problem(api("DELETE", "watermarks/logo"), 404)
    assert api("GET", "watermarks").json() == []


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (picture(kind="WEBP"), "image/webp"),
        (b'\xef\xbb\xbf<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', "image/svg+xml"),
    ],
)
def test_the_kind_of_a_watermark_is_told_by_its_bytes(api, body, kind):
    assert api("PUT", "watermarks/a_1-b", body).json()["contentType"] == kind


@pytest.mark.parametrize("body", [b"", b"hello", picture(kind="GIF"), b"<html><body></body></html>", b"\x89PNG"])
def test_other_kinds_are_refused(api, body):
    problem(api("PUT", "watermarks/logo", body), 415)


def truncated(kind):
    body = picture(kind=kind)
    return body[: len(body) * 3 // 4]


@pytest.mark.parametrize(
    "body",
    [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"RIFF\x10\0\0\0WEBPVP8 ", b"<svg", b"<svg><script>", truncated("PNG"), truncated("JPEG")],
)
def test_a_watermark_that_cannot_be_drawn_is_refused(api, body):
    problem(api("PUT", "watermarks/logo", body), 415)
    assert api("GET", "watermarks").json() == []


def test_a_watermark_with_too_many_pixels_is_refused(api):
    problem(api("PUT", "watermarks/logo", picture(size=(6000, 5000))), 413)


@pytest.mark.parametrize("name", ["Logo", "_logo", "-a", "a" * 65, "pos_br", "opacity_1", "a%2Fb", "a.png"])
def test_an_id_that_is_none_is_refused(api, name):
    problem(api("PUT", f"watermarks/{name}", picture()), 400)


def test_a_watermark_may_have_as_many_bytes_as_the_setting_says(api):
    body = picture()
    body += b"\0" * (5_000_000 - len(body))
    assert api("PUT", "watermarks/logo", body).json()["sizeBytes"] == 5_000_000


@pytest.mark.parametrize("chunked", [False, True])
def test_a_watermark_that_is_too_large_is_refused(api, chunked):
    body = picture() + b"\0" * 5_000_000
    reply = api("PUT", "watermarks/logo", iter([body]) if chunked else b"\x89", headers={} if chunked else {"Content-Length": "5000001"})
    assert "5000000" in problem(reply, 413)
    assert api("GET", "watermarks").json() == []


# --- Plugins --------------------------------------------------------------------------------------------------------------------


def test_the_catalogue_is_everybodys(anyone):
    entries = anyone.get("/api/plugins").json()
    assert [entry["name"] for entry in entries] == PLUGINS
    for entry in entries:
        assert entry["urlPrefix"] == entry["name"] and entry["priceCentsPerInvocation"] == 0
        assert entry["displayName"] and entry["description"] and entry["vendor"] and entry["category"]
        assert entry["stage"] in ("PreProcess", "PostResize", "PostProcess") and "isActivated" not in entry
        assert anyone.get(f"/api/plugins/{entry['name']}").json() == entry
    assert anyone.get("/api/plugins/background-removal").json() == entries[0]
    problem(anyone.get("/api/plugins/none"), 404)


def test_plugins_are_activated_and_deactivated(api):
    def active() -> list[str]:
        entries = api("GET", "plugins").json()
        assert [entry["name"] for entry in entries] == PLUGINS
        return [entry["name"] for entry in entries if entry["isActivated"]]

    assert active() == []
    for name in ["filter", "background-removal", "filter"]:
        reply = api("POST", f"plugins/{name}/activate")
        assert (reply.status, reply.body) == (204, b"")
    assert active() == ["bg", "filter"]
    assert api("POST", "plugins/bg/deactivate").status == api("POST", "plugins/bg/deactivate").status == 204
    assert active() == ["filter"]
    problem(api("POST", "plugins/none/activate"), 404)


# --- Originals ------------------------------------------------------------------------------------------------------------------


def test_the_secret_is_shown_once_and_sealed(api, bucket, database):
    assert api("GET", "originals-signing").json() == {"enabled": False}
    first = api("PUT", "originals-signing").json()
    second = api("PUT", "originals-signing").json()
    for shown in (first, second):
        assert shown["enabled"] is True and re.fullmatch("[0-9a-f]{64}", shown["secret"])
    assert first["secret"] != second["secret"]
    assert api("GET", "originals-signing").json() == {"enabled": True}
    sealed = database.value(
        f"select encode(sealed_secret, 'hex') from magpie.originals_signing where bucket_id = '{bucket}'"
    )
    assert len(sealed) > 64 and second["secret"] not in sealed
    assert api("DELETE", "originals-signing").status == 204
    assert api("GET", "originals-signing").json() == {"enabled": False}


def test_originals_are_refused_to_those_without_a_right(anyone, anon, admin, user, put, public_bucket, database):
    put(public_bucket, "a.txt", b"original")
    public, dialects = f"/object/public/{public_bucket}/a.txt", f"/s3/{public_bucket}/a.txt"
    either = f"/object/{public_bucket}/a.txt"
    signed = admin.send_json("POST", f"/object/sign/{public_bucket}/a.txt", {"expiresIn": 60}).json()["signedURL"]
    # In memory, ready to be given.
    for _ in range(3):
        assert anyone.get(public).body == b"original"
        assert anyone.get(signed).body == b"original"
    assert anyone.get(dialects).status == 200

    api = f"/api/{public_bucket}/originals-signing"
    assert admin.request("PUT", api).status == 200
    for _ in range(3):
        for wire, path in [(anyone, public), (anyone, either), (anon, either), (anon, f"/object/authenticated/{public_bucket}/a.txt")]:
            assert wire.get(path).status in (400, 403), path
            assert b"original" not in wire.get(path).body
        assert anyone.get(dialects).status == 403
        assert anyone.head(public).status in (400, 403)
        # Whoever has a right reads on, and makes it no more public.
        assert admin.get(either).body == anyone.get(signed).body == b"original"
        # A token alone is none, though the bucket is public: policies are asked, also of what is in memory.
        assert b"original" not in user.get(either).body
        with database.policies(f"on storage.objects for select to authenticated using (bucket_id = '{public_bucket}')"):
            assert user.get(either).body == b"original"
            assert b"original" not in anyone.get(public).body
    assert anyone.get(public, headers={"If-None-Match": "*"}).status in (400, 403)
    assert anyone.get(public, headers={"Range": "bytes=0-1"}).status in (400, 403)

    assert admin.request("DELETE", api).status == 204
    assert anyone.get(public).body == b"original"


# --- In pictures ------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def rendered(anyone, put, public_bucket):
    """A blue picture of 100x50 in a public project, as a delivery URL gives it."""
    put(public_bucket, "cat.png", picture("blue", size=(100, 50)), "image/png")

    def get(parameters: str, status: int = 200):
        reply = anyone.get(f"/{public_bucket}/cat.png/{parameters}")
        assert reply.status == status, reply.text
        return Image.open(io.BytesIO(reply.body)).convert("RGB") if status == 200 else reply

    return get


@pytest.fixture
def project(admin, public_bucket):
    def send(method: str, path: str, body=None):
        target = f"/api/{public_bucket}/{path}"
        reply = admin.send_json(method, target, body) if isinstance(body, dict) else admin.request(method, target, body)
        assert reply.status in (200, 201, 204), reply.text

    return send


def near(pixel, colour) -> bool:
    return all(abs(a - b) < 40 for a, b in zip(pixel, colour, strict=True))


RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def test_a_transform_is_used_changed_and_taken_away(rendered, project):
    problem(rendered("t_card.png", 404), 404)
    project("PUT", "transforms/card", {"width": 40, "height": 40, "fitMode": "fill", "lockedParameters": ["height"]})
    for _ in range(2):
        assert rendered("t_card.png").size == (40, 40)
    assert rendered("t_card,w_20,h_90.png").size == (20, 40)
    project("PUT", "transforms/card", {"width": 10})
    assert rendered("t_card.png").size == (10, 5)
    project("DELETE", "transforms/card")
    problem(rendered("t_card.png", 404), 404)


def test_another_picture_under_a_watermarks_id_is_seen_at_once(rendered, project):
    url = "w_100,wm_logo,wm_pos_c,wm_opacity_100.png"
    assert near(rendered(url).getpixel((50, 25)), BLUE)
    for colour, name in [(RED, "red"), (GREEN, "lime")]:
        project("PUT", "watermarks/logo", picture(name))
        for _ in range(2):
            image = rendered(url)
            assert near(image.getpixel((50, 25)), colour) and near(image.getpixel((1, 1)), BLUE)
    project("DELETE", "watermarks/logo")
    assert near(rendered(url).getpixel((50, 25)), BLUE)


def test_a_plugin_runs_while_it_is_active(rendered, project):
    url = "w_100,filter_invert.png"
    assert "filter" in problem(rendered(url, 400), 400)
    project("POST", "plugins/filter/activate")
    assert near(rendered(url).getpixel((50, 25)), (255, 255, 0))
    project("POST", "plugins/filter/deactivate")
    problem(rendered(url, 400), 400)


def test_an_active_plugin_draws(rendered, project):
    project("POST", "plugins/draw/activate")
    image = rendered("w_100,draw_rect-50p-0-50p-100p-f00-fill.png")
    assert near(image.getpixel((25, 25)), BLUE) and near(image.getpixel((75, 25)), RED)
    assert "draw_" in problem(rendered("w_100,draw_star.png", 400), 400)


def test_images_of_originals_that_are_signed_for_are_public(rendered, project, anyone, public_bucket):
    assert rendered("w_10.png").size == (10, 5)
    project("PUT", "originals-signing")
    assert rendered("w_10.png").size == (10, 5) and rendered("w_20.png").size == (20, 10)
    assert anyone.get(f"/object/public/{public_bucket}/cat.png").status in (400, 403)


# --- Who may ----------------------------------------------------------------------------------------------------------------------

READS = [("GET", path) for path in ("transforms", "watermarks", "plugins", "originals-signing")]
WRITES = [
    ("PUT", "transforms/card"),
    ("POST", "transforms"),
    ("DELETE", "transforms/card"),
    ("PUT", "watermarks/logo"),
    ("DELETE", "watermarks/logo"),
    ("POST", "plugins/filter/activate"),
    ("POST", "plugins/filter/deactivate"),
    ("PUT", "originals-signing"),
    ("DELETE", "originals-signing"),
]


def body_of(method: str, path: str) -> bytes | None:
    if path.startswith("watermarks"):
        return picture() if method == "PUT" else None
    return b'{"name":"card"}' if path.startswith("transforms") and method in ("PUT", "POST") else None


@pytest.mark.parametrize(("method", "path"), READS + WRITES)
def test_without_a_token_there_is_nothing(api, anyone, server, method, path):
    body = body_of(method, path)
    assert "token" in problem(api(method, path, body, wire=anyone), 401)
    for bad in ("x", token("another secret of thirty-two characters")):
        problem(api(method, path, body, wire=Wire(server.port, bad)), 401)
        problem(api(method, path, body, wire=anyone, headers={"X-Api-Key": bad}), 401)


@pytest.mark.parametrize(("method", "path"), READS + WRITES)
def test_a_project_that_is_not_seen_is_not_there(api, user, anon, admin, method, path):
    for wire in (user, anon):
        problem(api(method, path, body_of(method, path), wire=wire), 404)
    problem(admin.request(method, f"/api/none/{path}", body_of(method, path)), 404)


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_who_may_not_update_the_bucket_changes_nothing(api, reader, method, path):
    problem(api(method, path, body_of(method, path), wire=reader), 403)
    assert api("GET", "transforms").json() == api("GET", "watermarks").json() == []
    assert api("GET", "originals-signing").json() == {"enabled": False}


def test_who_sees_the_bucket_reads_its_settings(api, reader):
    api("PUT", "transforms/card", {})
    api("PUT", "watermarks/logo", picture())
    for _, path in READS:
        assert api("GET", path, wire=reader).json() == api("GET", path).json()
    assert len(api("GET", "transforms", wire=reader).json()) == 1


def test_who_may_update_the_bucket_configures_it(api, editor):
    for method, path in [("PUT", "transforms/card"), ("DELETE", "transforms/card"), *WRITES[1:]]:
        assert api(method, path, body_of(method, path), wire=editor).status in (200, 201, 204), (method, path)


def test_the_key_may_come_in_a_field_of_its_own(api, anyone, server):
    reply = api("PUT", "transforms/card", {"width": 7}, wire=anyone, headers={"X-Api-Key": server.keys.service})
    assert (reply.status, reply.json()["width"]) == (200, 7)


# --- Paths ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PATCH", "transforms", "GET, HEAD, POST"),
        ("POST", "transforms/card", "GET, HEAD, PUT, DELETE"),
        ("GET", "watermarks/logo", "PUT, DELETE"),
        ("PUT", "plugins", "GET, HEAD"),
        ("GET", "plugins/filter/activate", "POST"),
        ("POST", "originals-signing", "GET, HEAD, PUT, DELETE"),
    ],
)
def test_other_methods_are_not_for_these_paths(api, method, path, allowed):
    reply = api(method, path)
    problem(reply, 405)
    assert reply.headers["Allow"] == allowed


@pytest.mark.parametrize("path", ["transforms/a/b", "plugins/filter", "plugins/filter/other", "originals-signing/x", "watermarks//"])
def test_there_is_nothing_elsewhere(api, path):
    problem(api("GET", path), 404)


@pytest.mark.parametrize("path", ["transforms/card%00", "transforms/Card", "watermarks/logo%00", "watermarks/Logo"])
def test_only_what_is_named_is_deleted(api, path):
    api("PUT", "transforms/card", {})
    api("PUT", "watermarks/logo", picture())
    problem(api("DELETE", path), 404)
    assert len(api("GET", "transforms").json()) == len(api("GET", "watermarks").json()) == 1


@pytest.mark.parametrize("path", ["transforms", "transforms/none", "plugins"])
def test_a_head_is_a_get_without_its_body(api, path):
    whole, head = api("GET", path), api("HEAD", path)
    assert (head.status, head.body) == (whole.status, b"")
    assert abs(int(head.headers["Content-Length"]) - len(whole.body)) <= 1


def test_escapes_that_are_none_are_refused(api):
    problem(api("GET", "transforms/%zz"), 400)


def test_other_sql_is_followed(api, bucket, database):
    assert api("GET", "transforms").json() == []
    database.run(f"insert into magpie.presets values ('{bucket}', 'mine', '{{\"width\": 5}}')")
    for _ in range(200):
        names = [item["name"] for item in api("GET", "transforms").json()]
        if names:
            break
    assert names == ["mine"]
