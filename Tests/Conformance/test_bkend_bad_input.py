# SPDX-License-Identifier: Apache-2.0
"""bkend's interface and bad input: every field missing, of another type, too long, or none of the words gives the documented code, and nothing
is half made."""

from __future__ import annotations

import pytest
from Support.bkend import SETTINGS, App, Caller, data, problem
from Support.server import Server

MISSING = object()
# Of every type of JSON that is not the field's own.
NO_TEXT = [5, 1.5, True, [], ["a"], {}, {"a": 1}]
NO_NUMBER = ["5", "", True, [], {}, 1.5, 1e300]
NO_OBJECT = ["a", 5, True, [], [1]]
NO_LIST = ["a", 5, True, {}, [5], [None], [["a"]]]
PARAMETERS = "common/invalid-parameters"


@pytest.fixture(scope="module")
def server():
    with Server(SETTINGS) as running:
        yield running


@pytest.fixture(scope="module")
def app(server) -> App:
    return App.create(server, "--private")


@pytest.fixture(scope="module")
def ann(app) -> Caller:
    return app.sign_up("ann")


def counts(server: Server) -> str:
    """What there is of everything that a request could make."""
    tables = ["magpie.files", "magpie.file_tickets", "storage.objects", "magpie.upload_sessions", "magpie.blobs"]
    return server.database.value("select concat_ws(',', " + ", ".join(f"(select count(*) from {table})" for table in tables) + ")")


def sent(body: dict, field: str, value: object) -> dict:
    body = {name: kept for name, kept in body.items() if name != field}
    return body if value is MISSING else {**body, field: value}


# --- Announcing ---------------------------------------------------------------------------------------------------------------------

ANNOUNCEMENT = {"filename": "a.txt", "contentType": "text/plain", "fileSize": 4, "visibility": "private", "category": "images"}
ANNOUNCED = [
    *[("filename", value, PARAMETERS) for value in [MISSING, None, *NO_TEXT, "a\0b"]],
    *[("filename", value, "file/invalid-name") for value in ["", " ", ".", "..", "a/b", "a\\b", "a\nb", "\x7f"]],
    ("filename", "x" * 256, "file/original-name-too-long"),
    *[("contentType", value, PARAMETERS) for value in [MISSING, None, *NO_TEXT]],
    *[("contentType", value, "file/invalid-format") for value in ["", "text", "/", "text/", "/plain", "a/b/c", "té/xt", "text/pl ain"]],
    ("contentType", "text/" + "x" * 96, "file/mime-type-too-long"),
    *[("fileSize", value, PARAMETERS) for value in NO_NUMBER],
    ("fileSize", -1, "file/size-negative"),
    ("fileSize", 0, "file/file-too-small"),
    *[("visibility", value, PARAMETERS) for value in [*NO_TEXT, "", "Public", "secret"]],
    *[("category", value, PARAMETERS) for value in [*NO_TEXT, "", "things"]],
]


@pytest.mark.parametrize("field, value, code", ANNOUNCED)
def test_announcing_a_file(server, ann, field, value, code):
    before = counts(server)
    problem(ann.post("/files/presigned-url", sent(ANNOUNCEMENT, field, value)), 400, code)
    problem(ann.post("/files/multipart/init", sent(ANNOUNCEMENT, field, value)), 400, code)
    assert counts(server) == before


@pytest.mark.parametrize(
    "kind, size",
    [("image/png", 10 << 20), ("video/mp4", 100 << 20), ("audio/mpeg", 100 << 20), ("application/pdf", 20 << 20), ("text/plain", 50 << 20)],
)
def test_each_kind_has_a_limit_of_its_own(server, ann, kind, size):
    before = counts(server)
    body = {**ANNOUNCEMENT, "contentType": kind}
    problem(ann.post("/files/presigned-url", {**body, "fileSize": size + 1}), 400, "file/file-too-large")
    problem(ann.post("/files/multipart/init", {**body, "fileSize": (5 << 30) + 1}), 400, "file/file-too-large")
    assert counts(server) == before
    assert data(ann.post("/files/presigned-url", {**body, "fileSize": size}))["key"]


@pytest.mark.parametrize("value", [MISSING, None])
def test_parts_need_a_size(server, ann, value):
    before = counts(server)
    problem(ann.post("/files/multipart/init", sent(ANNOUNCEMENT, "fileSize", value)), 400, PARAMETERS)
    assert counts(server) == before


def test_types_can_be_refused_by_a_setting():
    with Server({**SETTINGS, "MAGPIE_FILE_REFUSED_TYPES": "text/html, video/*"}) as running:
        app = App.create(running)
        for kind, status in (("text/html", 400), ("Video/MP4", 400), ("text/plain", 200)):
            reply = app.backend.post("/files/presigned-url", {"filename": "a", "contentType": kind})
            assert reply.status == status
            if status == 400:
                problem(reply, 400, "file/invalid-format")


