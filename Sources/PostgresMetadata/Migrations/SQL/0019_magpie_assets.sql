-- SPDX-License-Identifier: Apache-2.0
-- The media in projects: a row for every current object of a project's bucket, which triggers make, move and remove with the object.
--
-- There is no foreign key to `storage.objects`: it would make every deletion in every bucket look here row by row, and would forbid
-- TRUNCATE. Rows are written only in transactions that hold the object's row.

CREATE TABLE IF NOT EXISTS magpie.assets (
    object_id uuid PRIMARY KEY,
    bucket_id text NOT NULL REFERENCES magpie.projects (bucket_id) ON UPDATE CASCADE ON DELETE CASCADE,
    id text COLLATE "C" NOT NULL CHECK (id ~ '^(img|vid|eps)_[0-9A-HJKMNP-TV-Z]{26}$'),
    public_id text COLLATE "C",
    kind text NOT NULL CHECK (kind IN ('image', 'video', 'document', 'other')),
    file_name text,
    media_type text NOT NULL,
    -- In bytes.
    size bigint NOT NULL,
    -- In pixels; 0 where they are not known.
    width int NOT NULL DEFAULT 0,
    height int NOT NULL DEFAULT 0,
    orientation int NOT NULL DEFAULT 1,
    -- In seconds.
    duration double precision,
    has_audio boolean,
    codec text,
    name text,
    description text,
    caption text,
    category text,
    folder text COLLATE "C" NOT NULL DEFAULT '',
    author text,
    copyright_holder text,
    copyright_year int,
    license text,
    location_name text,
    latitude double precision,
    longitude double precision,
    keywords text[] NOT NULL DEFAULT '{}',
    date_created timestamptz,
    date_published timestamptz,
    representative_of_page boolean,
    tags jsonb NOT NULL DEFAULT '{}',
    exif jsonb NOT NULL DEFAULT '{}',
    custom_id text,
    -- An id of the same project.
    source_id text COLLATE "C",
    derivation_type text,
    thumbnail_id text COLLATE "C",
    -- The version that was looked at.
    inspected_version text,
    uploaded_at timestamptz NOT NULL,
    modified_at timestamptz NOT NULL
);

-- In the words of the triggers: what a key and a media type tell.

CREATE OR REPLACE FUNCTION magpie.asset_kind(p_media_type text) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    t constant text := lower(split_part(coalesce(p_media_type, ''), ';', 1));
BEGIN
    RETURN CASE
        WHEN t LIKE 'image/%' AND t NOT LIKE '%eps' THEN 'image'
        WHEN t LIKE 'video/%' THEN 'video'
        WHEN t = 'application/postscript' OR t LIKE '%/eps' OR t LIKE '%/x-eps' THEN 'document'
        ELSE 'other'
    END;
END
$$;

-- As ULIDs are (github.com/ulid/spec): 48 bits of milliseconds and 80 random ones in Crockford's Base32.
CREATE OR REPLACE FUNCTION magpie.new_ulid(p_at timestamptz) RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    alphabet constant text := '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
    time constant bigint := greatest(0, least(281474976710655, floor(extract(epoch FROM p_at) * 1000)))::bigint;
    -- A random UUID has fixed bits in the upper parts of its bytes 6 and 8: of each, eight bytes whose lower five bits are random.
    chance constant bytea := substring(uuid_send(gen_random_uuid()) FROM 9) || substring(uuid_send(gen_random_uuid()) FROM 9);
    ulid text := '';
BEGIN
    FOR shift IN REVERSE 45..0 BY 5 LOOP
        ulid := ulid || substr(alphabet, 1 + ((time >> shift) & 31)::int, 1);
    END LOOP;
    FOR i IN 0..15 LOOP
        ulid := ulid || substr(alphabet, 1 + (get_byte(chance, i) & 31), 1);
    END LOOP;
    RETURN ulid;
END
$$;

