# SPDX-License-Identifier: Apache-2.0
"""Projects: the command that makes them, their keys in every dialect that takes them, plans, quotas, rates and usage."""

from __future__ import annotations

import base64
import datetime
import io
import json
import uuid

import pytest
from botocore.exceptions import ClientError
from PIL import Image
from Support import s3
from Support.server import Server, wait_until
from Support.tokens import new_subject, token
from Support.wire import Wire

GIGABYTE = 1_000_000_000
NAMES = ["project", "clientId", "clientSecret", "apiKey", "publishableKey", "secretKey"]


def picture(side: int = 40) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (side, side), "red").save(buffer, "PNG")
    return buffer.getvalue()


def run(server: Server, *arguments: str) -> str:
    result = server.command("project", *arguments)
    assert result.returncode == 0, result.stderr
    return result.stdout


def refused(server: Server, *arguments: str) -> str:
    result = server.command("project", *arguments)
    assert result.returncode != 0 and result.stdout == ""
    assert result.stderr.startswith("magpie: ") and result.stderr.count("\n") == 1, result.stderr
    return result.stderr


def make(server: Server, *options: str, name: str | None = None) -> dict:
    """A new project, as the command prints it."""
    return json.loads(run(server, "create", name or f"p-{uuid.uuid4().hex[:12]}", "--json", *options))


def pair(project: dict) -> dict[str, str]:
    return {"X-Client-Id": project["clientId"], "X-Client-Secret": project["clientSecret"]}


def single(project: dict) -> dict[str, str]:
    return {"X-Api-Key": project["apiKey"]}


def problem(reply, status: int) -> str:
    assert reply.status == status, reply.text
    assert reply.headers["Content-Type"] == "application/problem+json"
    body = reply.json()
    assert body["status"] == status and body["error"] == body["detail"] and body["traceId"] == reply.headers["X-Request-ID"]
    return body["detail"]


@pytest.fixture
def project(server) -> dict:
    return make(server)


@pytest.fixture
def name(project) -> str:
    return project["project"]


# --- The command ----------------------------------------------------------------------------------------------------------------


def test_create_prints_the_keys_once_and_makes_a_public_bucket(server, admin, database):
    project = make(server, "--plan", "growth", "--owner", "ann@example.com")
    assert list(project) == NAMES
    assert project["clientId"].startswith("px_cl_") and project["clientSecret"].startswith("pk_")
    assert project["apiKey"] == project["clientSecret"]
    assert project["publishableKey"].startswith("pk_") and project["secretKey"].startswith("sk_")
    assert admin.get(f"/bucket/{project['project']}").json()["public"] is True
    shown = run(server, "show", project["project"], "--json")
    assert all(project[secret] not in shown for secret in ("clientSecret", "publishableKey", "secretKey"))
    stored = database.value("select string_agg(k::text, ' ') from magpie.api_keys as k")
    assert all(project[secret] not in stored for secret in ("clientSecret", "publishableKey", "secretKey"))


def test_create_prints_a_line_for_each_of_them_without_json(server):
    lines = run(server, "create", f"p-{uuid.uuid4().hex[:12]}").splitlines()
    assert [line.split()[0] for line in lines] == NAMES and all(len(line.split()) == 2 for line in lines)


def test_a_private_project_is_delivered_to_nobody_without_a_right(server, admin, anyone):
    for options, status in (([], 200), (["--private"], 404)):
        name = make(server, *options)["project"]
        assert admin.post(f"/object/{name}/a.png", picture(), headers={"Content-Type": "image/png"}).status == 200
        assert anyone.get(f"/{name}/a.png/original.png").status == status


@pytest.mark.parametrize("name", ["api", "plugins", "storage", "Shop", "a_b", "a/b", "a" * 64, "."])
def test_a_name_that_can_be_no_segment_is_refused(server, name):
    assert "name of a project" in refused(server, "create", name, "--json")