# --- Registering --------------------------------------------------------------------------------------------------------------------

REGISTERED = [
    *[("s3Key", value, PARAMETERS) for value in [MISSING, None, *NO_TEXT]],
    *[("s3Key", value, "file/invalid-path") for value in ["", "/", "x", "{project}", "{project}/", "{project}/images/../x", "other/images/x"]],
    ("s3Key", "{project}/" + "x" * 500, "file/s3-key-too-long"),
    *[("originalName", value, PARAMETERS) for value in [MISSING, None, *NO_TEXT]],
    *[("originalName", value, "file/invalid-name") for value in ["", "..", "a/b", "a\rb"]],
    ("originalName", "x" * 256, "file/original-name-too-long"),
    *[("mimeType", value, PARAMETERS) for value in [MISSING, None, *NO_TEXT]],
    *[("mimeType", value, "file/invalid-format") for value in ["", "text", "image/png"]],
    ("mimeType", "text/" + "x" * 96, "file/mime-type-too-long"),
    *[("size", value, PARAMETERS) for value in [MISSING, None, *NO_NUMBER, 3, 5]],
    ("size", -1, "file/size-negative"),
    *[("width", value, PARAMETERS) for value in [*NO_NUMBER, -1, 1 << 30]],
    *[("height", value, PARAMETERS) for value in [*NO_NUMBER, -1, 1 << 30]],
    *[("visibility", value, PARAMETERS) for value in [*NO_TEXT, "secret"]],
    *[("bucket", value, PARAMETERS) for value in [*NO_TEXT, "things"]],
    *[("ownerType", value, PARAMETERS) for value in [*NO_TEXT, "king"]],
    *[("metadata", value, PARAMETERS) for value in NO_OBJECT],
    *[("metadata", {name: value}, PARAMETERS) for name in ("category", "description", "alt", "relatedEntityId") for value in NO_TEXT],
    *[("metadata", {"tags": value}, PARAMETERS) for value in NO_LIST],
    *[("metadata", {"custom": value}, PARAMETERS) for value in NO_OBJECT],
    ("metadata", {"custom": {"a": "x" * (17 << 10)}}, PARAMETERS),
    ("metadata", {"custom": {"a": "\0"}}, PARAMETERS),
    *[("sharedWith", value, PARAMETERS) for value in [*NO_LIST, [""], ["x" * 300], ["a\nb"], [str(number) for number in range(101)]]],
]


@pytest.fixture(scope="module")
def uploaded(ann) -> str:
    """A key with four bytes behind it."""
    begun = ann.presign()
    assert ann.put(begun["url"], b"text").status == 200
    return begun["key"]


@pytest.mark.parametrize("field, value, code", REGISTERED)
def test_registering_a_file(server, app, ann, uploaded, field, value, code):
    body = {"s3Key": uploaded, "originalName": "a.txt", "mimeType": "text/plain", "size": 4}
    if isinstance(value, str):
        value = value.replace("{project}", app.name)
    before = counts(server)
    problem(ann.post("/files", sent(body, field, value)), 400, code)
    assert counts(server) == before


def test_a_key_of_another_project_is_refused(server, app, ann):
    other = App.create(server, "--private")
    begun = other.backend.presign()
    assert other.backend.put(begun["url"], b"text").status == 200
    before = counts(server)
    problem(ann.register(begun["key"], 4), 400, "file/invalid-path")
    problem(app.backend.register(begun["key"], 4), 400, "file/invalid-path")
    assert counts(server) == before
    file = data(other.backend.register(begun["key"], 4), 201)
    for path in ("", "/download-url"):
        problem(app.backend.request("POST" if path else "GET", f"/files/{file['id']}{path}"), 404, "file/not-found")
    problem(app.backend.delete(f"/files/{file['id']}"), 404, "file/not-found")


def test_the_refused_upload_can_still_be_registered_rightly(ann, uploaded):
    data(ann.register(uploaded, 4), 201)
    problem(ann.register(uploaded, 4), 409, "file/s3-key-already-exists")


# --- Changing -----------------------------------------------------------------------------------------------------------------------

CHANGED = [
    *[("originalName", value, PARAMETERS) for value in NO_TEXT],
    *[("originalName", value, "file/invalid-name") for value in ["", ".", "a/b"]],
    ("originalName", "x" * 256, "file/original-name-too-long"),
    *[("visibility", value, PARAMETERS) for value in [*NO_TEXT, "", "secret"]],
    *[("metadata", value, PARAMETERS) for value in NO_OBJECT],
    *[("metadata", {"tags": value}, PARAMETERS) for value in NO_LIST],
    *[("metadata", {"alt": value}, PARAMETERS) for value in NO_TEXT],
    ("metadata", {"custom": {"a": "x" * (17 << 10)}}, PARAMETERS),
    *[("sharedWith", value, PARAMETERS) for value in [*NO_LIST, [""]]],
]


