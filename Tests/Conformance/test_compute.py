# SPDX-License-Identifier: Apache-2.0
"""The Compute interface over real HTTP: images by their paths, FastAPI's errors, and the same objects in the other dialects."""

from __future__ import annotations

import io
import os
import random
import time
import urllib.parse
import uuid

import httpx
import pytest
from PIL import Image
from storage3 import SyncStorageClient

from Support import compute, s3
from Support.server import Server, wait_until
from Support.tokens import new_subject, token
from Support.wire import Wire, form

KEY = "a-static-key-for-the-tests"
BUCKET = "images"
LIMIT = 300_000
ROOT = compute.MOUNTS[0]


@pytest.fixture(scope="module")
def server():
    settings = {"MAGPIE_COMPUTE_API_KEY": KEY, "MAGPIE_COMPUTE_UPLOAD_LIMIT": str(LIMIT), "MAGPIE_LIFECYCLE_DAY": "1s"}
    with Server(settings) as running:
        yield running


@pytest.fixture
def images(server) -> Wire:
    """Calls with the static key."""
    return Wire(server.port, KEY)


@pytest.fixture
def folder() -> str:
    """A folder of a test's own."""
    return f"t-{uuid.uuid4().hex[:12]}"


def picture(kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.frombytes("RGB", (16, 16), os.urandom(768)).save(out, kind)
    return out.getvalue()


def save(wire: Wire, path: str, body: bytes, root: str = ROOT, **options):
    content, headers = form({}, body, **options)
    return wire.post(f"{root}/{path}", content, headers=headers)


# --- what the routes do ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("root", compute.MOUNTS)
def test_saves_reads_and_deletes_an_image(images, folder, root):
    body = picture()
    saved = save(images, f"{folder}/a/out.png", body, root)
    assert saved.status == 200, saved.text
    assert saved.json() == {"path": f"{folder}/a/out.png", "url": f"http://127.0.0.1:{images.port}{ROOT}/{folder}/a/out.png"}

    found = images.get(f"{root}/{folder}/a/out.png")
    assert (found.status, found.body) == (200, body)
    assert found.headers["Content-Type"] == "image/png"
    assert found.headers["X-Content-Type-Options"] == "nosniff"

    head = images.head(f"{root}/{folder}/a/out.png")
    assert (head.status, head.headers["Content-Length"]) == (200, str(len(body)))

    gone = images.delete(f"{root}/{folder}/a/out.png")
    assert (gone.status, gone.json()) == (200, {"deleted": True, "path": f"{folder}/a/out.png"})
    assert images.head(f"{root}/{folder}/a/out.png").status == 404
    assert images.get(f"{root}/{folder}/a/out.png").json() == {"detail": "Image not found"}
    assert images.delete(f"{root}/{folder}/a/out.png").status == 404


def test_the_url_of_an_answer_leads_to_the_image(images, folder):
    body = picture()
    url = save(images, urllib.parse.quote(f"{folder}/with space, ä & %.png"), body).json()["url"]
    assert httpx.get(url, headers={"Authorization": f"Bearer {KEY}"}).content == body


def test_saving_again_replaces(images, folder):
    old, new = picture(), picture("JPEG")
    save(images, f"{folder}/x.png", old)
    tag = images.head(f"{ROOT}/{folder}/x.png").headers["ETag"]
    save(images, f"{folder}/x.png", new)
    found = images.get(f"{ROOT}/{folder}/x.png")
    assert found.body == new and found.headers["ETag"] != tag
    assert images.get(f"{ROOT}?prefix={folder}/").json() == [f"{folder}/x.png"]


def test_lists_paths_in_the_order_of_their_bytes(images, folder):
    names = ["b.png", "a/2.png", "a/10.png", "Z.png", "ä.png", "a.png"]
    for name in names:
        assert save(images, urllib.parse.quote(f"{folder}/{name}"), b"x").status == 200
    expected = sorted((f"{folder}/{name}" for name in names), key=lambda text: text.encode())
    assert images.get(f"{ROOT}?prefix={folder}/").json() == expected
    assert images.get(f"{ROOT}?prefix={folder}/&limit=2").json() == expected[:2]
    assert images.get(f"{ROOT}?prefix={folder}/a").json() == [path for path in expected if path.startswith(f"{folder}/a")]
    assert images.get(f"{ROOT}?prefix={folder}/none").json() == []


def test_sends_ranges_and_knows_what_a_reader_has(images, folder):
    body = picture()
    save(images, f"{folder}/r.png", body)
    path = f"{ROOT}/{folder}/r.png"
    part = images.get(path, headers={"Range": "bytes=5-14"})
    assert (part.status, part.body) == (206, body[5:15])
    assert part.headers["Content-Range"] == f"bytes 5-14/{len(body)}"
    beyond = images.get(path, headers={"Range": f"bytes={len(body)}-"})
    assert (beyond.status, beyond.headers["Content-Range"]) == (416, f"bytes */{len(body)}")
    assert "detail" in beyond.json()
    tag = images.head(path).headers["ETag"]
    assert images.get(path, headers={"If-None-Match": tag}).status == 304


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (picture("JPEG"), "image/jpeg"),
        (picture("GIF"), "image/gif"),
        (picture("WEBP"), "image/webp"),
        (picture("TIFF"), "image/tiff"),
        (picture("BMP"), "image/bmp"),
        (b"\0\0\0\x14ftypavif\0\0\0\0mif1", "image/avif"),
        (b"\0\0\0\x14ftypisom\0\0\0\0mp42", "video/mp4"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- <html> --><svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml"),
        (b"<html><script>alert(1)</script></html>", "application/octet-stream"),
        (b"<!DOCTYPE svg PUBLIC '-//W3C//DTD SVG 1.1//EN' 'x'><svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml"),
        (b"<!DOCTYPE html><svg", "application/octet-stream"),
        (b"", "application/octet-stream"),
    ],
)
def test_the_bytes_say_what_a_file_is(images, folder, body, media_type):
    assert save(images, f"{folder}/f", body, file_type="text/html").status == 200
    found = images.get(f"{ROOT}/{folder}/f")
    assert (found.headers["Content-Type"], found.body) == (media_type, body)
    assert found.headers["X-Content-Type-Options"] == "nosniff"
    if media_type == "image/svg+xml":
        assert "sandbox" in found.headers["Content-Security-Policy"]


