# SPDX-License-Identifier: Apache-2.0
"""Documents of S3 as tests send them, and uploads in parts of one part."""

from __future__ import annotations

from .sigv4 import Client, Document, outcome
from .wire import Reply


def status(word: str) -> bytes:
    return f"<VersioningConfiguration><Status>{word}</Status></VersioningConfiguration>".encode()


def tagging(*pairs: tuple[str, str]) -> bytes:
    inner = "".join(f"<Tag><Key>{name}</Key><Value>{value}</Value></Tag>" for name, value in pairs)
    return f"<Tagging><TagSet>{inner}</TagSet></Tagging>".encode()


def cors(*rules: str) -> bytes:
    return f"<CORSConfiguration>{''.join(f'<CORSRule>{rule}</CORSRule>' for rule in rules)}</CORSConfiguration>".encode()


RULE = "<AllowedOrigin>{}</AllowedOrigin><AllowedMethod>{}</AllowedMethod>"


def lifecycle(*rules: str) -> bytes:
    return f"<LifecycleConfiguration>{''.join(f'<Rule>{rule}</Rule>' for rule in rules)}</LifecycleConfiguration>".encode()


DAYS = "<ID>r</ID><Status>Enabled</Status><Filter><Prefix>{}</Prefix></Filter><Expiration><Days>{}</Days></Expiration>"


def begin(client: Client, path: str, **headers: str) -> str:
    begun = client.post(f"{path}?uploads", headers={name.replace("_", "-"): value for name, value in headers.items()})
    assert outcome(begun) == (200, None)
    return Document.of(begun).text("UploadId")


def complete(client: Client, path: str, upload: str, headers: dict[str, str] | None = None) -> Reply:
    tag = client.put(f"{path}?partNumber=1&uploadId={upload}", b"part").headers["ETag"]
    body = f"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{tag}</ETag></Part></CompleteMultipartUpload>"
    return client.post(f"{path}?uploadId={upload}", body.encode(), headers=headers)