def test_a_project_is_made_once(server, name):
    assert "exists" in refused(server, "create", name)


def test_a_bucket_becomes_a_project_as_it_is(server, admin, bucket, put):
    put(bucket, "a.txt")
    result = server.command("project", "create", bucket, "--json")
    assert result.returncode == 0 and "there already" in result.stderr
    project = json.loads(result.stdout)
    assert admin.get(f"/bucket/{bucket}").json()["public"] is False
    key = Wire(server.port, project["apiKey"])
    assert key.get(f"/api/{bucket}").json()["projectId"] == bucket


def test_projects_are_listed_shown_and_given_other_plans(server, project, name):
    listed = {item["project"]: item for item in json.loads(run(server, "list", "--json"))}
    assert listed[name]["plan"] == "unlimited" and "default" in listed
    assert any(line.startswith(name + " ") for line in run(server, "list").splitlines())
    assert run(server, "set-plan", name, "pro") == ""
    shown = json.loads(run(server, "show", name, "--json"))
    assert shown["plan"] == "pro" and [key["kind"] for key in shown["keys"]].count("pair") == 1
    assert name in run(server, "show", name)
    assert "no project nowhere" in refused(server, "show", "nowhere")
    assert server.command("project", "set-plan", name, "gold").returncode != 0


def test_only_an_empty_project_is_deleted_and_its_keys_with_it(server, admin, project, name):
    admin.post(f"/object/{name}/a", b"x", headers={"Content-Type": "text/plain"})
    assert "not empty" in refused(server, "delete", name)
    admin.delete(f"/object/{name}/a")
    assert run(server, "delete", name) == ""
    assert admin.get(f"/bucket/{name}").json()["statusCode"] == "404"
    wire = Wire(server.port)
    wait_until(lambda: wire.get(f"/api/{name}", headers=pair(project)).status == 401, 10)
    # A new project of that name is another one.
    again = make(server, name=name)
    assert wire.get(f"/api/{name}", headers=pair(project)).status == 401
    assert wire.get(f"/api/{name}", headers=pair(again)).status == 200


def test_plans_limit_the_projects_of_an_owner_and_the_keys_of_a_project(server):
    owner = f"{uuid.uuid4().hex}@example.com"
    name = make(server, "--plan", "starter", "--owner", owner)["project"]
    assert "as many projects" in refused(server, "create", name + "2", "--plan", "starter", "--owner", owner)
    assert "as many keys" in refused(server, "key", "create", "--project", name)
    run(server, "set-plan", name, "growth")
    run(server, "key", "create", "--project", name)


def test_a_project_can_be_made_before_the_first_start():
    server = Server()
    try:
        project = make(server, name="early")
        server.start()
        assert Wire(server.port).get("/api/early", headers=pair(project)).status == 200
    finally:
        server.close()


def test_the_first_start_makes_a_private_project_of_the_keys_that_are_printed(server):
    keys = json.loads(server.command("keys", "--json").stdout)
    wire = Wire(server.port)
    reply = wire.get("/api/default", headers={"X-Api-Key": keys["secretKey"]})
    assert reply.status == 200 and reply.json()["projectId"] == "default"
    assert wire.get("/api/default", headers={"X-Api-Key": keys["publishableKey"]}).status == 401
    assert Wire(server.port, server.keys.service).get("/bucket/default").json()["public"] is False


# --- Keys -----------------------------------------------------------------------------------------------------------------------


