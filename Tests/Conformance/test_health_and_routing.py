# SPDX-License-Identifier: Apache-2.0
"""Health, authentication and routing: the first lines of the checklist."""

from __future__ import annotations

import json
import time

import pytest
from Support.server import wait_until
from Support.tokens import token
from Support.wire import NO_AUTHORIZATION, error_text, raw_exchange, status_of

PROTECTED = [
    ("POST", "/bucket"),
    ("GET", "/bucket"),
    ("GET", "/bucket/b"),
    ("PUT", "/bucket/b"),
    ("DELETE", "/bucket/b"),
    ("POST", "/bucket/b/empty"),
    ("POST", "/object/b/k"),
    ("PUT", "/object/b/k"),
    ("POST", "/object/upload/sign/b/k"),
    ("GET", "/object/authenticated/b/k"),
    ("GET", "/object/info/authenticated/b/k"),
    ("DELETE", "/object/b/k"),
    ("DELETE", "/object/b"),
    ("POST", "/object/copy"),
    ("POST", "/object/move"),
    ("POST", "/object/sign/b/k"),
    ("POST", "/object/sign/b"),
    ("POST", "/object/list/b"),
]


def test_status_is_200(anyone):
    assert anyone.get("/status").status == 200


def test_version_is_200_with_a_non_blank_body(anyone):
    reply = anyone.get("/version")
    assert (reply.status, reply.text.strip() != "") == (200, True)


def test_health_needs_a_token_and_tells_that_the_database_answers(anyone, admin):
    assert admin.get("/health").json() == {"healthy": True}
    assert anyone.get("/health").status == 400


def test_healthz_and_readyz_need_no_token(anyone):
    assert (anyone.get("/healthz").status, anyone.get("/readyz").status) == (200, 200)


def test_everything_is_also_below_storage_v1(anyone, admin, bucket, put):
    put(bucket, "a.txt", b"one place")
    assert admin.get(f"/storage/v1/object/{bucket}/a.txt").body == b"one place"
    assert anyone.get("/storage/v1/status").status == 200


@pytest.mark.parametrize("bad", ["malformed", "a.b.c", "Bearer", "..", "eyJhbGciOiJub25lIn0.e30."])
def test_a_malformed_jwt_on_get_bucket_is_unauthorized(anyone, bad):
    reply = anyone.get("/bucket", token=bad)
    body = reply.json()
    assert (reply.status, body["statusCode"], body["error"], body["code"]) == (400, "403", "Unauthorized", "AccessDenied")


def test_a_token_of_another_secret_is_unauthorized(anyone):
    reply = anyone.get("/bucket", token=token("another secret that is long enough to be one", role="service_role"))
    assert (reply.status, reply.json()["statusCode"], reply.json()["error"]) == (400, "403", "Unauthorized")


def test_an_expired_token_is_unauthorized(server, anyone):
    reply = anyone.get("/bucket", token=token(server.keys.jwt_secret, exp=int(time.time()) - 60))
    assert (reply.status, reply.json()["statusCode"], reply.json()["error"]) == (400, "403", "Unauthorized")


def test_a_token_that_is_not_valid_yet_is_unauthorized(server, anyone):
    reply = anyone.get("/bucket", token=token(server.keys.jwt_secret, nbf=int(time.time()) + 600))
    assert (reply.status, reply.json()["error"]) == (400, "Unauthorized")


def test_a_token_without_an_expiry_is_accepted(server, anyone):
    assert anyone.get("/bucket", token=token(server.keys.jwt_secret, exp=None)).status == 200


def test_an_unsigned_token_is_unauthorized(server, anyone):
    import jwt

    unsigned = jwt.encode({"role": "service_role"}, None, algorithm="none")
    assert anyone.get("/bucket", token=unsigned).status == 400


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer   ", "BEARER ", ""])
def test_the_bearer_prefix_is_taken_in_any_case_and_may_be_missing(server, anyone, scheme):
    reply = anyone.get("/bucket", token=None, headers={"Authorization": scheme + server.keys.service})
    assert reply.status == 200


def test_no_authorization_on_get_bucket_names_the_header(anyone):
    reply = anyone.get("/bucket")
    assert (reply.status, reply.text) == (400, NO_AUTHORIZATION)


