# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL through psql: the private one of a server, and clusters of the tests' own."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator


def programs() -> pathlib.Path:
    """The directory of PostgreSQL's server programs, the newest version where there are several."""
    places = [path for path in pathlib.Path("/usr/lib/postgresql").glob("*/bin") if (path / "initdb").exists()]
    if places:
        return max(places, key=lambda path: int(path.parent.name))
    found = shutil.which("initdb")
    if found is None:
        raise RuntimeError("PostgreSQL's server programs are not installed (Debian: postgresql-15)")
    return pathlib.Path(found).resolve().parent


def as_postgres(command: list[str]) -> list[str]:
    """PostgreSQL refuses to run as root, so root runs it as the user its package made."""
    if os.geteuid() != 0:
        return command
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--no-new-privs", "--", *command]


@dataclasses.dataclass(frozen=True)
class Database:
    """A database reached over a unix socket as its owner."""

    socket_directory: pathlib.Path
    user: str
    name: str
    password: str | None = None
    port: int = 5432

    def run(self, sql: str) -> str:
        """Runs statements and returns what the last one printed, unaligned and without headings."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        if self.password is not None:
            environment["PGPASSWORD"] = self.password
        result = subprocess.run(
            as_postgres(
                [
                    str(programs() / "psql"),
                    "-X",
                    "-q",
                    "-A",
                    "-t",
                    "-v",
                    "ON_ERROR_STOP=1",
                    "-h",
                    str(self.socket_directory),
                    "-p",
                    str(self.port),
                    "-U",
                    self.user,
                    "-d",
                    self.name,
                    "-f",
                    "-",
                ]
            ),
            input=sql,
            text=True,
            capture_output=True,
            timeout=60,
            env=environment,
            check=False,
            cwd="/",
        )
        if result.returncode != 0:
            raise RuntimeError(result.stderr.strip())
        return result.stdout.strip()

    def value(self, sql: str) -> str:
        return self.run(sql)

    def rows(self, query: str) -> list[dict]:
        """The rows of a query."""
        return json.loads(self.run(f"select coalesce(json_agg(r), '[]') from ({query}) r"))

    @contextlib.contextmanager
    def policies(self, *definitions: str) -> Iterator[None]:
        """Policies while the block runs. A definition is what follows the name: `on storage.objects for select …`."""
        made = []
        try:
            for definition in definitions:
                name, table = f"test_{uuid.uuid4().hex}", definition.split()[1]
                self.run(f"create policy {name} {definition}")
                made.append((name, table))
            yield
        finally:
            if made:
                self.run(";\n".join(f"drop policy {name} on {table}" for name, table in made))


def embedded_database(data: pathlib.Path) -> Database:
    """The private PostgreSQL of a server that runs on `data`."""
    sockets = sorted(data.rglob(".s.PGSQL.*[0-9]"))
    if not sockets:
        raise RuntimeError(f"no PostgreSQL socket under {data}")
    return Database(
        socket_directory=sockets[0].parent, user="postgres", name="postgres", port=int(sockets[0].name.rsplit(".", 1)[1])
    )


class Cluster:
    """A PostgreSQL cluster of its own in a temporary directory, reached over its unix socket with a password."""

    def __init__(self) -> None:
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="magpie-pg-"))
        self.home.chmod(0o755)
        self.run_directory = self.home / "run"
        self.run_directory.mkdir()
        self.password = uuid.uuid4().hex
        self.process: subprocess.Popen | None = None

    def __enter__(self) -> "Cluster":
        secret = self.home / "password"
        secret.write_text(self.password)
        if os.geteuid() == 0:
            for path in (self.home, self.run_directory, secret):
                shutil.chown(path, "postgres", "postgres")
        subprocess.run(
            as_postgres(
                [
                    str(programs() / "initdb"),
                    "-D",
                    str(self.home / "cluster"),
                    "-U",
                    "owner",
                    "-A",
                    "scram-sha-256",
                    f"--pwfile={secret}",
                    "-E",
                    "UTF8",
                    "--locale=C.UTF-8",
                    "--no-sync",
                ]
            ),
            check=True,
            capture_output=True,
            cwd="/",
        )
        log = (self.home / "log").open("ab")
        self.process = subprocess.Popen(
            as_postgres(
                [
                    str(programs() / "postgres"),
                    "-D",
                    str(self.home / "cluster"),
                    "-k",
                    str(self.run_directory),
                    "-c",
                    "listen_addresses=",
                    "-c",
                    "fsync=off",
                    "-c",
                    "max_connections=60",
                ]
            ),
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            cwd="/",
        )
        log.close()
        end = time.monotonic() + 30
        while True:
            try:
                self.database("postgres").run("select 1")
                return self
            except RuntimeError:
                if time.monotonic() > end or self.process.poll() is not None:
                    raise
                time.sleep(0.05)

    def __exit__(self, *_: object) -> None:
        assert self.process is not None
        self.process.terminate()  # setpriv replaces itself, so this is the postmaster
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.send_signal(2)  # fast: ends the connections that are left
            self.process.wait(20)
        shutil.rmtree(self.home, ignore_errors=True)

    def database(self, name: str) -> Database:
        return Database(self.run_directory, "owner", name, self.password)

    def create(self) -> tuple[Database, str]:
        """A new empty database, and the URL that a server takes for it."""
        name = f"magpie_{uuid.uuid4().hex[:12]}"
        self.database("postgres").run(f"create database {name}")
        directory = str(self.run_directory).replace("/", "%2F")
        return self.database(name), f"postgresql://owner:{self.password}@{directory}/{name}"
