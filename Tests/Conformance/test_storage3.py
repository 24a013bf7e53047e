# SPDX-License-Identifier: Apache-2.0
"""storage3, the Python client of Supabase Storage, unmodified: every method of its synchronous and its asynchronous client."""

from __future__ import annotations

import inspect
import io
import urllib.parse
import uuid

import httpx
import pytest
from storage3 import AsyncStorageClient, SyncStorageClient
from storage3.exceptions import StorageApiError
from storage3.types import CreateSignedUploadUrlOptions
from Support.tokens import claims_of


async def it(result):
    """The result of a call of either client."""
    return await result if inspect.isawaitable(result) else result


@pytest.fixture(params=["sync", "async"])
async def storage(request, server):
    """Each client in turn, with the service key, as supabase-py makes it."""
    headers = {"Authorization": f"Bearer {server.keys.service}", "apiKey": server.keys.service}
    if request.param == "sync":
        client = SyncStorageClient(f"{server.url}/storage/v1/", headers)
        yield client
        client.session.close()
    else:
        client = AsyncStorageClient(f"{server.url}/storage/v1/", headers)
        yield client
        await client.session.aclose()


@pytest.fixture
def files(storage, bucket):
    return storage.from_(bucket)


def fetched(url: str) -> httpx.Response:
    """What anyone gets at a URL, without credentials."""
    return httpx.get(url, timeout=20)


# --- buckets ----------------------------------------------------------------------------------------------------------


async def test_create_bucket_makes_a_bucket_with_its_options(storage):
    name = f"made-{uuid.uuid4().hex[:8]}"

    answer = await it(
        storage.create_bucket(name, options={"public": True, "file_size_limit": 4096, "allowed_mime_types": ["image/*"]})
    )

    assert answer == {"name": name}
    bucket = await it(storage.get_bucket(name))
    assert (bucket.id, bucket.name, bucket.public, bucket.owner) == (name, name, True, "")
    assert (bucket.file_size_limit, bucket.allowed_mime_types) == (4096, ["image/*"])


async def test_create_bucket_takes_an_id_and_a_name(storage):
    name = f"same-{uuid.uuid4().hex[:8]}"

    await it(storage.create_bucket(name, name))

    assert (await it(storage.get_bucket(name))).public is False


async def test_create_bucket_refuses_a_name_that_is_taken(storage, bucket):
    with pytest.raises(StorageApiError) as error:
        await it(storage.create_bucket(bucket))

    assert (str(error.value.status), error.value.code) == ("409", "Duplicate")


async def test_list_buckets_lists_what_was_made(storage, bucket):
    buckets = await it(storage.list_buckets())

    found = next(entry for entry in buckets if entry.id == bucket)
    assert found.type == "STANDARD"
    assert found.created_at == found.updated_at


async def test_get_bucket_reports_a_missing_bucket(storage):
    with pytest.raises(StorageApiError) as error:
        await it(storage.get_bucket("no-such-bucket"))

    assert (str(error.value.status), error.value.code, error.value.message) == ("404", "Bucket not found", "Bucket not found")


async def test_update_bucket_changes_visibility_and_limits(storage, bucket):
    answer = await it(
        storage.update_bucket(bucket, {"public": True, "file_size_limit": 10, "allowed_mime_types": ["text/plain"]})
    )

    assert answer == {"message": "Successfully updated"}
    changed = await it(storage.get_bucket(bucket))
    assert (changed.public, changed.file_size_limit, changed.allowed_mime_types) == (True, 10, ["text/plain"])


async def test_empty_bucket_then_delete_bucket(storage, files, bucket):
    await it(files.upload("a.txt", b"a"))
    with pytest.raises(StorageApiError) as error:
        await it(storage.delete_bucket(bucket))
    assert (str(error.value.status), error.value.code) == ("409", "ResourceNotEmpty")

    emptied = await it(storage.empty_bucket(bucket))
    deleted = await it(storage.delete_bucket(bucket))

    assert emptied == {"message": "Empty bucket has been queued. Completion may take up to an hour."}
    assert deleted == {"message": "Successfully deleted"}
    with pytest.raises(StorageApiError):
        await it(storage.get_bucket(bucket))