@pytest.mark.parametrize(("method", "path"), PROTECTED)
def test_every_protected_route_without_authorization_is_400(anyone, method, path):
    reply = anyone.request(method, path)
    assert (reply.status, reply.text) == (400, NO_AUTHORIZATION)


@pytest.mark.parametrize("content_type", ["textplain", "text/plain\tx"])
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/bucket"), ("POST", "/object/b/k"), ("PUT", "/object/b/k"), ("GET", "/bucket"), ("GET", "/status")],
)
def test_a_content_type_with_a_tab_or_without_a_slash_is_refused_on_every_route(server, method, path, content_type):
    request = (
        f"{method} {path} HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {server.keys.service}\r\n"
        f"Content-Type: {content_type}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )
    answer = raw_exchange(server.port, request.encode())
    assert status_of(answer) == 400
    assert answer.endswith(error_text("415", "invalid_mime_type", "Invalid Content-Type header", "InvalidMimeType").encode())


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/object/x"),
        ("GET", "/bucket/a/b/c"),
        ("PATCH", "/bucket"),
        ("POST", "/bucket/a/fill"),
        ("GET", "/cdn/x"),
        ("GET", "/object"),
        ("GET", "/storage/v1/nothing"),
    ],
)
def test_an_unknown_path_is_404_with_the_four_keys(admin, method, path):
    reply = admin.request(method, path)
    assert (reply.status, reply.text) == (
        404,
        error_text("404", "Not Found", f"Route {method}:{path} not found", "InvalidRequest"),
    )


def test_an_unknown_path_outside_of_every_dialect_is_404(anyone):
    assert anyone.get("/no/such/place").status == 404


def test_error_bodies_have_the_keys_in_order_and_are_json(anyone):
    reply = anyone.get("/bucket")
    assert list(reply.json()) == ["statusCode", "error", "message", "code"]
    assert reply.headers["Content-Type"].startswith("application/json")


def test_the_bucket_collection_is_found_with_and_without_a_slash(admin, bucket):
    assert [row["id"] for row in admin.get(f"/bucket/?search={bucket}").json()] == [bucket]
    assert [row["id"] for row in admin.get(f"/bucket?search={bucket}").json()] == [bucket]


def test_a_preflight_of_a_browser_is_answered(anyone):
    wanted = "authorization, apikey, x-client-info, content-type, cache-control, x-upsert, x-metadata, range, if-none-match"
    reply = anyone.request(
        "OPTIONS",
        "/object/b/k",
        headers={
            "Origin": "https://app.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": wanted,
        },
    )
    assert reply.status in (200, 204)
    assert reply.headers["Access-Control-Allow-Origin"] in ("*", "https://app.example")
    allowed = [name.strip() for name in reply.headers["Access-Control-Allow-Headers"].lower().split(",")]
    assert set(wanted.split(", ")) <= set(allowed)
    assert all(method in reply.headers["Access-Control-Allow-Methods"] for method in ("GET", "PUT", "DELETE"))


def test_answers_to_a_browser_carry_its_origin(anyone):
    reply = anyone.get("/bucket", headers={"Origin": "https://app.example"})
    assert reply.headers["Access-Control-Allow-Origin"] in ("*", "https://app.example")


def test_a_log_line_has_the_request_id_operation_and_duration_and_no_secret(server, admin, bucket):
    identity = admin.get(f"/bucket/{bucket}?token=very-secret-query").headers["x-request-id"]

    def lines() -> list[str]:
        return [line for line in server.log().splitlines() if identity in line]

    assert wait_until(lambda: lines() != [], 5)
    entry = json.loads(lines()[-1])
    assert (entry["request_id"], entry["operation"], entry["status"]) == (identity, "storage.bucket.get", 200)
    assert entry["ms"] > 0
    assert server.keys.service not in server.log()
    assert "very-secret-query" not in server.log()


def test_metrics_are_prometheus_text(anyone, admin, bucket):
    admin.get(f"/bucket/{bucket}")
    reply = anyone.get("/metrics")
    assert reply.status == 200
    assert reply.headers["Content-Type"].startswith("text/plain")
    assert "# TYPE" in reply.text and "storage_bucket_get" in reply.text.replace(".", "_")
