# SPDX-License-Identifier: Apache-2.0
"""One face for clients of all dialects, each unmodified: it stores files in a bucket, and fetches all that it can see there."""

from __future__ import annotations

import dataclasses
import itertools
import json
import pathlib

from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import ClientError
from minio.error import S3Error
from storage3 import SyncStorageClient
from storage3.exceptions import StorageApiError
from tusclient import client as tusclient
from tusclient.exceptions import TusCommunicationError, TusUploadFailed

from . import s3
from .server import Server
from .tokens import token
from .tools import ToolFailed, Tools, contents, minio_client
from .tus import ROOT

MIB = 1 << 20


@dataclasses.dataclass(frozen=True)
class Caller:
    """Who calls, in the credentials of every dialect."""

    server: Server
    # For the dialects that take a bearer token.
    bearer: str
    # For S3: an access key and its secret, and a session token where the token says who calls.
    pair: tuple[str, str]
    session: str | None = None

    @classmethod
    def service(cls, server: Server) -> "Caller":
        return cls(server, server.keys.service, s3.key_pair(server))

    @classmethod
    def user_by_session(cls, server: Server, subject: str) -> "Caller":
        """A signed-in user, over S3 in Supabase's session form."""
        bearer = token(server.keys.jwt_secret, subject=subject)
        return cls(server, bearer, ("any-project", server.keys.anon), bearer)

    @classmethod
    def user_by_key(cls, server: Server, subject: str) -> "Caller":
        """A signed-in user, over S3 with a key pair that has their claims."""
        made = server.command("key", "create", "--claims", json.dumps({"role": "authenticated", "sub": subject}))
        assert made.returncode == 0, made.stderr
        found = dict(line.split() for line in made.stdout.splitlines())
        return cls(server, token(server.keys.jwt_secret, subject=subject), (found["s3AccessKey"], found["s3SecretKey"]))


class Client:
    """What a client of any dialect can do. It raises one of its `refusals` where the server refuses."""

    name: str
    refusals: tuple[type[Exception], ...]
    # What an application may call a file: the REST dialect takes fewer names than S3.
    takes_any_key = True
    reads = True

    def __init__(self, caller: Caller, home: pathlib.Path):
        self.caller = caller
        self.home = home
        self.prepare()

    def prepare(self) -> None:
        """Makes what the client needs before its first call."""

    def store(self, bucket: str, prefix: str, files: pathlib.Path) -> None:
        """Stores every file below a directory under its path there, below `prefix/`."""
        for path in sorted(files.rglob("*")):
            if path.is_file():
                self.store_one(bucket, f"{prefix}/{path.relative_to(files)}", path)

    def store_one(self, bucket: str, key: str, path: pathlib.Path) -> None:
        raise NotImplementedError

    def fetch(self, bucket: str) -> dict[str, bytes]:
        """Every object of the bucket that the client is shown, by its key."""
        return {key: self.fetch_one(bucket, key) for key in self.keys(bucket)}

    def keys(self, bucket: str) -> list[str]:
        raise NotImplementedError

    def fetch_one(self, bucket: str, key: str) -> bytes:
        raise NotImplementedError


