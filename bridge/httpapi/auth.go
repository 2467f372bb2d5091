package httpapi

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"

	"invitebridge/bridge"
)

// authenticate requires an API key on all routes except health and version. It
// runs before routing: without a key, known and unknown paths look the same.
func (a *API) authenticate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch strings.TrimSuffix(r.URL.Path, "/") {
		case routeAlive, routeReady, routeVersion:
			next.ServeHTTP(w, r)
			return
		}
		name, ok := a.apiKeyName(r)
		if !ok {
			writeError(w, r, bridge.ErrUnauthorized)
			return
		}
		annotate(r, func(n *requestNotes) { n.apiKey = name })
		next.ServeHTTP(w, r)
	})
}

func (a *API) hasAPIKey(r *http.Request) bool {
	_, ok := a.apiKeyName(r)
	return ok
}

// apiKeyName returns the name of the API key that the request presents. It
// compares the digests of all keys in constant time, so that timing reveals
// nothing.
func (a *API) apiKeyName(r *http.Request) (name string, ok bool) {
	headers := r.Header.Values("Authorization")
	if len(headers) != 1 {
		return "", false
	}
	scheme, key, _ := strings.Cut(headers[0], " ")
	if !strings.EqualFold(scheme, "Bearer") || key == "" {
		return "", false
	}
	presented := sha256.Sum256([]byte(key))
	for _, k := range *a.keys.Load() {
		if subtle.ConstantTimeCompare(presented[:], k.SHA256[:]) == 1 {
			name, ok = k.Name, true
		}
	}
	return name, ok
}
