package httpapi

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"
	"github.com/rs/cors"
)

// Public returns the handler of the public listener, for invitees.
func (a *API) Public() chi.Router {
	r := chi.NewRouter()
	r.Use(a.belowBaseURL(r))
	a.useCommon(r, "public", a.trustedPeer)
	a.mountUnauthenticated(r)
	r.Route(a.config.BasePath, func(r chi.Router) {
		r.Use(a.cors(), a.rateLimitPosts, a.expireOnPost)
		r.Get("/{token}", a.handle(a.preview))
		r.Post("/{token}", a.handle(a.accept))
		r.Post("/{token}/renew", a.handle(a.renew))
		r.Post("/confirm", a.handle(a.confirm))
		r.Post("/again", a.handle(a.again))
	})
	r.Route("/invite", a.pageRoutes)
	return r
}

// cors allows pages of the configured origins to call the public API, without
// credentials.
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

// Admin returns the handler of the admin listener, for inviters and operators.
func (a *API) Admin() chi.Router {
	r := chi.NewRouter()
	a.useCommon(r, "admin", a.hasAPIKey)
	r.Use(a.authenticate)
	a.mountUnauthenticated(r)
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
		r.Post("/imports", a.handle(a.createImport))
		r.Get("/imports", a.handle(a.imports))
		r.Get("/imports/{id}", a.handle(a.getImport))
		r.Get("/imports/{id}/rows", a.handle(a.importRows))
		r.Post("/imports/{id}/pause", a.handle(a.pauseImport))
		r.Post("/imports/{id}/resume", a.handle(a.resumeImport))
		r.Post("/imports/{id}/cancel", a.handle(a.cancelImport))
	})
	return r
}

const routeMetrics = "/metrics/prometheus"

// The routes that require no API key on either listener.
const (
	routeAlive   = "/health/alive"
	routeReady   = "/health/ready"
	routeVersion = "/version"
)

func (a *API) mountUnauthenticated(r chi.Router) {
	r.Get(routeAlive, a.handle(a.alive))
	r.Get(routeReady, a.handle(a.readyz))
	r.Get(routeVersion, a.handle(a.version))
}

// headIsGet routes HEAD requests as GET; net/http omits the body.
func headIsGet(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			chi.RouteContext(r.Context()).RouteMethod = http.MethodGet
		}
		next.ServeHTTP(w, r)
	})
}

// allowedMethods returns the value of the Allow header for the path of r; empty
// if no route matches it.
func allowedMethods(router chi.Routes, r *http.Request) string {
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

// useCommon adds the middleware and fallback handlers that both listeners share.
// trusted reports whether the request id and trace context of a request are
// accepted.
func (a *API) useCommon(r chi.Router, listener string, trusted func(*http.Request) bool) {
	r.Use(a.withRequestID(trusted), a.logRequests(listener), a.recover(writeError), securityHeaders, stripSlash, headIsGet)
	r.NotFound(a.handle(routeNotFound))
	r.MethodNotAllowed(a.handle(methodNotAllowed))
}
