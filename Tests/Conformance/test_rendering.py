# SPDX-License-Identifier: Apache-2.0
"""Images below /render/image: with storage3, unmodified, and URL by URL."""

from __future__ import annotations

import inspect
import json
import urllib.parse

import httpx
import pytest
from storage3 import AsyncStorageClient, SyncStorageClient
from Support.pictures import AVIF, BLUE, GIF, GREEN, JPEG, PNG, RED, WEBP, WHITE, YELLOW, color_at, is_like, opened, quarters
from Support.tokens import claims_of, new_subject, token
from Support.wire import Wire

MODERN = {"Accept": "image/avif,image/webp,image/*,*/*;q=0.8"}


@pytest.fixture
def gallery(public_bucket, put) -> str:
    """A public bucket with 400x300 pictures in several formats."""
    put(public_bucket, "quarters.jpg", quarters(), JPEG)
    put(public_bucket, "quarters.png", quarters(form="PNG"), PNG)
    put(public_bucket, "quarters.webp", quarters(form="WEBP"), WEBP)
    put(public_bucket, "clear.png", quarters(form="PNG", mode="RGBA"), PNG)
    put(public_bucket, "notes.txt", b"no image", "text/plain")
    return public_bucket


def rendered(anyone, bucket: str, key: str, query: str, **headers):
    reply = anyone.get(f"/render/image/public/{bucket}/{key}?{query}", headers=headers)
    assert reply.status == 200, reply.text
    return reply


# --- storage3 ---------------------------------------------------------------------------------------------------------


async def it(result):
    return await result if inspect.isawaitable(result) else result


@pytest.fixture(params=["sync", "async"])
async def files(request, server, gallery):
    headers = {"Authorization": f"Bearer {server.keys.service}", "apiKey": server.keys.service}
    if request.param == "sync":
        client = SyncStorageClient(f"{server.url}/storage/v1/", headers)
        yield client.from_(gallery)
        client.session.close()
    else:
        client = AsyncStorageClient(f"{server.url}/storage/v1/", headers)
        yield client.from_(gallery)
        await client.session.aclose()


async def test_get_public_url_with_a_transform_shows_the_image(files):
    url = await it(files.get_public_url("quarters.jpg", {"transform": {"width": 100, "height": 60, "resize": "fill", "quality": 70}}))

    answer = httpx.get(url, timeout=20)

    assert answer.status_code == 200, answer.text
    assert opened(answer.content).size == (100, 60)


async def test_get_public_url_with_a_transform_and_a_download_saves_the_image(files):
    url = await it(files.get_public_url("quarters.jpg", {"download": "small.jpg", "transform": {"width": 50}}))

    answer = httpx.get(url, timeout=20)

    assert opened(answer.content).size == (50, 38)
    assert answer.headers["content-disposition"].startswith("attachment; filename=small.jpg;")


async def test_download_with_a_transform_returns_the_image(files):
    body = await it(files.download("quarters.jpg", {"transform": {"width": 64, "height": 64, "resize": "cover", "format": "origin"}}))

    picture = opened(body)
    assert (picture.format, picture.size) == ("JPEG", (64, 64))


async def test_create_signed_url_with_a_transform_signs_the_image(files):
    answer = await it(files.create_signed_url("quarters.jpg", 60, {"transform": {"width": 80, "height": 80, "resize": "contain"}}))

    url = answer["signedURL"]
    claims = claims_of(urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)["token"][0])
    assert "/render/image/sign/" in url
    assert claims["transformations"] == "height:80,width:80,resize:contain"
    shown = httpx.get(url, timeout=20)
    assert opened(shown.content).size == (80, 60)
    # Neither more of it nor the file itself.
    assert opened(httpx.get(url + "&width=400", timeout=20).content).size == (80, 60)
    assert httpx.get(url.replace("/render/image/sign/", "/object/sign/"), timeout=20).status_code == 400


async def test_create_signed_url_with_avif_signs_the_format(files):
    answer = await it(files.create_signed_url("quarters.jpg", 60, {"transform": {"format": "avif", "width": 40}}))

    shown = httpx.get(answer["signedURL"], timeout=20)

    assert shown.headers["content-type"] == AVIF
    assert opened(shown.content).format == "AVIF"


