# SPDX-License-Identifier: Apache-2.0
"""A way to a service that can be cut: it forwards connections, refuses them, or takes them and says nothing."""

from __future__ import annotations

import contextlib
import socket
import threading

HOST = "127.0.0.1"


class Proxy:
    """Listens on a port of its own as long as it is used."""

    def __init__(self, port: int):
        self.target = port
        self.listener: socket.socket | None = None
        self.silent = False
        self.connections: set[socket.socket] = set()
        self.lock = threading.Lock()
        with socket.socket() as probe:
            probe.bind((HOST, 0))
            self.port = probe.getsockname()[1]

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def __enter__(self) -> "Proxy":
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.refuse()

    def open(self) -> None:
        """Forwards from now on."""
        self.silent = False
        if self.listener is None:
            listener = socket.create_server((HOST, self.port))
            self.listener = listener
            threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def refuse(self) -> None:
        """Cuts what there is, and nobody connects any more."""
        if self.listener is not None:
            # Wakes the thread that waits for a connection; closing alone does not.
            with contextlib.suppress(OSError):
                self.listener.shutdown(socket.SHUT_RDWR)
            self.listener.close()
            self.listener = None
        self._cut()

    def hang(self) -> None:
        """Cuts what there is; new connections are taken and never answered."""
        self.silent = True
        self._cut()

    def _cut(self) -> None:
        with self.lock:
            for connection in self.connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            self.connections.clear()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with self.lock:
                self.connections.add(client)
            if not self.silent:
                threading.Thread(target=self._forward, args=(client,), daemon=True).start()

    def _forward(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection((HOST, self.target))
        except OSError:
            client.close()
            return
        with self.lock:
            self.connections.add(server)
        back = threading.Thread(target=self._pump, args=(server, client), daemon=True)
        back.start()
        self._pump(client, server)
        back.join()
        for connection in (client, server):
            with self.lock:
                self.connections.discard(connection)
            connection.close()

    @staticmethod
    def _pump(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(65536):
                sink.sendall(piece)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)
