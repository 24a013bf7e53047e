#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures lists of a project with very many assets, over HTTP and with their totals, and prints one table.

The assets are written by SQL into a server of its own; their names are made of a few common words, so that a word is in a twentieth of
them. A key of the project asks, one request after the other, each kind of list in turn, round after round.

    .venv/bin/python Benchmarks/library.py --assets 1000000 --rounds 20
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import pathlib
import statistics
import sys
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "Tests"))

from measures import cpu_seconds  # noqa: E402
from Support.database import Database  # noqa: E402
from Support.pixault import create_project  # noqa: E402
from Support.server import HOST, ROOT, Server  # noqa: E402

BATCH = 20_000
WORDS = """
    red blue green black white leather cotton wool silk linen summer winter autumn spring boot shoe shirt jacket coat hat scarf glove sock
    belt bag watch ring necklace sunset beach mountain forest river lake city street night portrait product detail front back side closeup
    macro studio outdoor vintage modern classic premium basic sport casual formal kids women men baby home office kitchen garden bathroom
    bedroom lamp chair table desk sofa shelf mirror carpet curtain pillow blanket bottle glass plate fork spoon knife pan pot camera phone
    laptop tablet monitor keyboard mouse speaker headphone cable charger battery car bike train plane ship bus truck road bridge house
    tower castle church museum park zoo cat dog horse bird fish tree flower grass leaf stone sand water fire ice snow rain cloud sky star
    moon sun
""".split()

# Triggers are off: they cost what an upload costs, which is not what is measured.
FILL = """
set session_replication_role = replica;
with word as (select array[{words}] as w),
drawn as (
    select gen_random_uuid() as id, i, timestamptz '2020-01-01' + i * interval '97 seconds' as at,
        w[1 + abs(hashint4(i * 31 + 1)::bigint) % cardinality(w)] as a, w[1 + abs(hashint4(i * 31 + 2)::bigint) % cardinality(w)] as b,
        w[1 + abs(hashint4(i * 31 + 3)::bigint) % cardinality(w)] as c, w[1 + abs(hashint4(i * 31 + 4)::bigint) % cardinality(w)] as d,
        w[1 + abs(hashint4(i * 31 + 5)::bigint) % cardinality(w)] as e
    from generate_series({first}, {last}) as i, word
),
object as (
    insert into storage.objects (id, bucket_id, name, version, metadata, created_at, updated_at)
    select id, 'shop', 'k' || i, id::text, '{{"size": 1234567, "mimetype": "image/jpeg"}}', at, at from drawn
)
insert into magpie.assets (
    object_id, bucket_id, id, public_id, kind, file_name, media_type, size, width, height, name, description, caption, category, folder,
    author, keywords, exif, derivation_type, source_id, inspected_version, uploaded_at, modified_at)
select id, 'shop', case when i % 20 = 0 then 'vid_' else 'img_' end || magpie.new_ulid(at), a || '-' || b || '-' || i,
    case when i % 20 = 0 then 'video' when i % 1000 = 7 then 'other' else 'image' end, 'IMG_' || lpad((i % 10000)::text, 4, '0') || '.jpg',
    'image/jpeg', 1234567, 1600, 1200,
    case when i % 400000 = 100 then 'Quokka xq portrait' else initcap(a) || ' ' || b || ' ' || c end,
    'A ' || a || ' ' || b || ' with ' || d || ' in ' || e, a || ' ' || c,
    (array['catalog', 'headshot', 'banner', 'blog', 'press', 'archive', 'team', 'social'])[1 + i % 8],
    case when i % 5 = 0 then '' else 'catalog/' || d || '/' || e end,
    initcap((array['anna', 'bert', 'carl', 'dora', 'emil'])[1 + i % 5]) || ' ' || initcap(e) || 'son',
    case when i = 77777 then array['zebu'] else array[a, b, c] end, '{{"Make": "Nikon", "Model": "Z 6"}}',
    case when i % 50 = 3 then 'page-1' end, case when i % 50 = 3 then 'eps_01J9Q2B7ZK3V8M5T6R4W2X1Y0Z' end, id::text, at, at
from drawn;
"""

TOTALS = """
insert into magpie.project_totals (bucket_id, shard, objects, bytes, listed, derived)
select 'shop', 0, count(*), sum(size), count(*) filter (where kind <> 'other' and not is_derived),
    count(*) filter (where kind <> 'other' and is_derived)
from magpie.assets;
"""

