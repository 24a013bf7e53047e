# SPDX-License-Identifier: Apache-2.0
"""azure_fake.py PORT DIRECTORY: a small Azure blob service in memory, for one account with one container, `magpie-tests`.

Writes a shared access signature for that container, which Microsoft's client makes, to DIRECTORY/signature.

What counts is what it refuses: signatures are computed anew by Microsoft's own signer, and what the service's documentation calls
required is required. Whatever it does not know it answers with 501.
"""

from __future__ import annotations

import base64
import datetime
import email.utils
import hashlib
import hmac
import http.server
import os
import pathlib
import sys
import threading
import types
import urllib.parse
import xml.etree.ElementTree as ElementTree
from xml.sax.saxutils import escape

from azure.core.pipeline.transport import HttpRequest
from azure.storage.blob import generate_container_sas
from azure.storage.blob._shared.authentication import SharedKeyCredentialPolicy
from azure.storage.blob._shared_access_signature import _BlobSharedAccessHelper

ACCOUNT = "magpietests"
KEY = base64.b64encode(b"a key that is good for tests and for nothing else, 64 bytes long").decode()
CONTAINER = "magpie-tests"
LONGEST_DIGESTED_RANGE = 4 << 20


class Refused(Exception):
    def __init__(self, status: int, code: str):
        super().__init__(code)
        self.status, self.code = status, code


class Blob:
    def __init__(self, content: bytes, fields: dict[str, str]):
        self.content, self.fields = content, fields
        self.tag = f'"0x{os.urandom(8).hex().upper()}"'
        self.modified = email.utils.formatdate(usegmt=True)


class Service:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.containers: set[str] = {CONTAINER}
        self.blobs: dict[tuple[str, str], Blob] = {}
        # Blocks that no list has named yet, by their blob and id.
        self.blocks: dict[tuple[str, str], dict[str, bytes]] = {}


def check_shared_key(method: str, url: str, fields: dict[str, str]) -> None:
    """Signs the request as Microsoft's client would, and compares."""
    claimed = fields["authorization"]
    if "x-ms-version" not in fields:
        raise Refused(400, "MissingRequiredHeader")
    date = fields.get("x-ms-date")
    if date is None or abs(email.utils.parsedate_to_datetime(date).timestamp() - datetime.datetime.now().timestamp()) > 900:
        raise Refused(403, "AuthenticationFailed")
    if "range" in fields:
        # That signer leaves the field out of what it signs, and the service does not.
        raise Refused(501, "NotImplemented")
    signed = HttpRequest(method, url, headers={name: value for name, value in fields.items() if name != "authorization"})
    request = types.SimpleNamespace(http_request=signed, context=types.SimpleNamespace(transport=None))
    SharedKeyCredentialPolicy(ACCOUNT, KEY).on_request(request)
    if not hmac.compare_digest(signed.headers["Authorization"], claimed):
        raise Refused(403, "AuthenticationFailed")


