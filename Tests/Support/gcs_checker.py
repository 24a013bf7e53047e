# SPDX-License-Identifier: Apache-2.0
"""gcs_checker.py PORT FAKE_PORT DIRECTORY: what fake-gcs-server leaves unchecked, in front of it.

Writes the key file of a service account to DIRECTORY/key.json, hands out tokens for assertions that this key signed, and lets only
requests through that carry such a token or a URL that the key signed. Conditions, digests, sources of compositions and the messages of
404s are what Google's documentation says, where the server behind ignores them.

POST /control/expire ends all tokens at once; GET /control/tokens says how many were asked for.
"""

from __future__ import annotations

import base64
import datetime
import email.parser
import hashlib
import http.client
import http.server
import json
import os
import pathlib
import re
import sys
import threading
import time
import urllib.parse

import google_crc32c
import jwt
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

ACCOUNT = "magpie@tests.iam.gserviceaccount.com"
KEY_ID = "0123456789abcdef"
SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class Refused(Exception):
    def __init__(self, status: int, reason: str, message: str):
        super().__init__(message)
        self.status, self.reason, self.message = status, reason, message


class Checker:
    def __init__(self, port: int, behind: int, directory: pathlib.Path):
        self.behind = behind
        self.token_url = f"http://127.0.0.1:{port}/token"
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()
        document = {
            "type": "service_account",
            "project_id": "tests",
            "private_key_id": KEY_ID,
            "private_key": pem,
            "client_email": ACCOUNT,
            "token_uri": self.token_url,
        }
        (directory / "key.json").write_text(json.dumps(document))
        self.lock = threading.Lock()
        self.tokens: dict[str, float] = {}
        self.asked = 0
        # Resumable uploads with the condition that their object is new.
        self.conditional: dict[str, str] = {}

    def grant(self, form: dict[str, str]) -> dict[str, object]:
        try:
            if form["grant_type"] != GRANT:
                raise Refused(400, "unsupported_grant_type", "")
            assertion = form["assertion"]
            claims = jwt.decode(
                assertion,
                self.key.public_key(),
                algorithms=["RS256"],
                # Google's own client always names the one, ours what the key file says.
                audience=[self.token_url, "https://oauth2.googleapis.com/token"],
                issuer=ACCOUNT,
                options={"require": ["exp", "iat", "iss", "aud"]},
            )
        except (KeyError, jwt.PyJWTError):
            raise Refused(400, "invalid_grant", "") from None
        if jwt.get_unverified_header(assertion).get("kid") != KEY_ID or claims["exp"] - claims["iat"] > 3600:
            raise Refused(400, "invalid_grant", "")
        if claims.get("scope") != SCOPE:
            raise Refused(400, "invalid_scope", "")
        token = base64.urlsafe_b64encode(os.urandom(24)).decode()
        with self.lock:
            self.asked += 1
            self.tokens[token] = time.time() + 3599
        return {"access_token": token, "expires_in": 3599, "token_type": "Bearer"}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    checker: Checker

    def log_message(self, *_: object) -> None:
        pass

    def do(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("content-length", "0")))
        self.parts = urllib.parse.urlsplit(self.path)
        self.query = dict(urllib.parse.parse_qsl(self.parts.query, keep_blank_values=True))
        try:
            status, fields, body = self.answer()
        except Refused as refused:
            status, fields, body = refused.status, {"content-type": "application/json"}, self.refusal(refused)
        self.send_response(status)
        for name, value in {**fields, "content-length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = do

    def refusal(self, refused: Refused) -> bytes:
        if self.parts.path == "/token":
            return json.dumps({"error": refused.reason}).encode()
        error = {"code": refused.status, "message": refused.message, "errors": [{"reason": refused.reason, "message": refused.message}]}
        return json.dumps({"error": error}).encode()

    def answer(self):
        if self.parts.path == "/token":
            form = dict(urllib.parse.parse_qsl(self.body.decode()))
            return 200, {"content-type": "application/json"}, json.dumps(self.checker.grant(form)).encode()
        if self.parts.path == "/control/expire":
            with self.checker.lock:
                self.checker.tokens.clear()
            return 204, {}, b""
        if self.parts.path == "/control/tokens":
            return 200, {}, str(self.checker.asked).encode()
        if "X-Goog-Signature" in self.query:
            return self.signed()
        kind, _, token = self.headers.get("authorization", "").partition(" ")
        with self.checker.lock:
            good = kind == "Bearer" and self.checker.tokens.get(token, 0) > time.time()
        if not good:
            raise Refused(401, "authError", "Invalid Credentials")
        return self.api()

    # URLs that the account signed

    def signed(self):
        names = self.query["X-Goog-SignedHeaders"].split(";")
        pairs = [pair for pair in self.parts.query.split("&") if not pair.startswith("X-Goog-Signature=")]
        if pairs != sorted(pairs) or "host" not in names:
            raise Refused(403, "SignatureDoesNotMatch", "not canonical")
        fields = "".join(f"{name}:{' '.join(self.headers.get(name, '').split())}\n" for name in names)
        canonical = "\n".join([self.command, self.parts.path, "&".join(pairs), fields, ";".join(names), "UNSIGNED-PAYLOAD"])
        made, scope = self.query["X-Goog-Date"], self.query["X-Goog-Credential"].partition("/")[2]
        text = "\n".join(["GOOG4-RSA-SHA256", made, scope, hashlib.sha256(canonical.encode()).hexdigest()])
        try:
            self.checker.key.public_key().verify(
                bytes.fromhex(self.query["X-Goog-Signature"]), text.encode(), padding.PKCS1v15(), hashes.SHA256()
            )
        except InvalidSignature:
            raise Refused(403, "SignatureDoesNotMatch", "signature") from None
        start = datetime.datetime.strptime(made, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc).timestamp()
        if not self.query["X-Goog-Credential"].startswith(ACCOUNT + "/") or not start - 60 < time.time() < start + int(
            self.query["X-Goog-Expires"]
        ):
            raise Refused(400, "ExpiredToken", "expired")
        bucket, _, name = self.parts.path[1:].partition("/")
        quoted = urllib.parse.quote(urllib.parse.unquote(name), safe="")
        if self.command == "GET":
            status, fields, body = self.forward("GET", f"/storage/v1/b/{bucket}/o/{quoted}?alt=media")
            for parameter in ("response-content-type", "response-content-disposition"):
                if parameter in self.query:
                    fields[parameter.removeprefix("response-")] = self.query[parameter]
            return status, fields, body
        if self.command != "PUT":
            raise Refused(405, "methodNotAllowed", "")
        with self.checker.lock:
            if self.headers.get("x-goog-if-generation-match") == "0":
                self.require_new(bucket, urllib.parse.unquote(name))
            return self.forward("POST", f"/upload/storage/v1/b/{bucket}/o?uploadType=media&name={quoted}", self.body)

    # The JSON API

    def api(self):
        what = re.fullmatch(r"(/upload)?/storage/v1/b/([^/]+)/o(?:/([^/]+)(/compose)?(/rewriteTo/.*)?)?", self.parts.path)
        if not what:
            raise Refused(404, "notFound", "Not Found")
        upload, bucket, name = what[1], urllib.parse.unquote(what[2]), urllib.parse.unquote(what[3] or "")
        if upload:
            return self.upload(bucket)
        if what[4]:
            return self.compose(bucket, name)
        status, fields, body = self.forward()
        if status == 404:
            return self.missing(bucket, name)
        return status, fields, body

    def upload(self, bucket: str):
        self.require_bucket(bucket)
        kind, session = self.query.get("uploadType"), self.query.get("upload_id")
        with self.checker.lock:
            name = self.query.get("name", "")
            if session:
                ends = not self.headers.get("content-range", "bytes */*").endswith("/*")
                if ends and (conditional := self.checker.conditional.get(session)) is not None:
                    self.require_new(bucket, conditional)
            elif kind == "multipart":
                name = self.checked_message()
            if self.query.get("ifGenerationMatch") == "0":
                self.require_new(bucket, name)
            status, fields, body = self.forward()
            if kind == "resumable" and not session and self.query.get("ifGenerationMatch") == "0":
                location = fields["location"]
                made = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(location).query))["upload_id"]
                self.checker.conditional[made] = name
            return status, fields, body

    def checked_message(self) -> str:
        """The name in a message of two parts, whose digests are those of its bytes."""
        boundary = email.parser.HeaderParser().parsestr(f"content-type: {self.headers['content-type']}\n\n").get_param("boundary")
        mark = f"--{boundary}".encode()
        first, second = self.body.removeprefix(mark).split(b"\r\n" + mark, 1)
        resource = json.loads(first.partition(b"\r\n\r\n")[2])
        content = second.partition(b"\r\n\r\n")[2].rpartition(b"\r\n" + mark + b"--")[0]
        crc = base64.b64encode(google_crc32c.Checksum(content).digest()).decode()
        md5 = base64.b64encode(hashlib.md5(content).digest()).decode()
        if resource.get("crc32c", crc) != crc or resource.get("md5Hash", md5) != md5:
            raise Refused(400, "invalid", "Provided digest does not match")
        return resource["name"]

    def compose(self, bucket: str, name: str):
        self.require_bucket(bucket)
        sources = [source["name"] for source in json.loads(self.body)["sourceObjects"]]
        if not 1 <= len(sources) <= 32:
            raise Refused(400, "invalid", "The number of source components is out of range")
        with self.checker.lock:
            for source in sources:
                if not self.exists(bucket, source):
                    raise Refused(404, "notFound", f"Object {source} not found")
            if self.query.get("ifGenerationMatch") == "0":
                self.require_new(bucket, name)
            return self.forward()

    def missing(self, bucket: str, name: str):
        self.require_bucket(bucket)
        message = f"No such object: {bucket}/{name}"
        if self.query.get("alt") == "media":
            return 404, {"content-type": "text/html; charset=UTF-8"}, message.encode()
        raise Refused(404, "notFound", message)

    def require_bucket(self, bucket: str) -> None:
        if self.forward("GET", f"/storage/v1/b/{urllib.parse.quote(bucket, safe='')}")[0] == 404:
            raise Refused(404, "notFound", "The specified bucket does not exist.")

    def exists(self, bucket: str, name: str) -> bool:
        path = f"/storage/v1/b/{urllib.parse.quote(bucket, safe='')}/o/{urllib.parse.quote(name, safe='')}"
        return self.forward("GET", path)[0] == 200

    def require_new(self, bucket: str, name: str) -> None:
        if self.exists(bucket, name):
            raise Refused(412, "conditionNotMet", "At least one of the pre-conditions you specified did not hold.")

    def forward(self, method: str | None = None, path: str | None = None, body: bytes | None = None):
        connection = http.client.HTTPConnection("127.0.0.1", self.checker.behind, timeout=60)
        try:
            kept = ("content-type", "content-range", "range", "accept-encoding")
            fields = {name: value for name, value in self.headers.items() if method is None and name.lower() in kept}
            connection.request(method or self.command, path or self.path, self.body if method is None else body, fields)
            answer = connection.getresponse()
            content = answer.read()
            dropped = ("content-length", "transfer-encoding", "connection", "date")
            return answer.status, {name.lower(): value for name, value in answer.getheaders() if name.lower() not in dropped}, content
        finally:
            connection.close()


def main() -> None:
    port, behind, directory = int(sys.argv[1]), int(sys.argv[2]), pathlib.Path(sys.argv[3])
    Handler.checker = Checker(port, behind, directory)
    http.server.ThreadingHTTPServer.daemon_threads = True
    http.server.ThreadingHTTPServer.request_queue_size = 128
    http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    main()
