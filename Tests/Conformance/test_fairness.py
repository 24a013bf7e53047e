# SPDX-License-Identifier: Apache-2.0
"""What one project's files may cost another one: nothing that anybody notices, whatever programs are in them."""

from __future__ import annotations

import io
import threading
import time

import pytest
from PIL import Image
from Support.films import film
from Support.pixault import Project, create_project, eps
from Support.server import Server

# Long enough to tell who waited for a program from who did not, on a slow machine too.
TIMEOUT = 30


def loop(number: int = 0) -> bytes:
    """A program that never ends."""
    return eps((f"%{number}\n{{ }} loop",))


def picture(number: int = 0) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (400, 300), (number % 256, 20, 30)).save(out, "JPEG")
    return out.getvalue()


@pytest.fixture(scope="module")
def server():
    with Server({"MAGPIE_CONVERT_TIMEOUT": f"{TIMEOUT}s", "MAGPIE_RENDER_WORKERS": "2"}) as server:
        yield server


@pytest.fixture
def mine(server) -> Project:
    return Project(server, create_project(server))


@pytest.fixture
def theirs(server) -> Project:
    return Project(server, create_project(server))


def cancel_on_exit(project: Project, assets: list[str]) -> None:
    """Ends the jobs of a test: the next one wants the workers."""
    for asset in assets:
        project.request("DELETE", asset)


def test_programs_that_never_end_keep_nobodys_images_waiting(server, mine, theirs):
    photo = theirs.upload(picture(), filename="photo.jpg")["imageId"]
    document = mine.upload(loop(), filename="loop.eps")["imageId"]
    assert theirs.fetch(f"{photo}/w_70.webp").status == 200
    stop = threading.Event()
    seen: list[int] = []

    def hammer(start: int) -> None:
        """As anybody may, without a key."""
        project = Project(server, mine.keys)
        for width in range(start, start + 1000):
            if stop.is_set():
                return
            seen.append(project.fetch(f"{document}/w_{width}.webp").status)
            stop.wait(0.2)

    threads = [threading.Thread(target=hammer, args=(start,)) for start in (100, 2000, 4000)]
    for thread in threads:
        thread.start()
    try:
        time.sleep(2)
        for width in range(80, 84):
            begin = time.monotonic()
            reply = theirs.fetch(f"{photo}/w_{width}.webp")
            assert reply.status == 200, reply.text
            assert time.monotonic() - begin < 10
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        cancel_on_exit(mine, [document])
    assert seen and all(status >= 400 for status in seen)


def test_jobs_and_uploads_of_a_project_keep_nobodys_uploads_waiting(server, mine, theirs):
    documents = [mine.upload(loop(number), filename=f"{number}.eps")["imageId"] for number in range(4)]
    movie = film()
    durations: dict[str, float] = {}
    failures: list[str] = []

    def send(project: Project, name: str, content: bytes, **options) -> None:
        begin = time.monotonic()
        reply = Project(server, project.keys).send(content, filename=name, **options)
        durations[name] = time.monotonic() - begin
        if reply.status != 201:
            failures.append(f"{name}: {reply.status} {reply.text}")

    stripped = (("stripExif", "true"),)
    uploads = [
        threading.Thread(target=send, args=(mine, f"mine-{number}.jpg", picture(number)), kwargs={"before": stripped})
        for number in range(2)
    ]
    uploads += [threading.Thread(target=send, args=(theirs, f"{number}.jpg", picture(number))) for number in range(2)]
    uploads += [threading.Thread(target=send, args=(theirs, "film.mp4", movie))]
    try:
        time.sleep(2)
        for upload in uploads:
            upload.start()
        for upload in uploads:
            upload.join()
        # Another project's document is not behind all of these.
        document = theirs.upload(eps(), filename="good.eps")["imageId"]
        assert theirs.wait_for_job(document, TIMEOUT * 3)["status"] == "Completed"
        states = [mine.get(f"{asset}/processing-status").json()["status"] for asset in documents]
        assert "Pending" in states, states
    finally:
        cancel_on_exit(mine, documents)
    assert not failures
    assert all(seconds < TIMEOUT * 2 / 3 for seconds in durations.values()), durations


def test_a_document_that_failed_says_so_at_once(mine):
    document = mine.upload(eps(("1 0 0 setrgbcolor nosuchoperator",)), filename="broken.eps")["imageId"]
    state = mine.wait_for_job(document)
    assert state["status"] == "Failed"

    reply = mine.fetch(f"{document}/w_50.png")

    assert 400 <= reply.status < 500, reply.text
    assert state["error"] in reply.text


def red(content: bytes) -> int:
    image = Image.open(io.BytesIO(content)).convert("RGB")
    return image.getpixel((image.width // 2, image.height // 2))[0]


def test_a_document_is_delivered_as_the_page_that_a_job_made_of_it(mine):
    # Red, as much of it as the clock says: another one each time the program is run.
    program = "realtime 997 mod 997 div 0 0 setrgbcolor 0 0 100 50 rectfill"
    document = mine.upload(eps((program,)), filename="clock.eps")["imageId"]
    assert mine.wait_for_job(document)["status"] == "Completed"
    page = mine.get(f"{document}/derived").json()[0]["imageId"]
    expected = red(mine.fetch(f"{page}/original.png").body)

    reds = {red(mine.fetch(f"{document}/w_{width}.png").body) for width in (20, 30, 40, 400)}

    assert reds == {expected}
    # What is larger than that page is drawn, once for all sizes like it.
    larger = [mine.fetch(f"{document}/w_{width}.png").body for width in (900, 1000)]
    assert [Image.open(io.BytesIO(content)).width for content in larger] == [900, 1000]
    assert len({red(content) for content in larger}) == 1
