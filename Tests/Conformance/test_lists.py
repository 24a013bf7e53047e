# SPDX-License-Identifier: Apache-2.0
"""Both lists: each test's name is a line of the checklist."""

from __future__ import annotations

import base64
import itertools

import pytest
from Support.wire import NO_AUTHORIZATION


def fill(database, bucket: str, keys: list[str]) -> None:
    """Rows without bytes, a second apart, in the order given."""
    values = ",".join(
        f"('{bucket}', '{key}', timestamptz '2024-01-01 00:00:00.123456Z' + interval '1 second' * {number},"
        f" timestamptz '2024-02-01Z' - interval '1 second' * {number}, '{{\"size\": {number}}}')"
        for number, key in enumerate(keys)
    )
    database.run(f"insert into storage.objects (bucket_id, name, created_at, updated_at, metadata) values {values}")


def one(wire, bucket: str, **body) -> list[str]:
    reply = wire.send_json("POST", f"/object/list/{bucket}", {"prefix": "", **body})
    assert reply.status == 200, reply.text
    return [row["name"] for row in reply.json()]


def two(wire, bucket: str, **body) -> dict:
    reply = wire.send_json("POST", f"/object/list-v2/{bucket}", body)
    assert reply.status == 200, reply.text
    return reply.json()


# --- list v1 ----------------------------------------------------------------------------------------------------------------


def test_v1_of_an_empty_and_of_an_unknown_bucket_is_an_empty_list(admin, bucket):
    for name in (bucket, "no-such-bucket"):
        assert admin.send_json("POST", f"/object/list/{name}", {"prefix": ""}).text == "[]"


def test_v1_items_have_their_fields_and_folders_are_null(admin, bucket, put):
    put(bucket, "dir/a.txt", b"x")
    put(bucket, "b.txt", b"x")
    rows = admin.send_json("POST", f"/object/list/{bucket}", {"prefix": ""}).json()
    assert [set(row) for row in rows] == [{"name", "id", "updated_at", "created_at", "last_accessed_at", "metadata"}] * 2
    assert (rows[0]["name"], rows[0]["metadata"]["size"], rows[0]["metadata"]["mimetype"]) == ("b.txt", 1, "text/plain")
    assert rows[1] == {
        "name": "dir",
        "id": None,
        "updated_at": None,
        "created_at": None,
        "last_accessed_at": None,
        "metadata": None,
    }


def test_v1_names_are_relative_to_the_prefix_with_and_without_a_trailing_slash(admin, bucket, database):
    fill(database, bucket, ["dir/sub/a.txt", "dir/b.txt", "directory/c.txt"])
    assert one(admin, bucket, prefix="dir") == one(admin, bucket, prefix="dir/") == ["b.txt", "sub"]
    assert one(admin, bucket, prefix="dir/sub") == ["a.txt"]
    assert one(admin, bucket, prefix="nothing") == []


def test_v1_search_is_a_prefix_match(admin, bucket, database):
    fill(database, bucket, ["p/alpha.txt", "p/bravo.txt", "p/brave/x.txt", "p/zbravo.txt"])
    assert one(admin, bucket, prefix="p", search="bravo", limit=1) == ["bravo.txt"]
    assert one(admin, bucket, prefix="p", search="brav") == ["brave", "bravo.txt"]
    assert one(admin, bucket, prefix="p/", search="x") == []


def test_v1_search_may_span_folders_and_names_stay_relative_to_the_prefix(admin, bucket, database):
    fill(database, bucket, ["a/b/c/file.png", "a/b/c/d/deep.png", "a/b/x.png"])
    assert one(admin, bucket, search="a/b/c/") == ["a/b/c/d", "a/b/c/file.png"]
    assert one(admin, bucket, search="a/b/c") == ["a/b/c"]
    assert one(admin, bucket, prefix="a", search="b/c/f") == ["b/c/file.png"]
    assert one(admin, bucket, prefix="a", search="b/c/f", sortBy={"column": "created_at", "order": "asc"}) == ["b/c/file.png"]


