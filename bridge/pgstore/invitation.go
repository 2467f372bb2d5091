package pgstore

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
	"unicode/utf8"

	"invitebridge/bridge"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"
)

// invitationRow is an invitation as the table has it.
type invitationRow struct {
	bridge.Invitation
	claimed bool
	claim   bridge.Claim // zero: not claimed
}

var invitations = table[invitationRow]{"invitations", []column[invitationRow]{
	{"id", func(r *invitationRow) any { return (*id)(&r.ID) }},
	{"state", func(r *invitationRow) any { return (*text)(&r.State) }},
	{"email", func(r *invitationRow) any { return (*text)(&r.Email) }},
	{"identity_id", func(r *invitationRow) any { return (*optionalID)(&r.IdentityID) }},
	{"origin", func(r *invitationRow) any { return (*text)(&r.Origin) }},
	{"baseline", func(r *invitationRow) any { return &document{&r.Baseline, r.Baseline == nil} }},
	{"identifiers", func(r *invitationRow) any { return (*texts)(&r.Identifiers) }},
	{"addresses", func(r *invitationRow) any { return (*texts)(&r.Addresses) }},
	{"schema_id", func(r *invitationRow) any { return (*text)(&r.SchemaID) }},
	{"inviter_id", func(r *invitationRow) any { return (*text)(&r.InviterID) }},
	{"inviter_name", func(r *invitationRow) any { return (*text)(&r.InviterName) }},
	{"inviter_email", func(r *invitationRow) any { return (*text)(&r.InviterEmail) }},
	{"locale", func(r *invitationRow) any { return (*text)(&r.Locale) }},
	{"time_zone", func(r *invitationRow) any { return (*text)(&r.TimeZone) }},
	{"return_to", func(r *invitationRow) any { return (*text)(&r.ReturnTo) }},
	{"traits", func(r *invitationRow) any { return &document{&r.Traits, len(r.Traits) == 0} }},
	{"lifespan_ns", func(r *invitationRow) any { return (*int64)(&r.Lifespan) }},
	{"delivery", func(r *invitationRow) any { return (*text)(&r.Delivery) }},
	{"epoch", func(r *invitationRow) any { return &r.Epoch }},
	{"created_at", func(r *invitationRow) any { return (*moment)(&r.CreatedAt) }},
	{"updated_at", func(r *invitationRow) any { return (*moment)(&r.UpdatedAt) }},
	{"expires_at", func(r *invitationRow) any { return (*moment)(&r.ExpiresAt) }},
	{"accepted_at", func(r *invitationRow) any { return (*optionalTime)(&r.AcceptedAt) }},
	{"revoked_at", func(r *invitationRow) any { return (*optionalTime)(&r.RevokedAt) }},
	{"reason", func(r *invitationRow) any { return (*text)(&r.Reason) }},
	{"invitee_notified_at", func(r *invitationRow) any { return (*optionalTime)(&r.InviteeNotifiedAt) }},
	{"hooks_notified_at", func(r *invitationRow) any { return (*optionalTime)(&r.HooksNotifiedAt) }},
	{"sent_at", func(r *invitationRow) any { return (*optionalTime)(&r.SentAt) }},
	{"send_count", func(r *invitationRow) any { return &r.SendCount }},
	{"claim_until", func(r *invitationRow) any { return &lease{&r.claim.Until, &r.claimed} }},
	{"claim_id", func(r *invitationRow) any { return (*optionalID)(&r.claim.ID) }},
	{"claim_unresolved_since", func(r *invitationRow) any { return (*optionalTime)(&r.claim.UnresolvedSince) }},
	{"claim_check_at", func(r *invitationRow) any { return (*optionalTime)(&r.claim.CheckAt) }},
	{"claim_checks", func(r *invitationRow) any { return &r.claim.Checks }},
	{"revoke_requested_at", func(r *invitationRow) any { return (*optionalTime)(&r.RevokeRequestedAt) }},
	{"unresolved_until", func(r *invitationRow) any { return (*optionalTime)(&r.UnresolvedUntil) }},
	{"cleaning_began_at", func(r *invitationRow) any { return (*optionalTime)(&r.CleaningBeganAt) }},
	{"cleaned", func(r *invitationRow) any { return (*texts)(&r.Cleaned) }},
	{"leftover", func(r *invitationRow) any { return (*text)(&r.Leftover) }},
	{"check_at", func(r *invitationRow) any { return (*optionalTime)(&r.CheckAt) }},
	{"checks", func(r *invitationRow) any { return &r.Checks }},
	{"import_id", func(r *invitationRow) any { return (*optionalID)(&r.ImportID) }},
	{"reminders_ns", func(r *invitationRow) any { return (*durations)(&r.Reminders) }},
	{"remind_at", func(r *invitationRow) any { return (*optionalTime)(&r.RemindAt) }},
	{"reminder_count", func(r *invitationRow) any { return &r.ReminderCount }},
	{"created_by_kind", func(r *invitationRow) any { return (*text)(&r.CreatedBy.Kind) }},
	{"created_by_id", func(r *invitationRow) any { return (*text)(&r.CreatedBy.ID) }},
	{"method", func(r *invitationRow) any { return (*text)(&r.Method) }},
}}

