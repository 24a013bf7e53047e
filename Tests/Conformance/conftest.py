# SPDX-License-Identifier: Apache-2.0
"""One server for most tests, each in a bucket of its own; its log is printed when a test fails."""

from __future__ import annotations

import pathlib
import shutil
import sys
import urllib.parse
import uuid

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from Support import s3  # noqa: E402
from Support.browser import Browser  # noqa: E402
from Support.database import Cluster, Database  # noqa: E402
from Support.proxy import Proxy  # noqa: E402
from Support.server import Server, temporary_directory  # noqa: E402
from Support.tokens import new_subject, token  # noqa: E402
from Support.wire import Wire  # noqa: E402


@pytest.fixture(scope="session")
def server():
    """A server with its private PostgreSQL."""
    with Server() as running:
        print(f"first start: ready after {running.seconds_to_ready:.2f} s")
        yield running


@pytest.fixture(scope="session")
def secure_server():
    """A server with a certificate of localhost's, which nobody trusts who was not told to."""
    home = temporary_directory()
    certificate, key = s3.certificate(home)
    try:
        with Server({"MAGPIE_TLS_CERTIFICATE": str(certificate), "MAGPIE_TLS_KEY": str(key)}, home=home) as running:
            yield running
    finally:
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """A Chromium without a past."""
    with Browser(tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture(params=["http", "https"])
def either_server(request) -> Server:
    """A test runs once without TLS and once with it."""
    return request.getfixturevalue("server" if request.param == "http" else "secure_server")


@pytest.fixture(scope="module")
def way(peer):
    """The way to a service of others, which can be cut."""
    with Proxy(urllib.parse.urlsplit(peer.url).port) as proxy:
        yield proxy


@pytest.fixture(scope="session")
def cluster():
    """A PostgreSQL cluster for servers that use an external database."""
    with Cluster() as running:
        yield running


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Adds what the server logged during a failed test to the report."""
    outcome = yield
    report = outcome.get_result()
    running = item.funcargs.get("server") if hasattr(item, "funcargs") else None
    if report.when == "call" and report.failed and isinstance(running, Server):
        report.sections.append(("server log", "\n".join(running.log().splitlines()[-25:])))


@pytest.fixture
def anyone(server) -> Wire:
    """Without any credentials."""
    return Wire(server.port)


@pytest.fixture
def anon(server) -> Wire:
    return Wire(server.port, server.keys.anon)


@pytest.fixture
def admin(server) -> Wire:
    """With the service key."""
    return Wire(server.port, server.keys.service)


@pytest.fixture
def user(server) -> Wire:
    """A signed-in user without any policy."""
    return Wire(server.port, token(server.keys.jwt_secret, subject=new_subject()))


@pytest.fixture
def database(server) -> Database:
    return server.database


@pytest.fixture
def make_bucket(admin):
    """Makes buckets with names of their own."""

    def make(**options) -> str:
        name = f"b-{uuid.uuid4().hex[:16]}"
        reply = admin.send_json("POST", "/bucket", {"name": name, **options})
        assert reply.status == 200, reply.text
        return name

    return make


@pytest.fixture
def bucket(make_bucket) -> str:
    """A private bucket."""
    return make_bucket()


@pytest.fixture
def public_bucket(make_bucket) -> str:
    return make_bucket(public=True)


@pytest.fixture
def put(admin):
    """Stores an object as the service role."""

    def store(bucket: str, key: str, body: bytes = b"hello", content_type: str = "text/plain", **headers: str) -> dict:
        fields = {"Content-Type": content_type, **{name.replace("_", "-"): value for name, value in headers.items()}}
        reply = admin.post(f"/object/{bucket}/{key}", body, headers=fields)
        assert reply.status == 200, reply.text
        return reply.json()

    return store


# The files that take longest, the longest first. Two processes share the files in this order, so that none of them is left
# with a long one when the other has ended.
LONG = ["test_svg_attacks", "test_running", "test_openapi", "test_s3_clients", "test_compute_r2", "test_s3_boto", "test_tls"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: places.get(item.path.stem, len(LONG)))