def test_v1_sorts_by_the_bytes_of_the_lower_cased_name_folders_and_files_mixed(admin, bucket, database):
    fill(database, bucket, ["b2.txt", "b.txt", "C.txt", "a/x", "B1.txt"])
    ordered = ["a", "b.txt", "B1.txt", "b2.txt", "C.txt"]
    assert one(admin, bucket) == ordered
    assert one(admin, bucket, sortBy={"column": "name", "order": "desc"}) == ordered[::-1]


def test_v1_matches_prefixes_in_any_case(admin, bucket, database):
    fill(database, bucket, ["Photos/A.png", "photos/b.png"])
    assert one(admin, bucket) == ["Photos"]
    assert sorted(one(admin, bucket, prefix="PHOTOS")) == ["A.png", "b.png"]


def test_v1_takes_percent_and_underscore_literally_in_every_sort(admin, bucket, database):
    fill(database, bucket, ["a_b/x", "axb/y", "a%b/z"])
    for column in ("name", "created_at"):
        sort = {"column": column, "order": "asc"}
        assert one(admin, bucket, prefix="a_b", sortBy=sort) == ["x"]
        assert one(admin, bucket, prefix="a%b", sortBy=sort) == ["z"]
        assert one(admin, bucket, prefix="a%", sortBy=sort) == []
        assert one(admin, bucket, search="_", sortBy=sort) == []


@pytest.mark.parametrize("column", ["created_at", "updated_at", "last_accessed_at"])
def test_v1_by_another_column_puts_folders_first(admin, bucket, database, column):
    fill(database, bucket, ["z.txt", "m/1", "a.txt", "b/2"])
    database.run(f"update storage.objects set last_accessed_at = created_at where bucket_id = '{bucket}'")
    ascending = one(admin, bucket, sortBy={"column": column, "order": "asc"})
    descending = one(admin, bucket, sortBy={"column": column, "order": "desc"})
    assert sorted(ascending[:2]) == sorted(descending[:2]) == ["b", "m"]
    assert ascending[2:] == descending[2:][::-1]


def test_v1_pages_with_limit_and_offset(admin, bucket, database):
    fill(database, bucket, [f"{number:02}" for number in range(12)])
    assert one(admin, bucket, limit=5) == [f"{number:02}" for number in range(5)]
    assert one(admin, bucket, limit="5", offset="10") == ["10", "11"]


def test_v1_defaults_to_100_and_is_capped_at_1500(admin, bucket, database):
    database.run(
        f"insert into storage.objects (bucket_id, name) select '{bucket}', lpad(n::text, 5, '0') from generate_series(1, 1600) n"
    )
    assert len(one(admin, bucket)) == 100
    assert len(one(admin, bucket, limit=10_000)) == 1500


def test_v1_shows_a_key_that_ends_in_a_slash_as_a_folder_and_as_an_empty_name(admin, bucket, database):
    fill(database, bucket, ["dir/"])
    assert one(admin, bucket) == ["dir"]
    assert one(admin, bucket, prefix="dir") == [""]


def test_v1_shows_only_what_policies_let_see(user, anon, bucket, database):
    fill(database, bucket, ["mine/a", "theirs/b", "c"])
    with database.policies(
        f"on storage.objects for select to authenticated using (bucket_id = '{bucket}' and name like 'mine/%')"
    ):
        assert one(user, bucket) == ["mine"]
        assert one(user, bucket, prefix="theirs") == []
        assert one(anon, bucket) == []


def test_v1_without_a_token_is_400(anyone, bucket):
    assert anyone.send_json("POST", f"/object/list/{bucket}", {"prefix": ""}).text == NO_AUTHORIZATION


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "prefix"),
        ({"prefix": "", "limit": 0}, "limit"),
        ({"prefix": "", "offset": -1}, "offset"),
        ({"prefix": "", "limit": "x"}, "limit"),
        ({"prefix": "", "sortBy": {"order": "asc"}}, "column"),
        ({"prefix": "", "sortBy": {"column": "size"}}, "column"),
        ({"prefix": "", "sortBy": {"column": "name", "order": "up"}}, "order"),
        ({"prefix": {}}, "prefix"),
    ],
)
def test_v1_names_the_field_that_is_wrong(admin, bucket, body, field):
    reply = admin.send_json("POST", f"/object/list/{bucket}", body)
    assert (reply.status, field in reply.json()["message"]) == (400, True), reply.text


