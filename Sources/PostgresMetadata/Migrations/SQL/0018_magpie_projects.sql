-- SPDX-License-Identifier: Apache-2.0
-- Projects: buckets with a plan, keys of their own and counted usage. A key acts as the role `magpie_project`, which the policies here let
-- into the buckets that its claims name, and into no others whatever else is granted to everybody.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'magpie_project') THEN
        BEGIN
            CREATE ROLE magpie_project NOLOGIN NOINHERIT;
        EXCEPTION
            -- Roles belong to the cluster: another database's migration may have been faster.
            WHEN duplicate_object OR unique_violation THEN NULL;
            WHEN insufficient_privilege THEN
                RAISE EXCEPTION 'the role "magpie_project" is missing and "%" may not create it', current_user
                    USING HINT = 'As a superuser: CREATE ROLE magpie_project NOLOGIN NOINHERIT';
        END;
    END IF;
    IF NOT pg_has_role(current_user, 'magpie_project', 'MEMBER') THEN
        BEGIN
            EXECUTE format('GRANT magpie_project TO %I', current_user);
        EXCEPTION
            WHEN insufficient_privilege THEN
                RAISE EXCEPTION 'the role "%" may not become "magpie_project"', current_user
                    USING HINT = format('As a superuser: GRANT magpie_project TO %I', current_user);
        END;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'magpie_project' AND (rolsuper OR rolbypassrls)) THEN
        RAISE EXCEPTION 'row-level security does not bind the role "magpie_project"'
            USING HINT = 'As a superuser: ALTER ROLE magpie_project NOSUPERUSER NOBYPASSRLS';
    END IF;
    IF EXISTS (
        SELECT FROM pg_class AS c
        WHERE c.oid IN ('storage.objects'::regclass, 'storage.buckets'::regclass)
            AND NOT pg_has_role(current_user, c.relowner, 'USAGE')
    ) THEN
        RAISE EXCEPTION 'the role "%" may not write policies for storage.objects and storage.buckets', current_user
            USING HINT = format('As a superuser: GRANT %I TO %I',
                (SELECT c.relowner::regrole::text FROM pg_class AS c WHERE c.oid = 'storage.objects'::regclass), current_user);
    END IF;
END
$$;

CREATE TABLE IF NOT EXISTS magpie.projects (
    bucket_id text PRIMARY KEY REFERENCES storage.buckets (id) ON UPDATE CASCADE ON DELETE CASCADE,
    plan text NOT NULL DEFAULT 'unlimited',
    -- An e-mail address, or nobody in particular.
    owner text,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS projects_owner ON magpie.projects (owner) WHERE owner IS NOT NULL;

CREATE TABLE IF NOT EXISTS magpie.api_keys (
    id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('pair', 'single', 'publishable', 'secret')),
    -- The public half of a pair.
    client_id text UNIQUE,
    -- SHA-256 of the secret, which is random and long: nothing slower is needed.
    digest bytea NOT NULL UNIQUE CHECK (octet_length(digest) = 32),
    description text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz,
    CHECK ((kind = 'pair') = (client_id IS NOT NULL))
);

-- What a key opens. A key that lost its last project opens nothing.
CREATE TABLE IF NOT EXISTS magpie.api_key_projects (
    key_id uuid NOT NULL REFERENCES magpie.api_keys (id) ON DELETE CASCADE,
    bucket_id text NOT NULL REFERENCES magpie.projects (bucket_id) ON UPDATE CASCADE ON DELETE CASCADE,
    PRIMARY KEY (key_id, bucket_id)
);
CREATE INDEX IF NOT EXISTS api_key_projects_bucket ON magpie.api_key_projects (bucket_id);

-- By project and day in UTC. The storage is a snapshot, the last of the day; the rest adds up.
CREATE TABLE IF NOT EXISTS magpie.usage (
    bucket_id text NOT NULL REFERENCES magpie.projects (bucket_id) ON UPDATE CASCADE ON DELETE CASCADE,
    day date NOT NULL,
    requests bigint NOT NULL DEFAULT 0,
    bandwidth_bytes bigint NOT NULL DEFAULT 0,
    transforms bigint NOT NULL DEFAULT 0,
    storage_bytes bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (bucket_id, day)
);

-- What a project holds, as sums over its shards: writers at the same time need not wait for each other.
CREATE TABLE IF NOT EXISTS magpie.project_totals (
    bucket_id text NOT NULL REFERENCES magpie.projects (bucket_id) ON UPDATE CASCADE ON DELETE CASCADE,
    shard int NOT NULL,
    objects bigint NOT NULL DEFAULT 0,
    bytes bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (bucket_id, shard)
);

REVOKE ALL ON magpie.projects, magpie.api_keys, magpie.api_key_projects, magpie.usage, magpie.project_totals
    FROM PUBLIC, anon, authenticated, magpie_project;
GRANT SELECT, INSERT, UPDATE, DELETE
    ON magpie.projects, magpie.api_keys, magpie.api_key_projects, magpie.usage, magpie.project_totals TO service_role;

