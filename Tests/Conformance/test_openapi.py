# SPDX-License-Identifier: Apache-2.0
"""The OpenAPI documents, and requests generated from them by schemathesis: none may break the server or an answer's description."""

from __future__ import annotations

import json
import os
import pathlib
import re
import subprocess
import sys
import urllib.parse
import uuid

import pytest

from Support.peers import ACCESS_KEY, BUCKET, SECRET_KEY, Peer
from Support.pictures import quarters
from Support.pixault import Project, create_project, eps
from Support.server import Server
from Support.wire import Wire

DOCUMENTS = ["supabase", "pixault", "compute", "console", "bkend"]
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


def command(server, tmp_path: pathlib.Path, name: str, header: str, *options: str) -> list[str]:
    program = str(pathlib.Path(sys.executable).with_name("schemathesis"))
    config = tmp_path / "schemathesis.toml"
    words = {"--checks": CHECKS, "--phases": "examples,coverage,fuzzing", "--seed": "20261121", "--request-timeout": "10"}
    return [
        program, *(["--config-file", str(config)] if config.exists() else []), "run", f"{server.url}/documentation/{name}.json",
        "--url", server.url, "--header", header, "--workers", "2", *(word for pair in words.items() for word in pair), *options,
    ]  # fmt: skip


def run(server, tmp_path: pathlib.Path, name: str, words: list[str], hooks: str = "") -> None:
    environment = {**os.environ, **({"SCHEMATHESIS_HOOKS": hooks} if hooks else {})}
    found = subprocess.run(words, capture_output=True, text=True, timeout=170, cwd=tmp_path, env=environment, check=False)
    operations = sum(len(path) for path in Wire(server.port).get(f"/documentation/{name}.json").json()["paths"].values())
    assert f"Tested: {operations}\n" in found.stdout, found.stdout[-8000:] + found.stderr[-2000:]
    assert found.returncode == 0, found.stdout[-8000:] + found.stderr[-2000:]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_generated_requests_are_answered_as_described(server, name, tmp_path):
    header = f"Authorization: Bearer {server.keys.service}"
    # Without a key of a project bkend's interface answers nothing.
    key = ["--header", f"X-API-Key: {create_project(server).secretKey}"] if name == "bkend" else []
    run(server, tmp_path, name, command(server, tmp_path, name, header, "--max-examples", "8", "--max-time", "30", *key))


# --- Pixault with something in it -------------------------------------------------------------------------------------------------

# What a generated request names, mostly: things that are there.
CONFIG = """
[dictionaries.projects]
values = ["{project}"]
[dictionaries.assets]
values = {assets}
[dictionaries.victims]
values = {victims}
[dictionaries.names]
values = ["card", "mark", "{plugin}"]
[dictionaries.plugins]
values = ["{plugin}"]
[dictionaries.folders]
values = ["a", "a/b"]
[dictionaries.splits]
values = {splits}
[dictionaries.drawings]
values = {drawings}
[dictionaries.jobs]
values = {jobs}
[dictionaries.cancelled]
values = ["{cancelling}"]
[dictionaries.importing]
values = ["{importing}"]

[parameters]
"path.project" = {{ dictionary = "projects", probability = 0.95 }}
"path.asset" = {{ dictionary = "assets", probability = 0.9 }}
"path.name" = {{ dictionary = "names", probability = 0.8 }}
"path.id" = {{ dictionary = "names", probability = 0.8 }}
"path.plugin" = {{ dictionary = "plugins", probability = 0.8 }}
"path.path" = {{ dictionary = "folders", probability = 0.8 }}
"path.job" = {{ dictionary = "jobs", probability = 0.8 }}

# What is deleted is not needed elsewhere.
[[operations]]
include-name = "DELETE /api/{{project}}/{{asset}}"
[operations.parameters]
"path.asset" = {{ dictionary = "victims", probability = 0.9 }}

# While one work on a document goes on another one is refused, so each has documents of its own.
[[operations]]
include-name = "POST /api/{{project}}/{{asset}}/split"
[operations.parameters]
"path.asset" = {{ dictionary = "splits", probability = 0.9 }}
[[operations]]
include-name = "POST /api/{{project}}/{{asset}}/extract-svg"
[operations.parameters]
"path.asset" = {{ dictionary = "drawings", probability = 0.9 }}
# A project has one migration at a time, and this one has some that wait.
[[operations]]
include-name = "POST /api/{{project}}/migrations/{{job}}/cancel"
[operations.parameters]
"path.project" = {{ dictionary = "cancelled", probability = 0.95 }}
[[operations]]
include-name = "POST /api/{{project}}/migrations/bucket-import"
[operations.parameters]
"path.project" = {{ dictionary = "importing", probability = 0.95 }}
"""

