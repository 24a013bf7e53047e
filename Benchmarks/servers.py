# SPDX-License-Identifier: Apache-2.0
"""The servers that are compared, each started in a directory of its own on the loopback interface and stopped by its process id."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import boto3
import botocore.auth
import botocore.awsrequest
import botocore.config
import botocore.credentials

from measures import family
from Support.server import HOST, ROOT, Server, free_port, wait_until
from Support.tokens import new_subject, token
from Support.wire import Wire

# The SHA-256 of no bytes.
NOTHING = hashlib.sha256().hexdigest()
ACCESS_KEY, SECRET_KEY, REGION = "benchmark-access", "benchmark-secret-0123456789", "us-east-1"
SCRIPTS = pathlib.Path(sys.executable).parent  # of the virtual environment, where the peers' wheels put their programs


def is_open(port: int) -> bool:
    import socket

    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def request_head(method: str, path: str, headers: dict[str, str]) -> str:
    """A request head as it goes over the wire."""
    return f"{method} {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n"


class Peer:
    """A server under measurement. Objects live in a public place `public` and in a private one `private`."""

    name = ""
    # What it can be asked for.
    abilities: frozenset[str] = frozenset()

    def __init__(self, directory: pathlib.Path):
        self.directory = directory
        self.port = free_port()
        self.process: subprocess.Popen | None = None

    def command(self) -> list[str]:
        raise NotImplementedError

    def start(self) -> None:
        """Starts the process and returns when its port is open and its buckets are there."""
        self.directory.mkdir(parents=True)
        self.prepare()
        with (self.directory / "log").open("wb") as log:
            self.process = subprocess.Popen(self.command(), stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self.directory)
        if not wait_until(lambda: is_open(self.port), 60):
            raise RuntimeError(f"{self.name} did not start:\n{(self.directory / 'log').read_text(errors='replace')[-2000:]}")
        self.fill()

    def prepare(self) -> None:
        """Writes what the process needs before it starts."""

    def fill(self) -> None:
        """Makes the buckets."""

    def store(self, key: str, body: bytes) -> None:
        """Puts an object into the public and into the private place."""
        raise NotImplementedError

    def public_path(self, key: str) -> str:
        raise NotImplementedError

    def private_head(self, key: str) -> str:
        """The head of a request that reads a private object."""
        raise NotImplementedError

    def put_head(self, key: str, body: bytes, digest: str) -> str:
        """The head of a request that stores `body`, whose SHA-256 is `digest`, in the private place."""
        raise NotImplementedError

    def tus_upload(self, key: str, length: int) -> tuple[int, str, dict[str, str]]:
        """Where and with which fields a TUS upload is created: port, path, fields."""
        raise NotImplementedError

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)


class Nginx(Peer):
    """Static files as fast as nginx gives them: the limit. Takes PUTs too where the DAV module is built in, unsigned and unhashed."""

    name = "nginx"

    def __init__(self, directory: pathlib.Path):
        super().__init__(directory)
        self.program = shutil.which("nginx") or "/usr/sbin/nginx"
        built = subprocess.run([self.program, "-V"], capture_output=True, text=True, check=False).stderr
        self.has_dav = "http_dav_module" in built
        self.abilities = frozenset({"get", "put"} if self.has_dav else {"get"})

    def command(self) -> list[str]:
        return [self.program, "-c", str(self.directory / "nginx.conf"), "-e", str(self.directory / "error.log")]

    def prepare(self) -> None:
        for folder in ("public", "private", "temporary"):
            (self.directory / folder).mkdir()
        user = "user root;" if os.geteuid() == 0 else ""
        dav = "dav_methods PUT DELETE; create_full_put_path on;" if self.has_dav else ""
        temporary = "".join(
            f"{kind}_temp_path {self.directory}/temporary;" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (self.directory / "nginx.conf").write_text(f"""
            {user} worker_processes {os.cpu_count()}; daemon off; pid {self.directory}/pid; error_log {self.directory}/error.log;
            events {{ worker_connections 4096; }}
            http {{
                access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; {temporary}
                open_file_cache max=10000 inactive=60s; open_file_cache_valid 30s; client_max_body_size 0;
                server {{
                    listen {HOST}:{self.port} reuseport backlog=4096;
                    location /public/ {{ alias {self.directory}/public/; add_header Cache-Control "max-age=3600"; }}
                    location /private/ {{ alias {self.directory}/private/; {dav} }}
                }}
            }}
        """)

    def store(self, key: str, body: bytes) -> None:
        for folder in ("public", "private"):
            (self.directory / folder / key).write_bytes(body)

    def public_path(self, key: str) -> str:
        return f"/public/{key}"

    def put_head(self, key: str, body: bytes, digest: str) -> str:
        return request_head("PUT", f"/private/{key}", {"Host": HOST, "Content-Length": str(len(body))})


class KnownDigestAuth(botocore.auth.S3SigV4Auth):
    """Signs for a body that is sent by somebody else."""

    def __init__(self, credentials, digest: str):
        super().__init__(credentials, "s3", REGION)
        self.digest = digest

    def payload(self, request) -> str:
        return self.digest


class S3Endpoint:
    """Where a server speaks S3, and a key pair for it."""

    def __init__(self, port: int, path: str = "", access_key: str = ACCESS_KEY, secret_key: str = SECRET_KEY):
        self.port, self.path = port, path
        self.credentials = botocore.credentials.Credentials(access_key, secret_key)
        self.client = boto3.client(
            "s3",
            endpoint_url=f"http://{HOST}:{port}{path}",
            aws_access_key_id=access_key,
            aws_secret_access_key=secret_key,
            region_name=REGION,
            config=botocore.config.Config(s3={"addressing_style": "path"}, retries={"max_attempts": 10}),
        )

    def head(self, method: str, target: str, digest: str = NOTHING, headers: dict[str, str] | None = None) -> str:
        """The head of a request, signed in its fields, for a body whose SHA-256 is `digest`."""
        request = botocore.awsrequest.AWSRequest(
            method,
            f"http://{HOST}:{self.port}{self.path}/{target}",
            headers={"Host": f"{HOST}:{self.port}", **(headers or {})},
        )
        KnownDigestAuth(self.credentials, digest).add_auth(request)
        return request_head(method, f"{self.path}/{target}", dict(request.headers.items()))


class Thumbor(Peer):
    """An image server, which keeps nothing of what it makes. Its wheels want other versions than ours, so it has a place of its own."""

    name = "thumbor"
    abilities = frozenset({"image"})
    environment = ROOT / ".build" / "image-peers"

    def prepare(self) -> None:
        (self.directory / "pictures").mkdir()
        if not (self.environment / "bin" / "thumbor").exists():
            subprocess.run([sys.executable, "-m", "venv", str(self.environment)], check=True)
            requirements = ROOT / "Benchmarks" / "images-requirements.txt"
            subprocess.run([str(self.environment / "bin" / "pip"), "install", "-q", "-r", str(requirements)], check=True)
        (self.directory / "thumbor.conf").write_text(f"""
