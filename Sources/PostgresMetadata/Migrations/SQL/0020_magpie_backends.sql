-- SPDX-License-Identifier: Apache-2.0
-- Stores of projects' own: where they are, what opens them, and what is being written to them.

-- A row stays while blobs or deletions are in its store, longer than its project if need be. The place never changes.
CREATE TABLE IF NOT EXISTS magpie.own_backends (
    id text PRIMARY KEY CHECK (starts_with(id, 'byos_')),
    bucket_id text REFERENCES storage.buckets (id) ON UPDATE CASCADE ON DELETE SET NULL,
    kind text NOT NULL CHECK (kind IN ('s3', 'azure', 'gcs')),
    -- Tells places apart.
    place text NOT NULL,
    -- No secrets.
    settings jsonb NOT NULL,
    path_prefix text NOT NULL,
    -- NULL once they were forgotten.
    sealed_credentials bytea,
    -- Counts the changes of settings and credentials.
    revision bigint NOT NULL DEFAULT 1,
    configured_at timestamptz NOT NULL,
    -- The last health.
    checked_at timestamptz,
    failure text
);
-- A project has each place once, so that what was configured before finds its blobs again.
CREATE UNIQUE INDEX IF NOT EXISTS own_backends_place ON magpie.own_backends (bucket_id, place);

-- Where new blobs of a bucket go. Without a row: to the server's default store.
CREATE TABLE IF NOT EXISTS magpie.bucket_backends (
    bucket_id text PRIMARY KEY REFERENCES storage.buckets (id) ON UPDATE CASCADE ON DELETE CASCADE,
    backend_id text NOT NULL REFERENCES magpie.own_backends (id)
);

-- Keys in stores of projects' own that something is about to be at, and those that were used up lately. No such store is ever swept: it
-- may hold its owner's own files. So every key is reserved before the first byte goes there.
CREATE TABLE IF NOT EXISTS magpie.blob_intents (
    backend text NOT NULL,
    key text NOT NULL,
    -- NULL for a key that is used up: a deletion that somebody still has under way must not meet new bytes.
    version text,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (backend, key)
);
CREATE INDEX IF NOT EXISTS blob_intents_age ON magpie.blob_intents (created_at);

REVOKE ALL ON magpie.own_backends, magpie.bucket_backends, magpie.blob_intents FROM PUBLIC, anon, authenticated, magpie_project;
GRANT SELECT, INSERT, UPDATE, DELETE ON magpie.own_backends, magpie.bucket_backends, magpie.blob_intents TO service_role;

-- A version may leave one store for another, and later be deleted there: what is requested is the deletion of a place, not of a version.
CREATE UNIQUE INDEX IF NOT EXISTS blob_deletions_place ON magpie.blob_deletions (backend, key);
DROP INDEX IF EXISTS magpie.blob_deletions_backend_key;
DROP INDEX IF EXISTS magpie.blob_deletions_version;
-- Each backend has a queue of its own.
CREATE INDEX IF NOT EXISTS blob_deletions_queue ON magpie.blob_deletions (backend, not_before, id);
DROP INDEX IF EXISTS magpie.blob_deletions_due;

-- As they were, but for the conflict.
CREATE OR REPLACE FUNCTION magpie.request_blob_deletions(p_versions text[]) RETURNS void LANGUAGE sql VOLATILE AS $$
    INSERT INTO magpie.blob_deletions (backend, key, version)
    SELECT b.backend, b.key, b.version
    FROM magpie.blobs AS b
    WHERE b.version = ANY (p_versions)
        AND NOT EXISTS (SELECT FROM magpie.object_versions AS v WHERE v.version = b.version)
    ON CONFLICT (backend, key) DO NOTHING
$$;

CREATE OR REPLACE FUNCTION magpie.drop_null_versions(p_bucket text, p_names text[]) RETURNS void LANGUAGE sql VOLATILE AS $$
    WITH dropped AS (
        DELETE FROM magpie.object_versions AS v
        WHERE v.bucket_id = p_bucket AND v.name = ANY (p_names) AND v.is_null
        RETURNING v.version
    )
    INSERT INTO magpie.blob_deletions (backend, key, version)
    SELECT b.backend, b.key, b.version FROM magpie.blobs AS b JOIN dropped AS d ON d.version = b.version
    ON CONFLICT (backend, key) DO NOTHING
$$;

-- Reserves the first of these keys that is free. NULL when none is. Raises MG502 when the store is not to be had for the bucket.
CREATE OR REPLACE FUNCTION magpie.reserve_blob(p_backend text, p_keys text[], p_version text, p_bucket text) RETURNS text
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    candidate text;
BEGIN
    PERFORM FROM magpie.own_backends AS b
    WHERE b.id = p_backend AND b.bucket_id = p_bucket AND b.sealed_credentials IS NOT NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the store is not to be had' USING ERRCODE = 'MG502';
    END IF;
    FOREACH candidate IN ARRAY p_keys LOOP
        INSERT INTO magpie.blob_intents (backend, key, version) VALUES (p_backend, candidate, p_version)
        ON CONFLICT (backend, key) DO NOTHING;
        CONTINUE WHEN NOT FOUND;
        -- Asked behind the insertion: whoever had the key reserved has written its row before the reservation went.
        IF NOT EXISTS (SELECT FROM magpie.blobs AS l WHERE l.backend = p_backend AND l.key = candidate)
            AND NOT EXISTS (SELECT FROM magpie.blob_deletions AS d WHERE d.backend = p_backend AND d.key = candidate)
        THEN
            RETURN candidate;
        END IF;
        DELETE FROM magpie.blob_intents AS i WHERE i.backend = p_backend AND i.key = candidate;
    END LOOP;
    RETURN NULL;
