# SPDX-License-Identifier: Apache-2.0
"""Who may see, list, change and delete a file of each visibility: one table, through every dialect that can get at the file's bytes."""

from __future__ import annotations

import dataclasses
import urllib.parse
from collections.abc import Callable

import pytest
from botocore.exceptions import ClientError
from Support import s3
from Support.bkend import SETTINGS, App, Caller, data
from Support.console import account_command
from Support.pictures import quarters
from Support.server import Server
from Support.wire import Wire

VISIBILITIES = ["public", "private", "protected", "shared"]
CALLERS = ["anonymous", "stranger", "target", "owner", "admin"]
# Who sees a file, and finds it in lists.
SEEN = {
    "public": {"anonymous", "stranger", "target", "owner", "admin"},
    "private": {"owner", "admin"},
    "protected": {"stranger", "target", "owner", "admin"},
    "shared": {"target", "owner", "admin"},
}
CHANGED = {"owner", "admin"}
PICTURE = quarters(8, 8, "PNG")


@pytest.fixture(scope="module")
def server():
    with Server(SETTINGS) as running:
        yield running


@dataclasses.dataclass
class Cast:
    """An app with one of each who calls."""

    app: App
    callers: dict[str, Caller]

    @property
    def owner(self) -> Caller:
        return self.callers["owner"]

    def bearer(self, who: str) -> str:
        """What they show to dialects that know nothing of the app's keys."""
        keys = self.app.server.keys
        return {"anonymous": keys.anon, "admin": keys.service}.get(who) or self.callers[who].token

    def file(self, visibility: str) -> dict:
        more = {"sharedWith": [self.callers["target"].id]} if visibility == "shared" else {}
        return self.owner.upload(PICTURE, "a.png", "image/png", visibility=visibility, **more)


@pytest.fixture(scope="module", params=["private", "public"])
def cast(request, server) -> Cast:
    """The bucket of the project may be public: that says nothing of files."""
    app = App.create(server, *(["--private"] if request.param == "private" else []))
    people = {name: app.sign_up(name) for name in ("stranger", "target", "owner")}
    return Cast(app, {"anonymous": app.anonymous, "admin": app.backend, **people})


@pytest.fixture(scope="module")
def files(cast) -> dict[str, dict]:
    return {visibility: cast.file(visibility) for visibility in VISIBILITIES}


# --- What each dialect does ---------------------------------------------------------------------------------------------------------



class Bkend:
    name = "bkend"

    def refusal(self, who: str) -> set[int]:
        return {401} if who == "anonymous" else {403}

    def read(self, cast: Cast, who: str, file: dict) -> int:
        found = cast.callers[who].get(f"/files/{file['id']}")
        download = cast.callers[who].post(f"/files/{file['id']}/download-url")
        assert found.status == download.status
        if found.status == 200:
            whole = who in CHANGED
            assert ("ownerId" in data(found)) is whole and ("sharedWith" in data(found)) is whole
            parts = urllib.parse.urlsplit(data(download)["url"])
            assert cast.app.wire.get(f"{parts.path}?{parts.query}").body == PICTURE
        return found.status

    def lists(self, cast: Cast, who: str, file: dict) -> bool:
        return file["id"] in [item["id"] for item in cast.callers[who].list(limit=100)["items"]]

    def write(self, cast: Cast, who: str, file: dict) -> int:
        return cast.callers[who].patch(f"/files/{file['id']}", {"metadata": {"alt": who}}).status

    def delete(self, cast: Cast, who: str, file: dict) -> int:
        return cast.callers[who].delete(f"/files/{file['id']}").status


