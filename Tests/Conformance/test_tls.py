# SPDX-License-Identifier: Apache-2.0
"""TLS with HTTP/1.1 and HTTP/2: the same service, and the same patience with clients that break off, wait or stall."""

from __future__ import annotations

import hashlib
import http.client
import socket
import ssl
import struct
import subprocess
import time

import httpx
import pytest
from Support.http2 import HTTP2Connection, tls_context
from Support.server import HOST, Server, temporary_directory, wait_until

BIG = b"".join(hashlib.sha256(struct.pack("<I", number)).digest() for number in range(650_000))  # 20.8 MB
SECONDS = 2  # each of the limits below


@pytest.fixture(scope="module")
def secure():
    """A server with a certificate of its own and short limits."""
    home = temporary_directory()
    certificate, key = home / "certificate.pem", home / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=localhost", "-addext", f"subjectAltName=DNS:localhost,IP:{HOST}"]
    subprocess.run([*command, *names, "-out", certificate, "-keyout", key], check=True, capture_output=True)
    limits = ("HEADER_TIMEOUT", "IDLE_TIMEOUT", "BODY_TIMEOUT", "SEND_TIMEOUT")
    settings = {
        "MAGPIE_TLS_CERTIFICATE": str(certificate),
        "MAGPIE_TLS_KEY": str(key),
        "MAGPIE_TARGET_LIMIT": "1KiB",
        **{f"MAGPIE_{name}": f"{SECONDS}s" for name in limits},
    }
    with Server(settings, home=home) as running:
        with client(running) as admin:
            assert admin.post("/bucket", json={"name": "b", "public": True}).status_code == 200
            assert admin.post("/object/b/big", content=BIG).status_code == 200
        yield running
    subprocess.run(["rm", "-rf", str(home)], check=True)


def certificate(server: Server) -> str:
    return server.settings["MAGPIE_TLS_CERTIFICATE"]


def client(server: Server, http2: bool = True) -> httpx.Client:
    trust = ssl.create_default_context(cafile=certificate(server))
    fields = {"Authorization": f"Bearer {server.keys.service}"}
    return httpx.Client(base_url=server.url, headers=fields, verify=trust, http1=not http2, http2=http2, timeout=30)


def connect(server: Server, **options) -> HTTP2Connection:
    return HTTP2Connection(server.port, certificate(server), **options)


def upload_fields(server: Server, **more: str) -> dict[str, str]:
    return {"authorization": f"Bearer {server.keys.service}", "x-upsert": "true", "content-type": "text/plain", **more}


# --- the service --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("http2", [False, True], ids=["HTTP/1.1", "HTTP/2"])
def test_objects_are_stored_and_read_whole_and_in_parts(secure, http2):
    with client(secure, http2) as admin:
        path = f"/object/b/own-{http2}"
        reply = admin.post(path, content=BIG, headers={"Content-Type": "video/mp4"})
        assert reply.status_code == 200 and reply.http_version == ("HTTP/2" if http2 else "HTTP/1.1")
        whole = admin.get(path)
        assert whole.content == BIG and whole.headers["content-type"] == "video/mp4"
        part = admin.get(path, headers={"Range": "bytes=1000000-8999999"})
        assert part.status_code == 206 and part.content == BIG[1_000_000:9_000_000]
        assert admin.head(path).headers["content-length"] == str(len(BIG))
        # Of unknown length: chunked, or without a content-length.
        assert admin.put(path, content=iter([b"a" * 100_000, b"b" * 100_000])).status_code == 200
        assert admin.get(path).content == b"a" * 100_000 + b"b" * 100_000
        assert admin.delete(path).status_code == 200
        assert admin.get(path).status_code == 400


