# SPDX-License-Identifier: Apache-2.0
"""Delivery URLs as Pixault has them: every form that its pages and clients write."""

from __future__ import annotations

import html.parser
import urllib.parse

import pytest
from Support.pictures import AVIF, GIF, GREEN, JPEG, PNG, WEBP, color_at, is_like, opened, quarters
from Support.wire import Wire

ASSET = "img_01JKABCDEFGHJKMNPQRSTVWXYZ"


@pytest.fixture
def project(public_bucket, put) -> str:
    for key in (ASSET, "sunset-beach", "photos/cat.jpg"):
        put(public_bucket, key, quarters(800, 600), JPEG)
    put(public_bucket, "clear", quarters(form="PNG", mode="RGBA"), PNG)
    put(public_bucket, "notes", b"no image", "text/plain")
    return public_bucket


@pytest.mark.parametrize(
    "path, media_type, size",
    [
        (f"{ASSET}/w_400.webp", WEBP, (400, 300)),
        (f"{ASSET}/w_400,h_300,fit_cover,q_80.jpg", JPEG, (400, 300)),
        (f"{ASSET}/h_100,w_100,fit_cover.png", PNG, (100, 100)),
        (f"{ASSET}/w_100,h_100,fit_contain.jpg", JPEG, (100, 75)),
        (f"{ASSET}/w_100,h_100,fit_fill.jpeg", JPEG, (100, 100)),
        (f"{ASSET}/w_100,h_100,fit_pad.png", PNG, (100, 100)),
        (f"{ASSET}/w_100,h_50.avif", AVIF, (100, 50)),
        (f"{ASSET}/w_40,q_20,blur_10.webp", WEBP, (40, 30)),
        (f"{ASSET}/w_1200.jpg", JPEG, (800, 600)),
        (f"{ASSET}/w_1600,h_1200.jpg", JPEG, (1600, 1200)),
        (f"{ASSET}/w_100,w_200.jpg", JPEG, (200, 150)),
        (f"{ASSET}/w_1200,wm_logo,wm_pos_br,wm_opacity_40.jpg", JPEG, (800, 600)),
        (f"{ASSET}/w_200,wm_logo,wm_pos_tile.jpg", JPEG, (200, 150)),
        (f"{ASSET}/w_50.gif", GIF, (50, 38)),
        (f"{ASSET}.jpg", JPEG, (800, 600)),
        ("w_400/sunset-beach.webp", WEBP, (400, 300)),
        ("sunset-beach.png", PNG, (800, 600)),
        ("sunset-beach/w_80.jpg", JPEG, (80, 60)),
        ("w_80/photos/cat.jpg", JPEG, (80, 60)),
        ("w_80/photos/cat.jpg.webp", WEBP, (80, 60)),
        ("photos/cat.jpg/w_80.webp", WEBP, (80, 60)),
        ("photos/cat.jpg", JPEG, (800, 600)),
    ],
)
def test_a_url_shows_what_it_says(anyone, project, path, media_type, size):
    reply = anyone.get(f"/{project}/{path}")

    assert reply.status == 200, reply.text
    assert reply.headers["Content-Type"] == media_type
    assert reply.headers["Cache-Control"] == "public, max-age=2592000, immutable"
    assert reply.headers["Access-Control-Allow-Origin"] == "*"
    picture = opened(reply.body)
    assert (picture.get_format_mimetype(), picture.size) == (media_type, size)


def test_the_image_is_the_right_way_up(anyone, project):
    assert is_like(color_at(anyone.get(f"/{project}/{ASSET}/w_100.png").body, 0.9, 0.1), GREEN)


@pytest.mark.parametrize(
    "asset, accept, media_type",
    [
        (ASSET, "image/avif,image/webp,*/*", AVIF),
        (ASSET, "image/webp", WEBP),
        (ASSET, "*/*", JPEG),
        (ASSET, None, JPEG),
        ("clear", "*/*", PNG),
    ],
)
@pytest.mark.parametrize("end", [".auto", ""])
def test_auto_is_what_the_reader_takes(anyone, project, asset, accept, media_type, end):
    path = f"{asset}/w_100,h_100{end}"

    reply = anyone.get(f"/{project}/{path}", headers={"Accept": accept} if accept else {})

    assert reply.headers["Content-Type"] == media_type
    assert "Accept" in reply.headers["Vary"]


def test_the_second_reader_is_served_from_the_cache(anyone, project):
    target = f"/{project}/{ASSET}/w_123.webp"
    replies = [anyone.get(target) for _ in range(3)]

    assert [reply.headers["X-Pixault-Cache"] for reply in replies] == ["MISS", "HIT", "HIT"]
    assert len({reply.body for reply in replies}) == 1
    tag = replies[0].headers["ETag"]
    assert anyone.get(target, headers={"If-None-Match": tag}).status == 304
    assert anyone.head(target).headers["Content-Length"] == str(len(replies[0].body))
    assert anyone.get(target, headers={"Range": "bytes=2-5"}).body == replies[0].body[2:6]


