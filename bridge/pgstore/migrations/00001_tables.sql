-- +goose Up

CREATE TABLE invitebridge.requirements (
    single      boolean PRIMARY KEY DEFAULT true CHECK (single),
    min_release integer NOT NULL
);
COMMENT ON TABLE invitebridge.requirements IS 'One row: what a program must know to use this schema.';
COMMENT ON COLUMN invitebridge.requirements.min_release IS 'The newest migration that a program must contain. A program that is older than this must not start.';
INSERT INTO invitebridge.requirements (min_release) VALUES (1);

-- Texts are compared by their bytes, so that the collations of the operating system
-- cannot invalidate an index.
CREATE TABLE invitebridge.invitations (
    id                     uuid PRIMARY KEY,
    state                  text COLLATE "C" NOT NULL CHECK (state IN ('pending', 'accepted', 'expired', 'revoked')),
    email                  text COLLATE "C" NOT NULL,
    identity_id            uuid,
    origin                 text COLLATE "C" NOT NULL,
    baseline               json,
    identifiers            text[] COLLATE "C" NOT NULL,
    addresses              text[] COLLATE "C" NOT NULL,
    schema_id              text COLLATE "C" NOT NULL,
    inviter_id             text COLLATE "C" NOT NULL,
    inviter_name           text COLLATE "C" NOT NULL,
    inviter_email          text COLLATE "C" NOT NULL,
    locale                 text COLLATE "C" NOT NULL,
    time_zone              text COLLATE "C" NOT NULL,
    return_to              text COLLATE "C" NOT NULL,
    traits                 json,
    lifespan_ns            bigint NOT NULL,
    delivery               text COLLATE "C" NOT NULL,
    epoch                  bigint NOT NULL,
    created_at             timestamptz NOT NULL,
    updated_at             timestamptz NOT NULL,
    expires_at             timestamptz NOT NULL,
    accepted_at            timestamptz,
    revoked_at             timestamptz,
    reason                 text COLLATE "C" NOT NULL,
    invitee_notified_at    timestamptz,
    hooks_notified_at      timestamptz,
    sent_at                timestamptz,
    send_count             bigint NOT NULL,
    claim_until            timestamptz,
    claim_id               uuid,
    claim_unresolved_since timestamptz,
    claim_check_at         timestamptz,
    claim_checks           bigint NOT NULL,
    claim_due_at           timestamptz GENERATED ALWAYS AS (greatest(claim_until, claim_check_at)) STORED,
    revoke_requested_at    timestamptz,
    unresolved_until       timestamptz,
    cleaning_began_at      timestamptz,
    cleaned                text[] COLLATE "C" NOT NULL,
    leftover               text COLLATE "C" NOT NULL,
    check_at               timestamptz,
    checks                 bigint NOT NULL,
    CONSTRAINT claim_has_a_lease CHECK (claim_until IS NOT NULL OR
        (claim_id IS NULL AND claim_unresolved_since IS NULL AND claim_check_at IS NULL AND claim_checks = 0))
) WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);
COMMENT ON TABLE invitebridge.invitations IS 'Invitations. A transaction that writes one, its tokens or its messages first locks its row here.';
COMMENT ON COLUMN invitebridge.invitations.id IS 'UUIDv7, so ordered by creation.';
COMMENT ON COLUMN invitebridge.invitations.email IS 'Canonical: lower case, domain in ASCII.';
COMMENT ON COLUMN invitebridge.invitations.identity_id IS 'The identity in Kratos; null: unknown.';
COMMENT ON COLUMN invitebridge.invitations.baseline IS 'The state of the identity when it was invited.';
COMMENT ON COLUMN invitebridge.invitations.epoch IS 'Counts revivals. Tokens of earlier epochs are invalid.';
COMMENT ON COLUMN invitebridge.invitations.claim_until IS 'End of the lease of an acceptance in progress; null: there is none.';
COMMENT ON COLUMN invitebridge.invitations.claim_due_at IS 'When a claim that its holder did not finish is reconciled.';
COMMENT ON COLUMN invitebridge.invitations.unresolved_until IS 'How long a write with an unknown outcome may still take effect in Kratos.';
COMMENT ON COLUMN invitebridge.invitations.leftover IS 'due: the identity is to be deleted; settled: it was deleted, or is kept.';
COMMENT ON COLUMN invitebridge.invitations.check_at IS 'When the identity is checked next; null: never.';

