# SPDX-License-Identifier: Apache-2.0
"""What becomes of posters and pages when a dialect that knows nothing of assets deletes or replaces what they were made of."""

from __future__ import annotations

import pytest
from Support import s3
from Support.films import film
from Support.pictures import quarters
from Support.pixault import Project, create_project, eps
from Support.server import wait_until


@pytest.fixture
def project(server) -> Project:
    return Project(server, create_project(server))


@pytest.fixture(scope="module")
def boto(server):
    return s3.client(server)


@pytest.fixture(scope="module")
def movie() -> bytes:
    return film()


def document(project: Project) -> tuple[str, set[str]]:
    """An EPS of two pages, and the ids of their images."""
    made = project.upload(eps(("1 0 0 setrgbcolor 0 0 100 50 rectfill", "0 0 1 setrgbcolor 0 0 100 50 rectfill")))
    assert project.wait_for_job(made["imageId"])["status"] == "Completed"
    pages = {page["imageId"] for page in project.get(f"{made['imageId']}/derived").json()}
    assert len(pages) == 2
    return made["imageId"], pages


def used(database, project: Project) -> str:
    """What the project's totals say, as rows of objects and bytes."""
    return database.run(
        f"SELECT sum(objects), sum(bytes), sum(kept_bytes) FROM magpie.project_totals WHERE bucket_id = '{project.name}'"
    ).strip()


def blobs(database, project: Project) -> int:
    """How many blobs are left of what the project's events tell of."""
    return int(
        database.run(
            f"""SELECT count(*) FROM magpie.blobs AS b WHERE b.version IN (
                SELECT version FROM storage.objects WHERE bucket_id = '{project.name}'
                UNION ALL SELECT version FROM magpie.object_versions WHERE bucket_id = '{project.name}')"""
        )
    )


def keys(boto, project: Project) -> set[str]:
    return {found["Key"] for found in boto.list_objects_v2(Bucket=project.name).get("Contents", [])}


def test_pages_go_with_a_document_that_s3_deletes(project, boto, database, server):
    made, pages = document(project)
    assert keys(boto, project) == {made} | pages
    files = len(server.blobs())
    boto.delete_object(Bucket=project.name, Key=made)
    assert wait_until(lambda: keys(boto, project) == set(), 20)
    assert project.names("?includeDerived=true") == []
    for page in pages:
        assert project.fetch(f"{page}/w_10.png").status == 404
    assert used(database, project) == "0|0|0"
    assert wait_until(lambda: len(server.blobs()) <= files - 3, 20), "their bytes go, too"


def test_a_poster_goes_with_a_video_that_supabase_deletes(project, admin, movie, database):
    sent = admin.post(f"/object/{project.name}/clips/a.mp4", movie, headers={"Content-Type": "video/mp4"})
    assert sent.status == 200, sent.text
    assert wait_until(lambda: len(project.names("?includeDerived=true")) == 2, 30)
    assert admin.request("DELETE", f"/object/{project.name}", b'{"prefixes": ["clips/a.mp4"]}', headers={"Content-Type": "application/json"}).status == 200
    assert wait_until(lambda: project.names("?includeDerived=true") == [], 20)
    assert used(database, project) == "0|0|0" and blobs(database, project) == 0


def test_pages_go_with_documents_that_sql_deletes(project, database, boto):
    first, _ = document(project)
    second, _ = document(project)
    left = project.upload(quarters(20, 20))["imageId"]
    database.run(
        f"""BEGIN; SELECT set_config('storage.allow_delete_query', 'true', true);
        DELETE FROM storage.objects WHERE bucket_id = '{project.name}' AND name IN ('{first}', '{second}'); COMMIT"""
    )
    assert wait_until(lambda: keys(boto, project) == {left}, 20)


def test_other_derived_assets_stay(project, boto):
    first, _ = document(project)
    second, pages = document(project)
    boto.delete_object(Bucket=project.name, Key=first)
    assert wait_until(lambda: keys(boto, project) == {second} | pages, 20)


def test_a_versioned_bucket_keeps_pages_behind_delete_markers_as_their_document(project, boto, database):
    boto.put_bucket_versioning(Bucket=project.name, VersioningConfiguration={"Status": "Enabled"})
    made, pages = document(project)
    before = used(database, project)
    boto.delete_object(Bucket=project.name, Key=made)
    assert wait_until(lambda: keys(boto, project) == set(), 20)
    found = boto.list_object_versions(Bucket=project.name)
    assert {marker["Key"] for marker in found["DeleteMarkers"]} == {made} | pages
    assert {version["Key"] for version in found["Versions"]} == {made} | pages
    # Nothing was freed: what is kept is counted.
    objects, size, kept = used(database, project).split("|")
    assert (objects, size) == ("0", "0") and int(kept) == sum(map(int, before.split("|")[1:]))

    # The document comes back, and has its pages made again.
    [marker] = [marker for marker in found["DeleteMarkers"] if marker["Key"] == made]
    boto.delete_object(Bucket=project.name, Key=made, VersionId=marker["VersionId"])
    assert wait_until(lambda: keys(boto, project) == {made} | pages, 60)


def test_a_poster_goes_when_an_image_takes_the_place_of_the_video(project, admin, movie):
    path = f"/object/{project.name}/a.mp4"
    assert admin.post(path, movie, headers={"Content-Type": "video/mp4"}).status == 200
    assert wait_until(lambda: len(project.names("?includeDerived=true")) == 2, 30)
    assert admin.put(path, quarters(20, 20), headers={"Content-Type": "image/jpeg"}).status == 200
    assert wait_until(lambda: len(project.names("?includeDerived=true")) == 1, 30)
    [left] = project.get("images").json()["images"]
    assert left["thumbnailId"] is None and left["isVideo"] is False


def test_a_document_that_moves_to_another_project_has_its_pages_there(project, admin, server, boto):
    other = Project(server, create_project(server))
    made, _ = document(project)
    body = {"bucketId": project.name, "sourceKey": made, "destinationBucket": other.name, "destinationKey": "moved.eps"}
    assert admin.send_json("POST", "/object/move", body).status == 200
    assert wait_until(lambda: keys(boto, project) == set(), 20)
    assert wait_until(lambda: len(other.names("?includeDerived=true")) == 3, 60)
