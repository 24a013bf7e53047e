# SPDX-License-Identifier: Apache-2.0
"""Signed uploads: each test's name is a line of the checklist."""

from __future__ import annotations

import time

import jwt
import pytest
from Support.tokens import claims_of, new_subject, token
from Support.wire import BUCKET_NOT_FOUND, DUPLICATE_KEY, form, refused


def sign(wire, bucket: str, key: str, **headers: str) -> str:
    reply = wire.post(
        f"/object/upload/sign/{bucket}/{key}", headers={name.replace("_", "-"): value for name, value in headers.items()}
    )
    assert reply.status == 200, reply.text
    return reply.json()["token"]


def test_sign_and_put_work_without_authorization(admin, anyone, bucket):
    reply = admin.post(f"/object/upload/sign/{bucket}/dir/a.txt", b"{}", headers={"Content-Type": "application/json"})
    body = reply.json()
    assert body["url"] == f"/object/upload/sign/{bucket}/dir/a.txt?token={body['token']}"

    stored = anyone.put(body["url"], b"signed", headers={"Content-Type": "text/plain"})

    assert (stored.status, stored.text) == (200, f'{{"Key":"{bucket}/dir/a.txt"}}')
    assert admin.get(f"/object/{bucket}/dir/a.txt").body == b"signed"


def test_a_form_is_taken_too(admin, anyone, bucket):
    content, headers = form({"cacheControl": "9"}, b"formed", fields_after={"metadata": '{"n":1}'})
    assert anyone.put(f"/object/upload/sign/{bucket}/a?token={sign(admin, bucket, 'a')}", content, headers=headers).status == 200
    info = admin.get(f"/object/info/{bucket}/a").json()
    assert (info["size"], info["cache_control"], info["metadata"]) == (6, "max-age=9", {"n": 1})


def test_signing_leaves_no_row_and_the_key_may_be_missing(admin, bucket, database):
    sign(admin, bucket, "a.txt")
    assert database.value(f"select count(*) from storage.objects where bucket_id = '{bucket}'") == "0"


def test_the_token_has_the_claims_that_clients_know(server, anyone, bucket, database):
    subject = new_subject()
    with database.policies(f"on storage.objects for insert to authenticated with check (bucket_id = '{bucket}')"):
        reply = anyone.post(f"/object/upload/sign/{bucket}/a%20b", token=token(server.keys.jwt_secret, subject=subject))
    claims = claims_of(reply.json()["token"])
    assert (claims["url"], claims["owner"], claims["upsert"], claims["scope"]) == (f"{bucket}/a b", subject, False, "upload")
    assert claims["exp"] > claims["iat"]


def test_signing_by_anon_gets_the_row_level_security_body(anon, bucket):
    reply = anon.post(f"/object/upload/sign/{bucket}/a.txt")
    assert (reply.status, reply.text) == (400, refused("INSERT", "anon"))


def test_signing_an_existing_key_is_409_in_the_body(admin, bucket, put):
    put(bucket, "a.txt")
    reply = admin.post(f"/object/upload/sign/{bucket}/a.txt")
    assert (reply.status, reply.text) == (400, DUPLICATE_KEY)


def test_signing_in_an_unknown_bucket_is_400(admin):
    assert admin.post("/object/upload/sign/no-such-bucket/a.txt").status == 400


def test_the_owner_in_the_token_is_stored(server, anyone, bucket, database):
    subject = new_subject()
    with database.policies(f"on storage.objects for insert to authenticated with check (bucket_id = '{bucket}')"):
        signed = anyone.post(f"/object/upload/sign/{bucket}/a", token=token(server.keys.jwt_secret, subject=subject)).json()[
            "token"
        ]
    assert anyone.put(f"/object/upload/sign/{bucket}/a?token={signed}", b"x").status == 200
    assert database.value(f"select owner_id from storage.objects where bucket_id = '{bucket}'") == subject


def test_no_token_is_400_and_names_it(anyone, bucket):
    reply = anyone.put(f"/object/upload/sign/{bucket}/a", b"x")
    assert (reply.status, reply.json()["message"]) == (400, "querystring must have required property 'token'")


@pytest.mark.parametrize("bad", ["garbage", "a.b.c", ""])
def test_a_garbage_token_is_400(anyone, bucket, bad):
    reply = anyone.put(f"/object/upload/sign/{bucket}/a?token={bad}", b"x")
    assert reply.status == 400
    if bad:
        assert (reply.json()["statusCode"], reply.json()["error"], reply.json()["code"]) == ("400", "InvalidJWT", "InvalidJWT")


def test_an_expired_and_a_tampered_token_are_refused(server, admin, anyone, bucket):
    claims = {**claims_of(sign(admin, bucket, "a")), "exp": int(time.time()) - 5}
    expired = jwt.encode(claims, server.keys.jwt_secret, algorithm="HS256")
    foreign = jwt.encode({**claims, "exp": int(time.time()) + 60}, "some other secret of enough length here", algorithm="HS256")
    for bad in (expired, foreign):
        reply = anyone.put(f"/object/upload/sign/{bucket}/a?token={bad}", b"x")
        assert (reply.status, reply.json()["error"]) == (400, "InvalidJWT")


