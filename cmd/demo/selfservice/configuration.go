package selfservice

import "strings"

// Configuration returns the part of Kratos' configuration, in YAML, that refers to
// the UI at ui, and sends emails through the mail server at smtp.
func Configuration(ui, smtp string) string {
	return strings.NewReplacer("UI", strings.TrimSuffix(ui, "/"), "SMTP", smtp).Replace(`
selfservice:
  default_browser_return_url: UI/sessions
  allowed_return_urls: [ UI ]
  flows:
    error: { ui_url: UI/error }
    login: { ui_url: UI/login }
    registration: { ui_url: UI/registration }
    settings: { ui_url: UI/settings }
    recovery: { ui_url: UI/recovery }
    verification: { ui_url: UI/verification }
    logout: { after: { default_browser_return_url: UI/login } }
courier:
  smtp: { connection_uri: "SMTP" }
`)
}