# --- who may -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE"])
def test_asks_for_a_token(server, images, folder, method):
    save(images, f"{folder}/a.png", b"x")
    body, headers = form({}, b"x")
    reply = Wire(server.port).request(method, f"{ROOT}/{folder}/a.png", body if method == "POST" else None, headers)
    assert reply.status == 401 and reply.headers["WWW-Authenticate"] == "Bearer"
    if method != "HEAD":
        assert reply.json() == {"detail": "Not authenticated"}


def test_listing_asks_for_a_token(server):
    assert Wire(server.port).get(ROOT).status == 401


@pytest.mark.parametrize("credential", ["wrong", KEY[:-1], KEY + "x", "", "a.b.c"])
def test_refuses_what_is_no_credential(server, credential):
    reply = Wire(server.port).get(ROOT, headers={"Authorization": f"Bearer {credential}"})
    assert reply.status == 401 and reply.headers["WWW-Authenticate"] == "Bearer"


def test_refuses_a_token_that_expired(server):
    old = token(server.keys.jwt_secret, exp=int(time.time()) - 10)
    assert Wire(server.port, old).get(ROOT).json() == {"detail": "Could not validate credentials"}


def test_row_level_security_decides_for_tokens(server, images, folder):
    save(images, f"{folder}/a.png", b"x")
    user = Wire(server.port, token(server.keys.jwt_secret, subject=new_subject()))
    assert save(user, f"{folder}/b.png", b"y").status == 403
    assert save(user, f"{folder}/b.png", b"y").json() == {"detail": "Not enough permissions"}
    assert user.get(f"{ROOT}/{folder}/a.png").status == 404
    assert user.get(f"{ROOT}?prefix={folder}").json() == []
    reads = f"on storage.objects for select to authenticated using (name like '{folder}/%')"
    with server.database.policies(reads):
        assert user.get(f"{ROOT}/{folder}/a.png").body == b"x"
        assert user.get(f"{ROOT}?prefix={folder}").json() == [f"{folder}/a.png"]
        assert user.delete(f"{ROOT}/{folder}/a.png").status == 403
    assert images.get(f"{ROOT}/{folder}/a.png").body == b"x"


