package httpapi_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"

	"invitebridge/bridge/httpapi"
)

// TestClientClosedRequest: a client that disconnects during a store call is logged
// as such, not as a store failure and not at level error.
func TestClientClosedRequest(t *testing.T) {
	served, seen := make(chan context.Context, 1), make(chan httpapi.RequestRecord, 1)
	a := start(t, func(c *httpapi.Config) {
		c.Trace = func(ctx context.Context, _ http.Header) (context.Context, string, func(httpapi.RequestRecord)) {
			served <- ctx
			return ctx, "", func(httpapi.RequestRecord) {}
		}
		c.Observe = func(x httpapi.RequestRecord) { seen <- x }
	})
	issued := a.invite(object{"email": email})
	<-served
	<-seen
	for name, url := range map[string]string{
		"admin API": a.admin + base + "/" + issued.ID, "public API": a.public + base + "/" + issued.Token, "page": a.public + "/invite/" + issued.Token,
	} {
		t.Run(name, func(t *testing.T) {
			ctx, disconnect := context.WithCancel(t.Context())
			a.Store.OnCall(sync.OnceFunc(func() { // a request may call the store again
				ctx := <-served
				disconnect()
				<-ctx.Done()
			}))
			defer a.Store.OnCall(nil)
			r := request(t, http.MethodGet, url, nil, "Authorization", "Bearer "+key)
			if res, err := http.DefaultClient.Do(r.WithContext(ctx)); err == nil {
				_ = res.Body.Close()
				t.Error("the client got a response")
			}
			if x := <-seen; x.Status != 499 {
				t.Errorf("status %d", x.Status)
			}
			lines := strings.Split(strings.TrimSpace(a.log.String()), "\n")
			last := lines[len(lines)-1]
			if !strings.Contains(last, `"cause":"client closed request: `) || !strings.Contains(last, `"level":"INFO"`) || strings.Contains(last, "error_id") {
				t.Error(last)
			}
		})
	}
}
