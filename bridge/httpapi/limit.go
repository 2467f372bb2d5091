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

// maxClients bounds the memory of the limiter, to some 20 MB. Beyond it the
// client that was quiet longest is forgotten, and starts with a full allowance.
const maxClients = 100_000

// limiter gives each client address an allowance that refills evenly.
type limiter struct {
	limit   RateLimit
	mu      sync.Mutex
	clients *lru.Cache[netip.Prefix, *rate.Limiter]
}

func newLimiter(limit RateLimit) *limiter {
	clients, err := lru.New[netip.Prefix, *rate.Limiter](maxClients)
	if err != nil {
		panic(err) // the size is a positive constant
	}
	return &limiter{limit: limit, clients: clients}
}

// take says how long the client has to wait; zero: not at all.
func (l *limiter) take(addr netip.Addr, now time.Time) time.Duration {
	if l.limit.Requests == 0 {
		return 0
	}
	key := network(addr)
	l.mu.Lock()
	defer l.mu.Unlock()
	allowance, known := l.clients.Get(key)
	if !known {
		every := l.limit.Window / time.Duration(l.limit.Requests)
		allowance = rate.NewLimiter(rate.Every(every), l.limit.Requests)
		l.clients.Add(key, allowance)
	}
	reservation := allowance.ReserveN(now, 1)
	wait := reservation.DelayFrom(now)
	if wait > 0 {
		reservation.CancelAt(now) // a refused request costs nothing further
	}
	return wait
}

// network is what one client surely has to itself: an IPv4 address, or the /64
// that an IPv6 host may pick any address from.
func network(addr netip.Addr) netip.Prefix {
	bits := addr.BitLen()
	if addr.Is6() {
		bits = 64
	}
	prefix, _ := addr.Prefix(bits) // zero for the zero address: one bucket for all without one
	return prefix
}

// limited gives ErrTooMany if the client has to wait, which it then says for how
// long; else nil, and that has used some of its allowance.
func (a *API) limited(r *http.Request) error {
	if wait := a.limits.take(a.clientIP(r), time.Now()); wait > 0 {
		return bridge.ErrTooMany.After(wait)
	}
	return nil
}

func (a *API) limitPosts(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			if err := a.limited(r); err != nil {
				writeError(w, r, err)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}
