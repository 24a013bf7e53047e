# SPDX-License-Identifier: Apache-2.0
"""What is kept of rendered images, for how long, and what a crowd gets that wants more than the server can render."""

from __future__ import annotations

import asyncio
import collections
import concurrent.futures
import http.client
import pathlib
import re
import shutil
import time

import pytest
from PIL import Image
from Support.pictures import JPEG, encoded, opened, quarters
from Support.server import HOST, Server, temporary_directory, wait_until
from Support.wire import Wire

PATH = "/render/image/public/pictures/quarters.jpg"


def filled(server: Server) -> Wire:
    """A server with a picture in a public bucket."""
    service = Wire(server.port, server.keys.service)
    assert service.send_json("POST", "/bucket", {"name": "pictures", "public": True}).status == 200
    put(service, "quarters.jpg", quarters())
    return service


def put(service: Wire, key: str, body: bytes) -> None:
    reply = service.put(f"/object/pictures/{key}", body, headers={"Content-Type": JPEG})
    assert reply.status == 200, reply.text


@pytest.fixture(scope="module")
def gallery():
    """A server of this module's own: its metrics and its files are counted."""
    with Server() as running:
        filled(running)
        yield running


def kept(server: Server) -> list[pathlib.Path]:
    """The files of kept variants."""
    return sorted((server.data / "variants").glob("*/files/*/*"))


def metric(server: Server, name: str, **labels: str) -> float:
    text = Wire(server.port).get("/metrics").text
    wanted = ",".join(f'{key}="{value}"' for key, value in labels.items())
    match = re.search(rf"^{name}{re.escape('{' + wanted + '}') if wanted else ''} (\S+)$", text, re.MULTILINE)
    return float(match[1]) if match else 0


def renders(server: Server) -> float:
    return metric(server, "magpie_renders_total", outcome="done")


# --- what is kept -----------------------------------------------------------------------------------------------------


def test_an_image_is_rendered_once(gallery):
    anyone = Wire(gallery.port)
    before = renders(gallery)

    replies = [anyone.get(f"{PATH}?width=33") for _ in range(6)]

    assert {reply.status for reply in replies} == {200}
    assert len({(reply.body, reply.headers["etag"], reply.headers["content-type"]) for reply in replies}) == 1
    assert opened(replies[0].body).width == 33
    assert renders(gallery) == before + 1


def test_readers_on_one_connection_who_accept_different_formats_get_their_own(gallery):
    connection = http.client.HTTPConnection(HOST, gallery.port, timeout=30)
    accepts = {"image/avif,image/webp": "image/avif", "image/webp": "image/webp", "*/*": "image/jpeg", "image/png": "image/jpeg"}
    try:
        for _ in range(4):
            for accept, media_type in accepts.items():
                connection.request("GET", f"{PATH}?width=40&height=30", headers={"Accept": accept})
                reply = connection.getresponse()
                body = reply.read()
                assert (reply.status, reply.headers["content-type"]) == (200, media_type)
                assert reply.headers["vary"].split(",")[0] == "Accept"
                assert opened(body).size == (40, 30)
    finally:
        connection.close()


def test_a_replaced_picture_shows_at_once(gallery):
    anyone, service = Wire(gallery.port), Wire(gallery.port, gallery.keys.service)
    put(service, "changing.jpg", quarters())
    path = "/render/image/public/pictures/changing.jpg?width=20"
    old = [anyone.get(path) for _ in range(4)]

    put(service, "changing.jpg", encoded(Image.new("RGB", (400, 300), (9, 9, 9)), "JPEG"))
    new = anyone.get(path)

    assert len({reply.body for reply in old}) == 1
    assert new.body != old[0].body
    assert new.headers["etag"] != old[0].headers["etag"]


def test_a_deleted_pictures_images_are_gone_from_the_answers_and_from_the_disk(gallery):
    anyone, service = Wire(gallery.port), Wire(gallery.port, gallery.keys.service)
    put(service, "gone.jpg", quarters())
    before = set(kept(gallery))
    path = "/render/image/public/pictures/gone.jpg"
    for width in range(20, 25):
        for _ in range(3):
            assert anyone.get(f"{path}?width={width}").status == 200
    assert wait_until(lambda: len(set(kept(gallery)) - before) == 5, 10)

    assert service.delete("/object/pictures/gone.jpg").status == 200

    assert anyone.get(f"{path}?width=20").status == 400
    assert wait_until(lambda: not set(kept(gallery)) - before, 20)


def test_a_validator_needs_no_rendering(gallery):
    anyone = Wire(gallery.port)
    first = anyone.get(f"{PATH}?width=51")
    before = renders(gallery)

    again = anyone.get(f"{PATH}?width=51", headers={"If-None-Match": first.headers["etag"]})
    other = anyone.get(f"{PATH}?width=52", headers={"If-None-Match": first.headers["etag"]})

    assert (again.status, again.body) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert other.status == 200
    assert renders(gallery) == before + 1


