-- SPDX-License-Identifier: Apache-2.0
-- The tables of schema `storage` in the shape that Supabase Storage's migrations end in.

CREATE SCHEMA IF NOT EXISTS storage;

DO $$
BEGIN
    IF to_regtype('storage.buckettype') IS NULL THEN
        CREATE TYPE storage.buckettype AS ENUM ('STANDARD', 'ANALYTICS', 'VECTOR');
    END IF;
END
$$;

-- Rights on what follows come from the default privileges, as they do in Supabase; row-level security narrows them.
DO $$
DECLARE
    grantee text;
BEGIN
    FOREACH grantee IN ARRAY ARRAY['postgres', 'supabase_storage_admin', 'anon', 'authenticated', 'service_role'] LOOP
        CONTINUE WHEN NOT EXISTS (SELECT FROM pg_roles WHERE rolname = grantee);
        EXECUTE format('GRANT USAGE ON SCHEMA storage TO %I', grantee);
        EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA storage GRANT ALL ON TABLES TO %I', grantee);
        EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA storage GRANT ALL ON FUNCTIONS TO %I', grantee);
        EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA storage GRANT ALL ON SEQUENCES TO %I', grantee);
    END LOOP;
END
$$;

-- Kept for tools that look for it. Empty here: its rows are Supabase's own history, not ours.
CREATE TABLE IF NOT EXISTS storage.migrations (
    id integer PRIMARY KEY,
    name varchar(100) NOT NULL UNIQUE,
    hash varchar(40) NOT NULL,
    executed_at timestamp DEFAULT current_timestamp
);
ALTER TABLE storage.migrations ENABLE ROW LEVEL SECURITY;

CREATE TABLE IF NOT EXISTS storage.buckets (
    id text PRIMARY KEY,
    name text NOT NULL,
    owner uuid,
    created_at timestamptz DEFAULT now(),
    updated_at timestamptz DEFAULT now(),
    public boolean DEFAULT false,
    avif_autodetection boolean DEFAULT false,
    file_size_limit bigint,
    allowed_mime_types text[],
    owner_id text,
    type storage.buckettype NOT NULL DEFAULT 'STANDARD',
    versioning_status text NOT NULL DEFAULT 'DISABLED',
    CONSTRAINT buckets_versioning_status_check CHECK (versioning_status IN ('DISABLED', 'ENABLED', 'SUSPENDED')),
    CONSTRAINT buckets_versioning_status_standard_only_check CHECK (type = 'STANDARD' OR versioning_status = 'DISABLED'),
    CONSTRAINT buckets_versioning_status_dark_check CHECK (versioning_status = 'DISABLED')
);
COMMENT ON COLUMN storage.buckets.owner IS 'Field is deprecated, use owner_id instead';
CREATE UNIQUE INDEX IF NOT EXISTS bname ON storage.buckets (name);
ALTER TABLE storage.buckets ENABLE ROW LEVEL SECURITY;

CREATE TABLE IF NOT EXISTS storage.objects (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    bucket_id text CONSTRAINT "objects_bucketId_fkey" REFERENCES storage.buckets (id),
    name text,
    owner uuid,
    created_at timestamptz DEFAULT now(),
    updated_at timestamptz DEFAULT now(),
    last_accessed_at timestamptz DEFAULT now(),
    metadata jsonb,
    path_tokens text[] GENERATED ALWAYS AS (string_to_array(name, '/')) STORED,
    version text,
    owner_id text,
    user_metadata jsonb,
    archived_at timestamptz,
    is_delete_marker boolean NOT NULL DEFAULT false,
    is_versioned boolean NOT NULL DEFAULT false
);
COMMENT ON COLUMN storage.objects.owner IS 'Field is deprecated, use owner_id instead';
CREATE UNIQUE INDEX IF NOT EXISTS bucketid_objname ON storage.objects (bucket_id, name);
CREATE INDEX IF NOT EXISTS idx_objects_bucket_id_name ON storage.objects (bucket_id, name COLLATE "C");
CREATE INDEX IF NOT EXISTS idx_objects_bucket_id_name_lower ON storage.objects (bucket_id, lower(name) COLLATE "C");
CREATE INDEX IF NOT EXISTS name_prefix_search ON storage.objects (name text_pattern_ops);
ALTER TABLE storage.objects ENABLE ROW LEVEL SECURITY;

CREATE TABLE IF NOT EXISTS storage.s3_multipart_uploads (
    id text PRIMARY KEY,
    in_progress_size bigint NOT NULL DEFAULT 0,
    upload_signature text NOT NULL,
    bucket_id text NOT NULL REFERENCES storage.buckets (id),
    key text COLLATE "C" NOT NULL,
    version text NOT NULL,
    owner_id text,
    created_at timestamptz NOT NULL DEFAULT now(),
    user_metadata jsonb,
    metadata jsonb
);
CREATE INDEX IF NOT EXISTS idx_multipart_uploads_list
    ON storage.s3_multipart_uploads (bucket_id, key COLLATE "C", created_at);
ALTER TABLE storage.s3_multipart_uploads ENABLE ROW LEVEL SECURITY;