# --- uploads ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", ["bytes", "path", "path as text", "open file", "raw file"])
async def test_upload_takes_every_kind_of_source(files, bucket, tmp_path, source):
    path = tmp_path / "source.bin"
    path.write_bytes(b"\x00bytes\r\n--of a file")
    given = {
        "bytes": lambda: path.read_bytes(),
        "path": lambda: path,
        "path as text": lambda: str(path),
        "open file": lambda: path.open("rb"),
        "raw file": lambda: io.FileIO(path),
    }[source]()

    answer = await it(files.upload("folder/copy.bin", given))

    assert (answer.path, answer.full_path) == ("folder/copy.bin", f"{bucket}/folder/copy.bin")
    assert await it(files.download("folder/copy.bin")) == path.read_bytes()


async def test_upload_stores_type_cache_control_and_metadata(files):
    await it(
        files.upload(
            "a.json",
            b"{}",
            {
                "content-type": "application/json",
                "cache-control": "60",
                "metadata": {"department": "press", "nested": {"n": [1, 2]}},
            },
        )
    )

    info = await it(files.info("a.json"))
    assert (info["content_type"], info["cache_control"], info["size"]) == ("application/json", "max-age=60", 2)
    assert info["metadata"] == {"department": "press", "nested": {"n": [1, 2]}}


async def test_upload_with_the_default_type_and_cache_control(files):
    await it(files.upload("a.txt", b"text"))

    info = await it(files.info("a.txt"))
    assert (info["content_type"], info["cache_control"]) == ("text/plain;charset=UTF-8", "max-age=3600")


async def test_upload_of_no_bytes(files):
    await it(files.upload("empty", b""))

    assert await it(files.download("empty")) == b""
    assert (await it(files.info("empty")))["size"] == 0


async def test_upload_of_many_megabytes(files):
    body = bytes(range(256)) * (12 << 12)

    await it(files.upload("big.bin", body))

    assert await it(files.download("big.bin")) == body


async def test_upload_refuses_an_existing_key_and_keeps_its_bytes(files):
    await it(files.upload("a.txt", b"first"))

    with pytest.raises(StorageApiError) as error:
        await it(files.upload("a.txt", b"second"))

    assert (str(error.value.status), error.value.code) == ("409", "Duplicate")
    assert await it(files.download("a.txt")) == b"first"


async def test_upload_with_upsert_replaces(files):
    await it(files.upload("a.txt", b"first"))

    await it(files.upload("a.txt", b"second", {"upsert": "true"}))

    assert await it(files.download("a.txt")) == b"second"


async def test_upload_with_headers_of_the_callers_own(files):
    await it(files.upload("a.txt", b"first", {"headers": {"x-robots-tag": "all"}}))
    await it(files.upload("a.txt", b"second", {"headers": {"x-upsert": "true"}}))

    assert await it(files.download("a.txt")) == b"second"


async def test_upload_into_a_missing_bucket(storage):
    with pytest.raises(StorageApiError) as error:
        await it(storage.from_("no-such-bucket").upload("a.txt", b""))

    assert (str(error.value.status), error.value.message) == ("404", "Bucket not found")


async def test_update_replaces_and_keeps_the_id(files):
    await it(files.upload("a.txt", b"first"))
    before = await it(files.info("a.txt"))

    answer = await it(files.update("a.txt", b"second", {"content-type": "text/css"}))

    after = await it(files.info("a.txt"))
    assert answer.path == "a.txt"
    assert await it(files.download("a.txt")) == b"second"
    assert (after["id"], after["created_at"], after["content_type"]) == (before["id"], before["created_at"], "text/css")
    assert after["version"] != before["version"]


async def test_update_makes_what_is_not_there(files):
    await it(files.update("new.txt", b"new"))

    assert await it(files.download("new.txt")) == b"new"


# --- signed uploads -----------------------------------------------------------------------------------------------------


async def test_create_signed_upload_url_then_upload_to_signed_url(files, bucket, tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"from a signed URL")

    signed = await it(files.create_signed_upload_url("dir/a.txt"))
    answer = await it(files.upload_to_signed_url("dir/a.txt", signed["token"], path, {"content-type": "text/x-note"}))

    assert signed["path"] == "dir/a.txt"
    assert urllib.parse.urlsplit(signed["signed_url"]).path == f"/storage/v1/object/upload/sign/{bucket}/dir/a.txt"
    assert answer.full_path == f"{bucket}/dir/a.txt"
    assert await it(files.download("dir/a.txt")) == b"from a signed URL"
    assert (await it(files.info("dir/a.txt")))["content_type"] == "text/x-note"


async def test_upload_to_signed_url_works_once_without_upsert(files):
    signed = await it(files.create_signed_upload_url("a.txt"))
    await it(files.upload_to_signed_url("a.txt", signed["token"], b"one"))

    with pytest.raises(StorageApiError) as error:
        await it(files.upload_to_signed_url("a.txt", signed["token"], b"two"))

    assert (str(error.value.status), error.value.code) == ("409", "Duplicate")


