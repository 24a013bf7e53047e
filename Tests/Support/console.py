# SPDX-License-Identifier: Apache-2.0
"""People who sign in: a browser's side of the console, as far as cookies go."""

from __future__ import annotations

import http.cookies
import json
import subprocess
import uuid

from .server import Server, clean_environment
from .wire import Reply, Wire

PASSWORD = "correct horse battery"
# A guess costs little, so that the suites do not.
FAST = {"MAGPIE_PASSWORD_COST": "14", "MAGPIE_SIGN_IN_ATTEMPTS": "0"}


def address(name: str = "p") -> str:
    return f"{name}-{uuid.uuid4().hex[:10]}@example.com"


def account_command(server: Server, *arguments: str, password: str | None = None) -> subprocess.CompletedProcess[str]:
    """`magpie account …` with a password on standard input."""
    return subprocess.run(
        [str(server.binary), "account", *arguments, "--data-dir", str(server.data)],
        env=clean_environment(server.settings),
        text=True,
        capture_output=True,
        timeout=120,
        input=f"{password}\n" if password is not None else "",
        cwd=server.home,
        check=False,
    )


def create_account(server: Server, email: str, *options: str, password: str = PASSWORD) -> str:
    """The id of a new account."""
    made = account_command(server, "create", email, "--json", *options, password=password)
    assert made.returncode == 0, made.stderr
    return json.loads(made.stdout)["id"]


class Person:
    """A browser with a cookie jar, and the token that a page of the console keeps."""

    def __init__(self, server: Server, email: str = "", password: str = PASSWORD):
        self.wire = Wire(server.port)
        self.email = email
        self.password = password
        self.cookies: dict[str, str] = {}
        self.csrf: str | None = None
        self.id = ""

    def request(self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None) -> Reply:
        fields = dict(headers or {})
        if self.cookies:
            fields.setdefault("Cookie", "; ".join(f"{name}={value}" for name, value in self.cookies.items()))
        if self.csrf is not None and method not in ("GET", "HEAD"):
            fields.setdefault("X-CSRF-Token", self.csrf)
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            fields.setdefault("Content-Type", "application/json")
        reply = self.wire.request(method, path, body, headers={k: v for k, v in fields.items() if v != ""})
        for line in reply.headers.get_all("Set-Cookie") or []:
            for name, morsel in http.cookies.SimpleCookie(line).items():
                if morsel["max-age"] == "0":
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value
        return reply

    def get(self, path: str) -> Reply:
        return self.request("GET", path)

    def post(self, path: str, body: object = None, **options) -> Reply:
        return self.request("POST", path, body, **options)

    def sign_in(self, password: str | None = None) -> "Person":
        reply = self.post("/api/auth/sign-in", {"email": self.email, "password": password or self.password})
        assert reply.status == 200, reply.text
        self.learn(reply)
        return self

    def learn(self, reply: Reply) -> None:
        self.csrf = reply.json()["csrfToken"]
        self.id = reply.json()["account"]["id"]

    @property
    def token(self) -> str:
        (token,) = self.cookies.values()
        return token


# Those who may do ever more in a project, and who runs the server.
ROLES = ["nobody", "viewer", "member", "admin", "owner", "operator"]


def create_roles(server: Server) -> None:
    """An account for each; the first one runs the server."""
    for role in reversed(ROLES):
        create_account(server, f"{role}@example.com")


def sign_in_roles(server: Server) -> dict[str, Person]:
    return {role: Person(server, f"{role}@example.com").sign_in() for role in ROLES}
