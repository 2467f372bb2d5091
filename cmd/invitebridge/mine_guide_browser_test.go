package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"invitebridge/bridge/page/pagetest"
	"invitebridge/kratos/kratostest"
)

// browserGuide runs the guide's script in a browser: on a page of an allowed origin, and on
// one of another origin of the same site, for which the browser sends the cookie too. That
// one also forges the request as a form would send it, which browsers ask nobody about.
func browserGuide(t *testing.T, kratos *kratostest.Server) {
	_, email, _ := signUp(t, kratos, "lead")
	cookie := browserLogin(t, kratos, email)
	if cookie.Domain != "example.com" || cookie.SameSite != http.SameSiteLaxMode || !cookie.HttpOnly {
		t.Errorf("Kratos sets %s", cookie)
	}
	app, other := newApp(t, cookie), newApp(t, cookie)
	b := startBridge(t, kratos, example(t, "yaml", "name_trait:", appOrigin, app.URL))
	at := b.public + base + "/mine"
	script := example(t, "js", "credentials", "https://invite.example.com/api/v1/invite/mine", at)
	forged := `export const invite = (email) => fetch("` + at + `", {
  method: "POST", credentials: "include", mode: "no-cors", body: JSON.stringify({ email }),
}).then(() => ({ state: "sent", email }));`

	tab := pagetest.Open(t, pagetest.Options{})
	for _, c := range []struct {
		page                  *membersApp
		script, email, result string
	}{
		{app, script, "browser@example.com", "pending browser@example.com"},
		{app, script, "ada", "Error: email_invalid"},
		{app, script, email, "Error: identity_already_active"},
		{other, script, "alan@example.com", "TypeError"}, // the browser asks first, and does not send it
		{other, forged, "alan@example.com", "sent alan@example.com"},
	} {
		c.page.script.Store(&c.script)
		tab.Visit(c.page.URL)
		tab.Fill("input", c.email)
		tab.Click("button")
		tab.See(c.result)
	}
	a := b.call(http.MethodGet, b.admin+base+"/", nil, "Authorization", "Bearer "+key)
	if !strings.Contains(a.text, "browser@example.com") || strings.Contains(a.text, "alan@example.com") {
		t.Errorf("invited: %s", a.text)
	}
	if n := strings.Count(b.log.String(), `"status":403`); n != 1 {
		t.Errorf("%d requests were refused, want that of the forged form", n)
	}
}

// membersApp is a site with a form for invitations. It has the cookie that Kratos sets for
// its host.
type membersApp struct {
	*httptest.Server
	script atomic.Pointer[string]
}

func newApp(t *testing.T, cookie *http.Cookie) *membersApp {
	t.Helper()
	ofHost := *cookie
	ofHost.Domain = ""
	app := &membersApp{}
	app.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
			http.SetCookie(w, &ofHost)
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = io.WriteString(w, appPage)
		case "/invite.js":
			w.Header().Set("Content-Type", "text/javascript")
			w.Header().Set("Cache-Control", "no-store")
			_, _ = io.WriteString(w, *app.script.Load())
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(app.Close)
	return app
}

const appPage = `<!doctype html><html lang="en"><title>Members</title>
<input aria-label="Email"><button>Invite</button><p></p>
<script type="module">
import { invite } from "/invite.js";
document.querySelector("button").addEventListener("click", () => {
  const say = (text) => { document.querySelector("p").textContent = text; };
  invite(document.querySelector("input").value).then((i) => say(i.state + " " + i.email), (e) => say(String(e)));
});
</script>`