def test_a_key_opens_its_project_in_each_form(server, project, name):
    wire = Wire(server.port)
    for headers in (
        pair(project),
        single(project),
        {"X-Api-Key": project["secretKey"]},
        {"Authorization": f"Bearer {project['apiKey']}"},
        {"X-Api-Key": server.keys.service},
        {"Authorization": f"Bearer {server.keys.service}"},
    ):
        reply = wire.get(f"/api/{name}", headers=headers)
        assert reply.status == 200, reply.text
        body = reply.json()
        assert list(body) == ["projectId", "createdAt", "plan", "totals"] and body["projectId"] == name
        assert body["plan"] == {
            "name": "unlimited",
            "storageBytes": None,
            "bandwidthBytes": None,
            "projects": None,
            "apiKeys": None,
            "ownStorage": True,
            "customDomain": True,
            "overage": True,
        }
        assert wire.put(f"/api/{name}/transforms/card", '{"width": 9}', headers=headers).status == 200
    assert wire.head(f"/api/{name}/", headers=pair(project)).status == 200
    assert wire.delete(f"/api/{name}", headers=pair(project)).status == 405


def test_what_is_no_key_is_answered_401(server, project, name):
    other = make(server)
    wire = Wire(server.port)
    for headers in (
        {},
        {"X-Client-Id": project["clientId"]},
        {"X-Client-Secret": project["clientSecret"]},
        {"X-Client-Id": project["clientId"], "X-Client-Secret": other["clientSecret"]},
        {"X-Client-Id": other["clientId"], "X-Client-Secret": project["clientSecret"]},
        {"X-Client-Id": project["clientId"], "X-Client-Secret": project["secretKey"]},
        {"X-Api-Key": project["apiKey"][:-1]},
        {"X-Api-Key": project["clientId"]},
        {"X-Api-Key": project["publishableKey"]},
        {"X-Api-Key": "pk_" + "0" * 64},
        {"X-Api-Key": ""},
    ):
        problem(wire.get(f"/api/{name}/transforms", headers=headers), 401)


def test_a_key_is_refused_other_projects(server, project, bucket):
    other = make(server)
    wire = Wire(server.port)
    for path in ("", "/transforms", "/usage", "/watermarks"):
        assert "not one of the project" in problem(wire.get(f"/api/{other['project']}{path}", headers=single(project)), 403)
        problem(wire.get(f"/api/p-{uuid.uuid4().hex}{path}", headers=single(project)), 404)
    # A bucket that is no project is not one that a key could be told of.
    problem(wire.get(f"/api/{bucket}/transforms", headers=single(project)), 404)
    problem(wire.put(f"/api/{other['project']}/watermarks/logo", picture(), headers=single(project)), 403)


def test_a_revoked_key_opens_nothing_at_once(server, project, name):
    wire = Wire(server.port)
    made = json.loads(run(server, "key", "create", "--project", name, "--kind", "single", "--description", "ci", "--json"))
    assert list(made) == ["id", "apiKey"]
    assert wire.get(f"/api/{name}", headers={"X-Api-Key": made["apiKey"]}).status == 200
    assert run(server, "key", "revoke", "--project", name, made["id"]) == ""
    wait_until(lambda: wire.get(f"/api/{name}", headers={"X-Api-Key": made["apiKey"]}).status == 401, 5)
    assert wire.get(f"/api/{name}", headers=pair(project)).status == 200
    run(server, "key", "revoke", "--project", name, project["clientId"])
    wait_until(lambda: wire.get(f"/api/{name}", headers=pair(project)).status == 401, 5)
    assert "no active key" in refused(server, "key", "revoke", "--project", name, project["clientId"])
    listed = json.loads(run(server, "key", "list", "--project", name, "--json"))
    assert {key["kind"]: key["revokedAt"] is not None for key in listed} == {
        "single": True,
        "pair": True,
        "publishable": False,
        "secret": False,
    }


def test_a_token_can_not_name_the_role_of_keys(server, name):
    forged = token(server.keys.jwt_secret, role="magpie_project", projects=[name])
    wire = Wire(server.port, forged)
    assert wire.get(f"/api/{name}").status == 403
    assert wire.get(f"/bucket/{name}").status == 400 and wire.get(f"/bucket/{name}").json()["statusCode"] == "403"
    made = server.command("key", "create", "--claims", json.dumps({"role": "magpie_project", "projects": [name]}))
    assert made.returncode != 0 and "magpie_project" in made.stderr


