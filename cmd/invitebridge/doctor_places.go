package main

import (
	"context"
	"errors"
	"strings"

	"invitebridge/config"
	"invitebridge/kratos"
)

const whereServeRuns = "run doctor where serve runs, and as its user"

// dsn says whether serve could open its store, or make it. One that another
// process has open is good.
func (d *doctor) dsn(context.Context) finding {
	switch err := tryStore(d.config.BoltPath()); {
	case err != nil:
		return problem(strings.TrimPrefix(err.Error(), "dsn: "), whereServeRuns)
	case d.config.BoltPath() == "":
		return fine("development makes a temporary file")
	}
	return fine("%s can be opened, or made", d.config.BoltPath())
}

// sockets makes a check of each listener that is a unix socket.
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
		checks = append(checks, check{key, func(_ context.Context, tell func(finding)) {
			if err := trySocket(l.name, l.host, l.socket); err != nil {
				tell(problem(strings.TrimPrefix(err.Error(), key+": "), whereServeRuns))
				return
			}
			tell(fine("there can be a socket"))
		}})
	}
	return checks
}

// login says whether invitees who have accepted find a page to sign in at.
func (d *doctor) login(ctx context.Context) finding {
	if to := d.config.Invitation.ReturnTo; to != "" {
		return fine("invitees go to %s", to)
	}
	const advice = "set selfservice.flows.login.ui_url in Kratos to a page of yours, or invitation.return_to"
	switch err := d.public.Login(ctx); {
	case errors.Is(err, kratos.ErrNoLogin):
		return warning(reason(err)+", so the page of an accepted invitation links to none", advice)
	case err != nil:
		return warning("the page to sign in at cannot be seen from here: "+reason(err), "open "+d.config.ReturnTo()+" in a browser")
	}
	return fine("Kratos leads to a page to sign in at")
}
