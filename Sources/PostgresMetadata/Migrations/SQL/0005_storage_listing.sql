-- SPDX-License-Identifier: Apache-2.0
-- Listings as Supabase Storage's clients and users' own queries call them. Everything runs as the caller.
--
-- `storage.search` compares keys in lower case. `lower` is not leakproof to Postgres, so where policies bind the caller the
-- index on it can't be entered at a key and a skip-scan would begin at the start of the bucket at each step. There one pass over
-- the folder is made instead, unless the administrator of the cluster declared `lower` leakproof.

-- The entries of one folder by their keys in lower case, in byte order.
CREATE OR REPLACE FUNCTION magpie.folder_ascending(p_bucket text, p_prefix text, p_stem int, p_limit bigint)
RETURNS TABLE (
    sort_key text, name text, id uuid, updated_at timestamptz, created_at timestamptz, last_accessed_at timestamptz,
    metadata jsonb
)
LANGUAGE sql STABLE AS $$
    WITH RECURSIVE bounds AS (
        SELECT p_prefix COLLATE "C" AS low, magpie.key_bound(p_prefix) COLLATE "C" AS high,
            char_length(p_prefix) AS length
    ), first AS (
        SELECT position('/' IN substr(o.name, char_length(p_prefix) + 1)) AS cut
        FROM storage.objects AS o
        WHERE o.bucket_id = p_bucket AND lower(o.name) COLLATE "C" >= p_prefix
            AND lower(o.name) COLLATE "C" < magpie.key_bound(p_prefix)
        ORDER BY lower(o.name) COLLATE "C"
        LIMIT 1
    ), head AS MATERIALIZED (
        SELECT lower(o.name) COLLATE "C" AS sort_key, o.name, o.id, o.updated_at, o.created_at, o.last_accessed_at, o.metadata,
            position('/' IN substr(o.name, char_length(p_prefix) + 1)) > 0 AS is_folded
        FROM storage.objects AS o
        WHERE o.bucket_id = p_bucket AND lower(o.name) COLLATE "C" >= p_prefix
            AND lower(o.name) COLLATE "C" < magpie.key_bound(p_prefix)
        ORDER BY lower(o.name) COLLATE "C", o.name COLLATE "C"
        LIMIT (SELECT CASE WHEN f.cut = 0 THEN p_limit ELSE 0 END FROM first AS f)
    ), stop AS (
        SELECT min(h.sort_key) AS sort_key FROM head AS h WHERE h.is_folded
    ), run AS (
        SELECT h.* FROM head AS h CROSS JOIN stop AS s WHERE s.sort_key IS NULL OR h.sort_key < s.sort_key
    ), walk AS (
        SELECT r.count AS step, coalesce(s.sort_key, CASE WHEN r.count = 0 THEN b.low END) COLLATE "C" AS seek, b.length,
            NULL::text COLLATE "C" AS sort_key, NULL::text AS name, false AS is_folder
        FROM stop AS s CROSS JOIN (SELECT count(*) FROM run) AS r CROSS JOIN bounds AS b
        UNION ALL
        SELECT w.step + 1,
            CASE WHEN c.cut > 0 THEN left(o.sort_key, w.length + c.cut - 1) || '0' ELSE o.sort_key || E'\x01' END COLLATE "C",
            w.length,
            CASE WHEN c.cut > 0 THEN left(o.sort_key, w.length + c.cut) ELSE o.sort_key END COLLATE "C",
            left(o.name, w.length + c.cut - 1), c.cut > 0
        FROM walk AS w
        CROSS JOIN LATERAL (
            SELECT lower(o.name) AS sort_key, o.name
            FROM storage.objects AS o
            WHERE o.bucket_id = p_bucket AND lower(o.name) COLLATE "C" >= w.seek
            ORDER BY lower(o.name) COLLATE "C"
            LIMIT 1
        ) AS o
        CROSS JOIN LATERAL (SELECT position('/' IN substr(o.name, w.length + 1)) AS cut) AS c
        WHERE w.step < p_limit AND starts_with(o.sort_key, p_prefix)
    )
    SELECT e.sort_key, substr(e.name, p_stem + 1), e.id, e.updated_at, e.created_at, e.last_accessed_at, e.metadata
    FROM (
        SELECT r.sort_key, r.name, r.id, r.updated_at, r.created_at, r.last_accessed_at, r.metadata FROM run AS r
        UNION ALL
        SELECT w.sort_key, w.name, NULL, NULL, NULL, NULL, NULL FROM walk AS w WHERE w.is_folder
        UNION ALL
        -- Two keys may differ in case alone: a step of the walk stands for all of them.
        SELECT w.sort_key, o.name, o.id, o.updated_at, o.created_at, o.last_accessed_at, o.metadata
        FROM walk AS w
        JOIN storage.objects AS o ON o.bucket_id = p_bucket AND lower(o.name) COLLATE "C" = w.sort_key
        WHERE NOT w.is_folder
    ) AS e
    ORDER BY e.sort_key, e.name COLLATE "C"
    LIMIT p_limit
