# SPDX-License-Identifier: Apache-2.0
"""A Supabase Storage to move away from: its tables in a database of its own, and its files in a directory."""

from __future__ import annotations

import hashlib
import json
import pathlib
import uuid

from Support.database import Cluster

SCHEMA = pathlib.Path(__file__).resolve().parents[2] / "Sources/PostgresMetadata/Migrations/SQL/0002_storage_tables.sql"
# As there: they belong to the cluster, where servers of other tests find them.
ROLES = {
    "anon": "NOLOGIN NOINHERIT",
    "authenticated": "NOLOGIN NOINHERIT",
    "service_role": "NOLOGIN NOINHERIT BYPASSRLS",
}


def literal(value: object) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, (dict, list)):
        value = json.dumps(value)
    return "'" + str(value).replace("'", "''") + "'"


class Supabase:
    """Rows and files, laid out as its file backend does."""

    def __init__(self, cluster: Cluster, directory: pathlib.Path, base: str = "stub/stub"):
        self.database, self.url = cluster.create()
        roles = "".join(
            f"DO $$ BEGIN CREATE ROLE {role} {options}; EXCEPTION WHEN duplicate_object THEN NULL; END $$;\n"
            for role, options in ROLES.items()
        )
        self.database.run(roles + SCHEMA.read_text())
        self.directory = directory
        self.base = base

    def bucket(self, name: str, **columns: object) -> str:
        names = ["id", "name", *columns]
        values = [literal(name), literal(name)]
        for value in columns.values():
            is_list = isinstance(value, list)
            values.append("ARRAY[" + ",".join(map(literal, value)) + "]" if is_list else literal(value))
        self.database.run(f"INSERT INTO storage.buckets ({', '.join(names)}) VALUES ({', '.join(values)})")
        return name

    def put(
        self,
        bucket: str,
        name: str,
        body: bytes | None,
        version: str | None = "",
        metadata: dict | None = {},
        separator: str = "/",
        **columns: object,
    ) -> str | None:
        """Adds an object. Without a body its file is missing; an empty mapping stands for what Supabase writes. - Returns: its version."""
        version = str(uuid.uuid4()) if version == "" else version
        if metadata == {}:
            metadata = tags(body or b"")
        given = {"bucket_id": bucket, "name": name, "version": version, "metadata": metadata, **columns}
        self.database.run(
            f"INSERT INTO storage.objects ({', '.join(given)}) VALUES ({', '.join(literal(value) for value in given.values())})"
        )
        if body is not None:
            self.write(f"{bucket}/{name}" + (f"{separator}{version}" if version else ""), body)
        return version

    def write(self, path: str, body: bytes) -> None:
        place = self.directory / self.base / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(body)

    def everything(self) -> tuple[str, list[tuple[str, bytes, int]]]:
        """All rows and files, to see whether anybody touched them."""
        rows = self.database.value(
            "SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM (SELECT o::text FROM storage.objects o UNION ALL SELECT b::text "
            "FROM storage.buckets b) AS r(t)"
        )
        files = sorted(path for path in self.directory.rglob("*") if path.is_file())
        return rows, [(str(path), path.read_bytes(), path.stat().st_mtime_ns) for path in files]


def tags(body: bytes, kind: str = "text/plain") -> dict:
    """What Supabase writes of an object's bytes."""
    return {
        "eTag": f'"{hashlib.md5(body).hexdigest()}"',
        "size": len(body),
        "mimetype": kind,
        "cacheControl": "max-age=3600",
        "lastModified": "2024-05-06T07:08:09.000Z",
        "contentLength": len(body),
        "httpStatusCode": 200,
    }
