# SPDX-License-Identifier: Apache-2.0
"""The schema that Supabase users know, as it is after migration."""

from __future__ import annotations

import uuid

import pytest


def test_a_direct_delete_is_refused_and_works_with_the_setting(database, make_bucket):
    bucket = make_bucket()
    key = uuid.uuid4().hex
    database.run(f"insert into storage.objects (bucket_id, name) values ('{bucket}', '{key}')")
    for table in ("objects", "buckets"):
        with pytest.raises(
            RuntimeError, match="Direct deletion from storage tables is not allowed. Use the Storage API instead."
        ):
            database.run(f"delete from storage.{table} where false")
    database.run(
        f"""begin; set local storage.allow_delete_query = 'true'; delete from storage.objects where name = '{key}'; commit"""
    )
    assert database.value(f"select count(*) from storage.objects where name = '{key}'") == "0"


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("storage.foldername('a/b/c.txt')", "{a,b}"),
        ("storage.foldername('x.txt')", "{}"),
        ("storage.filename('a/b/c.txt')", "c.txt"),
        ("storage.extension('a/c.tar.gz')", "gz"),
        ("storage.get_common_prefix('a/b/c', 'a/', '/')", "a/b/"),
        ("storage.get_common_prefix('a/b', 'a/', '/') is null", "t"),
    ],
)
def test_functions_that_policies_call(database, expression, result):
    assert database.value(f"select {expression}") == result


@pytest.mark.parametrize(
    ("operation", "call", "result"),
    [
        ("storage.object.list", "allow_only_operation('object.list')", "t"),
        ("object.list", "allow_only_operation('storage.object.list')", "t"),
        ("storage.object.list", "allow_only_operation('storage.object.list')", "t"),
        ("storage.object.list_v2", "allow_only_operation('object.list')", "f"),
        ("storage.object.list", "allow_only_operation('')", "f"),
        ("storage.object.list", "allow_only_operation(null)", "f"),
        ("", "allow_only_operation('')", "f"),
        ("storage.object.list", "allow_any_operation(array['object.get', 'object.list'])", "t"),
        ("storage.object.list", "allow_any_operation(array[null, '', 'object.list'])", "t"),
        ("storage.object.list", "allow_any_operation(array['object'])", "f"),
        ("storage.object.list", "allow_any_operation(array[]::text[])", "f"),
        ("storage.object.list", "allow_any_operation(null)", "f"),
    ],
)
def test_the_operation_helpers(database, operation, call, result):
    value = database.run(
        f"begin; select set_config('storage.operation', '{operation}', true) \\g /dev/null\nselect storage.{call}; commit"
    )
    assert value.splitlines()[-1] == result


def test_the_auth_helpers_read_the_claims(database):
    value = database.run("""begin;
        select set_config('request.jwt.claims', '{"sub": "5a4e2d5e-0000-4000-8000-000000000001", "role": "authenticated", "email": "a@b.c"}', true) \\g /dev/null
        select auth.uid(), auth.role(), auth.email(), auth.jwt()->>'email'; commit""")
    assert value.splitlines()[-1] == "5a4e2d5e-0000-4000-8000-000000000001|authenticated|a@b.c|a@b.c"


def test_the_versioning_columns_are_present_and_dark(database, bucket):
    assert database.value(f"select versioning_status from storage.buckets where id = '{bucket}'") == "DISABLED"
    with pytest.raises(RuntimeError, match="check"):
        database.run(f"update storage.buckets set versioning_status = 'ENABLED' where id = '{bucket}'")
    columns = database.value(
        "select string_agg(column_name, ',' order by column_name) from information_schema.columns where table_schema = 'storage' and table_name = 'objects' and column_name in ('archived_at', 'is_delete_marker', 'is_versioned')"
    )
    assert columns == "archived_at,is_delete_marker,is_versioned"


def test_every_table_has_row_level_security_and_no_policy_is_shipped_but_for_files_and_keys_of_projects(database):
    tables = database.value(
        "select string_agg(relname, ',' order by relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace where nspname = 'storage' and relkind = 'r' and relrowsecurity"
    )
    for name in (
        "buckets",
        "buckets_analytics",
        "buckets_vectors",
        "iceberg_namespaces",
        "iceberg_tables",
        "migrations",
        "objects",
        "s3_multipart_uploads",
        "s3_multipart_uploads_parts",
        "vector_indexes",
    ):
        assert name in tables.split(",")
    shipped = database.rows(
        "select policyname, roles::text, cmd, permissive from pg_policies where schemaname = 'storage' and tablename in ('objects', 'buckets') and policyname not like 'test_%' and roles <> '{magpie_project}' order by 1"
    )
    # They let users at files of apps, add to what others grant, and hold nowhere else.
    assert shipped == [
        {"policyname": "magpie_files_create", "roles": "{authenticated}", "cmd": "INSERT", "permissive": "PERMISSIVE"},
        {"policyname": "magpie_files_delete", "roles": "{authenticated}", "cmd": "DELETE", "permissive": "PERMISSIVE"},
        {"policyname": "magpie_files_read", "roles": "{anon,authenticated}", "cmd": "SELECT", "permissive": "PERMISSIVE"},
        {"policyname": "magpie_files_update", "roles": "{authenticated}", "cmd": "UPDATE", "permissive": "PERMISSIVE"},
    ]


