# SPDX-License-Identifier: Apache-2.0
"""Events at a real receiver, of every dialect, through failures of either side."""

from __future__ import annotations

import time
import urllib.parse
import uuid

import pytest
from storage3 import SyncStorageClient
from Support import s3
from Support.server import Server, wait_until
from Support.tokens import new_subject, token
from Support.tus import Tus
from Support.webhooks import Delivery, Receiver
from Support.wire import Wire

API_KEY = "the-receivers-api-key"
SECRET = "the-shared-signing-secret"
POST, PUT, COPY = "ObjectCreated:Post", "ObjectCreated:Put", "ObjectCreated:Copy"
ARRIVED, LEFT = "ObjectCreated:Move", "ObjectRemoved:Move"
DELETE, UPDATED = "ObjectRemoved:Delete", "ObjectUpdated:Metadata"


@pytest.fixture(scope="module")
def receiver():
    running = Receiver().start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def own(receiver):
    settings = {
        "MAGPIE_WEBHOOK_URL": receiver.url,
        "MAGPIE_WEBHOOK_API_KEY": API_KEY,
        "MAGPIE_WEBHOOK_SECRET": SECRET,
        "MAGPIE_EVENTS_MUTED": "Webhook:ObjectCreated:*:muted/one.txt",
        "MAGPIE_S3_REGION": "us-east-1",
        "MAGPIE_LOG_LEVEL": "trace",
    }
    with Server(settings) as running:
        wire = Wire(running.port, running.keys.service)

        def look(delivery: Delivery) -> object:
            """The bytes as they can be read when the event arrives."""
            payload = delivery.payload
            reply = wire.get(f"/object/{payload['bucketId']}/{urllib.parse.quote(payload['name'])}")
            return reply.body if reply.status == 200 else None

        receiver.look = look
        yield running


@pytest.fixture
def wire(own) -> Wire:
    return Wire(own.port, own.keys.service)


@pytest.fixture
def make_own_bucket(wire):
    def make(name: str | None = None) -> str:
        name = name or f"b-{uuid.uuid4().hex[:12]}"
        assert wire.send_json("POST", "/bucket", {"name": name}).status == 200
        return name

    return make


@pytest.fixture
def own_bucket(make_own_bucket) -> str:
    return make_own_bucket()


@pytest.fixture
def boto(own):
    return s3.client(own)


def upload(wire: Wire, bucket: str, key: str, body: bytes, **headers: str) -> None:
    fields = {"Content-Type": "text/plain", **{name.replace("_", "-"): value for name, value in headers.items()}}
    reply = wire.post(f"/object/{bucket}/{urllib.parse.quote(key)}", body, headers=fields)
    assert reply.status == 200, reply.text


def nothing_else(receiver: Receiver, wire: Wire, bucket: str, types: list[str]) -> None:
    """That these events are all: a later one of the same bucket has arrived, and no other with it."""
    upload(wire, bucket, "the-end.txt", b"end")
    receiver.wait_for(bucket, [*types, POST])


# --- what is told -------------------------------------------------------------------------------------------------------


def test_the_body_is_supabases(own, wire, own_bucket, receiver):
    upload(wire, own_bucket, "a/b c.txt", b"hello", sb_request_id="gateway-1")
    delivery = receiver.wait_for(own_bucket, [POST])[0]
    body = delivery.json
    tenant = {"ref": "default", "host": f"127.0.0.1:{own.port}"}

    assert list(body) == ["type", "event", "sentAt", "tenant"]
    assert body["type"] == "Webhook" and body["tenant"] == tenant
    assert list(body["event"]) == ["$version", "type", "region", "applyTime", "payload"]
    assert body["event"]["$version"] == "v1" and body["event"]["region"] == "us-east-1"
    assert abs(body["event"]["applyTime"] / 1000 - time.time()) < 60
    payload = body["event"]["payload"]
    info = wire.get(f"/object/info/{own_bucket}/a/b%20c.txt").json()
    assert set(payload) == {
        "tenant", "name", "bucketId", "version", "metadata", "uploadType", "reqId", "sbReqId"
    }  # fmt: skip
    assert payload["name"] == "a/b c.txt" and payload["bucketId"] == own_bucket and payload["tenant"] == tenant
    assert payload["version"] == info["version"] and payload["uploadType"] == "standard"
    assert payload["sbReqId"] == "gateway-1" and payload["reqId"]
    assert set(payload["metadata"]) == {
        "eTag", "size", "mimetype", "cacheControl", "lastModified", "contentLength", "httpStatusCode"
    }  # fmt: skip
    assert payload["metadata"]["size"] == 5 and payload["metadata"]["mimetype"] == "text/plain"


