-- SPDX-License-Identifier: Apache-2.0
-- What policies call, and the triggers that keep rows honest.

CREATE OR REPLACE FUNCTION storage.foldername(name text) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce((string_to_array(name, '/'))[1 : cardinality(string_to_array(name, '/')) - 1], '{}')
$$;

CREATE OR REPLACE FUNCTION storage.filename(name text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT split_part(name, '/', -1)
$$;

CREATE OR REPLACE FUNCTION storage.extension(name text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT split_part(split_part(name, '/', -1), '.', -1)
$$;

CREATE OR REPLACE FUNCTION storage.get_common_prefix(p_key text, p_prefix text, p_delimiter text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN p_delimiter <> '' AND position(p_delimiter IN substr(p_key, char_length(p_prefix) + 1)) > 0 THEN
            left(
                p_key,
                char_length(p_prefix) + position(p_delimiter IN substr(p_key, char_length(p_prefix) + 1))
                    + char_length(p_delimiter) - 1)
    END
$$;

CREATE OR REPLACE FUNCTION storage.operation() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT current_setting('storage.operation', true)
$$;

CREATE OR REPLACE FUNCTION storage.allow_only_operation(expected_operation text) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT coalesce(
        nullif(regexp_replace(expected_operation, '^storage\.', ''), '')
            = nullif(regexp_replace(current_setting('storage.operation', true), '^storage\.', ''), ''),
        false)
$$;

CREATE OR REPLACE FUNCTION storage.allow_any_operation(expected_operations text[]) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM unnest(expected_operations) AS expected WHERE storage.allow_only_operation(expected))
$$;

CREATE OR REPLACE FUNCTION storage.get_size_by_bucket() RETURNS TABLE (size bigint, bucket_id text)
LANGUAGE sql STABLE AS $$
    -- Rows that came from elsewhere may hold anything under `size`: only digits count.
    SELECT sum(CASE WHEN o.metadata ->> 'size' ~ '^[0-9]{1,18}$' THEN (o.metadata ->> 'size')::bigint ELSE 0 END)::bigint, o.bucket_id
    FROM storage.objects AS o
    GROUP BY o.bucket_id
$$;

CREATE OR REPLACE FUNCTION storage.can_insert_object(bucketid text, name text, owner uuid, metadata jsonb) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO storage.objects (bucket_id, name, owner, metadata)
    VALUES (can_insert_object.bucketid, can_insert_object.name, can_insert_object.owner, can_insert_object.metadata);
    -- Getting here was the question; the error undoes the row.
    RAISE SQLSTATE 'PT200' USING MESSAGE = 'ROLLBACK', DETAIL = 'rollback successful insert';
END
$$;

CREATE OR REPLACE FUNCTION storage.update_updated_at_column() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at = now();
    RETURN NEW;
END
$$;

CREATE OR REPLACE FUNCTION storage.enforce_bucket_name_length() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF char_length(NEW.name) > 100 THEN
        RAISE EXCEPTION 'bucket name "%" is too long (% characters). Max is 100.', NEW.name, char_length(NEW.name);
    END IF;
    RETURN NEW;
END
$$;

CREATE OR REPLACE FUNCTION storage.protect_delete() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('storage.allow_delete_query', true) IS DISTINCT FROM 'true' THEN
        RAISE EXCEPTION 'Direct deletion from storage tables is not allowed. Use the Storage API instead.'
            USING ERRCODE = 'insufficient_privilege',
                HINT = 'A row deleted here leaves its bytes behind.';
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER update_objects_updated_at BEFORE UPDATE ON storage.objects
    FOR EACH ROW EXECUTE FUNCTION storage.update_updated_at_column();
CREATE OR REPLACE TRIGGER enforce_bucket_name_length_trigger BEFORE INSERT OR UPDATE OF name ON storage.buckets
    FOR EACH ROW EXECUTE FUNCTION storage.enforce_bucket_name_length();
CREATE OR REPLACE TRIGGER protect_objects_delete BEFORE DELETE ON storage.objects
    FOR EACH STATEMENT EXECUTE FUNCTION storage.protect_delete();
CREATE OR REPLACE TRIGGER protect_buckets_delete BEFORE DELETE ON storage.buckets
    FOR EACH STATEMENT EXECUTE FUNCTION storage.protect_delete();
