// Package selfservice is a small self-service UI for Kratos: pages to sign in,
// register, change settings, recover and verify an account, sign out, and see who
// is signed in, with passwords, codes, passkeys and social sign-ins. The demo uses
// it, and so does the stack test if Ory's reference UI cannot be pulled. Like that one
// it has the pages /login, /registration, /settings, /recovery, /verification, /error
// and /sessions.
//
// It stores nothing: it renders forms from Kratos' flows, and the browser posts
// them to Kratos. It is for demos and tests, not for production.
package selfservice

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// UI serves the pages. It must run on the same host as Kratos' public API, on any
// port, because cookies are shared by host. It is safe for concurrent use.
type UI struct {
	public, browser string // Kratos' public API: for the UI, and for browsers
	http            *http.Client
	mux             *http.ServeMux
	policy          string // the Content-Security-Policy
}

const kratosTimeout = 10 * time.Second

// kinds lists Kratos' flows that have a form.
var kinds = []string{"login", "registration", "settings", "recovery", "verification"}

// New returns a UI for a Kratos. The UI reaches the public API at public, and
// browsers reach it at browser.
func New(public, browser string) *UI {
	u := &UI{
		public: strings.TrimSuffix(public, "/"), browser: strings.TrimSuffix(browser, "/"),
		http: &http.Client{Timeout: kratosTimeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		mux:  http.NewServeMux(),
	}
	// Not form-action: Chromium applies it to the redirects that follow too.
	u.policy = "default-src 'none'; style-src 'unsafe-inline'; script-src " + hash(string(triggers)) + " " + u.browser + "/.well-known/ory/; " +
		"img-src data:; base-uri 'none'; frame-ancestors 'none'"
	for _, kind := range kinds {
		u.mux.HandleFunc("GET /"+kind, func(w http.ResponseWriter, r *http.Request) { u.form(w, r, kind) })
	}
	u.mux.HandleFunc("GET /error", u.fault)
	u.mux.HandleFunc("GET /sessions", u.session)
	u.mux.Handle("GET /{$}", http.RedirectHandler("/sessions", http.StatusSeeOther))
	for _, probe := range []string{"alive", "ready"} {
		u.mux.HandleFunc("GET /health/"+probe, func(http.ResponseWriter, *http.Request) {})
	}
	return u
}

// ServeHTTP implements [http.Handler].
func (u *UI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store") // forms carry tokens
	h.Set("Content-Security-Policy", u.policy)
	h.Set("X-Content-Type-Options", "nosniff")
	u.mux.ServeHTTP(w, r)
}

// form shows the form of a flow. If the flow is missing, has expired or belongs to
// another browser, it starts a new one.
func (u *UI) form(w http.ResponseWriter, r *http.Request, kind string) {
	query := r.URL.Query()
	id := query.Get("flow")
	if id == "" {
		u.begin(w, r, kind, query)
		return
	}
	var f flow
	var refusal struct {
		To string `json:"redirect_browser_to"`
	}
	status, err := u.get(r, "/self-service/"+kind+"/flows?id="+url.QueryEscape(id), &f, &refusal)
	switch {
	case err != nil:
		unavailable(w, err)
	case status == http.StatusOK:
		show(w, status, u.flowPage(kind, f))
	case refusal.To != "":
		http.Redirect(w, r, refusal.To, http.StatusSeeOther)
	default:
		u.begin(w, r, kind, url.Values{})
	}
}

// begin redirects the browser to Kratos, which redirects it back with a new flow.
func (u *UI) begin(w http.ResponseWriter, r *http.Request, kind string, query url.Values) {
	http.Redirect(w, r, u.start(kind)+"?"+query.Encode(), http.StatusSeeOther)
}

func (u *UI) start(kind string) string { return u.browser + "/self-service/" + kind + "/browser" }

// fault shows an error that Kratos recorded.
func (u *UI) fault(w http.ResponseWriter, r *http.Request) {
	var f struct {
		Error problem `json:"error"`
	}
	status, err := u.get(r, "/self-service/errors?id="+url.QueryEscape(r.URL.Query().Get("id")), &f, &f)
	if err != nil {
		unavailable(w, err)
		return
	}
	show(w, status, f.Error.page())
}

// session shows who is signed in, or starts a login.
func (u *UI) session(w http.ResponseWriter, r *http.Request) {
	var s session
	status, err := u.get(r, "/sessions/whoami", &s, nil)
	switch {
	case err != nil:
		unavailable(w, err)
		return
	case status == http.StatusForbidden: // a second factor is missing
		u.begin(w, r, "login", url.Values{"aal": {"aal2"}})
		return
	case status != http.StatusOK:
		u.begin(w, r, "login", url.Values{})
		return
	}
	var out struct {
		To string `json:"logout_url"`
	}
	if _, err := u.get(r, "/self-service/logout/browser", &out, nil); err != nil {
		unavailable(w, err)
		return
	}
	show(w, http.StatusOK, s.page(out.To))
}

// hash returns the source expression that permits an inline script.
func hash(script string) string {
	sum := sha256.Sum256([]byte(script))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
