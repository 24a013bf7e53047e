-- SPDX-License-Identifier: Apache-2.0
-- Change notices on the channel `magpie_changes`: what makes a server forget what it cached, whoever wrote.
--
-- Payloads are JSON arrays: ["object", bucket, key], ["bucket", id] or ["everything"]. In a transaction that sets `magpie.quiet` to
-- 'on' the statements of the server itself send none: it knows what it wrote, and NOTIFY makes commits wait for each other. What
-- other triggers write in the same transaction the server can't know, so that is announced in any case.

CREATE OR REPLACE FUNCTION magpie.announce(VARIADIC p_parts text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    payload text := to_json(p_parts)::text;
BEGIN
    -- Postgres takes less than 8000 bytes; keys of other writers may be of any length.
    IF octet_length(payload) >= 8000 THEN
        payload := '["everything"]';
    END IF;
    PERFORM pg_notify('magpie_changes', payload);
END
$$;

-- Whether the statement that fired the calling trigger is a quiet server's own. At depth 1 no other trigger is behind it.
CREATE OR REPLACE FUNCTION magpie.is_quiet() RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT pg_trigger_depth() = 1 AND current_setting('magpie.quiet', true) IS NOT DISTINCT FROM 'on'
$$;

-- The rows of a statement, one by one, or folded when there are many: by bucket, and beyond a hundred buckets altogether.
CREATE OR REPLACE FUNCTION magpie.announce_objects() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    most constant int := 100;
    buckets text[];
    changed int;
BEGIN
    IF magpie.is_quiet() THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'UPDATE' THEN
        SELECT count(*) INTO changed FROM (SELECT FROM new_rows LIMIT most + 1) AS few;
        IF changed <= most THEN
            PERFORM magpie.announce('object', c.bucket_id, c.name)
            FROM (SELECT o.bucket_id, o.name FROM old_rows AS o UNION SELECT n.bucket_id, n.name FROM new_rows AS n) AS c;
            RETURN NULL;
        END IF;
        SELECT array_agg(DISTINCT c.bucket_id) INTO buckets
        FROM (SELECT o.bucket_id FROM old_rows AS o UNION SELECT n.bucket_id FROM new_rows AS n) AS c;
    ELSE
        SELECT count(*) INTO changed FROM (SELECT FROM new_rows LIMIT most + 1) AS few;
        IF changed <= most THEN
            PERFORM magpie.announce('object', n.bucket_id, n.name) FROM new_rows AS n;
            RETURN NULL;
        END IF;
        SELECT array_agg(DISTINCT n.bucket_id) INTO buckets FROM new_rows AS n;
    END IF;
    IF cardinality(buckets) <= most THEN
        PERFORM magpie.announce('bucket', b) FROM unnest(buckets) AS b;
    ELSE
        PERFORM magpie.announce('everything');
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION magpie.announce_bucket() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT magpie.is_quiet() THEN
        IF TG_OP IN ('UPDATE', 'DELETE') THEN
            PERFORM magpie.announce('bucket', OLD.id);
        END IF;
        IF TG_OP IN ('UPDATE', 'INSERT') THEN
            PERFORM magpie.announce('bucket', NEW.id);
        END IF;
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION magpie.announce_everything() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM magpie.announce('everything');
    RETURN NULL;
END
$$;

DO $$
BEGIN
    IF NOT (has_table_privilege('storage.objects', 'TRIGGER') AND has_table_privilege('storage.buckets', 'TRIGGER')) THEN
        RAISE EXCEPTION 'the role "%" may not create triggers on storage.objects and storage.buckets', current_user
            USING HINT = format('As their owner: GRANT TRIGGER ON storage.objects, storage.buckets TO %I', current_user);
    END IF;
END
$$;

CREATE OR REPLACE TRIGGER magpie_objects_inserted AFTER INSERT ON storage.objects
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION magpie.announce_objects();
CREATE OR REPLACE TRIGGER magpie_objects_updated AFTER UPDATE ON storage.objects
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION magpie.announce_objects();
-- The rows that went are the ones to name.
CREATE OR REPLACE TRIGGER magpie_objects_deleted AFTER DELETE ON storage.objects
    REFERENCING OLD TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION magpie.announce_objects();
CREATE OR REPLACE TRIGGER magpie_objects_truncated AFTER TRUNCATE ON storage.objects
    FOR EACH STATEMENT EXECUTE FUNCTION magpie.announce_everything();
CREATE OR REPLACE TRIGGER magpie_buckets_changed AFTER INSERT OR UPDATE OR DELETE ON storage.buckets
    FOR EACH ROW EXECUTE FUNCTION magpie.announce_bucket();
CREATE OR REPLACE TRIGGER magpie_buckets_truncated AFTER TRUNCATE ON storage.buckets
    FOR EACH STATEMENT EXECUTE FUNCTION magpie.announce_everything();