def check_signature(query: dict[str, str], container: str, name: str, permission: str) -> None:
    """Computes a shared access signature as Microsoft's client would, and compares."""
    if any(needed not in query for needed in ("sv", "sr", "sp", "se", "sig")):
        raise Refused(403, "AuthenticationFailed")
    helper = _BlobSharedAccessHelper()
    helper.query_dict = {name: value for name, value in query.items() if name != "sig"}
    path = container if query["sr"] == "c" else f"{container}/{name}"
    helper.add_resource_signature(ACCOUNT, KEY, path)
    if not hmac.compare_digest(helper.query_dict["sig"], query["sig"]):
        raise Refused(403, "AuthenticationFailed")
    if datetime.datetime.fromisoformat(query["se"].replace("Z", "+00:00")) < datetime.datetime.now(datetime.timezone.utc):
        raise Refused(403, "AuthenticationFailed")
    if "spr" in query and "http" not in query["spr"].split(","):
        raise Refused(403, "AuthorizationProtocolMismatch")
    if permission not in query["sp"]:
        raise Refused(403, "AuthorizationPermissionMismatch")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    service: Service
    disable_nagle_algorithm = True

    def log_message(self, *_: object) -> None:
        pass

    def do(self) -> None:
        try:
            status, fields, body = self.answer()
        except Refused as refused:
            text = f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{refused.code}</Code><Message>{refused.code}</Message></Error>'
            status, fields, body = refused.status, {"x-ms-error-code": refused.code, "content-type": "application/xml"}, text.encode()
        self.send_response(status)
        for name, value in {"content-length": str(len(body)), "x-ms-request-id": os.urandom(8).hex(), **fields}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_PUT = do_HEAD = do_DELETE = do

    def answer(self) -> tuple[int, dict[str, str], bytes]:
        self.fields = {name.lower(): value for name, value in self.headers.items()}
        if "transfer-encoding" in self.fields:
            self.close_connection = True
            raise Refused(411, "MissingContentLengthHeader")
        self.body = self.rfile.read(int(self.fields.get("content-length", "0")))
        parts = urllib.parse.urlsplit(self.path)
        self.query = dict(urllib.parse.parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
        words = parts.path.split("/", 3)
        if len(words) < 3 or words[1] != ACCOUNT:
            raise Refused(400, "InvalidUri")
        self.container = urllib.parse.unquote(words[2])
        self.name = urllib.parse.unquote(words[3]) if len(words) > 3 else ""
        action = self.action()
        self.authorize(action)
        if "content-md5" in self.fields and base64.b64encode(hashlib.md5(self.body).digest()).decode() != self.fields["content-md5"]:
            raise Refused(400, "Md5Mismatch")
        with self.service.lock:
            return getattr(self, action)()

    def action(self) -> str:
        what = (self.command, bool(self.name), self.query.get("restype"), self.query.get("comp"))
        known = {
            ("PUT", False, "container", None): "create_container",
            ("DELETE", False, "container", None): "delete_container",
            ("GET", False, "container", "list"): "list_blobs",
            ("PUT", True, None, None): "put_blob",
            ("PUT", True, None, "block"): "put_block",
            ("PUT", True, None, "blocklist"): "put_block_list",
            ("GET", True, None, None): "get_blob",
            ("HEAD", True, None, None): "get_blob",
            ("DELETE", True, None, None): "delete_blob",
        }
        if what not in known:
            raise Refused(501, "NotImplemented")
        return known[what]

    def authorize(self, action: str) -> None:
        if "authorization" in self.fields:
            return check_shared_key(self.command, f"http://{self.headers['host']}{self.path}", self.fields)
        if "sig" not in self.query:
            # A request without a reason may not even learn what is there.
            raise Refused(404, "ResourceNotFound")
        letter = {"list_blobs": "l", "get_blob": "r", "delete_blob": "d"}.get(action, "w")
        if action == "put_blob" and "w" not in self.query.get("sp", ""):
            # Who may create only may not replace.
            with self.service.lock:
                letter = "w" if (self.container, self.name) in self.service.blobs else "c"
        check_signature(self.query, self.container, self.name, letter)

    # Containers

    def create_container(self):
        if self.container in self.service.containers:
            raise Refused(409, "ContainerAlreadyExists")
        self.service.containers.add(self.container)
        return 201, {}, b""

    def delete_container(self):
        self.require_container()
        self.service.containers.remove(self.container)
        for key in [key for key in self.service.blobs if key[0] == self.container]:
            del self.service.blobs[key]
        return 202, {}, b""

    def require_container(self) -> None:
        if self.container not in self.service.containers:
            raise Refused(404, "ContainerNotFound")

    def list_blobs(self):
        self.require_container()
        limit = int(self.query.get("maxresults", "5000"))
        if not 1 <= limit <= 5000:
            raise Refused(400, "OutOfRangeQueryParameterValue")
        prefix, marker = self.query.get("prefix", ""), self.query.get("marker", "")
        start = base64.b64decode(marker).decode()[2:] if marker else ""
        names = sorted(
            name for container, name in self.service.blobs if container == self.container and name.startswith(prefix) and name >= start
        )
        # The service may answer with fewer than it was asked for, none at all included, and still have more.
        shown = [] if not marker and limit < 10 and names else names[:limit]
        following = names[len(shown)] if len(shown) < len(names) else None
        entries = "".join(
            f"<Blob><Name>{escape(name)}</Name><Properties><Last-Modified>{blob.modified}</Last-Modified><Etag>{escape(blob.tag)}</Etag>"
            f"<Content-Length>{len(blob.content)}</Content-Length><BlobType>BlockBlob</BlobType></Properties></Blob>"
            for name in shown
            for blob in [self.service.blobs[(self.container, name)]]
        )
        token = base64.b64encode(f"2!{following}".encode()).decode() if following is not None else ""
        text = (
            f'<?xml version="1.0" encoding="utf-8"?><EnumerationResults ContainerName="{CONTAINER}"><Prefix>{escape(prefix)}</Prefix>'
            f"<MaxResults>{limit}</MaxResults><Blobs>{entries}</Blobs><NextMarker>{token}</NextMarker></EnumerationResults>"
        )
        return 200, {"content-type": "application/xml"}, b"\xef\xbb\xbf" + text.encode()

    # Blobs

    def find(self) -> Blob:
        self.require_container()
        blob = self.service.blobs.get((self.container, self.name))
        if blob is None:
            raise Refused(404, "BlobNotFound")
        if self.fields.get("if-match") not in (None, "*", blob.tag):
            raise Refused(412, "ConditionNotMet")
        return blob

    def properties(self) -> dict[str, str]:
        """What the request says that answers shall say."""
        kept = {name: value for name, value in self.fields.items() if name.startswith("x-ms-meta-")}
        for name in ("content-type", "cache-control", "content-md5"):
            if value := self.fields.get(f"x-ms-blob-{name}"):
                kept[name] = value
        if any(not name[len("x-ms-meta-"):].isidentifier() for name in kept if name.startswith("x-ms-meta-")):
            raise Refused(400, "InvalidMetadata")
        return {"content-type": "application/octet-stream", **kept}

    def keep(self, content: bytes, fields: dict[str, str]):
        if self.fields.get("if-none-match") == "*" and (self.container, self.name) in self.service.blobs:
            raise Refused(409, "BlobAlreadyExists")
        blob = self.service.blobs[(self.container, self.name)] = Blob(content, fields)
        self.service.blocks.pop((self.container, self.name), None)
        return 201, {"etag": blob.tag, "last-modified": blob.modified}, b""

    def put_blob(self):
        self.require_container()
        if "content-length" not in self.fields:
            raise Refused(411, "MissingContentLengthHeader")
        if self.fields.get("x-ms-blob-type") != "BlockBlob":
            raise Refused(400, "MissingRequiredHeader")
        digest = base64.b64encode(hashlib.md5(self.body).digest()).decode()
        return self.keep(self.body, {"content-md5": digest, **self.properties()})

    def put_block(self):
        self.require_container()
        block = self.query.get("blockid", "")
        try:
            decoded = base64.b64decode(block, validate=True)
        except ValueError:
            raise Refused(400, "InvalidQueryParameterValue") from None
        known = self.service.blocks.setdefault((self.container, self.name), {})
        if not 1 <= len(decoded) <= 64 or any(len(other) != len(block) for other in known):
            raise Refused(400, "InvalidBlobOrBlock")
        if "x-ms-copy-source" in self.fields:
            if self.body:
                raise Refused(400, "InvalidHeaderValue")
            known[block] = self.source()
        elif not self.body:
            raise Refused(400, "InvalidHeaderValue")
        else:
            known[block] = self.body
        return 201, {"content-md5": base64.b64encode(hashlib.md5(known[block]).digest()).decode()}, b""

    def source(self) -> bytes:
        parts = urllib.parse.urlsplit(self.fields["x-ms-copy-source"])
        container, name = [urllib.parse.unquote(word) for word in parts.path.split("/", 3)[2:]]
        check_signature(dict(urllib.parse.parse_qsl(parts.query)), container, name, "r")
        blob = self.service.blobs.get((container, name))
        if blob is None:
            raise Refused(404, "CannotVerifyCopySource")
        first, last = self.fields["x-ms-source-range"].removeprefix("bytes=").split("-")
        content = blob.content[int(first):int(last) + 1]
        if len(content) != int(last) + 1 - int(first):
            raise Refused(416, "InvalidRange")
        return content

    def put_block_list(self):
        self.require_container()
        known = self.service.blocks.get((self.container, self.name), {})
        try:
            ids = [element.text or "" for element in ElementTree.fromstring(self.body).findall("Latest")]
        except ElementTree.ParseError:
            raise Refused(400, "InvalidXmlDocument") from None
        if len(ids) > 50_000:
            raise Refused(400, "BlockListTooLong")
        if any(block not in known for block in ids):
            raise Refused(400, "InvalidBlockList")
        return self.keep(b"".join(known[block] for block in ids), self.properties())

    def get_blob(self):
        blob = self.find()
        fields = {"etag": blob.tag, "last-modified": blob.modified, "accept-ranges": "bytes", "x-ms-blob-type": "BlockBlob", **blob.fields}
        for parameter, name in (("rsct", "content-type"), ("rscd", "content-disposition"), ("rscc", "cache-control")):
            if parameter in self.query:
                fields[name] = self.query[parameter]
        size, content = len(blob.content), blob.content
        if self.command == "HEAD":
            return 200, {**fields, "content-length": str(size)}, b""
        wanted = self.fields.get("x-ms-range") or self.fields.get("range")
        if wanted is None:
            return 200, fields, content
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        if not first.isdigit():
            raise Refused(400, "InvalidHeaderValue")
        if int(first) >= size:
            raise Refused(416, "InvalidRange")
        content = content[int(first):(int(last) + 1 if last else size)]
        fields.pop("content-md5", None)
        if "content-md5" in blob.fields:
            fields["x-ms-blob-content-md5"] = blob.fields["content-md5"]
        if self.fields.get("x-ms-range-get-content-md5") == "true":
            if int(last or size) - int(first) >= LONGEST_DIGESTED_RANGE:
                raise Refused(400, "OutOfRangeInput")
            fields["content-md5"] = base64.b64encode(hashlib.md5(content).digest()).decode()
        fields["content-range"] = f"bytes {first}-{int(first) + len(content) - 1}/{size}"
        return 206, fields, content

    def delete_blob(self):
        self.find()
        del self.service.blobs[(self.container, self.name)]
        return 202, {}, b""


def main() -> None:
    tomorrow = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)
    signature = generate_container_sas(ACCOUNT, CONTAINER, account_key=KEY, permission="racwdl", expiry=tomorrow)
    (pathlib.Path(sys.argv[2]) / "signature").write_text(signature)
    Handler.service = Service()
    http.server.ThreadingHTTPServer.daemon_threads = True
    http.server.ThreadingHTTPServer.request_queue_size = 128
    http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()


if __name__ == "__main__":
    main()
