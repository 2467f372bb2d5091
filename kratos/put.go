package kratos

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"time"

	ory "github.com/ory/client-go"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

// put sends the one write. lost says that somebody else was faster, and that
// nothing was changed.
func (k call) put(ctx context.Context, id uuid.UUID, a bridge.Activation, body ory.UpdateIdentityBody) (lost bool, err error) {
	got, err := k.write(ctx, func(ctx context.Context) (*http.Response, error) {
		_, res, err := k.client.api.UpdateIdentity(ctx, id.String()).UpdateIdentityBody(body).Execute()
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
	if err != nil || written.ID != id || !written.Active || written.Mark.InvitationID != a.InvitationID {
		return false, k.fail(bridge.OutcomeUnknown, got.status, textOddBody, err)
	}
	return false, nil
}

// activation is the whole identity anew, for a PUT erases what it leaves out.
// external_id is sent only where there is one: v1.3.1 does not know it.
func (k call) activation(r record, a bridge.Activation) (ory.UpdateIdentityBody, error) {
	var none ory.UpdateIdentityBody
	traits, err := asValues(r.Traits)
	if err != nil {
		return none, k.refuse("the identity's traits are not an object")
	}
	admin, err := putMark(r.MetadataAdmin, bridge.Mark{InvitationID: a.InvitationID, AcceptedAt: a.AcceptedAt})
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
		Config: &ory.IdentityWithCredentialsPasswordConfig{Password: &a.Password},
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