def test_the_request_is_authorised_and_signed(wire, own_bucket, receiver):
    upload(wire, own_bucket, "a.txt", "hellö".encode())
    delivery = receiver.wait_for(own_bucket, [POST])[0]

    assert delivery.path == "/hook?key=url-secret"
    assert delivery.headers["authorization"] == f"Bearer {API_KEY}"
    assert delivery.headers["content-type"] == "application/json"
    assert delivery.is_signed_with(SECRET) and not delivery.is_signed_with(SECRET + "x")


def test_rest_tells_of_every_change(own, own_bucket, wire, receiver):
    storage = SyncStorageClient(own.url + "/storage/v1/", {"Authorization": f"Bearer {own.keys.service}"})
    files = storage.from_(own_bucket)
    files.upload("a.txt", b"one")
    files.update("a.txt", b"two")
    files.copy("a.txt", "b.txt")
    files.move("b.txt", "c.txt")
    files.remove(["a.txt", "c.txt", "never-there.txt"])

    assert [d.seen for d in receiver.wait_for(own_bucket, [POST, PUT, DELETE], "a.txt")][1] in (b"two", None)
    receiver.wait_for(own_bucket, [COPY, LEFT], "b.txt")
    arrived = receiver.wait_for(own_bucket, [ARRIVED, DELETE], "c.txt")[0]
    assert arrived.payload["oldObject"]["name"] == "b.txt" and arrived.payload["oldObject"]["bucketId"] == own_bucket
    assert "oldObject" not in receiver.about(own_bucket, "b.txt")[1].payload
    nothing_else(receiver, wire, own_bucket, [POST, PUT, COPY, LEFT, ARRIVED, DELETE, DELETE])


def test_the_bytes_can_be_read_when_the_event_arrives(wire, own_bucket, receiver):
    for index in range(20):
        body = f"body {index}".encode() * 1000
        upload(wire, own_bucket, f"k{index}.txt", body)
        assert receiver.wait_for(own_bucket, [POST], f"k{index}.txt")[0].seen == body


def test_an_overwritten_object_is_never_told_before_its_bytes(wire, own_bucket, receiver):
    upload(wire, own_bucket, "a.txt", b"old")
    receiver.wait_for(own_bucket, [POST])
    upload(wire, own_bucket, "a.txt", b"new", x_upsert="true")

    assert receiver.wait_for(own_bucket, [POST, PUT])[1].seen == b"new"


def test_emptying_a_bucket_tells_of_each_object(wire, own_bucket, receiver):
    for index in range(5):
        upload(wire, own_bucket, f"k{index}", b"x")
    assert wire.post(f"/bucket/{own_bucket}/empty").status == 200

    found = receiver.wait_for(own_bucket, [POST] * 5 + [DELETE] * 5)
    assert {d.payload["name"] for d in found[5:]} == {f"k{index}" for index in range(5)}


def test_s3_tells_of_every_change(own_bucket, boto, wire, receiver):
    boto.put_object(Bucket=own_bucket, Key="a", Body=b"one")
    assert receiver.wait_for(own_bucket, [POST])[0].payload["uploadType"] == "s3"
    boto.put_object(Bucket=own_bucket, Key="a", Body=b"two")
    boto.copy_object(Bucket=own_bucket, Key="b", CopySource={"Bucket": own_bucket, "Key": "a"})
    boto.put_object_tagging(Bucket=own_bucket, Key="b", Tagging={"TagSet": [{"Key": "t", "Value": "v"}]})
    boto.delete_objects(Bucket=own_bucket, Delete={"Objects": [{"Key": "a"}, {"Key": "b"}, {"Key": "none"}]})

    receiver.wait_for(own_bucket, [POST, PUT, DELETE], "a")
    updated = receiver.wait_for(own_bucket, [COPY, UPDATED, DELETE], "b")[1]
    assert updated.payload["metadata"]["tags"] == {"t": "v"} and "uploadType" not in updated.payload
    nothing_else(receiver, wire, own_bucket, [POST, PUT, COPY, UPDATED, DELETE, DELETE])


