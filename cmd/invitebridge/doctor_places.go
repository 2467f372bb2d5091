package main

import (
	"context"
	"errors"
	"strings"

	"invitebridge/config"
	"invitebridge/kratos"
)

const whereServeRuns = "run doctor where serve runs, as the same user"

// dsn checks that serve could open or create its store. A store that another
// process has open is fine.
func (d *doctor) dsn(context.Context) finding {
	switch err := checkStore(d.config.BoltPath()); {
	case err != nil:
		return problem(strings.TrimPrefix(err.Error(), "dsn: "), whereServeRuns)
	case d.config.BoltPath() == "":
		return passed("development mode uses a temporary file")
	}
	return passed("%s can be opened or created", d.config.BoltPath())
}

// sockets returns a check for each listener that is a unix socket.
func (d *doctor) sockets() (checks []check) {
	serve := d.config.Serve
	for _, l := range []struct {
		name, host string
		socket     config.Socket
	}{{"public", serve.Public.Host, serve.Public.Socket}, {"admin", serve.Admin.Host, serve.Admin.Socket}} {
		if !strings.HasPrefix(l.host, "unix:") {
			continue
		}
		key := "serve." + l.name + ".host"
		checks = append(checks, check{key, func(_ context.Context, add func(finding)) {
			if err := checkSocket(l.name, l.host, l.socket); err != nil {
				add(problem(strings.TrimPrefix(err.Error(), key+": "), whereServeRuns))
				return
			}
			add(passed("the socket can be created"))
		}})
	}
	return checks
}

// login checks that invitees get to a login page after accepting.
func (d *doctor) login(ctx context.Context) finding {
	if to := d.config.Invitation.ReturnTo; to != "" {
		return passed("invitees go to %s after accepting", to)
	}
	const advice = "set selfservice.flows.login.ui_url in Kratos to your login page, or set invitation.return_to"
	switch err := d.public.Login(ctx); {
	case errors.Is(err, kratos.ErrNoLoginPage):
		return warning(reason(err)+", so the page of an accepted invitation has no login link", advice)
	case err != nil:
		return warning("the login page could not be checked from here: "+reason(err), "open "+d.config.DefaultReturnURL()+" in a browser")
	}
	return passed("Kratos redirects to a login page")
}
