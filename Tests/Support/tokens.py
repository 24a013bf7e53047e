# SPDX-License-Identifier: Apache-2.0
"""Tokens as an application's sign-in service would issue them."""

from __future__ import annotations

import time
import uuid

import jwt


def token(secret: str, role: str | None = "authenticated", subject: str | None = None, **claims: object) -> str:
    """An HS256 token with an hour to live, unless `exp` says otherwise (None: no expiry)."""
    content: dict[str, object] = {"exp": int(time.time()) + 3600, **claims}
    if role is not None:
        content["role"] = role
    if subject is not None:
        content["sub"] = subject
    return jwt.encode({name: value for name, value in content.items() if value is not None}, secret, algorithm="HS256")


def claims_of(text: str) -> dict:
    """The claims of a token, unverified."""
    return jwt.decode(text, options={"verify_signature": False})


def new_subject() -> str:
    return str(uuid.uuid4())
