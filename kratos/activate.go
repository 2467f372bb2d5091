package kratos

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"time"
	"unicode/utf8"

	ory "github.com/ory/client-go"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

const (
	// activateRounds bounds how often a lost race is run again. Kratos since
	// v25.4 answers 409 to most of those who write one identity at once.
	activateRounds = 5
	activatePause  = 40 * time.Millisecond // the longest before the first repetition; doubles
)

// Activate compares and activates: it reads the identity, judges, and writes
// password, state and mark in one PUT that sends back everything else. See
// [bridge.Identities].
//
// Kratos has no conditional write. Whoever changes the identity between the
// read and the PUT, some milliseconds, is overwritten, unless Kratos notices
// and answers 409: then everything begins anew.
//
// A password that is empty, of more than 72 bytes or not UTF-8 is
// bridge.OutcomeInvalid and is not sent. An identity whose admin metadata has
// no room for the mark is bridge.OutcomeRefused.
func (c *Client) Activate(ctx context.Context, id uuid.UUID, a bridge.Activation) error {
	k, ctx, cancel := c.begin(ctx, "activate", a.Password)
	defer cancel()
	if err := k.check(a); err != nil {
		return err
	}
	for round := range activateRounds {
		if round > 0 && !pause(ctx, activatePause<<(round-1)) {
			break
		}
		r, err := k.get(ctx, id)
		if err != nil {
			return k.untouched(err)
		}
		ours := r.Mark.InvitationID == a.InvitationID && !r.Mark.AcceptedAt.IsZero()
		if r.Active && !ours {
			return bridge.ErrIdentityIsActive
		}
		lost, err := k.put(ctx, r, a)
		if !lost {
			return err
		}
	}
	return k.fail(bridge.OutcomeNotDone, http.StatusConflict, "somebody else kept changing the identity", ctx.Err())
}

func (k call) check(a bridge.Activation) error {
	switch {
	case a.InvitationID == uuid.Nil || a.AcceptedAt.IsZero():
		return k.refuse("an activation must name its invitation and its time")
	case a.Password == "":
		return k.invalid("the password is empty")
	case len(a.Password) > bridge.MaxPasswordLength:
		return k.invalid("the password has more than %d bytes", bridge.MaxPasswordLength) // Kratos answers 500
	case !utf8.ValidString(a.Password):
		return k.invalid("the password is not valid UTF-8") // JSON would change it
	}
	return nil
}

// put sends the one write. lost says that somebody else was faster, and that
// nothing was changed.
func (k call) put(ctx context.Context, r record, a bridge.Activation) (lost bool, err error) {
	mark := bridge.Mark{InvitationID: a.InvitationID, AcceptedAt: a.AcceptedAt}
	body, err := k.activation(r, mark, a.Password)
	if err != nil {
		return false, err
	}
	got, err := k.write(ctx, func(ctx context.Context) (*http.Response, error) {
		_, res, err := k.client.api.UpdateIdentity(ctx, r.ID.String()).UpdateIdentityBody(body).Execute()
		return res, err
	})
	if err != nil {
		err = k.judge(err, map[int]error{
			http.StatusNotFound: bridge.ErrIdentityNotFound,
			http.StatusConflict: errLostRace,
		})
		return errors.Is(err, errLostRace), err
	}
	written, err := k.client.parseRecord(got.body)
	if err != nil || written.ID != r.ID || !written.Active || written.Mark.InvitationID != mark.InvitationID {
		return false, k.fail(bridge.OutcomeUnknown, got.status, textOddBody, err)
	}
	return false, nil
}

// activation is the whole identity anew, for a PUT erases what it leaves out.
// external_id is sent only where there is one: v1.3.1 does not know it.
func (k call) activation(r record, mark bridge.Mark, password string) (ory.UpdateIdentityBody, error) {
	var none ory.UpdateIdentityBody
	traits, err := asValues(r.Traits)
	if err != nil {
		return none, k.refuse("the identity's traits are not an object")
	}
	admin, err := putMark(r.MetadataAdmin, mark)
	if err != nil {
		return none, k.refuse("%v", err)
	}
	body := *ory.NewUpdateIdentityBody(r.SchemaID, stateActive, traits)
	body.MetadataAdmin = admin
	if r.MetadataPublic != nil {
		body.MetadataPublic = r.MetadataPublic
	}
	if r.externalID != "" {
		body.ExternalId = &r.externalID
	}
	body.Credentials = &ory.IdentityWithCredentials{Password: &ory.IdentityWithCredentialsPassword{
		Config: &ory.IdentityWithCredentialsPasswordConfig{Password: &password},
	}}
	return body, nil
}

// pause waits for a random part of most, so that those who lost a race do not
// meet again. It says whether there is still time.
func pause(ctx context.Context, most time.Duration) bool {
	timer := time.NewTimer(rand.N(most)) //nolint:gosec // spread, not secrecy
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
