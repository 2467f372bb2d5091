package main

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"invitebridge/bridge"
	"invitebridge/config"
	"invitebridge/kratos"
)

// Limits for the difference between the clocks.
const (
	skewWarning = 5 * time.Second
	skewProblem = time.Minute
)

// check is named after the configuration key that it concerns, if there is one;
// its findings have the same name unless they set their own. run ends with its
// context and adds at least one finding.
type check struct {
	name string
	run  func(ctx context.Context, add func(finding))
}

func (d *doctor) checks() []check {
	one := func(find func(context.Context) finding) func(context.Context, func(finding)) {
		return func(ctx context.Context, add func(finding)) { add(find(ctx)) }
	}
	checks := []check{
		{"configuration", d.configuration},
		{"dsn", one(d.dsn)},
		{"kratos.admin_url", one(d.adminAPI)},
		{"kratos.public_url", one(d.publicAPI)},
		{"login", one(d.login)},
		{"kratos.schema_id", d.schemas},
		{"clock", one(d.clock)},
		{"courier.smtp", one(d.mail)},
	}
	if slices.Contains(d.config.Invitation.AcceptWith, config.AcceptKratos) {
		checks = append(checks, check{"recovery", one(d.recovery)})
	}
	checks = append(checks, d.sockets()...)
	for _, h := range d.config.Hooks {
		checks = append(checks, check{"hook " + h.ID, one(func(ctx context.Context) finding { return d.hook(ctx, h.ID) })})
	}
	if d.bridge != nil { // otherwise "identities" reports why not
		checks = append(checks, check{"endpoints", d.endpoints})
	}
	return append(checks, check{"identities", d.identities})
}

func (d *doctor) configuration(_ context.Context, add func(finding)) {
	add(passed("it is valid, and the files it refers to can be read"))
	for _, text := range d.config.Warnings() {
		message, advice, _ := strings.Cut(text, "; ")
		add(warning(message, advice))
	}
}

func (d *doctor) adminAPI(ctx context.Context) finding {
	err := d.admin.Probe(ctx)
	if err == nil {
		return passed("%s is Kratos' admin API, and the bridge has access", d.config.Kratos.AdminURL)
	}
	advice := "check that Kratos is running and that this machine can reach its admin API"
	switch status := kratos.StatusOf(err); {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		advice = "check that kratos.admin_token is accepted by what protects the admin API"
	case status == http.StatusNotFound, status >= 200 && status <= 399:
		advice = "check that this is the admin API, on port 4434 by default, not the public one"
	}
	return problem(reason(err), advice)
}

func (d *doctor) publicAPI(ctx context.Context) finding {
	err := d.public.Probe(ctx)
	switch {
	case err == nil:
		return passed("%s is Kratos' public API", d.config.Kratos.PublicURL)
	case errors.Is(err, kratos.ErrAdminExposed):
		return problem(reason(err), "set it to the public API, on port 4433 by default; if this is the public API, block its /admin at once: anyone who can reach it has full access")
	case errors.Is(err, kratos.ErrNotPublicAPI):
		return problem(reason(err), "set it to the address at which browsers reach Kratos' self-service, on port 4433 by default")
	}
	return problem(reason(err), "check that Kratos is running and that this machine can reach its public API")
}

func (d *doctor) clock(ctx context.Context) finding {
	ahead, err := d.admin.ClockSkew(ctx)
	message, advice := "Kratos' clock is ahead of this machine's by "+ahead.Abs().String(), "synchronize both with NTP"
	if ahead < 0 {
		message = "Kratos' clock is behind this machine's by " + ahead.Abs().String()
	}
	switch {
	case errors.Is(err, kratos.ErrNoDateHeader):
		return warning(reason(err), "compare the clocks by hand")
	case err != nil:
		return problem(reason(err), "the time is read from kratos.admin_url; see that check")
	case ahead.Abs() >= skewProblem:
		return problem(message, advice)
	case ahead.Abs() >= skewWarning:
		return warning(message, advice)
	}
	return passed("the clocks of this machine and of Kratos differ by less than %s", skewWarning)
}

func (d *doctor) mail(ctx context.Context) finding {
	if d.courier == nil {
		return passed("no mail server is configured: no email is sent, and you pass on each invitation_link")
	}
	err := d.courier.Probe(ctx)
	switch {
	case err == nil:
		return passed("the mail server would accept emails")
	case noMailbox.MatchString(err.Error()):
		return warning(reason(err)+", for the sender's address", "bounces and replies go to courier.smtp.from_address: create that mailbox, or try again later")
	}
	return problem(reason(err), "check courier.smtp.connection_uri, and that this machine can reach the mail server")
}

// noMailbox matches replies about a recipient that the server does not have, or
// not yet (RFC 3463, 3.2). The server may still accept emails from the bridge.
var noMailbox = regexp.MustCompile(`^RCPT TO: the server replied (4\d\d|5\d\d 5\.1\.\d+)[^;]*$`)

func (d *doctor) hook(ctx context.Context, id string) finding {
	if err := d.hooks.Probe(ctx, id); err != nil {
		return problem(reason(err), "check its url, and that this machine can reach it")
	}
	return passed("its host accepts connections; nothing was sent")
}

// reason returns the text of an error without the name of the failed method.
func reason(err error) string {
	var e *bridge.IdentityError
	switch {
	case !errors.As(err, &e):
		return err.Error()
	case e.Cause != nil:
		return e.Reason + ": " + e.Cause.Error()
	}
	return e.Reason
}
