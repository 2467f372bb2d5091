-- +goose NO TRANSACTION
-- +goose Up

-- The primary key is the order in which a history is read.
CREATE TABLE IF NOT EXISTS invitebridge.history (
    invitation_id uuid NOT NULL REFERENCES invitebridge.invitations ON DELETE CASCADE,
    id            uuid NOT NULL,
    at            timestamptz NOT NULL,
    action        text COLLATE "C" NOT NULL,
    by_kind       text COLLATE "C" NOT NULL,
    by_id         text COLLATE "C" NOT NULL,
    request_id    text COLLATE "C" NOT NULL,
    PRIMARY KEY (invitation_id, id)
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);
COMMENT ON TABLE invitebridge.history IS 'What happened to invitations. Entries are never changed, and deleted with their invitation.';
COMMENT ON COLUMN invitebridge.history.id IS 'UUIDv7, so ordered by time.';
COMMENT ON COLUMN invitebridge.history.by_kind IS 'Who did it: key, session, invitee or bridge.';
COMMENT ON COLUMN invitebridge.history.by_id IS 'The name of the API key, or the id of the identity with the session; empty for the others.';
COMMENT ON COLUMN invitebridge.history.request_id IS 'The API request during which it happened; empty: none.';
