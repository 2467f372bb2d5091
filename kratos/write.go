package kratos

import (
	"context"
	"net/http"
	"net/url"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

// Write sends one write, as one request, to an identity that was read before. It
// does not read and does not judge; see [bridge.Identities].
//
// Kratos has no conditional write, and each of its writes puts back the whole
// identity. A change that somebody else makes between the read and the write,
// some milliseconds, is overwritten, unless Kratos notices and answers 409.
//
// A password that is empty, of more than 72 bytes or not UTF-8 is
// bridge.OutcomeInvalid. A mark that the admin metadata have no room for, and an
// address to verify that is not among the verifiable ones, are
// bridge.OutcomeRefused. Of these none is sent.
func (c *Client) Write(ctx context.Context, i bridge.Identity, w bridge.Write) error {
	k, ctx, cancel := c.begin(ctx, w.Name(), secretsOf(w)...)
	defer cancel()
	switch w := w.(type) {
	case bridge.WriteMark:
		return k.mark(ctx, i, w.Mark)
	case bridge.WriteVerified:
		return k.verify(ctx, i, w.At)
	case bridge.WriteActive:
		if w.Mark.InvitationID == uuid.Nil || w.Mark.AcceptedAt.IsZero() {
			return k.refuse("an activation must name its invitation and its time")
		}
		return k.put(ctx, i, stateActive, w.Mark, w.Password)
	case bridge.WritePassword:
		return k.put(ctx, i, stateInactive, i.Mark, w.Password)
	case bridge.EndSessions:
		return k.remove(ctx, i, "/sessions", messageNotFound)
	case bridge.RemoveCredential:
		path := "/credentials/" + url.PathEscape(w.Type)
		if w.Identifier != "" {
			path += "?" + url.Values{"identifier": {w.Identifier}}.Encode()
		}
		return k.remove(ctx, i, path, messageNotFound, messageNoCredential)
	case bridge.DeleteIdentity:
		return k.remove(ctx, i, "", messageNotFound)
	}
	return k.refuse("there is no such write")
}

func secretsOf(w bridge.Write) []string {
	switch w := w.(type) {
	case bridge.WriteActive:
		return []string{w.Password}
	case bridge.WritePassword:
		return []string{w.Password}
	}
	return nil
}

// change sends a write whose answer is the identity.
func (k call) change(ctx context.Context, i bridge.Identity, send request) (bridge.Identity, error) {
	got, err := k.write(ctx, send)
	if err != nil {
		return bridge.Identity{}, k.judge(err, map[int]error{
			http.StatusNotFound: bridge.ErrIdentityNotFound,
			http.StatusConflict: bridge.ErrIdentityRace,
		})
	}
	written, err := k.client.parseRecord(ctx, got.body, types)
	if err != nil || written.ID != i.ID {
		return bridge.Identity{}, k.fail(bridge.OutcomeUnknown, got.status, textOddBody, err)
	}
	return written, nil
}

// carries says whether an identity has a mark, which is zero for none.
func carries(i bridge.Identity, mark bridge.Mark) bool {
	return i.Mark.InvitationID == mark.InvitationID && i.Mark.AcceptedAt.IsZero() == mark.AcceptedAt.IsZero()
}

// remove deletes the identity, or something that belongs to it. A 404 with one of
// these messages is no error: the next read says whether the identity exists.
func (k call) remove(ctx context.Context, i bridge.Identity, below string, missing ...string) error {
	a, err := k.write(ctx, k.client.send(http.MethodDelete, "/admin/identities/"+i.ID.String()+below))
	switch {
	case says404(err, missing...):
		return nil
	case err == nil && a.status != http.StatusNoContent: // as a server that answers 200 to everything
		return k.fail(bridge.OutcomeUnknown, a.status, textOddBody, nil)
	}
	return k.judge(err, map[int]error{http.StatusConflict: bridge.ErrIdentityRace})
}
