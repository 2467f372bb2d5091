package httpapi

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/go-chi/chi/v5"
)

// belowBaseURL has the public listener answer below the path of its base URL as
// well: some proxies keep that path when they pass a request on, others strip
// it. A path that is a route as it stands stays, for a path such as /invite is
// the beginning of our own, too.
func (a *API) belowBaseURL(router chi.Routes) func(http.Handler) http.Handler {
	prefix := ""
	if u, err := url.Parse(a.config.PublicURL); err == nil {
		prefix = strings.TrimRight(u.EscapedPath(), "/")
	}
	return func(next http.Handler) http.Handler {
		if prefix == "" {
			return next
		}
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			rest, ok := strings.CutPrefix(r.URL.EscapedPath(), prefix+"/")
			if !ok || allow(router, r) != "" {
				next.ServeHTTP(w, r)
				return
			}
			below, address := r.WithContext(r.Context()), *r.URL
			address.RawPath = "/" + rest
			// It was unescaped before, and so it can be.
			address.Path, _ = url.PathUnescape(address.RawPath)
			below.URL = &address
			next.ServeHTTP(w, below)
		})
	}
}