def test_head_and_ranges_tell_of_the_same_bytes(gallery):
    anyone = Wire(gallery.port)
    whole = anyone.get(f"{PATH}?width=61")

    head = anyone.head(f"{PATH}?width=61")
    part = anyone.get(f"{PATH}?width=61", headers={"Range": "bytes=10-19", "If-Range": whole.headers["etag"]})
    stale = anyone.get(f"{PATH}?width=61", headers={"Range": "bytes=10-19", "If-Range": '"other"'})

    assert (head.status, head.headers["content-length"], head.body) == (200, str(len(whole.body)), b"")
    assert (part.status, part.body) == (206, whole.body[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{len(whole.body)}"
    assert (stale.status, stale.body) == (200, whole.body)


def test_what_is_kept_outlives_the_server():
    home = temporary_directory()
    server = Server(home=home)
    try:
        server.start()
        filled(server)
        body = Wire(server.port).get(f"{PATH}?width=70").body
        assert wait_until(lambda: len(kept(server)) == 1, 10)
        for end in (server.stop, server.kill):
            end()
            server.start()
            # The files are found again in the background.
            assert wait_until(lambda: metric(server, "magpie_variants_total", origin="disk") > 0 or asked(server, body), 10)
            assert renders(server) == 0
    finally:
        server.close()
        shutil.rmtree(home, ignore_errors=True)


def asked(server: Server, body: bytes) -> bool:
    """Asks, once the server had a moment to look at its files."""
    time.sleep(0.5)
    assert Wire(server.port).get(f"{PATH}?width=70").body == body
    return metric(server, "magpie_variants_total", origin="disk") > 0


def test_variants_of_before_a_crash_of_the_machine_are_not_served():
    home = temporary_directory()
    server = Server(home=home)
    try:
        server.start()
        filled(server)
        body = Wire(server.port).get(f"{PATH}?width=70").body
        assert wait_until(lambda: len(kept(server)) == 1, 10)
        server.kill()
        # As a crash leaves it: a name without its bytes, and the marker of another run of the machine.
        (file,) = kept(server)
        file.write_bytes(bytes(len(body)))
        marker = server.data / "variants" / "0" / "state.json"
        marker.write_text(re.sub(r'"boot":"[^"]*"', '"boot":"before"', marker.read_text()))
        server.start()

        reply = Wire(server.port).get(f"{PATH}?width=70")

        assert (reply.status, reply.body) == (200, body)
        assert renders(server) == 1
    finally:
        server.close()
        shutil.rmtree(home, ignore_errors=True)


def test_the_disk_is_not_filled_beyond_the_setting():
    with Server({"MAGPIE_VARIANT_CACHE": "200KiB", "MAGPIE_CACHE_SIZE": "0"}) as server:
        filled(server)
        anyone = Wire(server.port)
        for width in range(100, 200):
            assert anyone.get(f"{PATH}?width={width}").status == 200

        assert len(kept(server)) > 5
        assert sum(file.stat().st_size for file in kept(server)) <= 200 << 10


def test_verify_takes_no_notice_of_what_is_kept(gallery):
    assert Wire(gallery.port).get(f"{PATH}?width=81").status == 200

    result = gallery.command("verify")

    assert result.returncode == 0, result.stdout + result.stderr


def test_images_can_be_switched_off():
    with Server({"MAGPIE_IMAGES": "off"}) as server:
        filled(server)
        anyone = Wire(server.port)

        assert anyone.get(f"{PATH}?width=20").status == 404
        assert anyone.get("/object/public/pictures/quarters.jpg").body == quarters()
        assert not (server.data / "variants").exists()


# --- a crowd ----------------------------------------------------------------------------------------------------------


async def ask(port: int, path: str) -> tuple[int, dict[str, str], float]:
    begin = time.monotonic()
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode())
        head = (await reader.read(-1)).partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    finally:
        writer.close()
    fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
    return int(head[0].split(" ")[1]), fields, time.monotonic() - begin


def test_a_thousand_different_images_at_once_are_rendered_or_refused_in_time():
    with Server({"MAGPIE_RENDER_WORKERS": "2", "MAGPIE_RENDER_QUEUE": "8", "MAGPIE_RENDER_TIMEOUT": "20s"}) as server:
        service = filled(server)
        put(service, "large.jpg", quarters(4000, 3000))

        async def everybody():
            path = "/render/image/public/pictures/large.jpg?width="
            return await asyncio.gather(*(ask(server.port, f"{path}{width}") for width in range(100, 1100)))

        replies = asyncio.run(everybody())
        statuses = collections.Counter(status for status, _, _ in replies)

        assert set(statuses) == {200, 429}, statuses
        assert statuses[200] >= 10
        assert all("retry-after" in fields for status, fields, _ in replies if status == 429)
        assert max(seconds for _, _, seconds in replies) < 21
        assert Wire(server.port).get(f"{PATH}?width=20").status == 200


def test_a_crowd_that_wants_the_same_image_gets_one_rendering(gallery):
    before = renders(gallery)

    async def everybody():
        return await asyncio.gather(*(ask(gallery.port, f"{PATH}?width=91") for _ in range(200)))

    assert {status for status, _, _ in asyncio.run(everybody())} == {200}
    assert renders(gallery) == before + 1


def test_a_reader_who_leaves_takes_nobodys_image(gallery):
    service = Wire(gallery.port, gallery.keys.service)
    put(service, "wide.jpg", quarters(6000, 4500))
    path = "/render/image/public/pictures/wide.jpg?width=1000"
    leaver = http.client.HTTPConnection(HOST, gallery.port, timeout=30)
    leaver.request("GET", path)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        replies = [pool.submit(Wire(gallery.port).get, path) for _ in range(4)]
        leaver.close()

        assert {reply.result().status for reply in replies} == {200}


def test_a_bucket_has_its_share_of_deliveries():
    with Server({"MAGPIE_DELIVERY_RATE": "5"}) as server:
        filled(server)
        anyone = Wire(server.port)

        statuses = collections.Counter(anyone.get(f"{PATH}?width=20").status for _ in range(60))

        assert set(statuses) == {200, 429}
        assert statuses[200] >= 5
