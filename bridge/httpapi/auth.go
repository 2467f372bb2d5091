package httpapi

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"

	"invitebridge/bridge"
)

// authenticate lets through who holds a key. Without one there are health and
// version, and nothing else: not even the news which addresses exist.
func (a *API) authenticate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch strings.TrimSuffix(r.URL.Path, "/") {
		case routeAlive, routeReady, routeVersion:
			next.ServeHTTP(w, r)
			return
		}
		name, ok := a.keyOf(r)
		if !ok {
			writeError(w, r, bridge.ErrUnauthorized)
			return
		}
		note(r, func(n *notes) { n.apiKey = name })
		next.ServeHTTP(w, r)
	})
}

func (a *API) holdsKey(r *http.Request) bool {
	_, ok := a.keyOf(r)
	return ok
}

// keyOf gives the name of the key that a request shows. All keys are compared,
// by their digests, so that the time tells nothing.
func (a *API) keyOf(r *http.Request) (name string, ok bool) {
	headers := r.Header.Values("Authorization")
	if len(headers) != 1 {
		return "", false
	}
	scheme, key, _ := strings.Cut(headers[0], " ")
	if !strings.EqualFold(scheme, "Bearer") || key == "" {
		return "", false
	}
	shown := sha256.Sum256([]byte(key))
	for _, k := range *a.keys.Load() {
		if subtle.ConstantTimeCompare(shown[:], k.SHA256[:]) == 1 {
			name, ok = k.Name, true
		}
	}
	return name, ok
}
