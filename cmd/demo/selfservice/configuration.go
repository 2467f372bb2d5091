package selfservice

import (
	"net"
	"net/url"
	"strings"
)

// Configuration returns the part of Kratos' configuration, in YAML, that refers to
// the UI at ui, and sends emails through the mail server at smtp. Passkeys are
// enabled if ui has a name: browsers do not permit them for an IP address.
func Configuration(ui, smtp string) string {
	ui = strings.TrimSuffix(ui, "/")
	name := ""
	if u, err := url.Parse(ui); err == nil && net.ParseIP(u.Hostname()) == nil {
		name = u.Hostname()
	}
	passkeys := ""
	if name != "" {
		passkeys = "    passkey: { enabled: true, config: { rp: { id: NAME, display_name: Example, origins: [ UI ] } } }"
	}
	return strings.NewReplacer("UI", ui, "SMTP", smtp).Replace(`
selfservice:
  default_browser_return_url: UI/sessions
  allowed_return_urls: [ UI ]
  methods:
    password: { enabled: true }
` + strings.NewReplacer("UI", ui, "NAME", name).Replace(passkeys) + `
  flows:
    error: { ui_url: UI/error }
    login: { ui_url: UI/login }
    registration: { ui_url: UI/registration }
    settings: { ui_url: UI/settings, after: { default_browser_return_url: UI/sessions } }
    recovery: { ui_url: UI/recovery }
    verification: { ui_url: UI/verification }
    logout: { after: { default_browser_return_url: UI/login } }
courier:
  smtp: { connection_uri: "SMTP" }
`)
}
