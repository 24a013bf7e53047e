-- SPDX-License-Identifier: Apache-2.0
-- Several puts in one transaction and a few statements, for all that wait at the same time.

-- Whether anything but Magpie looks at a row of `storage.objects` while it is written, and so might see that the settings of the
-- transaction are not those of one request: triggers, policies, checks, defaults or rules that somebody added. Magpie's own triggers
-- read nothing of a request, but for those of events, and a server that records events forms no groups.
CREATE OR REPLACE FUNCTION magpie.puts_are_watched() RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN row_security_active('storage.objects'::regclass)
        OR EXISTS (
            SELECT FROM pg_catalog.pg_class AS c
            WHERE c.oid = 'storage.objects'::regclass AND (c.relhasrules OR c.relchecks > 0))
        OR EXISTS (
            SELECT FROM pg_catalog.pg_trigger AS t
            WHERE t.tgrelid = 'storage.objects'::regclass AND NOT t.tgisinternal
                AND NOT EXISTS (
                    SELECT FROM pg_catalog.pg_proc AS p
                    WHERE p.oid = t.tgfoid
                        AND (p.pronamespace = 'magpie'::regnamespace
                            OR p.pronamespace = 'storage'::regnamespace
                                AND p.proname IN ('update_updated_at_column', 'protect_delete'))))
        OR EXISTS (
            SELECT FROM pg_catalog.pg_attribute AS a
            WHERE a.attrelid = 'storage.objects'::regclass AND a.attnum > 0 AND a.atthasdef
                AND a.attname <> ALL (ARRAY[
                    'id', 'created_at', 'updated_at', 'last_accessed_at', 'path_tokens', 'is_delete_marker',
                    'is_versioned']::name[]));
END
$$;

-- As `magpie.commit_put` for each of these puts, whose addresses differ, but takes the locks on the addresses itself and waits for
-- none: a put whose address is taken is left out, and so is one whose key must be free and is not, or whose row is not in the state in
-- which its trial saw it. What was written is returned, so that whoever was left out can go the long way. Raises MG501 when
-- the puts must not share a transaction.
--
-- Item by item only what is there already is looked at; the rest is done by one statement for all. Plans are generic: the lengths of the
-- arrays, which a plan of its own would know, make Postgres think that one pays at every call.
CREATE OR REPLACE FUNCTION magpie.commit_puts(
    p_creates boolean[], p_tried boolean[], p_seen text[], p_buckets text[], p_names text[], p_versions text[], p_owners uuid[],
    p_owner_ids text[], p_metadata jsonb[], p_user_metadata jsonb[], p_backends text[], p_keys text[], p_sizes bigint[],
    p_md5s text[], p_checksums jsonb[], p_parts text[], p_part_checksums text[]
) RETURNS SETOF storage.objects
LANGUAGE plpgsql VOLATILE SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    locked int[];
    created int[] := '{}';
    replaced int[] := '{}';
    versioned boolean[] := '{}';
    place record;
BEGIN
    IF magpie.puts_are_watched() THEN
        RAISE EXCEPTION 'somebody watches single puts' USING ERRCODE = 'MG501';
    END IF;
    -- What was committed before an address was locked is seen by the statements that follow.
    SELECT array_agg(i) INTO locked
    FROM generate_subscripts(p_names, 1) AS i
    WHERE pg_try_advisory_xact_lock(hashtextextended(p_buckets[i] || '/' || p_names[i], 0));
    -- LATERAL makes it one lookup in the index an item, whatever the planner believes of the table.
    FOR place IN
        SELECT a.i, o.state,
            (SELECT s.versioning FROM magpie.bucket_settings AS s WHERE s.bucket_id = p_buckets[a.i]) AS status
        FROM unnest(locked) AS a (i)
        LEFT JOIN LATERAL (
            SELECT o.id::text || '/' || o.xmin::text AS state
            FROM storage.objects AS o
            WHERE o.bucket_id = p_buckets[a.i] AND o.name = p_names[a.i]
            FOR UPDATE NOWAIT
        ) AS o ON true
    LOOP
        CONTINUE WHEN place.state IS NOT NULL
            AND (p_creates[place.i] OR p_tried[place.i] AND place.state IS DISTINCT FROM p_seen[place.i]);
        versioned[place.i] := place.status IS NOT DISTINCT FROM 'enabled';
        IF p_creates[place.i] THEN
            created := created || place.i;
        ELSE
            replaced := replaced || place.i;
        END IF;
        -- Behind a delete marker there may be a `null` version whose place this one takes.
        IF place.state IS NOT NULL OR place.status = 'suspended' THEN
            PERFORM magpie.make_way(p_buckets[place.i], p_names[place.i], p_versions[place.i]);
        END IF;
    END LOOP;
    INSERT INTO magpie.blobs (version, backend, key, size, md5, checksums, is_versioned, parts, part_checksums)
    SELECT p_versions[a.i], p_backends[a.i], p_keys[a.i], p_sizes[a.i], p_md5s[a.i], p_checksums[a.i], versioned[a.i], p_parts[a.i],
        p_part_checksums[a.i]
    FROM unnest(created || replaced) AS a (i);
    IF created <> '{}' THEN
        RETURN QUERY
        INSERT INTO storage.objects AS o (bucket_id, name, version, owner, owner_id, metadata, user_metadata)
        SELECT p_buckets[a.i], p_names[a.i], p_versions[a.i], p_owners[a.i], p_owner_ids[a.i], p_metadata[a.i], p_user_metadata[a.i]
        FROM unnest(created) AS a (i)
        RETURNING o.*;
    END IF;
    IF replaced <> '{}' THEN
        RETURN QUERY
        INSERT INTO storage.objects AS o (bucket_id, name, version, owner, owner_id, metadata, user_metadata)
        SELECT p_buckets[a.i], p_names[a.i], p_versions[a.i], p_owners[a.i], p_owner_ids[a.i], p_metadata[a.i], p_user_metadata[a.i]
        FROM unnest(replaced) AS a (i)
        ON CONFLICT (bucket_id, name) DO UPDATE
        SET version = excluded.version, owner = excluded.owner, owner_id = excluded.owner_id, metadata = excluded.metadata,
            user_metadata = excluded.user_metadata
        RETURNING o.*;
    END IF;
END
$$;

REVOKE ALL ON FUNCTION magpie.puts_are_watched(), magpie.commit_puts(
    boolean[], boolean[], text[], text[], text[], text[], uuid[], text[], jsonb[], jsonb[], text[], text[], bigint[], text[], jsonb[],
    text[], text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION magpie.puts_are_watched(), magpie.commit_puts(
    boolean[], boolean[], text[], text[], text[], text[], uuid[], text[], jsonb[], jsonb[], text[], text[], bigint[], text[], jsonb[],
    text[], text[]) TO service_role;
