package httpapi_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge/httpapi"
)

// limitedKeys are two keys of one name with a limit, and one without.
func limitedKeys(requests int, window time.Duration) []httpapi.APIKey {
	limit := httpapi.RateLimit{Requests: requests, Window: window}
	keys := []httpapi.APIKey{keyNamed("shop", "shop-old", nil), keyNamed("shop", "shop-new", nil), keyNamed("crm", "crm", nil)}
	keys[0].RateLimit, keys[1].RateLimit = limit, limit
	return keys
}

func startLimited(t *testing.T, requests int, window time.Duration) *api {
	t.Helper()
	return start(t, func(c *httpapi.Config) { c.APIKeys = limitedKeys(requests, window) })
}

// post sends a request that counts, whatever becomes of it.
func (a *api) post(secret string) answer {
	a.t.Helper()
	return a.withKey(http.MethodPost, base+"/"+uuid.NewString()+"/revoke", nil, secret)
}

// wantLimited fails the test unless a request is refused for the time.
func wantLimited(t *testing.T, got answer, seconds string) {
	t.Helper()
	if got.status != http.StatusTooManyRequests || got.errorID() != "too_many_requests" || got.header.Get("Retry-After") != seconds {
		t.Errorf("Retry-After %q: %d %s", got.header.Get("Retry-After"), got.status, got.body)
	}
}

func wantAllowed(t *testing.T, got answer) {
	t.Helper()
	if got.status != http.StatusNotFound {
		t.Errorf("%d %s", got.status, got.body)
	}
}

// TestKeyLimit: the keys of one name share one allowance of requests that may change
// something. Reading is not limited, nor is another name.
func TestKeyLimit(t *testing.T) {
	a := startLimited(t, 3, time.Hour)
	wantAllowed(t, a.post("shop-old"))
	wantAllowed(t, a.post("shop-new"))
	if got := a.uploadAs("shop-old", "", "email\nada@example.com\n"); got.status != http.StatusAccepted {
		t.Errorf("an import: %d %s", got.status, got.body)
	}
	for _, secret := range []string{"shop-old", "shop-new"} {
		wantLimited(t, a.post(secret), "1200")
		wantLimited(t, a.withKey(http.MethodPost, base, object{"email": email}, secret), "1200")
		wantLimited(t, a.uploadAs(secret, "", "email\ngrace@example.com\n"), "1200")
		wantLimited(t, a.withKey(http.MethodPost, "/unknown", nil, secret), "1200")
		wantLimited(t, a.withKey(http.MethodDelete, base+"/"+uuid.NewString(), nil, secret), "1200")
		if got := a.withKey(http.MethodGet, base, nil, secret); got.status != http.StatusOK || strings.Contains(string(got.body), email) {
			t.Errorf("a list: %d %s", got.status, got.body)
		}
		if got := a.withKey(http.MethodPost, base, nil, secret+"x"); got.status != http.StatusUnauthorized {
			t.Errorf("another key: %d %s", got.status, got.body)
		}
	}
	if got := a.post("shop-old"); !strings.Contains(string(got.body), "its rate_limit in serve.admin.api_keys is 3 in 1h0m0s.") {
		t.Errorf("%s", got.body)
	}
	for range 9 {
		wantAllowed(t, a.post("crm"))
	}
	a.Clock.Advance(20 * time.Minute)
	wantAllowed(t, a.post("shop-new"))
	wantLimited(t, a.post("shop-old"), "1200")
}

// TestKeyLimitReloaded: another limit holds with the next request; what was used of the
// allowance stays used.
func TestKeyLimitReloaded(t *testing.T) {
	a := startLimited(t, 2, time.Hour)
	wantAllowed(t, a.post("shop-old"))
	a.handlers.SetAPIKeys(limitedKeys(2, time.Hour)) // as after a change elsewhere
	wantAllowed(t, a.post("shop-old"))
	wantLimited(t, a.post("shop-old"), "1800")

	a.handlers.SetAPIKeys(limitedKeys(60, time.Hour))
	wantLimited(t, a.post("shop-old"), "60")
	a.Clock.Advance(2 * time.Minute)
	wantAllowed(t, a.post("shop-old"))
	wantAllowed(t, a.post("shop-old"))
	wantLimited(t, a.post("shop-old"), "60")

	a.handlers.SetAPIKeys(limitedKeys(0, time.Hour))
	for range 9 {
		wantAllowed(t, a.post("shop-old"))
	}
	a.handlers.SetAPIKeys(limitedKeys(1, time.Hour))
	wantLimited(t, a.post("shop-old"), fmt.Sprint(60*60))
}
