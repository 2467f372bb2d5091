-- +goose NO TRANSACTION
-- +goose Up

ALTER TABLE invitebridge.invitations
    ADD COLUMN IF NOT EXISTS reminders_ns bigint[] NOT NULL DEFAULT '{}',
    ADD COLUMN IF NOT EXISTS remind_at timestamptz,
    ADD COLUMN IF NOT EXISTS reminder_count bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN invitebridge.invitations.reminders_ns IS 'The times before expires_at at which the invitee is to be reminded, in nanoseconds.';
COMMENT ON COLUMN invitebridge.invitations.remind_at IS 'When the next reminder is due; null: none is planned.';
COMMENT ON COLUMN invitebridge.invitations.reminder_count IS 'How many reminders were emitted.';

-- An index whose creation was interrupted is invalid, and would stay so.
DROP INDEX CONCURRENTLY IF EXISTS invitebridge.invitations_reminders;
CREATE INDEX CONCURRENTLY invitations_reminders ON invitebridge.invitations (remind_at, id)
    WHERE state = 'pending' AND claim_until IS NULL AND remind_at IS NOT NULL;