def test_a_public_bucket_is_read_without_a_token(server, images, folder):
    save(images, f"{folder}/a.png", b"x")
    admin = Wire(server.port, server.keys.service)
    assert admin.send_json("PUT", f"/bucket/{BUCKET}", {"public": True}).status == 200
    try:
        anyone = Wire(server.port)
        assert anyone.get(f"{ROOT}/{folder}/a.png").body == b"x"
        assert anyone.get(f"{ROOT}/{folder}/b.png").status == 404
        assert anyone.delete(f"{ROOT}/{folder}/a.png").status == 401
    finally:
        assert admin.send_json("PUT", f"/bucket/{BUCKET}", {"public": False}).status == 200


def test_nothing_is_listed_before_the_first_image_is_saved():
    with Server({"MAGPIE_COMPUTE_BUCKET": "renders"}) as running:
        wire = Wire(running.port, running.keys.service)
        assert wire.get(ROOT).json() == []
        assert wire.get(f"{ROOT}/x.png").status == 404
        # The project that the first start makes.
        assert [bucket["name"] for bucket in wire.get("/bucket").json()] == ["default"]
        assert save(wire, "x.png", b"x").status == 200
        assert {(b["name"], b["public"]) for b in wire.get("/bucket").json()} == {("default", False), ("renders", False)}


# --- what is refused ---------------------------------------------------------------------------------------------------

HOSTILE = [
    "/etc/passwd",
    "%2Fetc/passwd",
    "../secret.png",
    "a/../b.png",
    "a/..",
    "..",
    ".",
    "a/./b.png",
    "%2e%2e/x",
    ".%2E/x",
    "a%2f..%2fb",
    "a//b.png",
    "a/",
    "",
    "a%00.png",
    "%00",
    "a\\b.png",
    "a%5Cb.png",
    "..%5Cx",
    "%5C%5Chost%5Cshare",
    "a%0Ab.png",
    "a%7F",
    "%ff%fe.png",
    "%c0%ae%c0%ae/x",
    "%zz.png",
    "%",
    "a" * 1025,
]


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE"])
@pytest.mark.parametrize("path", HOSTILE)
def test_refuses_a_hostile_path(images, method, path):
    body, headers = form({}, b"x")
    reply = images.request(method, f"{ROOT}/{path}", body if method == "POST" else None, headers)
    assert reply.status == 400, (path, reply.text)
    if method != "HEAD":
        assert reply.json() == {"detail": "Invalid path"}


def test_generated_paths_are_refused_or_come_back_as_they_were(images, folder):
    """Whatever the segments are made of: what was stored is listed by its name and found by its URL, and nothing else is there."""
    random.seed(20_261_121)
    pieces = ["..", ".", "%2e", "%2E%2e", "%2f", "/", "\\", "%5c", "%00", "%25", "%252e%252e", "a", "ä", "~", "+", "%20", "..a", "&", "="]
    stored = set()
    for _ in range(120):
        tail = "".join(random.choices(pieces, k=random.randint(1, 6)))
        encoded = f"{folder}/" + "".join(c if c in "%/\\.+&=~" or c.isalnum() and c.isascii() else urllib.parse.quote(c) for c in tail)
        reply = save(images, encoded, tail.encode())
        path = urllib.parse.unquote(encoded)
        segments = path.split("/")
        if "\\" in path or "\0" in path or any(segment in ("", ".", "..") for segment in segments):
            assert (reply.status, reply.json()) == (400, {"detail": "Invalid path"}), encoded
        else:
            assert (reply.status, reply.json()["path"]) == (200, path), encoded
            assert images.get(urllib.parse.urlsplit(reply.json()["url"]).path).body == tail.encode()
            stored.add(path)
    assert len(stored) > 10
    assert set(images.get(f"{ROOT}?prefix={folder}/&limit=1000").json()) == stored


