-- SPDX-License-Identifier: Apache-2.0
-- Files of apps: a row beside an object of a project, which says who may see it, and tickets for keys that were given out to upload to. The
-- policies here hold where there is such a row or ticket, in every dialect, and add to whatever else is granted.
--
-- As with assets there is no foreign key to `storage.objects`: triggers follow it.

-- The projects that have files or tickets, or had: whatever is done in any other bucket is not asked about files.
CREATE TABLE IF NOT EXISTS magpie.file_projects (
    bucket_id text PRIMARY KEY REFERENCES magpie.projects (bucket_id) ON UPDATE CASCADE ON DELETE CASCADE
);

CREATE TABLE IF NOT EXISTS magpie.file_tickets (
    -- Also of the file that comes of it.
    id uuid PRIMARY KEY,
    bucket_id text NOT NULL REFERENCES magpie.projects (bucket_id) ON UPDATE CASCADE ON DELETE CASCADE,
    name text COLLATE "C" NOT NULL,
    owner_kind text NOT NULL CHECK (owner_kind IN ('user', 'session', 'service', 'public')),
    owner_id text COLLATE "C" CHECK (octet_length(owner_id) <= 255),
    -- Of whoever asked.
    role text NOT NULL,
    original_name text NOT NULL,
    media_type text NOT NULL,
    -- In bytes; NULL where nothing was announced.
    size bigint CHECK (size >= 0),
    visibility text NOT NULL CHECK (visibility IN ('public', 'private', 'protected', 'shared')),
    label text NOT NULL CHECK (
        label IN ('images', 'documents', 'media', 'attachments', 'exports', 'backups', 'temp', 'avatars', 'files')),
    -- Of one that comes in parts.
    upload_id text,
    -- Reserved in a store of the project's own, where the client sends the bytes there itself.
    backend text,
    blob_key text,
    version text,
    issued_at timestamptz NOT NULL,
    registered_at timestamptz,
    CHECK ((owner_kind = 'user') = (owner_id IS NOT NULL)),
    CHECK ((backend IS NULL) = (blob_key IS NULL) AND (backend IS NULL) = (version IS NULL)),
    -- Nobody can ask for a key that is somebody else's: the id is in it.
    CHECK (starts_with(name, label || '/' || id::text || '/'))
);
CREATE UNIQUE INDEX IF NOT EXISTS file_tickets_key ON magpie.file_tickets (bucket_id, name);
CREATE INDEX IF NOT EXISTS file_tickets_age ON magpie.file_tickets (issued_at);