// rowOf returns the row of an invitation. It rejects what the table would not give
// back unchanged, or would refuse: a refused statement ends a transaction.
func rowOf(inv bridge.Invitation) (*invitationRow, error) {
	if inv.ID == uuid.Nil {
		return nil, errors.New("pgstore: the invitation has no id")
	}
	if !slices.Contains(bridge.States(), inv.State) {
		return nil, fmt.Errorf("pgstore: %q is not a state", inv.State)
	}
	r := &invitationRow{Invitation: inv}
	if inv.Claim != nil {
		r.claimed, r.claim = true, *inv.Claim
	}
	r.Invitation = r.invitation() // the caller may change what inv refers to
	if !validTexts(invitations.args(r)) {
		return nil, fmt.Errorf("pgstore: invitation %s has a text that is not valid UTF-8", inv.ID)
	}
	return r, nil
}

// invitation returns a copy of the invitation of a row.
func (r *invitationRow) invitation() bridge.Invitation {
	inv := r.Invitation
	inv.Identifiers, inv.Addresses, inv.Cleaned = slices.Clone(inv.Identifiers), slices.Clone(inv.Addresses), slices.Clone(inv.Cleaned)
	inv.Reminders = slices.Clone(inv.Reminders)
	inv.Traits, inv.Claim = maps.Clone(inv.Traits), nil
	if inv.Baseline != nil {
		baseline := *inv.Baseline
		baseline.Credentials = slices.Clone(baseline.Credentials)
		for i, c := range baseline.Credentials {
			baseline.Credentials[i].Identifiers = slices.Clone(c.Identifiers)
		}
		inv.Baseline = &baseline
	}
	if r.claimed {
		claim := r.claim
		inv.Claim = &claim
	}
	return inv
}

func (r *invitationRow) pending() int {
	if r != nil && r.State == bridge.StatePending {
		return 1
	}
	return 0
}

// validTexts reports whether PostgreSQL accepts the texts among the values.
func validTexts(values []any) bool {
	for _, v := range values {
		switch v := v.(type) {
		case *text:
			if !utf8.ValidString(string(*v)) {
				return false
			}
		case *texts:
			if slices.ContainsFunc(*v, func(s string) bool { return !utf8.ValidString(s) }) {
				return false
			}
		case *rawJSON:
			if !v.valid() {
				return false
			}
		}
	}
	return true
}

// lease is the end of a claim; null: there is no claim.
type lease struct {
	until *time.Time
	held  *bool
}

// TimestamptzValue implements [pgtype.TimestamptzValuer].
func (l *lease) TimestamptzValue() (pgtype.Timestamptz, error) {
	return pgtype.Timestamptz{Time: *l.until, Valid: *l.held}, nil
}

// ScanTimestamptz implements [pgtype.TimestamptzScanner].
func (l *lease) ScanTimestamptz(v pgtype.Timestamptz) error {
	*l.held = v.Valid
	return (*optionalTime)(l.until).ScanTimestamptz(v)
}
