package main

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"invitebridge/bridge"
	"invitebridge/kratos"
)

// recovery tries what happens after an acceptance with kratos.
func (d *doctor) recovery(ctx context.Context) finding {
	ui := d.config.Selfservice.Flows.Settings.UIURL
	settings, err := d.admin.TryRecovery(ctx, d.config.Kratos.SchemaID, d.config.Invitation.ReturnTo)
	var e *bridge.IdentityError
	switch {
	case errors.Is(err, kratos.ErrNotTried):
		return warning("a recovery code could not be tried: "+reason(err), "invite yourself, and accept with kratos")
	case errors.As(err, &e):
		_, advice := recoveryFault(err)
		return problem(reason(err), advice)
	case err != nil:
		return problem(reason(err), "check kratos.public_url, at which the code was submitted")
	case ui == "":
		return warning("selfservice.flows.settings.ui_url is not set, so invitees who accept with kratos have to type a code", "set it to "+pageOf(settings))
	case d.config.RecoveryURL() == "":
		return warning("browsers permit no form to an IPv6 address, so invitees who accept with kratos have to type a code", "give Kratos and its settings page a name")
	}
	if want, err := url.Parse(ui); err != nil || pageOf(settings) != pageOf(want) {
		return problem("after a code, Kratos redirects browsers to "+pageOf(settings), "set selfservice.flows.settings.ui_url as in Kratos; if it is, see Kratos' log")
	}
	return passed("a recovery code leads to Kratos' settings page")
}

// pageOf returns a URL without what differs from one flow to another.
func pageOf(u *url.URL) string {
	host := strings.ToLower(u.Host)
	switch u.Scheme {
	case "https":
		host = strings.TrimSuffix(host, ":443")
	case "http":
		host = strings.TrimSuffix(host, ":80")
	}
	return u.Scheme + "://" + host + u.Path
}
