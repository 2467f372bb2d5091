package main

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"time"

	"invitebridge/bridge"
	"invitebridge/kratos"
)

// How far the clocks may be apart.
const (
	skewWarning = 5 * time.Second
	skewProblem = time.Minute
)

// check is named by the key of the configuration that it is about, if there is
// one; so is each of its findings that has no name of its own. It ends with its
// context and tells at least one finding.
type check struct {
	name string
	run  func(ctx context.Context, tell func(finding))
}

func (d *doctor) checks() []check {
	one := func(find func(context.Context) finding) func(context.Context, func(finding)) {
		return func(ctx context.Context, tell func(finding)) { tell(find(ctx)) }
	}
	checks := []check{
		{"configuration", one(func(context.Context) finding { return fine("it can be read, with all that it names") })},
		{"dsn", one(d.dsn)},
		{"kratos.admin_url", one(d.adminAPI)},
		{"kratos.public_url", one(d.publicAPI)},
		{"login", one(d.login)},
		{"kratos.schema_id", d.schemas},
		{"clock", one(d.clock)},
		{"courier.smtp", one(d.mail)},
	}
	checks = append(checks, d.sockets()...)
	for _, h := range d.config.Hooks {
		checks = append(checks, check{"hook " + h.ID, one(func(ctx context.Context) finding { return d.hook(ctx, h.ID) })})
	}
	if d.bridge != nil { // else "identities" says why it cannot be asked
		checks = append(checks, check{"endpoints", d.endpoints})
	}
	return append(checks, check{"identities", d.identities})
}

func (d *doctor) adminAPI(ctx context.Context) finding {
	err := d.admin.Try(ctx)
	if err == nil {
		return fine("%s is Kratos' admin API, and lets the bridge in", d.config.Kratos.AdminURL)
	}
	advice := "is Kratos running, and may this machine reach its admin API?"
	switch status := kratos.StatusOf(err); {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		advice = "check kratos.admin_token with what guards the admin API"
	case status == http.StatusNotFound, status >= 200 && status <= 399:
		advice = "is this the admin API, on port 4434 by default, and not the public one?"
	}
	return problem(reason(err), advice)
}

func (d *doctor) publicAPI(ctx context.Context) finding {
	err := d.public.Try(ctx)
	switch {
	case err == nil:
		return fine("%s is Kratos' public API", d.config.Kratos.PublicURL)
	case errors.Is(err, kratos.ErrAdminExposed):
		return problem(reason(err), "give the public API, on port 4433 by default; if that is it, close its /admin at once: whoever reaches it may do everything")
	case errors.Is(err, kratos.ErrNotPublic):
		return problem(reason(err), "give the address that browsers reach Kratos' self-service at, on port 4433 by default")
	}
	return problem(reason(err), "is Kratos running, and may this machine reach its public API?")
}

func (d *doctor) clock(ctx context.Context) finding {
	ahead, err := d.admin.Clock(ctx)
	message, advice := "Kratos' clock is ahead of this machine's by "+ahead.Abs().String(), "have both keep time by NTP"
	if ahead < 0 {
		message = "Kratos' clock is behind this machine's by " + ahead.Abs().String()
	}
	switch {
	case errors.Is(err, kratos.ErrNoDate):
		return warning(reason(err), "compare the clocks by hand")
	case err != nil:
		return problem(reason(err), "the time is read from kratos.admin_url: see there")
	case ahead.Abs() >= skewProblem:
		return problem(message, advice)
	case ahead.Abs() >= skewWarning:
		return warning(message, advice)
	}
	return fine("this machine's and Kratos' differ by less than %s", skewWarning)
}

func (d *doctor) mail(ctx context.Context) finding {
	if d.courier == nil {
		return fine("no mail server is configured: nobody is mailed, and each invitation_link is yours to pass on")
	}
	err := d.courier.Try(ctx)
	switch {
	case err == nil:
		return fine("the mail server would take emails")
	case noMailbox.MatchString(err.Error()):
		return warning(reason(err)+", about the address that emails come from", "bounces and replies go to courier.smtp.from_address: give it a mailbox, or try again later")
	}
	return problem(reason(err), "check courier.smtp.connection_uri, and whether this machine may reach the mail server")
}

// noMailbox is what servers reply about a recipient that they do not have, or not
// yet (RFC 3463, 3.2): that they take emails from the bridge is not in question.
var noMailbox = regexp.MustCompile(`^RCPT TO: the server replied (4\d\d|5\d\d 5\.1\.\d+)[^;]*$`)

func (d *doctor) hook(ctx context.Context, id string) finding {
	if err := d.hooks.Probe(ctx, id); err != nil {
		return problem(reason(err), "check its url, and whether this machine may reach it")
	}
	return fine("its host takes connections; nothing was sent")
}

// reason tells a failure without the name of the method that failed.
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