@pytest.mark.parametrize("option", ["--http1.1", "--http2"])
def test_curl_uploads_and_downloads(secure, option, tmp_path):
    source, copy = tmp_path / "source", tmp_path / "copy"
    source.write_bytes(BIG)
    curl = ["curl", "-sS", "--fail", option, "--cacert", certificate(secure), "-H", f"Authorization: Bearer {secure.keys.service}"]
    target = f"{secure.url}/object/b/curl{option}"
    subprocess.run([*curl, "-T", source, target], check=True, capture_output=True, timeout=60)
    result = subprocess.run([*curl, "-o", copy, "-w", "%{http_version}", target], check=True, capture_output=True, timeout=60)
    assert result.stdout == option.removeprefix("--http").encode()
    assert copy.read_bytes() == BIG


def test_many_streams_of_one_connection_are_served(secure):
    with connect(secure) as connection:
        numbers = [connection.open("GET", "/object/public/b/big", {"range": f"bytes={i}-{i + 99_999}"}) for i in range(50)]
        for start, number in enumerate(numbers):
            assert connection.result(number).body == BIG[start : start + 100_000]


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_old_versions_of_tls_are_refused(secure):
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.set_ciphers("DEFAULT@SECLEVEL=0")
    old.minimum_version = ssl.TLSVersion.TLSv1
    old.maximum_version = ssl.TLSVersion.TLSv1_1
    with socket.create_connection((HOST, secure.port), timeout=10) as raw, pytest.raises(ssl.SSLError):
        old.wrap_socket(raw)


# --- uploads that break off ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["close_notify", "closed", "reset", "stream reset"])
@pytest.mark.parametrize("length", [None, "4000"], ids=["unannounced", "announced"])
def test_half_an_upload_never_replaces_an_object(secure, how, length):
    good = b"good" * 1000
    with client(secure) as admin:
        assert admin.post("/object/b/keep", content=good, headers={"x-upsert": "true"}).status_code == 200
        files = secure.blobs()
        for _ in range(15):
            connection = connect(secure)
            fields = upload_fields(secure, **({"content-length": length} if length else {}))
            number = connection.open("POST", "/object/b/keep", fields, ends=False)
            connection.send(number, b"half of it...")
            connection.settle()
            break_off(connection, number, how)
        assert wait_until(lambda: set(secure.blobs()) <= set(files), 10), "bytes were left behind"
        assert admin.get("/object/b/keep").content == good


def break_off(connection: HTTP2Connection, number: int, how: str) -> None:
    if how == "close_notify":
        try:
            connection.socket.unwrap()
        except (OSError, ssl.SSLError):
            pass  # the server may close without another word
    elif how == "reset":
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    elif how == "stream reset":
        connection.state.reset_stream(number)
        connection.flush()
    connection.socket.close()


# --- clients that keep the server waiting -------------------------------------------------------------------------------------


@pytest.mark.parametrize("begun", [b"", b"\x16\x03\x01\x02\x00\x01"], ids=["silent", "half a hello"])
def test_a_handshake_that_does_not_come_is_cut(secure, begun):
    with socket.create_connection((HOST, secure.port), timeout=30) as raw:
        raw.sendall(begun)
        begin = time.monotonic()
        assert is_closed(raw)
        assert SECONDS * 0.9 < time.monotonic() - begin < SECONDS * 4


@pytest.mark.parametrize("protocol", ["h2", "http/1.1"])
def test_silence_after_the_handshake_is_cut(secure, protocol):
    with socket.create_connection((HOST, secure.port), timeout=30) as raw:
        context = tls_context(certificate(secure), [protocol])
        with context.wrap_socket(raw, server_hostname="localhost", suppress_ragged_eofs=True) as connection:
            begin = time.monotonic()
            while not is_closed(connection):
                pass
            assert time.monotonic() - begin < SECONDS * 4 + 5


def is_closed(connection: socket.socket) -> bool:
    """Waits for more, or the end."""
    try:
        return connection.recv(65536) == b""
    except ConnectionError:
        return True


def test_an_idle_connection_that_ignores_the_goodbye_is_cut(secure):
    with connect(secure) as connection:
        assert connection.result(connection.open("GET", "/status")).status == 200
        # From here on nothing is answered, and so not the ping by which the server would know that the client has understood.
        begin = time.monotonic()
        while not is_closed(connection.socket):
            pass
        assert SECONDS < time.monotonic() - begin < SECONDS * 4 + 10


