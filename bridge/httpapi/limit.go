package httpapi

import (
	"net/http"
	"net/netip"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"

	"invitebridge/bridge"
)

// maxClients bounds a limiter's memory, to some 20 MB. Beyond it, the least
// recently seen client is dropped and starts again with a full allowance.
const maxClients = 100_000

// limiter is a token bucket per client.
type limiter[K comparable] struct {
	mu      sync.Mutex
	clients *lru.Cache[K, *rate.Limiter]
}

func newLimiter[K comparable]() *limiter[K] {
	clients, err := lru.New[K, *rate.Limiter](maxClients)
	if err != nil {
		panic(err) // the size is a positive constant
	}
	return &limiter[K]{clients: clients}
}

// take uses one request of the client's allowance. If none is left, it returns
// how long the client must wait; else zero. If its limit is another one than before, the
// client keeps what it has left of its allowance.
func (l *limiter[K]) take(client K, limit RateLimit, now time.Time) time.Duration {
	if limit.Requests == 0 {
		return 0
	}
	every := rate.Every(limit.Window / time.Duration(limit.Requests))
	l.mu.Lock()
	defer l.mu.Unlock()
	allowance, known := l.clients.Get(client)
	if !known {
		allowance = rate.NewLimiter(every, limit.Requests)
		l.clients.Add(client, allowance)
	}
	if allowance.Limit() != every || allowance.Burst() != limit.Requests {
		allowance.SetLimitAt(now, every)
		allowance.SetBurstAt(now, limit.Requests)
	}
	reservation := allowance.ReserveN(now, 1)
	wait := reservation.DelayFrom(now)
	if wait > 0 {
		reservation.CancelAt(now) // a rejected request does not extend the wait
	}
	return wait
}

// clientNetwork returns the network that one client controls: its IPv4 address,
// or the /64 from which an IPv6 host may pick any address.
func clientNetwork(addr netip.Addr) netip.Prefix {
	bits := addr.BitLen()
	if addr.Is6() {
		bits = 64
	}
	prefix, _ := addr.Prefix(bits) // zero for the zero address: clients without an address share one bucket
	return prefix
}

// checkRateLimit uses one request of the client's allowance.
//
// Errors: ErrTooManyRequests, with the time to wait, if none is left.
func (a *API) checkRateLimit(r *http.Request) error {
	if wait := a.limits.take(clientNetwork(a.clientIP(r)), a.config.RateLimit, time.Now()); wait > 0 {
		return bridge.ErrTooManyRequests.WithRetryAfter(wait)
	}
	return nil
}

// limitPost is checkRateLimit for a POST.
func (a *API) limitPost(r *http.Request) error {
	if r.Method != http.MethodPost {
		return nil
	}
	return a.checkRateLimit(r)
}

// only passes requests on for which check returns nil.
func only(check func(*http.Request) error) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if err := check(r); err != nil {
				writeError(w, r, err)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// checkKeyLimit uses one request of the allowance that the keys of one name share, if the
// request may change something.
//
// Errors: ErrTooManyRequests, with the time to wait, if none is left.
func (a *API) checkKeyLimit(r *http.Request, key APIKey) error {
	if r.Method != http.MethodPost && r.Method != http.MethodDelete {
		return nil
	}
	if wait := a.keyLimits.take(key.Name, key.RateLimit, a.config.Now()); wait > 0 {
		return bridge.ErrTooManyRequests.WithReasonf("Too many requests with this API key: its rate_limit in serve.admin.api_keys is %d in %s. Wait, then try again.",
			key.RateLimit.Requests, key.RateLimit.Window).WithRetryAfter(wait)
	}
	return nil
}
