package bridge

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/google/uuid"
)

// checkImport validates the settings of an import. The defaults must make a valid invite
// together with an address.
func (s *Service) checkImport(ctx context.Context, r ImportRequest) error {
	switch {
	case r.WaveSize < 0 || r.WaveSize > maxWaveSize:
		return ErrBadRequest.WithReasonf("wave_size must be between 1 and %d.", maxWaveSize)
	case (r.WaveSize == 0) != (r.WaveEvery == 0):
		return ErrBadRequest.WithReasonf("Send both wave_size and wave_every, or neither.")
	case r.WaveSize > 0 && (r.WaveEvery < minWaveEvery || r.WaveEvery > maxWaveEvery):
		return ErrBadRequest.WithReasonf("wave_every must be a duration such as \"24h\" between %s and %s.", durationText(minWaveEvery), durationText(maxWaveEvery))
	}
	for _, state := range r.Reinvite {
		if state != StateRevoked && state != StateExpired {
			return ErrBadRequest.WithReasonf("reinvite must list revoked, expired, or both.")
		}
	}
	invite, err := s.config.ParseInvite(r.Defaults, json.RawMessage(`{"email":"defaults@example.com"}`))
	if err == nil && r.Allow != nil {
		err = r.Allow(invite)
	}
	if err == nil {
		_, err = s.check(invite)
	}
	if err == nil && invite.SchemaID != "" {
		err = s.checkSchema(ctx, invite.SchemaID)
	}
	return err
}

// checkSchema returns an error if no row could be invited under a schema. If the identity
// system does not respond, that is unknown, and rows wait until it does.
//
// Errors: ErrBadRequest.
func (s *Service) checkSchema(ctx context.Context, id string) error {
	_, err := s.identities.PasswordTraits(ctx, id) // reads the schema, also if the email trait is configured
	if err == nil {
		_, err = s.identities.EmailTrait(ctx, id)
	}
	var e *IdentityError
	if errors.As(err, &e) && e.Outcome == OutcomeInvalid {
		return ErrBadRequest.WithReasonf("schema_id: %s", sentence(e.Reason)).WithCause(err)
	}
	return nil
}

// newRow validates a row as far as the store and the identity system are not needed.
func (s *Service) newRow(i Import, allow func(InviteRequest) error, index int, file FileRow) ImportRow {
	row := ImportRow{Index: index, Line: file.Line, Body: file.Body}
	if len(file.Body) > maxRowBytes {
		row.Body = json.RawMessage("{}")
		return row.fail(ErrBodyTooLarge.WithReasonf("The row is longer than %d bytes, and is not kept.", maxRowBytes))
	}
	if file.Err != nil {
		return row.fail(file.Err)
	}
	invite, err := s.config.ParseInvite(i.Defaults, file.Body)
	if err == nil && allow != nil {
		err = allow(invite)
	}
	if err == nil {
		invite, err = s.check(invite)
	}
	if err == nil {
		row.Key, err = s.rowKey(invite)
	}
	if err != nil {
		row.Key = ""
		row = row.fail(err)
	}
	return row
}

// rowKey returns the key of a row: at most one pending invitation can have it.
func (s *Service) rowKey(r InviteRequest) (string, error) {
	if r.IdentityID != uuid.Nil {
		return "identity\n" + r.IdentityID.String(), nil
	}
	email, err := ParseEmail(r.Email, s.config.ToASCII)
	schema := r.SchemaID
	if schema == "" {
		schema = s.config.SchemaID
	}
	return email + "\n" + schema, err
}