def test_row_level_security_decides_for_tokens_of_users(server, database, name):
    wire = Wire(server.port, token(server.keys.jwt_secret, subject=new_subject()))
    assert wire.get(f"/api/{name}").status == 404 and wire.get(f"/api/{name}/usage").status == 404
    with database.policies(f"on storage.buckets for select to authenticated using (id = '{name}')"):
        assert wire.get(f"/api/{name}").status == 200
        assert wire.get(f"/api/{name}/usage").status == 403
        with database.policies(f"on storage.buckets for update to authenticated using (id = '{name}')"):
            assert wire.get(f"/api/{name}/usage").status == 200


def test_a_key_pair_of_s3_opens_its_project_and_nothing_besides(server, admin, project, name):
    other = make(server)["project"]
    result = server.command("key", "create", "--project", name)
    assert result.returncode == 0, result.stderr
    access, secret = (line.split()[1] for line in result.stdout.splitlines())
    boto = s3.client(server, (access, secret))

    boto.put_object(Bucket=name, Key="dir/a", Body=b"mine")
    assert boto.get_object(Bucket=name, Key="dir/a")["Body"].read() == b"mine"
    assert [item["Key"] for item in boto.list_objects_v2(Bucket=name)["Contents"]] == ["dir/a"]
    assert [item["Name"] for item in boto.list_buckets()["Buckets"]] == [name]
    upload = boto.create_multipart_upload(Bucket=name, Key="parts")["UploadId"]
    assert [item["UploadId"] for item in boto.list_multipart_uploads(Bucket=name)["Uploads"]] == [upload]
    part = boto.upload_part(Bucket=name, Key="parts", UploadId=upload, PartNumber=1, Body=b"part")
    boto.complete_multipart_upload(
        Bucket=name, Key="parts", UploadId=upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    )
    boto.copy_object(Bucket=name, Key="copy", CopySource=f"{name}/parts")
    boto.delete_object(Bucket=name, Key="parts")

    admin.post(f"/object/{other}/theirs", b"theirs", headers={"Content-Type": "text/plain"})
    for call, arguments in (
        (boto.put_object, {"Bucket": other, "Key": "a", "Body": b""}),
        (boto.delete_object, {"Bucket": other, "Key": "theirs"}),
        (boto.copy_object, {"Bucket": other, "Key": "x", "CopySource": f"{name}/copy"}),
        (boto.create_bucket, {"Bucket": f"n-{uuid.uuid4().hex}"}),
    ):
        with pytest.raises(ClientError) as found:
            call(**arguments)
        assert found.value.response["Error"]["Code"] == "AccessDenied"
    assert boto.list_objects_v2(Bucket=other).get("KeyCount", 0) == 0
    assert admin.get(f"/object/{other}/theirs").body == b"theirs"


def test_a_key_pair_of_s3_ends_with_its_project(server, admin, name):
    access, secret = (line.split()[1] for line in server.command("key", "create", "--project", name).stdout.splitlines())
    boto = s3.client(server, (access, secret))
    assert boto.list_objects_v2(Bucket=name)["KeyCount"] == 0
    assert admin.delete(f"/bucket/{name}").status == 200
    make(server, name=name)

    def is_refused() -> bool:
        try:
            boto.list_objects_v2(Bucket=name)
        except ClientError as error:
            return error.response["Error"]["Code"] in ("InvalidToken", "InvalidAccessKeyId", "AccessDenied")
        return False

    wait_until(is_refused, 10)


# --- Quota ----------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def nearly_full(server, database):
    """A project whose storage is used but for a few bytes, on the plan asked for."""

    def prepare(plan: str) -> dict:
        project = make(server, "--plan", plan)
        database.run(
            f"""insert into magpie.project_totals (bucket_id, shard, objects, bytes)
            values ('{project["project"]}', 1000, 1, {5 * GIGABYTE - 10})"""
        )
        return project

    return prepare


