-- SPDX-License-Identifier: Apache-2.0
-- What S3 knows of buckets and Supabase does not: settings, and the versions that are no longer current.
--
-- The current version of an object is its row in `storage.objects`. What is superseded or deleted in a versioned bucket becomes a row
-- of `magpie.object_versions`, in the transaction that supersedes or deletes it.

CREATE TABLE IF NOT EXISTS magpie.bucket_settings (
    bucket_id text PRIMARY KEY REFERENCES storage.buckets (id) ON UPDATE CASCADE ON DELETE CASCADE,
    versioning text NOT NULL DEFAULT 'off' CHECK (versioning IN ('off', 'enabled', 'suspended')),
    -- An object of names and values.
    tags jsonb NOT NULL DEFAULT '{}',
    cors jsonb,
    lifecycle jsonb,
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS magpie.object_versions (
    -- The higher, the newer: versions are numbered as they cease to be current.
    sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    bucket_id text NOT NULL REFERENCES storage.buckets (id) ON UPDATE CASCADE,
    name text NOT NULL,
    version text NOT NULL,
    -- Written while versioning was off or suspended: clients call it `null`.
    is_null boolean NOT NULL,
    is_delete_marker boolean NOT NULL DEFAULT false,
    -- As it was in `storage.objects`.
    object_id uuid,
    owner uuid,
    owner_id text,
    metadata jsonb,
    user_metadata jsonb,
    created_at timestamptz,
    updated_at timestamptz,
    -- What expires by age counts from here: a move lets an old object supersede a newer one.
    superseded_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS object_versions_key ON magpie.object_versions (bucket_id, name COLLATE "C", sequence DESC);
CREATE UNIQUE INDEX IF NOT EXISTS object_versions_null ON magpie.object_versions (bucket_id, name) WHERE is_null;
CREATE INDEX IF NOT EXISTS object_versions_version ON magpie.object_versions (version);
-- No policy: until an operator writes one, only roles that row-level security does not bind see what is not current.
ALTER TABLE magpie.object_versions ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON magpie.bucket_settings, magpie.object_versions FROM PUBLIC, anon, authenticated;
GRANT SELECT, INSERT, UPDATE, DELETE ON magpie.bucket_settings, magpie.object_versions TO service_role;
GRANT SELECT, DELETE, UPDATE (metadata) ON magpie.object_versions TO anon, authenticated;

-- Whether the version was written with versioning on, and so has an id of its own. A version without a row here has not.
ALTER TABLE magpie.blobs ADD COLUMN IF NOT EXISTS is_versioned boolean NOT NULL DEFAULT false;

-- As `magpie.blob_location`, with all that is known of the blob.
DROP FUNCTION IF EXISTS magpie.blob_details(text);
CREATE FUNCTION magpie.blob_details(p_version text)
RETURNS TABLE (backend text, key text, size bigint, md5 text, checksums jsonb, is_versioned boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT b.backend, b.key, b.size, b.md5, b.checksums, b.is_versioned FROM magpie.blobs AS b WHERE b.version = p_version;
END
$$;

-- Requests the deletion of the blobs of versions that no row has any more. Versions without a blob row have nothing to delete, and what
-- a versioned bucket keeps is kept.
CREATE OR REPLACE FUNCTION magpie.request_blob_deletions(p_versions text[]) RETURNS void LANGUAGE sql VOLATILE AS $$
    INSERT INTO magpie.blob_deletions (backend, key, version)
    SELECT b.backend, b.key, b.version
    FROM magpie.blobs AS b
    WHERE b.version = ANY (p_versions)
        AND NOT EXISTS (SELECT FROM magpie.object_versions AS v WHERE v.version = b.version)
    ON CONFLICT (version) DO NOTHING
$$;

-- Removes the `null` versions of these keys for good: another one takes their place.
CREATE OR REPLACE FUNCTION magpie.drop_null_versions(p_bucket text, p_names text[]) RETURNS void LANGUAGE sql VOLATILE AS $$
    WITH dropped AS (
        DELETE FROM magpie.object_versions AS v
        WHERE v.bucket_id = p_bucket AND v.name = ANY (p_names) AND v.is_null
        RETURNING v.version
    )
    INSERT INTO magpie.blob_deletions (backend, key, version)
    SELECT b.backend, b.key, b.version FROM magpie.blobs AS b JOIN dropped AS d ON d.version = b.version
    ON CONFLICT (version) DO NOTHING
$$;

-- Puts delete markers over these keys of a versioned bucket.
CREATE OR REPLACE FUNCTION magpie.mark_deleted(p_bucket text, p_versioning text, p_names text[]) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF p_versioning = 'suspended' THEN
        PERFORM magpie.drop_null_versions(p_bucket, p_names);
    END IF;
    INSERT INTO magpie.object_versions
        (bucket_id, name, version, is_null, is_delete_marker, owner_id, created_at, updated_at)
    SELECT p_bucket, n, gen_random_uuid()::text, p_versioning = 'suspended', true,
        nullif(current_setting('request.jwt.claim.sub', true), ''), now(), now()
    FROM unnest(p_names) AS n;
END
$$;

-- Raises MG412 where there is a row in another state than was seen; the state is its id and the transaction that wrote it.
CREATE OR REPLACE FUNCTION magpie.require_seen(p_bucket text, p_name text, p_seen text) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    state text;
BEGIN
    SELECT o.id::text || '/' || o.xmin::text INTO state
    FROM storage.objects AS o
    WHERE o.bucket_id = p_bucket AND o.name = p_name
    FOR UPDATE;
    IF FOUND AND state IS DISTINCT FROM p_seen THEN
        RAISE EXCEPTION 'another row than was tried' USING ERRCODE = 'MG412';
    END IF;
END
$$;

-- What a put supersedes is kept, or the deletion of its bytes requested. To be called under the lock on the address.
CREATE OR REPLACE FUNCTION magpie.make_way(p_bucket text, p_name text, p_version text) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    status text;
    superseded text;
BEGIN
    SELECT o.version INTO superseded
    FROM storage.objects AS o
    WHERE o.bucket_id = p_bucket AND o.name = p_name
    FOR UPDATE;
    IF FOUND AND superseded = p_version THEN
        RETURN;
    END IF;
    SELECT s.versioning INTO status FROM magpie.bucket_settings AS s WHERE s.bucket_id = p_bucket;
    IF status IN ('enabled', 'suspended') THEN
        INSERT INTO magpie.object_versions
            (bucket_id, name, version, is_null, object_id, owner, owner_id, metadata, user_metadata, created_at, updated_at)
        SELECT o.bucket_id, o.name, coalesce(o.version, gen_random_uuid()::text), b.is_versioned IS NOT TRUE, o.id, o.owner,
            o.owner_id, o.metadata, o.user_metadata, o.created_at, o.updated_at
        FROM storage.objects AS o
        LEFT JOIN magpie.blobs AS b ON b.version = o.version
        WHERE o.bucket_id = p_bucket AND o.name = p_name AND (status = 'enabled' OR b.is_versioned);
    END IF;
    IF superseded IS NOT NULL THEN
        PERFORM magpie.request_blob_deletions(ARRAY[superseded]);
    END IF;
    IF status = 'suspended' THEN
        PERFORM magpie.drop_null_versions(p_bucket, ARRAY[p_name]);
    END IF;
END
$$;

-- After a row was moved: its old address is marked as deleted, and at the new one it has an id of its own only where those are kept.
CREATE OR REPLACE FUNCTION magpie.settle_move(
    p_bucket text, p_name text, p_to_bucket text, p_to_name text, p_version text
) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    status text;
    has_id boolean;
BEGIN
    SELECT s.versioning INTO status FROM magpie.bucket_settings AS s WHERE s.bucket_id = p_bucket;
    IF status IN ('enabled', 'suspended') AND (p_bucket, p_name) IS DISTINCT FROM (p_to_bucket, p_to_name) THEN
        PERFORM magpie.mark_deleted(p_bucket, status, ARRAY[p_name]);
    END IF;
    status := (SELECT s.versioning FROM magpie.bucket_settings AS s WHERE s.bucket_id = p_to_bucket);
    UPDATE magpie.blobs AS b SET is_versioned = status IS NOT DISTINCT FROM 'enabled'
    WHERE b.version = p_version AND b.is_versioned <> (status IS NOT DISTINCT FROM 'enabled');
    has_id := (SELECT b.is_versioned FROM magpie.blobs AS b WHERE b.version = p_version);
    IF has_id IS NOT TRUE AND status IN ('enabled', 'suspended') THEN
        PERFORM magpie.drop_null_versions(p_to_bucket, ARRAY[p_to_name]);
    END IF;
END
$$;

-- After a version was removed for good: the newest that is left becomes current, unless it is a delete marker.
CREATE OR REPLACE FUNCTION magpie.promote_version(p_bucket text, p_name text) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    newest magpie.object_versions;
BEGIN
    IF EXISTS (SELECT FROM storage.objects AS o WHERE o.bucket_id = p_bucket AND o.name = p_name) THEN
        RETURN;
    END IF;
    SELECT v.* INTO newest
    FROM magpie.object_versions AS v
    WHERE v.bucket_id = p_bucket AND v.name COLLATE "C" = p_name
    ORDER BY v.sequence DESC
    LIMIT 1;
    IF NOT FOUND OR newest.is_delete_marker THEN
        RETURN;
    END IF;
    DELETE FROM magpie.object_versions AS v WHERE v.sequence = newest.sequence;
    -- An object that was moved away took its id along.
    IF newest.object_id IS NULL OR EXISTS (SELECT FROM storage.objects AS o WHERE o.id = newest.object_id) THEN
        newest.object_id := gen_random_uuid();
    END IF;
    INSERT INTO storage.objects
        (id, bucket_id, name, version, owner, owner_id, metadata, user_metadata, created_at, updated_at, last_accessed_at)
    VALUES (
        newest.object_id, newest.bucket_id, newest.name, newest.version, newest.owner, newest.owner_id, newest.metadata,
        newest.user_metadata, newest.created_at, newest.updated_at, now());
END
$$;

-- Rows that leave a versioned bucket, by whatever hand, are kept and marked as deleted, unless the transaction set `magpie.forget` to 'on'.
-- As the owner: who may delete a row need not be able to write here.
CREATE OR REPLACE FUNCTION magpie.keep_deleted() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    bucket record;
BEGIN
    IF current_setting('magpie.forget', true) IS NOT DISTINCT FROM 'on' THEN
        RETURN NULL;
    END IF;
    FOR bucket IN
        SELECT s.bucket_id, s.versioning, array_agg(g.name ORDER BY g.name COLLATE "C") AS names
        FROM gone AS g
        JOIN magpie.bucket_settings AS s ON s.bucket_id = g.bucket_id
        WHERE s.versioning <> 'off' AND g.name IS NOT NULL
        GROUP BY s.bucket_id, s.versioning
    LOOP
        INSERT INTO magpie.object_versions
            (bucket_id, name, version, is_null, object_id, owner, owner_id, metadata, user_metadata, created_at, updated_at)
        SELECT g.bucket_id, g.name, coalesce(g.version, gen_random_uuid()::text), b.is_versioned IS NOT TRUE, g.id, g.owner,
            g.owner_id, g.metadata, g.user_metadata, g.created_at, g.updated_at
        FROM gone AS g
        LEFT JOIN magpie.blobs AS b ON b.version = g.version
        WHERE g.bucket_id = bucket.bucket_id AND g.name IS NOT NULL AND (bucket.versioning = 'enabled' OR b.is_versioned);
        PERFORM magpie.mark_deleted(bucket.bucket_id, bucket.versioning, bucket.names);
    END LOOP;
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER magpie_objects_kept AFTER DELETE ON storage.objects
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION magpie.keep_deleted();

-- Settings are cached with their bucket.
CREATE OR REPLACE FUNCTION magpie.announce_settings() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('magpie.quiet', true) IS DISTINCT FROM 'on' THEN
        PERFORM magpie.announce('bucket', coalesce(NEW.bucket_id, OLD.bucket_id));
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER magpie_settings_changed AFTER INSERT OR UPDATE OR DELETE ON magpie.bucket_settings
    FOR EACH ROW EXECUTE FUNCTION magpie.announce_settings();

GRANT EXECUTE ON FUNCTION magpie.drop_null_versions(text, text[]), magpie.mark_deleted(text, text, text[]), magpie.make_way(text, text, text),
    magpie.require_seen(text, text, text),
    magpie.settle_move(text, text, text, text, text), magpie.promote_version(text, text) TO service_role;
