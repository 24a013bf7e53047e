-- SPDX-License-Identifier: Apache-2.0
-- Accounts, their sessions, and what they are in projects. In a project an account acts as the role of its keys, with a claim that says
-- how far: the policies of that role ask for it from here on.

CREATE TABLE IF NOT EXISTS magpie.accounts (
    id uuid PRIMARY KEY,
    -- In the one form that addresses are compared in.
    email text NOT NULL UNIQUE,
    -- With all that it was made with.
    password_hash text NOT NULL,
    name text NOT NULL DEFAULT '',
    is_operator boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    disabled_at timestamptz
);

CREATE TABLE IF NOT EXISTS magpie.account_sessions (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES magpie.accounts (id) ON DELETE CASCADE,
    kind text NOT NULL CHECK (kind IN ('cookie', 'tokens')),
    -- SHA-256 of the token, which is random and long: nothing slower is needed.
    digest bytea NOT NULL UNIQUE CHECK (octet_length(digest) = 32),
    created_at timestamptz NOT NULL,
    used_at timestamptz NOT NULL,
    -- Moves on with each use, as far as the end.
    expires_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    address text NOT NULL DEFAULT '',
    user_agent text NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS account_sessions_account ON magpie.account_sessions (account_id, used_at);

-- Refresh tokens that were exchanged. One that comes again was stolen, or its successor was.
CREATE TABLE IF NOT EXISTS magpie.spent_refresh_tokens (
    digest bytea PRIMARY KEY CHECK (octet_length(digest) = 32),
    session_id uuid NOT NULL REFERENCES magpie.account_sessions (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS spent_refresh_tokens_session ON magpie.spent_refresh_tokens (session_id);

CREATE TABLE IF NOT EXISTS magpie.memberships (
    account_id uuid NOT NULL REFERENCES magpie.accounts (id) ON DELETE CASCADE,
    bucket_id text NOT NULL REFERENCES magpie.projects (bucket_id) ON UPDATE CASCADE ON DELETE CASCADE,
    role text NOT NULL CHECK (role IN ('viewer', 'member', 'admin', 'owner')),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, bucket_id)
);
CREATE INDEX IF NOT EXISTS memberships_bucket ON magpie.memberships (bucket_id);

REVOKE ALL ON magpie.accounts, magpie.account_sessions, magpie.spent_refresh_tokens, magpie.memberships
    FROM PUBLIC, anon, authenticated, magpie_project;
GRANT SELECT, INSERT, UPDATE, DELETE
    ON magpie.accounts, magpie.account_sessions, magpie.spent_refresh_tokens, magpie.memberships TO service_role;

-- The claim `right`: `read`, `write` or `manage`. Keys have none, and all there is; what is neither of the three is the right to read.
CREATE OR REPLACE FUNCTION magpie.caller_has_right(p_rights text[]) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN claims ? 'right' THEN coalesce(claims ->> 'right' = ANY (p_rights), false) ELSE true END
    FROM coalesce(nullif(current_setting('request.jwt.claims', true), '')::jsonb, '{}') AS claims
$$;

-- Of the buckets that the claims of the caller name, those whose objects it may write, and those that it may change.
CREATE OR REPLACE FUNCTION magpie.caller_writable_projects() RETURNS text[] LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN magpie.caller_has_right('{write,manage}') THEN magpie.caller_projects() ELSE '{}' END
$$;
CREATE OR REPLACE FUNCTION magpie.caller_managed_projects() RETURNS text[] LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN magpie.caller_has_right('{manage}') THEN magpie.caller_projects() ELSE '{}' END
$$;
GRANT EXECUTE ON FUNCTION magpie.caller_has_right(text[]), magpie.caller_writable_projects(), magpie.caller_managed_projects() TO PUBLIC;

-- What was one policy for all commands is one for each, and beside each the restriction that holds whatever is granted to everybody.
DO $$
DECLARE
    tab record;
    command record;
    suffix text;
    condition text;
BEGIN
    FOR tab IN
        SELECT * FROM (VALUES
            ('storage.objects', 'magpie_project_objects'), ('magpie.object_versions', 'magpie_project_versions')
        ) AS tabs(name, policy)
    LOOP
        EXECUTE format('DROP POLICY IF EXISTS %I ON %s', tab.policy, tab.name);
        EXECUTE format('DROP POLICY IF EXISTS %I ON %s', tab.policy || '_only', tab.name);
        FOR command IN
            SELECT * FROM (VALUES
                ('SELECT', 'magpie.caller_projects()', true, false),
                ('INSERT', 'magpie.caller_writable_projects()', false, true),
                ('UPDATE', 'magpie.caller_writable_projects()', true, true),
                ('DELETE', 'magpie.caller_writable_projects()', true, false)
            ) AS commands(name, projects, is_using, is_checking)
        LOOP
            condition := format('(bucket_id = ANY ((SELECT %s)::text[]))', command.projects);
            suffix := CASE WHEN command.is_using THEN ' USING ' || condition ELSE '' END
                || CASE WHEN command.is_checking THEN ' WITH CHECK ' || condition ELSE '' END;
            EXECUTE format('DROP POLICY IF EXISTS %I ON %s', tab.policy || '_' || lower(command.name), tab.name);
            EXECUTE format('CREATE POLICY %I ON %s FOR %s TO magpie_project %s',
                tab.policy || '_' || lower(command.name), tab.name, command.name, suffix);
            EXECUTE format('DROP POLICY IF EXISTS %I ON %s', tab.policy || '_' || lower(command.name) || '_only', tab.name);
            EXECUTE format('CREATE POLICY %I ON %s AS RESTRICTIVE FOR %s TO magpie_project %s',
                tab.policy || '_' || lower(command.name) || '_only', tab.name, command.name, suffix);
        END LOOP;
    END LOOP;
END
$$;

DROP POLICY IF EXISTS magpie_project_buckets_change ON storage.buckets;
CREATE POLICY magpie_project_buckets_change ON storage.buckets FOR UPDATE TO magpie_project
    USING (id = ANY ((SELECT magpie.caller_managed_projects())::text[]));
-- Beside the restriction to its projects, which is on every command.
DROP POLICY IF EXISTS magpie_project_buckets_change_only ON storage.buckets;
CREATE POLICY magpie_project_buckets_change_only ON storage.buckets AS RESTRICTIVE FOR UPDATE TO magpie_project
    USING (id = ANY ((SELECT magpie.caller_managed_projects())::text[]));
DROP POLICY IF EXISTS magpie_project_buckets_delete_only ON storage.buckets;
CREATE POLICY magpie_project_buckets_delete_only ON storage.buckets AS RESTRICTIVE FOR DELETE TO magpie_project
    USING (id = ANY ((SELECT magpie.caller_managed_projects())::text[]));
