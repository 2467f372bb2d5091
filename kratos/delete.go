package kratos

import (
	"context"
	"errors"
	"net/http"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

// Delete removes an identity that the bridge made for this invitation and
// nobody ever activated. It reads first: what does not bear the invitation's
// mark, is or was active, or has credentials stays. Whoever signs up between the read and the write, some milliseconds, is lost;
// Kratos has no conditional delete. See [bridge.Identities].
func (c *Client) Delete(ctx context.Context, id, invitationID uuid.UUID) error {
	k, ctx, cancel := c.begin(ctx, "delete")
	defer cancel()
	r, err := k.get(ctx, id)
	if errors.Is(err, bridge.ErrIdentityNotFound) {
		return nil
	} else if err != nil {
		return k.untouched(err)
	}
	if r.Active || r.HasCredentials || r.Mark != (bridge.Mark{InvitationID: invitationID}) || invitationID == uuid.Nil {
		return nil
	}
	_, err = k.write(ctx, func(ctx context.Context) (*http.Response, error) {
		return c.api.DeleteIdentity(ctx, id.String()).Execute()
	})
	err = k.judge(err, map[int]error{http.StatusNotFound: bridge.ErrIdentityNotFound})
	if errors.Is(err, bridge.ErrIdentityNotFound) {
		return nil
	}
	return err
}
