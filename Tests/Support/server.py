# SPDX-License-Identifier: Apache-2.0
"""A Magpie server of one's own: a free port, a data directory that goes away, and an end by its own process id."""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time

from .database import Database, embedded_database

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("MAGPIE_BINARY", ROOT / ".build" / "debug" / "magpie"))
HOST = "127.0.0.1"


def held_port() -> socket.socket:
    """A free port of the loopback interface that stays free until the socket is closed.

    It is bound and does not listen, so the kernel gives its port to nobody who asks for any, and to no connection that goes out, be
    they another process of tests; a server, which reuses addresses, can listen there again and again.
    """
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind((HOST, 0))
    return holder


def free_port() -> int:
    """A port of the loopback interface that nobody listens on, now."""
    with held_port() as holder:
        return holder.getsockname()[1]


def clean_environment(settings: dict[str, str]) -> dict[str, str]:
    """The environment without settings of Magpie or PostgreSQL that this machine may have, plus `settings`."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MAGPIE_", "R2_", "PG"))}
    return {**inherited, **settings}


def temporary_directory(prefix: str = "magpie-test-") -> pathlib.Path:
    """A new directory that the user PostgreSQL runs as can pass through."""
    path = pathlib.Path(tempfile.mkdtemp(prefix=prefix))
    path.chmod(0o755)
    return path


@dataclasses.dataclass(frozen=True)
class Keys:
    """What `magpie keys --json` prints, as far as the suites need it."""

    url: str
    anon: str
    service: str
    jwt_secret: str


class Server:
    """One server process on a data directory. Can be stopped, killed and started again on the same directory."""

    def __init__(self, settings: dict[str, str] | None = None, home: pathlib.Path | None = None, binary: pathlib.Path = BINARY):
        self.binary = binary
        self.owns_home = home is None
        self.home = home or temporary_directory()
        self.data = self.home / "data"
        self.log_path = self.home / "server.log"
        self.settings = dict(settings or {})
        self.held_port = held_port()
        self.port = self.held_port.getsockname()[1]
        self.process: subprocess.Popen | None = None
        self.seconds_to_ready = 0.0
        self._keys: Keys | None = None

    # --- life ---------------------------------------------------------------------------------------------------

    def start(self, timeout: float = 90) -> "Server":
        """Starts the process and returns once it says that it is ready."""
        begin = time.monotonic()
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [str(self.binary), "serve", "--host", HOST, "--port", str(self.port), "--data-dir", str(self.data)],
                env=clean_environment(self.settings),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.home,
            )
        while not self.is_ready():
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended with {self.process.returncode} before it was ready:\n{self.log()[-6000:]}")
            if time.monotonic() - begin > timeout:
                self.kill()
                raise RuntimeError(f"the server was not ready after {timeout} s:\n{self.log()[-6000:]}")
            time.sleep(0.02)
        self.seconds_to_ready = time.monotonic() - begin
        return self

    def is_ready(self) -> bool:
        if self.is_secure:
            # What is asked is whether it is up; whom the certificate names is for other tests.
            anyone = ssl._create_unverified_context()
            connection = http.client.HTTPSConnection(HOST, self.port, timeout=5, context=anyone)
        else:
            connection = http.client.HTTPConnection(HOST, self.port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def stop(self, timeout: float = 60) -> int:
        """Asks the process to end and returns its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout)

    def kill(self, with_database: bool = False) -> None:
        """Ends the process at once, as a crash would; with its private PostgreSQL, as a power cut would."""
        assert self.process is not None
        if with_database:
            # Halted first, so that it can't tell a client of the database's end.
            self.process.send_signal(signal.SIGSTOP)
            for process in embedded_processes(self.data):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        """Ends the process if it runs, gives its port back and removes its directory."""
        if self.process is not None and self.process.poll() is None:
            try:
                self.stop()
            except subprocess.TimeoutExpired:
                self.kill()
        self.held_port.close()
        if self.owns_home:
            wait_until(lambda: not embedded_processes(self.data), 20)
            shutil.rmtree(self.home, ignore_errors=True)

    def __enter__(self) -> "Server":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- what it knows ------------------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        return f"http{'s' if self.is_secure else ''}://{HOST}:{self.port}"

    @property
    def is_secure(self) -> bool:
        return "MAGPIE_TLS_CERTIFICATE" in self.settings

    def log(self) -> str:
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def command(self, *arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Runs another command of the binary on the same data directory and database."""
        return subprocess.run(
            [str(self.binary), *arguments, "--data-dir", str(self.data)],
            env=clean_environment(self.settings),
            text=True,
            capture_output=True,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
            cwd=self.home,
            check=False,
        )

    @property
    def keys(self) -> Keys:
        if self._keys is None:
            result = self.command("keys", "--json")
            assert result.returncode == 0, result.stderr
            found = json.loads(result.stdout)
            self._keys = Keys(found["url"], found["anonKey"], found["serviceKey"], found["jwtSecret"])
        return self._keys

    @property
    def database(self) -> Database:
        """The private PostgreSQL of this server."""
        return embedded_database(self.data)

    def blobs(self) -> list[pathlib.Path]:
        """Every file that holds bytes of objects, or of uploads under way."""
        return sorted(path for path in (self.data / "store").rglob("*") if path.is_file() and path.name != "store.json")


def embedded_processes(data: pathlib.Path) -> list[int]:
    """The processes of the private PostgreSQL under `data`, found by their working directory (its cluster)."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            directory = os.readlink(entry / "cwd")
            name = (entry / "comm").read_text().strip()
        except OSError:
            continue  # it ended, or is not ours to look at
        if name.startswith("postgres") and directory.startswith(str(data.resolve()) + "/"):
            found.append(int(entry.name))
    return found


def wait_until(condition, seconds: float) -> bool:
    """Polls `condition` until it holds. False when it still does not after `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True
