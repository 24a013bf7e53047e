-- SPDX-License-Identifier: Apache-2.0
-- What apps do by themselves: people sign up in them, and their keys may be narrowed and end.

-- Whoever holds an app's key may make such an account, for any address: it runs nothing and makes no projects.
ALTER TABLE magpie.accounts ADD COLUMN IF NOT EXISTS is_app_user boolean NOT NULL DEFAULT false;
DO $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_constraint WHERE conname = 'accounts_app_users' AND conrelid = 'magpie.accounts'::regclass
    ) THEN
        ALTER TABLE magpie.accounts ADD CONSTRAINT accounts_app_users CHECK (NOT (is_app_user AND is_operator));
    END IF;
END
$$;

-- What a key is for, as `table:operation`; all of it where nothing is said.
ALTER TABLE magpie.api_keys ADD COLUMN IF NOT EXISTS scopes text[];
ALTER TABLE magpie.api_keys ADD COLUMN IF NOT EXISTS expires_at timestamptz;

-- The picture of a user of a project, which is a file of it.
CREATE TABLE IF NOT EXISTS magpie.avatars (
    bucket_id text NOT NULL REFERENCES magpie.projects (bucket_id) ON UPDATE CASCADE ON DELETE CASCADE,
    -- Of tokens.
    subject text COLLATE "C" NOT NULL,
    file_id uuid NOT NULL REFERENCES magpie.files (id) ON DELETE CASCADE,
    PRIMARY KEY (bucket_id, subject)
);
CREATE INDEX IF NOT EXISTS avatars_file ON magpie.avatars (file_id);
REVOKE ALL ON magpie.avatars FROM PUBLIC, anon, authenticated, magpie_project;
GRANT SELECT, INSERT, UPDATE, DELETE ON magpie.avatars TO service_role;
