# SPDX-License-Identifier: Apache-2.0
"""The OpenAPI documents, and requests generated from them by schemathesis: none may break the server or an answer's description."""

from __future__ import annotations

import pathlib
import subprocess
import sys

import pytest

from Support.server import Server
from Support.wire import Wire

DOCUMENTS = ["supabase", "pixault", "compute", "console"]
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


@pytest.fixture(scope="module")
def server():
    """One of its own: what is generated deletes buckets too."""
    with Server() as running:
        admin = Wire(running.port, running.keys.service)
        assert admin.send_json("POST", "/bucket", {"name": "images"}).status == 200
        yield running


def test_the_page_names_every_document(server):
    page = Wire(server.port).get("/documentation")
    assert page.status == 200 and page.headers["Content-Type"].startswith("text/html")
    for name in DOCUMENTS:
        assert f"/documentation/{name}.json" in page.text
        assert Wire(server.port).get(f"/documentation/{name}.json").json()["openapi"] == "3.1.0"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_generated_requests_are_answered_as_described(server, name, tmp_path):
    command = [
        str(pathlib.Path(sys.executable).with_name("schemathesis")),
        "run",
        f"{server.url}/documentation/{name}.json",
        "--url",
        server.url,
        "--header",
        f"Authorization: Bearer {server.keys.service}",
        "--checks",
        CHECKS,
        "--phases",
        "examples,coverage,fuzzing",
        "--max-examples",
        "8",
        "--max-time",
        "30",
        "--seed",
        "20261121",
        "--request-timeout",
        "10",
        "--workers",
        "2",
    ]
    found = subprocess.run(command, capture_output=True, text=True, timeout=110, cwd=tmp_path, check=False)
    operations = sum(len(path) for path in Wire(server.port).get(f"/documentation/{name}.json").json()["paths"].values())
    assert f"Tested: {operations}\n" in found.stdout, found.stdout[-8000:] + found.stderr[-2000:]
    assert found.returncode == 0, found.stdout[-8000:] + found.stderr[-2000:]
