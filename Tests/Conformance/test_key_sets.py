# SPDX-License-Identifier: Apache-2.0
"""Tokens signed with keys of a JSON Web Key Set: RSA, elliptic curves, Edwards curves and shared secrets."""

from __future__ import annotations

import base64
import hmac
import json
import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from Support.server import Server
from Support.tokens import claims_of
from Support.wire import Wire

SHARED = b"a shared secret of a key set, long enough for every digest that may be asked of it, with some more"


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


PRIVATE = {
    "rsa-1": ("RS256", rsa.generate_private_key(65537, 2048)),
    "ec-1": ("ES256", ec.generate_private_key(ec.SECP256R1())),
    "ed-1": ("EdDSA", ed25519.Ed25519PrivateKey.generate()),
    "oct-1": ("HS256", SHARED),
}
FOREIGN = {
    "rsa-1": rsa.generate_private_key(65537, 2048),
    "ec-1": ec.generate_private_key(ec.SECP256R1()),
    "ed-1": ed25519.Ed25519PrivateKey.generate(),
    "oct-1": b"not the secret of the key set, though it is as long as that one is",
}


def public_jwk(kid: str) -> dict:
    algorithm, key = PRIVATE[kid]
    if algorithm == "HS256":
        return {"kty": "oct", "k": base64url(SHARED), "kid": kid, "alg": "HS256"}
    family = {"RS256": RSAAlgorithm, "ES256": ECAlgorithm, "EdDSA": OKPAlgorithm}[algorithm]
    return {**json.loads(family.to_jwk(key.public_key())), "kid": kid, "alg": algorithm, "use": "sig"}


@pytest.fixture(scope="module")
def keyed():
    """A server that knows the public half of each key, and signs its URLs with a key of its own."""
    signing = {"kty": "oct", "k": base64url(b"the key that signs the URLs of this server"), "kid": "url-1", "alg": "HS256"}
    keys = {"keys": [public_jwk(kid) for kid in PRIVATE], "urlSigningKey": signing}
    with Server({"MAGPIE_JWT_JWKS": json.dumps(keys)}) as running:
        yield running


def signed(kid: str, key=None, algorithm: str | None = None, header: dict | None = None, **claims: object) -> str:
    content = {"role": "service_role", "exp": int(time.time()) + 60, **claims}
    own_algorithm, own_key = PRIVATE[kid]
    return jwt.encode(
        content, key or own_key, algorithm=algorithm or own_algorithm, headers={"kid": kid} if header is None else header
    )


@pytest.mark.parametrize("kid", PRIVATE)
def test_a_token_of_each_kind_of_key_is_accepted(keyed, kid):
    assert Wire(keyed.port).get("/bucket", token=signed(kid)).status == 200


@pytest.mark.parametrize("kid", PRIVATE)
def test_a_token_of_another_key_with_the_same_id_is_refused(keyed, kid):
    reply = Wire(keyed.port).get("/bucket", token=signed(kid, key=FOREIGN[kid]))
    assert (reply.status, reply.json()["error"]) == (400, "Unauthorized")


@pytest.mark.parametrize("kid", PRIVATE)
def test_an_expired_token_of_a_key_set_is_refused(keyed, kid):
    assert Wire(keyed.port).get("/bucket", token=signed(kid, exp=int(time.time()) - 10)).status == 400


@pytest.mark.parametrize("kid", ["rsa-1", "ec-1", "ed-1"])
def test_a_token_with_an_unknown_key_id_is_refused(keyed, kid):
    assert Wire(keyed.port).get("/bucket", token=signed(kid, header={"kid": "unknown"})).status == 400


def test_the_static_secret_still_works(keyed):
    assert Wire(keyed.port, keyed.keys.service).get("/bucket").status == 200


def test_a_public_key_is_no_shared_secret(keyed):
    """The old trick: an HS256 token whose secret is the text of a public key."""
    jwk = public_jwk("rsa-1")
    for secret in (json.dumps(jwk), jwk["n"], jwk["kid"]):
        head = base64url(json.dumps({"alg": "HS256", "kid": "rsa-1"}).encode())
        claims = base64url(b'{"role":"service_role"}')
        signature = base64url(hmac.digest(secret.encode(), f"{head}.{claims}".encode(), "sha256"))
        assert Wire(keyed.port).get("/bucket", token=f"{head}.{claims}.{signature}").status == 400


def test_an_algorithm_that_is_not_the_keys_is_refused(keyed):
    wrong = jwt.encode({"role": "service_role"}, SHARED, algorithm="HS512", headers={"kid": "oct-1"})
    assert Wire(keyed.port).get("/bucket", token=wrong).status == 400


def test_urls_are_signed_with_the_url_signing_key(keyed):
    wire = Wire(keyed.port, keyed.keys.service)
    assert wire.send_json("POST", "/bucket", {"name": "signed"}).status == 200
    assert wire.post("/object/signed/a", b"x").status == 200
    url = wire.send_json("POST", "/object/sign/signed/a", {"expiresIn": 60}).json()["signedURL"]
    header = jwt.get_unverified_header(url.split("token=")[1])
    assert (header["kid"].removeprefix("storage-url-signing-key_"), header["alg"]) == ("url-1", "HS256")
    assert Wire(keyed.port).get(url).body == b"x"
    old = jwt.encode({**claims_of(url.split("token=")[1])}, keyed.keys.jwt_secret, algorithm="HS256")
    assert Wire(keyed.port).get(f"/object/sign/signed/a?token={old}").body == b"x"