CREATE UNIQUE INDEX invitations_pending_address ON invitebridge.invitations (email, schema_id) WHERE state = 'pending';
CREATE UNIQUE INDEX invitations_pending_identity ON invitebridge.invitations (identity_id) WHERE state = 'pending';
CREATE INDEX invitations_state ON invitebridge.invitations (state, id);
CREATE INDEX invitations_email ON invitebridge.invitations (email, id);
CREATE INDEX invitations_identity ON invitebridge.invitations (identity_id, id) WHERE identity_id IS NOT NULL;
CREATE INDEX invitations_inviter ON invitebridge.invitations (inviter_id, id) WHERE inviter_id <> '';
CREATE INDEX invitations_inviter_state ON invitebridge.invitations (inviter_id, state, id) WHERE inviter_id <> '';
CREATE INDEX invitations_expiring ON invitebridge.invitations (expires_at, id) WHERE state = 'pending' AND claim_until IS NULL;
CREATE INDEX invitations_claims ON invitebridge.invitations (claim_due_at, id) WHERE state = 'pending' AND claim_until IS NOT NULL;
CREATE INDEX invitations_checks ON invitebridge.invitations (check_at, id) WHERE check_at IS NOT NULL AND claim_until IS NULL;
CREATE INDEX invitations_terminal ON invitebridge.invitations (updated_at, id) WHERE state <> 'pending' AND leftover <> 'due';

CREATE TABLE invitebridge.tokens (
    digest        bytea PRIMARY KEY CHECK (length(digest) = 32),
    invitation_id uuid NOT NULL REFERENCES invitebridge.invitations ON DELETE CASCADE,
    channel       text COLLATE "C" NOT NULL,
    epoch         bigint NOT NULL
);
COMMENT ON TABLE invitebridge.tokens IS 'Digests of tokens. No token can be computed from them.';
COMMENT ON COLUMN invitebridge.tokens.digest IS 'SHA-256 of the text of the token.';
COMMENT ON COLUMN invitebridge.tokens.channel IS 'How the token left the bridge.';
COMMENT ON COLUMN invitebridge.tokens.epoch IS 'The epoch of the invitation when the token was minted.';
CREATE INDEX tokens_invitation ON invitebridge.tokens (invitation_id);

CREATE TABLE invitebridge.messages (
    id            uuid PRIMARY KEY,
    endpoint      text COLLATE "C" NOT NULL,
    invitation_id uuid NOT NULL REFERENCES invitebridge.invitations ON DELETE CASCADE,
    state         text COLLATE "C" NOT NULL CHECK (state IN ('queued', 'sent', 'failed', 'dropped')),
    payload       json NOT NULL,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    due_at        timestamptz NOT NULL,
    since         timestamptz NOT NULL,
    tries         bigint NOT NULL,
    claim_until   timestamptz,
    claim_id      uuid,
    next_at       timestamptz GENERATED ALWAYS AS (coalesce(claim_until, due_at)) STORED,
    CONSTRAINT claim_has_a_lease CHECK (claim_until IS NOT NULL OR claim_id IS NULL)
) WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);
COMMENT ON TABLE invitebridge.messages IS 'The outbox: events for endpoints, kept until their invitation is purged.';
COMMENT ON COLUMN invitebridge.messages.payload IS 'The event as it was when it happened. It contains no token.';
COMMENT ON COLUMN invitebridge.messages.since IS 'Start of the schedule of attempts.';
COMMENT ON COLUMN invitebridge.messages.tries IS 'Attempts begun since then.';
COMMENT ON COLUMN invitebridge.messages.claim_until IS 'Until when a worker may attempt the delivery; null: no worker has claimed it.';
COMMENT ON COLUMN invitebridge.messages.next_at IS 'When the message next needs a worker.';
CREATE INDEX messages_queue ON invitebridge.messages (endpoint, next_at, id) WHERE state = 'queued';
CREATE INDEX messages_state ON invitebridge.messages (state, id);
CREATE INDEX messages_invitation ON invitebridge.messages (invitation_id, id);

