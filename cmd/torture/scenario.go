package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// scenario is something that clients ask for, or that time brings about, while
// the bridge is killed.
type scenario struct {
	name     string
	points   []string
	verbs    []string      // whose arrows are meant
	cooldown time.Duration // of letters
	// prepare brings a subject to where the scenario begins.
	prepare func(context.Context, *trial, *subject) error
	// ripe says when that has taken effect; zero: at once.
	ripe func(*subject) time.Time
	// act asks for it once; it is repeated until it succeeds.
	act func(context.Context, *trial, *subject) error
	// check says what is not as it should be in the end, nil if all is; it is
	// repeated until messages have had time to arrive.
	check func(context.Context, *trial, *subject) error
}

const day = 24 * time.Hour

var scenarios = []scenario{
	{name: "invite", points: invitePoints, verbs: []string{"invite"}, cooldown: day,
		prepare: nothing, act: invite, check: all(isPending, toldOnce("invitation_token_created"), mailed(1, 2))},
	{name: "accept", points: acceptPoints, verbs: []string{"accept"}, cooldown: day,
		prepare: invite, act: accept, check: all(isAccepted, toldOnce("post_password_creation"))},
	{name: "resend", points: resendPoints, verbs: []string{"resend"}, cooldown: day,
		prepare: invite, act: resend, check: isPending},
	{name: "revoke", points: revokePoints, verbs: []string{"revoke"}, cooldown: day,
		prepare: invite, act: revoke, check: all(hasEnded("revoked"), toldOnce("invitation_revoked"))},
	{name: "renew", points: renewPoints, verbs: []string{"renew"}, cooldown: time.Second,
		prepare: inviteBriefly, ripe: expiry, act: renew, check: all(nobodySignsIn, mailed(1, 3))},
	{name: "expire", points: expirePoints, verbs: []string{"sweep"}, cooldown: day,
		prepare: inviteBriefly, ripe: expiry, act: await("expired"), check: all(hasEnded("expired"), toldOnce("invitation_expired"))},
	{name: "settle", points: settlePoints, verbs: []string{"sweep"}, cooldown: day,
		prepare: leaveClaim, ripe: afterLease, act: await("accepted"), check: all(isAccepted, toldOnce("post_password_creation"))},
	{name: "deliver", points: deliverPoints, verbs: []string{"claim", "send", "finish"}, cooldown: day,
		prepare: nothing, act: invite, check: all(isPending, toldOnce("invitation_token_created"), mailed(1, 2))},
}

func nothing(context.Context, *trial, *subject) error { return nil }

func invite(ctx context.Context, t *trial, s *subject) error { return inviteFor(ctx, t, s, "48h") }

// inviteBriefly invites for a second and some more, so that the subjects of a
// trial expire one after the other.
func inviteBriefly(ctx context.Context, t *trial, s *subject) error {
	return inviteFor(ctx, t, s, (time.Duration(1+s.number) * time.Second).String())
}

func inviteFor(ctx context.Context, t *trial, s *subject, lifespan string) error {
	a, err := call(ctx, http.MethodPost, t.process.admin, "/", map[string]any{"email": s.email, "expires_in": lifespan})
	if err != nil {
		return err
	}
	if err := a.is(http.StatusCreated, http.StatusOK); err != nil {
		return err
	}
	s.id, s.identity, s.until = a.ID, a.Who, a.ExpiresAt
	s.tokens = append(s.tokens, a.Token)
	return nil
}

// expiry is by the bridge's word: one that expired while the bridge runs would
// be expired by whatever is asked next, and not by its start.
func expiry(s *subject) time.Time { return s.until.Add(10 * time.Millisecond) }

func accept(ctx context.Context, t *trial, s *subject) error {
	a, err := call(ctx, http.MethodPost, t.process.public, "/"+s.tokens[0], map[string]any{"password": s.password})
	if err != nil {
		return err
	}
	if a.Error.ID == "invitation_accepted" && s.asked > 0 {
		return nil // by what was asked before, whose answer was lost
	}
	s.asked++
	return a.is(http.StatusOK)
}

// leaveClaim has the bridge killed when Kratos has activated the identity, and
// before the bridge has noted it.
func leaveClaim(ctx context.Context, t *trial, s *subject) error {
	if err := invite(ctx, t, s); err != nil {
		return err
	}
	if err := t.process.arm("accept.activate1.after"); err != nil {
		return err
	}
	_ = accept(ctx, t, s) // there is no answer
	if !t.process.dies(10 * time.Second) {
		return errors.New("it was not killed at accept.activate1.after")
	}
	s.until = time.Now().Add(lease)
	return errors.Join(t.process.arm(""), t.process.start(ctx))
}

func afterLease(s *subject) time.Time { return s.until }

func resend(ctx context.Context, t *trial, s *subject) error {
	a, err := call(ctx, http.MethodPost, t.process.admin, "/"+s.id.String()+"/resend", nil)
	if err == nil {
		if err = a.is(http.StatusOK); err == nil {
			s.tokens = append(s.tokens, a.Token)
		}
	}
	return err
}

func revoke(ctx context.Context, t *trial, s *subject) error {
	a, err := call(ctx, http.MethodPost, t.process.admin, "/"+s.id.String()+"/revoke", nil)
	if err == nil {
		err = a.is(http.StatusOK)
	}
	return err
}

func renew(ctx context.Context, t *trial, s *subject) error {
	a, err := call(ctx, http.MethodPost, t.process.public, "/"+s.tokens[0]+"/renew", nil)
	if err == nil {
		err = a.is(http.StatusAccepted)
	}
	return err
}

// await asks for nothing but how the invitation stands.
func await(state string) func(context.Context, *trial, *subject) error {
	return func(ctx context.Context, t *trial, s *subject) error {
		a, err := t.get(ctx, s)
		if err == nil && a.State != state {
			err = fmt.Errorf("it is %s", a.State)
		}
		return err
	}
}