LOADER = 'thumbor.loaders.file_loader'
FILE_LOADER_ROOT_PATH = '{self.directory}/pictures'
STORAGE = 'thumbor.storages.no_storage'
RESULT_STORAGE = None
ALLOW_UNSAFE_URL = True
QUALITY = 80
MAX_PIXELS = 100000000
""")

    def command(self) -> list[str]:
        program, configuration = str(self.environment / "bin" / "thumbor"), str(self.directory / "thumbor.conf")
        return [program, "-i", HOST, "-p", str(self.port), "-c", configuration, "--processes", str(os.cpu_count())]

    def stop(self) -> None:
        # Its processes outlive the one that started them.
        workers = [pid for pid in family(self.pid) if pid != self.pid] if self.process is not None else []
        super().stop()
        for pid in workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)

    def store_image(self, name: str, body: bytes) -> None:
        (self.directory / "pictures" / name).write_bytes(body)

    def image_path(self, number: int, width: int, format_: str) -> str:
        return f"/unsafe/{width}x0/filters:format({format_})/{number}.jpg"


class S3Peer(Peer):
    """A server that speaks S3, with requests signed in their headers and with the body's real digest."""

    abilities = frozenset({"put", "private get", "s3"})

    def fill(self) -> None:
        self.s3 = S3Endpoint(self.port)
        for bucket in ("public", "private"):
            self.s3.client.create_bucket(Bucket=bucket)

    def store(self, key: str, body: bytes) -> None:
        for bucket in ("public", "private"):
            self.s3.client.put_object(Bucket=bucket, Key=key, Body=body)

    def public_path(self, key: str) -> str:
        return f"/public/{key}"

    def private_head(self, key: str) -> str:
        return self.s3.head("GET", f"private/{key}")

    def put_head(self, key: str, body: bytes, digest: str) -> str:
        return self.s3.head("PUT", f"private/{key}", digest, {"Content-Length": str(len(body))})