CREATE TABLE invitebridge.attempts (
    message_id uuid NOT NULL REFERENCES invitebridge.messages ON DELETE CASCADE,
    number     integer NOT NULL,
    at         timestamptz NOT NULL,
    took_ns    bigint NOT NULL,
    outcome    text COLLATE "C" NOT NULL,
    status     bigint NOT NULL,
    detail     text COLLATE "C" NOT NULL,
    PRIMARY KEY (message_id, number)
);
COMMENT ON TABLE invitebridge.attempts IS 'Finished attempts to deliver a message: the latest ones.';
COMMENT ON COLUMN invitebridge.attempts.number IS 'Their order, from 0.';
COMMENT ON COLUMN invitebridge.attempts.status IS 'HTTP status or SMTP reply code; 0: none.';

CREATE TABLE invitebridge.outcomes (
    key  uuid PRIMARY KEY,
    dead boolean NOT NULL DEFAULT false,
    at   timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000);
COMMENT ON TABLE invitebridge.outcomes IS 'Each transaction that writes adds a row. It proves whether a commit whose response was lost took effect. Rows older than a day are deleted.';
COMMENT ON COLUMN invitebridge.outcomes.dead IS 'True: the transaction of this key was not committed and never will be.';
CREATE INDEX outcomes_at ON invitebridge.outcomes (at);

CREATE TABLE invitebridge.counters (
    slot    smallint PRIMARY KEY CHECK (slot BETWEEN 0 AND 63),
    pending bigint NOT NULL DEFAULT 0,
    queued  bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
COMMENT ON TABLE invitebridge.counters IS 'The sums over all rows are the numbers of pending invitations and queued messages. A transaction changes the row of its backend, so that few wait for each other. A single value may be negative.';
INSERT INTO invitebridge.counters (slot) SELECT generate_series(0, 63);

CREATE TABLE invitebridge.endpoints (
    id          text COLLATE "C" NOT NULL,
    settings    bytea NOT NULL CHECK (length(settings) = 32),
    disabled_at timestamptz NOT NULL,
    PRIMARY KEY (id, settings)
);
COMMENT ON TABLE invitebridge.endpoints IS 'Endpoints that their receivers have disabled. Who has the endpoint with other settings may try again.';
COMMENT ON COLUMN invitebridge.endpoints.settings IS 'SHA-256 of the configuration of the endpoint; all zero: disabled_at is when the endpoint was last enabled.';

CREATE TABLE invitebridge.leases (
    name    bytea PRIMARY KEY CHECK (length(name) = 32),
    holder  uuid NOT NULL,
    until   timestamptz NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
COMMENT ON TABLE invitebridge.leases IS 'Which process is inviting an address or writing to an identity. Rows whose holder has ended are deleted after a day.';
COMMENT ON COLUMN invitebridge.leases.name IS 'SHA-256 of what the lease is for.';
CREATE INDEX leases_until ON invitebridge.leases (until);

CREATE TABLE invitebridge.copies (
    single         boolean PRIMARY KEY DEFAULT true CHECK (single),
    source         uuid NOT NULL,
    source_version bigint NOT NULL,
    last_id        uuid,
    invitations    bigint NOT NULL DEFAULT 0,
    began_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    verified_at    timestamptz,
    finished_at    timestamptz
);
COMMENT ON TABLE invitebridge.copies IS 'One row if the content comes from another store. Until that copy is finished, no program uses this schema.';
COMMENT ON COLUMN invitebridge.copies.source IS 'The instance id of the other store.';
COMMENT ON COLUMN invitebridge.copies.source_version IS 'Its version when the copy began. With another one, the copy begins again.';
COMMENT ON COLUMN invitebridge.copies.last_id IS 'The last invitation that was copied, in the order of ids.';
COMMENT ON COLUMN invitebridge.copies.invitations IS 'How many were copied.';

-- These fail rather than return a result, so that they can be sent together with the
-- COMMIT that must not take effect without the lease.

-- +goose StatementBegin
CREATE FUNCTION invitebridge.check_lease(wanted bytea, who uuid, at timestamptz) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM invitebridge.leases l WHERE l.name = wanted AND l.holder = who AND l.until > at FOR NO KEY UPDATE;
    IF NOT FOUND THEN RAISE EXCEPTION 'the lease ended before' USING ERRCODE = 'IB001'; END IF;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION invitebridge.end_lease(ended bytea, who uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM invitebridge.leases l WHERE l.name = ended AND l.holder = who;
    IF NOT FOUND THEN RAISE EXCEPTION 'the lease ended before' USING ERRCODE = 'IB001'; END IF;
END $$;
-- +goose StatementEnd
