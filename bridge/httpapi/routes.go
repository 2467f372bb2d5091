package httpapi

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/rs/cors"
)

// Public serves invitees.
func (a *API) Public() chi.Router {
	r := chi.NewRouter()
	r.Use(a.belowBaseURL(r))
	a.share(r, "public", a.trustedPeer)
	a.open(r)
	r.Route(a.config.BasePath, func(r chi.Router) {
		r.Use(a.cors(), a.limitPosts, a.expireOnPost)
		r.Get("/{token}", a.handle(a.look))
		r.Post("/{token}", a.handle(a.accept))
		r.Post("/{token}/renew", a.handle(a.renew))
		r.Post("/confirm", a.handle(a.confirm))
	})
	r.Route("/invite", a.hosted)
	return r
}

// cors lets pages of other origins call the API, and no more than that.
func (a *API) cors() func(http.Handler) http.Handler {
	if len(a.config.AllowedOrigins) == 0 {
		return func(next http.Handler) http.Handler { return next }
	}
	return cors.New(cors.Options{
		AllowedOrigins: a.config.AllowedOrigins,
		AllowedMethods: []string{http.MethodGet, http.MethodPost},
		AllowedHeaders: []string{"Content-Type"},
		ExposedHeaders: []string{"Retry-After", requestIDHeader},
	}).Handler
}

// Admin serves inviters and operators.
func (a *API) Admin() chi.Router {
	r := chi.NewRouter()
	a.share(r, "admin", a.holdsKey)
	r.Use(a.authenticate)
	a.open(r)
	r.Get("/openapi.json", a.handle(a.openAPI))
	if a.config.Metrics != nil {
		r.Method(http.MethodGet, routeMetrics, a.config.Metrics)
	}
	r.Route(a.config.BasePath, func(r chi.Router) {
		r.Use(a.expireOnPost)
		r.Post("/", a.handle(a.invite))
		r.Get("/", a.handle(a.list))
		r.Get("/backup", a.handle(a.backup))
		r.Get("/{id}", a.handle(a.get))
		r.Post("/{id}/resend", a.handle(a.resend))
		r.Post("/{id}/revoke", a.handle(a.revoke))
		r.Get("/{id}/messages", a.handle(a.invitationMessages))
		r.Get("/messages", a.handle(a.messages))
		r.Get("/messages/{id}", a.handle(a.message))
		r.Post("/messages/{id}/retry", a.handle(a.retryMessage))
		r.Get("/endpoints", a.handle(a.endpoints))
		r.Post("/endpoints/{id}/enable", a.handle(a.enableEndpoint))
	})
	return r
}

const routeMetrics = "/metrics/prometheus"

// The routes that need no key on either listener.
const (
	routeAlive   = "/health/alive"
	routeReady   = "/health/ready"
	routeVersion = "/version"
)

func (a *API) open(r chi.Router) {
	r.Get(routeAlive, a.handle(a.alive))
	r.Get(routeReady, a.handle(a.readyz))
	r.Get(routeVersion, a.handle(a.version))
}

// headIsGet has a HEAD go where a GET does, for net/http leaves the body out.
func headIsGet(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			chi.RouteContext(r.Context()).RouteMethod = http.MethodGet
		}
		next.ServeHTTP(w, r)
	})
}

// allow names the methods that a path answers, for a 405.
func allow(router chi.Routes, r *http.Request) string {
	path := cmp.Or(r.URL.RawPath, r.URL.Path)
	if len(path) > 1 {
		path = strings.TrimSuffix(path, "/")
	}
	var methods []string
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		if router.Match(chi.NewRouteContext(), method, path) {
			methods = append(methods, method)
		}
	}
	if slices.Contains(methods, http.MethodGet) {
		methods = append(methods, http.MethodHead)
	}
	return strings.Join(methods, ", ")
}

// share adds what both listeners have. trusted says whose request ids are taken
// over.
func (a *API) share(r chi.Router, listener string, trusted func(*http.Request) bool) {
	r.Use(a.identify(trusted), a.access(listener), a.recover(writeError), guardHeaders, middleware.StripSlashes, headIsGet)
	r.NotFound(a.handle(noRoute))
	r.MethodNotAllowed(a.handle(methodNotAllowed))
}
