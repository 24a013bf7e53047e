# SPDX-License-Identifier: Apache-2.0
"""A real browser: pages of another origin upload to a bucket as far as its CORS rules, or the server's, allow it."""

from __future__ import annotations

import hashlib

import pytest

from Support import s3
from Support.browser import Pages
from Support.server import Server, wait_until
from Support.tus import ROOT
from Support.wire import Wire


@pytest.fixture(scope="module")
def app():
    """The origin that rules name."""
    with Pages() as pages:
        yield pages.origin


@pytest.fixture(scope="module")
def other():
    """An origin that no rule names."""
    with Pages() as pages:
        yield pages.origin


@pytest.fixture(scope="module")
def closed(app):
    """A server that lets no page in but those of the app."""
    with Server({"MAGPIE_CORS_ORIGINS": app}) as running:
        assert Wire(running.port, running.keys.service).send_json("POST", "/bucket", {"name": "b"}).status == 200
        yield running


@pytest.fixture
def boto(server):
    return s3.client(server)


@pytest.fixture
def allow(boto, bucket):
    """Gives the bucket one CORS rule."""

    def set_rule(origin: str, methods: list[str], **more: object) -> None:
        rule = {"AllowedOrigins": [origin], "AllowedMethods": methods, **more}
        boto.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})

    return set_rule


def keys(boto, bucket: str) -> list[str]:
    return [found["Key"] for found in boto.list_objects_v2(Bucket=bucket).get("Contents", [])]


PUT = """
    const [url, text, type] = given;
    const answer = await fetch(url, {method: "PUT", body: text, headers: {"Content-Type": type}});
    return {status: answer.status, tag: answer.headers.get("ETag"), id: answer.headers.get("x-amz-request-id")};
"""

# --- presigned PUT --------------------------------------------------------------------------------------------------


def presigned(boto, bucket: str, key: str) -> str:
    return boto.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": key, "ContentType": "text/x-page"})


def test_a_page_that_the_rules_name_puts_to_a_presigned_url_and_reads_the_exposed_headers(browser, app, boto, bucket, allow):
    allow(app, ["PUT"], AllowedHeaders=["content-type"], ExposeHeaders=["ETag"])
    browser.visit(app)
    found = browser.run(PUT, presigned(boto, bucket, "dir/ü.txt"), "from a page", "text/x-page")
    assert found == {"status": 200, "tag": f'"{hashlib.md5(b"from a page").hexdigest()}"', "id": None}
    stored = boto.get_object(Bucket=bucket, Key="dir/ü.txt")
    assert (stored["Body"].read(), stored["ContentType"]) == (b"from a page", "text/x-page")


def test_a_page_of_another_origin_is_refused_by_the_browser_and_nothing_is_stored(browser, app, other, boto, bucket, allow):
    allow(app, ["PUT"], AllowedHeaders=["*"])
    browser.visit(other)
    assert browser.run(PUT, presigned(boto, bucket, "k"), "x", "text/x-page") == {"failed": "TypeError: Failed to fetch"}
    assert keys(boto, bucket) == []


@pytest.mark.parametrize(
    "rule",
    [{"methods": ["GET", "POST"], "AllowedHeaders": ["*"]}, {"methods": ["PUT"], "AllowedHeaders": ["x-amz-*"]}, {"methods": ["PUT"]}],
    ids=["method", "header", "no header"],
)
def test_what_the_rules_do_not_name_is_refused_by_the_browser(browser, app, boto, bucket, allow, rule):
    allow(app, rule.pop("methods"), **rule)
    browser.visit(app)
    assert browser.run(PUT, presigned(boto, bucket, "k"), "x", "text/x-page") == {"failed": "TypeError: Failed to fetch"}
    assert keys(boto, bucket) == []


def test_a_bucket_without_rules_has_the_servers(browser, app, boto, bucket):
    browser.visit(app)
    found = browser.run(PUT, presigned(boto, bucket, "k"), "x", "text/x-page")
    assert (found["status"], found["tag"] is not None, found["id"] is not None) == (200, True, True)