class Boto(Client):
    name = "boto3"
    refusals = (ClientError, S3UploadFailedError)

    def prepare(self) -> None:
        options = {"aws_session_token": self.caller.session} if self.caller.session else {}
        self.client = s3.client(self.caller.server, self.caller.pair, **options)

    def store_one(self, bucket: str, key: str, path: pathlib.Path) -> None:
        self.client.upload_file(str(path), bucket, key)

    def keys(self, bucket: str) -> list[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return [found["Key"] for page in pages for found in page.get("Contents", [])]

    def fetch_one(self, bucket: str, key: str) -> bytes:
        return self.client.get_object(Bucket=bucket, Key=key)["Body"].read()


class MinIO(Client):
    name = "minio"
    refusals = (S3Error,)

    def prepare(self) -> None:
        self.client = minio_client(self.caller.server, self.caller.pair, self.caller.session)

    def store_one(self, bucket: str, key: str, path: pathlib.Path) -> None:
        self.client.fput_object(bucket, key, str(path), part_size=5 * MIB)

    def keys(self, bucket: str) -> list[str]:
        return [found.object_name for found in self.client.list_objects(bucket, recursive=True)]

    def fetch_one(self, bucket: str, key: str) -> bytes:
        answer = self.client.get_object(bucket, key)
        try:
            return answer.read()
        finally:
            answer.close()
            answer.release_conn()


class Program(Client):
    """A program that copies whole directories."""

    refusals = (ToolFailed,)

    def prepare(self) -> None:
        self.tools = Tools(self.caller.server, self.home, self.caller.pair, self.caller.session)
        self.directories = itertools.count()

    def new_directory(self) -> pathlib.Path:
        path = self.home / f"{self.name}-{next(self.directories)}"
        path.mkdir()
        return path

    def fetch(self, bucket: str) -> dict[str, bytes]:
        place = self.new_directory()
        self.fetch_all(bucket, place)
        return contents(place)

    def fetch_all(self, bucket: str, place: pathlib.Path) -> None:
        raise NotImplementedError

    def fetch_one(self, bucket: str, key: str) -> bytes:
        place = self.new_directory() / "file"
        self.fetch_to(bucket, key, place)
        return place.read_bytes()

    def fetch_to(self, bucket: str, key: str, place: pathlib.Path) -> None:
        raise NotImplementedError


class AWS(Program):
    name = "aws"

    def store(self, bucket: str, prefix: str, files: pathlib.Path) -> None:
        self.tools.aws("s3", "cp", "--recursive", str(files), f"s3://{bucket}/{prefix}/")

    def fetch_all(self, bucket: str, place: pathlib.Path) -> None:
        self.tools.aws("s3", "sync", f"s3://{bucket}", str(place))

    def fetch_to(self, bucket: str, key: str, place: pathlib.Path) -> None:
        self.tools.aws("s3", "cp", f"s3://{bucket}/{key}", str(place))


class Rclone(Program):
    name = "rclone"

    # Without the switch it makes the bucket before it uploads, which is not for a user.
    def store(self, bucket: str, prefix: str, files: pathlib.Path) -> None:
        self.tools.rclone("copy", "--s3-no-check-bucket", "--retries=1", str(files), f"m:{bucket}/{prefix}")

    def fetch_all(self, bucket: str, place: pathlib.Path) -> None:
        self.tools.rclone("copy", f"m:{bucket}", str(place))

    def fetch_to(self, bucket: str, key: str, place: pathlib.Path) -> None:
        # A file that is not there is an empty directory to it; with the switch that is an error.
        self.tools.rclone("copyto", "--retries=1", "--error-on-no-transfer", f"m:{bucket}/{key}", str(place))


class S3cmd(Program):
    name = "s3cmd"

    def store(self, bucket: str, prefix: str, files: pathlib.Path) -> None:
        self.tools.s3cmd("sync", "--multipart-chunk-size-mb=5", f"{files}/", f"s3://{bucket}/{prefix}/")

    def fetch_all(self, bucket: str, place: pathlib.Path) -> None:
        self.tools.s3cmd("sync", f"s3://{bucket}/", f"{place}/")

    def fetch_to(self, bucket: str, key: str, place: pathlib.Path) -> None:
        self.tools.s3cmd("get", f"s3://{bucket}/{key}", str(place))


class Storage3(Client):
    name = "storage3"
    refusals = (StorageApiError,)
    takes_any_key = False

    def prepare(self) -> None:
        headers = {"Authorization": f"Bearer {self.caller.bearer}", "apiKey": self.caller.server.keys.anon}
        self.client = SyncStorageClient(f"{self.caller.server.url}/storage/v1/", headers)

    def store_one(self, bucket: str, key: str, path: pathlib.Path) -> None:
        self.client.from_(bucket).upload(key, path, {"content-type": "application/octet-stream"})

    def keys(self, bucket: str) -> list[str]:
        return [found.name for found in self.client.from_(bucket).list_v2({"limit": 1000}).objects]

    def fetch_one(self, bucket: str, key: str) -> bytes:
        return self.client.from_(bucket).download(key)


class Tuspy(Client):
    name = "tuspy"
    refusals = (TusCommunicationError, TusUploadFailed)
    takes_any_key = False
    reads = False

    def store_one(self, bucket: str, key: str, path: pathlib.Path) -> None:
        place = tusclient.TusClient(f"{self.caller.server.url}/storage/v1{ROOT}")
        place.set_headers({"Authorization": f"Bearer {self.caller.bearer}"})
        values = {"bucketName": bucket, "objectName": key, "contentType": "application/octet-stream"}
        place.uploader(str(path), chunk_size=4 * MIB, metadata=values, retries=0).upload()


S3_CLIENTS: list[type[Client]] = [Boto, AWS, Rclone, S3cmd, MinIO]
CLIENTS: list[type[Client]] = [*S3_CLIENTS, Storage3, Tuspy]
