# SPDX-License-Identifier: Apache-2.0
"""bkend's interface: uploads by presigned URLs and in parts, the records of files, their lists, URLs and shares."""

from __future__ import annotations

import hashlib
import re
import time
import urllib.parse

import pytest
from Support.bkend import SETTINGS, App, Caller, data, problem, target
from Support.pictures import quarters
from Support.server import Server

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def server():
    with Server(SETTINGS) as running:
        yield running


@pytest.fixture(scope="module", params=["private", "public"])
def app(request, server) -> App:
    """Whether the project's bucket is public must make no difference to files."""
    return App.create(server, *(["--private"] if request.param == "private" else []))


@pytest.fixture(scope="module")
def ann(app) -> Caller:
    return app.sign_up("ann")


@pytest.fixture(scope="module")
def ben(app) -> Caller:
    return app.sign_up("ben")


def raw(app: App, url: str, **options):
    return app.wire.get(target(url), **options)


# --- Single uploads -----------------------------------------------------------------------------------------------------------------


def test_an_upload_is_announced_sent_and_registered(app, ann):
    content = quarters(16, 12, "PNG")
    begun = ann.presign("Mein Foto (1).PNG", "image/png", fileSize=len(content), visibility="public", category="images")
    assert begun["key"].startswith(f"{app.name}/images/") and begun["filename"] == begun["key"].rsplit("/", 1)[1]
    assert begun["contentType"] == "image/png" and UUID.fullmatch(begun["fileId"]) and begun["url"].startswith(app.server.url)

    put = ann.put(begun["url"], content, "image/png")
    assert put.status == 200 and put.headers["ETag"] == f'"{hashlib.md5(content).hexdigest()}"'

    file = data(
        ann.register(
            begun["key"], len(content), "Mein Foto (1).PNG", "image/png", width=16, height=12,
            metadata={"category": "pets", "tags": ["cat"], "alt": "a cat", "custom": {"n": 1, "f": 1.5}},
        ), 201,
    )  # fmt: skip
    assert file["id"] == begun["fileId"] and file["s3Key"] == file["key"] == begun["key"]
    assert (file["originalName"], file["mimeType"], file["size"]) == ("Mein Foto (1).PNG", "image/png", len(content))
    assert (file["width"], file["height"], file["visibility"], file["bucket"]) == (16, 12, "public", "images")
    assert (file["ownerId"], file["ownerType"], file["sharedWith"]) == (ann.id, "user", [])
    assert file["metadata"] == {"category": "pets", "tags": ["cat"], "alt": "a cat", "custom": {"n": 1, "f": 1.5}}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", file["createdAt"]) and file["updatedAt"] == file["createdAt"]
    assert data(ann.get(f"/files/{file['id']}")) == file
    assert raw(app, file["url"]).body == content


def test_what_is_said_when_registering_counts_more_than_what_was_announced(ann):
    begun = ann.presign(visibility="public", category="images")
    assert ann.put(begun["url"], b"text").status == 200
    file = data(ann.register(begun["key"], 4, "other.txt", visibility="shared", bucket="avatars", sharedWith=["u-1"]), 201)
    assert (file["originalName"], file["visibility"], file["bucket"], file["sharedWith"]) == ("other.txt", "shared", "avatars", ["u-1"])


def test_defaults_are_private_and_attachments(ann):
    file = ann.upload()
    assert (file["visibility"], file["bucket"], file["metadata"]) == ("private", "attachments", {})
    assert file["width"] is None and file["height"] is None and "url" not in file


def test_the_url_to_upload_to_is_the_path_to_read_from(app, ann):
    """Clients drop the query of the URL and show what is left as an image."""
    content = quarters(8, 8, "PNG")
    begun = ann.presign("a.png", "image/png", visibility="public")
    assert ann.put(begun["url"], content, "image/png").status == 200
    bare = begun["url"].split("?")[0]
    assert raw(app, bare).status == 404
    data(ann.register(begun["key"], len(content), "a.png", "image/png"), 201)
    assert raw(app, bare).body == content
    assert app.wire.get(f"/img/4x4/smart/{begun['key']}").status == 200


