package kratos_test

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/kratos"
	"invitebridge/kratos/kratostest"
)

// inFront returns the address of a proxy that modifies responses.
func inFront(t *testing.T, address string, change func(*http.Response)) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(u)
	proxy.ModifyResponse = func(r *http.Response) error { change(r); return nil }
	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)
	return server.URL
}

func newPublic(t *testing.T, address string) *kratos.PublicClient {
	t.Helper()
	p, err := kratos.NewPublicClient(address, longTimeout)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// closedAddress returns an address that refuses connections.
func closedAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String()
}

// Each API is recognized, and nothing else is mistaken for it.
func TestProbe(t *testing.T) {
	s := kratostest.Shared(t)
	if err := newClient(t, kratos.Config{AdminURL: s.AdminURL, Timeout: longTimeout}).Probe(t.Context()); err != nil {
		t.Errorf("the admin API: %v", err)
	}
	if err := newPublic(t, s.PublicURL).Probe(t.Context()); err != nil {
		t.Errorf("the public API: %v", err)
	}
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("{}")) }))
	defer other.Close()
	closed := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }))
	defer closed.Close()
	for name, c := range map[string]struct {
		url    string
		status int
	}{
		"the public API": {s.PublicURL, http.StatusTemporaryRedirect}, "another server": {other.URL, http.StatusOK},
		"a proxy with authentication": {closed.URL, http.StatusUnauthorized}, "no server": {closedAddress(t), 0},
	} {
		err := newClient(t, kratos.Config{AdminURL: c.url, AdminToken: "CANARY", Timeout: longTimeout}).Probe(t.Context())
		var e *bridge.IdentityError
		if !errors.As(err, &e) || e.Status != c.status || strings.Contains(err.Error(), "CANARY") {
			t.Errorf("%s as the admin API: %v", name, err)
		}
	}
	for name, c := range map[string]struct {
		url  string
		want error
	}{
		"the admin API": {s.AdminURL, kratos.ErrAdminExposed}, "another server": {other.URL, kratos.ErrNotPublicAPI},
		"a proxy with authentication": {closed.URL, kratos.ErrNotPublicAPI},
	} {
		if err := newPublic(t, c.url).Probe(t.Context()); !errors.Is(err, c.want) {
			t.Errorf("%s as the public API: %v, want %v", name, err, c.want)
		}
	}
	var e *bridge.IdentityError
	if err := newPublic(t, closedAddress(t)).Probe(t.Context()); !errors.As(err, &e) || e.Status != 0 {
		t.Errorf("no server as the public API: %v", err)
	}
	if _, err := kratos.NewPublicClient("http://user:CANARY@kratos", 0); err == nil || strings.Contains(err.Error(), "CANARY") {
		t.Errorf("got %v", err)
	}
}

// The admin API is probed with the token, and the public API without it.
func TestProbe_token(t *testing.T) {
	s := kratostest.Shared(t)
	u, err := url.Parse(s.AdminURL)
	if err != nil {
		t.Fatal(err)
	}
	kratosBehind := httputil.NewSingleHostReverseProxy(u)
	guard := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer the-token" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		kratosBehind.ServeHTTP(w, r)
	}))
	defer guard.Close()
	for token, want := range map[string]int{"the-token": 0, "another": http.StatusForbidden, "": http.StatusForbidden} {
		err := newClient(t, kratos.Config{AdminURL: guard.URL, AdminToken: token, Timeout: longTimeout}).Probe(t.Context())
		var e *bridge.IdentityError
		if (err == nil) != (want == 0) || errors.As(err, &e) && e.Status != want {
			t.Errorf("%q: %v", token, err)
		}
	}
}

func TestClockSkew(t *testing.T) {
	s := kratostest.Shared(t)
	for name, c := range map[string]struct {
		change      func(*http.Response)
		least, most time.Duration
		err         error
	}{
		"right":      {func(*http.Response) {}, 0, 0, nil},
		"ahead":      {shift(time.Minute), 55 * time.Second, time.Minute, nil},
		"behind":     {shift(-time.Minute), -time.Minute, -55 * time.Second, nil},
		"no header":  {func(r *http.Response) { r.Header.Set("Date", "") }, 0, 0, kratos.ErrNoDateHeader},
		"not a date": {func(r *http.Response) { r.Header.Set("Date", "today") }, 0, 0, kratos.ErrNoDateHeader},
	} {
		ahead, err := newClient(t, kratos.Config{AdminURL: inFront(t, s.AdminURL, c.change), Timeout: longTimeout}).ClockSkew(t.Context())
		if !errors.Is(err, c.err) || ahead < c.least || ahead > c.most {
			t.Errorf("%s: %v, %v", name, ahead, err)
		}
	}
	if _, err := newClient(t, kratos.Config{AdminURL: closedAddress(t)}).ClockSkew(t.Context()); err == nil {
		t.Error("no error without a server")
	}
}

// shift sets the Date header d after the current time.
func shift(d time.Duration) func(*http.Response) {
	return func(r *http.Response) { r.Header.Set("Date", time.Now().Add(d).UTC().Format(http.TimeFormat)) }
}
