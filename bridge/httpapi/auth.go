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
		key, ok := a.apiKey(r)
		if !ok {
			writeError(w, r, bridge.ErrUnauthorized)
			return
		}
		annotate(r, func(n *requestNotes) { n.apiKey = key.Name })
		if a.config.KeyUsed != nil {
			a.config.KeyUsed(key.Name)
		}
		if err := a.checkKeyLimit(r, key); err != nil {
			writeError(w, r, err)
			return
		}
		next.ServeHTTP(w, withKey(r, key))
	})
}

func (a *API) hasAPIKey(r *http.Request) bool {
	_, ok := a.apiKey(r)
	return ok
}

// apiKey returns the API key that the request presents, unless it has expired. It
// compares the digests of all keys in constant time, so that timing reveals
// nothing.
func (a *API) apiKey(r *http.Request) (found APIKey, ok bool) {
	headers := r.Header.Values("Authorization")
	if len(headers) != 1 {
		return APIKey{}, false
	}
	scheme, key, _ := strings.Cut(headers[0], " ")
	if !strings.EqualFold(scheme, "Bearer") || key == "" {
		return APIKey{}, false
	}
	presented := sha256.Sum256([]byte(key))
	for _, k := range *a.keys.Load() {
		if subtle.ConstantTimeCompare(presented[:], k.SHA256[:]) == 1 {
			found, ok = k, true
		}
	}
	if !ok || found.expired(a.config.Now()) {
		return APIKey{}, false
	}
	return found, true
}
