# SPDX-License-Identifier: Apache-2.0
"""s3fs, unmodified, mounts a bucket as a directory: what programs write there are objects, and the reverse."""

from __future__ import annotations

import hashlib
import os
import pathlib
import subprocess
import uuid

import pytest

from Support import s3
from Support.server import wait_until
from Support.tools import Tools, program

MIB = 1 << 20
FUSE = pathlib.Path("/dev/fuse")


def can_mount() -> bool:
    """Whether this machine lets a process have a file system of its own: containers often have no device for it."""
    try:
        os.close(os.open(FUSE, os.O_RDWR))
        return True
    except OSError:
        return False


pytestmark = pytest.mark.skipif(not can_mount(), reason=f"{FUSE} is missing or closed to us, so nothing can be mounted")


class Mount:
    """A bucket as a directory, by a process of its own that runs in the foreground."""

    def __init__(self, tools: Tools, bucket: str):
        self.root = tools.home / f"mount-{uuid.uuid4().hex[:6]}"
        self.root.mkdir()
        cache = tools.home / f"{self.root.name}-temporary"
        cache.mkdir()
        secrets = tools.home / "s3fs-password"
        secrets.write_text(f"{tools.access}:{tools.secret}\n")
        secrets.chmod(0o600)
        options = [f"url={tools.url}", "use_path_request_style", f"passwd_file={secrets}", f"endpoint={s3.REGION}"]
        options += ["multipart_size=5", "parallel_count=3", f"tmpdir={cache}", "dbglevel=warn"]
        environment = tools.environment() | ({"CURL_CA_BUNDLE": tools.certificate} if tools.certificate else {})
        self.log_path = tools.home / f"{self.root.name}.log"
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(
                [program("s3fs"), bucket, str(self.root), "-f", *(word for option in options for word in ("-o", option))],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def __enter__(self) -> pathlib.Path:
        if not wait_until(lambda: self.root.is_mount() or self.process.poll() is not None, 20) or not self.root.is_mount():
            self.close()
            raise RuntimeError(f"s3fs did not mount:\n{self.log_path.read_text(errors='replace')[-4000:]}")
        return self.root

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the process by its id; that takes the mount away."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.root.is_mount():
            subprocess.run(["umount", "--lazy", str(self.root)], check=True)


@pytest.fixture
def tools(server, tmp_path) -> Tools:
    return Tools(server, tmp_path)


@pytest.fixture
def boto(server):
    return s3.client(server)


@pytest.fixture
def mount(tools, bucket):
    """Mounts the bucket, as often as asked."""
    return lambda: Mount(tools, bucket)


def test_files_that_programs_write_are_objects_and_objects_are_files(mount, bucket, admin, boto):
    small, big = b"written by a program", os.urandom(17 * MIB)
    boto.put_object(Bucket=bucket, Key="there/before.bin", Body=b"before")
    with mount() as root:
        (root / "dir").mkdir()
        (root / "dir" / "small.txt").write_bytes(small)
        (root / "dir" / "big.bin").write_bytes(big)
        (root / "empty").touch()
        assert (root / "there" / "before.bin").read_bytes() == b"before"
        assert admin.get(f"/object/{bucket}/dir/big.bin").body == big

        assert admin.post(f"/object/{bucket}/dir/later.txt", b"later", headers={"Content-Type": "text/plain"}).status == 200
        assert (root / "dir" / "later.txt").read_bytes() == b"later"
    assert admin.get(f"/object/{bucket}/dir/small.txt").body == small
    assert admin.get(f"/object/{bucket}/empty").body == b""
    # Nothing of the first mount is left that the second could answer from.
    with mount() as root:
        assert sorted(path.name for path in (root / "dir").iterdir()) == ["big.bin", "later.txt", "small.txt"]
        assert hashlib.sha256((root / "dir" / "big.bin").read_bytes()).digest() == hashlib.sha256(big).digest()
        assert (root / "dir" / "small.txt").read_bytes() == small


def test_files_are_changed_in_place_appended_to_renamed_and_removed(mount, bucket, admin):
    data = bytearray(os.urandom(12 * MIB))
    with mount() as root:
        path = root / "a.bin"
        path.write_bytes(data)
        with path.open("r+b") as file:
            file.seek(6 * MIB)
            file.write(b"changed in the middle")
        data[6 * MIB : 6 * MIB + 21] = b"changed in the middle"
        with path.open("ab") as file:
            file.write(b"the end")
        data += b"the end"
        path.rename(root / "b.bin")
        (root / "dir").mkdir()
        (root / "dir" / "gone.txt").write_bytes(b"x")
        (root / "dir").rename(root / "other")
        (root / "other" / "gone.txt").unlink()
        (root / "other").rmdir()
        with path.with_name("b.bin").open("rb") as file:
            file.seek(-4, os.SEEK_END)
            assert file.read() == b" end"
        assert sorted(path.name for path in root.iterdir()) == ["b.bin"]
    assert admin.get(f"/object/{bucket}/b.bin").body == bytes(data)
    names = [found["name"] for found in admin.send_json("POST", f"/object/list-v2/{bucket}", {}).json()["objects"]]
    assert names == ["b.bin"]


def test_the_rights_and_the_time_of_a_file_stay(mount):
    with mount() as root:
        path = root / "a.txt"
        path.write_bytes(b"x")
        path.chmod(0o640)
        os.utime(path, (1_000_000_000, 1_000_000_000))
        (root / "link").symlink_to("a.txt")
    with mount() as root:
        found = (root / "a.txt").stat()
        assert (found.st_mode & 0o777, int(found.st_mtime)) == (0o640, 1_000_000_000)
        assert os.readlink(root / "link") == "a.txt"
        assert (root / "link").read_bytes() == b"x"


def test_over_tls(secure_server, tmp_path):
    boto = s3.client(secure_server)
    boto.create_bucket(Bucket="mounted")
    with Mount(Tools(secure_server, tmp_path), "mounted") as root:
        (root / "a.txt").write_bytes(b"secure")
    assert boto.get_object(Bucket="mounted", Key="a.txt")["Body"].read() == b"secure"