@pytest.fixture(scope="module")
def file(ann) -> dict:
    return ann.upload(metadata={"alt": "as it was"})


@pytest.mark.parametrize("field, value, code", CHANGED)
def test_changing_a_file(ann, file, field, value, code):
    body = {"originalName": "half.txt", "visibility": "public", "metadata": {"alt": "half"}, field: value}
    problem(ann.patch(f"/files/{file['id']}", body), 400, code)
    assert data(ann.get(f"/files/{file['id']}")) == file


@pytest.mark.parametrize("body", [{}, {"visibility": None}, {"visibility": 5}, {"visibility": "secret"}])
def test_changing_who_may_see_it(ann, file, body):
    problem(ann.patch(f"/files/{file['id']}/visibility", body), 400, PARAMETERS)


@pytest.mark.parametrize("body", [{}, {"userId": 5}, {"userId": None}, {"userIds": "x"}, {"userIds": [5]}, {"userId": ""}, {"userId": "x" * 300}])
def test_sharing_it(ann, file, body):
    problem(ann.post(f"/files/{file['id']}/shares", body), 400, PARAMETERS)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[]", b"5", b"null", b'"a"', b"[" * 5000, b'{"a":"' + b"x" * (2 << 20) + b'"}'])
def test_a_body_that_is_no_object(server, ann, file, body):
    before = counts(server)
    for method, path in (
        ("POST", "/files"), ("POST", "/files/presigned-url"), ("POST", "/files/multipart/init"), ("POST", "/files/multipart/complete"),
        ("POST", "/files/multipart/presigned-url"), ("POST", "/files/multipart/abort"), ("PATCH", f"/files/{file['id']}"),
        ("POST", f"/files/{file['id']}/shares"),
    ):  # fmt: skip
        problem(ann.request(method, path, body), 413 if len(body) > 1 << 20 else 400, PARAMETERS)
    assert counts(server) == before


# --- Parts --------------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def begun(ann) -> dict:
    return data(ann.post("/files/multipart/init", {**ANNOUNCEMENT, "fileSize": 4}))


@pytest.mark.parametrize("number, code", [(MISSING, PARAMETERS), *[(value, PARAMETERS) for value in NO_NUMBER], *[(value, "file/invalid-part-number-range") for value in (0, -1, 10_001)]])
def test_numbers_of_parts(ann, begun, number, code):
    body = {"key": begun["key"], "uploadId": begun["uploadId"], "partNumber": 1}
    problem(ann.post("/files/multipart/presigned-url", sent(body, "partNumber", number)), 400, code)


BAD_PARTS = [
    MISSING, None, [], {}, "x", 5, [5], ["x"], [None], [{}], [{"partNumber": 1}], [{"etag": "x"}], [{"partNumber": "1", "etag": "x"}],
    [{"partNumber": 1, "etag": 5}], [{"partNumber": 1, "etag": ""}], [{"partNumber": 0, "etag": "x"}], [{"partNumber": 10_001, "etag": "x"}],
    [{"partNumber": 1.5, "etag": "x"}], [{"partNumber": 1, "etag": "x"}],
]  # fmt: skip


@pytest.mark.parametrize("parts", BAD_PARTS)
def test_lists_of_parts(server, ann, begun, parts):
    before = counts(server)
    body = {"key": begun["key"], "uploadId": begun["uploadId"], "parts": []}
    problem(ann.post("/files/multipart/complete", sent(body, "parts", parts)), 400, "file/invalid-parts-array")
    assert counts(server) == before


@pytest.mark.parametrize("field", ["key", "uploadId"])
@pytest.mark.parametrize("path", ["presigned-url", "complete", "abort"])
@pytest.mark.parametrize("value", [MISSING, None, 5, ["x"]])
def test_names_of_uploads(ann, begun, path, field, value):
    body = {"key": begun["key"], "uploadId": begun["uploadId"], "partNumber": 1, "parts": [{"partNumber": 1, "etag": "x"}]}
    problem(ann.post(f"/files/multipart/{path}", sent(body, field, value)), 400, PARAMETERS)


@pytest.mark.parametrize("path", ["presigned-url", "complete", "abort"])
def test_an_upload_that_is_not_the_keys(ann, begun, path):
    body = {"key": begun["key"], "uploadId": "x", "partNumber": 1, "parts": [{"partNumber": 1, "etag": "x"}]}
    problem(ann.post(f"/files/multipart/{path}", body), 404, "file/not-found")
    body = {**body, "key": begun["key"] + "x", "uploadId": begun["uploadId"]}
    problem(ann.post(f"/files/multipart/{path}", body), 400, "file/invalid-path")