def test_an_original_is_the_file_itself(anyone, project):
    for end in ("jpg", "auto"):
        reply = anyone.get(f"/{project}/{ASSET}/original.{end}")
        assert (reply.status, reply.body) == (200, quarters(800, 600))
    other = anyone.get(f"/{project}/photos/cat.jpg/original.webp")
    assert (other.headers["Content-Type"], opened(other.body).size) == (WEBP, (800, 600))


@pytest.mark.parametrize(
    "path, status, detail",
    [
        (f"{ASSET}/w_0.webp", 400, "w_0"),
        (f"{ASSET}/w_4097.webp", 400, "w_4097"),
        (f"{ASSET}/fit_stretch.webp", 400, "fit_stretch"),
        (f"{ASSET}/q_101.webp", 400, "q_101"),
        (f"{ASSET}/w_5,sepia.webp", 400, "sepia"),
        (f"{ASSET}/filter_sepia.webp", 400, "filter"),
        (f"{ASSET}/t_missing.webp", 404, "missing"),
        (f"{ASSET}/w_5.bmp", 400, "bmp"),
        ("nothing/w_5.webp", 404, "nothing"),
        ("w_5/nothing.webp", 404, "nothing"),
        ("vid_01/video.mp4", 404, "There is no asset"),
        ("notes/w_5.webp", 415, ""),
    ],
)
def test_an_error_is_a_problem_in_detail(anyone, project, path, status, detail):
    reply = anyone.get(f"/{project}/{path}")

    body = reply.json()
    assert (reply.status, body["status"], body["type"]) == (status, status, f"https://httpstatuses.io/{status}")
    assert detail in body["detail"] and body["error"] == body["detail"]
    assert reply.headers["Content-Type"] == "application/problem+json"
    assert reply.headers["Cache-Control"] == "no-store"


def test_a_private_project_is_like_none(anyone, admin, bucket, put):
    put(bucket, "cat", quarters(), JPEG)
    answers = []
    for name in (bucket, "no-such-project"):
        for path in ("cat/w_5.webp", "w_5/cat.webp", "cat/original.jpg", "cat/embed", "cat.jpg"):
            for wire in (anyone, admin):
                reply = wire.get(f"/{name}/{path}")
                answers.append((reply.status, reply.json()["title"]))
    assert set(answers) == {(404, "Not Found")}


@pytest.mark.parametrize("path", ["/nothing", "/a/b", "/a/b/c", "/A/b.jpg", "/a_b/c.jpg", "/a/b.txt", "/favicon.ico"])
def test_other_paths_stay_unknown_routes(anyone, path):
    assert anyone.get(path).json()["message"] == f"Route GET:{path} not found"


class Links(html.parser.HTMLParser):
    """The URLs in a page, and its tags."""

    def __init__(self, text: str):
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    @property
    def sources(self) -> list[tuple[str, int]]:
        pairs = [item.split() for _, fields in self.tags for item in fields.get("srcset", "").split(", ") if item]
        return [(url, int(width.removesuffix("w"))) for url, width in pairs]


@pytest.mark.parametrize("asset", [ASSET, "photos/cat.jpg"])
@pytest.mark.parametrize("style", ["picture", "img"])
def test_every_url_of_a_page_to_embed_works(server, project, asset, style):
    wire = Wire(server.port)
    reply = wire.get(f"/{project}/{asset}/embed?widths=100,200&alt=%22%3Cb%3E&class=hero&style={style}")
    page = Links(reply.text)

    assert reply.headers["Content-Type"] == "text/html; charset=utf-8"
    # This server was told no public URL: its links are those that the request came by, and nobody else's.
    assert reply.headers["Cache-Control"] == "private, no-store"
    image = page.tags[-1][1]
    assert (page.tags[-1][0], image["alt"], image["class"], image["width"]) == ("img", '"<b>', "hero", "200")
    for url, width in [*page.sources, (image["src"], 200), (image["style"].split('"')[1], 40)]:
        assert url.startswith(server.url + "/")
        shown = wire.get(urllib.parse.urlsplit(url).path)
        assert opened(shown.body).width == width, url
    assert len(page.sources) == (4 if style == "picture" else 2)


@pytest.mark.parametrize("scheme", ["javascript", "data", "ftp"])
def test_a_page_to_embed_links_to_no_scheme_but_https_and_http(server, project, scheme):
    reply = Wire(server.port).get(f"/{project}/{ASSET}/embed", headers={"X-Forwarded-Proto": scheme})

    assert reply.status == 200
    assert f"{scheme}:" not in reply.text
