# SPDX-License-Identifier: Apache-2.0
"""Start, stop, crash and the commands beside `serve`."""

from __future__ import annotations

import http.client
import json
import shutil
import signal
import socket
import stat
import subprocess
import time

import pytest
from Support.server import BINARY, Server, clean_environment, embedded_processes, free_port, wait_until
from Support.wire import Wire

KEY_NAMES = {"url", "anonKey", "serviceKey", "jwtSecret", "s3AccessKey", "s3SecretKey", "s3Region"}


@pytest.fixture
def own():
    """A server of the test's own, to be stopped and killed."""
    running = Server()
    running.start()
    yield running
    running.close()


def fill(server: Server, bucket: str = "kept", body: bytes = b"kept") -> Wire:
    wire = Wire(server.port, server.keys.service)
    assert wire.send_json("POST", "/bucket", {"name": bucket, "public": True}).status == 200
    assert wire.post(f"/object/{bucket}/a", body).status == 200
    return wire


def test_a_second_start_is_quick_and_finds_everything(own):
    fill(own)
    first = own.seconds_to_ready
    assert own.stop() == 0
    own.start()
    print(f"first start ready after {first:.2f} s, second after {own.seconds_to_ready:.2f} s")
    assert own.seconds_to_ready < 10
    assert Wire(own.port).get("/object/public/kept/a").body == b"kept"


def test_sigterm_lets_a_running_download_finish(own):
    body = bytes(range(256)) * 200_000  # 51 MB, more than the socket buffers hold
    fill(own, body=body)
    connection = http.client.HTTPConnection("127.0.0.1", own.port, timeout=30)
    connection.request("GET", "/object/public/kept/a")
    response = connection.getresponse()
    start = response.read(100_000)

    own.process.send_signal(signal.SIGTERM)
    assert wait_until(lambda: not own.is_ready(), 10)
    rest = response.read()

    assert start + rest == body
    connection.close()
    assert own.process.wait(30) == 0
    assert wait_until(lambda: embedded_processes(own.data) == [], 10)


def test_sigterm_lets_a_running_upload_finish(own):
    wire = fill(own)
    with socket.create_connection(("127.0.0.1", own.port), timeout=30) as connection:
        connection.sendall(
            (
                f"PUT /object/kept/slow HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {wire.token}\r\nContent-Length: 3000000\r\n"
                "Connection: close\r\n\r\n"
            ).encode()
            + b"x" * 1_500_000
        )
        assert wait_until(lambda: len(own.blobs()) > 1, 10)
        own.process.send_signal(signal.SIGTERM)
        assert wait_until(lambda: not own.is_ready(), 10)
        connection.sendall(b"x" * 1_500_000)
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")
    assert own.process.wait(30) == 0
    own.start()
    assert Wire(own.port).get("/object/public/kept/slow").body == b"x" * 3_000_000


def test_an_idle_connection_does_not_hold_up_the_end(own):
    with socket.create_connection(("127.0.0.1", own.port), timeout=10) as connection:
        connection.sendall(b"GET /status HTTP/1.1\r\nHost: h\r\n\r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")
        begin = time.monotonic()
        assert own.stop(30) == 0
        assert time.monotonic() - begin < 15


def test_ctrl_c_ends_it_like_sigterm(own):
    own.process.send_signal(signal.SIGINT)
    assert own.process.wait(30) == 0
    assert wait_until(lambda: embedded_processes(own.data) == [], 10)


def test_kill_9_of_the_server_stops_its_postgres_and_loses_nothing(own):
    fill(own)
    assert len(embedded_processes(own.data)) > 1
    own.kill()
    assert wait_until(lambda: embedded_processes(own.data) == [], 15)
    own.start()
    assert Wire(own.port).get("/object/public/kept/a").body == b"kept"


def test_kill_9_of_postgres_is_survived(own):
    import os

    wire = fill(own)
    for pid in embedded_processes(own.data):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # it ended with its parent

    def comes_back() -> bool:
        if own.process.poll() is not None:
            own.start()
        return own.is_ready() and wire.get("/bucket").status == 200

    assert wait_until(comes_back, 60)
    assert Wire(own.port).get("/object/public/kept/a").body == b"kept"


def test_keys_prints_the_names_that_tools_read_while_the_server_runs(own):
    result = own.command("keys", "--json")
    keys = json.loads(result.stdout)
    assert result.returncode == 0 and KEY_NAMES <= set(keys)
    assert keys["url"] == own.url
    assert json.loads(own.command("keys", "--json").stdout) == keys
    assert [bucket["name"] for bucket in Wire(own.port, keys["serviceKey"]).get("/bucket").json()] == ["default"]
    assert Wire(own.port, keys["anonKey"]).get("/bucket").text == "[]"
    plain = own.command("keys")
    assert plain.returncode == 0 and keys["serviceKey"] in plain.stdout


def test_keys_survive_a_restart(own):
    before = own.command("keys", "--json").stdout
    own.stop()
    own.start()
    assert json.loads(own.command("keys", "--json").stdout)["serviceKey"] == json.loads(before)["serviceKey"]


def test_secrets_are_readable_by_their_owner_only(own):
    secrets = [own.keys.jwt_secret, own.keys.service]
    for path in own.data.rglob("*"):
        if not path.is_file() or "postgres" in path.relative_to(own.data).parts[0] or path.stat().st_size > 1 << 20:
            continue
        if any(secret.encode() in path.read_bytes() for secret in secrets):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert not any(secret in own.log() for secret in secrets)


