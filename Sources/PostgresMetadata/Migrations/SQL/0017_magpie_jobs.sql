-- SPDX-License-Identifier: Apache-2.0
-- The durable queue. A job is pending, taken by a worker under a lease, or ended; a worker that dies loses its lease, and the job is
-- taken again. Only the clock of the database counts.

CREATE TABLE IF NOT EXISTS magpie.jobs (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    kind text NOT NULL,
    -- Whoever may update the bucket may see the job. NULL: the server's own.
    bucket_id text REFERENCES storage.buckets (id) ON UPDATE CASCADE ON DELETE CASCADE,
    -- What of the bucket it is about.
    subject text,
    payload jsonb NOT NULL DEFAULT '{}',
    -- Where it got to.
    checkpoint jsonb,
    -- Of the unfinished jobs only one has it.
    unique_key text,
    -- More goes first.
    priority int NOT NULL DEFAULT 0,
    status text NOT NULL DEFAULT 'Pending' CHECK (
        status IN ('Pending', 'Discovering', 'Running', 'Completed', 'CompletedWithErrors', 'Failed', 'Cancelled')
    ),
    total bigint,
    processed bigint NOT NULL DEFAULT 0,
    succeeded bigint NOT NULL DEFAULT 0,
    failed bigint NOT NULL DEFAULT 0,
    -- The latest, the oldest first: [{"subject", "key", "message", "at"}].
    recent_errors jsonb NOT NULL DEFAULT '[]',
    -- How often it was begun since it last got further, and how often it may be.
    attempts int NOT NULL DEFAULT 0,
    max_attempts int NOT NULL DEFAULT 5 CHECK (max_attempts > 0),
    -- How often it was taken: what comes under an older number is refused.
    fence bigint NOT NULL DEFAULT 0,
    -- Pending: when it may be taken. Taken: when the lease ends.
    run_after timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- Who took it last.
    worker text,
    cancel_requested boolean NOT NULL DEFAULT false,
    -- Why it failed, or failed the last time.
    failure text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    started_at timestamptz,
    -- Exactly of those that ended.
    completed_at timestamptz,
    CHECK ((completed_at IS NULL) = (status IN ('Pending', 'Discovering', 'Running')))
) WITH (autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX IF NOT EXISTS jobs_due ON magpie.jobs (priority DESC, run_after, id) WHERE completed_at IS NULL;
CREATE UNIQUE INDEX IF NOT EXISTS jobs_unique ON magpie.jobs (unique_key) WHERE completed_at IS NULL;
CREATE INDEX IF NOT EXISTS jobs_subject ON magpie.jobs (bucket_id, subject, created_at DESC, id DESC)
    WHERE subject IS NOT NULL;
CREATE INDEX IF NOT EXISTS jobs_bucket ON magpie.jobs (bucket_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS jobs_ended ON magpie.jobs (completed_at) WHERE completed_at IS NOT NULL;
-- No policy: whoever row-level security binds sees nothing here.
ALTER TABLE magpie.jobs ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON magpie.jobs FROM PUBLIC, anon, authenticated;
GRANT SELECT, INSERT, UPDATE, DELETE ON magpie.jobs TO service_role;

-- Writes a job down, in the transaction under way, and returns it: with the id `p_id`, or the unfinished job of the same unique key. That
-- one gets the new payload if it is still pending; it is then new work, unless the payload is the same. For triggers and the service.
CREATE OR REPLACE FUNCTION magpie.enqueue_job(
    p_kind text, p_bucket text DEFAULT NULL, p_subject text DEFAULT NULL, p_payload jsonb DEFAULT '{}',
    p_unique_key text DEFAULT NULL, p_run_after timestamptz DEFAULT NULL, p_priority int DEFAULT 0, p_max_attempts int DEFAULT 5,
    p_id uuid DEFAULT gen_random_uuid()
) RETURNS magpie.jobs LANGUAGE plpgsql AS $$
DECLARE
    due constant timestamptz := coalesce(p_run_after, clock_timestamp());
    result magpie.jobs;
BEGIN
    LOOP
        INSERT INTO magpie.jobs AS j (id, kind, bucket_id, subject, payload, unique_key, priority, max_attempts, run_after)
        VALUES (p_id, p_kind, p_bucket, p_subject, p_payload, p_unique_key, p_priority, p_max_attempts, due)
        ON CONFLICT (unique_key) WHERE completed_at IS NULL DO NOTHING
        RETURNING j.* INTO result;
        EXIT WHEN FOUND;
        -- Not ON CONFLICT DO UPDATE: that locks a running job too, and its worker could not renew its lease until this transaction ends.
        UPDATE magpie.jobs AS j
        SET kind = p_kind, bucket_id = p_bucket, subject = p_subject, payload = p_payload,
            priority = greatest(j.priority, p_priority), max_attempts = p_max_attempts, run_after = least(j.run_after, due),
            attempts = CASE WHEN j.payload = p_payload THEN j.attempts ELSE 0 END,
            checkpoint = CASE WHEN j.payload = p_payload THEN j.checkpoint END,
            failure = CASE WHEN j.payload = p_payload THEN j.failure END
        WHERE j.unique_key = p_unique_key AND j.completed_at IS NULL AND j.status = 'Pending'
        RETURNING j.* INTO result;
        EXIT WHEN FOUND;
        SELECT j.* INTO result FROM magpie.jobs AS j WHERE j.unique_key = p_unique_key AND j.completed_at IS NULL;
        EXIT WHEN FOUND;
        -- It ended in between.
    END LOOP;
    RETURN result;
END
$$;
REVOKE ALL ON FUNCTION magpie.enqueue_job(text, text, text, jsonb, text, timestamptz, int, int, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION magpie.enqueue_job(text, text, text, jsonb, text, timestamptz, int, int, uuid) TO service_role;

-- Wakes the workers of every server. Not in a quiet server's transactions, whatever trigger wrote the job: NOTIFY makes commits wait for each
-- other, and workers look every second anyway.
CREATE OR REPLACE FUNCTION magpie.announce_job() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('magpie.quiet', true) IS DISTINCT FROM 'on' THEN
        PERFORM magpie.announce('jobs');
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER magpie_job_due AFTER INSERT OR UPDATE ON magpie.jobs FOR EACH ROW
    WHEN (NEW.status = 'Pending' AND NEW.run_after <= clock_timestamp()) EXECUTE FUNCTION magpie.announce_job();
