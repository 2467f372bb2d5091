package main

import (
	"context"
	"errors"
	"strings"

	"invitebridge/bridge/pgstore"
	"invitebridge/config"
	"invitebridge/kratos"
)

const whereServeRuns = "run doctor where serve runs, as the same user"

// dsn checks that serve could open or create its store. A store that another
// process has open is fine. A database must be migrated and accept writes.
func (d *doctor) dsn(ctx context.Context) finding {
	dsn := d.config.PostgresDSN().Reveal()
	switch err := checkStore(d.config); {
	case err != nil && dsn != "":
		return problem(strings.TrimPrefix(err.Error(), "dsn: "), "correct it; invitebridge config check reports the same")
	case err != nil:
		return problem(strings.TrimPrefix(err.Error(), "dsn: "), whereServeRuns)
	case dsn != "":
		return d.database(ctx, dsn)
	case d.config.BoltPath() == "":
		return passed("development mode uses a temporary file")
	}
	return passed("%s can be opened or created", d.config.BoltPath())
}

func (d *doctor) database(ctx context.Context, dsn string) finding {
	store, err := pgstore.Open(ctx, dsn)
	switch {
	case errors.Is(err, pgstore.ErrNotMigrated), errors.Is(err, pgstore.ErrOlderSchema):
		return problem(err.Error(), "serve migrates by itself only if serve.migrate is true")
	case errors.Is(err, pgstore.ErrNewerSchema):
		return problem(err.Error(), "this release cannot use the database any more")
	case err != nil:
		return problem(err.Error(), "check that PostgreSQL is running, that this machine can reach it, and the user and password in dsn")
	}
	defer func() { _ = store.Close() }()
	if err := store.Ping(ctx); err != nil {
		return problem(err.Error(), "check that this is the primary, and that its disk is not full")
	}
	return passed("the database is migrated and accepts writes")
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