class Supabase:
    name = "supabase"

    def refusal(self, who: str) -> set[int]:
        return {400, 403, 404}

    def wire(self, cast: Cast, who: str) -> Wire:
        return Wire(cast.app.server.port, cast.bearer(who))

    def read(self, cast: Cast, who: str, file: dict) -> int:
        wire = self.wire(cast, who)
        found = wire.get(f"/object/authenticated/{file['s3Key']}")
        picture = wire.get(f"/render/image/authenticated/{file['s3Key']}?width=4")
        signed = wire.send_json("POST", f"/object/sign/{file['s3Key']}", {"expiresIn": 60})
        assert {found.status == 200, picture.status == 200, signed.status == 200} == {found.status == 200}
        if who == "anonymous":
            assert (Wire(cast.app.server.port).get(f"/object/public/{file['s3Key']}").status == 200) <= (found.status == 200)
        return found.status

    def lists(self, cast: Cast, who: str, file: dict) -> bool:
        folder, name = file["s3Key"].split("/", 1)[1].rsplit("/", 1)
        found = self.wire(cast, who).send_json("POST", f"/object/list/{cast.app.name}", {"prefix": folder})
        assert found.status == 200, found.text
        return name in [item["name"] for item in found.json()]

    def write(self, cast: Cast, who: str, file: dict) -> int:
        return self.wire(cast, who).put(f"/object/{file['s3Key']}", PICTURE, headers={"Content-Type": "image/png"}).status

    def delete(self, cast: Cast, who: str, file: dict) -> int:
        return self.wire(cast, who).delete(f"/object/{file['s3Key']}").status


class S3:
    name = "s3"

    def refusal(self, who: str) -> set[int]:
        return {403, 404}

    def client(self, cast: Cast, who: str):
        server = cast.app.server
        return s3.client(server, ("any-project", server.keys.anon), aws_session_token=cast.bearer(who))

    def status(self, call: Callable[[], dict]) -> int:
        try:
            return call()["ResponseMetadata"]["HTTPStatusCode"]
        except ClientError as error:
            return error.response["ResponseMetadata"]["HTTPStatusCode"]

    def key(self, cast: Cast, file: dict) -> dict[str, str]:
        return {"Bucket": cast.app.name, "Key": file["s3Key"].split("/", 1)[1]}

    def read(self, cast: Cast, who: str, file: dict) -> int:
        client = self.client(cast, who)
        found = self.status(lambda: client.get_object(**self.key(cast, file)))
        assert (self.status(lambda: client.head_object(**self.key(cast, file))) == 200) == (found == 200)
        return found

    def lists(self, cast: Cast, who: str, file: dict) -> bool:
        place = self.key(cast, file)
        try:
            found = self.client(cast, who).list_objects_v2(Bucket=place["Bucket"], Prefix=place["Key"])
        except ClientError as error:
            # Who sees nothing of a bucket does not see the bucket.
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] in (403, 404)
            return False
        return place["Key"] in [item["Key"] for item in found.get("Contents", [])]

    def write(self, cast: Cast, who: str, file: dict) -> int:
        client = self.client(cast, who)
        return self.status(lambda: client.put_object(**self.key(cast, file), Body=PICTURE, ContentType="image/png"))

    def delete(self, cast: Cast, who: str, file: dict) -> int:
        client = self.client(cast, who)
        return self.status(lambda: client.delete_object(**self.key(cast, file)))


DIALECTS = [Bkend(), Supabase(), S3()]


def ids(value: object) -> str:
    return getattr(value, "name", str(value))


@pytest.mark.parametrize("who", CALLERS)
@pytest.mark.parametrize("visibility", VISIBILITIES)
@pytest.mark.parametrize("dialect", DIALECTS, ids=ids)
def test_reading(cast, files, dialect, visibility, who):
    status = dialect.read(cast, who, files[visibility])
    assert (status == 200) if who in SEEN[visibility] else (status in dialect.refusal(who)), status


@pytest.mark.parametrize("who", CALLERS)
@pytest.mark.parametrize("visibility", VISIBILITIES)
@pytest.mark.parametrize("dialect", DIALECTS, ids=ids)
def test_listing(cast, files, dialect, visibility, who):
    assert dialect.lists(cast, who, files[visibility]) is (who in SEEN[visibility])


