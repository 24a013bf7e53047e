# SPDX-License-Identifier: Apache-2.0
"""Signature Version 4 by hand: requests exactly as written, signed by any clock, with any claim about their body."""

from __future__ import annotations

import base64
import dataclasses
import datetime
import hashlib
import hmac
import xml.etree.ElementTree as ElementTree
import zlib
from collections.abc import Iterable
from urllib.parse import quote

from .wire import HOST, Reply, Wire

UNSIGNED = "UNSIGNED-PAYLOAD"
SIGNED_CHUNKS = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
SIGNED_CHUNKS_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
EMPTY = hashlib.sha256(b"").hexdigest()


def now(seconds: float = 0) -> datetime.datetime:
    """This moment, or one so many seconds later."""
    return datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)


def crc32(body: bytes) -> str:
    return base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()


def sha256(body: bytes) -> str:
    return base64.b64encode(hashlib.sha256(body).digest()).decode()


def md5(body: bytes) -> str:
    return base64.b64encode(hashlib.md5(body).digest()).decode()


def escaped(text: str) -> str:
    return quote(text, safe="-_.~")


@dataclasses.dataclass(frozen=True)
class Signature:
    """A signature and what a chain of chunks goes on with."""

    key: bytes
    stamp: str
    scope: str
    value: str

    def chunk(self, body: bytes, previous: str) -> str:
        digest = hashlib.sha256(body).hexdigest()
        return self._sign(["AWS4-HMAC-SHA256-PAYLOAD", self.stamp, self.scope, previous, EMPTY, digest])

    def trailer(self, text: bytes, previous: str) -> str:
        return self._sign(["AWS4-HMAC-SHA256-TRAILER", self.stamp, self.scope, previous, hashlib.sha256(text).hexdigest()])

    def _sign(self, lines: list[str]) -> str:
        return hmac.new(self.key, "\n".join(lines).encode(), hashlib.sha256).hexdigest()


