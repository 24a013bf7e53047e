# SPDX-License-Identifier: Apache-2.0
"""bkend's CDN: images below /img, files below /raw."""

from __future__ import annotations

import pytest
from Support.pictures import AVIF, JPEG, PNG, WEBP, opened, quarters


@pytest.fixture
def files(public_bucket, put) -> str:
    put(public_bucket, "user/photo.jpg", quarters(800, 600), JPEG)
    put(public_bucket, "notes.txt", b"no image", "text/plain")
    return public_bucket


@pytest.mark.parametrize(
    "transform, media_type, size",
    [
        ("fit-in/600x0", JPEG, (600, 450)),
        ("fit-in/0x400", JPEG, (533, 400)),
        ("fit-in/400x400", JPEG, (400, 300)),
        ("fit-in/2000x2000", JPEG, (800, 600)),
        ("400x300/smart", JPEG, (400, 300)),
        ("192x192/smart", JPEG, (192, 192)),
        ("200x100", JPEG, (200, 100)),
        ("fit-in/800x0/filters:quality(85)", JPEG, (800, 600)),
        ("400x300/smart/filters:quality(80):format(webp)", WEBP, (400, 300)),
        ("80x80/smart/filters:format(png)", PNG, (80, 80)),
        ("fit-in/40x40/filters:format(avif):quality(50)", AVIF, (40, 30)),
        ("filters:blur(10)", JPEG, (800, 600)),
        ("filters:format(jpeg):quality(1)", JPEG, (800, 600)),
    ],
)
def test_a_url_shows_what_it_says(anyone, files, transform, media_type, size):
    reply = anyone.get(f"/img/{transform}/{files}/user/photo.jpg")

    assert reply.status == 200, reply.text
    picture = opened(reply.body)
    assert (reply.headers["Content-Type"], picture.get_format_mimetype(), picture.size) == (media_type, media_type, size)
    assert reply.headers["Cache-Control"] == "public, max-age=60"


def test_without_a_format_it_is_webp_for_who_takes_it(anyone, files):
    target = f"/img/fit-in/100x100/{files}/user/photo.jpg"

    for _ in range(3):
        new = anyone.get(target, headers={"Accept": "image/avif,image/webp,*/*"})
        old = anyone.get(target, headers={"Accept": "image/avif"})
        assert (new.headers["Content-Type"], old.headers["Content-Type"]) == (WEBP, JPEG)
        assert "Accept" in new.headers["Vary"] and "Accept" in old.headers["Vary"]


@pytest.mark.parametrize("root", ["/img", "/raw"])
def test_without_a_transform_it_is_the_file(anyone, files, root):
    target = f"{root}/{files}/user/photo.jpg"
    reply = anyone.get(target, headers={"Accept": "image/webp"})

    assert (reply.status, reply.body, reply.headers["Content-Type"]) == (200, quarters(800, 600), JPEG)
    assert anyone.get(target, headers={"If-None-Match": reply.headers["ETag"]}).status == 304
    assert anyone.get(target, headers={"Range": "bytes=0-3"}).body == reply.body[:4]
    assert anyone.head(target).headers["Content-Length"] == str(len(reply.body))


@pytest.mark.parametrize(
    "path, status, code",
    [
        ("/img/fit-in/600x0/{b}/nothing.jpg", 404, "file/not-found"),
        ("/img/fit-in/600x0/no-such-bucket/photo.jpg", 404, "file/not-found"),
        ("/raw/{b}/nothing", 404, "file/not-found"),
        ("/img/fit-in/600x0/{b}/notes.txt", 415, "file/invalid-format"),
        ("/img/{b}/notes.txt", 415, "file/invalid-format"),
        ("/img/filters:quality(101)/{b}/user/photo.jpg", 400, "common/invalid-parameters"),
        ("/img/filters:grayscale()/{b}/user/photo.jpg", 400, "common/invalid-parameters"),
        ("/img/9999x1/{b}/user/photo.jpg", 400, "common/invalid-parameters"),
        ("/img/fit-in/{b}/user/photo.jpg", 400, "common/invalid-parameters"),
    ],
)
def test_an_error_is_said_in_all_spellings(anyone, files, path, status, code):
    reply = anyone.get(path.format(b=files))

    body = reply.json()
    assert (reply.status, body["success"], body["error"]["code"], body["statusCode"]) == (status, False, code, status)
    assert body["message"] == body["error"]["message"]


def test_a_bucket_that_turns_private_shows_nothing_more(anyone, admin, files):
    targets = [f"/img/50x50/{files}/user/photo.jpg", f"/img/{files}/user/photo.jpg", f"/raw/{files}/user/photo.jpg"]
    assert [anyone.get(target).status for target in targets * 3] == [200] * 9

    assert admin.send_json("PUT", f"/bucket/{files}", {"public": False}).status == 200

    assert [anyone.get(target).status for target in targets] == [404] * 3
    # Nor to anyone by these URLs: they are the public's.
    assert [admin.get(target).status for target in targets] == [404] * 3