CREATE TABLE IF NOT EXISTS magpie.files (
    id uuid PRIMARY KEY,
    bucket_id text NOT NULL REFERENCES magpie.projects (bucket_id) ON UPDATE CASCADE ON DELETE CASCADE,
    object_id uuid NOT NULL,
    -- As the object's.
    name text COLLATE "C" NOT NULL,
    original_name text COLLATE "C" NOT NULL CHECK (char_length(original_name) <= 255),
    -- As the object's, no longer than an index takes.
    media_type text COLLATE "C" NOT NULL CHECK (char_length(media_type) <= 255),
    -- In bytes.
    size bigint NOT NULL,
    -- In pixels.
    width int,
    height int,
    visibility text COLLATE "C" NOT NULL CHECK (visibility IN ('public', 'private', 'protected', 'shared')),
    label text COLLATE "C" NOT NULL CHECK (
        label IN ('images', 'documents', 'media', 'attachments', 'exports', 'backups', 'temp', 'avatars', 'files')),
    owner_kind text COLLATE "C" NOT NULL CHECK (owner_kind IN ('user', 'session', 'service', 'public')),
    owner_id text COLLATE "C" CHECK (octet_length(owner_id) <= 255),
    -- Subjects of tokens, in byte order. They count while the file is `shared`.
    shared_with text[] NOT NULL DEFAULT '{}',
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- What a media type is without its parameters.
CREATE OR REPLACE FUNCTION magpie.media_essence(p_media_type text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT lower(rtrim(split_part(p_media_type, ';', 1), ' '))
$$;

-- Columns that queries go by.
ALTER TABLE magpie.files
    ADD COLUMN IF NOT EXISTS essence text COLLATE "C" NOT NULL GENERATED ALWAYS AS (magpie.media_essence(media_type)) STORED,
    -- What is searched.
    ADD COLUMN IF NOT EXISTS folded_name text NOT NULL GENERATED ALWAYS AS (lower(original_name)) STORED;

-- What a file is found by, as hashes: the parts of its name, as in `magpie.grams`, and what a search can be narrowed to. Never to be computed
-- for a row that is only looked at.
CREATE OR REPLACE FUNCTION magpie.file_grams(
    p_name text, p_bucket text, p_label text, p_essence text, p_owner_kind text, p_owner text
) RETURNS int[] LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 1000000 AS $$
BEGIN
    RETURN magpie.grams(p_name || E'\x1f')
        || magpie.file_narrowing(p_bucket, p_label, p_essence, split_part(p_essence, '/', 1), p_owner_kind, p_owner);
END
$$;

-- Those of a project, a label, a type, a kind of types, a kind of owners and an owner, where they are not NULL.
CREATE OR REPLACE FUNCTION magpie.file_narrowing(
    p_bucket text, p_label text, p_essence text, p_media_kind text, p_owner_kind text, p_owner text
) RETURNS int[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT array_remove(ARRAY[
        hashtext(E'\x1fbucket ' || p_bucket), hashtext(E'\x1flabel ' || p_label), hashtext(E'\x1ftype ' || p_essence),
        hashtext(E'\x1fkind ' || p_media_kind), hashtext(E'\x1fowners ' || p_owner_kind), hashtext(E'\x1fowner ' || p_owner)], NULL)
$$;

-- Each order has an index for each visibility, and who sees several has them merged.
CREATE UNIQUE INDEX IF NOT EXISTS files_key ON magpie.files (bucket_id, name);
CREATE UNIQUE INDEX IF NOT EXISTS files_object ON magpie.files (object_id);
CREATE INDEX IF NOT EXISTS files_created ON magpie.files (bucket_id, visibility, created_at, id)
    INCLUDE (label, essence, owner_kind, folded_name);
CREATE INDEX IF NOT EXISTS files_updated ON magpie.files (bucket_id, visibility, updated_at, id);
CREATE INDEX IF NOT EXISTS files_name ON magpie.files (bucket_id, visibility, original_name, id);
CREATE INDEX IF NOT EXISTS files_size ON magpie.files (bucket_id, visibility, size, id);
CREATE INDEX IF NOT EXISTS files_type ON magpie.files (bucket_id, visibility, essence, id);
CREATE INDEX IF NOT EXISTS files_id ON magpie.files (bucket_id, visibility, id);
CREATE INDEX IF NOT EXISTS files_owner ON magpie.files (bucket_id, owner_id, created_at, id) INCLUDE (visibility, label, size)
    WHERE owner_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS files_shared ON magpie.files USING gin (shared_with) WHERE visibility = 'shared';
-- New rows wait in a list that every search reads, too: a short one.
CREATE INDEX IF NOT EXISTS files_grams ON magpie.files USING gin
    (magpie.file_grams(folded_name, bucket_id, label, essence, owner_kind, owner_id)) WITH (gin_pending_list_limit = 512);

-- Who calls.

CREATE OR REPLACE FUNCTION magpie.caller_subject() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT coalesce(
        nullif(current_setting('request.jwt.claim.sub', true), ''),
        nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')
$$;

CREATE OR REPLACE FUNCTION magpie.file_buckets() RETURNS text[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(array_agg(p.bucket_id), '{}') FROM magpie.file_projects AS p
$$;
GRANT EXECUTE ON FUNCTION magpie.caller_subject(), magpie.file_buckets() TO PUBLIC;

-- Nobody but the service writes files: who may change one is who may lock its object to update it.
ALTER TABLE magpie.files ENABLE ROW LEVEL SECURITY;
ALTER TABLE magpie.file_tickets ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON magpie.files, magpie.file_tickets, magpie.file_projects FROM PUBLIC, anon, authenticated, magpie_project;
GRANT SELECT, INSERT, UPDATE, DELETE ON magpie.files, magpie.file_tickets, magpie.file_projects TO service_role;
GRANT SELECT ON magpie.files TO anon, authenticated, magpie_project;
-- The policies of objects ask whether there is one, of whoever asks.
GRANT SELECT ON magpie.file_tickets TO anon, authenticated, magpie_project;
GRANT INSERT ON magpie.file_tickets TO authenticated, magpie_project;

DROP POLICY IF EXISTS magpie_files_anonymous ON magpie.files;
CREATE POLICY magpie_files_anonymous ON magpie.files FOR SELECT TO anon USING (visibility = 'public');
DROP POLICY IF EXISTS magpie_files_users ON magpie.files;
CREATE POLICY magpie_files_users ON magpie.files FOR SELECT TO authenticated USING (
    visibility IN ('public', 'protected')
    OR owner_id = (SELECT magpie.caller_subject())
    OR visibility = 'shared' AND shared_with @> ARRAY[(SELECT magpie.caller_subject())]);
DROP POLICY IF EXISTS magpie_files_projects ON magpie.files;
CREATE POLICY magpie_files_projects ON magpie.files FOR SELECT TO magpie_project
    USING (bucket_id = ANY ((SELECT magpie.caller_projects())::text[]));

DROP POLICY IF EXISTS magpie_file_tickets_users ON magpie.file_tickets;
CREATE POLICY magpie_file_tickets_users ON magpie.file_tickets FOR SELECT TO authenticated
    USING (owner_id = (SELECT magpie.caller_subject()));
DROP POLICY IF EXISTS magpie_file_tickets_made_by_users ON magpie.file_tickets;
CREATE POLICY magpie_file_tickets_made_by_users ON magpie.file_tickets FOR INSERT TO authenticated
    WITH CHECK (owner_kind = 'user' AND owner_id = (SELECT magpie.caller_subject()) AND registered_at IS NULL);
DROP POLICY IF EXISTS magpie_file_tickets_projects ON magpie.file_tickets;
CREATE POLICY magpie_file_tickets_projects ON magpie.file_tickets FOR SELECT TO magpie_project
    USING (bucket_id = ANY ((SELECT magpie.caller_writable_projects())::text[]));
DROP POLICY IF EXISTS magpie_file_tickets_made_by_projects ON magpie.file_tickets;
CREATE POLICY magpie_file_tickets_made_by_projects ON magpie.file_tickets FOR INSERT TO magpie_project
    WITH CHECK (
        bucket_id = ANY ((SELECT magpie.caller_writable_projects())::text[]) AND registered_at IS NULL
        AND owner_id IS NOT DISTINCT FROM (SELECT magpie.caller_subject()));

-- Objects: who sees the file sees the object, and its owner writes it, where it is. Nobody but who has its ticket sees one that is not
-- registered yet. In the policies of objects `f` and `t` are seen through their own.

DROP POLICY IF EXISTS magpie_files_read ON storage.objects;
CREATE POLICY magpie_files_read ON storage.objects FOR SELECT TO anon, authenticated USING (
    bucket_id = ANY ((SELECT magpie.file_buckets())::text[]) AND (
        -- By the key: what is to be written has no id yet.
        EXISTS (SELECT FROM magpie.files AS f WHERE f.bucket_id = objects.bucket_id AND f.name = objects.name)
        OR EXISTS (
            SELECT FROM magpie.file_tickets AS t
            WHERE t.bucket_id = objects.bucket_id AND t.name = objects.name AND t.registered_at IS NULL)));

-- To replace what is there takes this right, too.
DROP POLICY IF EXISTS magpie_files_create ON storage.objects;
CREATE POLICY magpie_files_create ON storage.objects FOR INSERT TO authenticated WITH CHECK (
    bucket_id = ANY ((SELECT magpie.file_buckets())::text[]) AND (
        EXISTS (
            SELECT FROM magpie.file_tickets AS t
            WHERE t.bucket_id = objects.bucket_id AND t.name = objects.name AND t.registered_at IS NULL
                AND t.owner_id = (SELECT magpie.caller_subject()))
        OR EXISTS (
            SELECT FROM magpie.files AS f
            WHERE f.bucket_id = objects.bucket_id AND f.name = objects.name AND f.owner_id = (SELECT magpie.caller_subject()))));

-- A file stays at its key.
DROP POLICY IF EXISTS magpie_files_update ON storage.objects;
CREATE POLICY magpie_files_update ON storage.objects FOR UPDATE TO authenticated USING (
    bucket_id = ANY ((SELECT magpie.file_buckets())::text[]) AND (
        EXISTS (
            SELECT FROM magpie.files AS f
            WHERE f.object_id = objects.id AND f.owner_id = (SELECT magpie.caller_subject())
                AND f.bucket_id = objects.bucket_id AND f.name = objects.name)
        OR EXISTS (
            SELECT FROM magpie.file_tickets AS t
            WHERE t.bucket_id = objects.bucket_id AND t.name = objects.name AND t.registered_at IS NULL
                AND t.owner_id = (SELECT magpie.caller_subject())
                AND NOT EXISTS (SELECT FROM magpie.files AS f WHERE f.object_id = objects.id))));

DROP POLICY IF EXISTS magpie_files_delete ON storage.objects;
CREATE POLICY magpie_files_delete ON storage.objects FOR DELETE TO authenticated USING (
    bucket_id = ANY ((SELECT magpie.file_buckets())::text[]) AND (
        EXISTS (
            SELECT FROM magpie.files AS f
            WHERE f.object_id = objects.id AND f.owner_id = (SELECT magpie.caller_subject()))
        OR EXISTS (
            SELECT FROM magpie.file_tickets AS t
            WHERE t.bucket_id = objects.bucket_id AND t.name = objects.name AND t.registered_at IS NULL
                AND t.owner_id = (SELECT magpie.caller_subject()))));

-- Whether a public bucket keeps this object from who has no right of their own: it is a file that is not public, or not one yet.
CREATE OR REPLACE FUNCTION magpie.is_concealed(p_bucket text, p_name text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
            SELECT FROM magpie.files AS f WHERE f.bucket_id = p_bucket AND f.name = p_name AND f.visibility <> 'public')
        OR EXISTS (
            SELECT FROM magpie.file_tickets AS t WHERE t.bucket_id = p_bucket AND t.name = p_name AND t.registered_at IS NULL)
$$;
GRANT EXECUTE ON FUNCTION magpie.is_concealed(text, text) TO service_role;

-- Tickets.

-- A key where something is can't be given out: the ticket would be a right to it. As the owner, who sees everything.
CREATE OR REPLACE FUNCTION magpie.check_ticket() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM storage.objects AS o WHERE o.bucket_id = NEW.bucket_id AND o.name = NEW.name)
        OR EXISTS (SELECT FROM magpie.files AS f WHERE f.id = NEW.id)
    THEN
        RAISE EXCEPTION 'the key is taken' USING ERRCODE = 'unique_violation', TABLE = 'file_tickets';
    END IF;
    IF NOT EXISTS (SELECT FROM magpie.file_projects AS p WHERE p.bucket_id = NEW.bucket_id) THEN
        INSERT INTO magpie.file_projects (bucket_id)
        SELECT p.bucket_id FROM magpie.projects AS p WHERE p.bucket_id = NEW.bucket_id
        ON CONFLICT DO NOTHING;
    END IF;
    RETURN NEW;
END
$$;
CREATE OR REPLACE TRIGGER magpie_file_ticket_made BEFORE INSERT ON magpie.file_tickets
    FOR EACH ROW EXECUTE FUNCTION magpie.check_ticket();

-- Files follow their objects. As the owner: who may write an object need not be able to write here.

CREATE OR REPLACE FUNCTION magpie.file_follows_object() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM magpie.file_projects AS p WHERE p.bucket_id = OLD.bucket_id) THEN
        RETURN NULL;
    END IF;
    IF OLD.bucket_id IS DISTINCT FROM NEW.bucket_id AND NOT EXISTS (
        SELECT FROM magpie.file_projects AS p WHERE p.bucket_id = NEW.bucket_id)
    THEN
        -- Elsewhere it is an object among others, under the rights that hold there.
        DELETE FROM magpie.files AS f WHERE f.object_id = NEW.id;
        RETURN NULL;
    END IF;
    UPDATE magpie.files AS f
    SET bucket_id = NEW.bucket_id, name = NEW.name, size = magpie.object_size(NEW.metadata),
        media_type = left(coalesce(nullif(NEW.metadata ->> 'mimetype', ''), 'application/octet-stream'), 255),
        -- Of the bytes that are there now nobody said how large a picture they are.
        width = CASE WHEN OLD.version IS NOT DISTINCT FROM NEW.version THEN f.width END,
        height = CASE WHEN OLD.version IS NOT DISTINCT FROM NEW.version THEN f.height END,
        updated_at = now()
    WHERE f.object_id = NEW.id;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION magpie.files_go_with_objects() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        DELETE FROM magpie.files;
        DELETE FROM magpie.file_tickets AS t WHERE t.registered_at IS NOT NULL;
    ELSIF EXISTS (SELECT FROM gone AS g JOIN magpie.file_projects AS p ON p.bucket_id = g.bucket_id) THEN
        DELETE FROM magpie.files AS f USING gone AS g WHERE f.object_id = g.id;
        DELETE FROM magpie.file_tickets AS t USING gone AS g
        WHERE t.bucket_id = g.bucket_id AND t.name = g.name AND t.registered_at IS NOT NULL;
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER magpie_files_updated AFTER UPDATE ON storage.objects FOR EACH ROW
    WHEN (current_setting('magpie.trial', true) IS DISTINCT FROM 'on'
        AND (OLD.bucket_id, OLD.name, OLD.version, OLD.metadata) IS DISTINCT FROM (NEW.bucket_id, NEW.name, NEW.version, NEW.metadata))
    EXECUTE FUNCTION magpie.file_follows_object();
CREATE OR REPLACE TRIGGER magpie_files_deleted AFTER DELETE ON storage.objects
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT
    WHEN (current_setting('magpie.trial', true) IS DISTINCT FROM 'on') EXECUTE FUNCTION magpie.files_go_with_objects();
CREATE OR REPLACE TRIGGER magpie_files_truncated AFTER TRUNCATE ON storage.objects
    FOR EACH STATEMENT EXECUTE FUNCTION magpie.files_go_with_objects();

-- What is cached of an object says who may have it. What goes with its object is announced with that.
CREATE OR REPLACE FUNCTION magpie.announce_file() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT magpie.is_quiet() THEN
        PERFORM magpie.announce('object', coalesce(NEW.bucket_id, OLD.bucket_id), coalesce(NEW.name, OLD.name));
    END IF;
    RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER magpie_file_appeared AFTER INSERT ON magpie.files
    FOR EACH ROW EXECUTE FUNCTION magpie.announce_file();
CREATE OR REPLACE TRIGGER magpie_file_changed AFTER UPDATE ON magpie.files
    FOR EACH ROW WHEN (OLD.visibility <> NEW.visibility) EXECUTE FUNCTION magpie.announce_file();
CREATE OR REPLACE TRIGGER magpie_file_gone AFTER DELETE ON magpie.files
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION magpie.announce_file();
-- What was concealed for its ticket is so no longer.
CREATE OR REPLACE TRIGGER magpie_file_ticket_gone AFTER DELETE ON magpie.file_tickets
    FOR EACH ROW WHEN (OLD.registered_at IS NULL) EXECUTE FUNCTION magpie.announce_file();

-- Totals, in rows of which each connection has its own, nearly: who registers files does not wait for others.

CREATE TABLE IF NOT EXISTS magpie.file_totals (
    bucket_id text NOT NULL REFERENCES magpie.projects (bucket_id) ON UPDATE CASCADE ON DELETE CASCADE,
    visibility text NOT NULL,
    label text NOT NULL,
    shard int NOT NULL,
    files bigint NOT NULL DEFAULT 0,
    bytes bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (bucket_id, visibility, label, shard)
);
REVOKE ALL ON magpie.file_totals FROM PUBLIC, anon, authenticated, magpie_project;
GRANT SELECT, INSERT, UPDATE, DELETE ON magpie.file_totals TO service_role;

-- Always in one order, so that two never wait for each other in a circle.
CREATE OR REPLACE FUNCTION magpie.add_to_file_totals() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO magpie.file_totals AS t (bucket_id, visibility, label, shard, files, bytes)
        SELECT a.bucket_id, a.visibility, a.label, pg_backend_pid() % 32, count(*), sum(a.size)::bigint
        FROM added AS a GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
        ON CONFLICT (bucket_id, visibility, label, shard) DO UPDATE
        SET files = t.files + excluded.files, bytes = t.bytes + excluded.bytes;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO magpie.file_totals AS t (bucket_id, visibility, label, shard, files, bytes)
        SELECT r.bucket_id, r.visibility, r.label, pg_backend_pid() % 32, -count(*), -sum(r.size)::bigint
        FROM removed AS r
        -- Not of a project that goes itself.
        JOIN magpie.projects AS p ON p.bucket_id = r.bucket_id
        GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
        ON CONFLICT (bucket_id, visibility, label, shard) DO UPDATE
        SET files = t.files + excluded.files, bytes = t.bytes + excluded.bytes;
    ELSE
        INSERT INTO magpie.file_totals AS t (bucket_id, visibility, label, shard, files, bytes)
        SELECT c.bucket_id, c.visibility, c.label, pg_backend_pid() % 32, sum(c.files)::bigint, sum(c.bytes)::bigint
        FROM (VALUES
            (OLD.bucket_id, OLD.visibility, OLD.label, -1, -OLD.size), (NEW.bucket_id, NEW.visibility, NEW.label, 1, NEW.size)
        ) AS c(bucket_id, visibility, label, files, bytes)
        GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
        ON CONFLICT (bucket_id, visibility, label, shard) DO UPDATE
        SET files = t.files + excluded.files, bytes = t.bytes + excluded.bytes;
    END IF;
    RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER magpie_files_added AFTER INSERT ON magpie.files
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION magpie.add_to_file_totals();
CREATE OR REPLACE TRIGGER magpie_files_removed AFTER DELETE ON magpie.files
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION magpie.add_to_file_totals();
CREATE OR REPLACE TRIGGER magpie_file_counted AFTER UPDATE ON magpie.files FOR EACH ROW
    WHEN ((OLD.bucket_id, OLD.visibility, OLD.label, OLD.size) IS DISTINCT FROM (NEW.bucket_id, NEW.visibility, NEW.label, NEW.size))
    EXECUTE FUNCTION magpie.add_to_file_totals();

-- Lists.

-- Which files of a project the caller can see at all: `all`, `public`, `user` (those, and what users see and theirs) or `none`. What this says
-- only saves looking: the rows of a page are read as the caller.
CREATE OR REPLACE FUNCTION magpie.file_scope(p_bucket text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN NOT row_security_active('magpie.files') OR p_bucket = ANY (magpie.caller_projects()) THEN 'all'
        -- To whom a policy applies is said so, too.
        WHEN pg_has_role('authenticated', 'USAGE') THEN 'user'
        WHEN pg_has_role('anon', 'USAGE') THEN 'public'
        ELSE 'none'
    END
$$;
GRANT EXECUTE ON FUNCTION magpie.file_scope(text) TO PUBLIC;

-- The condition on the grams of a file `f` whose name contains a text of lower case and that has other grams besides. Two ASCII characters
-- are found by any third.
CREATE OR REPLACE FUNCTION magpie.file_gram_condition(p_text text, p_others int[]) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    grams constant text := 'magpie.file_grams(f.folded_name, f.bucket_id, f.label, f.essence, f.owner_kind, f.owner_id)';
BEGIN
    IF p_text IS NULL THEN
        RETURN format('%s @> %L::int[]', grams, p_others);
    ELSIF char_length(p_text) = 2 AND octet_length(p_text) = 2 THEN
        RETURN format('%s && %L::int[] AND %1$s @> %3$L::int[]',
            grams, ARRAY(SELECT hashtext(p_text || chr(i)) FROM generate_series(1, 127) AS i), p_others);
    ELSIF char_length(p_text) < 3 THEN
        RETURN format('%s @> %L::int[]', grams, hashtext(p_text) || p_others);
    END IF;
    RETURN format('%s @> %L::int[]', grams,
        ARRAY(SELECT hashtext(substr(p_text, i, 3)) FROM generate_series(1, char_length(p_text) - 2) AS i) || p_others);
END
$$;

-- The ids of a page of files, in order, and one more if there is one behind it; in front of them a row with how many match on all pages, and
-- whether that is exact.
--
-- What the caller sees is several sets of rows that have nothing in common, each in the order of an index; a page is merged from them. What
-- is asked for besides is common or rare among them, which a look at the first of them tells: what is common is found by walking on, what
-- is rare by the index over grams.
CREATE OR REPLACE FUNCTION magpie.find_files(
    p_bucket text, p_scope text, p_subject text, p_visibility text, p_owner_kind text, p_owner text, p_label text, p_essence text,
    p_media_kind text, p_search text, p_order text, p_ascending boolean, p_offset bigint, p_limit int, p_count_limit int
) RETURNS TABLE (id uuid, total bigint, is_exact boolean) LANGUAGE plpgsql VOLATILE
-- Of a bitmap that does not fit, the grams of all rows on its pages would be computed again. What takes milliseconds is not worth a compiler
-- or another process.
SET work_mem = '32MB' SET jit = off SET max_parallel_workers_per_gather = 0 AS $$
DECLARE
    -- So many are looked at first, and so many of them make what is asked for common.
    first_look constant int := 1000;
    common constant int := 8;
    -- So many rare ones are sorted, and before more are, so many are looked at in their order.
    most_found constant int := 5000;
    patience constant int := 20000;
    project constant text := format('f.bucket_id = %L', p_bucket);
    -- What filters look at.
    wanted_columns constant text := 'f.folded_name, f.essence, f.label, f.owner_kind, f.owner_id, ';
    -- Conditions on `f`; of each row at most one holds.
    sets text[] := '{}';
    filters text := '';
    by_label constant boolean := p_label IS NOT NULL AND p_owner_kind IS NULL AND p_owner IS NULL AND p_essence IS NULL
        AND p_media_kind IS NULL AND p_search IS NULL;
    direction constant text := CASE WHEN p_ascending THEN 'ASC' ELSE 'DESC' END;
    backwards constant text := CASE WHEN p_ascending THEN 'DESC' ELSE 'ASC' END;
    narrowing int[];
    visible bigint;
    seen bigint;
    hits bigint;
    found_ids uuid[];
    everything text;
BEGIN
    IF p_scope = 'all' THEN
        SELECT array_agg(format('f.visibility = %L', v)) INTO sets
        FROM unnest(ARRAY['private', 'protected', 'public', 'shared']) AS v
        WHERE p_visibility IS NULL OR v = p_visibility;
    ELSIF p_scope IN ('public', 'user') THEN
        SELECT coalesce(array_agg(format('f.visibility = %L', v)), '{}') INTO sets
        FROM unnest(CASE p_scope WHEN 'user' THEN ARRAY['protected', 'public'] ELSE ARRAY['public'] END) AS v
        WHERE p_visibility IS NULL OR v = p_visibility;
        IF p_scope = 'user' AND p_subject IS NOT NULL AND coalesce(p_visibility, 'private') IN ('private', 'shared') THEN
            sets := sets || format(
                'f.owner_id = %L AND f.visibility = ANY (%L::text[])', p_subject,
                CASE WHEN p_visibility IS NULL THEN ARRAY['private', 'shared'] ELSE ARRAY[p_visibility] END);
        END IF;
        IF p_scope = 'user' AND p_subject IS NOT NULL AND coalesce(p_visibility, 'shared') = 'shared' THEN
            sets := sets || format(
                'f.visibility = ''shared'' AND f.shared_with @> ARRAY[%1$L]::text[] AND f.owner_id IS DISTINCT FROM %1$L', p_subject);
        END IF;
    END IF;
    IF sets IS NULL OR sets = '{}' THEN
        RETURN QUERY SELECT NULL::uuid, 0::bigint, true;
        RETURN;
    END IF;

    IF p_owner_kind IS NOT NULL THEN filters := filters || format(' AND f.owner_kind = %L', p_owner_kind); END IF;
    IF p_owner IS NOT NULL THEN filters := filters || format(' AND f.owner_id = %L', p_owner); END IF;
    IF p_label IS NOT NULL THEN filters := filters || format(' AND f.label = %L', p_label); END IF;
    IF p_essence IS NOT NULL THEN filters := filters || format(' AND f.essence = %L', p_essence); END IF;
    IF p_media_kind IS NOT NULL THEN
        filters := filters || format(' AND split_part(f.essence, ''/'', 1) = %L', p_media_kind);
    END IF;
    IF p_search IS NOT NULL THEN filters := filters || format(' AND f.folded_name LIKE %L', magpie.containing(p_search)); END IF;

    visible := magpie.count_visible_files(p_bucket, p_scope, sets, CASE WHEN by_label THEN p_label END, p_count_limit);
    total := visible;
    is_exact := true;
    IF filters <> '' AND NOT by_label AND visible > 0 THEN
        -- Of few every one is looked at.
        EXECUTE format(
            'SELECT count(*), count(*) FILTER (WHERE true%s) FROM (%s LIMIT %s) AS f', filters,
            magpie.files_in_order(wanted_columns, sets, project, '', p_order, direction,
                CASE WHEN visible <= p_count_limit THEN p_count_limit ELSE first_look END),
            CASE WHEN visible <= p_count_limit THEN p_count_limit ELSE first_look END)
        INTO seen, hits;
        IF visible <= p_count_limit THEN
            total := hits;
        ELSIF hits >= common THEN
            total := greatest(hits, visible * hits / seen);
            is_exact := false;
        ELSE
            narrowing := magpie.file_narrowing(
                CASE
                    WHEN (SELECT sum(t.files) FROM magpie.file_totals AS t WHERE t.bucket_id = p_bucket) * 4
                        < (SELECT c.reltuples FROM pg_class AS c WHERE c.oid = 'magpie.files'::regclass)
                    THEN p_bucket
                END,
                p_label, p_essence, p_media_kind, p_owner_kind, p_owner);
            -- The index over grams alone finds them: with it the planner would read all of others.
            everything := format(
                'SELECT f.id AS id, f.%I AS place FROM (SELECT f.* FROM magpie.files AS f WHERE %s OFFSET 0) AS f WHERE %s AND (%s)%s',
                p_order, magpie.file_gram_condition(lower(p_search), narrowing), project,
                (SELECT string_agg('(' || s || ')', ' OR ') FROM unnest(sets) AS s), filters);
            EXECUTE format(
                'SELECT count(*), array_agg(f.id ORDER BY f.place %1$s, f.id %1$s) FROM (%2$s LIMIT %3$s) AS f',
                direction, everything, most_found + 1)
            INTO total, found_ids;
            is_exact := total <= most_found;
            IF NOT is_exact THEN
                total := greatest(total, visible * hits / nullif(seen, 0));
                EXECUTE format(
                    'SELECT array_agg(f.id ORDER BY f.place %1$s, f.id %1$s)
                    FROM (SELECT f.id, f.place FROM (%2$s LIMIT %3$s) AS f WHERE true%4$s LIMIT %5$s) AS f',
                    direction, magpie.files_in_order(wanted_columns, sets, project, '', p_order, direction, patience), patience,
                    filters, p_offset + p_limit)
                INTO found_ids;
                IF coalesce(cardinality(found_ids), 0) < p_offset + p_limit THEN
                    -- They are somewhere in the order, and not at its beginning.
                    EXECUTE format(
                        'SELECT array_agg(f.id ORDER BY f.place %1$s, f.id %1$s)
                        FROM (SELECT f.* FROM (%2$s) AS f ORDER BY f.place %1$s, f.id %1$s LIMIT %3$s) AS f',
                        direction, everything, p_offset + p_limit)
                    INTO found_ids;
                END IF;
            END IF;
            RETURN QUERY SELECT NULL::uuid, total, is_exact;
            RETURN QUERY SELECT i, NULL::bigint, NULL::boolean FROM unnest(found_ids[p_offset + 1 : p_offset + p_limit]) AS i;
            RETURN;
        END IF;
    END IF;
    id := NULL;
    RETURN NEXT;
    IF total = 0 THEN
        RETURN;
    END IF;
    IF is_exact AND p_offset >= total THEN
        RETURN;
    END IF;
    IF is_exact AND p_offset > total / 2 AND (total < p_count_limit OR filters = '' OR by_label) THEN
        -- From the other end there are fewer to pass. How many there are was counted a moment ago: a file more or less moves the page by one,
        -- as it would for who comes from the front.
        RETURN QUERY EXECUTE format(
            'SELECT p.id, NULL::bigint, NULL::boolean FROM (%1$s OFFSET %2$s LIMIT %3$s) AS p ORDER BY p.place %4$s, p.id %4$s',
            magpie.files_in_order('', sets, project, filters, p_order, backwards, total - p_offset),
            greatest(total - p_offset - p_limit, 0), least(p_limit, total - p_offset), direction);
    ELSE
        RETURN QUERY EXECUTE format(
            'SELECT p.id, NULL::bigint, NULL::boolean FROM (%s OFFSET %s LIMIT %s) AS p',
            magpie.files_in_order('', sets, project, filters, p_order, direction, p_offset + p_limit), p_offset, p_limit);
    END IF;
END
$$;

-- The statement that gives the files of these sets in an order; no more than so many of each are needed.
CREATE OR REPLACE FUNCTION magpie.files_in_order(
    p_columns text, p_sets text[], p_project text, p_filters text, p_order text, p_direction text, p_most bigint
) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT format('SELECT f.* FROM (%s) AS f ORDER BY f.place %2$s, f.id %2$s', string_agg(
        format('(SELECT %7$s f.id, f.%1$I AS place FROM magpie.files AS f WHERE %2$s AND %3$s%4$s ORDER BY f.%1$I %5$s, f.id %5$s LIMIT %6$s)',
            p_order, p_project, s, p_filters, p_direction, p_most, p_columns), ' UNION ALL '), p_direction)
    FROM unnest(p_sets) AS s
$$;

-- How many files are in these sets. Sums are kept of whole visibilities; the rest is counted up to a limit.
CREATE OR REPLACE FUNCTION magpie.count_visible_files(
    p_bucket text, p_scope text, p_sets text[], p_label text, p_count_limit int
) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
DECLARE
    result bigint;
    counted bigint;
    s text;
BEGIN
    SELECT coalesce(sum(t.files), 0)::bigint INTO result
    FROM magpie.file_totals AS t
    WHERE t.bucket_id = p_bucket AND format('f.visibility = %L', t.visibility) = ANY (p_sets)
        AND (p_label IS NULL OR t.label = p_label);
    FOREACH s IN ARRAY p_sets LOOP
        CONTINUE WHEN s ~ '^f\.visibility = ''[a-z]+''$';
        EXECUTE format(
            'SELECT count(*) FROM (SELECT FROM magpie.files AS f WHERE f.bucket_id = %L AND %s%s LIMIT %s) AS c',
            p_bucket, s, CASE WHEN p_label IS NULL THEN '' ELSE format(' AND f.label = %L', p_label) END, p_count_limit + 1)
        INTO counted;
        result := result + counted;
    END LOOP;
    RETURN result;
END
$$;

-- Ends a ticket that nobody registered, with what was uploaded to its key.
CREATE OR REPLACE FUNCTION magpie.drop_ticket(p_id uuid) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    place record;
    gone text[];
BEGIN
    SELECT t.bucket_id, t.name INTO place FROM magpie.file_tickets AS t WHERE t.id = p_id AND t.registered_at IS NULL;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    -- Objects first, in the order of everybody who writes them.
    PERFORM pg_advisory_xact_lock(hashtextextended(place.bucket_id || '/' || place.name, 0));
    PERFORM FROM storage.objects AS o WHERE o.bucket_id = place.bucket_id AND o.name = place.name FOR UPDATE;
    PERFORM FROM magpie.file_tickets AS t WHERE t.id = p_id AND t.registered_at IS NULL FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    WITH deleted AS (
        DELETE FROM storage.objects AS o WHERE o.bucket_id = place.bucket_id AND o.name = place.name RETURNING o.version
    )
    SELECT array_agg(d.version) INTO gone FROM deleted AS d WHERE d.version IS NOT NULL;
    IF gone IS NOT NULL THEN
        PERFORM magpie.request_blob_deletions(gone);
    END IF;
    DELETE FROM magpie.file_tickets AS t WHERE t.id = p_id;
    RETURN true;
END
$$;

DO $$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT p.oid::regprocedure AS signature
        FROM pg_proc AS p
        WHERE p.pronamespace = 'magpie'::regnamespace AND p.proname = ANY (ARRAY[
            'media_essence', 'file_grams', 'file_narrowing', 'file_gram_condition', 'find_files', 'files_in_order',
            'count_visible_files', 'drop_ticket'])
    LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', found.signature);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO service_role', found.signature);
    END LOOP;
END
$$;