def test_it_prints_its_url_and_how_to_get_the_keys(own):
    assert own.url in own.log().replace("\\/", "/")
    assert "magpie keys" in own.log()


def test_a_second_server_on_the_same_data_is_refused_and_the_first_goes_on(own):
    fill(own)
    result = subprocess.run(
        [str(BINARY), "serve", "--host", "127.0.0.1", "--port", str(free_port()), "--data-dir", str(own.data)],
        env=clean_environment({}),
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert result.returncode != 0
    assert (result.stdout + result.stderr).strip() != ""
    assert Wire(own.port).get("/object/public/kept/a").body == b"kept"


def test_a_port_in_use_is_said_and_leaves_nothing_running(own):
    other = Server()
    other.port = own.port
    try:
        result = subprocess.run(
            [str(BINARY), "serve", "--host", "127.0.0.1", "--port", str(own.port), "--data-dir", str(other.data)],
            env=clean_environment({}),
            capture_output=True,
            text=True,
            timeout=60,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        assert result.returncode != 0
        assert "in use" in (result.stdout + result.stderr).lower()
        assert wait_until(lambda: embedded_processes(other.data) == [], 10)
    finally:
        shutil.rmtree(other.home, ignore_errors=True)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAGPIE_PORT", "many"),
        ("MAGPIE_DURABILITY", "sometimes"),
        ("MAGPIE_UPLOAD_LIMIT", "-1"),
        ("MAGPIE_JWT_JWKS", "{not json"),
        ("MAGPIE_LOG_LEVEL", "loud"),
        ("MAGPIE_DATABASE_URL", "not a url"),
    ],
)
def test_a_wrong_setting_ends_the_start_and_is_named(tmp_path, name, value):
    home = Server()
    try:
        result = subprocess.run(
            [str(BINARY), "serve", "--data-dir", str(home.data)],
            env=clean_environment({name: value}),
            capture_output=True,
            text=True,
            timeout=60,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        assert result.returncode != 0
        assert name in result.stdout + result.stderr
        assert wait_until(lambda: embedded_processes(home.data) == [], 10)
    finally:
        shutil.rmtree(home.home, ignore_errors=True)


def test_the_global_upload_limit_counts():
    with Server({"MAGPIE_UPLOAD_LIMIT": "1000"}) as limited:
        wire = fill(limited)
        assert wire.post("/object/kept/big", b"x" * 1001).json()["statusCode"] == "413"
        assert wire.post("/object/kept/fits", b"x" * 1000).status == 200
        assert wire.send_json("POST", "/bucket", {"name": "more", "file_size_limit": 1001}).json()["statusCode"] == "413"


def test_durability_can_be_switched_off():
    with Server({"MAGPIE_DURABILITY": "none"}) as fast:
        fill(fast)
        assert Wire(fast.port).get("/object/public/kept/a").body == b"kept"


def test_a_given_secret_and_given_keys_are_used():
    from Support.tokens import token

    secret = "the secret of an application that exists already, 40+ characters"
    service = token(secret, role="service_role", exp=None)
    with Server({"MAGPIE_JWT_SECRET": secret, "MAGPIE_SERVICE_KEY": service}) as given:
        assert given.keys.jwt_secret == secret and given.keys.service == service
        assert Wire(given.port, service).get("/bucket").status == 200
        assert Wire(given.port, given.keys.anon).get("/bucket").text == "[]"


# --- verify -----------------------------------------------------------------------------------------------------------------


def test_verify_is_clean_on_a_healthy_server_while_it_runs(own):
    fill(own)
    result = own.command("verify")
    assert result.returncode == 0, result.stdout + result.stderr


def test_verify_also_works_while_the_server_is_stopped(own):
    fill(own)
    own.stop()
    result = own.command("verify")
    assert result.returncode == 0, result.stdout + result.stderr
    assert wait_until(lambda: embedded_processes(own.data) == [], 15)


def test_verify_finds_lost_bytes_and_drops_the_row_only_when_told(own):
    wire = fill(own, body=b"x" * 5000)
    for path in own.blobs():
        path.unlink()

    assert own.command("verify").returncode != 0
    assert own.command("verify", "--repair").returncode != 0
    assert wire.get("/object/info/kept/a").status == 200
    dropped = own.command("verify", "--repair", "--drop-lost")

    assert dropped.returncode == 0, dropped.stdout + dropped.stderr
    assert wire.get("/object/info/kept/a").status == 400
    assert own.command("verify").returncode == 0


def test_verify_finds_damaged_bytes(own):
    fill(own, body=b"x" * 5000)
    for path in own.blobs():
        path.write_bytes(b"y" * 5000)
    result = own.command("verify")
    assert result.returncode != 0
    assert "kept/a" in result.stdout + result.stderr


def test_verify_does_not_touch_an_upload_under_way(own):
    wire = fill(own)
    with socket.create_connection(("127.0.0.1", own.port), timeout=30) as connection:
        connection.sendall(
            (
                f"PUT /object/kept/slow HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {wire.token}\r\nContent-Length: 200000\r\n"
                "Connection: close\r\n\r\n"
            ).encode()
            + b"x" * 150_000
        )
        assert own.command("verify", "--repair").returncode == 0
        connection.sendall(b"x" * 50_000)
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")
    assert Wire(own.port).get("/object/public/kept/slow").body == b"x" * 200_000
