-- SPDX-License-Identifier: Apache-2.0
-- Bytes that leave one store for another while their objects are used.

-- Has a version's bytes be where they were copied to, and requests the deletion of where they were. False where the version is gone, or its
-- bytes are elsewhere already.
CREATE OR REPLACE FUNCTION magpie.move_blob(
    p_bucket text, p_name text, p_version text, p_from_backend text, p_from_key text, p_to_backend text, p_to_key text,
    p_seconds bigint
) RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    -- Whoever supersedes or deletes a version waits here or is waited for, and then asks where its bytes are.
    PERFORM FROM storage.objects AS o WHERE o.bucket_id = p_bucket AND o.name = p_name AND o.version = p_version FOR SHARE;
    IF NOT FOUND THEN
        PERFORM FROM magpie.object_versions AS v
        WHERE v.bucket_id = p_bucket AND v.name = p_name AND v.version = p_version FOR SHARE;
        IF NOT FOUND THEN
            RETURN false;
        END IF;
    END IF;
    UPDATE magpie.blobs AS b SET backend = p_to_backend, key = p_to_key
    WHERE b.version = p_version AND b.backend = p_from_backend AND b.key = p_from_key;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF starts_with(p_to_backend, 'byos_') THEN
        PERFORM magpie.settle_intent(p_to_backend, p_to_key, p_version, p_bucket);
    END IF;
    INSERT INTO magpie.blob_deletions (backend, key, version, not_before)
    VALUES (p_from_backend, p_from_key, p_version, now() + p_seconds * interval '1 second')
    ON CONFLICT (backend, key) DO NOTHING;
    -- Caches know where bytes are.
    PERFORM magpie.announce('object', p_bucket, p_name);
    RETURN true;
END
$$;

REVOKE ALL ON FUNCTION magpie.move_blob(text, text, text, text, text, text, text, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION magpie.move_blob(text, text, text, text, text, text, text, bigint) TO service_role;
