-- SPDX-License-Identifier: Apache-2.0
-- What projects configure of their images: presets, watermarks, plugins, and whether originals have to be signed for. Nobody but the
-- service reads these tables; who may change them is decided by who may update the bucket.

CREATE TABLE IF NOT EXISTS magpie.presets (
    bucket_id text NOT NULL REFERENCES storage.buckets (id) ON UPDATE CASCADE ON DELETE CASCADE,
    name text NOT NULL,
    body jsonb NOT NULL,
    PRIMARY KEY (bucket_id, name)
);

CREATE TABLE IF NOT EXISTS magpie.watermarks (
    bucket_id text NOT NULL REFERENCES storage.buckets (id) ON UPDATE CASCADE ON DELETE CASCADE,
    id text NOT NULL,
    bytes bytea NOT NULL,
    -- Of the bytes: SHA-256 in lower-case hex.
    digest text NOT NULL,
    media_type text NOT NULL,
    size int NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (bucket_id, id)
);
-- Pictures are compressed already.
ALTER TABLE magpie.watermarks ALTER COLUMN bytes SET STORAGE EXTERNAL;

-- The active ones.
CREATE TABLE IF NOT EXISTS magpie.plugins (
    bucket_id text NOT NULL REFERENCES storage.buckets (id) ON UPDATE CASCADE ON DELETE CASCADE,
    plugin text NOT NULL,
    PRIMARY KEY (bucket_id, plugin)
);

-- Secrets that sign URLs of originals, sealed by the server. A bucket with a row here gives its originals to nobody without a right.
CREATE TABLE IF NOT EXISTS magpie.originals_signing (
    bucket_id text PRIMARY KEY REFERENCES storage.buckets (id) ON UPDATE CASCADE ON DELETE CASCADE,
    sealed_secret bytea NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);

REVOKE ALL ON magpie.presets, magpie.watermarks, magpie.plugins, magpie.originals_signing FROM PUBLIC, anon, authenticated;
GRANT SELECT, INSERT, UPDATE, DELETE ON magpie.presets, magpie.watermarks, magpie.plugins, magpie.originals_signing TO service_role;

-- They are cached with their bucket.
CREATE OR REPLACE TRIGGER magpie_preset_changed AFTER INSERT OR UPDATE OR DELETE ON magpie.presets
    FOR EACH ROW EXECUTE FUNCTION magpie.announce_settings();
CREATE OR REPLACE TRIGGER magpie_watermark_changed AFTER INSERT OR UPDATE OR DELETE ON magpie.watermarks
    FOR EACH ROW EXECUTE FUNCTION magpie.announce_settings();
CREATE OR REPLACE TRIGGER magpie_plugin_changed AFTER INSERT OR UPDATE OR DELETE ON magpie.plugins
    FOR EACH ROW EXECUTE FUNCTION magpie.announce_settings();
CREATE OR REPLACE TRIGGER magpie_originals_changed AFTER INSERT OR UPDATE OR DELETE ON magpie.originals_signing
    FOR EACH ROW EXECUTE FUNCTION magpie.announce_settings();
