# SPDX-License-Identifier: Apache-2.0
"""TUS 1.0 by hand: requests exactly as written, and bodies that stop in the middle."""

from __future__ import annotations

import base64
import hashlib
import socket
import urllib.parse
from collections.abc import Mapping

from .wire import HOST, Reply, Wire

BODY_TYPE = "application/offset+octet-stream"
ROOT = "/upload/resumable"


def metadata(**values: str) -> str:
    """The value of an `Upload-Metadata` field."""
    return ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in values.items())


def sample(size: int, seed: int = 1) -> bytes:
    """Bytes that look random and are the same each time; a shorter sample is the beginning of a longer one."""
    blocks = (hashlib.sha256(f"{seed}:{index}".encode()).digest() for index in range((size + 31) // 32))
    return b"".join(blocks)[:size]


class Tus:
    """A client of one upload place, with the fields that it sends along each time."""

    def __init__(self, wire: Wire, root: str = ROOT, headers: Mapping[str, str] | None = None):
        self.wire = wire
        self.root = root
        self.headers = {"Tus-Resumable": "1.0.0", **(headers or {})}

    def send(self, method: str, target: str, body: bytes | None = None, **headers: str) -> Reply:
        fields = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        return self.wire.request(method, target, body, headers=fields)

    def create(self, bucket: str, key: str, length: int | None, body: bytes | None = None, **headers: str) -> Reply:
        fields = {"Upload-Metadata": metadata(bucketName=bucket, objectName=key, contentType="text/plain"), **headers}
        if length is None:
            fields["Upload-Defer-Length"] = "1"
        elif length >= 0:
            fields["Upload-Length"] = str(length)
        if body is not None:
            fields["Content-Type"] = BODY_TYPE
        return self.send("POST", self.root, body, **fields)

    def begin(self, bucket: str, key: str, length: int | None, **headers: str) -> str:
        """Makes an upload and returns its path."""
        reply = self.create(bucket, key, length, **headers)
        assert reply.status == 201, (reply.status, reply.text)
        return path_of(reply)

    def patch(self, path: str, offset: int, body: bytes, **headers: str) -> Reply:
        return self.send("PATCH", path, body, Content_Type=BODY_TYPE, Upload_Offset=str(offset), **headers)

    def head(self, path: str) -> Reply:
        return self.send("HEAD", path)

    def offset(self, path: str) -> int:
        reply = self.head(path)
        assert reply.status == 200, reply.status
        return int(reply.headers["Upload-Offset"])

    def delete(self, path: str) -> Reply:
        return self.send("DELETE", path)

    def half_patch(self, path: str, offset: int, announced: int, body: bytes) -> socket.socket:
        """Begins a PATCH of `announced` bytes, sends `body` of it, and leaves the connection open."""
        fields = {
            **self.headers,
            "Authorization": f"Bearer {self.wire.token}",
            "Content-Type": BODY_TYPE,
            "Upload-Offset": str(offset),
            "Content-Length": str(announced),
            "Host": HOST,
        }
        head = f"PATCH {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items()) + "\r\n"
        connection = socket.create_connection((HOST, self.wire.port), timeout=20)
        connection.sendall(head.encode() + body)
        return connection


def path_of(reply: Reply) -> str:
    """The path of an upload that was made."""
    return urllib.parse.urlsplit(reply.headers["Location"]).path