def test_a_token_of_another_key_is_an_invalid_signature(admin, anyone, bucket):
    reply = anyone.put(f"/object/upload/sign/{bucket}/other?token={sign(admin, bucket, 'a')}", b"x")
    assert (reply.status, reply.json()["code"], reply.json()["message"]) == (400, "InvalidSignature", "Invalid signature")


def test_download_and_upload_tokens_are_not_exchangeable_and_stay_valid_for_their_own_use(admin, anyone, bucket, put):
    put(bucket, "a", b"old")
    download = admin.send_json("POST", f"/object/sign/{bucket}/a", {"expiresIn": 60}).json()["signedURL"].split("token=")[1]
    upload = sign(admin, bucket, "a", x_upsert="true")

    for reply in (
        anyone.put(f"/object/upload/sign/{bucket}/a?token={download}", b"x"),
        anyone.get(f"/object/sign/{bucket}/a?token={upload}"),
    ):
        assert (reply.status, reply.json()["error"]) == (400, "InvalidSignature")

    assert anyone.get(f"/object/sign/{bucket}/a?token={download}").body == b"old"
    assert anyone.put(f"/object/upload/sign/{bucket}/a?token={upload}", b"new").status == 200


def test_a_legacy_token_without_a_scope_is_told_by_its_upsert_claim(server, anyone, bucket):
    base = {"url": f"{bucket}/a", "exp": int(time.time()) + 60}
    with_upsert = jwt.encode({**base, "upsert": False}, server.keys.jwt_secret, algorithm="HS256")
    without = jwt.encode(base, server.keys.jwt_secret, algorithm="HS256")
    refused_one = anyone.put(f"/object/upload/sign/{bucket}/a?token={without}", b"x")
    assert (refused_one.status, refused_one.json()["error"]) == (400, "InvalidSignature")
    assert anyone.put(f"/object/upload/sign/{bucket}/a?token={with_upsert}", b"x").status == 200


def test_a_user_token_is_no_upload_token(server, anyone, bucket):
    reply = anyone.put(f"/object/upload/sign/{bucket}/a?token={server.keys.service}", b"x")
    assert (reply.status, reply.json()["error"]) == (400, "InvalidSignature")


def test_without_upsert_at_signing_the_second_upload_fails(admin, anyone, bucket):
    signed = sign(admin, bucket, "a")
    assert anyone.put(f"/object/upload/sign/{bucket}/a?token={signed}", b"1", headers={"x-upsert": "true"}).status == 200
    second = anyone.put(f"/object/upload/sign/{bucket}/a?token={signed}", b"2", headers={"x-upsert": "true"})
    assert (second.status, second.text) == (400, DUPLICATE_KEY)


def test_with_upsert_at_signing_the_second_upload_overwrites(admin, anyone, bucket):
    signed = sign(admin, bucket, "a", x_upsert="true")
    for body in (b"1", b"2"):
        assert anyone.put(f"/object/upload/sign/{bucket}/a?token={signed}", body).status == 200
    assert admin.get(f"/object/{bucket}/a").body == b"2"


def test_the_buckets_limits_hold_for_signed_uploads(admin, anyone, make_bucket):
    bucket = make_bucket(file_size_limit=4, allowed_mime_types=["text/plain"])
    signed = sign(admin, bucket, "a")
    too_long = anyone.put(f"/object/upload/sign/{bucket}/a?token={signed}", b"12345", headers={"Content-Type": "text/plain"})
    wrong = anyone.put(f"/object/upload/sign/{bucket}/a?token={signed}", b"1234", headers={"Content-Type": "image/png"})
    assert (too_long.json()["statusCode"], wrong.json()["statusCode"]) == ("413", "415")


def test_a_bucket_deleted_after_signing_is_not_found(admin, anyone, make_bucket):
    bucket = make_bucket()
    signed = sign(admin, bucket, "a")
    assert admin.delete(f"/bucket/{bucket}").status == 200
    assert anyone.put(f"/object/upload/sign/{bucket}/a?token={signed}", b"x").text == BUCKET_NOT_FOUND


def test_policies_on_type_and_user_metadata_hold_when_signing(user, bucket, database):
    from Support.wire import encoded_metadata

    check = f"""on storage.objects for insert to authenticated with check (
        bucket_id = '{bucket}' and metadata->>'mimetype' = 'image/png' and user_metadata->>'department' = 'press')"""
    good = {"Content-Type": "image/png", "x-metadata": encoded_metadata({"department": "press"})}
    with database.policies(check):
        assert user.post(f"/object/upload/sign/{bucket}/a", headers=good).status == 200
        assert user.post(f"/object/upload/sign/{bucket}/b", headers={"Content-Type": "image/png"}).text == refused("INSERT")