class Client:
    """Signs for one key pair and sends to one server, each request on a connection of its own."""

    def __init__(self, port: int, pair: tuple[str, str], region: str = "us-east-1"):
        self.access, self.secret = pair
        self.region = region
        self.wire = Wire(port)
        self.host = f"{HOST}:{port}"

    # --- signing ------------------------------------------------------------------------------------------------

    def signature(self, method: str, path: str, query: str, fields: dict[str, str], payload: str, stamp: str) -> Signature:
        scope = f"{stamp[:8]}/{self.region}/s3/aws4_request"
        names = sorted(name.lower() for name in fields)
        lower = {name.lower(): " ".join(value.split()) for name, value in fields.items()}
        pairs = sorted((part.partition("=")[0], part.partition("=")[2]) for part in query.split("&") if part)
        canonical = "\n".join(
            [method, path, "&".join(f"{name}={value}" for name, value in pairs)]
            + [f"{name}:{lower[name]}" for name in names]
            + ["", ";".join(names), payload]
        )
        text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
        key = f"AWS4{self.secret}".encode()
        for step in scope.split("/"):
            key = hmac.new(key, step.encode(), hashlib.sha256).digest()
        return Signature(key, stamp, scope, hmac.new(key, text.encode(), hashlib.sha256).hexdigest())

    def sign(
        self, method: str, target: str, fields: dict[str, str], payload: str, at: datetime.datetime | None = None
    ) -> tuple[dict[str, str], Signature]:
        """The fields with those of the signature, and the signature."""
        stamp = (at or now()).strftime("%Y%m%dT%H%M%SZ")
        path, _, query = target.partition("?")
        signed = {"host": self.host, **fields, "x-amz-date": stamp, "x-amz-content-sha256": payload}
        made = self.signature(method, path, query, signed, payload, stamp)
        names = ";".join(sorted(name.lower() for name in signed))
        credential = f"{self.access}/{made.scope}"
        signed["Authorization"] = f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={made.value}"
        return {name: value for name, value in signed.items() if name != "host"}, made

    def presigned(self, method: str, target: str, expires: int | str = 3600, at: datetime.datetime | None = None) -> str:
        """The target with a signature in its query."""
        stamp = (at or now()).strftime("%Y%m%dT%H%M%SZ")
        path, _, query = target.partition("?")
        fields = {
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Credential": f"{self.access}/{stamp[:8]}/{self.region}/s3/aws4_request",
            "X-Amz-Date": stamp,
            "X-Amz-Expires": str(expires),
            "X-Amz-SignedHeaders": "host",
        }
        query = "&".join(filter(None, [query, *(f"{name}={escaped(value)}" for name, value in fields.items())]))
        made = self.signature(method, path, query, {"host": self.host}, UNSIGNED, stamp)
        return f"{path}?{query}&X-Amz-Signature={made.value}"

    # --- sending ------------------------------------------------------------------------------------------------

    def request(
        self,
        method: str,
        target: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        payload: str | None = None,
        at: datetime.datetime | None = None,
        unsigned: dict[str, str] | None = None,
    ) -> Reply:
        """Sends one request. `payload` replaces the digest of the body; `unsigned` fields are sent and not signed."""
        digest = payload or hashlib.sha256(body or b"").hexdigest()
        fields, _ = self.sign(method, target, headers or {}, digest, at)
        return self.wire.request(method, target, body, headers={**fields, **(unsigned or {})})

    def get(self, target: str, **options) -> Reply:
        return self.request("GET", target, **options)

    def head(self, target: str, **options) -> Reply:
        return self.request("HEAD", target, **options)

    def put(self, target: str, body: bytes = b"", **options) -> Reply:
        return self.request("PUT", target, body, **options)

    def post(self, target: str, body: bytes = b"", **options) -> Reply:
        return self.request("POST", target, body, **options)

    def delete(self, target: str, **options) -> Reply:
        return self.request("DELETE", target, **options)

    def put_chunked(
        self,
        target: str,
        chunks: Iterable[bytes],
        form: str = UNSIGNED_TRAILER,
        trailer: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        length: int | None = None,
        announced: str | None = None,
        tamper=lambda body: body,
        transfer_chunked: bool = False,
    ) -> Reply:
        """Sends an aws-chunked body. `length` replaces the decoded length, `announced` the trailer's names; `tamper` changes what
        was signed."""
        chunks = list(chunks)
        fields = {
            "content-encoding": "aws-chunked",
            "x-amz-decoded-content-length": str(sum(map(len, chunks)) if length is None else length),
            **(headers or {}),
        }
        names = announced if announced is not None else ",".join(trailer or {})
        if names:
            fields["x-amz-trailer"] = names
        signed, signature = self.sign("PUT", target, fields, form)
        body = tamper(chunked_body(chunks, trailer, None if form == UNSIGNED_TRAILER else signature))
        return self.wire.request("PUT", target, iter([body]) if transfer_chunked else body, headers=signed)


def chunked_body(chunks: Iterable[bytes], trailer: dict[str, str] | None, signature: Signature | None) -> bytes:
    """The aws-chunked coding of `chunks`; signed where there is a signature to go on from."""
    body, previous = b"", signature.value if signature else ""
    for chunk in [*chunks, b""]:
        head = f"{len(chunk):x}"
        if signature:
            previous = signature.chunk(chunk, previous)
            head += f";chunk-signature={previous}"
        body += head.encode() + b"\r\n" + chunk + (b"\r\n" if chunk else b"")
    lines = b"".join(f"{name}:{value}\n".encode() for name, value in (trailer or {}).items())
    body += lines.replace(b"\n", b"\r\n")
    if signature and trailer is not None:
        body += f"x-amz-trailer-signature:{signature.trailer(lines, previous)}\r\n".encode()
    return body + b"\r\n"


class Document:
    """An answer's document, without the names of namespaces."""

    def __init__(self, element: ElementTree.Element):
        self.element = element

    @staticmethod
    def of(reply: Reply) -> "Document":
        return Document(ElementTree.fromstring(reply.body))

    @property
    def name(self) -> str:
        return self.element.tag.rpartition("}")[2]

    def all(self, path: str) -> list["Document"]:
        wanted = "/".join("{*}" + step for step in path.split("/"))
        return [Document(found) for found in self.element.findall(wanted)]

    def texts(self, path: str) -> list[str]:
        return [found.element.text or "" for found in self.all(path)]

    def text(self, path: str) -> str | None:
        return next(iter(self.texts(path)), None)


def outcome(reply: Reply) -> tuple[int, str | None]:
    """The status of an answer and, where it is an error's document, its code."""
    if not reply.body.lstrip().startswith(b"<"):
        return reply.status, None
    document = Document.of(reply)
    return reply.status, document.text("Code") if document.name == "Error" else None
