# SPDX-License-Identifier: Apache-2.0
"""Signed downloads: each test's name is a line of the checklist."""

from __future__ import annotations

import time

import jwt
import pytest
from Support.tokens import claims_of
from Support.wire import OBJECT_NOT_FOUND, error_text

MISSING = "Either the object does not exist or you do not have access to it"


def sign(wire, path: str, **body):
    return wire.send_json("POST", f"/object/sign/{path}", {"expiresIn": 60, **body})


def test_a_signed_get_needs_no_authorization(admin, anyone, bucket, put):
    put(bucket, "dir/a", b"signed")
    url = sign(admin, f"{bucket}/dir/a").json()["signedURL"]
    assert url.startswith(f"/object/sign/{bucket}/dir/a?token=")
    assert anyone.get(url).body == b"signed"
    assert anyone.get("/storage/v1" + url).body == b"signed"


def test_the_token_names_bucket_and_key_and_its_lifetime(admin, bucket, put):
    put(bucket, "a%20b%3F.txt")
    body = sign(admin, f"{bucket}/a%20b%3F.txt", expiresIn="90").json()
    claims = claims_of(body["signedURL"].split("token=")[1])
    assert (claims["url"], claims["scope"], claims["exp"] - claims["iat"]) == (f"{bucket}/a b?.txt", "download", 90)
    assert f"{bucket}/a b%3F.txt?token=" in body["signedURL"]


@pytest.mark.parametrize("key", ["a%20b", "special%20file%20@+$,;=%3F.txt", "it's%20(1)!*&:.txt"])
def test_keys_with_special_characters_can_be_signed_and_read(admin, anyone, bucket, put, key):
    put(bucket, key, b"special")
    url = sign(admin, f"{bucket}/{key}").json()["signedURL"]
    assert anyone.get(url.replace(" ", "%20")).body == b"special"


def test_signing_by_anon_or_of_something_unknown_is_not_found(admin, anon, bucket, put):
    put(bucket, "a")
    for reply in (sign(anon, f"{bucket}/a"), sign(admin, f"{bucket}/missing"), sign(admin, "no-such-bucket/a")):
        assert (reply.status, reply.text) == (400, OBJECT_NOT_FOUND)


@pytest.mark.parametrize("value", [0, -1, "1e21", 1e21, "x", 1.5, None, True, 9007199254740991, [], "9007199254741"])
def test_an_expiry_out_of_range_is_400_and_names_the_field(admin, bucket, put, value):
    put(bucket, "a")
    for path, extra in ((f"{bucket}/a", {}), (bucket, {"paths": ["a"]})):
        reply = sign(admin, path, **{"expiresIn": value, **extra})
        assert (reply.status, "expiresIn" in reply.json()["message"]) == (400, True), reply.text


def test_a_missing_expiry_is_named(admin, bucket):
    reply = admin.send_json("POST", f"/object/sign/{bucket}/a", {})
    assert reply.text == error_text("400", "Error", "body must have required property 'expiresIn'", "InvalidRequest")


def test_a_batch_answers_in_order_with_urls_and_errors(admin, anyone, bucket, put):
    put(bucket, "a", b"1")
    reply = sign(admin, bucket, paths=["missing", "a", "a"])
    items = reply.json()
    assert [list(item) for item in items] == [["error", "path", "signedURL"]] * 3
    assert items[0] == {"error": MISSING, "path": "missing", "signedURL": None}
    assert anyone.get(items[1]["signedURL"]).body == b"1"
    assert (items[1]["error"], items[2]["path"]) == (None, "a")


def test_a_batch_takes_1000_paths_and_refuses_1001(admin, bucket, put):
    put(bucket, "k0")
    taken = sign(admin, bucket, paths=[f"k{number}" for number in range(1000)])
    assert (taken.status, len(taken.json()), sum(item["error"] is None for item in taken.json())) == (200, 1000, 1)
    refused = sign(admin, bucket, paths=["k"] * 1001)
    assert (refused.status, "paths" in refused.json()["message"]) == (400, True)
    assert sign(admin, bucket, paths=[]).status == 400