LIMITS = ["abc", "", " ", "0", "-1", "1001", "1.5", "1.0", "10.000", "+5", " 7 ", "1_0", "_1", "1__0", "1e2", "0x10", "٣", "--1", "1.",
          ".5", "-0", "007", "9" * 18, "9" * 19, "9" * 40, "-" + "9" * 40, "9" * 5000, "true", "null", "1,2", "NaN", "10 0", "1000", "1"]  # fmt: skip


@pytest.mark.parametrize("limit", LIMITS)
def test_a_limit_is_judged_as_the_reference_judges_it(images, limit):
    query = f"limit={urllib.parse.quote(limit)}"
    ours = images.get(f"{ROOT}?{query}")
    theirs = compute.reference("GET", f"/storage/images?{query}", headers={"Authorization": "Bearer x"})
    assert ours.status == theirs.status_code, (limit, ours.text, theirs.text)
    if theirs.status_code == 422:
        assert ours.json() == theirs.json()


@pytest.mark.parametrize("query", ["limit=5&limit=x", "limit=x&limit=5", "limit", "limit=", "limit=%35", "limit=1+", "Limit=x"])
def test_a_query_is_read_as_the_reference_reads_it(images, query):
    ours = images.get(f"{ROOT}?{query}")
    theirs = compute.reference("GET", f"/storage/images?{query}", headers={"Authorization": "Bearer x"})
    assert ours.status == theirs.status_code
    if theirs.status_code == 422:
        assert ours.json() == theirs.json()


FORMS = {
    "no body": (b"", {}),
    "json": (b'{"file":"x"}', {"Content-Type": "application/json"}),
    "raw": (b"x", {"Content-Type": "image/png"}),
    "empty form": (b"--b--\r\n", {"Content-Type": "multipart/form-data; boundary=b"}),
    "other field": form({"other": "x"}, None),
    "other file": form({}, b"x", file_field="image"),
    "text": form({"file": "some text"}, None),
    "without boundary": (b"x", {"Content-Type": "multipart/form-data"}),
}


@pytest.mark.parametrize("name", FORMS)
def test_a_form_without_a_file_is_refused_as_the_reference_refuses_it(images, name):
    body, headers = FORMS[name]
    ours = images.post(f"{ROOT}/a.png", body, headers=headers)
    theirs = compute.reference("POST", "/storage/images/a.png", content=body, headers={"Authorization": "Bearer x", **headers})
    assert (ours.status, ours.json()) == (theirs.status_code, theirs.json())


def test_fields_around_the_file_are_passed_over(images, folder):
    body, headers = form({"before": "1"}, b"bytes", fields_after={"after": "2" * 1000})
    assert images.post(f"{ROOT}/{folder}/f", body, headers=headers).status == 200
    assert images.get(f"{ROOT}/{folder}/f").body == b"bytes"


def test_a_form_that_breaks_off_stores_nothing(images, folder):
    body, headers = form({}, b"x" * 5000, fields_after={"after": "2"})
    for end in (-4, -5, -60, -140, -2000):
        reply = images.post(f"{ROOT}/{folder}/f", body[: len(body) + end], headers=headers)
        assert (reply.status, reply.json()) == (400, {"detail": "There was an error parsing the body"}), end
    assert images.get(f"{ROOT}?prefix={folder}").json() == []


