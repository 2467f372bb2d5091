package httpapi

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"
	"github.com/rs/cors"

	"invitebridge/bridge"
)

// Public returns the handler of the public listener, for invitees.
func (a *API) Public() chi.Router {
	r := chi.NewRouter()
	r.Use(a.belowBaseURL(r))
	a.useCommon(r, "public", a.trustedPeer)
	a.mountUnauthenticated(r)
	r.Route(a.config.BasePath, func(r chi.Router) {
		r.Use(a.cors(), only(a.limitPost), asInvitee, a.expireOnPost)
		r.Get("/{token}", a.handle(a.preview))
		r.Post("/{token}", a.handle(a.accept))
		r.Post("/{token}/renew", a.handle(a.renew))
		r.Post("/confirm", a.handle(a.confirm))
		r.Post("/again", a.handle(a.again))
	})
	if a.config.Inviters != nil {
		r.Route(a.config.BasePath+pathMine, a.mineRoutes)
	}
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
	a.route(r, http.MethodGet, "/openapi.json", a.openAPI, Scopes()...)
	if a.config.Metrics != nil {
		a.route(r, http.MethodGet, routeMetrics, a.metrics, ScopeMetrics)
	}
	r.Route(a.config.BasePath, func(r chi.Router) {
		get := func(path string, h handler, anyOf ...Scope) { a.route(r, http.MethodGet, path, h, anyOf...) }
		post := func(path string, h handler, anyOf ...Scope) {
			a.route(r, http.MethodPost, path, withoutParameters(h), anyOf...)
		}
		post("/", a.invite, ScopeInvite)
		get("/", a.list, ScopeRead, ScopeManage, ScopeInvite)
		get("/backup", a.backup, ScopeBackup)
		get("/{id}", a.get, ScopeRead, ScopeManage, ScopeInvite)
		a.route(r, http.MethodDelete, "/{id}", withoutParameters(a.forget), ScopeManage)
		post("/{id}/resend", a.resend, ScopeManage, ScopeInvite)
		post("/{id}/revoke", a.revoke, ScopeManage, ScopeInvite)
		get("/{id}/history", a.history, ScopeRead, ScopeManage, ScopeInvite)
		get("/{id}/messages", a.invitationMessages, ScopeRead, ScopeManage)
		get("/messages", a.messages, ScopeRead, ScopeManage)
		get("/messages/{id}", a.message, ScopeRead, ScopeManage)
		post("/messages/{id}/retry", a.retryMessage, ScopeManage)
		get("/endpoints", a.endpoints, ScopeRead, ScopeManage)
		post("/endpoints/{id}/enable", a.enableEndpoint, ScopeManage)
		a.route(r, http.MethodPost, "/imports", a.createImport, ScopeImport)
		get("/imports", a.imports, ScopeRead, ScopeManage, ScopeImport)
		get("/imports/{id}", a.getImport, ScopeRead, ScopeManage, ScopeImport)
		get("/imports/{id}/rows", a.importRows, ScopeRead, ScopeManage, ScopeImport)
		post("/imports/{id}/pause", a.pauseImport, ScopeManage, ScopeImport)
		post("/imports/{id}/resume", a.resumeImport, ScopeManage, ScopeImport)
		post("/imports/{id}/cancel", a.cancelImport, ScopeManage, ScopeImport)
	})
	return r
}

// route adds a route for keys that have one of the scopes; without any, for none.
func (a *API) route(r chi.Router, method, path string, h handler, anyOf ...Scope) {
	r.Method(method, path, a.handle(func(w http.ResponseWriter, r *http.Request) error {
		if !keyOf(r).may(anyOf...) {
			return forbidden("do this", anyOf...)
		}
		r = actingAs(r, keyOf(r).actor())
		a.expireBeforePost(r)
		return h(w, r)
	}))
}

// withoutParameters refuses a request with a query: who asks for a dry run, for example,
// must not get the real one.
func withoutParameters(h handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := checkNoParameters(r); err != nil {
			return err
		}
		return h(w, r)
	}
}

func checkNoParameters(r *http.Request) error {
	if r.Method == http.MethodGet || r.URL.RawQuery == "" {
		return nil
	}
	return bridge.ErrBadRequest.WithReasonf("This request takes no parameters in its URL. Remove them, and send the request again.")
}

func (a *API) metrics(w http.ResponseWriter, r *http.Request) error {
	a.config.Metrics.ServeHTTP(w, r)
	return nil
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
	pattern := "" // of the first method that matches: another one is for other paths
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
		route := chi.NewRouteContext()
		if !router.Match(route, method, path) || pattern != "" && route.RoutePattern() != pattern {
			continue
		}
		pattern = route.RoutePattern()
		if method != http.MethodDelete || strings.HasSuffix(pattern, "}") { // chi matches the base path for every method
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
