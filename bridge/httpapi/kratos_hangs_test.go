package httpapi_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/bridge/httpapi"
	"invitebridge/bridge/testenv"
	"invitebridge/kratos/kratostest"
)

// TestKratosHangs: Kratos accepts requests and does not respond, under far more
// callers than the bridge has connections to it. Every caller gets a response in
// time, and what Kratos does with the requests later creates no second identity.
func TestKratosHangs(t *testing.T) {
	testenv.SkipIfShort(t, "300 clients that wait for a timeout")
	const callers = 300
	w := bridgetest.New(t, func(c *bridge.Config) { c.IdentityTimeout = 5 * time.Second }) // the limit under test
	a := startWith(t, w, func(c *httpapi.Config) { c.RateLimit.Requests = 0 })
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
		var o issuedInvitation
		retryUnavailable(inviteAs("waiting"), i).into(t, &o)
		if tokens[i] = o.Token; o.Token == "" {
			t.Error("no token")
		}
	})
	if t.Failed() {
		return
	}
	hang := make(chan struct{})
	restore := a.Kratos.Inject(kratostest.Fault{Hold: hang})
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
	if longest >= testenv.Limit { // all other limits than the one for Kratos
		t.Errorf("a caller waited for %s", longest)
	}
	t.Logf("%d callers got a response within %s while Kratos did not respond", callers, longest.Round(time.Millisecond))
	restore()
	close(hang)
	a.CloseIdleConnections()
	everyone(func(i int) {
		if got := retryUnavailable(invite, i); got.status != http.StatusCreated && got.status != http.StatusOK {
			t.Errorf("invite, afterwards: %d %s", got.status, got.body)
		}
	})
	a.Clock.Advance(bridgetest.Lease) // past the claims that the lost responses left
	everyone(func(i int) {
		if got := retryUnavailable(accept, i); got.status != http.StatusOK && got.errorID() != "invitation_accepted" {
			t.Errorf("accept, afterwards: %d %s", got.status, got.body)
		}
	})
	if n := a.Kratos.Len(); n != 2*callers {
		t.Errorf("%d identities for %d addresses", n, 2*callers)
	}
}

// retryUnavailable repeats a call while it returns 503, after which a retry is
// safe: so many concurrent calls may overload a slow machine.
func retryUnavailable(call func(i int) answer, i int) answer {
	got := call(i)
	for deadline := time.Now().Add(testenv.Limit); got.status == http.StatusServiceUnavailable && time.Now().Before(deadline); got = call(i) {
		time.Sleep(100 * time.Millisecond)
	}
	return got
}
