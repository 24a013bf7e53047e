-- SPDX-License-Identifier: Apache-2.0
-- What comes from elsewhere: files in projects' own stores that become originals where they are, and objects of other databases.

-- Makes what its owner put at a key a version's, whose row is written in the same transaction. A reservation of its own would be given up after a
-- crash, and what is at the key be removed with it. Raises MG411 where rows know the key, MG502 where the store is not to be had.
CREATE OR REPLACE FUNCTION magpie.adopt_blob(p_backend text, p_key text, p_version text, p_bucket text) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF magpie.reserve_blob(p_backend, ARRAY[p_key], p_version, p_bucket) IS NULL THEN
        RAISE EXCEPTION 'the key is known' USING ERRCODE = 'MG411';
    END IF;
END
$$;

-- As magpie.commit_put, for a new row that takes over the id and the dates of one in another database. An id that is taken stays where it is.
CREATE OR REPLACE FUNCTION magpie.import_object(
    p_bucket text, p_name text, p_version text, p_owner uuid, p_owner_id text, p_metadata jsonb, p_user_metadata jsonb,
    p_backend text, p_key text, p_size bigint, p_md5 text, p_checksums jsonb, p_id uuid, p_created_at timestamptz,
    p_updated_at timestamptz, p_last_accessed_at timestamptz
) RETURNS SETOF storage.objects
LANGUAGE plpgsql VOLATILE ROWS 1 AS $$
DECLARE
    status text;
    created constant timestamptz := coalesce(p_created_at, now());
BEGIN
    SELECT s.versioning INTO status FROM magpie.bucket_settings AS s WHERE s.bucket_id = p_bucket;
    IF status = 'suspended' THEN
        PERFORM magpie.make_way(p_bucket, p_name, p_version);
    END IF;
    INSERT INTO magpie.blobs (version, backend, key, size, md5, checksums, is_versioned)
    VALUES (p_version, p_backend, p_key, p_size, p_md5, p_checksums, status IS NOT DISTINCT FROM 'enabled');
    IF starts_with(p_backend, 'byos_') THEN
        PERFORM magpie.settle_intent(p_backend, p_key, p_version, p_bucket);
    END IF;
    RETURN QUERY
    INSERT INTO storage.objects AS o
        (id, bucket_id, name, version, owner, owner_id, metadata, user_metadata, created_at, updated_at, last_accessed_at)
    VALUES (
        CASE
            WHEN p_id IS NULL OR EXISTS (SELECT FROM storage.objects AS t WHERE t.id = p_id) THEN gen_random_uuid()
            ELSE p_id
        END,
        p_bucket, p_name, p_version, p_owner, p_owner_id, p_metadata, p_user_metadata, created,
        coalesce(p_updated_at, created), coalesce(p_last_accessed_at, created))
    RETURNING o.*;
END
$$;

REVOKE ALL ON FUNCTION magpie.adopt_blob(text, text, text, text), magpie.import_object(
    text, text, text, uuid, text, jsonb, jsonb, text, text, bigint, text, jsonb, uuid, timestamptz, timestamptz, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION magpie.adopt_blob(text, text, text, text), magpie.import_object(
    text, text, text, uuid, text, jsonb, jsonb, text, text, bigint, text, jsonb, uuid, timestamptz, timestamptz, timestamptz) TO service_role;