def test_a_server_that_names_origins_lets_the_browser_refuse_the_others(browser, app, other, closed):
    boto = s3.client(closed)
    browser.visit(other)
    assert browser.run(PUT, presigned(boto, "b", "other"), "x", "text/x-page") == {"failed": "TypeError: Failed to fetch"}
    browser.visit(app)
    assert browser.run(PUT, presigned(boto, "b", "app"), "x", "text/x-page")["status"] == 200
    assert keys(boto, "b") == ["app"]


def test_a_page_reads_an_object_only_where_the_rules_let_it(browser, app, other, boto, bucket, allow):
    boto.put_object(Bucket=bucket, Key="k", Body=b"to be read")
    allow(app, ["GET"])
    url = boto.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"})
    read = "return await (await fetch(given[0])).text();"
    browser.visit(app)
    assert browser.run(read, url) == "to be read"
    browser.visit(other)
    assert browser.run(read, url) == {"failed": "TypeError: Failed to fetch"}


# --- forms ----------------------------------------------------------------------------------------------------------

FORM_BY_SCRIPT = """
    const [url, fields, content] = given;
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    form.append("file", new File([content], "page.txt", {type: "text/plain"}));
    const answer = await fetch(url, {method: "POST", body: form});
    return {status: answer.status, text: await answer.text()};
"""

FORM_BY_HAND = """
    const [url, fields, content] = given;
    const form = document.createElement("form");
    Object.assign(form, {action: url, method: "POST", enctype: "multipart/form-data"});
    for (const [name, value] of Object.entries(fields)) {
        form.append(Object.assign(document.createElement("input"), {type: "hidden", name, value}));
    }
    const chooser = Object.assign(document.createElement("input"), {type: "file", name: "file"});
    const chosen = new DataTransfer();
    chosen.items.add(new File([content], "page.txt", {type: "text/plain"}));
    chooser.files = chosen.files;
    form.append(chooser);
    document.body.append(form);
    form.submit();
"""


def policy(boto, bucket: str, **fields: str) -> tuple[str, dict[str, str]]:
    conditions = [["starts-with", "$key", "up/"], ["content-length-range", 1, 100], *({name: value} for name, value in fields.items())]
    made = boto.generate_presigned_post(bucket, "up/${filename}", Fields=fields, Conditions=conditions)
    return made["url"], made["fields"]


def test_a_page_that_the_rules_name_uploads_a_form_and_reads_the_answer(browser, app, boto, bucket, allow):
    allow(app, ["POST"])
    browser.visit(app)
    found = browser.run(FORM_BY_SCRIPT, *policy(boto, bucket, success_action_status="201"), "by form")
    assert (found["status"], "<Key>up/page.txt</Key>" in found["text"]) == (201, True)
    assert boto.get_object(Bucket=bucket, Key="up/page.txt")["Body"].read() == b"by form"


def test_the_browser_keeps_the_answer_to_a_form_from_a_page_that_no_rule_names(browser, app, other, boto, bucket, allow):
    """A form is sent without asking first, on the web as on paper: what a rule keeps from the page is the answer."""
    allow(app, ["POST"])
    browser.visit(other)
    found = browser.run(FORM_BY_SCRIPT, *policy(boto, bucket, success_action_status="201"), "by form")
    assert found == {"failed": "TypeError: Failed to fetch"}


def test_a_form_that_breaks_its_policy_is_refused_and_the_page_can_read_why(browser, app, boto, bucket, allow):
    allow(app, ["POST"])
    browser.visit(app)
    found = browser.run(FORM_BY_SCRIPT, *policy(boto, bucket), "x" * 101)
    assert (found["status"], "<Code>EntityTooLarge</Code>" in found["text"]) == (400, True)
    assert keys(boto, bucket) == []


def test_a_form_sent_without_a_script_redirects_to_where_its_policy_says(browser, app, boto, bucket):
    browser.visit(app)
    browser.run(FORM_BY_HAND, *policy(boto, bucket, success_action_redirect=f"{app}/done"), "by hand")
    assert wait_until(lambda: browser.driver.current_url.startswith(f"{app}/done"), 20), browser.driver.page_source
    assert f"bucket={bucket}&key=up%2Fpage.txt&etag=" in browser.driver.current_url
    assert boto.get_object(Bucket=bucket, Key="up/page.txt")["Body"].read() == b"by hand"