$$;

-- The same in reverse.
CREATE OR REPLACE FUNCTION magpie.folder_descending(p_bucket text, p_prefix text, p_stem int, p_limit bigint)
RETURNS TABLE (
    sort_key text, name text, id uuid, updated_at timestamptz, created_at timestamptz, last_accessed_at timestamptz,
    metadata jsonb
)
LANGUAGE sql STABLE AS $$
    WITH RECURSIVE bounds AS (
        SELECT p_prefix COLLATE "C" AS low, magpie.key_bound(p_prefix) COLLATE "C" AS high,
            char_length(p_prefix) AS length
    ), first AS (
        SELECT position('/' IN substr(o.name, char_length(p_prefix) + 1)) AS cut
        FROM storage.objects AS o
        WHERE o.bucket_id = p_bucket AND lower(o.name) COLLATE "C" >= p_prefix
            AND lower(o.name) COLLATE "C" < magpie.key_bound(p_prefix)
        ORDER BY lower(o.name) COLLATE "C" DESC
        LIMIT 1
    ), head AS MATERIALIZED (
        SELECT lower(o.name) COLLATE "C" AS sort_key, o.name, o.id, o.updated_at, o.created_at, o.last_accessed_at, o.metadata,
            position('/' IN substr(o.name, char_length(p_prefix) + 1)) > 0 AS is_folded
        FROM storage.objects AS o
        WHERE o.bucket_id = p_bucket AND lower(o.name) COLLATE "C" >= p_prefix
            AND lower(o.name) COLLATE "C" < magpie.key_bound(p_prefix)
        ORDER BY lower(o.name) COLLATE "C" DESC, o.name COLLATE "C" DESC
        LIMIT (SELECT CASE WHEN f.cut = 0 THEN p_limit ELSE 0 END FROM first AS f)
    ), stop AS (
        SELECT max(h.sort_key) AS sort_key FROM head AS h WHERE h.is_folded
    ), run AS (
        SELECT h.* FROM head AS h CROSS JOIN stop AS s WHERE s.sort_key IS NULL OR h.sort_key > s.sort_key
    ), walk AS (
        SELECT r.count AS step, coalesce(s.sort_key || E'\x01', CASE WHEN r.count = 0 THEN b.high END) COLLATE "C" AS seek, b.length,
            NULL::text COLLATE "C" AS sort_key, NULL::text AS name, false AS is_folder
        FROM stop AS s CROSS JOIN (SELECT count(*) FROM run) AS r CROSS JOIN bounds AS b
        UNION ALL
        SELECT w.step + 1,
            CASE WHEN c.cut > 0 THEN left(o.sort_key, w.length + c.cut - 1) || '/' ELSE o.sort_key END COLLATE "C",
            w.length,
            CASE WHEN c.cut > 0 THEN left(o.sort_key, w.length + c.cut) ELSE o.sort_key END COLLATE "C",
            left(o.name, w.length + c.cut - 1), c.cut > 0
        FROM walk AS w
        CROSS JOIN LATERAL (
            SELECT lower(o.name) AS sort_key, o.name
            FROM storage.objects AS o
            WHERE o.bucket_id = p_bucket AND lower(o.name) COLLATE "C" < w.seek
            ORDER BY lower(o.name) COLLATE "C" DESC
            LIMIT 1
        ) AS o
        CROSS JOIN LATERAL (SELECT position('/' IN substr(o.name, w.length + 1)) AS cut) AS c
        WHERE w.step < p_limit AND starts_with(o.sort_key, p_prefix)
    )
    SELECT e.sort_key, substr(e.name, p_stem + 1), e.id, e.updated_at, e.created_at, e.last_accessed_at, e.metadata
    FROM (
        SELECT r.sort_key, r.name, r.id, r.updated_at, r.created_at, r.last_accessed_at, r.metadata FROM run AS r
        UNION ALL
        SELECT w.sort_key, w.name, NULL, NULL, NULL, NULL, NULL FROM walk AS w WHERE w.is_folder
        UNION ALL
        -- Two keys may differ in case alone: a step of the walk stands for all of them.
        SELECT w.sort_key, o.name, o.id, o.updated_at, o.created_at, o.last_accessed_at, o.metadata
        FROM walk AS w
        JOIN storage.objects AS o ON o.bucket_id = p_bucket AND lower(o.name) COLLATE "C" = w.sort_key
        WHERE NOT w.is_folder
    ) AS e
    ORDER BY e.sort_key DESC, e.name COLLATE "C" DESC
    LIMIT p_limit
