# SPDX-License-Identifier: Apache-2.0
"""Attacks by SVG, in a real browser: nothing of what the server hands out runs, and nothing makes a request.

The browser opens each drawing as the server serves it, and the same bytes from a careless server: without any header, and in the
middle of an HTML page, where every element is clicked, pointed at and focused. So it is the drawing that is harmless, not only the headers.
"""

from __future__ import annotations

import collections
import contextlib
import http.server
import threading
from collections.abc import Callable

import pytest
from selenium.common.exceptions import JavascriptException, TimeoutException
from Support.browser import Browser, Origin
from Support.pixault import Project, create_project
from Support.server import Server, wait_until
from Support.svgattacks import vectors
from Support.wire import Wire

# What a careful sanitiser is for: so many of the vectors do harm in this browser when nobody cares.
LEAST_HARM = 90

PROVOKE = """
    for (const element of document.querySelectorAll("*")) {
        for (const type of ["focus", "focusin", "mouseover", "pointerdown", "click", "wheel", "keydown"]) {
            const kind = type === "click" || type === "mouseover" ? MouseEvent : Event;
            element.dispatchEvent(new kind(type, {bubbles: true, cancelable: true}));
        }
    }
    await new Promise((done) => setTimeout(done, 20));
"""


class CarelessServer(Origin):
    """Serves files as they are, as `/plain/NAME` and inside of a page as `/inline/NAME`; notes what is asked for besides."""

    class Handler(http.server.BaseHTTPRequestHandler):
        server: CarelessServer

        def do_GET(self) -> None:  # noqa: N802 - the library's name
            way, _, name = self.path.lstrip("/").partition("/")
            if way in ("run", "out"):
                with self.server.lock:
                    self.server.reports.add((way, name))
                self.answer(404, "text/plain", b"")
            elif way == "page":
                self.answer(200, "text/html", f"<!doctype html><img src='/out/{name}'>".encode())
            elif name not in self.server.files:
                self.answer(404, "text/plain", b"")
            elif way == "plain":
                self.answer(200, "image/svg+xml", self.server.files[name])
            else:
                self.answer(200, "text/html", b"<!doctype html><body>" + self.server.files[name])

        do_POST = do_GET  # noqa: N815 - what `ping` sends

        def answer(self, status: int, media_type: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    def handle_error(self, *_: object) -> None:
        """A browser that goes elsewhere does not wait for answers."""

    def __init__(self) -> None:
        # Before it serves: its handlers look at these.
        self.lock = threading.Lock()
        self.files: dict[str, bytes] = {}
        self.reports: set[tuple[str, str]] = set()
        super().__init__(self.Handler)


@pytest.fixture(scope="module")
def trap():
    with CarelessServer() as running:
        yield running


@pytest.fixture(scope="module")
def server():
    """One that takes uploads as fast as they come."""
    with Server({"MAGPIE_UPLOAD_RATE": "0"}) as running:
        yield running


@pytest.fixture(scope="module")
def project(server) -> Project:
    return Project(server, create_project(server))


@pytest.fixture(scope="module")
def taken(project, trap) -> dict[str, str]:
    """The ids of what the project took, by the names of the vectors; of everything else it said why not."""
    ids = {}
    for name, content in vectors(trap.origin).items():
        reply = project.send(content, filename=f"{name}.svg", content_type="image/svg+xml")
        assert reply.status == 201 or 400 <= reply.status < 500, (name, reply.text)
        if reply.status == 201:
            ids[name] = reply.json()["imageId"]
    return ids


def harm(browser: Browser, trap: CarelessServer, mark: str, names, open_one: Callable[[str], None]) -> set[tuple[str, str]]:
    """What is reported while each is opened. The last report is an honest one: what came before it was noted."""
    trap.reports.clear()
    for name in names:
        open_one(name)
    browser.visit(f"{trap.origin}/page/{mark}")
    assert wait_until(lambda: ("out", mark) in trap.reports, 20)
    return trap.reports - {("out", mark)}


def carelessly(browser: Browser, trap: CarelessServer, way: str) -> Callable[[str], None]:
    # What leads the browser elsewhere ends the script before it is over.
    browser.driver.set_script_timeout(0.5)

    def open_one(name: str) -> None:
        browser.visit(f"{trap.origin}/{way}/{name}")
        with contextlib.suppress(TimeoutException, JavascriptException):
            browser.run(PROVOKE)

    return open_one


def test_the_vectors_do_harm_where_nobody_cares(browser, trap):
    trap.files = vectors(trap.origin)
    found = set()
    for way in ("plain", "inline"):
        found |= harm(browser, trap, f"raw-{way}", trap.files, carelessly(browser, trap, way))
    ways = collections.Counter(way for way, _ in found)
    assert len({name for _, name in found}) >= LEAST_HARM, sorted(set(trap.files) - {name for _, name in found})
    assert ways["run"] > 40 and ways["out"] > 20


def test_most_are_taken_and_what_is_left_of_them_is_drawn(project, taken, trap):
    trap.reports.clear()
    assert len(taken) >= 120
    statuses = collections.Counter(project.fetch(f"{made}/w_16.png").status for made in taken.values())
    assert statuses[200] >= 120 and set(statuses) <= {200, 415, 422}, statuses
    # The server asks nobody for anything, either.
    assert trap.reports == set()


def test_what_the_server_serves_is_harmless(browser, trap, project, taken):
    url = project.wire.port
    opened = harm(
        browser, trap, "served", taken, lambda name: browser.visit(f"http://127.0.0.1:{url}/{project.name}/{taken[name]}/original.svg")
    )
    assert opened == set()


@pytest.mark.parametrize("way", ["plain", "inline"])
def test_its_bytes_are_harmless_anywhere(browser, trap, project, taken, way):
    trap.files = {name: project.fetch(f"{made}/original.svg").body for name, made in taken.items()}
    assert harm(browser, trap, f"clean-{way}", trap.files, carelessly(browser, trap, way)) == set()


def test_what_is_kept_as_it_came_is_served_locked(browser, trap, server):
    """Supabase's interface promises the very bytes."""
    service = Wire(server.port, server.keys.service)
    assert service.send_json("POST", "/bucket", {"name": "raw", "public": True}).status == 200
    files = vectors(trap.origin)
    for name, content in files.items():
        assert service.post(f"/object/raw/{name}.svg", content, headers={"Content-Type": "image/svg+xml"}).status == 200
    assert service.get("/object/public/raw/script.svg").body == files["script"]
    url = f"{server.url}/object/public/raw"
    assert harm(browser, trap, "raw", files, lambda name: browser.visit(f"{url}/{name}.svg")) == set()
