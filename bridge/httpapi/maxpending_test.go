package httpapi_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/bridge/httpapi"
	"invitebridge/kratos/kratostest"
)

// quotaKeys are two keys of one name, whose invitations are limited, and one of another.
func quotaKeys(maxPending int) []httpapi.APIKey {
	scopes := []httpapi.Scope{httpapi.ScopeInvite}
	keys := []httpapi.APIKey{keyNamed("shop", "shop-old", scopes), keyNamed("shop", "shop-new", scopes), keyNamed("backend", key, nil)}
	keys[0].MaxPending, keys[1].MaxPending = maxPending, maxPending
	return keys
}

func startQuota(t *testing.T, maxPending int) *api {
	t.Helper()
	return start(t, func(c *httpapi.Config) { c.APIKeys = quotaKeys(maxPending) })
}

func wantTooMany(t *testing.T, got answer, maxPending int) {
	t.Helper()
	if got.status != http.StatusConflict || got.errorID() != "too_many_pending" || !strings.Contains(string(got.body), fmt.Sprintf(`"details":{"max_pending":%d}`, maxPending)) {
		t.Errorf("%d %s", got.status, got.body)
	}
}

// TestMaxPending: the keys of one name have together at most so many pending invitations.
// One that ends makes room; one that is pending can be invited again.
func TestMaxPending(t *testing.T) {
	a := startQuota(t, 2)
	a.invite(object{"email": "another@example.com"}) // by another creator
	first := a.inviteAs("shop-old", "first@example.com")
	a.inviteAs("shop-new", "second@example.com")
	third := func(secret string) answer {
		return a.withKey(http.MethodPost, base, object{"email": "third@example.com"}, secret)
	}
	identities := a.Kratos.Len()
	calls := a.Kratos.Count(http.MethodPost, kratostest.RouteIdentities).Calls
	for _, secret := range []string{"shop-old", "shop-new"} {
		wantTooMany(t, third(secret), 2)
		if got := a.withKey(http.MethodPost, base, object{"email": "first@example.com"}, secret); got.status != http.StatusOK {
			t.Errorf("again: %d %s", got.status, got.body)
		}
	}
	if a.Kratos.Len() != identities || a.Kratos.Count(http.MethodPost, kratostest.RouteIdentities).Calls != calls {
		t.Errorf("%d identities, not %d", a.Kratos.Len(), identities)
	}
	if got := a.withKey(http.MethodPost, base+"/"+first.ID.String()+"/resend", nil, "shop-old"); got.status != http.StatusOK {
		t.Errorf("a resend of a pending one: %d %s", got.status, got.body)
	}
	a.withKey(http.MethodPost, base+"/"+first.ID.String()+"/revoke", nil, "shop-old")
	if got := third("shop-new"); got.status != http.StatusCreated {
		t.Errorf("after one was revoked: %d %s", got.status, got.body)
	}
	wantTooMany(t, a.withKey(http.MethodPost, base, object{"email": "fourth@example.com"}, "shop-old"), 2)
	a.handlers.SetAPIKeys(quotaKeys(3))
	a.inviteAs("shop-old", "fourth@example.com")
	a.handlers.SetAPIKeys(quotaKeys(1))
	wantTooMany(t, a.withKey(http.MethodPost, base, object{"email": "fifth@example.com"}, "shop-old"), 1)
	a.Clock.Advance(25 * time.Hour) // all have expired
	a.inviteAs("shop-old", "fifth@example.com")
}

// TestMaxPendingResent: an expired invitation that is revived counts.
func TestMaxPendingResent(t *testing.T) {
	a := startQuota(t, 1)
	first := a.inviteAs("shop-old", "first@example.com")
	resend := func(secret string) answer {
		return a.withKey(http.MethodPost, base+"/"+first.ID.String()+"/resend", nil, secret)
	}
	a.Clock.Advance(25 * time.Hour)
	if got := resend("shop-new"); got.status != http.StatusOK {
		t.Errorf("the only one: %d %s", got.status, got.body)
	}
	a.Clock.Advance(25 * time.Hour)
	a.inviteAs("shop-new", "second@example.com")
	wantTooMany(t, resend("shop-old"), 1)
	if got := resend(key); got.status != http.StatusOK { // it has no limit
		t.Errorf("by another: %d %s", got.status, got.body)
	}
}

// hookFunc is a blocking hook that agrees.
type hookFunc func()

func (f hookFunc) Ask(ctx context.Context, _ string, p bridge.Payload) error { return f.Call(ctx, p) }

func (f hookFunc) Call(context.Context, bridge.Payload) error { f(); return nil }

// TestMaxPendingHooks: a hook is not asked about an invitation that would be too many.
func TestMaxPendingHooks(t *testing.T) {
	asked := 0
	w := bridgetest.New(t, func(c *bridge.Config) { c.Hooks = hookFunc(func() { asked++ }) })
	a := startWith(t, w, func(c *httpapi.Config) { c.APIKeys = quotaKeys(1) })
	a.inviteAs("shop-old", email)
	wantTooMany(t, a.withKey(http.MethodPost, base, object{"email": "second@example.com"}, "shop-old"), 1)
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
}

// TestMaxPendingAtOnce: requests at the same time do not exceed the maximum, and leave no
// identity behind.
func TestMaxPendingAtOnce(t *testing.T) {
	const most, callers = 5, 40
	a := startQuota(t, most)
	var all sync.WaitGroup
	answers := make([]answer, callers)
	for n := range callers {
		r := request(t, http.MethodPost, a.admin+base, object{"email": fmt.Sprintf("p%d@example.com", n)}, "Authorization", "Bearer "+[]string{"shop-old", "shop-new"}[n%2])
		all.Go(func() { answers[n] = do(t, r) })
	}
	all.Wait()
	created := 0
	for _, got := range answers {
		if got.status == http.StatusCreated {
			created++
			continue
		}
		wantTooMany(t, got, most)
	}
	if created != most || a.Kratos.Len() != most || len(a.listed(key, "?state=pending")) != most {
		t.Errorf("%d created, %d identities, pending %q", created, a.Kratos.Len(), a.listed(key, "?state=pending"))
	}
}
