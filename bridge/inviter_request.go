package bridge

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// SessionInvite returns the request of an inviter with a session, from the body of an
// invite. It has what the inviter may set, and what the rules add.
//
// Errors: ErrBadRequest, ErrExpiresInInvalid; ErrNoInviter if the body has something else,
// or the inviter lacks what is to be copied.
func (s *Service) SessionInvite(i Inviter, body json.RawMessage) (InviteRequest, error) {
	r, err := s.config.ParseInvite(nil, body)
	if err != nil {
		return r, err
	}
	rules := s.config.Inviters
	if r.Email == "" && r.IdentityID == uuid.Nil {
		return r, ErrBadRequest.WithReasonf("Send the address that you invite as email.")
	}
	if fields := beyond(rules.May, "", body); len(fields) > 0 {
		slices.Sort(fields)
		fields = fields[:min(len(fields), maxNamed)]
		return r, ErrNoInviter.WithReasonf("Your invitations may not set these fields: %s.", strings.Join(fields, ", ")).WithDetails("fields", fields)
	}
	for _, to := range slices.Sorted(maps.Keys(rules.Copy)) {
		if err := r.copyFrom(i, to, rules.Copy[to]); err != nil {
			return r, err
		}
	}
	r.InviterID, r.InviterName = i.ID.String(), i.name(rules.NameTrait)
	r.CreatedBy, r.NoToken, r.OnlyOwn, r.Spaced, r.MaxPending = BySession(i.ID), true, true, true, rules.MaxPending
	return r, nil
}

// maxNamed bounds the fields that an error names.
const maxNamed = 20

// beyond returns the paths in an object at a path that may does not cover. Of those with
// objects, may can cover a part.
func beyond(may []string, at string, object json.RawMessage) (fields []string) {
	var members map[string]json.RawMessage
	if json.Unmarshal(object, &members) != nil {
		return []string{strings.TrimSuffix(at, ".")}
	}
	for name, value := range members {
		path := at + name
		switch {
		case strings.Contains(name, "."): // which is no path
			fields = append(fields, path)
		case slices.Contains(may, path):
		case isSet(value) && slices.ContainsFunc(may, func(m string) bool { return strings.HasPrefix(m, path+".") }):
			fields = append(fields, beyond(may, path+".", value)...)
		default:
			fields = append(fields, path)
		}
	}
	return fields
}

// copyFrom sets a path inside the metadata to a value of the inviter.
func (r *InviteRequest) copyFrom(i Inviter, to, from string) error {
	value := i.at(from)
	if !isSet(value) {
		return ErrNoInviter.WithReasonf("Your account has no %s, which is copied into your invitations. Ask an administrator to set it.", from)
	}
	field, below, _ := strings.Cut(to, ".")
	into := map[string]*json.RawMessage{"metadata_public": &r.MetadataPublic, "metadata_admin": &r.MetadataAdmin}[field]
	changed, err := setMember(field, *into, strings.Split(below, "."), func(json.RawMessage) (json.RawMessage, error) { return value, nil })
	*into = changed
	return err
}

// SessionResend is Resend for an inviter with a session, at most once per cooldown of the
// address. An expired invitation is revived only if it is the newest of the address: the
// cooldown is that of the newest.
//
// Errors: those of Resend; ErrTooManyRequests; ErrTooManyPending.
func (s *Service) SessionResend(ctx context.Context, inv Invitation) (IssuedInvitation, error) {
	p := ResendParams{MaxPending: s.config.Inviters.MaxPending, NoToken: true, spaced: true}
	return s.resendIf(ctx, inv.ID, p, func() error {
		if inv.State == StateExpired {
			if newest, err := s.newestOf(ctx, inv.Email); err != nil || newest.ID != inv.ID {
				return errors.Join(err, ErrIdentityConflict.WithReasonf("A newer invitation of this email address exists. Resend that one instead."))
			}
		}
		return s.checkEmailCooldown(ctx, inv.CreatedBy, inv.Email)
	})
}

// checkEmailCooldown returns ErrTooManyRequests within the cooldown of the latest email to
// an address; if that is of an invitation by another creator, ErrIdentityConflict, which
// says less. The caller must hold the lock of the address.
func (s *Service) checkEmailCooldown(ctx context.Context, by Creator, email string) error {
	var last Invitation
	err := s.view(ctx, func(tx Tx) (err error) {
		last, err = lastNotified(tx, email)
		return err
	})
	if err == nil && last.CreatedBy != by && !s.cooldownOver(last.notifiedAt(), s.now()) {
		return ErrIdentityConflict.WithReasonf("The address was invited by another creator a moment ago.").WithRetryAfter(s.config.Cooldown)
	}
	return errors.Join(err, s.checkCooldown(last, s.now()))
}

// checkCooldown returns ErrTooManyRequests within the cooldown of an invitation.
func (s *Service) checkCooldown(inv Invitation, now time.Time) error {
	notified := inv.notifiedAt()
	if s.cooldownOver(notified, now) {
		return nil
	}
	wait := min(notified.Add(s.config.Cooldown).Sub(now), s.config.Cooldown)
	return ErrTooManyRequests.WithReasonf("This address was invited a moment ago. Wait, then try again.").WithRetryAfter(wait)
}