def test_a_batch_by_anon_or_in_an_unknown_bucket_is_200_with_the_exact_error(admin, anon, bucket, put):
    put(bucket, "a")
    for reply in (sign(anon, bucket, paths=["a"]), sign(admin, "no-such-bucket", paths=["a"])):
        assert (reply.status, reply.text) == (200, f'[{{"error":"{MISSING}","path":"a","signedURL":null}}]')


def test_the_body_can_not_override_the_claims(admin, bucket, put):
    put(bucket, "a")
    wished = {"url": "other/key", "scope": "upload", "upsert": True, "owner": "someone", "role": "service_role"}
    claims = claims_of(
        sign(admin, f"{bucket}/a", **wished, transform={"width": 1, **wished}).json()["signedURL"].split("token=")[1]
    )
    assert (claims["url"], claims["scope"]) == (f"{bucket}/a", "download")
    assert not {"upsert", "owner", "role"} & set(claims)


def test_user_metadata_can_not_override_the_claims(admin, bucket):
    from Support.wire import encoded_metadata

    admin.post(
        f"/object/{bucket}/a",
        b"x",
        headers={"x-metadata": encoded_metadata({"role": "service_role", "url": "x/y", "scope": "upload"})},
    )
    claims = claims_of(sign(admin, f"{bucket}/a").json()["signedURL"].split("token=")[1])
    assert (claims["url"], claims["scope"], "role" in claims) == (f"{bucket}/a", "download", False)


def test_a_signed_token_is_no_user_token(admin, anyone, bucket, put):
    put(bucket, "a")
    signed = sign(admin, f"{bucket}/a").json()["signedURL"].split("token=")[1]
    assert anyone.get("/bucket", token=signed).text == "[]"
    assert anyone.post(f"/object/{bucket}/b", b"x", token=signed).status == 400


def test_a_token_of_another_object_is_an_invalid_signature(admin, anyone, bucket, put):
    put(bucket, "a")
    put(bucket, "b")
    signed = sign(admin, f"{bucket}/a").json()["signedURL"].split("token=")[1]
    reply = anyone.get(f"/object/sign/{bucket}/b?token={signed}")
    assert (reply.status, reply.text) == (400, error_text("400", "InvalidSignature", "Invalid signature", "InvalidSignature"))


def test_a_malformed_expired_or_missing_token_is_400(server, admin, anyone, bucket, put):
    put(bucket, "a")
    claims = claims_of(sign(admin, f"{bucket}/a").json()["signedURL"].split("token=")[1])
    expired = jwt.encode({**claims, "exp": int(time.time()) - 1}, server.keys.jwt_secret, algorithm="HS256")
    for bad in ("garbage", "a.b.c", expired):
        reply = anyone.get(f"/object/sign/{bucket}/a?token={bad}")
        assert (reply.status, reply.json()["statusCode"], reply.json()["error"]) == (400, "400", "InvalidJWT")
    missing = anyone.get(f"/object/sign/{bucket}/a")
    assert (missing.status, missing.json()["message"]) == (400, "querystring must have required property 'token'")


def test_a_legacy_download_token_without_a_scope_is_accepted(server, anyone, bucket, put):
    put(bucket, "a", b"legacy")
    legacy = jwt.encode({"url": f"{bucket}/a", "exp": int(time.time()) + 60}, server.keys.jwt_secret, algorithm="HS256")
    assert anyone.get(f"/object/sign/{bucket}/a?token={legacy}").body == b"legacy"


def test_a_signed_url_stays_good_when_the_object_is_replaced_and_ends_with_it(admin, anyone, bucket, put):
    put(bucket, "a", b"1")
    url = sign(admin, f"{bucket}/a").json()["signedURL"]
    admin.put(f"/object/{bucket}/a", b"2")
    assert anyone.get(url).body == b"2"
    admin.delete(f"/object/{bucket}/a")
    assert anyone.get(url).text == OBJECT_NOT_FOUND