$$;

-- The entries of one folder, from one pass over everything below it.
CREATE OR REPLACE FUNCTION magpie.folder_scan(p_bucket text, p_prefix text, p_stem int)
RETURNS TABLE (
    sort_key text, name text, id uuid, updated_at timestamptz, created_at timestamptz, last_accessed_at timestamptz,
    metadata jsonb
)
LANGUAGE sql STABLE AS $$
    WITH below AS (
        SELECT o.*, lower(o.name) COLLATE "C" AS sort_key, position('/' IN substr(o.name, char_length(p_prefix) + 1)) AS cut
        FROM storage.objects AS o
        WHERE o.bucket_id = p_bucket AND lower(o.name) COLLATE "C" >= p_prefix
            AND lower(o.name) COLLATE "C" < magpie.key_bound(p_prefix)
    ), folders AS (
        SELECT left(b.sort_key, char_length(p_prefix) + b.cut) AS sort_key,
            min(left(b.name, char_length(p_prefix) + b.cut - 1) COLLATE "C") AS name
        FROM below AS b
        WHERE b.cut > 0
        GROUP BY 1
    )
    SELECT f.sort_key, substr(f.name, p_stem + 1), NULL::uuid, NULL::timestamptz, NULL::timestamptz, NULL::timestamptz, NULL::jsonb
    FROM folders AS f
    UNION ALL
    SELECT b.sort_key, substr(b.name, p_stem + 1), b.id, b.updated_at, b.created_at, b.last_accessed_at, b.metadata
    FROM below AS b
    WHERE b.cut = 0
$$;

CREATE OR REPLACE FUNCTION storage.search(
    prefix text, bucketname text, limits int DEFAULT 100, levels int DEFAULT 1, offsets int DEFAULT 0,
    search text DEFAULT '', sortcolumn text DEFAULT 'name', sortorder text DEFAULT 'asc'
)
RETURNS TABLE (
    name text, id uuid, updated_at timestamptz, created_at timestamptz, last_accessed_at timestamptz, metadata jsonb
)
LANGUAGE plpgsql STABLE AS $$
DECLARE
    wanted text := lower(coalesce(prefix, '') || coalesce(search, ''));
    stem int := char_length(coalesce(prefix, ''));
    page int := least(greatest(coalesce(limits, 100), 0), 1500);
    skipped int := greatest(coalesce(offsets, 0), 0);
    is_descending boolean := lower(sortorder) IS NOT DISTINCT FROM 'desc';
    direction text := CASE WHEN is_descending THEN 'DESC' ELSE 'ASC' END;
    ordering text;
