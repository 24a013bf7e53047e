-- SPDX-License-Identifier: Apache-2.0
-- The sizes of the parts that an object was uploaded in, so that they can be read one by one.

-- Runs of equal sizes: `5242880*3,1000`. NULL for bytes that came in one piece.
ALTER TABLE magpie.blobs ADD COLUMN IF NOT EXISTS parts text;

DROP FUNCTION IF EXISTS magpie.blob_details(text);
CREATE FUNCTION magpie.blob_details(p_version text)
RETURNS TABLE (backend text, key text, size bigint, md5 text, checksums jsonb, is_versioned boolean, parts text)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT b.backend, b.key, b.size, b.md5, b.checksums, b.is_versioned, b.parts
    FROM magpie.blobs AS b WHERE b.version = p_version;
END
$$;
GRANT EXECUTE ON FUNCTION magpie.blob_details(text) TO PUBLIC;