class SeaweedFS(S3Peer):
    name = "SeaweedFS"
    abilities = frozenset({"get", "put", "private get", "s3", "tus"})

    def prepare(self) -> None:
        (self.directory / "data").mkdir()
        (self.directory / "s3.json").write_text(
            '{"identities":[{"name":"admin","credentials":[{"accessKey":"%s","secretKey":"%s"}],'
            '"actions":["Admin","Read","Write","List","Tagging"]},{"name":"anonymous","actions":["Read:public"]}]}'
            % (ACCESS_KEY, SECRET_KEY)
        )

    def command(self) -> list[str]:
        self.master, self.volume, self.filer = free_port(), free_port(), free_port()
        return [
            str(SCRIPTS / "weed"),
            f"-logdir={self.directory}",
            "server",
            f"-dir={self.directory}/data",
            f"-ip={HOST}",
            f"-ip.bind={HOST}",
            f"-master.port={self.master}",
            f"-master.port.grpc={free_port()}",
            f"-volume.port={self.volume}",
            f"-volume.port.grpc={free_port()}",
            "-volume.max=50",
            "-master.volumeSizeLimitMB=1024",
            "-filer",
            f"-filer.port={self.filer}",
            f"-filer.port.grpc={free_port()}",
            "-s3",
            f"-s3.port={self.port}",
            f"-s3.port.grpc={free_port()}",
            f"-s3.config={self.directory}/s3.json",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
        ]

    def tus_upload(self, key: str, length: int) -> tuple[int, str, dict[str, str]]:
        return self.filer, f"/.tus/private/{key}", {"Upload-Length": str(length)}

    def fill(self) -> None:
        # The port opens before the volumes are ready to take bytes; the client tries again until they are.
        end = time.monotonic() + 60
        while True:
            try:
                super().fill()
                return
            except Exception:  # whatever it answers while it starts
                if time.monotonic() > end:
                    raise
                time.sleep(0.5)


class Rclone(S3Peer):
    name = "rclone"

    def prepare(self) -> None:
        (self.directory / "data").mkdir()

    def command(self) -> list[str]:
        return [
            str(SCRIPTS / "rclone"),
            "serve",
            "s3",
            str(self.directory / "data"),
            "--config",
            "/dev/null",
            "--addr",
            f"{HOST}:{self.port}",
            "--auth-key",
            f"{ACCESS_KEY},{SECRET_KEY}",
            "--vfs-cache-mode",
            "off",
            "--cache-dir",
            str(self.directory / "cache"),
        ]


