package kratos

import (
	"context"
	"net/http"
	"net/url"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

// Write sends one write, as one request, to an identity that was read before.
// It does not read and does not decide; see [bridge.Identities]. It returns the
// identity only for writes that Kratos gets as a PATCH.
//
// Kratos has no conditional write, and each of its writes replaces the whole
// identity. A change made by another client in the milliseconds between the
// read and the write is overwritten, unless Kratos notices and answers 409.
//
// Errors before anything is sent: bridge.OutcomeInvalid for a password that is
// empty, longer than 72 bytes or not UTF-8; bridge.OutcomeRejected for a mark
// that cannot be added to the admin metadata, and for an address to verify that
// is not among the verifiable addresses.
func (c *Client) Write(ctx context.Context, i bridge.Identity, w bridge.Write) (after bridge.Identity, err error) {
	k, ctx, cancel := c.begin(ctx, w.Name(), secretsOf(w)...)
	defer cancel()
	switch w := w.(type) {
	case bridge.WriteMark:
		return k.mark(ctx, i, w.Mark)
	case bridge.WriteVerified:
		return k.verify(ctx, i, w.At)
	case bridge.WriteActive:
		if err := k.checkAcceptance(w.Mark); err != nil {
			return after, err
		}
		return after, k.put(ctx, i, stateActive, w.Mark, w.Password)
	case bridge.WriteActiveOnly:
		if err := k.checkAcceptance(w.Mark); err != nil {
			return after, err
		}
		return k.activate(ctx, i, w)
	case bridge.WritePassword:
		return after, k.put(ctx, i, stateInactive, i.Mark, w.Password)
	case bridge.EndSessions:
		return after, k.remove(ctx, i, "/sessions", messageNotFound)
	case bridge.RemoveCredential:
		path := "/credentials/" + url.PathEscape(w.Type)
		if w.Identifier != "" {
			path += "?" + url.Values{"identifier": {w.Identifier}}.Encode()
		}
		return after, k.remove(ctx, i, path, messageNotFound, messageNoCredential)
	case bridge.DeleteIdentity:
		return after, k.remove(ctx, i, "", messageNotFound)
	}
	return after, k.rejected("unknown write")
}

// checkAcceptance rejects a mark that does not prove an acceptance.
func (k call) checkAcceptance(mark bridge.Mark) error {
	if mark.InvitationID == uuid.Nil || mark.AcceptedAt.IsZero() {
		return k.rejected("an activation must name its invitation and its time")
	}
	return nil
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

// replaceOrPatch sends a write whose response is the identity.
func (k call) replaceOrPatch(ctx context.Context, i bridge.Identity, send request) (bridge.Identity, error) {
	got, err := k.write(ctx, send)
	if err != nil {
		return bridge.Identity{}, k.classify(err, map[int]error{
			http.StatusNotFound: bridge.ErrIdentityNotFound,
			http.StatusConflict: bridge.ErrIdentityRace,
		})
	}
	written, err := k.client.parseRecord(ctx, got.body, credentialTypes)
	if err != nil || written.ID != i.ID {
		return bridge.Identity{}, k.fail(bridge.OutcomeUnknown, got.status, textMalformedBody, err)
	}
	return written, nil
}

// hasMark reports whether an identity has this mark; zero: none.
func hasMark(i bridge.Identity, mark bridge.Mark) bool {
	return i.Mark.InvitationID == mark.InvitationID && i.Mark.AcceptedAt.IsZero() == mark.AcceptedAt.IsZero()
}

// remove deletes the identity or something that belongs to it. A 404 with one
// of these messages is not an error: the next read shows whether the identity
// exists.
func (k call) remove(ctx context.Context, i bridge.Identity, below string, missing ...string) error {
	a, err := k.write(ctx, k.client.send(http.MethodDelete, "/admin/identities/"+i.ID.String()+below))
	switch {
	case isNotFound(err, missing...):
		return nil
	case err == nil && a.status != http.StatusNoContent: // such as a server that answers 200 to everything
		return k.fail(bridge.OutcomeUnknown, a.status, textMalformedBody, nil)
	}
	return k.classify(err, map[int]error{http.StatusConflict: bridge.ErrIdentityRace})
}
