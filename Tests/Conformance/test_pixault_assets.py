# SPDX-License-Identifier: Apache-2.0
"""Uploads and the library of assets, as Pixault's clients use them. Tests named `sdk` are about what shipped clients depend on."""

from __future__ import annotations

import io
import re
import urllib.parse

import pytest
from PIL import Image
from Support.films import film
from Support.pictures import opened, quarters
from Support.pixault import Project, create_project, eps, form
from Support.server import wait_until

ID = r"(img|vid|eps)_[0-9A-HJKMNP-TV-Z]{26}"


@pytest.fixture(scope="module")
def shop(server) -> Project:
    return Project(server, create_project(server))


@pytest.fixture
def project(server) -> Project:
    """One of its own, for tests that count."""
    return Project(server, create_project(server))


@pytest.fixture(scope="session")
def movie() -> bytes:
    """Two seconds of MP4 with sound."""
    return film(2, sound=True)


def photo(width: int = 60, height: int = 40, orientation: int = 1) -> bytes:
    """A JPEG with EXIF: a camera, a date and a place."""
    picture = Image.new("RGB", (width, height), (200, 30, 30))
    exif = Image.Exif()
    exif[0x0110] = "Magpie Cam"
    exif[0x0112] = orientation
    exif.get_ifd(0x8769)[0x9003] = "2024:05:06 07:08:09"
    place = exif.get_ifd(0x8825)
    place[1], place[2], place[3], place[4] = "S", (33.0, 51.0, 30.0), "E", (151.0, 12.0, 0.0)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()


def png(color: tuple[int, int, int] = (10, 20, 30), size: tuple[int, int] = (30, 20)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, color).save(buffer, "PNG")
    return buffer.getvalue()


def problem(reply, status: int) -> str:
    assert reply.status == status, reply.text
    assert reply.headers["Content-Type"] == "application/problem+json"
    body = reply.json()
    assert body["status"] == status and body["error"] == body["detail"] and body["title"] and body["traceId"]
    return body["detail"]


# --- Uploads ----------------------------------------------------------------------------------------------------------------


def test_an_upload_answers_what_was_stored(shop):
    reply = shop.send(photo(), filename="Red Boot.jpg", before=(("name", "Red boot"),))
    assert reply.status == 201
    made = reply.json()
    assert re.fullmatch(ID, made["imageId"]) and made["imageId"].startswith("img_")
    assert made["publicId"].startswith("red-boot")
    assert made["url"] == f"/{shop.name}/{made['imageId']}"
    assert (made["width"], made["height"], made["size"]) == (60, 40, len(photo()))
    assert made["isVideo"] is False and made["isEps"] is False
    assert made["duration"] is None and made["thumbnailId"] is None and made["processingJobId"] is None


@pytest.mark.parametrize("place", ["before", "behind"])
def test_every_field_of_the_form_is_kept_wherever_it_stands(shop, place):
    fields = (
        ("name", "Boot"), ("description", "A boot"), ("caption", "Boot, red"), ("category", "catalog"),
        ("keywords", "boot, red ,,winter"), ("author", "R. Vey"), ("folder", "/catalog/shoes/"), ("unknown", "ignored"),
    )  # fmt: skip
    made = shop.upload(png(), filename="ü boot.png", dotnet=True, **{place: fields})
    found = shop.metadata(made["imageId"])
    assert found["name"] == "Boot" and found["description"] == "A boot" and found["caption"] == "Boot, red"
    assert found["category"] == "catalog" and found["keywords"] == ["boot", "red", "winter"]
    assert found["author"] == "R. Vey" and found["folder"] == "catalog/shoes"
    assert found["originalFileName"] == "ü boot.png"
    assert found["contentType"] == "image/png" and (found["width"], found["height"]) == (30, 20)


def test_the_folder_may_stand_in_the_query_and_the_form_wins(shop):
    one = shop.upload(png(), query="?folder=a%2Fb")
    assert shop.metadata(one["imageId"])["folder"] == "a/b"
    two = shop.upload(png(), query="?folder=a%2Fb", before=(("folder", "c"),))
    assert shop.metadata(two["imageId"])["folder"] == "c"