def test_other_bytes_may_come_until_the_file_is_registered(app, ann):
    begun = ann.presign()
    for content in (b"first", b"second"):
        assert ann.put(begun["url"], content).status == 200
    file = data(ann.register(begun["key"], 6), 201)
    problem(ann.put(begun["url"], b"third"), 409, "file/s3-key-already-exists")
    assert raw(app, data(ann.post(f"/files/{file['id']}/download-url"))["url"]).body == b"second"


def test_a_file_is_registered_once_and_by_whom_the_key_was_given_to(app, ann, ben):
    begun = ann.presign()
    assert ann.put(begun["url"], b"text").status == 200
    problem(ben.register(begun["key"], 4), 403, "file/access-denied")
    data(ann.register(begun["key"], 4), 201)
    problem(ann.register(begun["key"], 4), 409, "file/s3-key-already-exists")


def test_a_backend_uploads_as_the_project_itself(app):
    file = app.backend.upload()
    assert (file["ownerId"], file["ownerType"]) == (None, "service")


def test_a_file_that_is_not_what_was_announced_is_not_registered(ann):
    begun = ann.presign(fileSize=4)
    refused = ann.put(begun["url"], b"other text")
    assert refused.status == 400
    problem(ann.register(begun["key"], 4), 400, "file/invalid-path")
    assert ann.put(begun["url"], b"text").status == 200
    problem(ann.register(begun["key"], 5), 400, "common/invalid-parameters")
    problem(ann.register(begun["key"], 4, kind="image/png"), 400, "file/invalid-format")
    data(ann.register(begun["key"], 4), 201)


def test_a_picture_must_be_one(ann):
    begun = ann.presign("a.png", "image/png")
    assert ann.put(begun["url"], b"<html>no picture", "image/png").status == 200
    problem(ann.register(begun["key"], 16, "a.png", "image/png"), 400, "file/invalid-format")


# --- URLs that were given out -------------------------------------------------------------------------------------------------------


def test_a_url_that_is_over_is_403(server):
    with Server({**SETTINGS, "MAGPIE_FILE_UPLOAD_EXPIRY": "1s"}) as running:
        app = App.create(running)
        begun = app.backend.presign()
        time.sleep(2.1)
        assert "expired" in problem(app.backend.put(begun["url"], b"text"), 403, "file/access-denied")


def test_a_url_is_good_for_its_key_and_method_alone(app, ann):
    begun, other = ann.presign(), ann.presign()
    token = begun["url"].split("token=")[1]
    elsewhere = other["url"].split("?")[0] + "?token=" + token
    problem(ann.put(elsewhere, b"x"), 403, "file/access-denied")
    for tail in ("", "?token=", "?token=x", f"?token={token[:-2]}", f"?partNumber=1&uploadId=u&token={token}"):
        problem(ann.put(begun["url"].split("?")[0] + tail, b"x"), 403, "file/access-denied")
    assert raw(app, begun["url"]).status == 403
    assert app.wire.request("DELETE", target(begun["url"])).status == 405
    assert ann.put(begun["url"], b"x").status == 200


def test_a_client_may_send_its_token_along(app, ann):
    begun = ann.presign()
    put = app.wire.request("PUT", target(begun["url"]), b"text", headers={"Content-Type": "text/plain"}, token=ann.token)
    assert put.status == 200


