package httpapi_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"invitebridge/bridge/httpapi"
)

// TestPublicURLPath: every route responds the same whether a proxy strips the path
// of the public URL or keeps it.
func TestPublicURLPath(t *testing.T) {
	a := start(t)
	for i, prefix := range []string{"/join", "/join/us", "/invite", "/api", "/caf%C3%A9"} {
		handler := httpapi.New(a.Service, httpapi.Config{
			BasePath: base, PublicURL: "https://join.example.com" + prefix + "/", Page: builtinPage(t), Now: a.Clock.Now,
			Log: slog.New(slog.DiscardHandler),
		}).Public()
		serve := func(method, path, media, body string) *httptest.ResponseRecorder {
			r := request(t, method, "http://127.0.0.1"+path, body, "Content-Type", media)
			r.RequestURI, r.RemoteAddr = path, "192.0.2.1:1"
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			return w
		}
		const json, form = "application/json", "application/x-www-form-urlencoded"
		token := a.invite(object{"email": fmt.Sprintf("u%d@example.com", i)}).Token
		for _, at := range []string{"", prefix} {
			for _, c := range []struct {
				method, path, media, body string
				status                    int
			}{
				{http.MethodGet, base + "/" + token, json, "", http.StatusOK},
				{http.MethodHead, base + "/" + token, json, "", http.StatusOK},
				{http.MethodGet, base + "/" + token + "/", json, "", http.StatusOK},
				{http.MethodGet, base + "/" + token + "%3D%3D", json, "", http.StatusOK},
				{http.MethodPost, base + "/" + token, json, `{"password":"x"}`, http.StatusBadRequest},
				{http.MethodPut, base + "/" + token, json, "", http.StatusMethodNotAllowed},
				{http.MethodGet, "/invite/" + token, json, "", http.StatusOK},
				{http.MethodPost, "/invite/" + token, form, url.Values{"password": {"x"}}.Encode(), http.StatusBadRequest},
				{http.MethodGet, "/invite/no-token", json, "", http.StatusNotFound},
				{http.MethodGet, "/health/alive", json, "", http.StatusOK},
				{http.MethodGet, "/elsewhere", json, "", http.StatusNotFound},
			} {
				got := serve(c.method, at+c.path, c.media, c.body)
				if got.Code != c.status {
					t.Errorf("%s %s below %s: %d, want %d: %s", c.method, at+c.path, prefix, got.Code, c.status, got.Body)
				}
				if c.status == http.StatusMethodNotAllowed && got.Header().Get("Allow") != "GET, POST, HEAD" {
					t.Errorf("%s below %s: Allow %q", at+c.path, prefix, got.Header().Get("Allow"))
				}
			}
		}
		if got := serve(http.MethodGet, prefix+prefix+"/version", json, ""); got.Code != http.StatusNotFound {
			t.Errorf("%s twice: %d", prefix, got.Code)
		}
		if got := serve(http.MethodGet, prefix+"x/version", json, ""); got.Code != http.StatusNotFound {
			t.Errorf("a path that only begins like %s: %d", prefix, got.Code)
		}
		// No other spelling of the path is accepted, and none redirects.
		for _, path := range []string{
			prefix + "//invite/" + token, prefix + "/../invite/" + token, prefix + "/%2e%2e/invite/" + token, prefix + "/x/..;/invite/" + token,
			prefix + "%2Finvite/" + token, prefix + "/invite%2F" + token, prefix + "/%5C%5Cevil.example/", prefix + "//evil.example/",
			"//evil.example" + prefix + "/", "/" + prefix + "/invite/" + token, prefix + "/", prefix + "/%00/invite/" + token,
		} {
			if got := serve(http.MethodGet, path, json, ""); got.Code != http.StatusNotFound || got.Header().Get("Location") != "" {
				t.Errorf("%s: %d, to %q", path, got.Code, got.Header().Get("Location"))
			}
		}
		if got := serve(http.MethodPost, prefix+base+"/"+token, json, `{"password":"`+password+`"}`); got.Code != http.StatusOK {
			t.Errorf("accept below %s: %d %s", prefix, got.Code, got.Body)
		}
	}
}
