# SPDX-License-Identifier: Apache-2.0
"""A receiver of webhooks: a real HTTP server that notes what comes, and can refuse it, be slow or be down."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import hmac
import http.server
import json
import socket
import threading
from collections.abc import Callable

from .server import HOST, held_port, wait_until


@dataclasses.dataclass(frozen=True)
class Delivery:
    """One request that was confirmed."""

    path: str
    headers: dict[str, str]
    body: bytes
    seen: object

    @property
    def json(self) -> dict:
        return json.loads(self.body)

    @property
    def event(self) -> dict:
        return self.json["event"]

    @property
    def type(self) -> str:
        return self.event["type"]

    @property
    def payload(self) -> dict:
        return self.event["payload"]

    @property
    def id(self) -> str:
        return self.headers["x-magpie-event-id"]

    @property
    def sequence(self) -> int:
        return int(self.headers["x-magpie-event-sequence"])

    def is_signed_with(self, secret: str) -> bool:
        parts = dict(part.split("=", 1) for part in self.headers["x-magpie-signature"].split(","))
        expected = hmac.new(secret.encode(), f"{parts['t']}.".encode() + self.body, hashlib.sha256).hexdigest()
        return hmac.compare_digest(parts["v1"], expected)


class Receiver:
    """Listens while it is started. `answer` decides the status of each request, `look` what is noted beside it."""

    def __init__(self) -> None:
        # While it is down, too: what comes next on this port is this receiver.
        self.held_port = held_port()
        self.port = self.held_port.getsockname()[1]
        self.url = f"http://{HOST}:{self.port}/hook?key=url-secret"
        self.answer: Callable[[dict], int] = lambda _: 200
        self.look: Callable[[Delivery], object] = lambda _: None
        self.deliveries: list[Delivery] = []
        self.refused = 0
        self._lock = threading.Lock()
        self._connections: list[socket.socket] = []
        self._server: http.server.ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> "Receiver":
        receiver = self
        if self._server is not None:
            return self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                with receiver._lock:
                    receiver._connections.append(self.connection)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = receiver._take(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
                self.send_response(status)
                if status in (301, 302, 307, 308):
                    self.send_header("Location", f"http://{HOST}:{receiver.port}/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        class Listener(http.server.ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True

        self._server = Listener((HOST, self.port), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def forget(self) -> None:
        """What came so far, and how it was answered."""
        with self._lock:
            self.deliveries.clear()
            self.refused = 0
        self.answer = lambda _: 200
        self.look = lambda _: None

    def stop(self) -> None:
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
            self._server = None
            # Whoever has an open connection would still be served on it.
            with self._lock:
                for connection in self._connections:
                    with contextlib.suppress(OSError):
                        connection.shutdown(socket.SHUT_RDWR)
                self._connections.clear()

    def _take(self, path: str, headers: dict[str, str], body: bytes) -> int:
        status = self.answer(json.loads(body))
        delivery = Delivery(path, headers, body, None)
        if status // 100 == 2:
            delivery = dataclasses.replace(delivery, seen=self.look(delivery))
        with self._lock:
            if status // 100 == 2:
                self.deliveries.append(delivery)
            else:
                self.refused += 1
        return status

    def about(self, bucket: str, name: str | None = None) -> list[Delivery]:
        """What was delivered of a bucket, or of one object in it, without repetitions."""
        with self._lock:
            first = {delivery.id: delivery for delivery in reversed(self.deliveries)}
        found = sorted(first.values(), key=lambda delivery: delivery.sequence)
        return [d for d in found if d.payload["bucketId"] == bucket and name in (None, d.payload["name"])]

    def wait_for(self, bucket: str, types: list[str], name: str | None = None, timeout: float = 20) -> list[Delivery]:
        """Waits until exactly these types were delivered, in this order."""
        wait_until(lambda: len(self.about(bucket, name)) >= len(types), timeout)
        found = self.about(bucket, name)
        assert [delivery.type for delivery in found] == types
        return found
