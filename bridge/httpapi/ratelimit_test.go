package httpapi_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/bridge/httpapi"
)

// TestRateLimit: POSTs are limited per client address or IPv6 /64, as the trusted
// proxies report it; GETs are not limited.
func TestRateLimit(t *testing.T) {
	limited := func(c *httpapi.Config) {
		c.RateLimit = httpapi.RateLimit{Requests: 3, Window: time.Hour}
		c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")}
	}
	a := start(t, limited)
	post := func(forwarded string) answer {
		return do(t, request(t, http.MethodPost, a.public+base+"/"+bridge.MintToken().Reveal(), object{"password": password}, "X-Forwarded-For", forwarded))
	}
	for i := range 5 {
		got := post("203.0.113.9")
		if want := i >= 3; want != (got.status == http.StatusTooManyRequests) || want != (got.errorID() == "too_many_requests") {
			t.Errorf("request %d: %d %s", i, got.status, got.body)
		}
		if got.status == http.StatusTooManyRequests && got.header.Get("Retry-After") != "1200" {
			t.Errorf("Retry-After: %s", got.header.Get("Retry-After"))
		}
	}
	for _, same := range []string{"1.2.3.4, 203.0.113.9", "203.0.113.9, 10.1.2.3", "junk, 203.0.113.9,10.0.0.1", "::ffff:203.0.113.9", "203.0.113.9:4711"} {
		if got := post(same); got.status != http.StatusTooManyRequests {
			t.Errorf("%q got past the limit: %d", same, got.status)
		}
	}
	for _, other := range []string{"203.0.113.10", "203.0.113.9, 198.51.100.1", "2001:db8::1"} {
		if got := post(other); got.status != http.StatusNotFound {
			t.Errorf("%q: %d", other, got.status)
		}
	}
	for i := range 5 {
		if got := post(fmt.Sprintf("2001:db8:1:1::%x", i)); (i >= 3) != (got.status == http.StatusTooManyRequests) {
			t.Errorf("address %d of one network: %d", i, got.status)
		}
	}
	if got := do(t, request(t, http.MethodGet, a.public+base+"/"+bridge.MintToken().Reveal(), nil, "X-Forwarded-For", "203.0.113.9")); got.status != http.StatusNotFound {
		t.Errorf("a GET is limited: %d", got.status)
	}
}

// TestUntrustedForwardingHeaders: without a trusted proxy, forwarding headers
// change neither the client address, nor the request id, nor a link.
func TestUntrustedForwardingHeaders(t *testing.T) {
	a := start(t, func(c *httpapi.Config) { c.RateLimit = httpapi.RateLimit{Requests: 3, Window: time.Hour} })
	for i := range 5 {
		r := request(t, http.MethodPost, a.public+base+"/"+bridge.MintToken().Reveal(), object{"password": password},
			"X-Forwarded-For", fmt.Sprintf("203.0.113.%d", i), "X-Real-IP", fmt.Sprintf("203.0.113.%d", i), "True-Client-IP", fmt.Sprint(i),
			"Forwarded", fmt.Sprintf("for=203.0.113.%d", i), "X-Request-ID", "mine", "X-Forwarded-Host", "evil.example", "Host", "evil.example")
		got := do(t, r)
		if (i >= 3) != (got.status == http.StatusTooManyRequests) {
			t.Errorf("request %d: %d", i, got.status)
		}
		if got.header.Get("X-Request-ID") == "mine" {
			t.Error("the request id of an untrusted client was accepted")
		}
	}
	r := request(t, http.MethodPost, a.admin+base+"/", object{"email": email}, "Authorization", "Bearer "+key, "X-Request-ID", "caller-7", "X-Forwarded-Host", "evil.example")
	r.Host = "evil.example"
	if got := do(t, r); got.header.Get("X-Request-ID") != "caller-7" || strings.Contains(string(got.body), "evil") {
		t.Errorf("%v %s", got.header, got.body)
	}
}

// TestRateLimitMemory: the limiter's memory is bounded, even for a million
// addresses.
func TestRateLimitMemory(t *testing.T) {
	limit := httpapi.RateLimit{Requests: 3, Window: time.Hour}
	handler := httpapi.New(bridgetest.New(t).Service, httpapi.Config{
		BasePath: base, RateLimit: limit, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.1/32")},
	})
	before := heap()
	httpapi.SimulateClients(handler, 1_000_000)
	used := int64(heap()) - int64(before)
	t.Logf("%d MB for 1,000,000 addresses", used>>20)
	if used > 40<<20 {
		t.Errorf("%d MB are held", used>>20)
	}
	runtime.KeepAlive(handler)
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
