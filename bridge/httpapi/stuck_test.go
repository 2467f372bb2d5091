package httpapi_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"invitebridge/bridge/httpapi"
	"invitebridge/kratos/kratostest"
)

// TestStuckKratos: a Kratos that takes requests and answers none, with far more
// callers than the bridge has connections to it. Each is answered in time, and
// what Kratos does with their requests later makes no second identity.
func TestStuckKratos(t *testing.T) {
	const callers = 300
	a := start(t, func(c *httpapi.Config) { c.RateLimit.Requests = 0 })
	tokens := make([]string, callers)
	everyone := func(do func(i int)) {
		var calling sync.WaitGroup
		for i := range callers {
			calling.Go(func() { do(i) })
		}
		calling.Wait()
	}
	accept := func(i int) answer { return a.asInvitee(http.MethodPost, "/"+tokens[i], object{"password": password}) }
	inviteAs := func(name string) func(i int) answer {
		return func(i int) answer {
			return a.asAdmin(http.MethodPost, "/", object{"email": fmt.Sprintf("%s%d@example.com", name, i)})
		}
	}
	invite := inviteAs("new")
	everyone(func(i int) {
		var o offer
		patiently(inviteAs("waiting"), i).into(t, &o)
		if tokens[i] = o.Token; o.Token == "" {
			t.Error("no token")
		}
	})
	if t.Failed() {
		return
	}
	stuck := make(chan struct{})
	mend := a.Kratos.Inject(kratostest.Fault{Hold: stuck})
	var mu sync.Mutex
	var longest time.Duration
	everyone(func(i int) {
		begin, call := time.Now(), accept
		if i%2 == 0 {
			call = invite
		}
		got := call(i)
		mu.Lock()
		defer mu.Unlock()
		longest = max(longest, time.Since(begin))
		if got.status != http.StatusServiceUnavailable || got.errorID() != "kratos_unavailable" || got.header.Get("Retry-After") == "" {
			t.Errorf("%d %s", got.status, got.body)
		}
	})
	t.Logf("%d callers of a stuck Kratos were answered within %s", callers, longest.Round(time.Millisecond))
	if longest > 10*time.Second {
		t.Errorf("one waited for %s", longest)
	}
	mend()
	close(stuck)
	a.ForgetConnections()
	everyone(func(i int) {
		if got := patiently(invite, i); got.status != http.StatusCreated && got.status != http.StatusOK {
			t.Errorf("invite, afterwards: %d %s", got.status, got.body)
		}
	})
	a.Clock.Advance(time.Minute) // past the claims that the lost answers left
	everyone(func(i int) {
		if got := patiently(accept, i); got.status != http.StatusOK && got.errorID() != "invitation_accepted" {
			t.Errorf("accept, afterwards: %d %s", got.status, got.body)
		}
	})
	if n := a.Kratos.Len(); n != 2*callers {
		t.Errorf("%d identities of %d addresses", n, 2*callers)
	}
}

// patiently repeats a call whose answer says that a retry is safe: so many at
// once may be too much for a slow machine.
func patiently(call func(i int) answer, i int) answer {
	got := call(i)
	for deadline := time.Now().Add(time.Minute); got.status == http.StatusServiceUnavailable && time.Now().Before(deadline); got = call(i) {
		time.Sleep(100 * time.Millisecond)
	}
	return got
}