@pytest.mark.parametrize(
    "form_of, content_type",
    [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/webp"), ("AVIF", "image/avif"), ("GIF", "image/gif")],
)
def test_the_type_is_told_by_the_bytes(shop, form_of, content_type):
    made = shop.upload(quarters(32, 24, form_of), filename="lie.mp4", content_type="video/mp4")
    assert made["imageId"].startswith("img_") and made["isVideo"] is False
    assert shop.metadata(made["imageId"])["contentType"] == content_type


def test_what_exif_says_is_read(shop):
    made = shop.upload(photo(60, 40, orientation=6))
    assert (made["width"], made["height"]) == (40, 60)
    found = shop.metadata(made["imageId"])
    assert found["exifData"]["Model"] == "Magpie Cam"
    assert found["dateCreated"] == "2024-05-06T07:08:09.000Z"
    assert found["locationLatitude"] == pytest.approx(-33.8583, abs=0.001)
    assert found["locationLongitude"] == pytest.approx(151.2, abs=0.001)


def test_exif_is_taken_out_at_upload_when_asked_for(shop):
    made = shop.upload(photo(60, 40, orientation=6), before=(("stripExif", "True"),))
    found = shop.metadata(made["imageId"])
    assert found["exifData"] == {} and found["locationLatitude"] is None
    original = shop.fetch(f"{made['imageId']}/original.jpg")
    assert original.status == 200 and b"Magpie Cam" not in original.body
    # It is still shown upright, and no pixel was touched.
    assert opened(original.body).getexif().get(0x0112) == 6
    assert opened(original.body).tobytes() == opened(photo(60, 40, orientation=6)).tobytes()
    assert found["sizeBytes"] == len(original.body) == made["size"]


def test_exif_is_taken_out_later(shop):
    made = shop.upload(photo())
    reply = shop.request("POST", f"{made['imageId']}/strip-exif")
    assert reply.status == 200 and reply.json()["exifData"] == {}
    assert reply.json()["sizeBytes"] < made["size"]
    assert b"Magpie Cam" not in shop.fetch(f"{made['imageId']}/original.jpg").body


def test_svg_is_stored_without_scripts(shop):
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><script>alert(1)</script><rect width="40" height="20" fill="red" onclick="x()"/></svg>'
    made = shop.upload(svg, filename="logo.svg", content_type="image/svg+xml")
    assert (made["width"], made["height"]) == (40, 20)
    stored = shop.fetch(f"{made['imageId']}/original.svg")
    assert stored.status == 200 and b"script" not in stored.body and b"onclick" not in stored.body and b"<rect" in stored.body
    assert "sandbox" in stored.headers["Content-Security-Policy"]
    assert shop.fetch(f"{made['imageId']}/w_400.svg").headers["Content-Type"].startswith("image/svg+xml")
    assert opened(shop.fetch(f"{made['imageId']}/w_20.png").body).size == (20, 10)


def test_an_object_of_the_asset_is_there_in_other_dialects(shop, server, admin):
    made = shop.upload(png((1, 2, 3)))
    reply = admin.get(f"/object/{shop.name}/{made['imageId']}")
    assert reply.status == 200 and reply.body == png((1, 2, 3)) and reply.headers["Content-Type"] == "image/png"


def test_an_object_of_another_dialect_becomes_an_asset(project, admin):
    sent = admin.post(f"/object/{project.name}/photos/2024/cat.jpg", photo(), headers={"Content-Type": "image/jpeg"})
    assert sent.status == 200, sent.text
    wait_until(lambda: project.get("images").json()["images"] and project.get("images").json()["images"][0]["width"] == 60, 30)
    [found] = project.get("images").json()["images"]
    assert re.fullmatch(ID, found["imageId"]) and found["originalFileName"] == "cat.jpg" and found["folder"] == "photos/2024"
    assert found["exifData"]["Model"] == "Magpie Cam"
    assert opened(project.fetch(f"{found['imageId']}/w_30.png").body).size == (30, 20)
    assert admin.delete(f"/object/{project.name}/photos/2024/cat.jpg").status == 200
    assert project.names() == []


@pytest.mark.parametrize(
    "content, status",
    [
        (b"", 415), (b"hello, world", 415), (b"%PDF-1.7\n", 415), (b"MZ" + bytes(100), 415), (b"\xff\xd8\xff\xe0" + bytes(60), 422),
        (b"\x89PNG\r\n\x1a\n" + bytes(40), 422), (b"<svg><unclosed>", 422), (b"%!PS-Adobe-3.0\nshowpage\n", 400),
        (b"\xc5\xd0\xd3\xc6" + bytes(40), 400), (b"%!PS-Adobe-3.0\n%%BoundingBox: (atend)\n", 400),
        (b"\x00\x00\x00\x18ftypisom\x00\x00\x00\x00isommp42" + bytes(100), 422),
    ],
)  # fmt: skip
def test_what_is_no_media_is_refused_and_leaves_nothing(project, server, content, status):
    problem(project.send(content, filename="x.jpg", content_type="image/jpeg"), status)
    assert project.names() == []
    assert project.get("images").json()["totalCount"] == 0


def test_a_form_without_a_file_is_refused(shop):
    body = b'--b\r\nContent-Disposition: form-data; name="name"\r\n\r\nx\r\n--b--\r\n'
    problem(shop.request("POST", "upload", body, {"Content-Type": "multipart/form-data; boundary=b"}), 400)
    problem(shop.request("POST", "upload", png(), {"Content-Type": "image/png"}), 400)


@pytest.mark.parametrize(
    "fields",
    [(("stripExif", "perhaps"),), (("folder", "a/../b"),), (("overwrite", "maybe"),), (("description", "x" * 9000),)],
)
@pytest.mark.parametrize("place", ["before", "behind"])
def test_a_wrong_field_is_refused_and_leaves_nothing(project, fields, place):
    problem(project.send(png(), **{place: fields}), 400)
    assert project.names() == []


def test_too_large_an_image_is_refused(project):
    assert project.send(png() + bytes(21 << 20)).status == 413
    assert project.names() == []


def test_names_are_unique_and_uploading_again_never_fails(project):
    first = project.upload(png(), before=(("name", "Sunset Beach!"),))
    second = project.upload(png(), before=(("name", "Sunset Beach!"),))
    assert (first["publicId"], second["publicId"]) == ("sunset-beach", "sunset-beach-2")
    assert project.upload(png(), filename="Ünïcode Näme.png")["publicId"]


@pytest.mark.parametrize("place", ["before", "behind"])
def test_overwrite_keeps_the_id_and_what_is_not_said_anew(project, place):
    first = project.upload(png(size=(30, 20)), before=(("name", "Logo"), ("caption", "old"), ("author", "me")))
    second = project.upload(png(size=(50, 50)), **{place: (("name", "Logo"), ("caption", "new"), ("overwrite", "true"))})
    assert second["imageId"] == first["imageId"] and second["publicId"] == "logo"
    assert (second["width"], second["height"]) == (50, 50)
    found = project.metadata(first["imageId"])
    assert found["caption"] == "new" and found["author"] == "me"
    assert project.names() == [first["imageId"]]
    assert opened(project.fetch("logo.png").body).size == (50, 50)


# --- Video --------------------------------------------------------------------------------------------------------------------


def test_a_video_has_duration_sound_and_a_poster(project, movie):
    made = project.upload(movie, filename="clip.mp4")
    assert made["imageId"].startswith("vid_") and made["isVideo"] is True
    assert made["duration"] == pytest.approx(2, abs=0.3)
    assert (made["width"], made["height"]) == (320, 180)
    found = project.metadata(made["imageId"])
    assert found["hasAudio"] is True and found["codec"] == "h264" and found["contentType"] == "video/mp4"
    assert found["thumbnailId"] == made["thumbnailId"] and re.fullmatch(ID, made["thumbnailId"])
    assert opened(project.fetch(f"{made['thumbnailId']}/w_160.jpg").body).size == (160, 90)
    assert opened(project.fetch(f"{made['imageId']}/w_64.webp").body).size == (64, 36)
    # The poster is derived, and so in no list that does not ask for it.
    assert project.names() == [made["imageId"]]
    assert set(project.names("?includeDerived=true")) == {made["imageId"], made["thumbnailId"]}


def test_a_video_plays_from_anywhere(project, movie):
    made = project.upload(movie)
    url = f"{made['imageId']}/video.mp4"
    whole = project.fetch(url)
    assert whole.status == 200 and whole.body == movie and whole.headers["Content-Type"] == "video/mp4"
    assert whole.headers["Accept-Ranges"] == "bytes"
    part = project.fetch(url, headers={"Range": "bytes=100-199"})
    assert part.status == 206 and part.body == movie[100:200]
    assert part.headers["Content-Range"] == f"bytes 100-199/{len(movie)}"
    assert project.fetch(url, headers={"Range": f"bytes={len(movie)}-"}).status == 416
    # Nothing is transcoded.
    assert project.fetch(f"{made['imageId']}/video.webm").status == 404


def test_deleting_a_video_deletes_its_poster(project, movie):
    made = project.upload(movie)
    assert project.request("DELETE", made["imageId"]).status == 204
    assert project.names("?includeDerived=true") == []
    assert project.fetch(f"{made['thumbnailId']}/w_10.jpg").status == 404
    assert project.fetch(f"{made['imageId']}/video.mp4").status == 404


# --- EPS ----------------------------------------------------------------------------------------------------------------------

TWO_DESIGNS = "1 0 0 setrgbcolor 5 10 30 30 rectfill 0 0 1 setrgbcolor 65 10 30 30 rectfill"


def test_each_page_of_an_eps_becomes_an_image(project):
    made = project.upload(eps(("1 0 0 setrgbcolor 0 0 100 50 rectfill", "0 0 1 setrgbcolor 0 0 100 50 rectfill")), filename="a.eps")
    assert made["imageId"].startswith("eps_") and made["isEps"] is True and (made["width"], made["height"]) == (417, 208)
    state = project.wait_for_job(made["imageId"])
    assert state["id"] == made["processingJobId"] and state["status"] == "Completed" and state["source"] == "eps"
    assert (state["totalAssets"], state["processedAssets"], state["succeededAssets"], state["failedAssets"]) == (2, 2, 2, 0)
    pages = project.get(f"{made['imageId']}/derived").json()
    assert [page["derivationType"] for page in pages] == ["page-1", "page-2"]
    assert all(page["contentType"] == "image/png" and 415 <= page["width"] <= 418 for page in pages)
    found = project.metadata(made["imageId"])
    assert found["thumbnailId"] == pages[0]["imageId"]
    assert project.metadata(pages[1]["imageId"])["sourceAssetId"] == made["imageId"]
    page = opened(project.fetch(f"{pages[1]['imageId']}/w_100.png").body).convert("RGB")
    assert page.getpixel((50, 25))[2] > 200 > page.getpixel((50, 25))[0]


def test_an_eps_is_rendered_on_demand(project):
    made = project.upload(eps())
    reply = project.fetch(f"{made['imageId']}/w_80.webp")
    assert reply.status == 200 and opened(reply.body).size == (80, 40)
    assert project.fetch(f"{made['imageId']}/w_80.webp").headers["X-Pixault-Cache"] == "HIT"
    assert project.fetch(f"{made['imageId']}/original.eps").body == eps()


def test_designs_are_split_by_the_space_between_them(project):
    made = project.upload(eps((TWO_DESIGNS,)))
    project.wait_for_job(made["imageId"])
    reply = project.request("POST", f"{made['imageId']}/split")
    assert reply.status == 202 and re.fullmatch(r"[0-9a-f-]{36}", reply.json()["jobId"])
    assert project.wait_for_job(made["imageId"])["status"] == "Completed"
    parts = [found for found in project.get(f"{made['imageId']}/derived").json() if found["derivationType"].startswith("split")]
    assert [part["derivationType"] for part in parts] == ["split-1", "split-2"]
    # Again: the same ones are replaced.
    assert project.request("POST", f"{made['imageId']}/split").status == 202
    assert project.wait_for_job(made["imageId"])["status"] == "Completed"
    again = [found for found in project.get(f"{made['imageId']}/derived").json() if found["derivationType"].startswith("split")]
    assert [part["imageId"] for part in again] == [part["imageId"] for part in parts]


def test_drawings_are_extracted(project):
    made = project.upload(eps((TWO_DESIGNS,)))
    project.wait_for_job(made["imageId"])
    assert project.request("POST", f"{made['imageId']}/extract-svg").status == 202
    assert project.wait_for_job(made["imageId"])["status"] == "Completed"
    drawings = [found for found in project.get(f"{made['imageId']}/derived").json() if found["derivationType"].startswith("svg")]
    assert [drawing["derivationType"] for drawing in drawings] == ["svg", "svg-1", "svg-2"]
    body = project.fetch(f"{drawings[0]['imageId']}/original.svg").body
    assert b"<svg" in body and b"<script" not in body


@pytest.mark.parametrize(
    "program",
    ["{} loop", "(/etc/passwd) (r) file pop", "(%pipe%touch /tmp/magpie-was-here) (w) file pop", "1 0 div", "undefinedname"],
)
def test_hostile_postscript_ends_in_a_failed_job_with_a_reason(server_with_short_conversions, program):
    project = Project(server_with_short_conversions, create_project(server_with_short_conversions))
    made = project.upload(eps((program,)))
    state = project.wait_for_job(made["imageId"])
    assert state["status"] == "Failed" and state["error"] and "/" not in state["error"]
    assert project.get(f"{made['imageId']}/derived").json() == []


@pytest.fixture(scope="module")
def server_with_short_conversions():
    from Support.server import Server

    with Server({"MAGPIE_CONVERT_TIMEOUT": "3s"}) as running:
        yield running


def test_work_on_what_is_no_eps_is_refused(shop):
    made = shop.upload(png())
    problem(shop.request("POST", f"{made['imageId']}/split"), 400)
    problem(shop.request("POST", f"{made['imageId']}/extract-svg"), 400)
    problem(shop.get(f"{made['imageId']}/processing-status"), 404)


# --- The library --------------------------------------------------------------------------------------------------------------


def test_the_list_is_paged_the_newest_first(project):
    made = [project.upload(png(), filename=f"{number}.png")["imageId"] for number in range(5)]
    first = project.get("images?limit=2").json()
    assert [image["imageId"] for image in first["images"]] == made[:2:-1]
    assert first["totalCount"] == 5 and first["hasMore"] is True and first["nextCursor"] == first["cursor"]
    second = project.get(f"images?limit=2&cursor={urllib.parse.quote(first['nextCursor'])}").json()
    last = project.get(f"images?limit=2&cursor={urllib.parse.quote(second['nextCursor'])}").json()
    assert [image["imageId"] for image in second["images"] + last["images"]] == made[2::-1]
    assert last["nextCursor"] is None and last["hasMore"] is False


def test_every_filter_narrows_the_list(project, movie):
    one = project.upload(png(), filename="alpha.png", before=(("name", "Winter boot"), ("category", "Shoes"), ("author", "Ann")))
    two = project.upload(png(), filename="beta.png", before=(("keywords", "summer,sand"), ("folder", "trips/2024")))
    film = project.upload(movie, filename="gamma.mp4")
    for query, expected in [
        ("search=WINTER", [one]), ("search=alpha", [one]), ("search=sand", [two]), (f"search={two['imageId']}", [two]),
        ("search=%25", []), ("category=shoes", [one]), ("keyword=summ", [two]), ("author=ann", [one]), ("isVideo=true", [film]),
        ("isVideo=false", [two, one]), ("folder=trips/2024", [two]), ("folder=trips", []), ("folder=", [film, one]),
        ("search=nothing-like-it", []),
    ]:  # fmt: skip
        assert project.names(f"?{query}") == [made["imageId"] for made in expected], query
        assert project.get(f"images?{query}").json()["totalCount"] == len(expected)


@pytest.mark.parametrize("query", ["limit=x", "cursor=%21%21", "isVideo=maybe", "folder=a/../b", f"search={'x' * 600}"])
def test_a_wrong_filter_is_refused(shop, query):
    problem(shop.get(f"images?{query}"), 400)


@pytest.mark.parametrize("limit", ["0", "-5", "100000"])
def test_a_limit_out_of_range_is_brought_into_it(shop, limit):
    assert shop.get(f"images?limit={limit}").status == 200


def test_metadata_is_changed_field_by_field(shop):
    made = shop.upload(png(), before=(("name", "Old"), ("caption", "stays"), ("keywords", "a,b")))
    change = {"name": "New", "keywords": [], "tags": {"sku": "7"}, "copyrightYear": 2024, "locationLatitude": 1.5, "unknown": 1}
    reply = shop.request("PATCH", f"{made['imageId']}/metadata", change)
    assert reply.status == 200
    found = reply.json()
    assert found["name"] == "New" and found["caption"] == "stays" and found["keywords"] == [] and found["tags"] == {"sku": "7"}
    assert found["copyrightYear"] == 2024 and found["locationLatitude"] == 1.5
    assert found["dateModified"] >= found["uploadedAt"]
    assert shop.metadata(made["publicId"]) == found


@pytest.mark.parametrize(
    "change",
    [
        {"name": 5}, {"keywords": "a,b"}, {"keywords": [1]}, {"tags": {"a": 1}}, {"locationLatitude": 91}, {"copyrightYear": 1.5},
        {"dateCreated": "yesterday"}, {"representativeOfPage": "yes"}, {"folder": "../x"}, {"name": "x" * 9000}, {"name": "a\u0000b"},
        {"keywords": ["x"] * 201}, {"keywords": ["x" * 513]}, {"dateCreated": "2020-02-31"},
        {"dateCreated": "9999-12-31T23:59:59-14:00"},
    ],
)  # fmt: skip
def test_a_wrong_change_is_refused_and_changes_nothing(shop, change):
    made = shop.upload(png())
    before = shop.metadata(made["imageId"])
    problem(shop.request("PATCH", f"{made['imageId']}/metadata", change), 400)
    assert shop.metadata(made["imageId"]) == before


def test_linked_data_speaks_schema_org(shop):
    made = shop.upload(png(), before=(("name", "Logo"), ("author", "Ann")))
    reply = shop.get(f"{made['imageId']}/metadata/jsonld")
    assert reply.status == 200 and reply.headers["Content-Type"].startswith("application/ld+json")
    found = reply.json()
    assert found["@context"] == "https://schema.org" and found["@type"] == "ImageObject" and found["name"] == "Logo"
    assert found["width"] == {"@type": "QuantitativeValue", "value": 30, "unitCode": "E37"}
    assert found["author"]["name"] == "Ann" and found["encodingFormat"] == "image/png"
    path = urllib.parse.urlparse(found["contentUrl"]).path
    assert shop.wire.get(path).body == png()


def test_folders_come_and_go(project):
    assert project.request("POST", "folders", {"path": "/a/b/"}).status == 201
    assert project.request("POST", "folders", {"path": "a/b"}).status == 201
    project.upload(png(), before=(("folder", "x/y"),))
    assert project.get("folders").json() == ["a", "a/b", "x", "x/y"]
    inside = project.names("?folder=x/y")[0]
    assert project.request("DELETE", "folders/x/y").status == 204
    assert project.metadata(inside)["folder"] is None
    assert project.get("folders").json() == ["a", "a/b", "x"] or project.get("folders").json() == ["a", "a/b"]
    problem(project.request("POST", "folders", {"path": "a/../b"}), 400)
    problem(project.request("POST", "folders", {}), 400)


def test_a_large_folder_is_emptied_by_a_job(project, database):
    database.run(
        f"""INSERT INTO storage.objects (bucket_id, name, version, metadata)
        SELECT '{project.name}', 'many/' || i || '.png', gen_random_uuid()::text, '{{"mimetype": "image/png", "size": 1}}'
        FROM generate_series(1, 2500) AS i;
        DELETE FROM magpie.jobs WHERE bucket_id = '{project.name}' AND kind = 'inspect'"""
    )
    assert project.request("DELETE", "folders/many").status == 204
    assert wait_until(lambda: project.get("folders").json() == [], 60)
    assert project.get("images?folder=").json()["totalCount"] == 2500


def test_deleting_takes_everything_with_it(project):
    made = project.upload(png())
    assert project.fetch(f"{made['imageId']}/w_10.png").status == 200
    assert project.request("DELETE", made["imageId"]).status == 204
    problem(project.get(f"{made['imageId']}/metadata"), 404)
    problem(project.request("DELETE", made["imageId"]), 404)
    assert project.fetch(f"{made['imageId']}/w_10.png").status == 404
    assert project.names() == [] and project.get("images").json()["totalCount"] == 0


def test_delivery_finds_an_asset_by_its_public_id(project):
    made = project.upload(png(size=(40, 20)), before=(("name", "Wide Logo"),))
    for url in ["w_20/wide-logo.png", "wide-logo/w_20.png", f"{made['imageId']}/w_20.png"]:
        reply = project.fetch(url)
        assert reply.status == 200 and opened(reply.body).size == (20, 10), url
    assert opened(project.fetch("wide-logo.png").body).size == (40, 20)
    page = project.fetch("wide-logo/embed")
    assert page.status == 200 and f"/{project.name}/" in page.text


# --- What shipped clients depend on (spec, constraints 1-11) ----------------------------------------------------------------------


def test_sdk_1_ids_of_jobs_are_guids_or_null(project):
    guid = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    assert project.upload(png())["processingJobId"] is None
    made = project.upload(eps())
    assert re.fullmatch(guid, made["processingJobId"])
    assert re.fullmatch(guid, project.get(f"{made['imageId']}/processing-status").json()["id"])


def test_sdk_2_what_must_not_be_null_never_is(project, admin):
    project.upload(png())
    project.upload(eps())
    # Nobody has looked at this one yet.
    admin.post(f"/object/{project.name}/new.jpg", photo(), headers={"Content-Type": "image/jpeg"})
    page = project.get("images").json()
    assert isinstance(page["images"], list) and isinstance(page["totalCount"], int)
    assert len(page["images"]) == 3
    for image in page["images"]:
        for name in ["width", "height", "sizeBytes", "isVideo", "isEps", "uploadedAt", "imageId", "projectId", "contentType"]:
            assert image[name] is not None, name
    assert project.request("PUT", "transforms/card", {"width": 10}).json()["lockedParameters"] == []


@pytest.mark.parametrize("kind", ["transforms", "watermarks", "folders", "plugins"])
def test_sdk_3_lists_are_bare_arrays(project, kind):
    assert isinstance(project.get(kind).json(), list)


def test_sdk_3_derived_assets_are_a_bare_array(project):
    assert project.get(f"{project.upload(png())['imageId']}/derived").json() == []


def test_sdk_4_null_in_a_change_means_leave_it(project):
    made = project.upload(png(), before=(("name", "Keep"), ("keywords", "a,b"), ("caption", "clear me")))
    full = {name: None for name in project.metadata(made["imageId"])}
    assert project.request("PATCH", f"{made['imageId']}/metadata", {**full, "caption": ""}).status == 200
    found = project.metadata(made["imageId"])
    assert found["name"] == "Keep" and found["keywords"] == ["a", "b"] and not found["caption"]


def test_sdk_5_null_in_a_transform_means_unset(project):
    body = {"width": 320, "height": None, "fitMode": None, "watermarkId": None, "plugins": None, "lockedParameters": None}
    assert project.request("PUT", "transforms/card", body).json()["width"] == 320


@pytest.mark.parametrize("path", ["catalog%2Fshoes", "catalog/shoes"])
def test_sdk_6_a_folder_is_deleted_with_its_slash_encoded_or_plain(project, path):
    project.request("POST", "folders", {"path": "catalog/shoes"})
    assert project.request("DELETE", f"folders/{path}").status == 204
    assert "catalog/shoes" not in project.get("folders").json()


@pytest.mark.parametrize("path", ["watermarks", "watermarks/", "images/", "folders/", "transforms/"])
def test_sdk_7_a_slash_at_the_end_changes_nothing(project, path):
    assert project.get(path).status == 200


def test_sdk_8_forms_of_dotnet_are_read(project):
    made = project.upload(png(), filename="boot.png", dotnet=True, behind=(("name", "Boot"), ("folder", "a b")))
    assert project.metadata(made["imageId"])["name"] == "Boot" and project.metadata(made["imageId"])["folder"] == "a b"


def test_sdk_9_errors_have_a_key_error(project):
    assert project.get("nothing/metadata").json()["error"]
    assert project.send(b"no media").json()["error"]


@pytest.mark.parametrize("path", ["img_01J9Q2B7ZK3V8M5T6R4W2X1Y0Z/metadata", "transforms/none", "img_01J9Q2B7ZK3V8M5T6R4W2X1Y0Z/processing-status"])
def test_sdk_10_what_is_not_there_is_404(project, path):
    problem(project.get(path), 404)


def test_sdk_11_changes_without_an_answer_succeed(project):
    made = project.upload(eps())
    project.wait_for_job(made["imageId"])
    for method, path in [("POST", f"{made['imageId']}/split"), ("DELETE", made["imageId"])]:
        assert 200 <= project.request(method, path).status < 300


# --- Who may --------------------------------------------------------------------------------------------------------------------


def test_a_key_opens_no_other_project(shop, project):
    made = project.upload(png())
    for method, path in [
        ("GET", "images"), ("GET", f"{made['imageId']}/metadata"), ("DELETE", made["imageId"]), ("GET", "folders"),
        ("PATCH", f"{made['imageId']}/metadata"), ("POST", f"{made['imageId']}/strip-exif"),
    ]:  # fmt: skip
        body = b"{}" if method == "PATCH" else None
        reply = shop.wire.request(method, f"/api/{project.name}/{path}", body, headers=shop.headers)
        problem(reply, 403)
    body, content_type = form(png())
    reply = shop.wire.request("POST", f"/api/{project.name}/upload", body, headers={**shop.headers, "Content-Type": content_type})
    problem(reply, 403)
    assert project.names() == [made["imageId"]]


def test_without_a_key_there_is_nothing(shop):
    for path in ["images", "folders", "img_01J9Q2B7ZK3V8M5T6R4W2X1Y0Z/metadata"]:
        problem(shop.wire.get(f"/api/{shop.name}/{path}"), 401)
    problem(shop.wire.get(f"/api/{shop.name}/images", headers={"X-Api-Key": "pk_wrong"}), 401)


def test_an_unknown_project_is_404(shop):
    problem(shop.wire.get("/api/no-such-project/images", headers=shop.headers), 404)


def test_a_key_pair_does_what_the_single_key_does(shop):
    pair = {"X-Client-Id": shop.keys.clientId, "X-Client-Secret": shop.keys.clientSecret}
    assert shop.wire.get(f"/api/{shop.name}/images", headers=pair).status == 200
    problem(shop.wire.get(f"/api/{shop.name}/images", headers={**pair, "X-Client-Secret": "pk_wrong"}), 401)


def test_a_private_project_delivers_to_nobody(server):
    private = Project(server, create_project(server, None, "--private"))
    made = private.upload(png())
    assert private.fetch(f"{made['imageId']}/w_10.png").status == 404
    assert private.fetch(f"{made['imageId']}/original.png").status == 404