CREATE OR REPLACE FUNCTION magpie.is_asset_id(p_text text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT p_text ~ '^(img|vid|eps)_[0-9A-HJKMNP-TV-Z]{26}$'
$$;

-- A text as the id that it is, whatever its case. NULL for any other text.
CREATE OR REPLACE FUNCTION magpie.as_asset_id(p_text text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT id FROM (SELECT lower(left(p_text, 4)) || upper(substr(p_text, 5))) AS folded(id) WHERE magpie.is_asset_id(id)
$$;

-- The folder that a key lies in; the root for one of the form of an id, and where it would be no path of folders.
CREATE OR REPLACE FUNCTION magpie.key_folder(p_key text) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    path constant text := trim(BOTH '/' FROM regexp_replace(p_key, '[^/]*$', ''));
BEGIN
    RETURN CASE
        WHEN octet_length(path) > 512 OR path ~ '[\x01-\x1f\x7f]' OR path ~ '(^|/)\.{0,2}(/|$)' THEN ''
        ELSE path
    END;
END
$$;

-- What lies behind the last slash of a key; NULL for one of the form of an id, whose uploader knows better.
CREATE OR REPLACE FUNCTION magpie.key_file_name(p_key text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN NOT magpie.is_asset_id(p_key) THEN nullif(substring(p_key FROM '[^/]*/?$'), '') END
$$;

-- What rows in the wild say of their size: only digits count.
CREATE OR REPLACE FUNCTION magpie.object_size(p_metadata jsonb) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN coalesce(p_metadata ->> 'size', p_metadata ->> 'contentLength') ~ '^[0-9]{1,18}$'
        THEN coalesce(p_metadata ->> 'size', p_metadata ->> 'contentLength')::bigint
        ELSE 0
    END
$$;

-- Whether an object is one to people: not the mark of an empty folder.
CREATE OR REPLACE FUNCTION magpie.is_asset(p_object storage.objects) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT p_object.bucket_id IS NOT NULL AND p_object.name IS NOT NULL
        AND NOT (
            (p_object.name LIKE '%/' OR p_object.name ~ '(^|/)\.emptyFolderPlaceholder$')
            AND magpie.object_size(p_object.metadata) = 0)
$$;

-- Columns that queries go by. Those that compare by byte do so in every database.

CREATE OR REPLACE FUNCTION magpie.asset_text(
    p_file_name text, p_name text, p_description text, p_caption text, p_keywords text[]
) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    -- Between two of them stands what nobody searches for.
    RETURN lower(concat_ws(
        E'\x1f', p_file_name, p_name, p_description, p_caption, nullif(array_to_string(p_keywords, E'\x1f'), '')));
END
$$;

ALTER TABLE magpie.assets
    -- By it lists are sorted: the time of the id comes first.
    ADD COLUMN IF NOT EXISTS place text COLLATE "C" NOT NULL GENERATED ALWAYS AS (substr(id, 5) || left(id, 4)) STORED,
    ADD COLUMN IF NOT EXISTS is_video boolean NOT NULL GENERATED ALWAYS AS (kind = 'video') STORED,
    ADD COLUMN IF NOT EXISTS is_derived boolean NOT NULL GENERATED ALWAYS AS (derivation_type IS NOT NULL) STORED,
    ADD COLUMN IF NOT EXISTS folded_category text COLLATE "C" GENERATED ALWAYS AS (lower(category)) STORED,
    -- What is searched.
    ADD COLUMN IF NOT EXISTS folded_text text NOT NULL
        GENERATED ALWAYS AS (magpie.asset_text(file_name, name, description, caption, keywords)) STORED;

-- What a text is found by, as hashes: its characters, its runs of three, and its runs of two where those are not ASCII or what follows them
-- is not. An index over them finds every part of a text, of whatever length and in whatever script, and needs no extension. Who
-- searches looks at the text itself besides. U+001F stands behind each of the texts that are searched together.
CREATE OR REPLACE FUNCTION magpie.grams(p_text text) RETURNS int[] LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    c constant text[] := string_to_array(p_text, NULL);
BEGIN
    RETURN ARRAY(
        SELECT hashtext(x) FROM unnest(c) AS x
        UNION ALL
        SELECT hashtext(r.x || r.y || r.z) FROM unnest(c, c[2:], c[3:]) AS r(x, y, z)
        WHERE r.x <> E'\x1f' AND r.y <> E'\x1f' AND r.z IS NOT NULL)
        || CASE WHEN octet_length(p_text) > cardinality(c) THEN ARRAY(
            SELECT hashtext(r.x || r.y || CASE WHEN octet_length(r.x || r.y) = 2 THEN E'\x1e' ELSE '' END)
            FROM unnest(c, c[2:], c[3:]) AS r(x, y, z)
            WHERE r.x <> E'\x1f' AND r.y <> E'\x1f' AND octet_length(r.x || r.y || r.z) > 3) END;
END
$$;

-- What an asset is found by: its text, its author, who is searched for alone, and what a search can be narrowed to. Never to be computed
-- for a row that is only looked at.
CREATE OR REPLACE FUNCTION magpie.asset_grams(
    p_text text, p_author text, p_bucket text, p_folder text, p_category text, p_is_video boolean
) RETURNS int[] LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 1000000 AS $$
BEGIN
    RETURN magpie.grams(p_text || E'\x1f' || coalesce(lower(p_author) || E'\x1f', ''))
        || magpie.narrowing_grams(p_bucket, p_folder, p_category, p_is_video);
END
$$;

-- Those of a project, and of a folder, a category and videos or what is none, where they are not NULL.
CREATE OR REPLACE FUNCTION magpie.narrowing_grams(p_bucket text, p_folder text, p_category text, p_is_video boolean) RETURNS int[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT array_remove(ARRAY[
        hashtext(E'\x1fbucket ' || p_bucket), hashtext(E'\x1ffolder ' || p_folder), hashtext(E'\x1fcategory ' || p_category),
        hashtext(E'\x1fvideo ' || p_is_video::text)], NULL)
$$;

-- The expression of the index, for an asset `a`.
CREATE OR REPLACE FUNCTION magpie.grams_of_asset() RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT 'magpie.asset_grams(a.folded_text, a.author, a.bucket_id, a.folder, a.folded_category, a.is_video) '
$$;

-- The condition on the grams of an asset that contains a text of lower case and has other grams besides. Two ASCII characters are found by
-- any third.
CREATE OR REPLACE FUNCTION magpie.gram_condition(p_text text, p_others int[]) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE
        WHEN char_length(p_text) = 2 AND octet_length(p_text) = 2
        THEN format(
            CASE p_others WHEN '{}' THEN '%s && %L::int[]' ELSE '%s && %L::int[] AND %1$s @> %3$L::int[]' END,
            magpie.grams_of_asset(), ARRAY(SELECT hashtext(p_text || chr(i)) FROM generate_series(1, 127) AS i), p_others)
        WHEN char_length(p_text) < 3 THEN format('%s @> %L::int[]', magpie.grams_of_asset(), hashtext(p_text) || p_others)
        ELSE format(
            '%s @> %L::int[]', magpie.grams_of_asset(),
            ARRAY(SELECT hashtext(substr(p_text, i, 3)) FROM generate_series(1, char_length(p_text) - 2) AS i) || p_others)
    END
$$;

-- The pattern of what contains a text, whatever its case.
CREATE OR REPLACE FUNCTION magpie.containing(p_text text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT '%' || regexp_replace(lower(p_text), '([\\%_])', '\\\1', 'g') || '%'
$$;

CREATE UNIQUE INDEX IF NOT EXISTS assets_id ON magpie.assets (bucket_id, id);
CREATE UNIQUE INDEX IF NOT EXISTS assets_public_id ON magpie.assets (bucket_id, public_id);
CREATE INDEX IF NOT EXISTS assets_place ON magpie.assets (bucket_id, place) INCLUDE (is_derived) WHERE kind <> 'other';
CREATE INDEX IF NOT EXISTS assets_folder ON magpie.assets (bucket_id, folder, place)
    INCLUDE (is_derived, is_video, kind);
CREATE INDEX IF NOT EXISTS assets_category ON magpie.assets (bucket_id, folded_category, place) INCLUDE (is_derived, is_video)
    WHERE kind <> 'other' AND folded_category IS NOT NULL;
CREATE INDEX IF NOT EXISTS assets_video ON magpie.assets (bucket_id, is_video, place) INCLUDE (is_derived, folded_category)
    WHERE kind <> 'other';
CREATE INDEX IF NOT EXISTS assets_source ON magpie.assets (bucket_id, source_id) WHERE source_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS assets_thumbnail ON magpie.assets (bucket_id, thumbnail_id) WHERE thumbnail_id IS NOT NULL;
-- New rows wait in a list that every search reads, too: a short one.
CREATE INDEX IF NOT EXISTS assets_grams ON magpie.assets USING gin
    (magpie.asset_grams(folded_text, author, bucket_id, folder, folded_category, is_video))
    WITH (gin_pending_list_limit = 512) WHERE kind <> 'other';

-- Folders that were made, with or without assets in them.
CREATE TABLE IF NOT EXISTS magpie.folders (
    bucket_id text NOT NULL REFERENCES magpie.projects (bucket_id) ON UPDATE CASCADE ON DELETE CASCADE,
    path text COLLATE "C" NOT NULL CHECK (path <> ''),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (bucket_id, path)
);

-- Who may see an object may see its asset. Nobody but the service writes: who may change an asset is who may lock its object to update it.
ALTER TABLE magpie.assets ENABLE ROW LEVEL SECURITY;
ALTER TABLE magpie.folders ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON magpie.assets, magpie.folders FROM PUBLIC, anon, authenticated, magpie_project;
GRANT SELECT, INSERT, UPDATE, DELETE ON magpie.assets, magpie.folders TO service_role;
GRANT SELECT ON magpie.assets, magpie.folders TO anon, authenticated, magpie_project;

DROP POLICY IF EXISTS magpie_project_assets ON magpie.assets;
CREATE POLICY magpie_project_assets ON magpie.assets FOR SELECT TO magpie_project
    USING (bucket_id = ANY ((SELECT magpie.caller_projects())::text[]));
DROP POLICY IF EXISTS magpie_project_folders ON magpie.folders;
CREATE POLICY magpie_project_folders ON magpie.folders FOR SELECT TO magpie_project
    USING (bucket_id = ANY ((SELECT magpie.caller_projects())::text[]));
DROP POLICY IF EXISTS magpie_assets_as_objects ON magpie.assets;
CREATE POLICY magpie_assets_as_objects ON magpie.assets FOR SELECT TO PUBLIC
    USING (current_user <> 'magpie_project' AND EXISTS (SELECT FROM storage.objects AS o WHERE o.id = object_id));
DROP POLICY IF EXISTS magpie_folders_as_buckets ON magpie.folders;
CREATE POLICY magpie_folders_as_buckets ON magpie.folders FOR SELECT TO PUBLIC
    USING (current_user <> 'magpie_project' AND EXISTS (SELECT FROM storage.buckets AS b WHERE b.id = bucket_id));

-- Whether no policy hides anything of a project's assets from the caller.
CREATE OR REPLACE FUNCTION magpie.sees_all_assets(p_bucket text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT NOT row_security_active('magpie.assets') OR p_bucket = ANY (magpie.caller_projects())
$$;
GRANT EXECUTE ON FUNCTION magpie.sees_all_assets(text) TO PUBLIC;

-- Totals: what a project holds, and how much of that lists show.

ALTER TABLE magpie.project_totals
    ADD COLUMN IF NOT EXISTS listed bigint NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS derived bigint NOT NULL DEFAULT 0,
    -- Of versions that are kept and not current.
    ADD COLUMN IF NOT EXISTS kept_bytes bigint NOT NULL DEFAULT 0;

-- The sums of a project are spread over rows of which each connection has its own, nearly: uploads don't wait for each other.
CREATE OR REPLACE FUNCTION magpie.add_to_totals(p_bucket text, p_objects bigint, p_bytes bigint, p_listed bigint, p_derived bigint)
RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    INSERT INTO magpie.project_totals AS t (bucket_id, shard, objects, bytes, listed, derived)
    SELECT p.bucket_id, pg_backend_pid() % 256, p_objects, p_bytes, p_listed, p_derived
    FROM magpie.projects AS p
    WHERE p.bucket_id = p_bucket
    ON CONFLICT (bucket_id, shard) DO UPDATE
    SET objects = t.objects + excluded.objects, bytes = t.bytes + excluded.bytes, listed = t.listed + excluded.listed,
        derived = t.derived + excluded.derived;
END
$$;

CREATE OR REPLACE FUNCTION magpie.count_added_assets() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM magpie.add_to_totals(
        a.bucket_id, count(*), sum(a.size)::bigint, count(*) FILTER (WHERE a.kind <> 'other' AND NOT a.is_derived),
        count(*) FILTER (WHERE a.kind <> 'other' AND a.is_derived))
    FROM added AS a
    GROUP BY a.bucket_id;
    RETURN NULL;
END
$$;

-- What was made of assets that are gone goes by a job, which deletes objects as anybody does: with events, and with what a versioned bucket
-- keeps. It is asked for whether or not something was made of a video or a document: who is making it at this moment can't be seen from
-- here, and finds the asset still. No earlier than workers look anyway, for NOTIFY makes commits wait for each other.
CREATE OR REPLACE FUNCTION magpie.request_deletion_of_derived(p_bucket text, p_sources text[]) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM magpie.enqueue_job(
        'delete-derived', p_bucket, NULL, jsonb_build_object('sources', p_sources), NULL, clock_timestamp() + interval '1 second');
END
$$;

-- Whether something may have been made of an asset.
CREATE OR REPLACE FUNCTION magpie.may_have_derived(p_bucket text, p_id text, p_kind text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT p_kind IN ('video', 'document')
        OR EXISTS (SELECT FROM magpie.assets AS a WHERE a.bucket_id = p_bucket AND a.source_id = p_id)
$$;

CREATE OR REPLACE FUNCTION magpie.count_removed_assets() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM magpie.add_to_totals(
        a.bucket_id, -count(*), -sum(a.size)::bigint, -count(*) FILTER (WHERE a.kind <> 'other' AND NOT a.is_derived),
        -count(*) FILTER (WHERE a.kind <> 'other' AND a.is_derived))
    FROM removed AS a
    GROUP BY a.bucket_id;
    -- What stood for another asset does so no longer.
    UPDATE magpie.assets AS a SET thumbnail_id = NULL
    FROM removed AS r
    WHERE a.bucket_id = r.bucket_id AND a.thumbnail_id = r.id;
    -- Not of a project that goes itself.
    PERFORM magpie.request_deletion_of_derived(c.bucket_id, array_agg(c.id))
    FROM (
        SELECT r.bucket_id, r.id, row_number() OVER (PARTITION BY r.bucket_id ORDER BY r.id) / 1000 AS batch
        FROM removed AS r
        JOIN magpie.projects AS p ON p.bucket_id = r.bucket_id
        WHERE r.source_id IS NULL AND magpie.may_have_derived(r.bucket_id, r.id, r.kind)
    ) AS c
    GROUP BY c.bucket_id, c.batch;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION magpie.count_changed_asset() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    was_listed constant int := (OLD.kind <> 'other' AND NOT OLD.is_derived)::int;
    was_derived constant int := (OLD.kind <> 'other' AND OLD.is_derived)::int;
    is_listed constant int := (NEW.kind <> 'other' AND NOT NEW.is_derived)::int;
    is_derived constant int := (NEW.kind <> 'other' AND NEW.is_derived)::int;
BEGIN
    IF OLD.bucket_id = NEW.bucket_id THEN
        PERFORM magpie.add_to_totals(NEW.bucket_id, 0, NEW.size - OLD.size, is_listed - was_listed, is_derived - was_derived);
    ELSE
        PERFORM magpie.add_to_totals(OLD.bucket_id, -1, -OLD.size, -was_listed, -was_derived);
        PERFORM magpie.add_to_totals(NEW.bucket_id, 1, NEW.size, is_listed, is_derived);
    END IF;
    RETURN NULL;
END
$$;

-- Of kept versions, as the owner: who may delete one need not be able to write here. A version stays with the key that it was kept under.
CREATE OR REPLACE FUNCTION magpie.add_kept_bytes(p_bucket text, p_bytes bigint) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    INSERT INTO magpie.project_totals AS t (bucket_id, shard, kept_bytes)
    SELECT p.bucket_id, pg_backend_pid() % 256, p_bytes FROM magpie.projects AS p WHERE p.bucket_id = p_bucket AND p_bytes <> 0
    ON CONFLICT (bucket_id, shard) DO UPDATE SET kept_bytes = t.kept_bytes + excluded.kept_bytes;
END
$$;

CREATE OR REPLACE FUNCTION magpie.count_kept_versions() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM magpie.add_kept_bytes(v.bucket_id, sum(magpie.object_size(v.metadata))::bigint) FROM added AS v GROUP BY v.bucket_id;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION magpie.count_forgotten_versions() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM magpie.add_kept_bytes(v.bucket_id, -sum(magpie.object_size(v.metadata))::bigint) FROM removed AS v GROUP BY v.bucket_id;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION magpie.count_changed_version() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM magpie.add_kept_bytes(NEW.bucket_id, magpie.object_size(NEW.metadata) - magpie.object_size(OLD.metadata));
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER magpie_versions_added AFTER INSERT ON magpie.object_versions
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT
    WHEN (current_setting('magpie.trial', true) IS DISTINCT FROM 'on') EXECUTE FUNCTION magpie.count_kept_versions();
CREATE OR REPLACE TRIGGER magpie_versions_removed AFTER DELETE ON magpie.object_versions
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT
    WHEN (current_setting('magpie.trial', true) IS DISTINCT FROM 'on') EXECUTE FUNCTION magpie.count_forgotten_versions();
CREATE OR REPLACE TRIGGER magpie_version_changed AFTER UPDATE ON magpie.object_versions FOR EACH ROW
    WHEN (OLD.metadata IS DISTINCT FROM NEW.metadata) EXECUTE FUNCTION magpie.count_changed_version();

CREATE OR REPLACE TRIGGER magpie_assets_added AFTER INSERT ON magpie.assets
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION magpie.count_added_assets();
CREATE OR REPLACE TRIGGER magpie_assets_removed AFTER DELETE ON magpie.assets
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION magpie.count_removed_assets();
CREATE OR REPLACE TRIGGER magpie_asset_changed AFTER UPDATE ON magpie.assets FOR EACH ROW
    WHEN ((OLD.bucket_id, OLD.size, OLD.kind, OLD.is_derived) IS DISTINCT FROM (NEW.bucket_id, NEW.size, NEW.kind, NEW.is_derived))
    EXECUTE FUNCTION magpie.count_changed_asset();

-- Searching.

-- Walks over assets `a`, from the newest on: how many were looked at, which was the last, and the places of those that have the texts asked
-- for. It begins with `p_first` and ends when so many were found, or all; or where more than `p_patience` would have to be looked at.
CREATE OR REPLACE FUNCTION magpie.walk_assets(
    p_fixed text, p_words text, p_wanted int, p_first bigint, p_patience bigint, OUT seen bigint, OUT places text[], OUT is_all boolean,
    OUT last text
) LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    step bigint := p_first;
    more text[];
    read int;
BEGIN
    seen := 0;
    places := '{}';
    LOOP
        EXECUTE format(
            'SELECT count(*), array_agg(a.place) FILTER (WHERE true%s), min(a.place)
            FROM (SELECT a.* FROM magpie.assets AS a WHERE %s%s ORDER BY a.place DESC LIMIT %s) AS a',
            p_words, p_fixed, CASE WHEN last IS NULL THEN '' ELSE format(' AND a.place < %L', last) END, step)
        INTO read, more, last;
        seen := seen + read;
        places := places || coalesce(more, '{}');
        is_all := read < step;
        EXIT WHEN is_all OR cardinality(places) >= p_wanted;
        -- As many as it takes, if the texts are as common from here on. That they are not is found out soon.
        step := (p_wanted - cardinality(places)) * 1.1 * seen / greatest(cardinality(places), 0.5) + 1;
        EXIT WHEN seen + step > p_patience;
        step := least(step, 4 * seen);
    END LOOP;
END
$$;

-- How many assets `a` meet a condition on their grams and texts, counted up to a limit, and an estimate of how many there are: so many the
-- index finds, all of them before the first is read, and of those that were read so many match. NULL where not that index alone was used.
CREATE OR REPLACE FUNCTION magpie.count_by_grams(p_condition text, p_limit int, OUT counted int, OUT estimate bigint)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    plan json;
    reads json;
    finds json;
BEGIN
    EXECUTE format(
        'EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) SELECT FROM magpie.assets AS a WHERE %s LIMIT %s', p_condition, p_limit)
    INTO plan;
    plan := plan -> 0 -> 'Plan';
    reads := plan -> 'Plans' -> 0;
    finds := reads -> 'Plans' -> 0;
    counted := (plan ->> 'Actual Rows')::numeric;
    IF counted > 0 AND finds ->> 'Index Name' = 'assets_grams' THEN
        estimate := (finds ->> 'Actual Rows')::numeric * counted
            / (counted + coalesce((reads ->> 'Rows Removed by Filter')::numeric, 0));
    END IF;
END
$$;

-- The page of assets that are asked for, by object, the newest first; in front of it a row with how many there are on all pages. They
-- are counted one by one at least up to a limit; past that it is an estimate. Without a limit, which texts need, they are not. As the
-- caller: policies hold.
--
-- The planner knows little of how common a part of a text is. So a look at the newest assets decides: what is common among them is found
-- by walking from the newest on, what is rare by the index over `asset_grams`. To whom policies apply that index is of no use, as
-- Postgres asks them first.
CREATE OR REPLACE FUNCTION magpie.find_assets(
    p_bucket text, p_limit int, p_after text, p_folder text, p_category text, p_is_video boolean, p_includes_derived boolean,
    p_search text, p_keyword text, p_author text, p_uses_grams boolean, p_count_limit int
) RETURNS TABLE (object_id uuid, total bigint) LANGUAGE plpgsql VOLATILE
-- Of a bitmap that does not fit, the grams of all rows on its pages would be computed again.
SET work_mem = '32MB' AS $$
DECLARE
    -- What other indexes answer.
    fixed text := format('a.bucket_id = %L AND a.kind <> ''other''', p_bucket);
    words text := '';
    texts text[] := '{}';
    narrowing int[];
    grams text;
    -- How many assets are looked at first, and at the most while the index over grams can be asked.
    first_look int := 2000;
    patience int := 20000;
    -- So many are looked at, one after the other, in the time in which that index finds one somewhere in the table.
    pace int := 10;
    -- So many it finds at the most.
    most_found constant int := 20000;
    seen bigint;
    -- The last that was looked at, and those so far that match; of the page, or all.
    last text;
    places text[];
    more text[];
    is_all boolean;
    hits int;
    -- Whether the index over grams was asked.
    is_rare boolean;
    uses_index boolean;
    -- What is left to look at for a page; so many have to be, if the texts are as common there; whether that was not enough.
    fixed_rest text;
    missing int;
    reach bigint;
    is_short boolean;
    estimate bigint;
    plan json;
BEGIN
    IF NOT p_includes_derived THEN
        fixed := fixed || ' AND NOT a.is_derived';
    END IF;
    IF p_folder IS NOT NULL THEN
        fixed := fixed || format(' AND a.folder = %L', p_folder);
    END IF;
    IF p_category IS NOT NULL THEN
        fixed := fixed || format(' AND a.folded_category = %L', lower(p_category));
    END IF;
    IF p_is_video IS NOT NULL THEN
        fixed := fixed || format(' AND a.is_video = %L', p_is_video);
    END IF;
    IF EXISTS (SELECT FROM magpie.assets AS a WHERE a.bucket_id = p_bucket AND a.id = magpie.as_asset_id(p_search)) THEN
        fixed := fixed || format(' AND a.id = %L', magpie.as_asset_id(p_search));
    ELSIF p_search IS NOT NULL THEN
        words := words || format(' AND a.folded_text LIKE %L', magpie.containing(p_search));
        texts := texts || lower(p_search);
    END IF;
    IF p_keyword IS NOT NULL THEN
        -- The text that is searched has the keywords, and needs not be made of them first.
        words := words || format(
            ' AND a.folded_text LIKE %1$L AND lower(array_to_string(a.keywords, %2$L)) LIKE %1$L', magpie.containing(p_keyword), E'\x1f');
        texts := texts || lower(p_keyword);
    END IF;
    IF p_author IS NOT NULL THEN
        words := words || format(' AND lower(a.author) LIKE %L', magpie.containing(p_author));
        texts := texts || lower(p_author);
    END IF;

    IF words <> '' THEN
        IF p_uses_grams THEN
            -- What most assets have would only take time to read.
            narrowing := magpie.narrowing_grams(
                CASE
                    WHEN (SELECT sum(t.listed + t.derived) FROM magpie.project_totals AS t WHERE t.bucket_id = p_bucket) * 4
                        < (SELECT c.reltuples FROM pg_class AS c WHERE c.oid = 'magpie.assets'::regclass)
                    THEN p_bucket
                END,
                p_folder, lower(p_category), nullif(p_is_video, false));
            SELECT string_agg(' AND ' || magpie.gram_condition(t, narrowing), '') INTO grams
            FROM unnest(texts) AS t;
            IF narrowing <> '{}' THEN
                -- Few of them lie on one page of the table.
                first_look := 500;
                patience := 4000;
                pace := 2;
            END IF;
        END IF;
        SELECT * INTO seen, places, is_all, last
        FROM magpie.walk_assets(fixed, words, p_count_limit + 1, first_look, CASE WHEN p_uses_grams THEN patience END);
        hits := cardinality(places);
        total := hits;
        is_rare := NOT is_all AND hits <= p_count_limit;
        IF is_rare AND hits < 5 THEN
            -- They are very likely to be few.
            EXECUTE format(
                'SELECT array_agg(c.place) FROM (SELECT a.place FROM magpie.assets AS a WHERE %s%s%s LIMIT %s) AS c',
                fixed, words, grams, 8 * p_count_limit + 1)
            INTO more;
            total := coalesce(cardinality(more), 0);
            IF total <= 8 * p_count_limit THEN
                places := more;
                is_all := true;
            END IF;
        END IF;
        IF is_rare AND NOT is_all THEN
            SELECT * INTO total, estimate FROM magpie.count_by_grams(fixed || words || grams, p_count_limit + 1);
        END IF;
    ELSIF p_count_limit IS NOT NULL THEN
        -- From the newest on, too: those are the rows in memory.
        EXECUTE format(
            'SELECT count(*) FROM (SELECT FROM magpie.assets AS a WHERE %s ORDER BY a.place DESC LIMIT %s) AS c',
            fixed, p_count_limit + 1)
        INTO total;
    END IF;
    IF total > p_count_limit AND NOT coalesce(is_all, false) THEN
        IF estimate IS NULL THEN
            -- What was seen of a text is better than what the planner guesses.
            EXECUTE format('EXPLAIN (FORMAT JSON) SELECT FROM magpie.assets AS a WHERE %s', fixed) INTO plan;
            estimate := (plan -> 0 -> 'Plan' ->> 'Plan Rows')::numeric * coalesce(hits::numeric / seen, 1);
        END IF;
        total := greatest(total, estimate);
    END IF;
    RETURN NEXT;
    IF total = 0 THEN
        RETURN;
    END IF;

    IF p_after IS NOT NULL THEN
        fixed := fixed || format(' AND a.place < %L', p_after);
    END IF;
    IF words <> '' THEN
        places := ARRAY(
            SELECT p FROM unnest(places) AS p WHERE p_after IS NULL OR p COLLATE "C" < p_after ORDER BY p COLLATE "C" DESC LIMIT p_limit);
        missing := p_limit - cardinality(places);
        IF NOT is_all AND missing > 0 THEN
            IF p_after IS NULL OR last COLLATE "C" < p_after THEN
                fixed_rest := format('%s AND a.place < %L', fixed, last);
            ELSE
                fixed_rest := fixed;
            END IF;
            uses_index := is_rare AND total <= most_found;
            reach := missing * seen * 1.2 / nullif(hits, 0);
            is_short := true;
            IF NOT uses_index OR reach <= total * pace THEN
                SELECT w.places, NOT w.is_all AND cardinality(w.places) < missing INTO more, is_short
                FROM magpie.walk_assets(
                    fixed_rest, words, missing, coalesce(reach, first_look), CASE WHEN uses_index THEN 2 * reach END) AS w;
            END IF;
            IF uses_index AND is_short THEN
                -- To sort by an index the planner would compute the grams of every asset on its way.
                EXECUTE format(
                    'SELECT array_agg(n.place) FROM (
                        SELECT c.place FROM (SELECT a.place FROM magpie.assets AS a WHERE %s%s%s OFFSET 0) AS c
                        ORDER BY c.place DESC LIMIT %s) AS n',
                    fixed_rest, words, grams, missing)
                INTO more;
            END IF;
            places := places || coalesce(more, '{}');
        END IF;
        words := words || format(' AND a.place = ANY (%L::text[])', places);
    END IF;
    RETURN QUERY EXECUTE format(
        'SELECT a.object_id, NULL::bigint FROM magpie.assets AS a WHERE %s%s ORDER BY a.place DESC LIMIT %s', fixed, words, p_limit);
END
$$;

-- Objects become assets.

-- The unfinished job of this key looks at this version of the object at this place.
CREATE OR REPLACE FUNCTION magpie.inspection_key(p_object uuid, p_bucket text, p_name text, p_version text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT 'inspect:' || p_object::text || ':' || md5(p_bucket || '/' || p_name || E'\n' || coalesce(p_version, ''))
$$;

-- Looks at an object later than who stores it as an asset, who does so at once.
CREATE OR REPLACE FUNCTION magpie.request_inspection(p_object storage.objects, p_asset text, p_priority int DEFAULT 0) RETURNS uuid
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    RETURN (magpie.enqueue_job(
        'inspect', p_object.bucket_id, p_asset, jsonb_build_object('version', p_object.version),
        magpie.inspection_key(p_object.id, p_object.bucket_id, p_object.name, p_object.version),
        clock_timestamp() + interval '5 seconds', p_priority)).id;
END
$$;

-- The id of an object in a project: its key, if that is of the form of one and free. Otherwise a new one, of the time of the object.
CREATE OR REPLACE FUNCTION magpie.asset_id(p_object storage.objects, p_kind text) RETURNS text LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF magpie.is_asset_id(p_object.name) AND NOT EXISTS (
        SELECT FROM magpie.assets AS a
        WHERE a.bucket_id = p_object.bucket_id AND a.id = p_object.name COLLATE "C" AND a.object_id <> p_object.id)
    THEN
        RETURN p_object.name;
    END IF;
    RETURN CASE p_kind WHEN 'video' THEN 'vid_' WHEN 'document' THEN 'eps_' ELSE 'img_' END
        || magpie.new_ulid(coalesce(p_object.created_at, now()));
END
$$;

-- Makes the rows of objects that have none yet. To be called where nobody else can write to these objects.
CREATE OR REPLACE FUNCTION magpie.add_assets(p_objects storage.objects[], p_priority int DEFAULT 0) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    requests bigint;
BEGIN
    WITH added AS (
        INSERT INTO magpie.assets
            (object_id, bucket_id, id, kind, file_name, media_type, size, folder, uploaded_at, modified_at)
        SELECT o.id, o.bucket_id, magpie.asset_id(o, m.kind), m.kind, magpie.key_file_name(o.name),
            coalesce(nullif(o.metadata ->> 'mimetype', ''), 'application/octet-stream'), magpie.object_size(o.metadata),
            magpie.key_folder(o.name), coalesce(o.created_at, now()), coalesce(o.updated_at, now())
        FROM unnest(p_objects) AS o, LATERAL (SELECT magpie.asset_kind(o.metadata ->> 'mimetype') OFFSET 0) AS m(kind)
        WHERE magpie.is_asset(o)
        ON CONFLICT (object_id) DO NOTHING
        RETURNING object_id, id
    )
    SELECT count(magpie.request_inspection(o, a.id, p_priority)) INTO requests
    FROM added AS a
    JOIN unnest(p_objects) AS o ON o.id = a.object_id;
END
$$;

-- A public id like this one that no asset of the project has: with the next number behind it, if it has to be. It looks again for every
-- number, not at what was there when the caller's statement began.
CREATE OR REPLACE FUNCTION magpie.free_public_id(p_bucket text, p_wanted text) RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    taken int := 1;
    free int := 2;
    middle int;
BEGIN
    IF NOT EXISTS (SELECT FROM magpie.assets AS a WHERE a.bucket_id = p_bucket AND a.public_id = p_wanted) THEN
        RETURN p_wanted;
    END IF;
    -- Numbers are given one after the other: a few looks find the end of a long row.
    WHILE EXISTS (SELECT FROM magpie.assets AS a WHERE a.bucket_id = p_bucket AND a.public_id = p_wanted || '-' || free) LOOP
        taken := free;
        free := free * 2;
    END LOOP;
    WHILE free - taken > 1 LOOP
        middle := (taken + free) / 2;
        IF EXISTS (SELECT FROM magpie.assets AS a WHERE a.bucket_id = p_bucket AND a.public_id = p_wanted || '-' || middle) THEN
            taken := middle;
        ELSE
            free := middle;
        END IF;
    END LOOP;
    RETURN p_wanted || '-' || free;
END
$$;

-- A public id like this one for an asset that has none, which is very likely to be free when the row is written. Who comes while another
-- is giving one away does not wait for the end of that transaction, only to find the next number taken by a third: it gets a number that
-- nobody counts. So does who must not count.
CREATE OR REPLACE FUNCTION magpie.offered_public_id(p_bucket text, p_wanted text, p_counts boolean DEFAULT true) RETURNS text
LANGUAGE plpgsql VOLATILE STRICT AS $$
BEGIN
    IF p_counts AND pg_try_advisory_xact_lock(hashtextextended(p_bucket || '/' || p_wanted, 19)) THEN
        RETURN magpie.free_public_id(p_bucket, p_wanted);
    END IF;
    RETURN p_wanted || '-' || substr(replace(gen_random_uuid()::text, '-', ''), 1, 8);
END
$$;

-- Gives an asset that has none a public id like this one.
CREATE OR REPLACE FUNCTION magpie.name_asset(p_object uuid, p_wanted text) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    is_first boolean := true;
BEGIN
    LOOP
        BEGIN
            UPDATE magpie.assets AS a SET public_id = magpie.offered_public_id(a.bucket_id, p_wanted, is_first)
            WHERE a.object_id = p_object AND a.public_id IS NULL;
            RETURN;
        EXCEPTION WHEN unique_violation THEN
            is_first := false;
        END;
    END LOOP;
END
$$;

-- The row of an object that moved within its project, or from one to another, moves along. There it has an id and a public id that
-- are free there, and nothing that it was derived from.
CREATE OR REPLACE FUNCTION magpie.move_asset(p_old storage.objects, p_new storage.objects) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    asset magpie.assets;
    is_elsewhere constant boolean := p_old.bucket_id IS DISTINCT FROM p_new.bucket_id;
    new_id text;
BEGIN
    SELECT a.* INTO asset FROM magpie.assets AS a WHERE a.object_id = p_new.id FOR UPDATE;
    new_id := asset.id;
    IF magpie.is_asset_id(p_new.name) OR is_elsewhere AND EXISTS (
        SELECT FROM magpie.assets AS a WHERE a.bucket_id = p_new.bucket_id AND a.id = asset.id)
    THEN
        new_id := magpie.asset_id(p_new, asset.kind);
        IF NOT is_elsewhere AND new_id <> p_new.name THEN
            new_id := asset.id;
        END IF;
    END IF;
    IF is_elsewhere OR new_id <> asset.id THEN
        UPDATE magpie.assets AS a SET thumbnail_id = CASE WHEN NOT is_elsewhere THEN new_id END
        WHERE a.bucket_id = asset.bucket_id AND a.thumbnail_id = asset.id;
    END IF;
    IF NOT is_elsewhere AND new_id <> asset.id THEN
        UPDATE magpie.assets AS a SET source_id = new_id WHERE a.bucket_id = asset.bucket_id AND a.source_id = asset.id;
    END IF;
    UPDATE magpie.assets AS a
    SET bucket_id = p_new.bucket_id, id = new_id,
        public_id = CASE WHEN NOT is_elsewhere THEN a.public_id END,
        source_id = CASE WHEN NOT is_elsewhere THEN a.source_id END,
        derivation_type = CASE WHEN NOT is_elsewhere THEN a.derivation_type END,
        thumbnail_id = CASE WHEN NOT is_elsewhere THEN a.thumbnail_id END,
        -- What people changed they keep.
        folder = CASE WHEN a.folder = magpie.key_folder(p_old.name) THEN magpie.key_folder(p_new.name) ELSE a.folder END,
        file_name = CASE
            WHEN a.file_name IS NOT DISTINCT FROM magpie.key_file_name(p_old.name)
            THEN coalesce(magpie.key_file_name(p_new.name), a.file_name)
            ELSE a.file_name
        END,
        modified_at = now()
    WHERE a.object_id = p_new.id;
    IF is_elsewhere AND asset.public_id IS NOT NULL THEN
        PERFORM magpie.name_asset(p_new.id, asset.public_id);
    END IF;
    IF is_elsewhere AND magpie.may_have_derived(p_old.bucket_id, asset.id, asset.kind) THEN
        -- It is made again where the asset is now, and what is left behind goes.
        UPDATE magpie.assets AS a SET inspected_version = NULL WHERE a.object_id = p_new.id;
        asset.inspected_version := NULL;
        PERFORM magpie.request_deletion_of_derived(p_old.bucket_id, ARRAY[asset.id]);
    END IF;
    IF asset.inspected_version IS DISTINCT FROM p_new.version THEN
        PERFORM magpie.request_inspection(p_new, new_id);
    END IF;
END
$$;

-- As the owner: who may write an object need not be able to write here. After the foreign key to the bucket was checked, whose lock
-- on the bucket a project that is being made waits for: so either that finds the object, or this finds the project.
CREATE OR REPLACE FUNCTION magpie.follow_object() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM magpie.projects AS p WHERE p.bucket_id = NEW.bucket_id) THEN
        IF TG_OP = 'UPDATE' AND OLD.bucket_id IS DISTINCT FROM NEW.bucket_id THEN
            DELETE FROM magpie.assets AS a WHERE a.object_id = NEW.id;
        END IF;
        RETURN NULL;
    END IF;
    IF TG_OP = 'INSERT' OR NOT EXISTS (SELECT FROM magpie.assets AS a WHERE a.object_id = NEW.id) THEN
        PERFORM magpie.add_assets(ARRAY[NEW]);
        RETURN NULL;
    END IF;
    -- Nobody looks any more at what the object was, or where.
    IF (OLD.bucket_id, OLD.name, OLD.version) IS DISTINCT FROM (NEW.bucket_id, NEW.name, NEW.version) THEN
        DELETE FROM magpie.jobs AS j
        WHERE j.unique_key = magpie.inspection_key(OLD.id, OLD.bucket_id, OLD.name, OLD.version) AND j.completed_at IS NULL
            AND j.status = 'Pending';
    END IF;
    IF OLD.version IS DISTINCT FROM NEW.version THEN
        -- Of the bytes that are there now nothing else is known.
        UPDATE magpie.assets AS a
        SET kind = magpie.asset_kind(NEW.metadata ->> 'mimetype'),
            media_type = coalesce(nullif(NEW.metadata ->> 'mimetype', ''), 'application/octet-stream'),
            size = magpie.object_size(NEW.metadata), width = 0, height = 0, orientation = 1, duration = NULL, has_audio = NULL,
            codec = NULL, exif = '{}', inspected_version = NULL, modified_at = now()
        WHERE a.object_id = NEW.id;
        PERFORM magpie.request_inspection(NEW, a.id) FROM magpie.assets AS a WHERE a.object_id = NEW.id;
    ELSIF magpie.object_size(NEW.metadata) <> magpie.object_size(OLD.metadata) THEN
        UPDATE magpie.assets AS a SET size = magpie.object_size(NEW.metadata) WHERE a.object_id = NEW.id;
    END IF;
    IF (OLD.bucket_id, OLD.name) IS DISTINCT FROM (NEW.bucket_id, NEW.name) THEN
        PERFORM magpie.move_asset(OLD, NEW);
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION magpie.forget_objects() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        DELETE FROM magpie.assets;
    ELSIF EXISTS (SELECT FROM gone AS g JOIN magpie.projects AS p ON p.bucket_id = g.bucket_id) THEN
        WITH removed AS (
            DELETE FROM magpie.assets AS a USING gone AS g
            WHERE a.object_id = g.id
            RETURNING g.id, g.bucket_id, g.name, g.version, a.inspected_version
        )
        DELETE FROM magpie.jobs AS j USING removed AS r
        WHERE r.inspected_version IS DISTINCT FROM r.version
            AND j.unique_key = magpie.inspection_key(r.id, r.bucket_id, r.name, r.version) AND j.completed_at IS NULL
            AND j.status = 'Pending';
    END IF;
    RETURN NULL;
END
$$;

-- Not in a transaction that only tries a write and takes it back: it would make other writers wait for nothing.
CREATE OR REPLACE TRIGGER magpie_assets_inserted AFTER INSERT ON storage.objects FOR EACH ROW
    WHEN (current_setting('magpie.trial', true) IS DISTINCT FROM 'on') EXECUTE FUNCTION magpie.follow_object();
CREATE OR REPLACE TRIGGER magpie_assets_updated AFTER UPDATE ON storage.objects FOR EACH ROW
    WHEN (current_setting('magpie.trial', true) IS DISTINCT FROM 'on'
        AND (OLD.bucket_id, OLD.name, OLD.version, OLD.metadata) IS DISTINCT FROM (NEW.bucket_id, NEW.name, NEW.version, NEW.metadata))
    EXECUTE FUNCTION magpie.follow_object();
CREATE OR REPLACE TRIGGER magpie_assets_deleted AFTER DELETE ON storage.objects
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT
    WHEN (current_setting('magpie.trial', true) IS DISTINCT FROM 'on') EXECUTE FUNCTION magpie.forget_objects();
CREATE OR REPLACE TRIGGER magpie_assets_truncated AFTER TRUNCATE ON storage.objects
    FOR EACH STATEMENT EXECUTE FUNCTION magpie.forget_objects();

-- Folders go.

-- Moves the next assets of a folder and those in it to the root: those that nobody changed since. What is in a folder lies between its name
-- with a slash and its name with the character that follows the slash. - Returns: how many.
CREATE OR REPLACE FUNCTION magpie.unfile_assets(p_bucket text, p_folder text, p_unchanged_since timestamptz, p_limit int) RETURNS int
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    moved int;
BEGIN
    UPDATE magpie.assets AS a SET folder = '', modified_at = now()
    FROM (
        SELECT f.object_id
        FROM magpie.assets AS f
        WHERE f.bucket_id = p_bucket AND (f.folder = p_folder OR f.folder >= p_folder || '/' AND f.folder < p_folder || '0')
            AND f.modified_at <= p_unchanged_since
        -- In one order, so that those who do so at the same time do not wait for each other in a circle.
        ORDER BY f.folder, f.place
        LIMIT p_limit
        FOR UPDATE
    ) AS next
    WHERE a.object_id = next.object_id;
    GET DIAGNOSTICS moved = ROW_COUNT;
    RETURN moved;
END
$$;

-- Removes a folder and those in it. - Returns: whether there was one that is shown.
CREATE OR REPLACE FUNCTION magpie.delete_folder(p_bucket text, p_folder text, p_limit int) RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    existed boolean;
BEGIN
    DELETE FROM magpie.folders AS f
    WHERE f.bucket_id = p_bucket AND (f.path = p_folder OR f.path >= p_folder || '/' AND f.path < p_folder || '0');
    existed := FOUND OR EXISTS (
        SELECT FROM magpie.assets AS a
        WHERE a.bucket_id = p_bucket AND (a.folder = p_folder OR a.folder >= p_folder || '/' AND a.folder < p_folder || '0')
            AND a.kind <> 'other');
    IF magpie.unfile_assets(p_bucket, p_folder, now(), p_limit) = p_limit THEN
        PERFORM magpie.enqueue_job(
            'unfile', p_bucket, NULL,
            jsonb_build_object('folder', p_folder, 'before', (extract(epoch FROM now()) * 1000000)::bigint));
    END IF;
    RETURN existed;
END
$$;

-- Buckets become projects.

-- Makes the rows of the next objects of a project that has been made over a bucket in use. - Returns: the last key; NULL at the end.
CREATE OR REPLACE FUNCTION magpie.adopt_objects(p_bucket text, p_after text, p_limit int) RETURNS text
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    found_objects storage.objects[];
BEGIN
    -- Who writes one of them at this moment is waited for, and it is taken as it is then.
    SELECT array_agg(o ORDER BY o.name COLLATE "C") INTO found_objects
    FROM (
        SELECT * FROM storage.objects
        WHERE bucket_id = p_bucket AND name COLLATE "C" > coalesce(p_after, '')
        ORDER BY name COLLATE "C"
        LIMIT p_limit
        FOR SHARE
    ) AS o;
    -- New uploads go first.
    PERFORM magpie.add_assets(found_objects, -1);
    RETURN CASE WHEN cardinality(found_objects) = p_limit THEN found_objects[p_limit].name END;
END
$$;

CREATE OR REPLACE FUNCTION magpie.adopt_bucket() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    last text;
BEGIN
    -- Waits for who is storing objects in the bucket, and lets nobody do so who does not see the project.
    PERFORM FROM storage.buckets AS b WHERE b.id = NEW.bucket_id FOR UPDATE;
    last := magpie.adopt_objects(NEW.bucket_id, NULL, 1000);
    -- Whoever removes one of them at this moment is waited for, too.
    PERFORM magpie.add_kept_bytes(NEW.bucket_id, sum(v.size)::bigint)
    FROM (
        SELECT magpie.object_size(k.metadata) AS size FROM magpie.object_versions AS k WHERE k.bucket_id = NEW.bucket_id FOR SHARE
    ) AS v;
    IF last IS NOT NULL THEN
        PERFORM magpie.enqueue_job(
            'adopt', NEW.bucket_id, NULL, jsonb_build_object('after', last), 'adopt:' || NEW.bucket_id);
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER magpie_project_adopts AFTER INSERT ON magpie.projects
    FOR EACH ROW EXECUTE FUNCTION magpie.adopt_bucket();

REVOKE ALL ON FUNCTION magpie.add_to_totals(text, bigint, bigint, bigint, bigint), magpie.add_kept_bytes(text, bigint),
    magpie.request_deletion_of_derived(text, text[]), magpie.may_have_derived(text, text, text),
    magpie.request_inspection(storage.objects, text, int), magpie.asset_id(storage.objects, text),
    magpie.add_assets(storage.objects[], int), magpie.free_public_id(text, text),
    magpie.offered_public_id(text, text, boolean), magpie.name_asset(uuid, text),
    magpie.move_asset(storage.objects, storage.objects), magpie.adopt_objects(text, text, int),
    magpie.unfile_assets(text, text, timestamptz, int), magpie.delete_folder(text, text, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION magpie.add_to_totals(text, bigint, bigint, bigint, bigint), magpie.add_kept_bytes(text, bigint),
    magpie.request_deletion_of_derived(text, text[]), magpie.may_have_derived(text, text, text),
    magpie.request_inspection(storage.objects, text, int), magpie.asset_id(storage.objects, text),
    magpie.add_assets(storage.objects[], int), magpie.free_public_id(text, text),
    magpie.offered_public_id(text, text, boolean), magpie.name_asset(uuid, text),
    magpie.adopt_objects(text, text, int), magpie.unfile_assets(text, text, timestamptz, int),
    magpie.delete_folder(text, text, int) TO service_role;

-- Those that only compute, or see what their caller sees. A database may leave none of them to its defaults.
GRANT EXECUTE ON FUNCTION magpie.asset_kind(text), magpie.new_ulid(timestamptz), magpie.is_asset_id(text), magpie.as_asset_id(text),
    magpie.key_folder(text), magpie.key_file_name(text), magpie.object_size(jsonb), magpie.is_asset(storage.objects),
    magpie.inspection_key(uuid, text, text, text), magpie.move_asset(storage.objects, storage.objects) TO service_role;
DO $$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT p.oid::regprocedure AS signature
        FROM pg_proc AS p
        WHERE p.pronamespace = 'magpie'::regnamespace AND p.proname = ANY (ARRAY[
            'asset_text', 'grams', 'asset_grams', 'narrowing_grams', 'grams_of_asset', 'gram_condition', 'containing', 'walk_assets',
            'count_by_grams', 'find_assets'])
    LOOP
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO PUBLIC', found.signature);
    END LOOP;
END
$$;

-- Projects of before this migration.
SELECT magpie.add_kept_bytes(v.bucket_id, sum(magpie.object_size(v.metadata))::bigint)
FROM magpie.object_versions AS v
GROUP BY v.bucket_id;
SELECT magpie.enqueue_job('adopt', p.bucket_id, NULL, '{}', 'adopt:' || p.bucket_id)
FROM magpie.projects AS p
WHERE NOT EXISTS (SELECT FROM magpie.assets AS a WHERE a.bucket_id = p.bucket_id);
