-- SPDX-License-Identifier: Apache-2.0
-- Objects that arrive in several requests. Only the server itself sees these tables: the caller's rights are tried on
-- storage.objects before each step.

DO $$
BEGIN
    IF NOT has_table_privilege('storage.buckets', 'REFERENCES') THEN
        RAISE EXCEPTION 'the role "%" may not refer to storage.buckets', current_user
            USING HINT = format('As its owner: GRANT REFERENCES ON storage.buckets TO %I', current_user);
    END IF;
END
$$;

CREATE TABLE IF NOT EXISTS magpie.upload_sessions (
    -- Also the version of the object that comes of it.
    id text COLLATE "C" PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('appended', 'parts', 'partial')),
    -- An upload under way never keeps a bucket from being deleted.
    bucket_id text NOT NULL REFERENCES storage.buckets (id) ON DELETE CASCADE ON UPDATE CASCADE,
    name text COLLATE "C" NOT NULL,
    backend text NOT NULL,
    multipart text NOT NULL,
    owner_id text,
    -- Of whoever began it, NULL with a grant: where there is no owner, only that role may go on.
    role text,
    replaces boolean NOT NULL,
    details jsonb NOT NULL,
    user_metadata jsonb,
    -- The dialect's own, kept as it came.
    attributes text NOT NULL,
    -- In bytes; NULL while the client has not said.
    length bigint CHECK (length >= 0),
    -- How many bytes are durable.
    received bigint NOT NULL DEFAULT 0 CHECK (received >= 0 AND received <= length),
    md5 text NOT NULL,
    pieces int NOT NULL DEFAULT 0,
    crc64nvme text NOT NULL,
    -- Counts the writers that took the upload over.
    writer bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    completed_at timestamptz
);
CREATE INDEX IF NOT EXISTS upload_sessions_list ON magpie.upload_sessions (bucket_id, kind, name, id) WHERE completed_at IS NULL;
CREATE INDEX IF NOT EXISTS upload_sessions_expiry ON magpie.upload_sessions (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS upload_sessions_multipart ON magpie.upload_sessions (multipart);

CREATE TABLE IF NOT EXISTS magpie.upload_parts (
    upload_id text COLLATE "C" NOT NULL REFERENCES magpie.upload_sessions (id) ON DELETE CASCADE,
    number int NOT NULL,
    -- In bytes.
    size bigint NOT NULL CHECK (size >= 0),
    -- What the backend calls the part.
    tag text NOT NULL,
    md5 text,
    checksums jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL,
    PRIMARY KEY (upload_id, number)
);

REVOKE ALL ON magpie.upload_sessions, magpie.upload_parts FROM PUBLIC, anon, authenticated;
GRANT SELECT, INSERT, UPDATE, DELETE ON magpie.upload_sessions, magpie.upload_parts TO service_role;

-- Ends an upload in the transaction that writes its object, and takes that transaction down when there is nothing to end.
CREATE OR REPLACE FUNCTION magpie.complete_upload(p_id text, p_kept_until timestamptz) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    completed timestamptz;
BEGIN
    SELECT u.completed_at INTO completed FROM magpie.upload_sessions AS u WHERE u.id = p_id FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the upload was not found' USING ERRCODE = 'MG404';
    END IF;
    IF completed IS NOT NULL THEN
        RAISE EXCEPTION 'the upload is complete' USING ERRCODE = 'MG409';
    END IF;
    UPDATE magpie.upload_sessions AS u
    SET completed_at = now(), expires_at = coalesce(u.expires_at, p_kept_until)
    WHERE u.id = p_id;
END
$$;
GRANT EXECUTE ON FUNCTION magpie.complete_upload(text, timestamptz) TO service_role;