class Magpie(Peer):
    """The release build, with its private PostgreSQL, as `make run` starts it."""

    name = "Magpie"
    abilities = frozenset({"get", "put", "private get", "user put", "list", "s3", "tus", "image"})
    settings: dict[str, str] = {}

    def start(self) -> None:
        self.directory.mkdir(parents=True)
        self.server = Server(
            {"MAGPIE_LOG_LEVEL": "warning", **self.settings}, home=self.directory, binary=ROOT / ".build" / "release" / "magpie"
        )
        self.server.start()
        self.process, self.port = self.server.process, self.server.port
        self.subject = new_subject()
        self.user = token(self.server.keys.jwt_secret, subject=self.subject)
        self.admin = Wire(self.port, self.server.keys.service)
        keys = json.loads(self.server.command("keys", "--json").stdout)
        self.s3 = S3Endpoint(self.port, "/s3", keys["s3AccessKey"], keys["s3SecretKey"])
        for name, public in (("public", True), ("private", False)):
            reply = self.admin.send_json("POST", "/bucket", {"name": name, "public": public})
            if reply.status != 200:
                raise RuntimeError(reply.text)
        self.server.database.run(
            "create policy owners on storage.objects for all to authenticated using (owner_id = auth.uid()::text)"
        )

    def store(self, key: str, body: bytes) -> None:
        for bucket in ("public", "private"):
            reply = self.admin.request("PUT", f"/object/{bucket}/{key}", body, token=self.user)
            if reply.status != 200:
                raise RuntimeError(reply.text)

    def public_path(self, key: str) -> str:
        return f"/object/public/public/{key}"

    def store_image(self, name: str, body: bytes) -> None:
        reply = self.admin.request("PUT", f"/object/public/{name}", body, token=self.user, headers={"Content-Type": "image/jpeg"})
        if reply.status != 200:
            raise RuntimeError(reply.text)

    def image_path(self, number: int, width: int, format_: str) -> str:
        return self.rendered_path(f"{number}.jpg", width, format_)

    @staticmethod
    def rendered_path(name: str, width: int, format_: str) -> str:
        return f"/render/image/public/public/{name}?width={width}&quality=80&format={format_}"

    def tus_upload(self, key: str, length: int) -> tuple[int, str, dict[str, str]]:
        names = {"bucketName": "private", "objectName": key}
        metadata = ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in names.items())
        headers = {"Authorization": f"Bearer {self.server.keys.service}", "x-upsert": "true"}
        return self.port, "/upload/resumable", {**headers, "Upload-Metadata": metadata, "Upload-Length": str(length)}

    def private_head(self, key: str) -> str:
        return request_head("GET", f"/object/authenticated/private/{key}", {"Host": HOST, "Authorization": f"Bearer {self.user}"})

    def put_head(self, key: str, body: bytes, digest: str) -> str:
        return self.put_head_with(self.server.keys.service, key, body)

    def user_put_head(self, key: str, body: bytes) -> str:
        return self.put_head_with(self.user, key, body)

    @staticmethod
    def put_head_with(bearer: str, key: str, body: bytes) -> str:
        return request_head(
            "PUT",
            f"/object/private/{key}",
            {
                "Host": HOST,
                "Authorization": f"Bearer {bearer}",
                "Content-Type": "application/octet-stream",
                "Content-Length": str(len(body)),
            },
        )

    def stop(self) -> None:
        self.server.close()
        shutil.rmtree(self.directory, ignore_errors=True)


class MagpieWithoutFsync(Magpie):
    name = "Magpie, fsync off"
    abilities = frozenset({"put", "s3 put", "tus"})
    settings = {"MAGPIE_DURABILITY": "none"}


class MagpieWithoutCache(Magpie):
    """Renders every image anew."""

    name = "Magpie, cold"
    abilities = frozenset({"image"})
    settings = {"MAGPIE_VARIANT_CACHE": "0", "MAGPIE_CACHE_SIZE": "0"}