def test_a_trial_is_refused_what_does_not_fit_in_every_dialect(server, admin, nearly_full):
    name = nearly_full("trial")["project"]
    text = {"Content-Type": "text/plain"}

    reply = admin.post(f"/object/{name}/a", b"x" * 11, headers=text)
    assert reply.json()["statusCode"] == "413" and "plan trial" in reply.json()["message"]
    reply = admin.post(f"/object/{name}/a", iter([b"x" * 6, b"x" * 5]), headers=text)
    assert reply.json()["statusCode"] == "413"
    with pytest.raises(ClientError) as found:
        s3.client(server).put_object(Bucket=name, Key="a", Body=b"x" * 11)
    error = found.value.response
    assert error["Error"]["Code"] == "QuotaExceeded" and error["ResponseMetadata"]["HTTPStatusCode"] == 403
    reply = admin.post(
        "/upload/resumable",
        headers={"Tus-Resumable": "1.0.0", "Upload-Length": "11", "Upload-Metadata": f"bucketName {b64(name)},objectName {b64('a')}"},
    )
    assert reply.status == 413 and "plan trial" in reply.text
    assert admin.get(f"/object/{name}/a").json()["statusCode"] == "404"

    assert admin.post(f"/object/{name}/fits", b"x" * 10, headers=text).status == 200


def test_a_plan_with_overage_only_counts(server, admin, nearly_full):
    name = nearly_full("pro")["project"]
    assert admin.post(f"/object/{name}/a", b"x" * 1000, headers={"Content-Type": "text/plain"}).status == 200
    run(server, "set-plan", name, "trial")
    reply = admin.post(f"/object/{name}/b", b"x" * 11, headers={"Content-Type": "text/plain"})
    assert reply.json()["statusCode"] == "413"


def test_versions_use_up_the_storage_until_they_are_deleted(server, nearly_full):
    name = nearly_full("trial")["project"]
    boto = s3.client(server)
    boto.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    first = boto.put_object(Bucket=name, Key="a", Body=b"12345")["VersionId"]
    boto.put_object(Bucket=name, Key="a", Body=b"12345")
    boto.delete_object(Bucket=name, Key="a")
    with pytest.raises(ClientError) as found:
        boto.put_object(Bucket=name, Key="a", Body=b"1")
    assert found.value.response["Error"]["Code"] == "QuotaExceeded"
    shown = json.loads(run(server, "show", name, "--json"))
    assert (shown["objects"], shown["storageBytes"]) == (1, 5 * GIGABYTE)

    boto.delete_object(Bucket=name, Key="a", VersionId=first)
    boto.put_object(Bucket=name, Key="a", Body=b"12345")


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


# --- Rate -----------------------------------------------------------------------------------------------------------------------


def test_uploads_with_a_key_are_limited_and_told_when_to_come_back():
    with Server({"MAGPIE_UPLOAD_RATE": "2", "MAGPIE_UPLOAD_QUEUE": "0"}) as server:
        one, two = make(server), make(server)
        wire = Wire(server.port)

        def upload(project: dict, headers: dict):
            return wire.put(f"/api/{project['project']}/watermarks/logo", picture(), headers=headers)

        assert [upload(one, pair(one)).status for _ in range(2)] == [201, 200]
        reply = upload(one, single(one))
        assert "Too many uploads" in problem(reply, 429)
        assert 1 <= int(reply.headers["Retry-After"]) <= 30
        # Another key has a share of its own, and tokens are not counted.
        assert upload(two, pair(two)).status == 201
        service = {"Authorization": f"Bearer {server.keys.service}"}
        assert all(upload(one, service).status == 200 for _ in range(5))
        assert wire.get(f"/api/{one['project']}/watermarks", headers=pair(one)).status == 200


# --- Usage ----------------------------------------------------------------------------------------------------------------------