def test_an_s3_upload_in_parts_is_told_once_and_whole(own_bucket, boto, wire, receiver):
    part = b"p" * (5 << 20)
    upload_id = boto.create_multipart_upload(Bucket=own_bucket, Key="big")["UploadId"]
    tags = [
        boto.upload_part(Bucket=own_bucket, Key="big", UploadId=upload_id, PartNumber=number, Body=body)["ETag"]
        for number, body in [(1, part), (2, b"end")]
    ]
    assert receiver.about(own_bucket) == []
    parts = [{"PartNumber": number, "ETag": tag} for number, tag in enumerate(tags, 1)]
    boto.complete_multipart_upload(Bucket=own_bucket, Key="big", UploadId=upload_id, MultipartUpload={"Parts": parts})

    delivery = receiver.wait_for(own_bucket, [POST])[0]
    assert delivery.seen == part + b"end" and delivery.payload["uploadType"] == "s3"
    assert delivery.payload["metadata"]["size"] == len(part) + 3
    nothing_else(receiver, wire, own_bucket, [POST])


def test_a_version_that_is_current_again_is_told(own_bucket, boto, receiver):
    boto.put_bucket_versioning(Bucket=own_bucket, VersioningConfiguration={"Status": "Enabled"})
    first = boto.put_object(Bucket=own_bucket, Key="a", Body=b"one")["VersionId"]
    second = boto.put_object(Bucket=own_bucket, Key="a", Body=b"two")["VersionId"]
    receiver.wait_for(own_bucket, [POST, PUT])
    boto.delete_object(Bucket=own_bucket, Key="a", VersionId=second)

    found = receiver.wait_for(own_bucket, [POST, PUT, DELETE, POST])
    assert [d.payload["version"] for d in found] == [first, second, second, first]
    assert found[3].seen == b"one"


def test_a_resumable_upload_is_told_when_it_is_complete(wire, own_bucket, receiver):
    tus = Tus(wire)
    path = tus.begin(own_bucket, "a.txt", 10)
    assert tus.patch(path, 0, b"01234").status == 204
    assert receiver.about(own_bucket) == []
    assert tus.patch(path, 5, b"56789").status == 204

    delivery = receiver.wait_for(own_bucket, [POST])[0]
    assert delivery.seen == b"0123456789" and delivery.payload["uploadType"] == "resumable"
    nothing_else(receiver, wire, own_bucket, [POST])


def test_what_the_lifecycle_removes_is_told(apart):
    own, receiver = apart
    receiver.start()
    wire, boto = Wire(own.port, own.keys.service), s3.client(own)
    bucket = f"b-{uuid.uuid4().hex[:12]}"
    assert wire.send_json("POST", "/bucket", {"name": bucket}).status == 200
    rule = {"ID": "all", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}
    boto.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [rule]})
    upload(wire, bucket, "a.txt", b"x")
    receiver.wait_for(bucket, [POST, DELETE], timeout=30)


# --- what is not told ---------------------------------------------------------------------------------------------------


def test_refused_writes_are_not_told(own, wire, own_bucket, receiver):
    user = Wire(own.port, token(own.keys.jwt_secret, subject=new_subject()))
    upload(wire, own_bucket, "a.txt", b"x")
    refusals = [
        user.post(f"/object/{own_bucket}/b.txt", b"x"),
        user.post(f"/object/{own_bucket}/a.txt", b"x", headers={"x-upsert": "true"}),
        user.delete(f"/object/{own_bucket}/a.txt"),
        wire.post(f"/object/{own_bucket}/a.txt", b"x"),
        wire.send_json("POST", "/object/move", {"bucketId": own_bucket, "sourceKey": "none", "destinationKey": "c.txt"}),
        wire.send_json("POST", "/object/copy", {"bucketId": own_bucket, "sourceKey": "none", "destinationKey": "c.txt"}),
    ]
    assert [reply.status for reply in refusals] == [400] * 6
    nothing_else(receiver, wire, own_bucket, [POST])


