-- SPDX-License-Identifier: Apache-2.0
-- The outbox of events: what happened to objects and has to be told to a webhook.
--
-- Rows are written by triggers, in the transaction that changes the object: an event exists exactly if the change was committed. Only
-- transactions that set `magpie.events` to 'on' write any; a server without a webhook does not. What a trigger can't see in the row it
-- takes from settings of the transaction: `magpie.request_id`, `magpie.caller_request_id`,
-- `magpie.upload_type` and `magpie.origin`.

CREATE TABLE IF NOT EXISTS magpie.events (
    -- Of one object in the order in which it changed.
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- What receivers know the event by, wherever it comes from.
    uuid uuid NOT NULL DEFAULT gen_random_uuid(),
    type text NOT NULL,
    bucket_id text NOT NULL,
    name text NOT NULL,
    version text,
    -- As it is in `storage.objects`.
    metadata jsonb,
    -- Where the object was before it moved.
    old_bucket_id text,
    old_name text,
    upload_type text,
    request_id text,
    -- The caller's own id of the request: its header `sb-request-id`.
    caller_request_id text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    attempts int NOT NULL DEFAULT 0,
    -- Until then the event is somebody's work, or waits after a failure.
    not_before timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_error text,
    -- When it was given up.
    died_at timestamptz
);
CREATE INDEX IF NOT EXISTS events_due ON magpie.events (not_before, id) WHERE died_at IS NULL;
CREATE INDEX IF NOT EXISTS events_object ON magpie.events (bucket_id, name, id) WHERE died_at IS NULL;
CREATE INDEX IF NOT EXISTS events_dead ON magpie.events (died_at) WHERE died_at IS NOT NULL;
-- No policy: whoever row-level security binds sees nothing here.
ALTER TABLE magpie.events ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON magpie.events FROM PUBLIC, anon, authenticated;
GRANT SELECT, INSERT, UPDATE, DELETE ON magpie.events TO service_role;

-- Takes a row of `storage.objects` down as an event.
CREATE OR REPLACE FUNCTION magpie.record_event(p_type text, p_row storage.objects, p_old storage.objects) RETURNS void
LANGUAGE sql VOLATILE AS $$
    INSERT INTO magpie.events
        (type, bucket_id, name, version, metadata, old_bucket_id, old_name, upload_type, request_id, caller_request_id)
    SELECT p_type, p_row.bucket_id, p_row.name, p_row.version, p_row.metadata, p_old.bucket_id, p_old.name,
        CASE WHEN p_type LIKE 'ObjectCreated:%' THEN nullif(current_setting('magpie.upload_type', true), '') END,
        nullif(current_setting('magpie.request_id', true), ''),
        nullif(current_setting('magpie.caller_request_id', true), '')
    WHERE p_row.bucket_id IS NOT NULL AND p_row.name IS NOT NULL
$$;
REVOKE ALL ON FUNCTION magpie.record_event(text, storage.objects, storage.objects) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION magpie.record_event(text, storage.objects, storage.objects) TO service_role;

-- As the owner: who may write an object need not be able to write here.
CREATE OR REPLACE FUNCTION magpie.record_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    is_copy boolean := current_setting('magpie.origin', true) IS NOT DISTINCT FROM 'copy';
BEGIN
    CASE
        WHEN TG_OP = 'INSERT' THEN
            PERFORM magpie.record_event(CASE WHEN is_copy THEN 'ObjectCreated:Copy' ELSE 'ObjectCreated:Post' END, NEW, NULL);
        WHEN TG_OP = 'DELETE' THEN
            PERFORM magpie.record_event('ObjectRemoved:Delete', OLD, NULL);
        WHEN (OLD.bucket_id, OLD.name) IS DISTINCT FROM (NEW.bucket_id, NEW.name) THEN
            PERFORM magpie.record_event('ObjectRemoved:Move', OLD, NULL);
            PERFORM magpie.record_event('ObjectCreated:Move', NEW, OLD);
        WHEN OLD.version IS DISTINCT FROM NEW.version THEN
            PERFORM magpie.record_event(CASE WHEN is_copy THEN 'ObjectCreated:Copy' ELSE 'ObjectCreated:Put' END, NEW, NULL);
        ELSE
            PERFORM magpie.record_event('ObjectUpdated:Metadata', NEW, NULL);
    END CASE;
    RETURN NULL;
END
$$;

-- For each row and under names that come first: triggers of one event fire in the order of their names (PostgreSQL 15, §39.1), and
-- what a user's trigger changes in turn has to be told after the change that it followed.
CREATE OR REPLACE TRIGGER "00_magpie_events_inserted" AFTER INSERT ON storage.objects FOR EACH ROW
    WHEN (current_setting('magpie.events', true) = 'on') EXECUTE FUNCTION magpie.record_change();
CREATE OR REPLACE TRIGGER "00_magpie_events_updated" AFTER UPDATE ON storage.objects FOR EACH ROW
    WHEN (current_setting('magpie.events', true) = 'on'
        AND (OLD.bucket_id, OLD.name, OLD.version, OLD.metadata, OLD.user_metadata)
            IS DISTINCT FROM (NEW.bucket_id, NEW.name, NEW.version, NEW.metadata, NEW.user_metadata))
    EXECUTE FUNCTION magpie.record_change();
CREATE OR REPLACE TRIGGER "00_magpie_events_deleted" AFTER DELETE ON storage.objects FOR EACH ROW
    WHEN (current_setting('magpie.events', true) = 'on') EXECUTE FUNCTION magpie.record_change();