async def test_create_signed_upload_url_with_upsert_replaces(files):
    await it(files.upload("a.txt", b"one"))

    signed = await it(files.create_signed_upload_url("a.txt", CreateSignedUploadUrlOptions(upsert="true")))
    await it(files.upload_to_signed_url("a.txt", signed["token"], b"two", {"metadata": {"by": "token"}}))

    assert claims_of(signed["token"])["upsert"] is True
    assert await it(files.download("a.txt")) == b"two"
    assert (await it(files.info("a.txt")))["metadata"] == {"by": "token"}


# --- URLs -----------------------------------------------------------------------------------------------------------


async def test_create_signed_url_serves_without_credentials(files):
    await it(files.upload("dir/special file @+$,;=?.txt", b"signed"))

    signed = await it(files.create_signed_url("dir/special file @+$,;=?.txt", 60))

    assert fetched(signed["signedURL"]).content == b"signed"
    assert signed["signedUrl"] == signed["signedURL"]


@pytest.mark.parametrize(
    ("download", "disposition"),
    [(True, "attachment;"), ("name.txt", "attachment; filename=name.txt; filename*=UTF-8''name.txt")],
)
async def test_create_signed_url_with_download(files, download, disposition):
    await it(files.upload("a.txt", b"signed"))

    signed = await it(files.create_signed_url("a.txt", 60, {"download": download}))

    answer = fetched(signed["signedURL"])
    assert (answer.content, answer.headers["content-disposition"]) == (b"signed", disposition)


async def test_create_signed_url_of_a_missing_object(files):
    with pytest.raises(StorageApiError) as error:
        await it(files.create_signed_url("missing.txt", 60))

    assert (str(error.value.status), error.value.code) == ("404", "not_found")


async def test_create_signed_urls_answers_for_each_path(files):
    await it(files.upload("a.txt", b"a"))
    await it(files.upload("b.txt", b"b"))

    signed = await it(files.create_signed_urls(["a.txt", "missing.txt", "b.txt"], 60, {"download": "saved.txt"}))

    assert [entry["path"] for entry in signed] == ["a.txt", "missing.txt", "b.txt"]
    assert [entry["error"] for entry in signed] == [
        None,
        "Either the object does not exist or you do not have access to it",
        None,
    ]
    assert signed[1]["signedURL"] is None
    answer = fetched(signed[2]["signedURL"])
    assert (answer.content, "saved.txt" in answer.headers["content-disposition"]) == (b"b", True)


async def test_get_public_url_serves_from_a_public_bucket(storage, public_bucket):
    files = storage.from_(public_bucket)
    await it(files.upload("dir/a b.txt", b"public"))

    plain = await it(files.get_public_url("dir/a b.txt"))
    attached = await it(files.get_public_url("dir/a b.txt", {"download": True}))

    assert fetched(plain).content == b"public"
    assert fetched(attached).headers["content-disposition"] == "attachment;"


async def test_get_public_url_serves_nothing_from_a_private_bucket(files):
    await it(files.upload("a.txt", b"private"))

    answer = fetched(await it(files.get_public_url("a.txt")))

    assert (answer.status_code, answer.json()["error"]) == (400, "Bucket not found")


# --- the rest -------------------------------------------------------------------------------------------------------


async def test_move_takes_the_object_along(files):
    await it(files.upload("old.txt", b"moved", {"metadata": {"kept": True}}))
    before = await it(files.info("old.txt"))

    answer = await it(files.move("old.txt", "dir/new.txt"))

    assert answer == {"message": "Successfully moved"}
    assert await it(files.exists("old.txt")) is False
    assert await it(files.download("dir/new.txt")) == b"moved"
    after = await it(files.info("dir/new.txt"))
    assert (after["id"], after["metadata"]) == (before["id"], {"kept": True})


async def test_move_onto_an_existing_key(files):
    await it(files.upload("a.txt", b"a"))
    await it(files.upload("b.txt", b"b"))

    with pytest.raises(StorageApiError) as error:
        await it(files.move("a.txt", "b.txt"))

    assert (str(error.value.status), error.value.code) == ("409", "Duplicate")
    assert await it(files.download("a.txt")) == b"a"
    assert await it(files.download("b.txt")) == b"b"