# --- TUS ------------------------------------------------------------------------------------------------------------

TUS = """
    const [endpoint, token, bucket, key, size, step] = given;
    const content = new Uint8Array(size).map((_, index) => index % 251);
    const common = {Authorization: `Bearer ${token}`, "Tus-Resumable": "1.0.0"};
    const encode = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));
    const made = await fetch(endpoint, {method: "POST", headers: {
        ...common, "Upload-Length": String(size),
        "Upload-Metadata": `bucketName ${encode(bucket)},objectName ${encode(key)},contentType ${encode("text/x-page")}`,
    }});
    const place = made.headers.get("Location");
    if (made.status !== 201 || !place) return {status: made.status, place, text: await made.text()};
    const offsets = [];
    for (let offset = 0; offset < size;) {
        const sent = await fetch(place, {method: "PATCH", body: content.slice(offset, offset + step), headers: {
            ...common, "Content-Type": "application/offset+octet-stream", "Upload-Offset": String(offset),
        }});
        if (sent.status !== 204) return {status: sent.status, text: await sent.text()};
        offset = Number(sent.headers.get("Upload-Offset"));
        offsets.push(offset);
    }
    const asked = await fetch(place, {method: "HEAD", headers: common});
    return {
        offsets, version: asked.headers.get("Tus-Resumable"), length: asked.headers.get("Upload-Length"),
        offset: asked.headers.get("Upload-Offset"), metadata: asked.headers.get("Upload-Metadata") !== null,
    };
"""


def test_a_page_uploads_by_tus_and_reads_where_it_is(browser, app, server, admin, bucket):
    browser.visit(app)
    found = browser.run(TUS, f"{server.url}/storage/v1{ROOT}", server.keys.service, bucket, "page.bin", 300_000, 131_072)
    assert found == {"offsets": [131_072, 262_144, 300_000], "version": "1.0.0", "length": "300000", "offset": "300000", "metadata": True}
    reply = admin.get(f"/object/{bucket}/page.bin")
    assert (reply.body, reply.headers["Content-Type"]) == (bytes(n % 251 for n in range(300_000)), "text/x-page")


def test_a_page_reads_why_its_upload_is_refused(browser, app, server, bucket):
    browser.visit(app)
    found = browser.run(TUS, f"{server.url}/storage/v1{ROOT}", server.keys.anon, bucket, "page.bin", 10, 10)
    assert (found["status"], found["place"]) == (403, None)
    assert "row-level security" in found["text"]


def test_a_server_that_names_origins_takes_tus_from_their_pages_alone(browser, app, other, closed):
    target = (f"{closed.url}/storage/v1{ROOT}", closed.keys.service, "b")
    browser.visit(other)
    assert browser.run(TUS, *target, "tus/other", 10, 10) == {"failed": "TypeError: Failed to fetch"}
    browser.visit(app)
    assert browser.run(TUS, *target, "tus/app", 10, 10)["offsets"] == [10]
    assert [key for key in keys(s3.client(closed), "b") if key.startswith("tus/")] == ["tus/app"]


# --- REST -----------------------------------------------------------------------------------------------------------


def test_a_page_uploads_and_downloads_through_the_supabase_dialect(browser, app, server, bucket):
    browser.visit(app)
    script = """
        const [place, token] = given;
        const headers = {Authorization: `Bearer ${token}`, apikey: token, "x-client-info": "page/1", "x-upsert": "true"};
        const made = await fetch(place, {method: "POST", body: new Blob(["rest"], {type: "text/plain"}), headers});
        const read = await fetch(place, {headers});
        return {status: made.status, text: await read.text(), tag: read.headers.get("ETag")};
    """
    found = browser.run(script, f"{server.url}/storage/v1/object/{bucket}/page.txt", server.keys.service)
    assert found == {"status": 200, "text": "rest", "tag": f'"{hashlib.md5(b"rest").hexdigest()}"'}
