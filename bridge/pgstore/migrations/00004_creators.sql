-- +goose NO TRANSACTION
-- +goose Up

ALTER TABLE invitebridge.invitations
    ADD COLUMN IF NOT EXISTS created_by_kind text NOT NULL DEFAULT '',
    ADD COLUMN IF NOT EXISTS created_by_id text NOT NULL DEFAULT '',
    ADD COLUMN IF NOT EXISTS method text NOT NULL DEFAULT '';
COMMENT ON COLUMN invitebridge.invitations.created_by_kind IS 'How the creator proved who it is: key or session; empty: not known.';
COMMENT ON COLUMN invitebridge.invitations.created_by_id IS 'The name of the API key, or the id of the identity with the session.';
COMMENT ON COLUMN invitebridge.invitations.method IS 'How the invitation was accepted; empty: it was not, or by an earlier release.';

-- An index whose creation was interrupted is invalid, and would stay so.
DROP INDEX CONCURRENTLY IF EXISTS invitebridge.invitations_creator;
CREATE INDEX CONCURRENTLY invitations_creator ON invitebridge.invitations (created_by_kind, created_by_id, id) WHERE created_by_id <> '';
DROP INDEX CONCURRENTLY IF EXISTS invitebridge.invitations_creator_state;
CREATE INDEX CONCURRENTLY invitations_creator_state ON invitebridge.invitations (created_by_kind, created_by_id, state, id) WHERE created_by_id <> '';
DROP INDEX CONCURRENTLY IF EXISTS invitebridge.invitations_origin;
CREATE INDEX CONCURRENTLY invitations_origin ON invitebridge.invitations (origin, id) WHERE origin IN ('adopted', 'reactivated');
DROP INDEX CONCURRENTLY IF EXISTS invitebridge.invitations_method;
CREATE INDEX CONCURRENTLY invitations_method ON invitebridge.invitations (method, id) WHERE method <> '';
DROP INDEX CONCURRENTLY IF EXISTS invitebridge.invitations_creators_pending;
CREATE INDEX CONCURRENTLY invitations_creators_pending ON invitebridge.invitations (created_by_kind, created_by_id)
    WHERE state = 'pending' AND created_by_id <> '';