def test_a_browser_may_put_and_read_the_tag(app, ann):
    begun = ann.presign()
    asked = {"Origin": "https://app.example.com", "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "content-type"}
    preflight = app.wire.request("OPTIONS", target(begun["url"]), headers=asked)
    assert preflight.status == 204 and "PUT" in preflight.headers["Access-Control-Allow-Methods"]
    put = app.wire.request("PUT", target(begun["url"]), b"text", headers={"Origin": "https://app.example.com", "Content-Type": "text/plain"})
    assert put.headers["Access-Control-Allow-Origin"] == "*" and "etag" in put.headers["Access-Control-Expose-Headers"]
    for path, method in (("/v1/files", "POST"), ("/v1/files/x", "PATCH"), ("/v1/auth/me", "GET")):
        asked = {
            "Origin": "https://app.example.com", "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": "authorization,content-type,x-api-key",
        }  # fmt: skip
        preflight = app.wire.request("OPTIONS", path, headers=asked)
        assert preflight.headers["Access-Control-Allow-Headers"] == "authorization, content-type, x-api-key"


# --- Uploads in parts ---------------------------------------------------------------------------------------------------------------

PART = 5 << 20


def begin(caller: Caller, size: int, path: str = "/files/multipart/init", **more: object) -> dict:
    body = {"filename": "film.mp4", "contentType": "application/octet-stream", "fileSize": size, **more}
    return data(caller.post(path, body))


def send_part(caller: Caller, begun: dict, number: int, content: bytes) -> dict:
    asked = data(caller.post("/files/multipart/presigned-url", {"key": begun["key"], "uploadId": begun["uploadId"], "partNumber": number}))
    assert asked["partNumber"] == number
    put = caller.put(asked["url"], content, None)
    assert put.status == 200, put.text
    return {"partNumber": number, "etag": put.headers["ETag"]}


def test_parts_come_in_any_order_and_one_may_come_again(app, ann):
    content = bytes(range(256)) * (PART // 256) + b"the end"
    begun = begin(ann, len(content), visibility="public", category="media")
    assert begun["filename"] == "film.mp4" and begun["key"].startswith(f"{app.name}/media/")
    last = send_part(ann, begun, 2, content[PART:])
    send_part(ann, begun, 1, b"x" * PART)
    first = send_part(ann, begun, 1, content[:PART])
    body = {"key": begun["key"], "uploadId": begun["uploadId"], "parts": [last, first]}
    done = data(ann.post("/files/multipart/complete", body))
    assert done["key"] == begun["key"] and done["location"].endswith(f"/raw/{begun['key']}")
    file = data(ann.register(begun["key"], len(content), "film.mp4", "application/octet-stream"), 201)
    assert file["visibility"] == "public" and raw(app, file["url"]).body == content


def test_the_other_names_of_these_routes_do_the_same(app, ann):
    begun = begin(ann, 4, "/files/multipart/initiate")
    upload = f"/files/multipart/{begun['uploadId']}"
    asked = data(ann.post(f"{upload}/part-url", {"key": begun["key"], "partNumber": 1}))
    tag = ann.put(asked["url"], b"text", None).headers["ETag"]
    data(ann.post(f"{upload}/complete", {"key": begun["key"], "parts": [{"partNumber": 1, "etag": tag}]}))
    data(ann.register(begun["key"], 4, "film.mp4", "application/octet-stream"), 201)
    given_up = begin(ann, 4)
    reply = ann.post(f"/files/multipart/{given_up['uploadId']}/abort", {"key": given_up["key"]})
    assert data(reply) == {"success": True, "key": given_up["key"]}


def test_an_upload_that_is_given_up_is_gone(ann):
    begun = begin(ann, 4)
    asked = data(ann.post("/files/multipart/presigned-url", {"key": begun["key"], "uploadId": begun["uploadId"], "partNumber": 1}))
    body = {"key": begun["key"], "uploadId": begun["uploadId"]}
    assert data(ann.post("/files/multipart/abort", body)) == {"success": True, "key": begun["key"]}
    assert ann.put(asked["url"], b"text", None).status == 404
    problem(ann.post("/files/multipart/abort", body), 400, "file/invalid-path")


def test_somebody_elses_upload_is_not_to_be_gone_on_with(ann, ben):
    begun = begin(ann, 4)
    body = {"key": begun["key"], "uploadId": begun["uploadId"], "partNumber": 1, "parts": [{"partNumber": 1, "etag": "x"}]}
    for path in ("presigned-url", "complete", "abort"):
        problem(ben.post(f"/files/multipart/{path}", body), 403, "file/access-denied")


def test_parts_that_were_not_sent_make_nothing(ann):
    begun = begin(ann, 4)
    tag = send_part(ann, begun, 1, b"text")["etag"]
    body = {"key": begun["key"], "uploadId": begun["uploadId"]}
    for parts in ([{"partNumber": 2, "etag": tag}], [{"partNumber": 1, "etag": '"' + "0" * 32 + '"'}], [{"partNumber": 1, "etag": tag}] * 2):
        problem(ann.post("/files/multipart/complete", {**body, "parts": parts}), 400, "file/invalid-parts-array")
    problem(ann.register(begun["key"], 4, "film.mp4", "application/octet-stream"), 400, "file/invalid-path")
    assert data(ann.post("/files/multipart/complete", {**body, "parts": [{"partNumber": 1, "etag": tag.strip('"')}]}))["key"] == begun["key"]


# --- Records ------------------------------------------------------------------------------------------------------------------------


def test_a_change_is_of_what_is_said_alone(ann):
    file = ann.upload(metadata={"category": "a", "tags": ["x"], "alt": "y", "custom": {"k": 1}})
    changed = data(ann.patch(f"/files/{file['id']}", {"metadata": {"description": "new", "alt": None, "tags": ["z"]}}))
    assert changed["metadata"] == {"category": "a", "tags": ["z"], "description": "new", "custom": {"k": 1}}
    assert changed["updatedAt"] >= file["updatedAt"] and changed["createdAt"] == file["createdAt"]
    renamed = data(ann.patch(f"/files/{file['id']}", {"originalName": "new name.txt", "visibility": "protected"}))
    assert (renamed["originalName"], renamed["visibility"], renamed["metadata"]) == ("new name.txt", "protected", changed["metadata"])
    assert renamed["s3Key"] == file["s3Key"]
    assert data(ann.patch(f"/files/{file['id']}", {}))["visibility"] == "protected"
    assert data(ann.patch(f"/files/{file['id']}/visibility", {"visibility": "shared"}))["visibility"] == "shared"


def test_a_deleted_file_is_gone_with_its_bytes_and_images(app, ann):
    content = quarters(8, 8, "PNG")
    file = ann.upload(content, "a.png", "image/png", visibility="public")
    image = f"/img/4x4/{file['s3Key']}"
    assert app.wire.get(image).status == 200
    assert data(ann.delete(f"/files/{file['id']}")) == {}
    for path in (image, target(file["url"])):
        assert app.wire.get(path).status == 404
    problem(ann.get(f"/files/{file['id']}"), 404, "file/not-found")
    problem(ann.delete(f"/files/{file['id']}"), 404, "file/not-found")
    assert app.wire.get(f"/object/{file['s3Key']}", token=app.server.keys.service).status == 400


@pytest.mark.parametrize("id", [NOBODY, "x", "%20", "..%2F..", "é".encode().hex()])
def test_an_id_of_nothing_is_404(ann, id):
    for method, path in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/download-url"), ("GET", "/shares"), ("POST", "/complete")):
        problem(ann.request(method, f"/files/{id}{path}", {} if method in ("PATCH", "POST") else None), 404, "file/not-found")


def test_complete_registers_a_file_as_it_was_announced(ann, ben):
    begun = ann.presign("a.txt", visibility="protected", category="documents")
    problem(ann.post(f"/files/{begun['fileId']}/complete"), 400, "file/invalid-path")
    assert ann.put(begun["url"], b"text").status == 200
    problem(ben.post(f"/files/{begun['fileId']}/complete"), 403, "file/access-denied")
    file = data(ann.post(f"/files/{begun['fileId']}/complete"))
    assert (file["originalName"], file["size"], file["visibility"], file["bucket"]) == ("a.txt", 4, "protected", "documents")
    assert data(ann.post(f"/files/{begun['fileId']}/complete")) == file


def test_an_object_of_another_dialect_is_not_a_file(app, ann):
    service = app.server.keys.service
    put = app.wire.request("POST", f"/object/{app.name}/attachments/{NOBODY}/x.txt", b"x", headers={"Content-Type": "text/plain"}, token=service)
    assert put.status == 200
    problem(ann.register(f"{app.name}/attachments/{NOBODY}/x.txt", 1), 400, "file/invalid-path")


# --- Lists --------------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shelf(server) -> tuple[App, Caller, list[dict]]:
    """An app with 25 files of one person, every fifth of them a picture."""
    app = App.create(server, "--private")
    ann = app.sign_up()
    picture = quarters(4, 4, "PNG")
    files = []
    for number in range(25):
        if number % 5 == 0:
            files.append(ann.upload(picture, f"Photo {number:02}.png", "image/png", visibility="public", bucket="images"))
        else:
            files.append(ann.upload(b"x" * (number + 1), f"note {number:02}.txt", visibility="protected"))
    return app, ann, files


def names(page: dict) -> list[str]:
    return [item["originalName"] for item in page["items"]]


def test_pages_follow_each_other_and_the_newest_come_first(shelf):
    _, ann, files = shelf
    page = ann.list()
    assert page["pagination"] == {"total": 25, "page": 1, "limit": 20, "totalPages": 2, "hasNextPage": True, "hasPrevPage": False}
    rest = ann.list(page=2)
    assert rest["pagination"] == {"total": 25, "page": 2, "limit": 20, "totalPages": 2, "hasNextPage": False, "hasPrevPage": True}
    assert names(page) + names(rest) == [file["originalName"] for file in reversed(files)]
    assert ann.list(page=9)["items"] == []
    assert page["items"][0] == data(ann.get(f"/files/{page['items'][0]['id']}"))


@pytest.mark.parametrize(
    "query, wanted",
    [
        ({"search": "PHOTO"}, range(0, 25, 5)),
        ({"search": "e 0"}, [1, 2, 3, 4, 6, 7, 8, 9]),
        ({"search": "%"}, []),
        ({"mimeType": "image/png"}, range(0, 25, 5)),
        ({"mimeType": "image/*"}, range(0, 25, 5)),
        ({"visibility": "public"}, range(0, 25, 5)),
        ({"bucket": "images"}, range(0, 25, 5)),
        ({"bucket": "images", "search": "05"}, [5]),
        ({"ownerType": "service"}, []),
        ({"ownerId": "somebody"}, []),
        ({"visibility": "private"}, []),
        ({"search": "", "visibility": "", "bucket": ""}, range(25)),
    ],
)
def test_filters_hold_together(shelf, query, wanted):
    _, ann, files = shelf
    page = ann.list(limit=100, sortBy="originalName", sortDirection="asc", **query)
    expected = sorted(files[number]["originalName"] for number in wanted)
    assert names(page) == expected and page["pagination"]["total"] == len(expected)


@pytest.mark.parametrize("field", ["createdAt", "updatedAt", "originalName", "size", "mimeType", "visibility", "id"])
def test_each_order_is_total_and_the_other_way_round_backwards(shelf, field):
    _, ann, _ = shelf
    up = [item["id"] for item in ann.list(limit=100, sortBy=field, sortDirection="asc")["items"]]
    down = [item["id"] for item in ann.list(limit=100, sortBy=field)["items"]]
    paged = [item["id"] for page in (1, 2, 3, 4) for item in ann.list(limit=7, page=page, sortBy=field, sortDirection="asc")["items"]]
    assert up == list(reversed(down)) == paged and len(set(up)) == 25


@pytest.mark.parametrize(
    "query",
    ["page=0", "page=-1", "page=x", "page=1.5", "limit=0", "limit=101", "limit=x", "sortBy=name", "sortBy=s3Key", "sortDirection=up",
     "visibility=secret", "ownerType=nobody", "bucket=things", "search=" + "x" * 300, "mimeType=" + "x" * 101, "search=%00", "search=%ff",
     "page=99999999999999999999"],
)  # fmt: skip
def test_a_query_that_means_nothing_is_refused(shelf, query):
    problem(shelf[1].get(f"/files?{query}"), 400, "common/invalid-parameters")


def test_counts_are_of_the_project_for_its_backend_and_of_a_user_for_them(shelf):
    app, ann, files = shelf
    size = sum(file["size"] for file in files)
    for caller in (app.backend, ann):
        stats = data(caller.get("/files/stats"))
        assert (stats["totalFiles"], stats["totalSize"]) == (25, size)
        assert stats["byVisibility"]["public"]["files"] == 5 and stats["byBucket"]["attachments"]["files"] == 20
    assert data(app.sign_up().get("/files/stats"))["totalFiles"] == 0
    labels = {item["name"]: item["files"] for item in data(ann.get("/files/buckets"))["items"]}
    assert labels["images"] == 5 and labels["attachments"] == 20 and labels["exports"] == 0
    problem(app.anonymous.get("/files/stats"), 401, "common/authentication-required")


# --- Downloads ----------------------------------------------------------------------------------------------------------------------


def test_a_private_file_has_a_url_for_a_while_that_saves_it_under_its_name(app, ann):
    file = ann.upload(b"0123456789", "Zeugnis ü.txt")
    for method in ("GET", "POST"):
        for word in ("download-url", "download"):
            download = data(ann.request(method, f"/files/{file['id']}/{word}"))
            assert (download["filename"], download["contentType"], download["size"]) == ("Zeugnis ü.txt", "text/plain", 10)
            assert download["expiresAt"] > file["createdAt"]
    fetched = raw(app, download["url"])
    assert fetched.body == b"0123456789" and fetched.headers["Content-Type"] == "text/plain"
    assert fetched.headers["Content-Disposition"].startswith("attachment;") and urllib.parse.quote("ü") in fetched.headers["Content-Disposition"]
    assert "no-store" in fetched.headers["Cache-Control"]
    inline = raw(app, download["url"] + "&inline=1")
    assert inline.status == 200 and inline.headers["Content-Disposition"] is None
    assert raw(app, download["url"], headers={"Range": "bytes=2-4"}).body == b"234"
    problem(raw(app, download["url"].replace("token=e", "token=f")), 403, "file/access-denied")
    assert app.wire.get(f"/img/{target(download['url']).removeprefix('/raw/')}").status in (404, 415)


def test_a_public_files_url_is_good_for_ever(app, ann):
    file = ann.upload(b"text", visibility="public")
    for caller in (ann, app.anonymous):
        download = data(caller.post(f"/files/{file['id']}/download-url"))
        assert download["expiresAt"] is None and download["url"] == file["url"] and "?" not in download["url"]
    assert raw(app, download["url"]).body == b"text"


def test_going_private_closes_every_url_at_once_and_going_public_opens_them(app, ann):
    content = quarters(8, 8, "PNG")
    file = ann.upload(content, "a.png", "image/png", visibility="public")
    paths = [target(file["url"]), f"/img/{file['s3Key']}", f"/img/4x4/smart/{file['s3Key']}", f"/img/filters:format(webp)/{file['s3Key']}"]
    paths += [f"/object/public/{file['s3Key']}", f"/render/image/public/{file['s3Key']}?width=4"] if app.wire.get(f"/object/public/{file['s3Key']}").status == 200 else []
    for _ in range(3):
        for path in paths * 2:
            assert app.wire.get(path).status == 200, path
        assert data(ann.patch(f"/files/{file['id']}", {"visibility": "private"}))["visibility"] == "private"
        for path in paths:
            assert app.wire.get(path).status in (400, 404), path
        assert app.wire.get(paths[0]).status == 404
        data(ann.patch(f"/files/{file['id']}", {"visibility": "public"}))


def test_html_is_not_run_in_this_origin(app, ann):
    page = ann.upload(b"<script>1</script>", "page.html", "text/html", visibility="public")
    fetched = raw(app, page["url"])
    assert fetched.headers["Content-Type"] == "text/plain" and fetched.headers["X-Content-Type-Options"] == "nosniff"


# --- Shares -------------------------------------------------------------------------------------------------------------------------


def test_a_shared_file_is_seen_by_whom_it_is_shared_with(app, ann, ben):
    file = ann.upload(b"text", visibility="shared")
    path = f"/files/{file['id']}"
    problem(ben.get(path), 403, "file/access-denied")
    assert data(ann.post(f"{path}/shares", {"userId": ben.id})) == {"sharedWith": [ben.id]}
    seen = data(ben.get(path))
    assert set(seen) == {"id", "originalName", "mimeType", "size", "width", "height", "visibility", "metadata", "createdAt"}
    assert file["id"] in [item["id"] for item in ben.list(limit=100)["items"]]
    assert raw(app, data(ben.post(f"{path}/download-url"))["url"]).body == b"text"
    problem(ben.get(f"{path}/shares"), 403, "file/access-denied")
    problem(ben.post(f"{path}/shares", {"userId": "somebody"}), 403, "file/access-denied")
    assert data(ann.post(f"{path}/shares", {"userIds": ["u-1", ben.id]}))["sharedWith"] == sorted(["u-1", ben.id])
    assert data(ann.delete(f"{path}/shares/{ben.id}")) == {"sharedWith": ["u-1"]}
    problem(ben.get(path), 403, "file/access-denied")
    assert data(ann.patch(path, {"sharedWith": [ben.id]}))["sharedWith"] == [ben.id]
    assert data(ben.get(path))["id"] == file["id"]


# --- Avatars ------------------------------------------------------------------------------------------------------------------------


def test_a_user_has_one_picture(app, ann):
    content = quarters(8, 8, "PNG")
    images = []
    for _ in range(2):
        begun = data(ann.post(f"/users/{ann.id}/avatar/upload-url", {"filename": "me.png", "contentType": "image/png"}))
        assert begun["url"] == begun["uploadUrl"] and begun["expiresAt"]
        assert ann.put(begun["url"], content, "image/png").status == 200
        images.append(data(ann.patch(f"/users/{ann.id}/avatar", {"s3Key": begun["key"]}))["image"])
        assert data(ann.get("/auth/me"))["image"] == images[-1] and raw(app, images[-1]).body == content
    assert raw(app, images[0]).status == 404
    assert data(ann.delete(f"/users/{ann.id}/avatar"))["message"]
    assert raw(app, images[1]).status == 404 and data(ann.get("/auth/me"))["image"] is None
    assert data(ann.delete(f"/users/{ann.id}/avatar"))["message"]


def test_a_picture_is_the_users_to_change(app, ann, ben):
    body = {"filename": "me.png", "contentType": "image/png"}
    problem(ben.post(f"/users/{ann.id}/avatar/upload-url", body), 403, "user/forbidden")
    problem(ben.delete(f"/users/{ann.id}/avatar"), 403, "user/forbidden")
    problem(app.anonymous.post(f"/users/{ann.id}/avatar/upload-url", body), 401, "user/unauthorized")
    problem(ann.post(f"/users/{ann.id}/avatar/upload-url", {**body, "contentType": "image/svg+xml"}), 400, "file/invalid-format")
    theirs = ben.upload(quarters(4, 4, "PNG"), "b.png", "image/png", visibility="public")
    problem(ann.patch(f"/users/{ann.id}/avatar", {"s3Key": theirs["s3Key"]}), 403, "user/forbidden")


# --- Paths and methods --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method, path", [("PUT", "/files"), ("DELETE", "/files"), ("GET", "/files/presigned-url"), ("GET", "/auth/email/signin")])
def test_another_method_is_405(ann, method, path):
    reply = ann.request(method, path)
    problem(reply, 405, "common/invalid-parameters")
    assert reply.headers["Allow"]


@pytest.mark.parametrize("path", ["", "/", "/nothing", "/files/a/b/c", "/files/multipart", "/files/multipart/parts", "/users/x", "/auth", "/auth/sessions"])
def test_a_path_of_nothing_is_404(ann, path):
    problem(ann.get(path), 404, "common/not-found")
