# SPDX-License-Identifier: Apache-2.0
"""Projects and uploads as Pixault's clients write them."""

from __future__ import annotations

import dataclasses
import json
import time
import urllib.parse
import uuid

from .server import Server
from .wire import Reply, Wire

Field = tuple[str, str]


@dataclasses.dataclass(frozen=True)
class ProjectKeys:
    """What `magpie project create --json` prints."""

    project: str
    clientId: str
    clientSecret: str
    apiKey: str
    publishableKey: str
    secretKey: str


def create_project(server: Server, name: str | None = None, *options: str) -> ProjectKeys:
    name = name or f"p-{uuid.uuid4().hex[:12]}"
    result = server.command("project", "create", name, "--json", *options)
    assert result.returncode == 0, result.stderr
    return ProjectKeys(**json.loads(result.stdout))


def form(
    content: bytes,
    filename: str = "boot.jpg",
    content_type: str = "application/octet-stream",
    before: tuple[Field, ...] = (),
    behind: tuple[Field, ...] = (),
    dotnet: bool = False,
) -> tuple[bytes, str]:
    """A multipart body and its content type. `dotnet` writes it as HttpClient does: names without quotes, and `filename*`."""
    boundary = uuid.uuid4().hex
    quote = "" if dotnet else '"'
    parts = []

    def text(name: str, value: str) -> None:
        head = f"Content-Disposition: form-data; name={quote}{name}{quote}\r\n"
        if dotnet:
            head = "Content-Type: text/plain; charset=utf-8\r\n" + head
        parts.append(head.encode() + b"\r\n" + value.encode())

    for name, value in before:
        text(name, value)
    head = f"Content-Disposition: form-data; name={quote}file{quote}; "
    if dotnet:
        ascii_name = filename.encode("ascii", "replace").decode()
        head += f"filename={ascii_name}; filename*=utf-8''{urllib.parse.quote(filename)}"
    else:
        head += f'filename="{filename}"'
    parts.append(f"{head}\r\nContent-Type: {content_type}\r\n\r\n".encode() + content)
    for name, value in behind:
        text(name, value)
    body = b"".join(b"--" + boundary.encode() + b"\r\n" + part + b"\r\n" for part in parts) + b"--" + boundary.encode() + b"--\r\n"
    mark = '"' if dotnet else ""
    return body, f"multipart/form-data; boundary={mark}{boundary}{mark}"


class Project:
    """One project, with its single key."""

    def __init__(self, server: Server, keys: ProjectKeys):
        self.keys = keys
        self.name = keys.project
        self.wire = Wire(server.port)
        self.headers = {"X-Api-Key": keys.apiKey}

    def request(self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None) -> Reply:
        """A request below `/api/{project}/`. What is no bytes goes as JSON."""
        fields = {**self.headers, **(headers or {})}
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            fields.setdefault("Content-Type", "application/json")
        return self.wire.request(method, f"/api/{self.name}/{path}", body, headers=fields)

    def get(self, path: str) -> Reply:
        return self.request("GET", path)

    def send(self, content: bytes, query: str = "", **options) -> Reply:
        body, content_type = form(content, **options)
        return self.request("POST", f"upload{query}", body, {"Content-Type": content_type})

    def upload(self, content: bytes, **options) -> dict:
        reply = self.send(content, **options)
        assert reply.status == 201, reply.text
        return reply.json()

    def metadata(self, asset: str) -> dict:
        reply = self.get(f"{asset}/metadata")
        assert reply.status == 200, reply.text
        return reply.json()

    def names(self, query: str = "") -> list[str]:
        reply = self.get(f"images{query}")
        assert reply.status == 200, reply.text
        return [image["imageId"] for image in reply.json()["images"]]

    def fetch(self, path: str, **options) -> Reply:
        """A delivery URL."""
        return self.wire.get(f"/{self.name}/{path}", **options)

    def wait_for_job(self, asset: str, seconds: float = 60) -> dict:
        """The state of the newest job once it has ended."""
        end = time.monotonic() + seconds
        while True:
            reply = self.get(f"{asset}/processing-status")
            assert reply.status == 200, reply.text
            state = reply.json()
            if state["status"] not in ("Pending", "Discovering", "Running"):
                return state
            assert time.monotonic() < end, state
            time.sleep(0.1)


def eps(pages: tuple[str, ...] = ("1 0 0 setrgbcolor 10 10 80 30 rectfill",), box: tuple[int, int] = (100, 50)) -> bytes:
    """An EPS of as many pages, each drawn by some PostScript, in a box of points."""
    head = f"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 {box[0]} {box[1]}\n%%Pages: {len(pages)}\n%%EndComments\n"
    size = f"<< /PageSize [{box[0]} {box[1]}] >> setpagedevice\n" if len(pages) > 1 else ""
    body = "".join(f"%%Page: {number} {number}\n{page}\nshowpage\n" for number, page in enumerate(pages, 1))
    return (head + size + body + "%%EOF\n").encode()
