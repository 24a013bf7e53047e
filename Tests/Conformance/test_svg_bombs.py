# SPDX-License-Identifier: Apache-2.0
"""SVG that is small and costs much to draw, or ends the library that draws it: nobody but its owner may notice."""

from __future__ import annotations

import concurrent.futures
import io
import pathlib
import time

import pytest
from PIL import Image
from Support.pictures import quarters
from Support.pixault import Project, create_project
from Support.server import Server
from Support.wire import Wire

ROOT = '<svg xmlns="http://www.w3.org/2000/svg" width="50" height="50">'
"""Letters so large that librsvg finds its own sums contradictory, and gives up the process. Said in ways that no list of limits knows."""
ENDS_LIBRSVG = {
    "scaled down": f'{ROOT}<g transform="scale(1e-5)"><text font-size="9999" y="9" textLength="1e300">x</text></g></svg>',
    "scaled up": f'{ROOT}<g transform="scale(1e8)"><text y="9">x</text></g></svg>',
    "by a box": f'{ROOT[:-1]} viewBox="0 0 1e-7 1e-7"><text y="9" font-size="9999">x</text></svg>',
    "of letters": f'{ROOT}<text font-size="1e9" y="9">x</text></svg>',
    "by a style": f'{ROOT}<text style="font-size:1e9px" y="9">x</text></svg>',
    "by a rule": f"{ROOT}<style>text{{font-size:1e9px}}</style><text y=\"9\">x</text></svg>",
    "of numbers": f'{ROOT}<path d="M0 0L1e9 0" stroke="red" stroke-dasharray="1e-9"/></svg>',
}


def slow(mark: int) -> bytes:
    """Filters in filters, each over all pixels: minutes, if it were let."""
    steps = "".join('<feMorphology operator="dilate" radius="90"/><feGaussianBlur stdDeviation="400"/>' for _ in range(400))
    return (
        f'{ROOT[:-1]} viewBox="0 0 2000 2000"><filter id="f" x="-1" y="-1" width="3" height="3">{steps}</filter>'
        f'<rect id="r{mark}" width="2000" height="2000" filter="url(#f)"/></svg>'
    ).encode()


def memory(server: Server) -> int:
    """What the server has in memory, in MiB."""
    status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) // 1024


@pytest.fixture(scope="module")
def server():
    with Server({"MAGPIE_SVG_TIMEOUT": "4s", "MAGPIE_RENDER_TIMEOUT": "12s", "MAGPIE_SVG_QUEUE": "2"}) as server:
        yield server


def project(server) -> Project:
    return Project(server, create_project(server))


@pytest.mark.parametrize("name", ENDS_LIBRSVG)
def test_the_server_survives_what_ends_librsvg(server, name):
    mine = project(server)
    before = server.process.pid

    answer = mine.send(ENDS_LIBRSVG[name].encode(), filename="a.svg")
    if answer.status == 201:
        drawn = mine.fetch(f"{answer.json()['imageId']}/w_40.png")
        assert drawn.status in (200, 413, 422, 415, 429, 500, 503, 504), drawn.text
    else:
        assert 400 <= answer.status < 500, answer.text
    marked = mine.request("PUT", "watermarks/a", ENDS_LIBRSVG[name].encode())
    assert marked.status in (200, 201, 204) or 400 <= marked.status < 500 or marked.status == 503, marked.text

    assert server.process.poll() is None and server.process.pid == before
    picture = mine.upload(quarters(), filename="b.jpg")["imageId"]
    assert mine.fetch(f"{picture}/w_40.png").status == 200


def test_slow_drawings_delay_drawings_and_nobody_else(server):
    mine, other = project(server), project(server)
    bombs = [mine.upload(slow(mark), filename="slow.svg")["imageId"] for mark in range(6)]
    picture = other.upload(quarters(), filename="b.jpg")["imageId"]
    most = memory(server)

    with concurrent.futures.ThreadPoolExecutor(len(bombs)) as pool:
        tries = [pool.submit(mine.fetch, f"{bomb}/w_2000.png") for bomb in bombs]
        time.sleep(0.5)
        width = 40
        while not all(one.done() for one in tries):
            start = time.monotonic()
            assert other.fetch(f"{picture}/w_{width}.png").status == 200
            assert time.monotonic() - start < 3, "somebody else's image waits for drawings"
            most = max(most, memory(server))
            width += 1
        answers = [one.result() for one in tries]

    assert width > 42, "nothing was slow"
    assert {answer.status for answer in answers} <= {413, 415, 422, 429, 503, 504}, [answer.status for answer in answers]
    away = [answer for answer in answers if answer.status == 429]
    assert away, "the line has an end"
    for answer in away:
        assert int(answer.headers["retry-after"]) >= 1
    assert most < 900, f"{most} MiB"


def test_what_failed_is_not_run_for_every_width(server):
    mine = project(server)
    bomb = mine.upload(slow(99), filename="slow.svg")["imageId"]
    first = mine.fetch(f"{bomb}/w_1000.png")
    assert first.status >= 400

    start = time.monotonic()
    for width in range(900, 920):
        assert mine.fetch(f"{bomb}/w_{width}.png").status == first.status
    assert time.monotonic() - start < 8, "each took as long as the first"


def test_the_drawing_is_served_whatever_its_picture_costs(server):
    mine = project(server)
    bomb = mine.upload(slow(7), filename="slow.svg")["imageId"]

    drawing = mine.fetch(f"{bomb}/original.svg")

    assert drawing.status == 200 and b"<svg" in drawing.body


def test_without_a_sandbox_svg_is_kept_and_served_and_not_drawn():
    with Server({"MAGPIE_CONVERT": "off"}) as server:
        mine = project(server)
        uploaded = mine.upload(f'{ROOT}<rect width="9" height="9"/></svg>'.encode(), filename="a.svg")
        assert mine.metadata(uploaded["imageId"])["width"] == 50

        refused = mine.fetch(f"{uploaded['imageId']}/w_40.png")

        assert 400 <= refused.status < 500 and "SVG" in refused.text, refused.text
        assert mine.fetch(f"{uploaded['imageId']}/original.svg").status == 200


def test_a_drawing_is_drawn_as_large_as_it_is_wanted(server):
    mine = project(server)
    drawing = f'{ROOT}<rect width="25" height="50" fill="#00f"/><text x="1" y="20" font-size="9">Hi</text></svg>'
    uploaded = mine.upload(drawing.encode(), filename="a.svg")["imageId"]

    picture = Image.open(io.BytesIO(mine.fetch(f"{uploaded}/w_800.png").body))

    assert picture.size == (800, 800) and picture.mode == "RGBA"
    assert picture.getpixel((390, 700)) == (0, 0, 255, 255) and picture.getpixel((410, 700))[3] == 0
