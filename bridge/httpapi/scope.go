package httpapi

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"invitebridge/bridge"
)

// Scope is a right of an API key.
type Scope string

// The scopes.
const (
	ScopeInvite     Scope = "invite"     // invite an address; see, resend and revoke what the key has created
	ScopeRead       Scope = "read"       // see invitations, messages, endpoints and imports
	ScopeManage     Scope = "manage"     // see and change them
	ScopeLink       Scope = "link"       // be given tokens and links: anyone who has one can open the account
	ScopeReactivate Scope = "reactivate" // invite somebody who has used the account before
	ScopeImport     Scope = "import"     // import files; see and change imports
	ScopeMetrics    Scope = "metrics"    // see the metrics
	ScopeBackup     Scope = "backup"     // be given the whole store
)

// Scopes returns every scope.
func Scopes() []Scope {
	return []Scope{ScopeInvite, ScopeRead, ScopeManage, ScopeLink, ScopeReactivate, ScopeImport, ScopeMetrics, ScopeBackup}
}

// may reports whether the key has one of the scopes. A key without any has all.
func (k APIKey) may(anyOf ...Scope) bool {
	return k.Scopes == nil || slices.ContainsFunc(anyOf, func(s Scope) bool { return slices.Contains(k.Scopes, s) })
}

// creator returns who has created what is created with the key. Both keys of one name are
// one creator.
func (k APIKey) creator() bridge.Creator { return bridge.ByKey(k.Name) }

// actor returns who changes what is changed with the key.
func (k APIKey) actor() bridge.Actor { return bridge.Actor{Kind: bridge.ActorKey, ID: k.Name} }

// onlyOwn returns the creator whose invitations alone a key without these scopes has;
// zero: it has all.
func (k APIKey) onlyOwn(all ...Scope) bridge.Creator {
	if k.may(all...) {
		return bridge.Creator{}
	}
	return bridge.Creator{Kind: bridge.CreatorKey, ID: k.Name} // not zero, even without a name
}

func (k APIKey) expired(now time.Time) bool { return !k.ExpiresAt.IsZero() && !now.Before(k.ExpiresAt) }

// forbidden returns the ErrForbidden of a key that has none of the scopes.
func forbidden(doing string, anyOf ...Scope) error {
	names := make([]string, len(anyOf))
	for i, s := range anyOf {
		names[i] = string(s)
	}
	return bridge.ErrForbidden.WithReasonf("This API key may not %s: serve.admin.api_keys gives it no scope %s.", doing, strings.Join(names, " or ")).
		WithDetails("scopes", names)
}

// checkInvite returns the ErrForbidden of an invite that needs a scope which the key
// lacks.
func (k APIKey) checkInvite(r bridge.InviteRequest) error {
	switch {
	case r.Quiet && !k.may(ScopeLink):
		return forbidden("send \"notify\": false, as the invitee would get no link", ScopeLink)
	case r.Reactivate && !k.may(ScopeReactivate):
		return forbidden("send \"reactivate\": true", ScopeReactivate)
	}
	return nil
}

type apiKeyContext struct{}

// withKey returns a request that was authenticated with a key.
func withKey(r *http.Request, k APIKey) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), apiKeyContext{}, k))
}

// keyOf returns the key of an authenticated request. Otherwise it returns one that may
// do nothing.
func keyOf(r *http.Request) APIKey {
	if k, ok := r.Context().Value(apiKeyContext{}).(APIKey); ok {
		return k
	}
	return APIKey{Scopes: []Scope{}}
}
