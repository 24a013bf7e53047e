-- SPDX-License-Identifier: Apache-2.0
-- The write of a put in one call, where it was two statements of which each did some of the other's work.

-- Writes the row and where its bytes are, once what they supersede is kept or given up. To be called under the lock on the address.
-- With `p_creates` a row that is there already is a unique violation. Each statement has a snapshot of its own, so a row that was
-- committed while the first one waited for it is found by the others.
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

REVOKE ALL ON FUNCTION magpie.commit_put(
    boolean, text, text, text, uuid, text, jsonb, jsonb, text, text, bigint, text, jsonb, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION magpie.commit_put(
    boolean, text, text, text, uuid, text, jsonb, jsonb, text, text, bigint, text, jsonb, text, text) TO service_role;
