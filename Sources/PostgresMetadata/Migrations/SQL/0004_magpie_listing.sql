-- SPDX-License-Identifier: Apache-2.0
-- How one level of a bucket is listed: a skip-scan over `(bucket_id, name COLLATE "C")`.
--
-- The run of files that a page begins with is read in one go; from the first folder on, each entry costs one descent of the
-- index, however many objects a folder holds. Everything runs as the caller, so policies decide what is seen, and every
-- comparison is leakproof, so they do not keep the index from being used. The functions are plain SQL to be inlined into the
-- statement that calls them, whose plan is kept per role.

-- Only functions are open to everybody here, and only those that do not let out what a policy hides.
GRANT USAGE ON SCHEMA magpie TO PUBLIC;

-- The smallest text that follows, byte by byte, every text that begins with `p_prefix`; NULL when there is none, or no prefix.
CREATE OR REPLACE FUNCTION magpie.key_after(p_prefix text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    rest text := p_prefix;
    last int;
BEGIN
    LOOP
        IF rest = '' THEN
            RETURN NULL;
        END IF;
        last := ascii(right(rest, 1));
        rest := left(rest, -1);
        -- UTF-8 has no code points beyond U+10FFFF and none from U+D800 to U+DFFF.
        IF last < 1114111 THEN
            RETURN rest || chr(CASE last WHEN 55295 THEN 57344 ELSE last + 1 END);
        END IF;
    END LOOP;
END
$$;

-- Follows every key of a bucket: keys have 1024 bytes at most.
CREATE OR REPLACE FUNCTION magpie.key_last() RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT repeat(chr(1114111), 257)
$$;

-- Follows every key that begins with `p_prefix`. A function for the planner's sake: a COALESCE in a comparison passes for leaky, which under
-- row-level security keeps the comparison from being a bound of the index scan.
CREATE OR REPLACE FUNCTION magpie.key_bound(p_prefix text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN coalesce(magpie.key_after(p_prefix), magpie.key_last());
END
$$;

-- Entries at or after `p_seek`, in byte order.
CREATE OR REPLACE FUNCTION magpie.level_ascending(p_bucket text, p_prefix text, p_delimiter text, p_seek text, p_limit bigint)
RETURNS TABLE (
    name text, is_prefix boolean, id uuid, metadata jsonb, created_at timestamptz, updated_at timestamptz,
    last_accessed_at timestamptz
)
LANGUAGE sql STABLE AS $$
    WITH RECURSIVE first AS (
        SELECT o.name
        FROM storage.objects AS o
        WHERE o.bucket_id = p_bucket AND o.name COLLATE "C" >= p_seek
        ORDER BY o.name COLLATE "C"
        LIMIT 1
    ), head AS MATERIALIZED (
        SELECT o.name, o.id, o.metadata, o.created_at, o.updated_at, o.last_accessed_at,
            position(p_delimiter IN substr(o.name, char_length(p_prefix) + 1)) > 0 AS is_folded
        FROM storage.objects AS o
        WHERE o.bucket_id = p_bucket AND o.name COLLATE "C" >= p_seek
            AND o.name COLLATE "C" < magpie.key_bound(p_prefix)
        ORDER BY o.name COLLATE "C"
        LIMIT (
            SELECT CASE WHEN position(p_delimiter IN substr(f.name, char_length(p_prefix) + 1)) = 0 THEN p_limit ELSE 0 END
            FROM first AS f
        )
    ), stop AS (
        SELECT min(h.name COLLATE "C") AS name FROM head AS h WHERE h.is_folded
    ), run AS (
        SELECT h.* FROM head AS h CROSS JOIN stop AS s WHERE s.name IS NULL OR h.name COLLATE "C" < s.name
    ), walk AS (
        SELECT r.count AS step, coalesce(s.name, CASE WHEN r.count = 0 THEN p_seek END) COLLATE "C" AS seek,
            char_length(p_prefix) AS stem, magpie.key_after(p_delimiter) AS past,
            NULL::text AS name, false AS is_prefix, NULL::uuid AS id, NULL::jsonb AS metadata,
            NULL::timestamptz AS created_at, NULL::timestamptz AS updated_at, NULL::timestamptz AS last_accessed_at,
            false AS is_entry
        FROM stop AS s CROSS JOIN (SELECT count(*) FROM run) AS r
        UNION ALL
        SELECT w.step + 1,
            -- Nothing follows a delimiter of U+10FFFF but what follows the text in front of it.
            CASE
                WHEN c.cut > 0 THEN
                    coalesce(
                        left(o.name, w.stem + c.cut - 1) || w.past, magpie.key_after(left(o.name, w.stem + c.cut - 1)))
                ELSE o.name || E'\x01'
            END COLLATE "C",
            w.stem, w.past,
            CASE WHEN c.cut > 0 THEN left(o.name, w.stem + c.cut - 1) || p_delimiter ELSE o.name END, c.cut > 0,
            CASE WHEN c.cut = 0 THEN o.id END, CASE WHEN c.cut = 0 THEN o.metadata END,
            CASE WHEN c.cut = 0 THEN o.created_at END, CASE WHEN c.cut = 0 THEN o.updated_at END,
            CASE WHEN c.cut = 0 THEN o.last_accessed_at END, true
        FROM walk AS w
        CROSS JOIN LATERAL (
            SELECT o.name, o.id, o.metadata, o.created_at, o.updated_at, o.last_accessed_at
            FROM storage.objects AS o
            WHERE o.bucket_id = p_bucket AND o.name COLLATE "C" >= w.seek
            ORDER BY o.name COLLATE "C"
            LIMIT 1
        ) AS o
        CROSS JOIN LATERAL (SELECT position(p_delimiter IN substr(o.name, w.stem + 1)) AS cut) AS c
        WHERE w.step < p_limit AND starts_with(o.name, p_prefix)
    )
    SELECT e.name, e.is_prefix, e.id, e.metadata, e.created_at, e.updated_at, e.last_accessed_at
    FROM (
        SELECT r.name, false AS is_prefix, r.id, r.metadata, r.created_at, r.updated_at, r.last_accessed_at FROM run AS r
        UNION ALL
        SELECT w.name, w.is_prefix, w.id, w.metadata, w.created_at, w.updated_at, w.last_accessed_at
        FROM walk AS w
        WHERE w.is_entry
    ) AS e
    ORDER BY e.name COLLATE "C"
    LIMIT p_limit
$$;

-- Entries before `p_seek`, in reverse byte order.
CREATE OR REPLACE FUNCTION magpie.level_descending(p_bucket text, p_prefix text, p_delimiter text, p_seek text, p_limit bigint)
RETURNS TABLE (
    name text, is_prefix boolean, id uuid, metadata jsonb, created_at timestamptz, updated_at timestamptz,
    last_accessed_at timestamptz
)
LANGUAGE sql STABLE AS $$
    WITH RECURSIVE first AS (
        SELECT o.name
        FROM storage.objects AS o
        WHERE o.bucket_id = p_bucket AND o.name COLLATE "C" < p_seek
        ORDER BY o.name COLLATE "C" DESC
        LIMIT 1
    ), head AS MATERIALIZED (
        SELECT o.name, o.id, o.metadata, o.created_at, o.updated_at, o.last_accessed_at,
            position(p_delimiter IN substr(o.name, char_length(p_prefix) + 1)) > 0 AS is_folded
        FROM storage.objects AS o
        WHERE o.bucket_id = p_bucket AND o.name COLLATE "C" < p_seek AND o.name COLLATE "C" >= p_prefix
        ORDER BY o.name COLLATE "C" DESC
        LIMIT (
            SELECT CASE WHEN position(p_delimiter IN substr(f.name, char_length(p_prefix) + 1)) = 0 THEN p_limit ELSE 0 END
            FROM first AS f
        )
    ), stop AS (
        SELECT max(h.name COLLATE "C") AS name FROM head AS h WHERE h.is_folded
    ), run AS (
        SELECT h.* FROM head AS h CROSS JOIN stop AS s WHERE s.name IS NULL OR h.name COLLATE "C" > s.name
    ), walk AS (
        SELECT r.count AS step, coalesce(s.name || E'\x01', CASE WHEN r.count = 0 THEN p_seek END) COLLATE "C" AS seek,
            char_length(p_prefix) AS stem, p_delimiter AS past,
            NULL::text AS name, false AS is_prefix, NULL::uuid AS id, NULL::jsonb AS metadata,
            NULL::timestamptz AS created_at, NULL::timestamptz AS updated_at, NULL::timestamptz AS last_accessed_at,
            false AS is_entry
        FROM stop AS s CROSS JOIN (SELECT count(*) FROM run) AS r
        UNION ALL
        SELECT w.step + 1,
            CASE WHEN c.cut > 0 THEN left(o.name, w.stem + c.cut - 1) || w.past ELSE o.name END COLLATE "C",
            w.stem, w.past,
            CASE WHEN c.cut > 0 THEN left(o.name, w.stem + c.cut - 1) || p_delimiter ELSE o.name END, c.cut > 0,
            CASE WHEN c.cut = 0 THEN o.id END, CASE WHEN c.cut = 0 THEN o.metadata END,
            CASE WHEN c.cut = 0 THEN o.created_at END, CASE WHEN c.cut = 0 THEN o.updated_at END,
            CASE WHEN c.cut = 0 THEN o.last_accessed_at END, true
        FROM walk AS w
        CROSS JOIN LATERAL (
            SELECT o.name, o.id, o.metadata, o.created_at, o.updated_at, o.last_accessed_at
            FROM storage.objects AS o
            WHERE o.bucket_id = p_bucket AND o.name COLLATE "C" < w.seek
            ORDER BY o.name COLLATE "C" DESC
            LIMIT 1
        ) AS o
        CROSS JOIN LATERAL (SELECT position(p_delimiter IN substr(o.name, w.stem + 1)) AS cut) AS c
        WHERE w.step < p_limit AND starts_with(o.name, p_prefix)
    )
    SELECT e.name, e.is_prefix, e.id, e.metadata, e.created_at, e.updated_at, e.last_accessed_at
    FROM (
        SELECT r.name, false AS is_prefix, r.id, r.metadata, r.created_at, r.updated_at, r.last_accessed_at FROM run AS r
        UNION ALL
        SELECT w.name, w.is_prefix, w.id, w.metadata, w.created_at, w.updated_at, w.last_accessed_at
        FROM walk AS w
        WHERE w.is_entry
    ) AS e
    ORDER BY e.name COLLATE "C" DESC
    LIMIT p_limit
$$;

-- Databases exist that take from PUBLIC what it has by default.
GRANT EXECUTE ON FUNCTION magpie.key_after(text), magpie.key_last(), magpie.key_bound(text),
    magpie.level_ascending(text, text, text, text, bigint),
    magpie.level_descending(text, text, text, text, bigint) TO PUBLIC;