-- The buckets that the claims of the caller name. None for any other role, whatever its claims say.
CREATE OR REPLACE FUNCTION magpie.caller_projects() RETURNS text[] LANGUAGE sql STABLE AS $$
    SELECT coalesce(array_agg(project), '{}')
    FROM (SELECT nullif(current_setting('request.jwt.claims', true), '')::jsonb -> 'projects') AS claims(projects),
        jsonb_array_elements_text(CASE jsonb_typeof(claims.projects) WHEN 'array' THEN claims.projects ELSE '[]' END) AS project
    WHERE current_user = 'magpie_project'
$$;
GRANT EXECUTE ON FUNCTION magpie.caller_projects() TO PUBLIC;

-- As other callers have them; the policies narrow them.
GRANT USAGE ON SCHEMA storage TO magpie_project;
GRANT SELECT, INSERT, UPDATE, DELETE ON storage.objects TO magpie_project;
GRANT SELECT, UPDATE ON storage.buckets TO magpie_project;
GRANT SELECT, DELETE, UPDATE (metadata) ON magpie.object_versions TO magpie_project;

-- Policies that were written for everybody may call these. Where they are somebody else's to grant, that one grants them.
DO $$
BEGIN
    GRANT USAGE ON SCHEMA auth, extensions TO magpie_project;
    GRANT EXECUTE ON FUNCTION auth.uid(), auth.role(), auth.email(), auth.jwt() TO magpie_project;
EXCEPTION
    WHEN insufficient_privilege THEN
        RAISE WARNING 'the role "magpie_project" may not use the schemas auth and extensions';
END
$$;
DO $$
BEGIN
    GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA storage TO magpie_project;
EXCEPTION
    WHEN insufficient_privilege THEN
        -- By default everybody may.
        RAISE WARNING 'the right to call the functions of schema storage is not granted to the role "magpie_project"';
END
$$;

DROP POLICY IF EXISTS magpie_project_objects ON storage.objects;
CREATE POLICY magpie_project_objects ON storage.objects FOR ALL TO magpie_project
    USING (bucket_id = ANY ((SELECT magpie.caller_projects())::text[]));
DROP POLICY IF EXISTS magpie_project_objects_only ON storage.objects;
CREATE POLICY magpie_project_objects_only ON storage.objects AS RESTRICTIVE FOR ALL TO magpie_project
    USING (bucket_id = ANY ((SELECT magpie.caller_projects())::text[]));

DROP POLICY IF EXISTS magpie_project_buckets_read ON storage.buckets;
CREATE POLICY magpie_project_buckets_read ON storage.buckets FOR SELECT TO magpie_project
    USING (id = ANY ((SELECT magpie.caller_projects())::text[]));
DROP POLICY IF EXISTS magpie_project_buckets_change ON storage.buckets;
CREATE POLICY magpie_project_buckets_change ON storage.buckets FOR UPDATE TO magpie_project
    USING (id = ANY ((SELECT magpie.caller_projects())::text[]));
DROP POLICY IF EXISTS magpie_project_buckets_only ON storage.buckets;
CREATE POLICY magpie_project_buckets_only ON storage.buckets AS RESTRICTIVE FOR ALL TO magpie_project
    USING (id = ANY ((SELECT magpie.caller_projects())::text[]));

DROP POLICY IF EXISTS magpie_project_versions ON magpie.object_versions;
CREATE POLICY magpie_project_versions ON magpie.object_versions FOR ALL TO magpie_project
    USING (bucket_id = ANY ((SELECT magpie.caller_projects())::text[]));
DROP POLICY IF EXISTS magpie_project_versions_only ON magpie.object_versions;
CREATE POLICY magpie_project_versions_only ON magpie.object_versions AS RESTRICTIVE FOR ALL TO magpie_project
    USING (bucket_id = ANY ((SELECT magpie.caller_projects())::text[]));

-- The plan is cached with the bucket.
CREATE OR REPLACE TRIGGER magpie_project_changed AFTER INSERT OR UPDATE OR DELETE ON magpie.projects
    FOR EACH ROW EXECUTE FUNCTION magpie.announce_settings();

-- As the key pairs of S3, by every server: a command may have done it.
CREATE OR REPLACE FUNCTION magpie.announce_project_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_TABLE_NAME = 'api_keys' THEN
        PERFORM magpie.announce('project_key', OLD.id::text);
    ELSIF TG_OP = 'INSERT' THEN
        PERFORM magpie.announce('project_key', NEW.key_id::text);
    ELSE
        PERFORM magpie.announce('project_key', OLD.key_id::text);
    END IF;
    RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER magpie_project_key_changed AFTER UPDATE OR DELETE ON magpie.api_keys
    FOR EACH ROW EXECUTE FUNCTION magpie.announce_project_key();
CREATE OR REPLACE TRIGGER magpie_key_projects_changed AFTER INSERT OR UPDATE OR DELETE ON magpie.api_key_projects
    FOR EACH ROW EXECUTE FUNCTION magpie.announce_project_key();

-- Key pairs of S3 name their projects in claims. One that outlived its project must not open another project of that name.
CREATE OR REPLACE FUNCTION magpie.revoke_project_pairs() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE magpie.s3_keys AS k SET revoked_at = now()
    WHERE k.revoked_at IS NULL AND k.claims ->> 'role' = 'magpie_project' AND k.claims -> 'projects' ? OLD.bucket_id;
    RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER magpie_project_gone AFTER DELETE OR UPDATE OF bucket_id ON magpie.projects
    FOR EACH ROW EXECUTE FUNCTION magpie.revoke_project_pairs();