async def test_copy_leaves_the_source(files, bucket):
    await it(files.upload("a.txt", b"copied", {"content-type": "text/x-a", "metadata": {"n": 1}}))

    answer = await it(files.copy("a.txt", "dir/b.txt"))

    assert (answer["Key"], answer["name"], answer["bucket_id"]) == (f"{bucket}/dir/b.txt", "dir/b.txt", bucket)
    assert await it(files.download("a.txt")) == await it(files.download("dir/b.txt")) == b"copied"
    info = await it(files.info("dir/b.txt"))
    assert (info["content_type"], info["metadata"]) == ("text/x-a", {"n": 1})


async def test_remove_returns_what_it_removed(files, bucket):
    for key in ("a.txt", "dir/b.txt", "kept.txt"):
        await it(files.upload(key, b"x"))

    removed = await it(files.remove(["a.txt", "dir/b.txt", "missing.txt"]))

    assert sorted((row["name"], row["bucket_id"]) for row in removed) == [("a.txt", bucket), ("dir/b.txt", bucket)]
    assert [await it(files.exists(key)) for key in ("a.txt", "dir/b.txt", "kept.txt")] == [False, False, True]


async def test_info_has_every_field(files, bucket):
    await it(files.upload("a.txt", b"12345"))

    info = await it(files.info("a.txt"))

    assert set(info) == {
        "id",
        "name",
        "version",
        "bucket_id",
        "size",
        "content_type",
        "cache_control",
        "etag",
        "metadata",
        "last_modified",
        "created_at",
    }
    assert (info["name"], info["bucket_id"], info["size"]) == ("a.txt", bucket, 5)
    assert info["etag"] == '"827ccb0eea8a706c4c34a16891f84e7b"'


async def test_exists_raises_for_anything_but_a_missing_object(server, storage, files):
    assert await it(files.exists("missing.txt")) is False
    with pytest.raises(StorageApiError):
        await it(storage.from_("no-such-bucket").exists("missing.txt"))


async def test_list_shows_files_and_folders(files):
    for key in ("a.txt", "dir/b.txt", "dir/c.txt"):
        await it(files.upload(key, b"x"))

    top = await it(files.list())
    below = await it(files.list("dir", {"limit": 1, "offset": 1, "sortBy": {"column": "name", "order": "desc"}}))
    searched = await it(files.list("dir", {"search": "c"}))

    assert [(entry["name"], entry["id"] is None) for entry in top] == [("a.txt", False), ("dir", True)]
    assert [entry["name"] for entry in below] == ["b.txt"]
    assert [entry["name"] for entry in searched] == ["c.txt"]
    assert top[0]["metadata"]["size"] == 1


async def test_list_v2_pages_and_groups(files):
    for key in ("a.txt", "dir/b.txt", "dir/c.txt", "z.txt"):
        await it(files.upload(key, b"x"))

    everything = await it(files.list_v2())
    grouped = await it(files.list_v2({"with_delimiter": True}))
    first = await it(files.list_v2({"limit": 3}))
    second = await it(files.list_v2({"limit": 3, "cursor": first.nextCursor or ""}))
    latest = await it(files.list_v2({"prefix": "dir/", "sortBy": {"column": "created_at", "order": "desc"}}))

    assert [entry.name for entry in everything.objects] == ["a.txt", "dir/b.txt", "dir/c.txt", "z.txt"]
    assert (everything.hasNext, everything.nextCursor, everything.folders) == (False, None, [])
    assert ([entry.name for entry in grouped.folders], [entry.name for entry in grouped.objects]) == (
        ["dir/"],
        ["a.txt", "z.txt"],
    )
    assert ([entry.name for entry in first.objects], first.hasNext) == (["a.txt", "dir/b.txt", "dir/c.txt"], True)
    assert ([entry.name for entry in second.objects], second.hasNext) == (["z.txt"], False)
    assert [entry.name for entry in latest.objects] == ["dir/c.txt", "dir/b.txt"]


async def test_download_passes_query_parameters(files):
    await it(files.upload("a.txt", b"text"))

    assert await it(files.download("a.txt", query_params={"download": "a.txt"})) == b"text"


async def test_download_of_a_missing_object(files):
    with pytest.raises(StorageApiError) as error:
        await it(files.download("missing.txt"))

    assert (str(error.value.status), error.value.code, error.value.message) == ("404", "not_found", "Object not found")


async def test_a_wrong_key_is_refused_with_all_that_the_client_reads(server):
    client = SyncStorageClient(f"{server.url}/storage/v1/", {"Authorization": "Bearer wrong"})

    with pytest.raises(StorageApiError) as error:
        client.list_buckets()

    assert (str(error.value.status), error.value.code) == ("403", "Unauthorized")
    client.session.close()
