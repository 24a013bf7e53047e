-- SPDX-License-Identifier: Apache-2.0
-- Key pairs of the S3 dialect. Secrets are sealed by the server; without its master key the rows open nothing.

CREATE TABLE IF NOT EXISTS magpie.s3_keys (
    access_key_id text PRIMARY KEY,
    sealed_secret text NOT NULL,
    claims jsonb NOT NULL,
    description text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz
);
REVOKE ALL ON magpie.s3_keys FROM PUBLIC, anon, authenticated;
GRANT SELECT, INSERT, UPDATE ON magpie.s3_keys TO service_role;

-- By every server, the one that revoked a key included: a command may have done it.
CREATE OR REPLACE FUNCTION magpie.announce_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM magpie.announce('access_key', coalesce(NEW.access_key_id, OLD.access_key_id));
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER magpie_key_changed AFTER UPDATE OR DELETE ON magpie.s3_keys
    FOR EACH ROW EXECUTE FUNCTION magpie.announce_key();