# No generated bytes are a picture, and no generated text is a bucket.
HOOKS = """
import schemathesis

PICTURE = bytes.fromhex("{picture}")
STORAGE = {storage}


@schemathesis.hook
def map_case(context, case):
    if case.media_type == "multipart/form-data" and isinstance(case.body, dict) and len(str(case.body.get("file"))) % 2:
        case.body["file"] = PICTURE
    if case.operation.label.startswith("PUT") and case.path_parameters.get("id") == "mark":
        case.body = PICTURE
        case.media_type = "image/png"
    if "/storage" in case.operation.path and case.operation.path.split("/storage")[1] in ("", "/validate"):
        if isinstance(case.body, dict) and len(str(case.body)) % 2:
            case.body = dict(STORAGE)
    if case.operation.path.endswith("bucket-import") and isinstance(case.body, dict) and len(str(case.body)) % 2:
        case.body = {{"dryRun": True}}
    return case
"""


def waiting_jobs(server: Server, project: str, count: int) -> list[str]:
    """Migrations that nobody runs."""
    ids = [str(uuid.uuid4()) for _ in range(count)]
    rows = ", ".join(f"('{job}', 'storage-migration', '{project}', now() + interval '1 day')" for job in ids)
    server.database.run(f"INSERT INTO magpie.jobs (id, kind, bucket_id, run_after) VALUES {rows}")
    return ids


@pytest.mark.timeout(200)
def test_requests_about_what_is_there_are_answered_as_described(tmp_path):
    with Peer("moto") as peer, Server({"MAGPIE_UPLOAD_RATE": "0", "MAGPIE_BYOS_PRIVATE_ENDPOINTS": "on"}) as server:
        storage = {
            "provider": "s3", "bucket": BUCKET, "endpoint": peer.url, "accessKeyId": ACCESS_KEY, "secretAccessKey": SECRET_KEY,
        }  # fmt: skip
        service = Wire(server.port, server.keys.service)
        cancelling, importing = (create_project(server).project for _ in range(2))
        assert service.send_json("PUT", f"/api/{importing}/storage", storage).status == 200
        project = Project(server, create_project(server))
        picture = quarters(16, 12, "PNG")
        assets = [project.upload(picture)["imageId"] for _ in range(3)]
        victims = [project.upload(picture)["imageId"] for _ in range(20)]
        documents = [project.upload(eps())["imageId"] for _ in range(4)]
        for document in documents:
            assert project.wait_for_job(document)["status"] == "Completed"
        for path in ("a", "a/b"):
            assert project.request("POST", "folders", {"path": path}).status == 201
        assert project.request("PUT", "transforms/card", {"width": 10}).status == 200

        assert service.send_json("PUT", f"/api/{project.name}/storage", storage).status == 200
        begun = project.request("POST", "migrations/storage")
        assert begun.status == 202, begun.text
        jobs = [begun.json()["jobId"], *waiting_jobs(server, cancelling, 5)]

        (tmp_path / "schemathesis.toml").write_text(
            CONFIG.format(
                project=project.name, assets=json.dumps([*assets, documents[0]]), victims=json.dumps(victims),
                splits=json.dumps([assets[0], *documents[:2]]), drawings=json.dumps([assets[0], *documents[2:]]),
                jobs=json.dumps(jobs), cancelling=cancelling, importing=importing,
                plugin=Wire(server.port).get("/api/plugins").json()[0]["name"],
            )  # fmt: skip
        )
        (tmp_path / "hooks_of_pixault.py").write_text(HOOKS.format(picture=picture.hex(), storage=storage))
        # Keys of the project open nearly all of it; where originals are they must not say.
        header = f"Authorization: Bearer {server.keys.service}"
        report = tmp_path / "report.har"
        # A number of requests and no time for them: what succeeds at least once must not depend on how busy the machine is.
        options = ["--max-examples", "50", "--report", "har", "--report-har-path", str(report)]
        run(server, tmp_path, "pixault", command(server, tmp_path, "pixault", header, *options), "hooks_of_pixault")
        assert without_success(server, json.loads(report.read_text())) == set()


def without_success(server: Server, report: dict) -> set[str]:
    """The operations that were never answered with success."""
    paths = Wire(server.port).get("/documentation/pixault.json").json()["paths"]
    patterns = [
        (method.upper(), path, re.compile(re.sub(r"\{path\}", ".+", re.sub(r"\{(?!path\})\w+\}", "[^/]+", path)) + "$"))
        for path, operations in paths.items()
        for method in operations
    ]
    left = {f"{method} {path}" for method, path, _ in patterns}
    # Paths without names come first: `folders` is no asset.
    patterns.sort(key=lambda pattern: pattern[1].count("{"))
    for entry in report["log"]["entries"]:
        if not 200 <= entry["response"]["status"] < 300:
            continue
        asked = urllib.parse.urlsplit(entry["request"]["url"]).path
        for method, path, pattern in patterns:
            if method == entry["request"]["method"] and pattern.match(asked):
                left.discard(f"{method} {path}")
                break
    return left
