# SPDX-License-Identifier: Apache-2.0
"""An app as bkend's guides describe one, in a real browser and of another origin than the server: `Tests/Support/bkend_app`."""

from __future__ import annotations

import functools
import hashlib
import http.server
import json
import pathlib
import urllib.parse
import urllib.request

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select
from Support.bkend import SETTINGS, App, data
from Support.browser import Origin
from Support.console import PASSWORD, address
from Support.pictures import quarters
from Support.pixault import ProjectKeys
from Support.server import ROOT, Server, wait_until


class AppFiles(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def origin():
    with Origin(functools.partial(AppFiles, directory=ROOT / "Tests" / "Support" / "bkend_app")) as running:
        yield running.origin


@pytest.fixture(scope="module")
def server(origin):
    """A fresh one that takes requests of the app's pages and of no others."""
    with Server({**SETTINGS, "MAGPIE_CORS_ORIGINS": origin}) as running:
        yield running


@pytest.fixture(scope="module", params=["project", "default"])
def app(request, server) -> App:
    """A project that was made for it, and the one that is there from the start."""
    if request.param == "project":
        return App.create(server)
    keys = json.loads(server.command("keys", "--json").stdout)
    return App(server, ProjectKeys("default", "", "", "", keys["publishableKey"], keys["secretKey"]))


@pytest.fixture(params=["flat", "unwrapped"])
def page(request, browser, origin, server, app):
    """The app in the browser, with somebody who just signed up. Its code reads answers as one half of the guides, or as the other."""
    query = {"api": server.url, "images": f"{server.url}/img", "key": app.keys.publishableKey, "unwraps": int(request.param != "flat")}
    browser.visit(f"{origin}/index.html?{urllib.parse.urlencode(query)}")
    browser.run("tokens.forget()")
    browser.email = address("page")
    me = browser.run("return await signUp(...given)", browser.email, PASSWORD, "Page")
    assert me["email"] == browser.email and me["role"] == "user"
    browser.me = me
    return browser


def choose(page, paths: list[pathlib.Path], visibility: str) -> str:
    """Uploads files by the page's own form, and says what the page says then."""
    page.run("events.length = 0; document.getElementById('status').textContent = ''")
    page.driver.find_element(By.ID, "file").send_keys("\n".join(str(path) for path in paths))
    Select(page.driver.find_element(By.ID, "visibility")).select_by_visible_text(visibility)
    page.driver.find_element(By.CSS_SELECTOR, "#upload button").click()
    status = page.driver.find_element(By.ID, "status")
    assert wait_until(lambda: status.text != "", 60)
    found = status.text
    page.run("document.getElementById('upload').reset()")
    return found


def rows(page) -> list[str]:
    return [row.text for row in page.driver.find_elements(By.CSS_SELECTOR, "#files li")]


def test_a_page_uploads_lists_edits_shares_downloads_and_deletes(page, app, tmp_path):
    picture = tmp_path / "Grüße (1).png"
    picture.write_bytes(quarters(80, 60, "PNG"))
    note = tmp_path / "note.txt"
    note.write_bytes(b"a note")
    assert choose(page, [picture, note], "public") == "Grüße (1).png: done; note.txt: done"
    assert page.run("return events.at(-1)") == 100
    assert wait_until(lambda: len(rows(page)) >= 2, 30)
    assert f"note.txt text/plain {len(b'a note')} public" in rows(page)

    shown = "const images = [...document.querySelectorAll('#gallery img')]; await Promise.all(images.map((i) => i.decode())); return images.map((i) => [i.naturalWidth, i.naturalHeight])"
    assert [40, 30] in page.run(shown)

    mine = page.run("return (await bkend(`/v1/files?ownerId=${given[0]}`)).items", page.me["id"])
    assert sorted(item["originalName"] for item in mine) == ["Grüße (1).png", "note.txt"]
    (file,) = [item for item in mine if item["mimeType"] == "text/plain"]

    changed = page.run(
        "return await bkend(`/v1/files/${given[0]}`, {method: 'PATCH', body: {originalName: 'letter.txt', visibility: 'shared', metadata: {tags: ['a']}}})",
        file["id"],
    )
    assert (changed["originalName"], changed["visibility"], changed["metadata"]) == ("letter.txt", "shared", {"tags": ["a"]})

    friend = app.sign_up("friend")
    assert friend.get(f"/files/{file['id']}").status == 403
    shared = page.run("return await bkend(`/v1/files/${given[0]}/shares`, {method: 'POST', body: {userId: given[1]}})", file["id"], friend.id)
    assert shared["sharedWith"] == [friend.id]
    assert data(friend.get(f"/files/{file['id']}"))["originalName"] == "letter.txt"

    downloaded = page.run(
        """
        const {url, filename, expiresAt} = await bkend(`/v1/files/${given[0]}/download-url`, {method: "POST"});
        const answer = await fetch(url);
        return {text: await answer.text(), filename, expires: expiresAt !== null, disposition: answer.headers.get("Content-Disposition")};
        """,
        file["id"],
    )
    assert (downloaded["text"], downloaded["filename"], downloaded["expires"]) == ("a note", "letter.txt", True)
    assert "letter.txt" in downloaded["disposition"]

    for item in mine:
        page.run("return await bkend(`/v1/files/${given[0]}`, {method: 'DELETE'})", item["id"])
    assert page.run("return (await bkend(`/v1/files?ownerId=${given[0]}`)).items", page.me["id"]) == []


def test_a_page_uploads_a_large_file_in_parts_with_progress(page, app, tmp_path):
    content = b"".join(hashlib.sha256(number.to_bytes(4)).digest() for number in range((12 << 20) // 32))
    film = tmp_path / "film.bin"
    film.write_bytes(content)
    assert choose(page, [film], "private") == "film.bin: done"
    progress = page.run("return events")
    assert progress[-1] == 100 and progress[0] < 60 and len(set(progress)) > 2
    (file,) = page.run("return (await bkend('/v1/files?search=film')).items")
    assert file["size"] == len(content) and file["visibility"] == "private"
    digest = page.run(
        """
        const {url} = await bkend(`/v1/files/${given[0]}/download-url`, {method: "POST"});
        const bytes = await (await fetch(url)).arrayBuffer();
        return Array.from(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)), (b) => b.toString(16).padStart(2, "0")).join("");
        """,
        file["id"],
    )
    assert digest == hashlib.sha256(content).hexdigest()


def test_one_file_that_is_refused_does_not_stop_the_others(page, tmp_path):
    good, bad = tmp_path / "good.txt", tmp_path / "bad.png"
    good.write_bytes(b"good")
    bad.write_bytes(b"no picture")
    assert choose(page, [good, bad], "private") == "good.txt: done; bad.png: file/invalid-format"


def test_pictures_are_made_to_measure_and_in_webp_for_who_takes_it(page, app, tmp_path):
    picture = tmp_path / "wide.png"
    picture.write_bytes(quarters(400, 200, "PNG"))
    assert choose(page, [picture], "public").endswith("done")
    (file,) = page.run("return (await bkend(`/v1/files?ownerId=${given[0]}`)).items", page.me["id"])
    script = """
        const found = [];
        for (const options of given[1]) {
            // As the browser asks for what an <img> shows.
            const answer = await fetch(imageURL(given[0], options), {headers: {Accept: "image/avif,image/webp,image/apng,*/*;q=0.8"}});
            const image = await createImageBitmap(await answer.clone().blob());
            found.push([answer.headers.get("Content-Type"), image.width, image.height]);
        }
        return found;
    """
    options = [{"width": 100, "fit": True}, {"width": 50, "height": 50, "smart": True, "quality": 75}, {"width": 20, "height": 20, "format": "png"}]
    assert page.run(script, file["s3Key"], options) == [["image/webp", 100, 50], ["image/webp", 50, 50], ["image/png", 20, 20]]


def test_a_page_signs_in_anew_when_its_token_is_over(page):
    before = page.run("return tokens.refresh")
    page.run("sessionStorage.setItem('access', 'a.b.c')")
    assert page.run("return (await Promise.all([bkend('/v1/auth/me'), bkend('/v1/files'), bkend('/v1/auth/me')]))[0].email") == page.email
    assert page.run("return tokens.refresh") != before
    assert page.run("return (await signIn(...given)).email", page.email, PASSWORD) == page.email


def test_an_error_has_a_code_and_a_message(page):
    script = "try { await bkend('/v1/files/00000000-0000-4000-8000-000000000000') } catch (error) { return [error.status, error.code, error.message] }"
    assert page.run(script) == [404, "file/not-found", "File not found"]


def test_the_vendors_way_to_take_everything_along(server, app, tmp_path):
    """Page by page, then each by its URL: with nothing but the text of the answers."""
    user = app.sign_up("export")
    for number in range(3):
        user.upload(f"text {number}".encode(), f"{number}.txt")
    fetched, page, more = [], 1, True
    while more:
        text = user.get(f"/files?page={page}&limit=2&ownerId={user.id}").text
        more = '"hasNextPage":true' in text
        page += 1
        for item in json.loads(text)["data"]["items"]:
            url = json.loads(user.post(f"/files/{item['id']}/download-url").text)["data"]["url"]
            fetched.append(urllib.request.urlopen(url).read().decode())
    assert sorted(fetched) == ["text 0", "text 1", "text 2"] and page == 3