END
$$;

-- Ends a reservation in the transaction that writes the blob's row. Raises MG410 where it was given up, for the bytes are being removed, and
-- where nobody could read them: the store is another bucket's, or its credentials were forgotten.
CREATE OR REPLACE FUNCTION magpie.settle_intent(p_backend text, p_key text, p_version text, p_bucket text) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM FROM magpie.own_backends AS b
    WHERE b.id = p_backend AND b.bucket_id = p_bucket AND b.sealed_credentials IS NOT NULL FOR SHARE;
    IF FOUND THEN
        DELETE FROM magpie.blob_intents AS i WHERE i.backend = p_backend AND i.key = p_key AND i.version = p_version;
        IF FOUND THEN
            RETURN;
        END IF;
    END IF;
    RAISE EXCEPTION 'the key is not reserved any more' USING ERRCODE = 'MG410';
END
$$;

-- As it was, but that a blob in a project's own store ends its reservation.
CREATE OR REPLACE FUNCTION magpie.commit_put(
    p_creates boolean, p_bucket text, p_name text, p_version text, p_owner uuid, p_owner_id text, p_metadata jsonb,
    p_user_metadata jsonb, p_backend text, p_key text, p_size bigint, p_md5 text, p_checksums jsonb, p_parts text,
    p_part_checksums text
) RETURNS SETOF storage.objects
LANGUAGE plpgsql VOLATILE ROWS 1 AS $$
DECLARE
    is_taken boolean;
    status text;
BEGIN
    PERFORM FROM storage.objects AS o WHERE o.bucket_id = p_bucket AND o.name = p_name FOR UPDATE;
    is_taken := FOUND;
    SELECT s.versioning INTO status FROM magpie.bucket_settings AS s WHERE s.bucket_id = p_bucket;
    -- Behind a delete marker there may be a `null` version whose place this one takes.
    IF is_taken OR status = 'suspended' THEN
        PERFORM magpie.make_way(p_bucket, p_name, p_version);
    END IF;
    INSERT INTO magpie.blobs (version, backend, key, size, md5, checksums, is_versioned, parts, part_checksums)
    VALUES (
        p_version, p_backend, p_key, p_size, p_md5, p_checksums, status IS NOT DISTINCT FROM 'enabled', p_parts,
        p_part_checksums);
    IF starts_with(p_backend, 'byos_') THEN
        PERFORM magpie.settle_intent(p_backend, p_key, p_version, p_bucket);
    END IF;
    IF p_creates THEN
        RETURN QUERY
        INSERT INTO storage.objects AS o (bucket_id, name, version, owner, owner_id, metadata, user_metadata)
        VALUES (p_bucket, p_name, p_version, p_owner, p_owner_id, p_metadata, p_user_metadata)
        RETURNING o.*;
    ELSE
        RETURN QUERY
        INSERT INTO storage.objects AS o (bucket_id, name, version, owner, owner_id, metadata, user_metadata)
        VALUES (p_bucket, p_name, p_version, p_owner, p_owner_id, p_metadata, p_user_metadata)
        ON CONFLICT (bucket_id, name) DO UPDATE
        SET version = excluded.version, owner = excluded.owner, owner_id = excluded.owner_id, metadata = excluded.metadata,
            user_metadata = excluded.user_metadata
        RETURNING o.*;
    END IF;
END
$$;

-- The bucket's rules are cached with it.
CREATE OR REPLACE TRIGGER magpie_bucket_backend_changed AFTER INSERT OR UPDATE OR DELETE ON magpie.bucket_backends
    FOR EACH ROW EXECUTE FUNCTION magpie.announce_settings();

-- To every process, the one that wrote included: each has connections of its own. Health is nobody's news.
CREATE OR REPLACE FUNCTION magpie.announce_backend() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM magpie.announce('backend', OLD.id);
    RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER magpie_backend_changed AFTER UPDATE OF settings, sealed_credentials, revision ON magpie.own_backends
    FOR EACH ROW EXECUTE FUNCTION magpie.announce_backend();
CREATE OR REPLACE TRIGGER magpie_backend_gone AFTER DELETE ON magpie.own_backends
    FOR EACH ROW EXECUTE FUNCTION magpie.announce_backend();

REVOKE ALL ON FUNCTION magpie.reserve_blob(text, text[], text, text), magpie.settle_intent(text, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION magpie.reserve_blob(text, text[], text, text), magpie.settle_intent(text, text, text, text) TO service_role;