def test_an_upload_that_stalls_is_refused(secure):
    files = secure.blobs()
    with connect(secure) as connection:
        number = connection.open("POST", "/object/b/stalled", upload_fields(secure, **{"content-length": "1000"}), ends=False)
        connection.send(number, b"12345")
        stream = connection.result(number, SECONDS * 4)
        assert stream.status == 400 and b"did not arrive in time" in stream.body
        # The connection is as good as before.
        assert connection.result(connection.open("GET", "/status")).status == 200
    assert wait_until(lambda: set(secure.blobs()) <= set(files), 10)


def test_a_download_that_nobody_takes_is_cut(secure):
    with connect(secure, window=0) as connection:
        number = connection.open("GET", "/object/public/b/big")
        stream = connection.result(number, SECONDS * 4)
        assert stream.status == 200 and stream.body == b"" and stream.reset is not None


def test_a_download_that_is_taken_slowly_is_not_cut(secure):
    with connect(secure, window=0) as connection:
        number = connection.open("GET", "/object/public/b/big", {"range": "bytes=0-199999"})
        stream = connection.streams[number]
        begin = time.monotonic()
        while not stream.is_complete and stream.reset is None:
            connection.widen(number, 20_000)
            connection.wait(lambda: stream.is_complete or stream.reset is not None, SECONDS / 4)
        assert time.monotonic() - begin > SECONDS * 2
        assert stream.reset is None and stream.body == BIG[:200_000]


def test_a_client_that_stops_reading_its_connection_is_cut(secure):
    with connect(secure, window=(1 << 31) - 1) as connection:
        connection.state.increment_flow_control_window((1 << 31) - 70_000)
        connection.open("GET", "/object/public/b/big")
        log_start = len(secure.log())
        assert wait_until(lambda: '"status":499' in secure.log()[log_start:], SECONDS * 4 + 6)


def test_an_answer_is_read_to_its_end_however_small_the_window(secure):
    with connect(secure, window=100) as connection:
        number = connection.open("GET", "/object/public/b/big", {"range": "bytes=0-999"})
        stream = connection.streams[number]
        for _ in range(10):
            connection.wait(lambda: stream.is_complete, 0.1)
            if not stream.is_complete:
                connection.widen(number, 100)
        assert connection.result(number).body == BIG[:1000] and stream.is_complete


def test_a_client_that_stops_reading_is_cut_on_http1(secure):
    connection = http.client.HTTPSConnection(HOST, secure.port, timeout=30, context=tls_context(certificate(secure), ["http/1.1"]))
    connection.request("GET", "/object/public/b/big")
    response = connection.getresponse()
    response.read(1000)
    log_start = len(secure.log())
    assert wait_until(lambda: '"status":499' in secure.log()[log_start:], SECONDS * 4 + 6)
    connection.close()


# --- requests that are refused ------------------------------------------------------------------------------------------------


def test_a_target_that_is_too_long_is_refused(secure):
    with connect(secure) as connection:
        stream = connection.result(connection.open("GET", "/object/public/b/" + "k" * 2000))
        assert stream.status == 414 and b"target is too long" in stream.body and stream.is_complete
        assert connection.result(connection.open("GET", "/status")).status == 200


def test_an_upload_that_is_refused_ends_without_all_its_bytes(secure):
    with connect(secure) as connection:
        number = connection.open("POST", "/object/nowhere/k", upload_fields(secure, **{"content-length": "5000000000"}), ends=False)
        stream = connection.streams[number]
        sent = 0
        begin = time.monotonic()
        while stream.reset is None and time.monotonic() - begin < 20:
            count = min(connection.state.local_flow_control_window(number), 16_384) if not stream.reset else 0
            if count > 0:
                connection.send(number, b"x" * count)
                sent += count
            connection.wait(lambda: stream.reset is not None, 0.05 if count == 0 else 0.0)
        assert stream.is_complete and stream.status == 400, stream
        assert stream.reset is not None and sent < 2_000_000