# --- what options do --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query, size",
    [
        ("", (400, 300)),
        ("width=200", (200, 150)),
        ("height=30", (40, 30)),
        ("width=100&height=100", (100, 100)),
        ("width=100&height=100&resize=cover", (100, 100)),
        ("width=100&height=100&resize=contain", (100, 75)),
        ("width=100&height=100&resize=fill", (100, 100)),
        ("width=100&height=100&resize=pad", (100, 100)),
        ("width=100&height=100&resize=outside", (133, 100)),
        ("width=100&height=100&resize=scale-down", (100, 75)),
        ("width=0&height=0", (400, 300)),
        ("width=800", (400, 300)),
        ("width=800&enlarge=1", (800, 600)),
        ("width=9999&resize=contain", (400, 300)),
        ("width=50&dpr=2", (100, 75)),
        ("width=40&dpr=1.5", (60, 45)),
        ("rotate=90", (300, 400)),
        ("crop=0,0,100,50", (100, 50)),
        ("crop=0.5,0.5,0.5,0.5", (200, 150)),
    ],
)
def test_a_size_is_what_was_asked_for(anyone, gallery, query, size):
    assert opened(rendered(anyone, gallery, "quarters.jpg", query).body).size == size


@pytest.mark.parametrize(
    "query, across, down, color",
    [
        ("width=100&height=75", 0.1, 0.1, RED),
        ("width=100&height=75", 0.9, 0.9, YELLOW),
        ("width=100&height=20&gravity=no", 0.9, 0.9, GREEN),
        ("width=100&height=20&gravity=so", 0.1, 0.1, BLUE),
        ("width=20&height=75&gravity=ea", 0.1, 0.1, GREEN),
        ("width=20&height=75&gravity=we", 0.9, 0.9, BLUE),
        ("width=20&height=75&gravity=fp&x_offset=0.9&y_offset=0.5", 0.5, 0.9, YELLOW),
        ("crop=0,0.5,0.5,0.5", 0.5, 0.5, BLUE),
        ("crop=200,0,200,150&width=20", 0.5, 0.5, GREEN),
        ("flip=h&width=40", 0.1, 0.1, GREEN),
        ("flip=v&width=40", 0.1, 0.1, BLUE),
        ("rotate=90&width=40", 0.1, 0.1, BLUE),
        ("rotate=180&width=40", 0.1, 0.1, YELLOW),
        ("width=100&height=100&resize=pad&background=ffffff&format=png", 0.5, 0.02, WHITE),
        ("width=100&height=100&radius=max&background=ffffff&format=png", 0.01, 0.01, WHITE),
    ],
)
def test_a_part_of_the_image_is_where_it_belongs(anyone, gallery, query, across, down, color):
    body = rendered(anyone, gallery, "quarters.jpg", query).body
    assert is_like(color_at(body, across, down), color), color_at(body, across, down)


@pytest.mark.parametrize(
    "key, query, accept, media_type",
    [
        ("quarters.jpg", "width=20", "*/*", JPEG),
        ("quarters.png", "width=20", "", PNG),
        ("quarters.webp", "width=20", "*/*", JPEG),
        ("quarters.jpg", "width=20", "image/webp,*/*", WEBP),
        ("quarters.jpg", "width=20&height=20", MODERN["Accept"], AVIF),
        # What AVIF would cost is not known of one side alone.
        ("quarters.jpg", "width=20", MODERN["Accept"], WEBP),
        ("quarters.jpg", "width=20&format=origin", MODERN["Accept"], JPEG),
        ("quarters.webp", "width=20&format=origin", "*/*", WEBP),
        ("quarters.jpg", "width=20&format=webp", "*/*", WEBP),
        ("quarters.jpg", "width=20&format=avif", "*/*", AVIF),
        ("quarters.jpg", "width=20&format=png", MODERN["Accept"], PNG),
        ("quarters.png", "width=20&format=jpeg", "*/*", JPEG),
        ("quarters.png", "width=20&format=gif", "*/*", GIF),
        ("quarters.jpg", "width=20&format=auto", "image/webp", WEBP),
    ],
)
def test_a_format_is_the_one_named_or_accepted(anyone, gallery, key, query, accept, media_type):
    reply = rendered(anyone, gallery, key, query, **({"Accept": accept} if accept else {}))

    assert reply.headers["Content-Type"] == media_type
    assert opened(reply.body).get_format_mimetype() == media_type
    negotiated = "format" not in query or "format=auto" in query
    assert ("Accept" in (reply.headers["Vary"] or "")) is negotiated