def test_what_a_trigger_rolls_back_is_not_told(own, wire, own_bucket, receiver):
    name = f"no_{uuid.uuid4().hex[:12]}"
    own.database.run(
        f"create function public.{name}() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$;"
        f"create constraint trigger {name} after insert on storage.objects deferrable initially deferred for each row "
        f"when (new.bucket_id = '{own_bucket}') execute function public.{name}()"
    )
    try:
        assert wire.post(f"/object/{own_bucket}/a.txt", b"x").status >= 400
    finally:
        own.database.run(f"drop function public.{name}() cascade")
    nothing_else(receiver, wire, own_bucket, [])


def test_muted_events_are_not_sent(wire, make_own_bucket, receiver):
    make_own_bucket("muted")
    upload(wire, "muted", "one.txt", b"x")
    upload(wire, "muted", "two.txt", b"x")
    assert wire.delete("/object/muted/one.txt").status == 200

    receiver.wait_for("muted", [DELETE], "one.txt")
    receiver.wait_for("muted", [POST], "two.txt")


def test_without_a_webhook_nothing_is_written(put, bucket, database):
    put(bucket, "a.txt")
    assert database.run("select count(*) from magpie.events").strip() == "0"


# --- failures -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def impatient():
    """A server that waits for nothing longer than it must, and the address where its receiver will be."""
    receiver = Receiver()
    settings = {
        "MAGPIE_WEBHOOK_URL": receiver.url,
        "MAGPIE_WEBHOOK_SECRET": SECRET,
        "MAGPIE_WEBHOOK_TIMEOUT": "500ms",
        "MAGPIE_WEBHOOK_RETRY": "1s",
        "MAGPIE_LIFECYCLE_DAY": "1s",
    }
    with Server(settings) as running:
        wire = Wire(running.port, running.keys.service)
        assert wire.send_json("POST", "/bucket", {"name": "b"}).status == 200
        yield running, receiver


@pytest.fixture
def apart(impatient):
    """A server to be killed at will and a receiver that is not there yet; the bucket is empty, and nothing waits."""
    running, receiver = impatient
    yield running, receiver
    receiver.forget()
    receiver.start()
    assert Wire(running.port, running.keys.service).post("/bucket/b/empty").status == 200
    assert wait_until(lambda: waiting(running) == [], 30)
    receiver.stop()
    receiver.forget()
    running.log_path.write_text("")


def waiting(own: Server) -> list[int]:
    """The attempts of the events that wait."""
    found = own.database.run("select attempts from magpie.events where died_at is null order by id")
    return [int(attempts) for attempts in found.split()]


def test_what_happens_while_the_receiver_is_down_is_delivered_later(apart):
    own, receiver = apart
    wire = Wire(own.port, own.keys.service)
    upload(wire, "b", "a.txt", b"1")
    upload(wire, "b", "a.txt", b"2", x_upsert="true")
    upload(wire, "b", "b.txt", b"1")
    # Of the two events of one object the second is not tried before the first.
    assert wait_until(lambda: sum(attempts >= 1 for attempts in waiting(own)) >= 2, 20)
    assert 0 in waiting(own)
    receiver.start()

    receiver.wait_for("b", [POST, PUT], "a.txt", timeout=40)
    receiver.wait_for("b", [POST], "b.txt", timeout=40)
    assert wait_until(lambda: waiting(own) == [], 20)
    assert "event not delivered" in own.log()


@pytest.mark.parametrize("status", [500, 404, 302, 307])
def test_anything_but_success_is_tried_again(apart, status):
    own, receiver = apart
    receiver.start()
    answers = iter([status])
    receiver.answer = lambda _: next(answers, 204)
    upload(Wire(own.port, own.keys.service), "b", "a.txt", b"1")

    delivery = receiver.wait_for("b", [POST])[0]
    assert receiver.refused == 1 and delivery.path.startswith("/hook")
    assert delivery.is_signed_with(SECRET)


def test_a_receiver_that_does_not_answer_is_tried_again(apart):
    own, receiver = apart
    receiver.start()
    slow = iter([1.5])

    def answer(_: dict) -> int:
        time.sleep(next(slow, 0))
        return 200

    receiver.answer = answer
    upload(Wire(own.port, own.keys.service), "b", "a.txt", b"1")

    # Confirmed once in time and once too late; which one the receiver can't know.
    assert wait_until(lambda: len(receiver.deliveries) == 2, 30)
    assert len({delivery.id for delivery in receiver.deliveries}) == 1
    assert wait_until(lambda: waiting(own) == [], 20)