# --- list v2 ----------------------------------------------------------------------------------------------------------------


def test_v2_of_an_empty_bucket_has_no_cursor(admin, bucket):
    assert two(admin, bucket) == {"hasNext": False, "folders": [], "objects": []}


def test_v2_objects_have_their_fields(admin, bucket, put):
    put(bucket, "dir/a.txt")
    flat, grouped = two(admin, bucket), two(admin, bucket, with_delimiter=True, prefix="dir/")
    assert set(flat["objects"][0]) == {"id", "name", "metadata", "updated_at", "created_at", "last_accessed_at"}
    assert flat["objects"][0]["name"] == "dir/a.txt"
    assert (grouped["objects"][0]["name"], grouped["objects"][0]["key"]) == ("dir/a.txt", "a.txt")
    assert flat["objects"][0]["metadata"]["size"] == 5


def test_v2_pages_flat_in_byte_order(admin, bucket, database):
    fill(database, bucket, ["b", "B", "a/b", "a", "a.b"])
    names, cursor = [], {}
    for _ in range(3):
        page = two(admin, bucket, limit=2, **cursor)
        names.append([row["name"] for row in page["objects"]])
        cursor = {"cursor": page.get("nextCursor")}
    assert names == [["B", "a"], ["a.b", "a/b"], ["b"]]
    assert (page["hasNext"], "nextCursor" in page) == (False, False)


def test_v2_with_a_delimiter_gives_full_names_and_hides_deeper_keys(admin, bucket, database):
    fill(database, bucket, ["p/a.txt", "p/nested/b.txt", "p/nested/deep/c.txt", "p/z.txt", "q/other"])
    page = two(admin, bucket, prefix="p/", with_delimiter=True)
    assert [row["name"] for row in page["objects"]] == ["p/a.txt", "p/z.txt"]
    assert [(row["name"], row["key"], row["id"]) for row in page["folders"]] == [("p/nested/", "nested", None)]
    descending = two(admin, bucket, prefix="p/", with_delimiter=True, sortBy={"column": "name", "order": "desc"})
    assert [row["name"] for row in descending["objects"]] == ["p/z.txt", "p/a.txt"]


def test_v2_prefix_is_literal_and_gets_no_slash(admin, bucket, database):
    fill(database, bucket, ["_a", "xa", "%a", "dir/a", "directory/b"])
    assert [row["name"] for row in two(admin, bucket, prefix="_")["objects"]] == ["_a"]
    assert [row["name"] for row in two(admin, bucket, prefix="%")["objects"]] == ["%a"]
    assert [row["name"] for row in two(admin, bucket, prefix="dir")["objects"]] == ["dir/a", "directory/b"]
    assert two(admin, bucket, prefix="DIR")["objects"] == []


@pytest.mark.parametrize("column", ["name", "created_at", "updated_at"])
@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("delimiter", [False, True])
def test_v2_pages_correctly_in_every_sort(admin, bucket, database, column, order, delimiter):
    keys = [f"{folder}{name}" for folder, name in itertools.product(["", "m/", "t/u/"], ["c", "a", "e", "b", "d"])]
    fill(database, bucket, keys)
    entries, cursor = [], {}
    while True:
        page = two(admin, bucket, limit=5, with_delimiter=delimiter, sortBy={"column": column, "order": order}, **cursor)
        entries += [(row["name"], row["created_at"], row["updated_at"]) for row in page["folders"] + page["objects"]]
        assert page["hasNext"] is ("nextCursor" in page)
        if not page["hasNext"]:
            break
        cursor = {"cursor": page["nextCursor"]}
    expected = {"a", "b", "c", "d", "e", "m/", "t/"} if delimiter else set(keys)
    assert len(entries) == len(expected) and {name for name, *_ in entries} == expected
    if not delimiter:
        place = {"name": 0, "created_at": 1, "updated_at": 2}[column]
        values = [entry[place] for entry in entries]
        assert values == sorted(values, reverse=order == "desc")


