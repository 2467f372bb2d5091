-- +goose NO TRANSACTION
-- An index that is built concurrently must not be part of a transaction. So each of
-- these statements can be repeated after an error: what is there is left, or made anew.

-- +goose Up

CREATE TABLE IF NOT EXISTS invitebridge.imports (
    id           uuid PRIMARY KEY,
    state        text COLLATE "C" NOT NULL CHECK (state IN ('loading', 'running', 'paused', 'canceling', 'finished', 'canceled')),
    dry_run      boolean NOT NULL,
    created_by   text COLLATE "C" NOT NULL,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    loader       uuid,
    start_at     timestamptz,
    finished_at  timestamptz,
    defaults     json,
    columns      text[] COLLATE "C" NOT NULL,
    separator    text COLLATE "C" NOT NULL,
    reinvite     text[] COLLATE "C" NOT NULL,
    wave_size    bigint NOT NULL,
    wave_every_ns bigint NOT NULL,
    wave_left    bigint NOT NULL,
    next_wave_at timestamptz,
    rows         bigint NOT NULL,
    begun        bigint NOT NULL,
    counts       json NOT NULL,
    groups       json,
    due_at       timestamptz,
    waiting_for  text COLLATE "C" NOT NULL,
    held_until   timestamptz,
    pauses       bigint NOT NULL,
    rate_since   timestamptz,
    rate_rows    bigint NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
COMMENT ON TABLE invitebridge.imports IS 'Lists of rows that become invitations. A transaction that uses one, its rows or its messages first locks its row here.';
COMMENT ON COLUMN invitebridge.imports.id IS 'UUIDv7, so ordered by creation.';
COMMENT ON COLUMN invitebridge.imports.loader IS 'The process that stores the rows; null: they are all stored.';
COMMENT ON COLUMN invitebridge.imports.defaults IS 'The body of an invite whose members apply to every row that does not have them.';
COMMENT ON COLUMN invitebridge.imports.columns IS 'Those of the CSV file; empty: it was NDJSON.';
COMMENT ON COLUMN invitebridge.imports.wave_left IS 'Rows of the current wave that are not begun.';
COMMENT ON COLUMN invitebridge.imports.begun IS 'Rows with an index below this are begun.';
COMMENT ON COLUMN invitebridge.imports.counts IS 'Rows that have a result, by result.';
COMMENT ON COLUMN invitebridge.imports.groups IS 'Groups of rows that are begun and not finished.';
COMMENT ON COLUMN invitebridge.imports.held_until IS 'No further group is begun before; null: nothing holds the import.';
COMMENT ON COLUMN invitebridge.imports.due_at IS 'When the import next needs a worker; null: only another request changes it.';
CREATE INDEX IF NOT EXISTS imports_due ON invitebridge.imports (due_at, id) WHERE due_at IS NOT NULL;

CREATE TABLE IF NOT EXISTS invitebridge.import_rows (
    import_id     uuid NOT NULL REFERENCES invitebridge.imports,
    index         bigint NOT NULL,
    line          bigint NOT NULL,
    body          json,
    key           text COLLATE "C" NOT NULL,
    result        text COLLATE "C" NOT NULL,
    invitation_id uuid,
    duplicate_of  bigint NOT NULL,
    error_id      text COLLATE "C" NOT NULL,
    reason        text COLLATE "C" NOT NULL,
    PRIMARY KEY (import_id, index)
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);
COMMENT ON TABLE invitebridge.import_rows IS 'The rows of imports, kept until the import is purged.';
COMMENT ON COLUMN invitebridge.import_rows.index IS 'The position in the import, from 0.';
COMMENT ON COLUMN invitebridge.import_rows.line IS 'Where the row begins in the file, from 1.';
COMMENT ON COLUMN invitebridge.import_rows.body IS 'The body of an invite, without the defaults of the import.';
COMMENT ON COLUMN invitebridge.import_rows.key IS 'What the row invites; empty: a duplicate, or the row failed before it was begun.';
COMMENT ON COLUMN invitebridge.import_rows.result IS 'Empty: none yet.';
COMMENT ON COLUMN invitebridge.import_rows.invitation_id IS 'The invitation of the row. It may not exist yet, or not any more.';
COMMENT ON COLUMN invitebridge.import_rows.duplicate_of IS 'The line of the first row with the same key; 0: there is none.';
CREATE UNIQUE INDEX IF NOT EXISTS import_rows_key ON invitebridge.import_rows (import_id, key) WHERE key <> '';
CREATE INDEX IF NOT EXISTS import_rows_result ON invitebridge.import_rows (import_id, result, index) WHERE result <> '';

CREATE TABLE IF NOT EXISTS invitebridge.idempotency_keys (
    digest  bytea PRIMARY KEY CHECK (length(digest) = 32),
    body    bytea NOT NULL CHECK (length(body) = 32),
    id      uuid NOT NULL,
    created boolean NOT NULL,
    at      timestamptz NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);
COMMENT ON TABLE invitebridge.idempotency_keys IS 'Requests with an idempotency key, so that a repetition gets the first response. Rows older than a day are deleted.';
COMMENT ON COLUMN invitebridge.idempotency_keys.digest IS 'SHA-256 of the name of the API key and the idempotency key.';
COMMENT ON COLUMN invitebridge.idempotency_keys.body IS 'SHA-256 of the content of the request.';
COMMENT ON COLUMN invitebridge.idempotency_keys.id IS 'The invitation or import that the request created or found.';
COMMENT ON COLUMN invitebridge.idempotency_keys.created IS 'Whether the response said that it was created.';
CREATE INDEX IF NOT EXISTS idempotency_keys_at ON invitebridge.idempotency_keys (at, digest);

ALTER TABLE invitebridge.copies ADD COLUMN IF NOT EXISTS others bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN invitebridge.copies.others IS 'How many imports, rows of imports and idempotency keys were copied.';

-- Nothing of this reads or rewrites the table.
ALTER TABLE invitebridge.invitations ADD COLUMN IF NOT EXISTS import_id uuid;
COMMENT ON COLUMN invitebridge.invitations.import_id IS 'The import that created it, which may have been purged; null: none.';

ALTER TABLE invitebridge.messages
    ADD COLUMN IF NOT EXISTS import_id uuid REFERENCES invitebridge.imports ON DELETE CASCADE,
    ALTER COLUMN invitation_id DROP NOT NULL,
    DROP CONSTRAINT IF EXISTS about_an_invitation_or_an_import,
    ADD CONSTRAINT about_an_invitation_or_an_import CHECK ((invitation_id IS NULL) <> (import_id IS NULL)) NOT VALID;
COMMENT ON TABLE invitebridge.messages IS 'The outbox: events for endpoints, kept until their invitation or import is purged.';
COMMENT ON COLUMN invitebridge.messages.import_id IS 'The import that the event is about; null: it is about an invitation.';

-- The rest waits for the transactions of others, but none waits for it.
SET lock_timeout = 0;
ALTER TABLE invitebridge.messages VALIDATE CONSTRAINT about_an_invitation_or_an_import;
DROP INDEX CONCURRENTLY IF EXISTS invitebridge.invitations_import;
CREATE INDEX CONCURRENTLY invitations_import ON invitebridge.invitations (import_id, id) WHERE import_id IS NOT NULL;
DROP INDEX CONCURRENTLY IF EXISTS invitebridge.invitations_import_state;
CREATE INDEX CONCURRENTLY invitations_import_state ON invitebridge.invitations (import_id, state, id) WHERE import_id IS NOT NULL;
DROP INDEX CONCURRENTLY IF EXISTS invitebridge.messages_import;
CREATE INDEX CONCURRENTLY messages_import ON invitebridge.messages (import_id, id) WHERE import_id IS NOT NULL;
DROP INDEX CONCURRENTLY IF EXISTS invitebridge.messages_import_queue;
CREATE INDEX CONCURRENTLY messages_import_queue ON invitebridge.messages (endpoint, next_at, id) WHERE state = 'queued' AND import_id IS NOT NULL;
SET lock_timeout = '2s';
