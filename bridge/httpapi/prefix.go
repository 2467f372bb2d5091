package httpapi

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/go-chi/chi/v5"
)

// belowBaseURL also serves the routes below the path of the public URL: some
// proxies keep that path when they forward a request, others strip it. A path
// that already matches a route is left alone, because the public URL's path may
// be the beginning of a route, such as /invite.
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
			if !ok || allowedMethods(router, r) != "" {
				next.ServeHTTP(w, r)
				return
			}
			below, address := r.WithContext(r.Context()), *r.URL
			address.RawPath = "/" + rest
			// Cannot fail: this is a suffix of a path that was unescaped before.
			address.Path, _ = url.PathUnescape(address.RawPath)
			below.URL = &address
			next.ServeHTTP(w, below)
		})
	}
}
