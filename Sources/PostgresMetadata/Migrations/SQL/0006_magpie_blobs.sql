-- SPDX-License-Identifier: Apache-2.0
-- Where the bytes of each version are, and which bytes are to be removed.

CREATE TABLE IF NOT EXISTS magpie.blobs (
    version text PRIMARY KEY,
    backend text NOT NULL,
    key text NOT NULL,
    -- In bytes.
    size bigint NOT NULL CHECK (size >= 0),
    -- In lower-case hex; NULL when it was never computed.
    md5 text,
    -- Further digests by their algorithm.
    checksums jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now()
);
-- Deleting one version's blob must never take another version's bytes.
CREATE UNIQUE INDEX IF NOT EXISTS blobs_backend_key ON magpie.blobs (backend, key);
CREATE INDEX IF NOT EXISTS blobs_created_at ON magpie.blobs (created_at);

-- The store of each backend, and what that store knows this database by: neither may be used with another one.
CREATE TABLE IF NOT EXISTS magpie.backends (
    id text PRIMARY KEY,
    store text NOT NULL,
    database text NOT NULL DEFAULT gen_random_uuid()::text,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS magpie.blob_deletions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    backend text NOT NULL,
    key text NOT NULL,
    version text NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT now(),
    -- Until then the request is somebody's work, or waits after a failure.
    not_before timestamptz NOT NULL DEFAULT now(),
    attempts int NOT NULL DEFAULT 0,
    last_error text
);
CREATE UNIQUE INDEX IF NOT EXISTS blob_deletions_version ON magpie.blob_deletions (version);
CREATE INDEX IF NOT EXISTS blob_deletions_due ON magpie.blob_deletions (not_before, id);
CREATE INDEX IF NOT EXISTS blob_deletions_backend_key ON magpie.blob_deletions (backend, key);

-- Tells whether bytes that are about to be removed are still some row's. An adopted table may belong to somebody else.
DO $$
BEGIN
    IF pg_has_role((SELECT c.relowner FROM pg_class AS c WHERE c.oid = 'storage.objects'::regclass), 'USAGE')
        AND has_schema_privilege('storage', 'CREATE')
    THEN
        CREATE INDEX IF NOT EXISTS magpie_objects_version ON storage.objects (version);
    ELSIF to_regclass('storage.magpie_objects_version') IS NULL THEN
        RAISE WARNING 'the role "%" may not create an index on storage.objects: upkeep will read the whole table', current_user
            USING HINT = 'As its owner: CREATE INDEX magpie_objects_version ON storage.objects (version)';
    END IF;
END
$$;

REVOKE ALL ON magpie.migrations, magpie.backends, magpie.blobs, magpie.blob_deletions FROM PUBLIC, anon, authenticated;
GRANT SELECT ON magpie.migrations TO service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON magpie.backends, magpie.blobs, magpie.blob_deletions TO service_role;

-- Lets a caller who may see a row learn where its bytes are, in the statement that reads the row. Versions are unguessable, and
-- who has one has seen its row. In PL/pgSQL, which keeps the plan: a function of SQL that can't be inlined is planned at each call.
CREATE OR REPLACE FUNCTION magpie.blob_location(p_version text)
RETURNS TABLE (backend text, key text, size bigint, md5 text, checksums jsonb)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT b.backend, b.key, b.size, b.md5, b.checksums FROM magpie.blobs AS b WHERE b.version = p_version;
END
$$;

-- Requests the deletion of the blobs of versions that no row has any more. Versions without a blob row have nothing to delete.
CREATE OR REPLACE FUNCTION magpie.request_blob_deletions(p_versions text[]) RETURNS void LANGUAGE sql VOLATILE AS $$
    INSERT INTO magpie.blob_deletions (backend, key, version)
    SELECT b.backend, b.key, b.version FROM magpie.blobs AS b WHERE b.version = ANY (p_versions)
    ON CONFLICT (version) DO NOTHING
$$;

GRANT EXECUTE ON FUNCTION magpie.blob_location(text) TO PUBLIC;
REVOKE ALL ON FUNCTION magpie.request_blob_deletions(text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION magpie.request_blob_deletions(text[]) TO service_role;