LISTS: dict[str, dict[str, str]] = {
    "first page": {},
    "page 1,000": {"page": "1000"},
    "folder of few": {"folder": "catalog/boot/museum"},
    "folder: the root, a fifth of all": {"folder": ""},
    "category, an eighth of all": {"category": "Catalog"},
    "videos": {"isVideo": "true"},
    "no videos": {"isVideo": "false"},
    "category without a video, videos only": {"category": "headshot", "isVideo": "true"},
    "keyword `boot`": {"keyword": "boot"},
    "keyword `zebu`, of one": {"keyword": "zebu"},
    "author `anna`, a fifth of all": {"author": "anna"},
    "author `bert bootson`, one of 650": {"author": "bert bootson"},
    "search `boot`": {"search": "boot"},
    "search `boot`, behind the 49,950th asset": {"search": "boot", "page": "1000"},
    "search `leather in`, one of 140": {"search": "leather in"},
    "search `img_77`, one of 100": {"search": "img_77"},
    "search `red boot`": {"search": "red boot"},
    "search `museum`, in videos": {"search": "museum", "isVideo": "true"},
    "search `img_`, in all": {"search": "img_"},
    "search `re`": {"search": "re"},
    "search `xq`, in three": {"search": "xq"},
    "search `zj`, in none": {"search": "zj"},
    "search `q`, in three": {"search": "q"},
    "search `quokka`, in three": {"search": "quokka"},
    "search for what is not there": {"search": "nothing of this"},
}


def fill(database: Database, assets: int) -> None:
    words = ", ".join(f"'{word}'" for word in WORDS)
    for first in range(1, assets + 1, BATCH):
        database.run(FILL.format(words=words, first=first, last=min(assets, first + BATCH - 1)))
        print(f"\r{min(assets, first + BATCH - 1):,} assets", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    database.run(TOTALS)
    database.run("vacuum analyze storage.objects")
    database.run("vacuum analyze magpie.assets")


class Library:
    """A client that keeps its connection."""

    def __init__(self, server: Server, key: str):
        self.connection = http.client.HTTPConnection(HOST, server.port, timeout=120)
        self.key = key

    def list(self, query: dict[str, str]) -> bytes:
        self.connection.request("GET", f"/api/shop/images?{urllib.parse.urlencode(query)}", headers={"X-Api-Key": self.key})
        reply = self.connection.getresponse()
        body = reply.read()
        if reply.status != 200:
            raise RuntimeError(f"{query}: {reply.status} {body[:300]!r}")
        return body


def last_before(database: Database, page: int) -> str:
    """The id before a page of 50 of all assets."""
    return database.value(
        "select id from magpie.assets where bucket_id = 'shop' and kind <> 'other' and not is_derived"
        f" order by place desc offset {50 * (page - 1) - 1} limit 1"
    )


def measure(server: Server, database: Database, key: str, rounds: int) -> None:
    library = Library(server, key)
    assert server.process is not None
    queries = {}
    for title, query in LISTS.items():
        query = dict(query)
        if "page" in query:
            query["cursor"] = last_before(database, int(query.pop("page")))
        queries[title] = query
    totals = {title: json.loads(library.list(query))["totalCount"] for title, query in queries.items()}
    durations: dict[str, list[float]] = {title: [] for title in queries}
    processor = dict.fromkeys(queries, 0.0)
    for title, query in queries.items():
        before = cpu_seconds(server.process.pid)
        for _ in range(rounds):
            begin = time.perf_counter()
            library.list(query)
            durations[title].append((time.perf_counter() - begin) * 1e3)
        processor[title] = (cpu_seconds(server.process.pid) - before) / rounds * 1e3
    print(f"load average {os.getloadavg()[0]:.1f}", file=sys.stderr)
    print("| list | total told | median, ms | worst, ms | processor time, ms |\n|---|---|---|---|---|")
    for title, times in durations.items():
        row = (f"{totals[title]:,}", f"{statistics.median(times):.1f}", f"{max(times):.1f}", f"{processor[title]:.1f}")
        print(f"| {title} | {' | '.join(row)} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--assets", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--binary", type=pathlib.Path, default=ROOT / ".build" / "release" / "magpie")
    options = parser.parse_args()
    with Server({"MAGPIE_DURABILITY": "none", "MAGPIE_JOB_WORKERS": "0"}, binary=options.binary) as server:
        key = create_project(server, "shop").apiKey
        database = server.database
        fill(database, options.assets)
        measure(server, database, key, options.rounds)


if __name__ == "__main__":
    main()
