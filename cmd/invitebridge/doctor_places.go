package main

import (
	"context"
	"errors"
	"strings"

	"invitebridge/kratos"
)

// dsn says whether serve could open its store, or make it. One that another
// process has open is good.
func (d *doctor) dsn(context.Context) finding {
	switch err := tryStore(d.config.BoltPath()); {
	case err != nil:
		return problem(strings.TrimPrefix(err.Error(), "dsn: "), "run doctor where serve runs, and as its user")
	case d.config.BoltPath() == "":
		return fine("development makes a temporary file")
	}
	return fine("%s can be opened, or made", d.config.BoltPath())
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
