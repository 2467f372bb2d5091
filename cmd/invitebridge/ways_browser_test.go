package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"invitebridge/bridge/mail/mailtest"
	"invitebridge/bridge/page/pagetest"
	"invitebridge/cmd/demo/selfservice"
	"invitebridge/kratos/kratostest"
)

// waysIn is a bridge whose invitees choose how to sign in, on a real Kratos without
// registration. Kratos and its pages belong to another site than the bridge.
type waysIn struct {
	*wired
	pages string // of Kratos
}

const kratosButton = "button[name=method][value=kratos]"

func startWaysIn(t *testing.T, lines ...string) *waysIn {
	t.Helper()
	mailbox, err := mailtest.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(mailbox.Stop)
	var ui http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { ui.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	pages := strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	kratos := kratostest.StartEveryMethod(t, kratostest.Options{
		Host: "localhost", Courier: true,
		Config: strings.Replace(selfservice.Configuration(pages, mailbox.URI()), "registration: {", "registration: { enabled: false,", 1),
	})
	ui = selfservice.New(kratos.PublicURL, kratos.PublicURL)
	w := &waysIn{pages: pages, wired: &wired{kratos: kratos, mailbox: mailbox}}
	w.wired = w.beside(t, kratos.AdminURL, append(lines, "selfservice: { flows: { settings: { ui_url: "+pages+"/settings } } }")...)
	return w
}

// beside starts a bridge on that Kratos, whose admin API it reaches at admin.
func (w *waysIn) beside(t *testing.T, admin string, lines ...string) *wired {
	t.Helper()
	return newWiredOn(t, w.kratos, w.mailbox, append(lines,
		"kratos: { schema_id: "+kratostest.MemberSchema+", admin_url: "+admin+" }",
		"page: { title: Example }",
		"invitation: { accept_with: [ password, kratos ], session: true, return_to: "+w.pages+"/sessions }",
		fmt.Sprintf(`serve: { public: { port: %d, base_url: "http://127.0.0.1:%[1]d" } }`, freePort(t)))...)
}

// open invites someone and opens the link of the email in a browser.
func (w *waysIn) open(t *testing.T, email string, o pagetest.Options) *pagetest.Tab {
	t.Helper()
	w.invite(object{"email": email})
	link, _ := w.link(email)
	tab := pagetest.Open(t, o)
	tab.Visit(link)
	return tab
}

// atSettings checks that the browser is signed in, at Kratos' settings page.
func (w *waysIn) atSettings(tab *pagetest.Tab) {
	tab.At(w.pages + "/settings?flow=")
	tab.See("You successfully recovered your account")
}

// signOut ends the session and opens the login page.
func (w *waysIn) signOut(tab *pagetest.Tab, email string) {
	tab.Visit(w.pages + "/sessions")
	tab.See("You are signed in as " + email)
	tab.Click("a[href*=logout]")
	tab.At(w.pages + "/login?flow=")
}

// TestWaysIn goes from the link in the email to the settings page of a real Kratos,
// in a real browser, chooses each way to sign in, and signs in like that.
func TestWaysIn(t *testing.T) {
	w := startWaysIn(t)
	methodButton := func(method string) string { return "button[name=method][value=" + method + "]" }
	field := func(method, name string) string {
		return "form:has(" + methodButton(method) + ") [name=" + name + "]"
	}
	for name, choose := range map[string]struct{ set, signIn func(*pagetest.Tab, string) }{
		"password": {
			func(tab *pagetest.Tab, _ string) {
				tab.Fill("[name=password]", password)
				tab.Click(methodButton("password"))
			},
			func(tab *pagetest.Tab, email string) {
				tab.Fill(field("password", "identifier"), email)
				tab.Fill("[name=password]", password)
				tab.Click(methodButton("password"))
			},
		},
		"passkey": {
			func(tab *pagetest.Tab, _ string) { tab.Click("button[name=passkey_register_trigger]") },
			func(tab *pagetest.Tab, _ string) { tab.Visit(w.pages + "/login") }, // it asks for the passkey by itself
		},
		"social": {
			func(tab *pagetest.Tab, email string) {
				tab.Click("button[name=link][value=test]")
				w.atProvider(tab, email)
			},
			func(tab *pagetest.Tab, email string) {
				tab.Click("button[name=provider][value=test]")
				w.atProvider(tab, email)
			},
		},
		"code": {
			func(tab *pagetest.Tab, _ string) { tab.Visit(w.pages + "/sessions") }, // nothing to set up
			func(tab *pagetest.Tab, email string) {
				tab.Fill(field("code", "identifier"), email)
				tab.Click(methodButton("code"))
				tab.Fill("[name=code]", w.code(t, email))
				tab.Click(methodButton("code"))
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			email := "ways." + name + "@example.com"
			tab := w.open(t, email, pagetest.Options{})
			device := tab.AddAuthenticator()
			tab.See("Choose another way")
			tab.Click(kratosButton)
			w.atSettings(tab)
			choose.set(tab, email)
			tab.At(w.pages + "/sessions") // the bridge's return_to
			device.Confirm(false)         // otherwise the login page signs in at once
			w.signOut(tab, email)
			device.Confirm(true)
			choose.signIn(tab, email)
			tab.See("You are signed in as " + email)
			if err := tab.Log().Unblocked(); err != nil {
				t.Error(err)
			}
		})
	}
}

// atProvider signs in at the provider as a person whose address is another one.
func (w *waysIn) atProvider(tab *pagetest.Tab, name string) {
	tab.See("Sign in at the provider")
	tab.Fill("[name=name]", name)
	tab.Click("button")
}

// code returns the code in the next email of Kratos to an address.
func (w *waysIn) code(t *testing.T, email string) string {
	t.Helper()
	for {
		if code := sixDigits.FindString(w.awaitEmail(email).Text); code != "" {
			return code
		}
	}
}
