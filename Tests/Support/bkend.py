# SPDX-License-Identifier: Apache-2.0
"""Apps as bkend's guides write them: a key in X-API-Key, people who sign up, and files by presigned URLs."""

from __future__ import annotations

import dataclasses
import json
import urllib.parse

from .console import FAST, PASSWORD, address
from .pixault import ProjectKeys, create_project
from .server import Server
from .wire import Reply, Wire

# The suites sign in a lot, and upload more than a key does in a minute.
SETTINGS = {**FAST, "MAGPIE_UPLOAD_RATE": "0"}


def data(reply: Reply, status: int = 200) -> dict:
    """What an answer says, which is there twice."""
    assert reply.status == status, reply.text
    assert reply.headers["Content-Type"] == "application/json; charset=utf-8" and reply.headers["Cache-Control"] == "no-store"
    body = reply.json()
    assert body.pop("success") is True
    inner = body.pop("data")
    assert {name: value for name, value in inner.items() if name != "success"} == body
    # A script of the vendor's looks for pieces of it as text.
    assert json.dumps(reply.json(), ensure_ascii=False, separators=(",", ":")) == reply.text or "\\" in reply.text
    return inner


def problem(reply: Reply, status: int, code: str) -> str:
    """What an error says, which is there in three spellings."""
    assert reply.status == status, reply.text
    body = reply.json()
    assert body["success"] is False and body["statusCode"] == status
    assert body["error"] == {"code": code, "message": body["message"]}, reply.text
    return body["message"]


class Caller:
    """Somebody who calls with a key of the app, signed in or not."""

    def __init__(self, app: "App", key: str | None, token: str | None = None, id: str | None = None, email: str = ""):
        self.app = app
        self.key = key
        self.token = token
        self.id = id
        self.email = email

    def request(self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None) -> Reply:
        """A request below `/v1`. What is no bytes goes as JSON."""
        fields = dict(headers or {})
        if self.key is not None:
            fields.setdefault("X-API-Key", self.key)
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        if body is not None:
            fields.setdefault("Content-Type", "application/json")
        return self.app.wire.request(method, f"/v1{path}", body, headers=fields, token=self.token)

    def get(self, path: str) -> Reply:
        return self.request("GET", path)

    def post(self, path: str, body: object = None, **options) -> Reply:
        return self.request("POST", path, body, **options)

    def patch(self, path: str, body: object) -> Reply:
        return self.request("PATCH", path, body)

    def delete(self, path: str) -> Reply:
        return self.request("DELETE", path)

    # --- files --------------------------------------------------------------------------------------------------

    def presign(self, name: str = "note.txt", kind: str = "text/plain", **more: object) -> dict:
        return data(self.post("/files/presigned-url", {"filename": name, "contentType": kind, **more}))

    def put(self, url: str, content: bytes, kind: str | None = "text/plain") -> Reply:
        """As browsers do it: without a token, and nothing but a type."""
        return self.app.wire.request("PUT", target(url), content, headers={"Content-Type": kind} if kind else {}, token=None)

    def register(self, key: str, size: int, name: str = "note.txt", kind: str = "text/plain", **more: object) -> Reply:
        return self.post("/files", {"s3Key": key, "originalName": name, "mimeType": kind, "size": size, **more})

    def upload(self, content: bytes = b"some text", name: str = "note.txt", kind: str = "text/plain", **more: object) -> dict:
        """A registered file. `more` is said when it is registered."""
        begun = self.presign(name, kind)
        put = self.put(begun["url"], content, kind)
        assert put.status == 200 and put.headers["ETag"], put.text
        return data(self.register(begun["key"], len(content), name, kind, **more), 201)

    def list(self, **query: object) -> dict:
        return data(self.get(f"/files?{urllib.parse.urlencode(query)}"))


@dataclasses.dataclass
class App:
    """A project of its own with both of its keys."""

    server: Server
    keys: ProjectKeys

    @classmethod
    def create(cls, server: Server, *options: str) -> "App":
        return cls(server, create_project(server, None, *options))

    @property
    def wire(self) -> Wire:
        return Wire(self.server.port)

    @property
    def name(self) -> str:
        return self.keys.project

    @property
    def anonymous(self) -> Caller:
        return Caller(self, self.keys.publishableKey)

    @property
    def backend(self) -> Caller:
        """The app's own server, with the secret key."""
        return Caller(self, self.keys.secretKey)

    def sign_up(self, name: str = "ann") -> Caller:
        email = address(name)
        body = {"method": "password", "email": email, "password": PASSWORD, "name": name}
        tokens = data(self.anonymous.post("/auth/email/signup", body), 201)
        return Caller(self, self.keys.publishableKey, tokens["accessToken"], tokens["user"]["id"], email)

    def sign_in(self, email: str, password: str = PASSWORD) -> Caller:
        body = {"method": "password", "email": email, "password": password}
        tokens = data(self.anonymous.post("/auth/email/signin", body))
        return Caller(self, self.keys.publishableKey, tokens["accessToken"], tokens["user"]["id"], email)


def target(url: str) -> str:
    """The request target of a URL."""
    parts = urllib.parse.urlsplit(url)
    return parts.path + (f"?{parts.query}" if parts.query else "")
