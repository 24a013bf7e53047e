# SPDX-License-Identifier: Apache-2.0
"""make_cloud_vectors.py DIRECTORY: signatures as Microsoft's and Google's own clients make them, for the tests of ours.

Writes azure.json and google.json. Needs azure-storage-blob and google-cloud-storage; the tests need neither.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import json
import pathlib
import sys
import types

import google.auth.credentials
from azure.core.pipeline.transport import HttpRequest
from azure.storage.blob._shared.authentication import SharedKeyCredentialPolicy
from azure.storage.blob._shared_access_signature import BlobSharedAccessSignature
from google.cloud.storage._signing import generate_signed_url_v4

ACCOUNT, KEY = "magpietests", base64.b64encode(bytes(range(64))).decode()
DATE, VERSION = "Sat, 21 Nov 2026 12:00:00 GMT", "2021-12-02"


def shared_key() -> list[dict[str, object]]:
    host = f"https://{ACCOUNT}.blob.core.windows.net"
    requests = [
        ("GET", host, "/photos/a.jpg", "", {}),
        ("GET", host, "/photos/a%20b/%C3%A4.jpg", "", {"x-ms-range": "bytes=0-9", "x-ms-range-get-content-md5": "true"}),
        ("GET", host, "/photos", "restype=container&comp=list&prefix=blobs%2F&maxresults=5", {}),
        ("GET", host, "/photos", "restype=container&comp=list&prefix=a%2Bb%20c&maxresults=5&marker=2%21MDA%3D", {}),
        ("HEAD", "http://127.0.0.1:10000", f"/{ACCOUNT}/photos/a.jpg", "", {"if-match": '"0x8D"'}),
        ("DELETE", host, "/photos/a.jpg", "", {"x-ms-delete-snapshots": "include"}),
        (
            "PUT", host, "/photos/a.jpg", "",
            {"content-length": "5", "content-md5": "XUFAKrxLKna5cZ2REBfFkg==", "if-none-match": "*", "x-ms-blob-type": "BlockBlob",
             "x-ms-meta-magpiewrite": "1", "content-type": "image/jpeg"},
        ),
        ("PUT", host, "/photos/empty", "", {"content-length": "0", "x-ms-blob-type": "BlockBlob"}),
        ("PUT", host, "/photos/a.jpg", "comp=block&blockid=YWFh%2BQ%3D%3D", {"content-length": "8388608"}),
        (
            "PUT", host, "/photos/a.jpg", "comp=blocklist",
            {"content-length": "93", "content-type": "application/xml", "x-ms-blob-content-md5": "XUFAKrxLKna5cZ2REBfFkg==",
             "x-ms-blob-content-type": "image/jpeg", "x-ms-blob-cache-control": "no-cache"},
        ),
        (
            "PUT", host, "/photos/b.jpg", "comp=block&blockid=YWFh",
            {"x-ms-copy-source": f"{host}/photos/a.jpg?sv=1&sig=a%2Fb", "x-ms-source-range": "bytes=0-99"},
        ),
    ]  # fmt: skip
    vectors = []
    for method, base, path, query, fields in requests:
        fields = {**fields, "x-ms-date": DATE, "x-ms-version": VERSION}
        signed = HttpRequest(method, base + path + (f"?{query}" if query else ""), headers=dict(fields))
        request = types.SimpleNamespace(http_request=signed, context=types.SimpleNamespace(transport=None))
        SharedKeyCredentialPolicy(ACCOUNT, KEY).on_request(request)
        vectors.append(
            {"method": method, "path": path, "query": query, "fields": fields, "authorization": signed.headers["Authorization"]}
        )
    return vectors


def access_signatures() -> list[dict[str, object]]:
    signer = BlobSharedAccessSignature(ACCOUNT, KEY)
    signer.x_ms_version = VERSION
    vectors = []
    for blob, permissions, protocol, overrides in [
        ("a.jpg", "r", "https", {}),
        ("a b/ä+c.jpg", "r", "https", {"content_type": "image/png", "content_disposition": 'attachment; filename="x y.png"'}),
        ("a.jpg", "c", "https,http", {"cache_control": "no-store"}),
    ]:
        expiry = datetime.datetime(2026, 11, 21, 13, 0, 0)
        text = signer.generate_blob("photos", blob, permission=permissions, expiry=expiry, protocol=protocol, **overrides)
        vectors.append({"blob": blob, "permissions": permissions, "protocol": protocol, **overrides, "query": text})
    return vectors


class Recorder(google.auth.credentials.Signing):
    """Signs nothing, and remembers what it was to sign."""

    signer = None
    signer_email = "magpie@tests.iam.gserviceaccount.com"

    def sign_bytes(self, message: bytes) -> bytes:
        self.text = message.decode()
        return hashlib.sha256(message).digest()


class RecordingCredentials(Recorder, google.auth.credentials.Credentials):
    def refresh(self, request: object) -> None:
        raise NotImplementedError


def signed_urls() -> list[dict[str, object]]:
    vectors = []
    for method, resource, fields, parameters in [
        ("GET", "/photos/a.jpg", {}, {}),
        ("GET", "/photos/a%20b/%C3%A4.jpg", {}, {"response-content-disposition": 'attachment; filename="x y"'}),
        (
            "PUT", "/photos/c~d", {"content-type": "image/jpeg", "x-goog-content-length-range": "5,5", "x-goog-if-generation-match": "0"},
            {},
        ),
    ]:  # fmt: skip
        credentials = RecordingCredentials()
        url = generate_signed_url_v4(
            credentials, resource=resource, expiration=900, method=method, headers=dict(fields), query_parameters=dict(parameters),
            _request_timestamp="20261121T120000Z",
        )  # fmt: skip
        vectors.append(
            {"method": method, "path": resource, "fields": fields, "parameters": parameters, "text": credentials.text, "url": url}
        )
    return vectors


def main() -> None:
    directory = pathlib.Path(sys.argv[1])
    azure = {"account": ACCOUNT, "key": KEY, "requests": shared_key(), "signatures": access_signatures()}
    (directory / "azure.json").write_text(json.dumps(azure, indent=1, ensure_ascii=False) + "\n")
    google_vectors = {"account": Recorder.signer_email, "urls": signed_urls()}
    (directory / "google.json").write_text(json.dumps(google_vectors, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
