# SPDX-License-Identifier: Apache-2.0
"""A headless Chromium, and pages of several origins that run scripts in it."""

from __future__ import annotations

import http.server
import os
import pathlib
import threading

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from .tools import program

PAGE = b"<!doctype html><meta charset='utf-8'><title>page</title><p>A page of another origin.</p>"


class Origin(http.server.ThreadingHTTPServer):
    """Serves on a free port of the loopback interface, in threads, until its block ends: an origin of its own."""

    daemon_threads = True

    def __init__(self, handler: type[http.server.BaseHTTPRequestHandler]):
        super().__init__(("127.0.0.1", 0), handler)
        self.origin = f"http://127.0.0.1:{self.server_address[1]}"
        self.thread = threading.Thread(target=self.serve_forever, daemon=True)
        self.thread.start()

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.thread.join()
        self.server_close()


class Pages(Origin):
    """Serves one page at every path."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # noqa: N802 - the library's name
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(PAGE)))
            self.end_headers()
            self.wfile.write(PAGE)

        def log_message(self, *_: object) -> None:
            pass

    def __init__(self) -> None:
        super().__init__(self.Handler)


class Browser:
    """One Chromium with a profile that goes away, driven through its own driver; it talks to nobody but the loopback interface."""

    def __init__(self, profile: pathlib.Path):
        options = webdriver.ChromeOptions()
        options.binary_location = chromium()
        options.add_argument("--headless=new")
        options.add_argument(f"--user-data-dir={profile}")
        options.add_argument("--disable-gpu")
        options.add_argument("--disable-dev-shm-usage")
        options.add_argument("--disable-background-networking")
        options.add_argument("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost")
        if os.geteuid() == 0:
            options.add_argument("--no-sandbox")  # Chromium's sandbox does not start for root
        self.driver = webdriver.Chrome(options=options, service=Service(program("chromedriver")))
        self.driver.set_page_load_timeout(30)
        self.driver.set_script_timeout(60)

    def __enter__(self) -> "Browser":
        return self

    def __exit__(self, *_: object) -> None:
        self.driver.quit()

    def visit(self, url: str) -> None:
        self.driver.get(url)

    def run(self, script: str, *arguments: object) -> object:
        """What the body of an asynchronous function returns in the page, called with `arguments` as `given`.

        What the script throws comes back as `{"failed": "TypeError: …"}`: that is how a browser refuses.
        """
        return self.driver.execute_async_script(
            """
            const given = Array.from(arguments), done = given.pop();
            (async (...given) => { %s })(...given).then(done, (error) => done({failed: String(error)}));
            """
            % script,
            *arguments,
        )


def chromium() -> str:
    """The program itself where Debian's package puts it: the command of that name is a script that changes its arguments."""
    packaged = pathlib.Path("/usr/lib/chromium/chromium")
    return str(packaged) if packaged.exists() else program("chromium")