@pytest.mark.parametrize("chunked", [False, True])
def test_the_limit_of_an_image_holds_to_the_byte(images, folder, chunked):
    def send(size: int):
        body, headers = form({}, b"x" * size)
        pieces = (body[at : at + 65536] for at in range(0, len(body), 65536)) if chunked else body
        return images.post(f"{ROOT}/{folder}/f", pieces, headers=headers)

    assert send(LIMIT).status == 200
    refused = send(LIMIT + 1)
    assert (refused.status, refused.json()) == (413, {"detail": "The file is too large"})
    assert len(images.get(f"{ROOT}/{folder}/f").body) == LIMIT


def test_other_methods_are_refused_with_those_that_are_not(images):
    listing = images.post(ROOT, b"")
    assert (listing.status, listing.headers["Allow"], listing.json()) == (405, "GET", {"detail": "Method Not Allowed"})
    image = images.put(f"{ROOT}/a.png", b"")
    assert (image.status, image.headers["Allow"]) == (405, "GET, HEAD, POST, DELETE")


# --- the other dialects ------------------------------------------------------------------------------------------------


@pytest.fixture
def objects(server):
    return s3.client(server)


@pytest.fixture
def supabase(server):
    headers = {"apiKey": server.keys.service, "Authorization": f"Bearer {server.keys.service}"}
    return SyncStorageClient(f"{server.url}/storage/v1/", headers)


def test_what_is_saved_here_is_read_by_the_others(images, folder, objects, supabase):
    body = picture()
    save(images, f"{folder}/a.png", body)
    found = objects.get_object(Bucket=BUCKET, Key=f"{folder}/a.png")
    assert (found["Body"].read(), found["ContentType"]) == (body, "image/png")
    assert supabase.from_(BUCKET).download(f"{folder}/a.png") == body


def test_what_the_others_store_is_read_here(images, folder, objects, supabase):
    save(images, f"{folder}/first", b"makes the bucket")
    objects.put_object(Bucket=BUCKET, Key=f"{folder}/s3.png", Body=b"by S3", ContentType="image/png")
    supabase.from_(BUCKET).upload(f"{folder}/rest.png", b"by REST", {"content-type": "image/png"})
    assert images.get(f"{ROOT}/{folder}/s3.png").body == b"by S3"
    assert images.get(f"{ROOT}/{folder}/rest.png").body == b"by REST"
    assert images.get(f"{ROOT}?prefix={folder}").json() == [f"{folder}/first", f"{folder}/rest.png", f"{folder}/s3.png"]
    assert images.delete(f"{ROOT}/{folder}/s3.png").status == 200
    with pytest.raises(objects.exceptions.ClientError):
        objects.head_object(Bucket=BUCKET, Key=f"{folder}/s3.png")


def test_a_result_is_relocated_and_its_source_deleted_later(server, images, folder, objects):
    """What a backend does with a compute result that it takes over: copy it to its own place, and let the source go in a while."""
    media = f"media-{uuid.uuid4().hex[:8]}"
    objects.create_bucket(Bucket=media)
    objects.put_bucket_lifecycle_configuration(
        Bucket=BUCKET,
        LifecycleConfiguration={
            "Rules": [
                {
                    "ID": "deferred deletion",
                    "Status": "Enabled",
                    "Filter": {"Tag": {"Key": "deletion", "Value": "deferred"}},
                    "Expiration": {"Days": 1},
                }
            ]
        },
    )
    body = picture()
    for name in ("taken.png", "kept.png"):
        save(images, f"{folder}/{name}", body)
    source = {"Bucket": BUCKET, "Key": f"{folder}/taken.png"}
    objects.copy_object(Bucket=media, Key="media/4711/file.png", CopySource=source)
    objects.put_object_tagging(**source, Tagging={"TagSet": [{"Key": "deletion", "Value": "deferred"}]})

    assert wait_until(lambda: images.head(f"{ROOT}/{folder}/taken.png").status == 404, 30)
    assert images.get(f"{ROOT}/{folder}/kept.png").body == body
    assert objects.get_object(Bucket=media, Key="media/4711/file.png")["Body"].read() == body
    objects.delete_bucket_lifecycle(Bucket=BUCKET)
