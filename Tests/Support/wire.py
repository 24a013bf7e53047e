# SPDX-License-Identifier: Apache-2.0
"""Plain HTTP/1.1 with the request exactly as written: no client library tidies paths, headers or lengths."""

from __future__ import annotations

import base64
import dataclasses
import http.client
import json
import socket
import time
from collections.abc import Iterable, Mapping
from email.message import Message

HOST = "127.0.0.1"


@dataclasses.dataclass
class Reply:
    status: int
    headers: Message
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8")

    def json(self):
        return json.loads(self.body)


class Wire:
    """Requests to one server, each on a connection of its own."""

    def __init__(self, port: int, token: str | None = None):
        self.port = port
        self.token = token

    def request(
        self,
        method: str,
        target: str,
        body: bytes | str | Iterable[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        token: str | None = "default",
    ) -> Reply:
        """Sends one request. `token` replaces this client's; None sends no Authorization."""
        fields = dict(headers or {})
        bearer = self.token if token == "default" else token
        if bearer is not None:
            fields.setdefault("Authorization", f"Bearer {bearer}")
        if isinstance(body, str):
            body = body.encode("utf-8")
        connection = http.client.HTTPConnection(HOST, self.port, timeout=30)
        try:
            names = {name.lower() for name in fields}
            connection.putrequest(method, target, skip_host="host" in names, skip_accept_encoding=True)
            chunked = body is not None and not isinstance(body, bytes)
            if chunked:
                fields["Transfer-Encoding"] = "chunked"
            elif body is not None and "content-length" not in names:
                fields["Content-Length"] = str(len(body))
            elif body is None and method in ("POST", "PUT", "DELETE") and "content-length" not in names:
                fields["Content-Length"] = "0"
            for name, value in fields.items():
                connection.putheader(name, value)
            connection.endheaders(body, encode_chunked=chunked)
            response = connection.getresponse()
            return Reply(response.status, response.headers, response.read())
        finally:
            connection.close()

    def get(self, target: str, **options) -> Reply:
        return self.request("GET", target, **options)

    def head(self, target: str, **options) -> Reply:
        return self.request("HEAD", target, **options)

    def post(self, target: str, body: bytes | str | None = None, **options) -> Reply:
        return self.request("POST", target, body, **options)

    def put(self, target: str, body: bytes | str | None = None, **options) -> Reply:
        return self.request("PUT", target, body, **options)

    def delete(self, target: str, body: bytes | str | None = None, **options) -> Reply:
        return self.request("DELETE", target, body, **options)

    def send_json(self, method: str, target: str, value: object, **options) -> Reply:
        headers = {"Content-Type": "application/json", **options.pop("headers", {})}
        return self.request(method, target, json.dumps(value), headers=headers, **options)


def raw_exchange(port: int, request: bytes, timeout: float = 20, half_close: bool = False) -> bytes:
    """Sends bytes and returns all that comes back until the server closes or stays silent for `timeout`."""
    with socket.create_connection((HOST, port), timeout=timeout) as connection:
        try:
            connection.sendall(request)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused while still sending; the answer may be there all the same
        answer = b""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            try:
                piece = connection.recv(65536)
            except (TimeoutError, ConnectionResetError):
                break
            if not piece:
                break
            answer += piece
        return answer


def status_of(answer: bytes) -> int:
    """The status code of a raw answer; 0 when there is none."""
    head = answer.split(b"\r\n", 1)[0].split(b" ")
    return int(head[1]) if len(head) > 1 and head[0].startswith(b"HTTP/1.") else 0


def form(
    fields: Mapping[str, str],
    file: bytes | None,
    filename: str = "file.txt",
    file_type: str | None = "text/plain",
    file_field: str = "file",
    fields_after: Mapping[str, str] | None = None,
    boundary: str = "magpie-boundary-7f3a",
) -> tuple[bytes, dict[str, str]]:
    """A multipart/form-data body and its headers, with fields before and after the file."""
    pieces = []

    def add_fields(values: Mapping[str, str]) -> None:
        for name, value in values.items():
            pieces.append(f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode())

    add_fields(fields)
    if file is not None:
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{file_field}"; filename="{filename}"\r\n'
        if file_type is not None:
            head += f"Content-Type: {file_type}\r\n"
        pieces.append(head.encode() + b"\r\n" + file + b"\r\n")
    add_fields(fields_after or {})
    pieces.append(f"--{boundary}--\r\n".encode())
    return b"".join(pieces), {"Content-Type": f"multipart/form-data; boundary={boundary}"}


def encoded_metadata(value: object) -> str:
    """The value of an `x-metadata` header."""
    return base64.b64encode(json.dumps(value).encode()).decode()


def error_text(status_code: str, error: str, message: str, code: str, details: dict | None = None) -> str:
    """An error body, letter by letter."""
    content = {"statusCode": status_code, "error": error, "message": message, "code": code}
    if details is not None:
        content["details"] = details
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False)


BUCKET_NOT_FOUND = error_text("404", "Bucket not found", "Bucket not found", "NoSuchBucket")
OBJECT_NOT_FOUND = error_text("404", "not_found", "Object not found", "NoSuchKey")
DUPLICATE_KEY = error_text("409", "Duplicate", "The resource already exists", "KeyAlreadyExists")
NO_AUTHORIZATION = error_text("400", "Error", "headers must have required property 'authorization'", "InvalidRequest")
RELATED_MISSING = error_text("404", "InvalidRequest", "The related resource does not exist", "InvalidRequest")


def refused(
    command: str,
    role: str = "authenticated",
    table: str = "storage.objects",
    message: str = "new row violates row-level security policy",
) -> str:
    """The body of a refusal by row-level security, with the detail that names the missing policy."""
    return error_text("403", "Unauthorized", message, "AccessDenied", {"role": role, "command": command, "table": table})