def test_what_is_known_of_an_image_comes_as_json(anyone, gallery):
    reply = rendered(anyone, gallery, "quarters.jpg", "format=json")

    assert reply.headers["Content-Type"].startswith("application/json")
    facts = json.loads(reply.body)
    assert (facts["width"], facts["height"], facts["format"]) == (400, 300, "jpeg")


def test_a_lower_quality_makes_a_smaller_file(anyone, gallery):
    low, high = (rendered(anyone, gallery, "quarters.jpg", f"quality={quality}").body for quality in (20, 100))
    assert len(low) < len(high)


# --- the answer -------------------------------------------------------------------------------------------------------


def test_headers_say_what_was_done(anyone, gallery):
    reply = rendered(anyone, gallery, "quarters.jpg", "width=20&height=10")

    assert reply.headers["X-Transformations"] == "height:10,width:20,resizing_type:fill"
    assert reply.headers["X-Robots-Tag"] == "none"
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert reply.headers["Accept-Ranges"] == "bytes"
    assert reply.headers["Last-Modified"]
    assert reply.headers["Cache-Control"]
    assert int(reply.headers["Content-Length"]) == len(reply.body)


def test_an_image_is_not_sent_to_who_has_it(anyone, gallery):
    target = f"/render/image/public/{gallery}/quarters.jpg?width=33"
    tag = anyone.get(target).headers["ETag"]

    again = anyone.get(target, headers={"If-None-Match": tag})

    assert tag.startswith('"')
    assert (again.status, again.body, again.headers["ETag"]) == (304, b"", tag)
    assert anyone.get(target, headers={"If-None-Match": tag, **MODERN}).status == 200
    assert anyone.get(target.replace("33", "34")).headers["ETag"] != tag


def test_a_part_of_an_image_can_be_read(anyone, gallery):
    target = f"/render/image/public/{gallery}/quarters.jpg?width=33&format=png"
    whole = anyone.get(target)

    part = anyone.get(target, headers={"Range": "bytes=5-9"})

    assert (part.status, part.body) == (206, whole.body[5:10])
    assert part.headers["Content-Range"] == f"bytes 5-9/{len(whole.body)}"
    assert anyone.get(target, headers={"Range": "bytes=9999999-"}).status == 416


def test_head_has_the_headers_of_get(anyone, gallery):
    target = f"/render/image/public/{gallery}/quarters.jpg?width=33&format=webp"
    get, head = anyone.get(target), anyone.head(target)

    assert (head.status, head.body) == (200, b"")
    for name in ("Content-Length", "Content-Type", "ETag", "Cache-Control", "X-Transformations", "Last-Modified"):
        assert head.headers[name] == get.headers[name]


def test_a_replaced_object_has_other_images_at_once(anyone, gallery, put):
    target = f"/render/image/public/{gallery}/quarters.jpg?width=20&format=png"
    before = [anyone.get(target) for _ in range(3)][-1]

    put(gallery, "quarters.jpg", quarters(300, 400), JPEG, x_upsert="true")
    after = anyone.get(target)

    assert opened(before.body).size == (20, 15)
    assert opened(after.body).size == (20, 27)
    assert before.headers["ETag"] != after.headers["ETag"]


def test_a_deleted_object_has_no_images(anyone, admin, gallery):
    target = f"/render/image/public/{gallery}/quarters.jpg?width=20"
    assert [anyone.get(target).status for _ in range(3)] == [200] * 3

    assert admin.delete(f"/object/{gallery}/quarters.jpg").status == 200

    assert refusal(anyone.get(target)) == (400, "404", "not_found")


def refusal(reply) -> tuple[int, str, str]:
    body = reply.json()
    assert list(body) == ["statusCode", "error", "message", "code"]
    return reply.status, body["statusCode"], body["error"]


@pytest.mark.parametrize(
    "query, field",
    [
        ("width=-1", "width"),
        ("height=x", "height"),
        ("quality=19", "quality"),
        ("quality=101", "quality"),
        ("resize=crop", "resize"),
        ("format=bmp", "format"),
        ("gravity=up", "gravity"),
        ("gravity=fp", "x_offset"),
        ("dpr=9", "dpr"),
        ("crop=1", "crop"),
        ("widht=1", "widht"),
    ],
)
def test_a_wrong_option_is_named(anyone, gallery, query, field):
    reply = anyone.get(f"/render/image/public/{gallery}/quarters.jpg?{query}")

    assert refusal(reply) == (400, "400", "Error")
    assert field in reply.json()["message"]