@pytest.mark.parametrize(
    "index",
    [
        "bucketid_objname",
        "idx_objects_bucket_id_name",
        "idx_objects_bucket_id_name_lower",
        "name_prefix_search",
        "bname",
        "idx_multipart_uploads_list",
    ],
)
def test_the_indexes_are_there(database, index):
    assert database.value(f"select count(*) from pg_indexes where schemaname = 'storage' and indexname = '{index}'") == "1"


def test_the_roles_have_the_rights_that_supabase_gives(database):
    rows = database.rows(
        "select rolname, rolcanlogin, rolbypassrls from pg_roles where rolname in ('anon', 'authenticated', 'magpie_project', 'service_role') order by 1"
    )
    assert rows == [
        {"rolname": "anon", "rolcanlogin": False, "rolbypassrls": False},
        {"rolname": "authenticated", "rolcanlogin": False, "rolbypassrls": False},
        {"rolname": "magpie_project", "rolcanlogin": False, "rolbypassrls": False},
        {"rolname": "service_role", "rolcanlogin": False, "rolbypassrls": True},
    ]
    for role in ("anon", "authenticated"):
        assert database.value(f"select has_table_privilege('{role}', 'storage.objects', 'insert, select, update, delete')") == "t"
        # Versions that are not current are theirs as far as a policy says so, and none does until an operator writes one.
        reachable = database.rows(
            f"""select c.relname, c.relrowsecurity,
                (select count(*) from pg_policy p where p.polrelid = c.oid and '{role}'::regrole = any (p.polroles)) as policies
            from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where n.nspname = 'magpie' and c.relkind in ('r', 'v', 'p')
            and has_table_privilege('{role}', c.oid, 'select, insert, update, delete') order by 1"""
        )
        # Of assets and folders they see those whose objects and buckets they see.
        assert [table["relname"] for table in reachable] == ["assets", "file_tickets", "files", "folders", "object_versions"]
        assert all(table["relrowsecurity"] for table in reachable)
        # Policies for these roles are of files alone; whoever has no token has no ticket.
        own = {table["relname"]: table["policies"] for table in reachable if table["policies"]}
        assert own == ({"files": 1} if role == "anon" else {"files": 1, "file_tickets": 2})
        for table in ("assets", "folders", "files"):
            assert database.value(f"select has_table_privilege('{role}', 'magpie.{table}', 'insert, update, delete')") == "f"
        assert database.value(f"select has_table_privilege('{role}', 'magpie.file_tickets', 'update, delete')") == "f"
        made = database.value(f"select has_table_privilege('{role}', 'magpie.file_tickets', 'insert')")
        assert made == ("t" if role == "authenticated" else "f")
    policies = "select policyname from pg_policies where schemaname = 'magpie' and roles <> '{magpie_project}' order by 1"
    assert [row["policyname"] for row in database.rows(policies)] == [
        "magpie_assets_as_objects",
        "magpie_file_tickets_made_by_users",
        "magpie_file_tickets_users",
        "magpie_files_anonymous",
        "magpie_files_users",
        "magpie_folders_as_buckets",
    ]


def test_an_update_sets_updated_at_of_objects(database, bucket, put):
    put(bucket, "a")
    database.run(f"update storage.objects set updated_at = '2000-01-01' where bucket_id = '{bucket}'")
    assert (
        database.value(f"select updated_at > now() - interval '1 hour' from storage.objects where bucket_id = '{bucket}'") == "t"
    )


def test_a_bucket_name_over_100_characters_is_refused_in_the_database_too(database):
    with pytest.raises(RuntimeError):
        database.run(f"insert into storage.buckets (id, name) values ('{uuid.uuid4()}', repeat('x', 101))")


def test_get_size_by_bucket_adds_up(database, bucket, put):
    put(bucket, "a", b"123")
    put(bucket, "b", b"4567")
    assert database.value(f"select size from storage.get_size_by_bucket() where bucket_id = '{bucket}'") == "7"