def test_v2_an_overwrite_moves_only_updated_at(admin, bucket):
    import time

    for key in ("a", "b"):
        admin.post(f"/object/{bucket}/{key}", b"1")
        time.sleep(0.005)  # so that the times differ by a millisecond, which is what a cursor holds
    admin.put(f"/object/{bucket}/a", b"2")
    by_created = two(admin, bucket, sortBy={"column": "created_at", "order": "desc"})
    by_updated = two(admin, bucket, sortBy={"column": "updated_at", "order": "asc"})
    assert [row["name"] for row in by_created["objects"]] == ["b", "a"]
    assert [row["name"] for row in by_updated["objects"]] == ["b", "a"]


def test_v2_the_cursor_overrides_the_sort(admin, bucket, database):
    fill(database, bucket, ["a", "b", "c", "d"])
    first = two(admin, bucket, limit=2, sortBy={"column": "name", "order": "desc"})
    second = two(admin, bucket, limit=2, cursor=first["nextCursor"], sortBy={"column": "created_at", "order": "asc"})
    assert [row["name"] for row in second["objects"]] == ["b", "a"]


@pytest.mark.parametrize(
    "cursor", ["%%%", "not-base64!", base64.b64encode(b"nonsense").decode(), base64.b64encode(b"l:a\no:sideways").decode(), ""]
)
def test_v2_an_undecodable_cursor_is_an_invalid_parameter(admin, bucket, cursor):
    reply = admin.send_json("POST", f"/object/list-v2/{bucket}", {"cursor": cursor})
    if cursor == "":
        assert reply.status == 200
    else:
        assert (reply.status, reply.json()["code"]) == (400, "InvalidParameter")


def test_v2_a_cursor_can_not_smuggle_sql(admin, bucket, database):
    fill(database, bucket, ["a"])
    cursor = base64.b64encode(b"l:a' or true --\no:asc\nc:created_at; drop table storage.objects\na:2024").decode()
    assert admin.send_json("POST", f"/object/list-v2/{bucket}", {"cursor": cursor}).status in (200, 400)
    assert [row["name"] for row in two(admin, bucket)["objects"]] == ["a"]


def test_v2_is_capped_at_1000(admin, bucket, database):
    database.run(
        f"insert into storage.objects (bucket_id, name) select '{bucket}', lpad(n::text, 5, '0') from generate_series(1, 1200) n"
    )
    for body in ({}, {"limit": 5000}, {"limit": 5000, "with_delimiter": True}):
        page = two(admin, bucket, **body)
        assert (len(page["objects"]), page["hasNext"]) == (1000, True)


def test_v2_shows_only_what_policies_let_see(user, bucket, database):
    fill(database, bucket, ["mine/a", "theirs/b"])
    with database.policies(
        f"on storage.objects for select to authenticated using (bucket_id = '{bucket}' and name like 'mine/%')"
    ):
        assert [row["name"] for row in two(user, bucket)["objects"]] == ["mine/a"]
        assert [row["name"] for row in two(user, bucket, with_delimiter=True)["folders"]] == ["mine/"]


def test_v2_without_a_token_is_reported_as_an_invalid_token(anyone, bucket):
    reply = anyone.send_json("POST", f"/object/list-v2/{bucket}", {})
    assert (reply.status, reply.json()["statusCode"], reply.json()["error"]) == (400, "403", "Unauthorized")


@pytest.mark.parametrize(
    ("body", "field"),
    [({"limit": 0}, "limit"), ({"sortBy": {"column": "size"}}, "column"), ({"with_delimiter": "maybe"}, "with_delimiter")],
)
def test_v2_names_the_field_that_is_wrong(admin, bucket, body, field):
    reply = admin.send_json("POST", f"/object/list-v2/{bucket}", body)
    assert (reply.status, field in reply.json()["message"]) == (400, True), reply.text


def test_a_page_deep_in_a_large_bucket_is_read_from_the_index(bucket, database):
    database.run(f"""
        insert into storage.objects (bucket_id, name, metadata)
        select '{bucket}', 'd' || (n % 100) || '/' || lpad(n::text, 6, '0') || '.jpg', '{{"size": 1}}' from generate_series(1, 20000) n;
        analyze storage.objects;""")
    plan = database.run(f"""explain select name from storage.objects
        where bucket_id = '{bucket}' and name collate "C" > 'd5/' order by name collate "C" limit 1000""")
    assert "idx_objects_bucket_id_name" in plan and "Sort" not in plan