@pytest.mark.parametrize("who", CALLERS)
@pytest.mark.parametrize("visibility", VISIBILITIES)
@pytest.mark.parametrize("dialect", DIALECTS, ids=ids)
def test_changing_and_deleting(cast, dialect, visibility, who):
    file = cast.file(visibility)
    for act in (dialect.write, dialect.delete):
        status = act(cast, who, file)
        if who in CHANGED:
            assert status in (200, 204), status
            continue
        # Deleting what is not seen is no error to S3 (an answer of 204), and deletes nothing.
        assert status in dialect.refusal(who) or (dialect.name == "s3" and act == dialect.delete and status == 204), status
        seen = data(cast.owner.get(f"/files/{file['id']}"))
        assert seen["updatedAt"] == file["updatedAt"] and seen["metadata"] == {}
    found = cast.owner.get(f"/files/{file['id']}")
    assert found.status == (404 if who in CHANGED else 200)


@pytest.mark.parametrize("visibility", VISIBILITIES)
def test_image_urls_are_for_files_that_everybody_sees(cast, files, visibility):
    wire = Wire(cast.app.server.port)
    for path in (f"/img/4x4/smart/{files[visibility]['s3Key']}", f"/img/{files[visibility]['s3Key']}", f"/raw/{files[visibility]['s3Key']}"):
        for token in (None, cast.bearer("owner"), cast.bearer("stranger")):
            assert wire.get(path, token=token).status == (200 if visibility == "public" else 404), path


@pytest.mark.parametrize("dialect", DIALECTS[1:], ids=ids)
def test_a_key_that_was_given_out_is_its_holders_until_it_is_registered(cast, dialect):
    begun = cast.owner.presign("a.png", "image/png", visibility="public")
    place = {"s3Key": begun["key"]}
    for who in ("anonymous", "stranger", "target"):
        assert dialect.write(cast, who, place) in dialect.refusal(who)
    assert cast.owner.put(begun["url"], PICTURE, "image/png").status == 200
    for who in ("anonymous", "stranger", "target"):
        assert dialect.read(cast, who, place) in dialect.refusal(who)
        assert dialect.write(cast, who, place) in dialect.refusal(who)
    assert dialect.read(cast, "owner", place) == 200
    assert Wire(cast.app.server.port).get(f"/raw/{begun['key']}").status == 404


@pytest.mark.parametrize("role", ["viewer", "member", "admin", "owner"])
def test_who_runs_the_project_has_all_its_files(server, cast, files, role):
    person = cast.app.sign_up(role)
    granted = account_command(server, "grant", person.email, cast.app.name, role)
    assert granted.returncode == 0, granted.stderr
    is_admin = role in ("admin", "owner")
    for visibility in VISIBILITIES:
        seen = person.get(f"/files/{files[visibility]['id']}")
        assert seen.status == (200 if is_admin or "stranger" in SEEN[visibility] else 403)
        assert (seen.status == 200 and "ownerId" in data(seen)) is is_admin
    file = cast.file("private")
    assert person.patch(f"/files/{file['id']}", {"visibility": "public"}).status == (200 if is_admin else 403)
    assert person.delete(f"/files/{file['id']}").status == (200 if is_admin else 403)


def test_a_file_that_was_seen_once_is_not_seen_from_a_cache(cast):
    """Whoever may read it reads it first, in every way, and then it is theirs no longer."""
    file = cast.file("public")
    for dialect in DIALECTS:
        for who in CALLERS:
            assert dialect.read(cast, who, file) == 200
    for visibility in ("protected", "shared", "private", "public"):
        data(cast.owner.patch(f"/files/{file['id']}", {"visibility": visibility}))
        for dialect in DIALECTS:
            for who in CALLERS:
                allowed = who in SEEN[visibility] and not (visibility == "shared" and who == "target")
                assert (dialect.read(cast, who, file) == 200) is allowed, (dialect.name, who, visibility)
