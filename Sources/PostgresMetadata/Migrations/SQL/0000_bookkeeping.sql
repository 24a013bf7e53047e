-- SPDX-License-Identifier: Apache-2.0
-- Magpie's own schema, the list of migrations, and the decision whether the schema `storage` is ours or adopted.

DO $$
BEGIN
    IF current_setting('server_version_num')::int < 150000 THEN
        RAISE EXCEPTION 'Magpie needs PostgreSQL 15 or newer, this server is %', current_setting('server_version');
    END IF;
    IF current_setting('server_encoding') <> 'UTF8' THEN
        RAISE EXCEPTION 'Magpie needs a database in UTF8, this one is in %', current_setting('server_encoding');
    END IF;
    IF to_regnamespace('magpie') IS NULL AND NOT has_database_privilege(current_database(), 'CREATE') THEN
        RAISE EXCEPTION 'the role "%" may not create schemas in the database "%"', current_user, current_database()
            USING HINT = format('GRANT CREATE ON DATABASE %I TO %I', current_database(), current_user);
    END IF;
END
$$;

CREATE SCHEMA IF NOT EXISTS magpie;

CREATE TABLE IF NOT EXISTS magpie.migrations (
    number int PRIMARY KEY,
    name text NOT NULL,
    -- True when the database came with what the migration would make.
    adopted boolean NOT NULL DEFAULT false,
    applied_at timestamptz NOT NULL DEFAULT now()
);

DO $$
DECLARE
    -- The last migration of Supabase Storage whose functions and columns Magpie relies on.
    oldest constant int := 63;
    found int;
    is_foreign boolean := to_regclass('storage.objects') IS NOT NULL;
BEGIN
    IF EXISTS (SELECT FROM magpie.migrations WHERE number = 0) THEN
        RETURN;
    END IF;
    IF is_foreign THEN
        IF to_regclass('storage.migrations') IS NOT NULL THEN
            EXECUTE 'SELECT max(id) FROM storage.migrations' INTO found;
        END IF;
        IF found IS NULL OR found < oldest THEN
            RAISE EXCEPTION 'the schema "storage" of this database is at migration %, Magpie needs % or later',
                coalesce(found::text, 'none'), oldest
                USING HINT = 'Let a current Supabase Storage server migrate the database first.';
        END IF;
    END IF;
    INSERT INTO magpie.migrations (number, name, adopted) VALUES (0, 'bookkeeping', is_foreign);
END
$$;
