# SPDX-License-Identifier: Apache-2.0
"""Large objects over plain HTTP/1: whole, in order, and with patience for whoever takes them, however slowly."""

from __future__ import annotations

import hashlib
import os
import re
import socket
import struct
import time

import pytest
from Support.server import HOST, Server
from Support.wire import Wire

BODY = b"".join(hashlib.sha256(struct.pack("<I", number)).digest() for number in range(650_000))  # 20.8 MB
SECONDS = 2


@pytest.fixture(scope="module")
def impatient():
    """A server that gives up on clients quickly."""
    with Server({"MAGPIE_SEND_TIMEOUT": f"{SECONDS}s", "MAGPIE_IDLE_TIMEOUT": f"{SECONDS}s"}) as running:
        admin = Wire(running.port, running.keys.service)
        assert admin.send_json("POST", "/bucket", {"name": "b", "public": True}).status == 200
        assert admin.post("/object/b/small", b"small").status == 200
        assert admin.post("/object/b/big", BODY).status == 200
        yield running


def connect(server: Server, receive_buffer: int) -> socket.socket:
    connection = socket.socket()
    connection.settimeout(30)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    connection.connect((HOST, server.port))
    return connection


def request(name: str, more: str = "") -> bytes:
    return f"GET /object/public/b/{name} HTTP/1.1\r\nHost: h\r\n{more}\r\n".encode()


def take(connection: socket.socket, bytes_a_second: float | None = None) -> bytes:
    """Everything until the server closes, or resets."""
    begin, pieces, count = time.monotonic(), [], 0
    while True:
        try:
            piece = connection.recv(16_384)
        except ConnectionError:
            piece = b""
        if not piece:
            return b"".join(pieces)
        pieces.append(piece)
        count += len(piece)
        if bytes_a_second:
            time.sleep(max(0, begin + count / bytes_a_second - time.monotonic()))


def bodies(received: bytes) -> list[bytes]:
    """The bodies of the responses in a stream of bytes."""
    found = []
    while received:
        head, _, rest = received.partition(b"\r\n\r\n")
        length = int(re.search(rb"content-length: (\d+)", head.lower())[1])
        found.append(rest[:length])
        received = rest[length:]
    return found


def processor_seconds(server: Server) -> float:
    fields = open(f"/proc/{server.process.pid}/stat").read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_pipelined_requests_are_answered_whole_and_in_order(impatient):
    with connect(impatient, 1 << 20) as connection:
        part = "Range: bytes=1000000-8999999\r\n"
        connection.sendall(
            request("big") + request("small") + request("big", part) + request("small") + request("big", "Connection: close\r\n")
        )
        assert bodies(take(connection)) == [BODY, b"small", BODY[1_000_000:9_000_000], b"small", BODY]


def test_a_client_that_takes_little_at_a_time_gets_everything(impatient):
    with connect(impatient, 32 << 10) as connection:
        connection.sendall(request("big", "Range: bytes=0-5999999\r\n"))
        begin = time.monotonic()
        received = take(connection, 600_000)
        assert time.monotonic() - begin > SECONDS * 3
        assert bodies(received) == [BODY[:6_000_000]]


def test_a_client_that_takes_nothing_is_cut(impatient):
    with connect(impatient, 32 << 10) as connection:
        connection.sendall(request("big"))
        time.sleep(SECONDS * 2.5)  # it is this that is tested: that nothing is taken for so long
        assert len(take(connection)) < len(BODY)


def test_a_file_that_is_cut_short_on_the_disk_ends_the_connection(impatient):
    before = set(impatient.blobs())
    assert Wire(impatient.port, impatient.keys.service).post("/object/b/lost", BODY).status == 200
    (blob,) = set(impatient.blobs()) - before
    with connect(impatient, 32 << 10) as connection:
        connection.sendall(request("lost"))
        connection.recv(1000)
        os.truncate(blob, 1000)
        begin, spent = time.monotonic(), processor_seconds(impatient)
        assert len(take(connection)) < len(BODY)
        assert time.monotonic() - begin < SECONDS
        assert processor_seconds(impatient) - spent < 1
    # Whoever comes now is told so.
    assert Wire(impatient.port).get("/object/public/b/lost").status == 500
    assert Wire(impatient.port).get("/object/public/b/big").body == BODY