CREATE TABLE IF NOT EXISTS storage.s3_multipart_uploads_parts (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    upload_id text NOT NULL REFERENCES storage.s3_multipart_uploads (id) ON DELETE CASCADE,
    size bigint NOT NULL DEFAULT 0,
    part_number integer NOT NULL,
    bucket_id text NOT NULL REFERENCES storage.buckets (id),
    key text COLLATE "C" NOT NULL,
    etag text NOT NULL,
    owner_id text,
    version text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE storage.s3_multipart_uploads_parts ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON storage.s3_multipart_uploads, storage.s3_multipart_uploads_parts FROM anon, authenticated;
GRANT SELECT ON storage.s3_multipart_uploads, storage.s3_multipart_uploads_parts TO anon, authenticated;
GRANT ALL ON storage.s3_multipart_uploads, storage.s3_multipart_uploads_parts TO service_role;

-- Buckets of other kinds. No dialect here fills these tables; tools that know Supabase look at them.
CREATE TABLE IF NOT EXISTS storage.buckets_analytics (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name text NOT NULL,
    type storage.buckettype NOT NULL DEFAULT 'ANALYTICS',
    format text NOT NULL DEFAULT 'ICEBERG',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);
CREATE UNIQUE INDEX IF NOT EXISTS buckets_analytics_unique_name_idx
    ON storage.buckets_analytics (name) WHERE deleted_at IS NULL;
ALTER TABLE storage.buckets_analytics ENABLE ROW LEVEL SECURITY;

CREATE TABLE IF NOT EXISTS storage.iceberg_namespaces (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    bucket_name text NOT NULL,
    catalog_id uuid NOT NULL REFERENCES storage.buckets_analytics (id) ON DELETE CASCADE,
    name text COLLATE "C" NOT NULL,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX IF NOT EXISTS idx_iceberg_namespaces_bucket_id ON storage.iceberg_namespaces (catalog_id, name);
ALTER TABLE storage.iceberg_namespaces ENABLE ROW LEVEL SECURITY;

CREATE TABLE IF NOT EXISTS storage.iceberg_tables (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    namespace_id uuid NOT NULL REFERENCES storage.iceberg_namespaces (id) ON DELETE CASCADE,
    bucket_name text NOT NULL,
    catalog_id uuid NOT NULL REFERENCES storage.buckets_analytics (id) ON DELETE CASCADE,
    name text COLLATE "C" NOT NULL,
    location text NOT NULL,
    remote_table_id text,
    shard_key text,
    shard_id text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX IF NOT EXISTS idx_iceberg_tables_namespace_id
    ON storage.iceberg_tables (catalog_id, namespace_id, name);
ALTER TABLE storage.iceberg_tables ENABLE ROW LEVEL SECURITY;

CREATE TABLE IF NOT EXISTS storage.buckets_vectors (
    id text PRIMARY KEY,
    type storage.buckettype NOT NULL DEFAULT 'VECTOR',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE storage.buckets_vectors ENABLE ROW LEVEL SECURITY;

CREATE TABLE IF NOT EXISTS storage.vector_indexes (
    id text PRIMARY KEY DEFAULT gen_random_uuid(),
    name text COLLATE "C" NOT NULL,
    bucket_id text NOT NULL REFERENCES storage.buckets_vectors (id),
    data_type text NOT NULL,
    dimension integer NOT NULL,
    distance_metric text NOT NULL,
    metadata_configuration jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX IF NOT EXISTS vector_indexes_name_bucket_id_idx ON storage.vector_indexes (name, bucket_id);
ALTER TABLE storage.vector_indexes ENABLE ROW LEVEL SECURITY;

DO $$
DECLARE
    grantee text;
    tab text;
BEGIN
    FOREACH tab IN ARRAY ARRAY['buckets_analytics', 'iceberg_namespaces', 'iceberg_tables', 'buckets_vectors', 'vector_indexes'] LOOP
        EXECUTE format('REVOKE ALL ON storage.%I FROM anon, authenticated', tab);
        EXECUTE format('GRANT SELECT ON storage.%I TO anon, authenticated', tab);
    END LOOP;
    FOREACH grantee IN ARRAY ARRAY['postgres', 'supabase_storage_admin'] LOOP
        CONTINUE WHEN grantee = current_user OR NOT EXISTS (SELECT FROM pg_roles WHERE rolname = grantee);
        EXECUTE format('GRANT ALL ON storage.buckets, storage.objects TO %I WITH GRANT OPTION', grantee);
    END LOOP;
    -- PostgREST's login, where there is one, becomes the same three roles.
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'authenticator') THEN
        FOREACH grantee IN ARRAY ARRAY['anon', 'authenticated', 'service_role'] LOOP
            CONTINUE WHEN pg_has_role('authenticator', grantee, 'MEMBER');
            BEGIN
                EXECUTE format('GRANT %I TO authenticator', grantee);
            EXCEPTION WHEN insufficient_privilege THEN
                RAISE WARNING 'the role "authenticator" is not a member of "%"', grantee;
            END;
        END LOOP;
    END IF;
END
$$;