BEGIN
    IF lower(sortcolumn) IN ('updated_at', 'created_at', 'last_accessed_at') THEN
        ordering := format(
            'e.id IS NOT NULL, CASE WHEN e.id IS NULL THEN e.sort_key END COLLATE "C" %1$s, e.%2$I %1$s, e.name COLLATE "C" %1$s',
            direction, lower(sortcolumn));
    ELSIF row_security_active('storage.objects')
        AND NOT (SELECT p.proleakproof FROM pg_proc AS p WHERE p.oid = 'pg_catalog.lower(text)'::regprocedure)
    THEN
        ordering := format('e.sort_key COLLATE "C" %1$s, e.name COLLATE "C" %1$s', direction);
    END IF;

    IF ordering IS NOT NULL THEN
        RETURN QUERY EXECUTE format(
            'SELECT e.name, e.id, e.updated_at, e.created_at, e.last_accessed_at, e.metadata
             FROM magpie.folder_scan($1, $2, $3) AS e
             ORDER BY %s
             OFFSET $4 LIMIT $5', ordering)
            USING bucketname, wanted, stem, skipped, page;
    ELSIF is_descending THEN
        RETURN QUERY
            SELECT e.name, e.id, e.updated_at, e.created_at, e.last_accessed_at, e.metadata
            FROM magpie.folder_descending(bucketname, wanted, stem, skipped::bigint + page) AS e
            ORDER BY e.sort_key COLLATE "C" DESC, e.name COLLATE "C" DESC
            OFFSET skipped;
    ELSE
        RETURN QUERY
            SELECT e.name, e.id, e.updated_at, e.created_at, e.last_accessed_at, e.metadata
            FROM magpie.folder_ascending(bucketname, wanted, stem, skipped::bigint + page) AS e
            ORDER BY e.sort_key COLLATE "C", e.name COLLATE "C"
            OFFSET skipped;
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION storage.list_objects_with_delimiter(
    _bucket_id text, prefix_param text, delimiter_param text, max_keys int DEFAULT 100, start_after text DEFAULT '',
    next_token text DEFAULT '', sort_order text DEFAULT 'asc'
)
RETURNS TABLE (
    name text, id uuid, metadata jsonb, updated_at timestamptz, created_at timestamptz, last_accessed_at timestamptz
)
LANGUAGE plpgsql STABLE AS $$
DECLARE
    wanted text := coalesce(prefix_param, '');
    page int := least(greatest(coalesce(max_keys, 100), 0), 1500);
    start text := coalesce(nullif(next_token, ''), nullif(start_after, ''));
    -- A page that ended with a folder, or inside of one, is continued behind it.
    start_folder text := storage.get_common_prefix(start, wanted, delimiter_param);
    -- Without a delimiter nothing folds: it becomes one that no key has room for.
    fold text := coalesce(nullif(delimiter_param, ''), magpie.key_last());
    seek text;
BEGIN
    IF lower(sort_order) IS NOT DISTINCT FROM 'desc' THEN
        seek := least(
            magpie.key_bound(wanted) COLLATE "C", coalesce(start_folder, start) COLLATE "C");
        RETURN QUERY
            SELECT e.name, e.id, e.metadata, e.updated_at, e.created_at, e.last_accessed_at
            FROM magpie.level_descending(_bucket_id, wanted, fold, seek, page) AS e;
    ELSE
        seek := greatest(wanted COLLATE "C", coalesce(magpie.key_after(start_folder), start || E'\x01') COLLATE "C");
        RETURN QUERY
            SELECT e.name, e.id, e.metadata, e.updated_at, e.created_at, e.last_accessed_at
            FROM magpie.level_ascending(_bucket_id, wanted, fold, seek, page) AS e;
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION storage.search_by_timestamp(
    p_prefix text, p_bucket_id text, p_limit int, p_level int, p_start_after text, p_sort_order text, p_sort_column text,
    p_sort_column_after text
)
RETURNS TABLE (
    key text, name text, id uuid, updated_at timestamptz, created_at timestamptz, last_accessed_at timestamptz, metadata jsonb
)
LANGUAGE plpgsql STABLE AS $$
DECLARE
    wanted text := coalesce(p_prefix, '');
    is_descending boolean := lower(p_sort_order) IS NOT DISTINCT FROM 'desc';
    direction text := CASE WHEN is_descending THEN 'DESC' ELSE 'ASC' END;
    sort_column text := CASE lower(p_sort_column) WHEN 'updated_at' THEN 'updated_at' ELSE 'created_at' END;
    after_time timestamptz := date_trunc('milliseconds', nullif(p_sort_column_after, '')::timestamptz);
BEGIN
    RETURN QUERY EXECUTE format(
        'WITH below AS (
             SELECT o.*, position(''/'' IN substr(o.name, char_length($1) + 1)) AS cut
             FROM storage.objects AS o
             WHERE o.bucket_id = $2 AND o.name COLLATE "C" >= $1
                 AND o.name COLLATE "C" < magpie.key_bound($1)
         ), entries AS (
             SELECT left(b.name, char_length($1) + b.cut - 1) AS name, NULL::uuid AS id, min(b.created_at) AS updated_at,
                 min(b.created_at) AS created_at, NULL::timestamptz AS last_accessed_at, NULL::jsonb AS metadata
             FROM below AS b
             WHERE b.cut > 0
             GROUP BY 1
             UNION ALL
             SELECT b.name, b.id, b.updated_at, b.created_at, b.last_accessed_at, b.metadata FROM below AS b WHERE b.cut = 0
         )
         SELECT split_part(e.name, ''/'', -1), e.name, e.id, e.updated_at, e.created_at, e.last_accessed_at, e.metadata
         FROM entries AS e
         WHERE $3::timestamptz IS NULL OR (date_trunc(''milliseconds'', e.%1$I), e.name COLLATE "C") %3$s ($3, $4)
         ORDER BY date_trunc(''milliseconds'', e.%1$I) %2$s, e.name COLLATE "C" %2$s
         LIMIT $5', sort_column, direction, CASE WHEN is_descending THEN '<' ELSE '>' END)
        USING wanted, p_bucket_id, after_time, coalesce(p_start_after, ''), least(greatest(coalesce(p_limit, 100), 0), 1500);
END
$$;

CREATE OR REPLACE FUNCTION storage.search_v2(
    prefix text, bucket_name text, limits int DEFAULT 100, levels int DEFAULT 1, start_after text DEFAULT '',
    sort_order text DEFAULT 'asc', sort_column text DEFAULT 'name', sort_column_after text DEFAULT ''
)
RETURNS TABLE (
    key text, name text, id uuid, updated_at timestamptz, created_at timestamptz, last_accessed_at timestamptz, metadata jsonb
)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF lower(sort_column) IN ('created_at', 'updated_at') THEN
        RETURN QUERY
            SELECT *
            FROM storage.search_by_timestamp(
                prefix, bucket_name, limits, levels, start_after, sort_order, sort_column, sort_column_after);
    ELSE
        RETURN QUERY
            SELECT split_part(f.name, '/', -1), f.name, e.id, e.updated_at, e.created_at, e.last_accessed_at, e.metadata
            FROM storage.list_objects_with_delimiter(bucket_name, prefix, '/', limits, start_after, '', sort_order) AS e
            CROSS JOIN LATERAL (SELECT CASE WHEN e.id IS NULL THEN left(e.name, -1) ELSE e.name END) AS f (name);
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION storage.list_multipart_uploads_with_delimiter(
    bucket_id text, prefix_param text, delimiter_param text, max_keys int DEFAULT 100, next_key_token text DEFAULT '',
    next_upload_token text DEFAULT ''
)
RETURNS TABLE (key text, id text, created_at timestamptz)
LANGUAGE sql STABLE AS $$
    WITH uploads AS (
        SELECT coalesce(storage.get_common_prefix(u.key, coalesce(prefix_param, ''), delimiter_param), u.key) COLLATE "C" AS entry,
            u.key, u.id, u.created_at
        FROM storage.s3_multipart_uploads AS u
        WHERE u.bucket_id = list_multipart_uploads_with_delimiter.bucket_id AND starts_with(u.key, coalesce(prefix_param, ''))
    ), entries AS (
        -- One entry a common prefix, one entry an upload: several uploads of a key may be pending.
        SELECT DISTINCT ON (u.entry, CASE WHEN u.entry = u.key THEN u.id END) u.entry, u.key, u.id, u.created_at
        FROM uploads AS u
        ORDER BY u.entry, CASE WHEN u.entry = u.key THEN u.id END, u.key, u.created_at
    )
    SELECT e.entry, e.id, e.created_at
    FROM entries AS e
    WHERE coalesce(next_key_token, '') = '' OR e.entry > next_key_token
        OR (e.entry = next_key_token AND e.entry = e.key
            AND (e.created_at, e.id) > (
                SELECT n.created_at, n.id FROM entries AS n WHERE n.entry = next_key_token AND n.id = nullif(next_upload_token, '')))
    ORDER BY e.entry, e.created_at, e.id
    LIMIT least(greatest(coalesce(max_keys, 100), 0), 1500)
$$;

GRANT EXECUTE ON FUNCTION magpie.folder_ascending(text, text, int, bigint), magpie.folder_descending(text, text, int, bigint),
    magpie.folder_scan(text, text, int) TO PUBLIC;