@pytest.mark.parametrize("with_database", [False, True])
def test_an_event_survives_a_crash_between_commit_and_delivery(apart, with_database):
    own, receiver = apart
    wire = Wire(own.port, own.keys.service)
    upload(wire, "b", "a.txt", b"1")
    upload(wire, "b", "b.txt", b"2")
    assert wire.delete("/object/b/a.txt").status == 200
    own.kill(with_database)
    receiver.start()
    own.start()

    receiver.wait_for("b", [POST, DELETE], "a.txt", timeout=60)
    receiver.wait_for("b", [POST], "b.txt", timeout=60)


def test_an_event_that_is_given_up_is_shown(apart):
    own, receiver = apart
    wire = Wire(own.port, own.keys.service)
    upload(wire, "b", "a.txt", b"1")
    assert wait_until(lambda: [attempts >= 1 for attempts in waiting(own)] == [True], 20)
    own.database.run("update magpie.events set attempts = 19, not_before = now()")
    assert wait_until(lambda: waiting(own) == [], 20)

    shown = own.command("verify")
    assert shown.returncode == 0 and "events: 0 to be delivered, 1 given up" in shown.stdout
    assert "magpie_events_given_up_total 1" in Wire(own.port).get("/metrics").text
    assert "event given up" in own.log()
    # As the documentation says how to have it delivered after all.
    receiver.start()
    own.database.run("update magpie.events set died_at = null, attempts = 0, not_before = now() where died_at is not null")
    receiver.wait_for("b", [POST])


def test_two_servers_on_one_database_share_the_work(cluster):
    receiver = Receiver().start()
    settings = {"MAGPIE_WEBHOOK_URL": receiver.url, "MAGPIE_DATABASE_URL": cluster.create()[1]}
    with Server(settings) as first, Server(settings, home=first.home) as second:
        wires = [Wire(server.port, first.keys.service) for server in (first, second)]
        assert wires[0].send_json("POST", "/bucket", {"name": "b"}).status == 200
        for index in range(40):
            upload(wires[index % 2], "b", f"k{index % 4}.txt", f"{index}".encode(), x_upsert="true")
        for key in range(4):
            receiver.wait_for("b", [POST] + [PUT] * 9, f"k{key}.txt", timeout=40)
        assert len({delivery.id for delivery in receiver.deliveries}) == len(receiver.deliveries)
        for key in range(4):
            arrived = [d.sequence for d in receiver.deliveries if d.payload["name"] == f"k{key}.txt"]
            assert arrived == sorted(arrived)
        second.stop()
    receiver.stop()


# --- secrets ------------------------------------------------------------------------------------------------------------


def test_no_secret_is_in_the_log(own, receiver, wire, own_bucket):
    receiver.answer = lambda _: 500
    upload(wire, own_bucket, "a.txt", b"x")
    assert wait_until(lambda: own_bucket in own.log() and "event not delivered" in own.log(), 20)
    receiver.answer = lambda _: 200
    receiver.wait_for(own_bucket, [POST])
    log = own.log() + own.command("settings").stdout

    for secret in (API_KEY, SECRET, "url-secret"):
        assert secret not in log


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"MAGPIE_WEBHOOK_URL": "ftp://secret.example/x"}, "MAGPIE_WEBHOOK_URL"),
        ({"MAGPIE_WEBHOOK_URL": "http://user:secret@example.org/"}, "MAGPIE_WEBHOOK_URL"),
        ({"MAGPIE_WEBHOOK_URL": "http://h/", "MAGPIE_WEBHOOK_SECRET": "secret"}, "MAGPIE_WEBHOOK_SECRET"),
        ({"MAGPIE_WEBHOOK_URL": "http://h/", "MAGPIE_WEBHOOK_API_KEY": "a secret"}, "MAGPIE_WEBHOOK_API_KEY"),
        ({"MAGPIE_WEBHOOK_API_KEY": "secret"}, "MAGPIE_WEBHOOK_URL"),
        ({"MAGPIE_EVENTS_MUTED": "ObjectCreated:Everything"}, "MAGPIE_EVENTS_MUTED"),
    ],
)
def test_a_wrong_setting_ends_the_start(settings, named):
    server = Server(settings)
    try:
        with pytest.raises(RuntimeError):
            server.start()
        assert named in server.log() and "secret" not in server.log().replace("MAGPIE_WEBHOOK_SECRET", "")
    finally:
        server.close()
