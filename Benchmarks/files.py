#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures lists of a project with very many files of apps, at the database, and prints one table.

The files are written by SQL into a server of its own: of 20,000 owners, a fifth each public, protected and shared, the rest private, in
five categories, of five types; their names are two of a few common words and a number. Each list is asked for as the store asks: what
the caller sees, the ids of a page with the total, and the page's rows as the caller; the three statements' times are added.

    .venv/bin/python Benchmarks/files.py --files 1000000 --rounds 11
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import re
import statistics
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "Tests"))

from Support.database import Database  # noqa: E402
from Support.pixault import create_project  # noqa: E402
from Support.server import ROOT, Server  # noqa: E402

BATCH = 50_000
OWNERS = 20_000

# Triggers are off: they cost what a registration costs, which is not what is measured.
FILL = """
set session_replication_role = replica;
insert into magpie.files (
    id, bucket_id, object_id, name, original_name, media_type, size, visibility, label, owner_kind, owner_id, shared_with, created_at,
    updated_at)
select v.id, 'shop', gen_random_uuid(), label || '/' || v.id || '/' || name, name,
    (array['image/jpeg', 'image/png', 'application/pdf', 'video/mp4', 'text/plain'])[1 + (hashint8(i) & 1023) % 5],
    1000 + (hashint8(i + 1) & 1048575), visibility, label, 'user', 'user-' || i % {owners},
    case visibility when 'shared' then array['user-' || (i * 7) % {owners}] else '{{}}' end,
    timestamptz '2025-01-01' + i * interval '30 seconds',
    timestamptz '2025-01-01' + ((i * 7919) % 1000000) * interval '30 seconds'
from (
    select i, gen_random_uuid() as id,
        (array['images', 'documents', 'media', 'attachments', 'avatars'])[1 + i % 5] as label,
        (array['public', 'private', 'private', 'protected', 'shared'])[1 + (i / 5) % 5] as visibility,
        (array['holiday', 'invoice', 'report', 'avatar', 'scan', 'draft', 'summer', 'beach'])[1 + (hashint8(i + 5) & 7)] || '-'
            || (array['red', 'green', 'blue', 'paris', 'rome', 'oslo'])[1 + abs(hashint8(i + 9)) % 6] || '-' || i || '.jpg' as name
    from generate_series({first}::bigint, {last}::bigint) as i
) as v;
"""

TOTALS = """
insert into magpie.file_projects values ('shop');
insert into magpie.file_totals (bucket_id, visibility, label, shard, files, bytes)
select bucket_id, visibility, label, 0, count(*), sum(size) from magpie.files group by 1, 2, 3;
"""

CALLERS = {
    "project key": ("magpie_project", {"role": "magpie_project", "projects": ["shop"]}),
    "anonymous": ("anon", {"role": "anon"}),
    "user": ("authenticated", {"role": "authenticated", "sub": "user-77"}),
}

# The arguments of `magpie.find_files` that differ from those of the first page.
LISTS: dict[str, dict[str, str | int]] = {
    "first page": {},
    "page 500": {"offset": 10_000},
    "page 5,000": {"offset": 100_000},
    "page 25,000": {"offset": 500_000},
    "public": {"visibility": "public"},
    "private": {"visibility": "private"},
    "protected": {"visibility": "protected"},
    "shared": {"visibility": "shared"},
    "bucket `images`": {"label": "images"},
    "type `image/png`": {"essence": "image/png"},
    "types `image/*`": {"kind": "image"},
    "one owner's": {"owner": "user-77"},
    "search `holiday`, an eighth": {"search": "holiday"},
    "search `holiday`, page 500": {"search": "holiday", "offset": 10_000},
    "search `777`, one of 270": {"search": "777"},
    "search `77`": {"search": "77"},
    "search `-77777`, of eleven": {"search": "-77777"},
    "search for what is not there": {"search": "nothing of this"},
    "`images`, search `paris`": {"label": "images", "search": "paris"},
    "`image/png`, search `rome-1`": {"essence": "image/png", "search": "rome-1"},
    "`image/png`, search `rome`, page 100": {"essence": "image/png", "search": "rome", "offset": 2000},
    "by name": {"order": "original_name"},
    "by size, page 500": {"order": "size", "offset": 10_000},
    "by type": {"order": "essence"},
    "by visibility": {"order": "visibility"},
    "by change": {"order": "updated_at"},
    "by name, search `rome`": {"order": "original_name", "search": "rome"},
}


def fill(database: Database, files: int) -> None:
    for first in range(1, files + 1, BATCH):
        last = min(files, first + BATCH - 1)
        database.run(FILL.format(owners=OWNERS, first=first, last=last))
        print(f"\r{last:,} files", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    database.run(TOTALS)
    database.run("vacuum analyze magpie.files")


def quoted(value: str | int | None) -> str:
    return "null" if value is None else f"'{value}'"


def script(role: str, claims: dict, asked: dict, rounds: int) -> str:
    """What the store runs for a page, in psql's words, over and over."""
    names = ("visibility", "owner_kind", "owner", "label", "essence", "kind", "search")
    filters = ", ".join(quoted(asked.get(name)) for name in names)
    order = asked.get("order", "created_at")
    page = f"""
        begin;
        set local role {role};
        select set_config('request.jwt.claims', $json${json.dumps(claims)}$json$, true) \\gset
        \\timing on
        select magpie.file_scope('shop') as extent, coalesce(magpie.caller_subject(), '') as subject \\gset
        \\timing off
        set local role service_role;
        \\timing on
        select coalesce(string_agg(f.id::text, ','), '') as ids, max(f.total) as total
        from magpie.find_files('shop', :'extent', nullif(:'subject', ''), {filters}, '{order}', {order == "original_name"},
            {asked.get("offset", 0)}, 21, 10000) as f \\gset
        \\timing off
        set local role {role};
        \\timing on
        select count(w.n) as rows
        from unnest(('{{' || :'ids' || '}}')::uuid[]) with ordinality as w(id, n) join magpie.files as f on f.id = w.id
        where f.bucket_id = 'shop' \\gset
        \\timing off
        commit;
        \\echo total :total
    """
    return page * rounds


def measure(database: Database, rounds: int) -> None:
    print("| list | " + " | ".join(f"{name}: total, median, worst" for name in CALLERS) + " |")
    print("|---" * (len(CALLERS) + 1) + "|")
    for title, asked in LISTS.items():
        cells = []
        for role, claims in CALLERS.values():
            # The first one reads what the others find in memory.
            text = database.run(script(role, claims, asked, rounds + 1))
            runs = re.split(r"total \d+\n?", text)[:-1]
            times = [sum(float(time) for time in re.findall(r"Time: ([\d.]+) ms", run)) for run in runs][1:]
            total = int(re.findall(r"total (\d+)", text)[-1])
            cells.append(f"{total:,}: {statistics.median(times):.1f}, {max(times):.1f}")
        print(f"| {title} | {' | '.join(cells)} |", flush=True)
    print(f"load average {os.getloadavg()[0]:.1f}", file=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--binary", type=pathlib.Path, default=ROOT / ".build" / "release" / "magpie")
    options = parser.parse_args()
    with Server({"MAGPIE_DURABILITY": "none", "MAGPIE_JOB_WORKERS": "0"}, binary=options.binary) as server:
        create_project(server, "shop")
        fill(server.database, options.files)
        measure(server.database, options.rounds)


if __name__ == "__main__":
    main()