def usage(server, project: dict, query: str = "") -> dict:
    reply = Wire(server.port).get(f"/api/{project['project']}/usage{query}", headers=pair(project))
    assert reply.status == 200, reply.text
    return reply.json()


def test_usage_adds_up_what_is_read_rendered_and_answered(server, admin, anyone, project, name):
    assert usage(server, project)["totals"]["requests"] == 0
    before = usage(server, project)["totals"]
    # The answer to the first question is what was used by the second.
    assert before["requests"] == 1 and before["transforms"] == 0 and before["bandwidthBytes"] > 0

    original = picture()
    sent = len(admin.post(f"/object/{name}/a.png", original, headers={"Content-Type": "image/png"}).body)
    sent += len(anyone.get(f"/object/public/{name}/a.png").body)
    for _ in range(3):
        # The first is rendered; the last comes ready from memory.
        sent += len(anyone.get(f"/{name}/a.png/w_16.webp").body)
    sent += len(anyone.get(f"/img/fit-in/12x12/{name}/a.png").body)
    assert anyone.get(f"/object/public/{name}/missing").status == 400
    assert anyone.get(f"/{name}/missing/w_16.webp").status == 404

    body = usage(server, project)
    today = datetime.datetime.now(datetime.timezone.utc).date()
    assert list(body) == ["projectId", "from", "to", "days", "totals", "plan"]
    assert (body["projectId"], body["from"], body["to"]) == (name, str(today.replace(day=1)), str(today))
    assert [list(day) for day in body["days"]] == [["date", "requests", "bandwidthBytes", "transforms", "storageBytes"]]
    totals = body["totals"]
    question = before["bandwidthBytes"]
    # An upload, a download, four images, and one question more than before.
    assert totals["requests"] - before["requests"] == 7 and totals["transforms"] == 2
    assert abs(totals["bandwidthBytes"] - before["bandwidthBytes"] - sent - question) < 100
    assert totals["bandwidthBytes"] - before["bandwidthBytes"] >= sent


def test_usage_of_s3_and_of_resumable_uploads_counts(server, admin, project, name):
    boto = s3.client(server)
    boto.put_object(Bucket=name, Key="a", Body=b"x" * 5000)
    for _ in range(3):
        assert len(boto.get_object(Bucket=name, Key="a")["Body"].read()) == 5000
    metadata = f"bucketName {b64(name)},objectName {b64('b')}"
    reply = admin.post(
        "/upload/resumable",
        b"hello",
        headers={
            "Tus-Resumable": "1.0.0",
            "Upload-Length": "5",
            "Upload-Metadata": metadata,
            "Content-Type": "application/offset+octet-stream",
        },
    )
    assert reply.status == 201, reply.text
    totals = usage(server, project)["totals"]
    assert totals["requests"] == 5 and totals["bandwidthBytes"] == 15_000


def test_usage_survives_a_stop_and_is_read_by_days():
    with Server() as server:
        project = make(server)
        wire = Wire(server.port)
        assert [wire.get(f"/api/{project['project']}", headers=pair(project)).status for _ in range(3)] == [200] * 3
        assert server.stop() == 0
        server.start()
        assert usage(server, project)["totals"]["requests"] == 3
        today = datetime.datetime.now(datetime.timezone.utc).date()
        day = datetime.timedelta(days=1)
        past = usage(server, project, f"?from={today - 399 * day}&to={today - day}")
        assert past["days"] == [] and past["totals"]["requests"] == 0
        assert past["plan"]["name"] == "unlimited"


@pytest.mark.parametrize(
    "query",
    ["?from=yesterday", "?to=2026-02-30", "?from=2026-03-02&to=2026-03-01", "?from=2024-01-01&to=2026-01-01", "?from=&to=", "?from=%zz"],
)
def test_days_that_make_no_period_are_answered_400(server, project, name, query):
    problem(Wire(server.port).get(f"/api/{name}/usage{query}", headers=pair(project)), 400)