def test_what_can_not_be_rendered_is_refused(anyone, gallery, put):
    put(gallery, "broken.jpg", quarters()[:100], JPEG)
    for key in ("notes.txt", "broken.jpg"):
        reply = anyone.get(f"/render/image/public/{gallery}/{key}?width=5")
        assert refusal(reply) == (400, "400", "InvalidRequest")
        assert reply.json()["message"] == "The source image is invalid or unsupported for rendering"
    assert refusal(anyone.get(f"/render/image/public/{gallery}/nothing.jpg")) == (400, "404", "not_found")


@pytest.mark.parametrize("path", ["/render/image/b", "/render/image/other/b/k", "/render/image/public/b", "/render/x", "/render/image"])
def test_other_paths_are_no_routes(anyone, path):
    reply = anyone.get(path)
    assert refusal(reply) == (404, "404", "Not Found")
    assert reply.json()["message"] == f"Route GET:{path} not found"


# --- who may see it ---------------------------------------------------------------------------------------------------


def test_an_image_of_a_private_object_is_only_for_who_may_see_the_object(server, anyone, database, bucket):
    alice, bob = (Wire(server.port, token(server.keys.jwt_secret, subject=new_subject())) for _ in range(2))
    own = f"bucket_id = '{bucket}' and owner_id = auth.uid()::text"
    path = f"{bucket}/hers.jpg"
    target = f"/render/image/authenticated/{path}?width=20&height=20"
    with database.policies(f"on storage.objects for all to authenticated using ({own}) with check ({own})"):
        assert alice.post(f"/object/{path}", quarters(), headers={"Content-Type": JPEG}).status == 200
        mine = [alice.get(target) for _ in range(3)]
        assert [reply.status for reply in mine] == [200] * 3
        tag = mine[0].headers["ETag"]

        # It is in every cache now.
        for headers in ({}, {"If-None-Match": tag}, {"Range": "bytes=0-9"}):
            assert refusal(bob.get(target, headers=headers)) == (400, "404", "not_found")
            assert bob.head(target, headers=headers).status == 400
        assert anyone.get(target).status == 400
        assert anyone.get(f"/render/image/public/{path}?width=20&height=20").status == 400
        assert anyone.get(f"/img/20x20/{path}").status == 404
        assert anyone.get(f"/{bucket}/w_20,h_20/hers.jpg").status == 404
        assert bob.send_json("POST", f"/object/sign/{path}", {"expiresIn": 60, "transform": {"width": 20}}).status == 400
        assert alice.get(target).status == 200
    # Without the policy she has no right any more.
    assert refusal(alice.get(target)) == (400, "404", "not_found")


def test_a_token_is_for_one_image_of_one_object(server, admin, anyone, bucket, put):
    for key in ("a.jpg", "b.jpg"):
        put(bucket, key, quarters(), JPEG)
    signed = admin.send_json("POST", f"/object/sign/{bucket}/a.jpg", {"expiresIn": 60, "transform": {"width": 20, "format": "png"}})
    url = signed.json()["signedURL"]

    reply = anyone.get(url)

    assert opened(reply.body).size == (20, 15)
    assert reply.headers["Content-Type"] == PNG
    assert reply.headers["Expires"] and not reply.headers["Cache-Control"]
    assert anyone.get(url.replace("a.jpg", "b.jpg")).status == 400
    assert anyone.get(url.replace("/render/image/", "/object/")).status == 400
    assert anyone.get(url[:-3] + "AAA").status == 400
    assert anyone.get(url.split("?")[0]).status == 400
    assert url.startswith("/render/image/sign/")


def test_a_bucket_that_turns_private_shows_nothing_more(anyone, admin, gallery):
    target = f"/render/image/public/{gallery}/quarters.jpg?width=20&height=15"
    assert [anyone.get(target).status for _ in range(3)] == [200] * 3

    assert admin.send_json("PUT", f"/bucket/{gallery}", {"public": False}).status == 200

    assert anyone.get(target).status == 400
