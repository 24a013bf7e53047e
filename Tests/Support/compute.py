# SPDX-License-Identifier: Apache-2.0
"""The Compute interface as its vendor's framework would serve it: the words of errors are compared with this application's."""

import asyncio
from typing import Annotated

import fastapi
import httpx
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

MOUNTS = ("/api/v1/storage/images", "/storage/images")

app = fastapi.FastAPI()
bearer = HTTPBearer(auto_error=False)


def caller(credentials: Annotated[HTTPAuthorizationCredentials | None, fastapi.Depends(bearer)]) -> str:
    if credentials is None:
        raise fastapi.HTTPException(401, "Not authenticated", {"WWW-Authenticate": "Bearer"})
    return credentials.credentials


Known = Annotated[str, fastapi.Depends(caller)]


@app.get("/storage/images")
async def list_images(_: Known, prefix: str = "", limit: Annotated[int, fastapi.Query(ge=1, le=1000)] = 100) -> list[str]:
    return [f"{prefix}{number}" for number in range(min(limit, 3))]


@app.post("/storage/images/{path:path}")
async def save_image(_: Known, path: str, file: fastapi.UploadFile) -> dict[str, str]:
    return {"path": path, "url": ""}


def reference(method: str, target: str, **options) -> httpx.Response:
    """What the framework answers."""

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://reference") as client:
            return await client.request(method, target, **options)

    return asyncio.run(ask())
