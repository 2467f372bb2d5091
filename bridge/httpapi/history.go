package httpapi

import (
	"net/http"

	"invitebridge/bridge"
)

// history lists what happened to an invitation.
func (a *API) history(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	p, err := parsePage(r)
	if err != nil {
		return err
	}
	page, next, err := a.service.History(r.Context(), keyOf(r).onlyOwn(ScopeRead, ScopeManage), bridge.HistoryQuery{
		InvitationID: id, Before: p.before, Limit: p.size,
	})
	if err != nil {
		return err
	}
	writePage(w, r, p, page, next, func(e bridge.HistoryEntry) bridge.HistoryEntry { return e })
	return nil
}

// actingAs returns a request whose changes of invitations are recorded as those of an
// actor.
func actingAs(r *http.Request, by bridge.Actor) *http.Request {
	return r.WithContext(bridge.WithActor(r.Context(), by, requestID(r)))
}

// asInvitee is for the routes of invitees: anyone who has the token acts as one.
func asInvitee(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, actingAs(r, bridge.Actor{Kind: bridge.ActorInvitee}))
	})
}
