package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"invitebridge/kratos/kratostest"
)

// scenario is something that clients ask for, or that time brings about, while
// the bridge is killed.
type scenario struct {
	name     string
	points   []string
	verbs    []string      // whose failpoints are meant
	cooldown time.Duration // of letters
	deletes  bool          // identities that nobody accepted
	claims   bool          // clients may have to wait for a lease
	// prepare brings a subject to where the scenario begins.
	prepare func(context.Context, *trial, *subject) error
	// approach brings about what must be fresh when the bridge is killed; nil:
	// nothing must.
	approach func(context.Context, *trial, *subject) error
	// ripe says when that has taken effect; zero: at once.
	ripe func(*subject) time.Time
	// act asks for it once; it is repeated until it succeeds.
	act func(context.Context, *trial, *subject) error
	// between looks, and may have somebody do something, after a kill and before
	// the next start; nil: nobody does anything.
	between check
	// stands says what is not as it should be, nil if all is: at once, and in the
	// end.
	stands check
	// arrives is the same for messages, which take their time.
	arrives check
}

const day = 24 * time.Hour

var scenarios = []scenario{
	{name: "invite", points: invitePoints, verbs: []string{"invite"}, cooldown: day,
		prepare: nothing, act: invite, stands: isPending, arrives: all(toldOnce("invitation_token_created"), mailed(1))},
	{name: "adopt", points: adoptPoints, verbs: []string{"invite"}, cooldown: day,
		prepare: exist, act: invite, stands: all(isPending, isAdopted), arrives: all(toldOnce("invitation_token_created"), mailed(1))},
	{name: "accept", points: acceptPoints, verbs: []string{"accept"}, cooldown: day, claims: true,
		prepare: invite, act: accept, stands: isAccepted, arrives: toldOnce("post_password_creation")},
	{name: "letter", points: letterPoints, verbs: []string{"accept"}, cooldown: day, claims: true,
		prepare: inviteByLetter, act: accept, stands: isAccepted, arrives: toldOnce("post_password_creation")},
	{name: "reactivate-invite", points: reactivateInvitePoints, verbs: []string{"invite"}, cooldown: day,
		prepare: leave, act: inviteAnew, between: isUntouched, stands: all(isPending, isAdopted, isUntouched),
		arrives: all(toldOnce("invitation_token_created"), mailed(1))},
	{name: "reactivate-accept", points: reactivateAcceptPoints, verbs: []string{"accept"}, cooldown: day, claims: true,
		prepare: inviteFormer, act: acceptOrReturn, between: reclaim, stands: isHandedOver, arrives: toldOfEnd},
	{name: "resend", points: resendPoints, verbs: []string{"resend"}, cooldown: day,
		prepare: invite, act: resend, stands: all(isPending, isGranted), arrives: mailed(2)},
	{name: "revoke", points: revokePoints, verbs: []string{"revoke"}, cooldown: day,
		prepare: invite, act: revoke, stands: hasEnded("revoked"), arrives: toldOnce("invitation_revoked")},
	{name: "revoke-running", points: revokeRunningPoints, verbs: []string{"accept", "revoke"}, cooldown: day, claims: true,
		prepare: invite, act: revokeWhileRunning, stands: hasEnded("revoked"), arrives: toldOnce("invitation_revoked")},
	{name: "revoke-landed", points: revokeLandedPoints, verbs: []string{"revoke"}, cooldown: day, claims: true,
		prepare: invite, approach: landClaim, act: revokeUntilSettled, stands: isAccepted, arrives: toldOnce("post_password_creation")},
	{name: "renew", points: renewPoints, verbs: []string{"renew"}, cooldown: time.Second,
		prepare: inviteBriefly, ripe: expiry, act: renew, stands: all(isGranted, nobodySignsIn), arrives: mailed(2)},
	{name: "expire", points: expirePoints, verbs: []string{"sweep"}, cooldown: day,
		prepare: inviteBriefly, ripe: expiry, act: await("expired"), stands: hasEnded("expired"), arrives: toldOnce("invitation_expired")},
	{name: "delete", points: deletePoints, verbs: []string{"sweep"}, cooldown: day, deletes: true,
		prepare: inviteBriefly, ripe: expiry, act: isDeleted, stands: isDeleted, arrives: toldOnce("invitation_expired")},
	{name: "settle", points: settlePoints, verbs: []string{"sweep"}, cooldown: day,
		prepare: leaveClaim, ripe: afterLease, act: await("accepted"), stands: isAccepted, arrives: toldOnce("post_password_creation")},
	{name: "deliver", points: deliverPoints, verbs: []string{"claim", "send", "finish"}, cooldown: day,
		prepare: nothing, act: invite, stands: isPending, arrives: all(toldOnce("invitation_token_created"), mailed(1))},
}

func nothing(context.Context, *trial, *subject) error { return nil }

func invite(ctx context.Context, t *trial, s *subject) error { return inviteFor(ctx, t, s, "48h") }

// exist makes the identity before the bridge knows of it.
func exist(ctx context.Context, t *trial, s *subject) (err error) {
	s.adopted, err = t.kratos.Create(ctx, fmt.Sprintf(`{"schema_id":%q,"state":"inactive","traits":{"email":%q}}`, kratostest.DefaultSchema, s.email))
	return err
}

// inviteByLetter keeps the token that the invitee gets, and no other.
func inviteByLetter(ctx context.Context, t *trial, s *subject) error {
	if err := invite(ctx, t, s); err != nil {
		return err
	}
	for deadline := time.Now().Add(messagePatience); time.Now().Before(deadline) && ctx.Err() == nil; time.Sleep(5 * time.Millisecond) {
		if token := t.world.letterToken(s.email); token != "" {
			s.tokens = []string{token}
			return nil
		}
	}
	return errors.New("no letter has come")
}

// inviteBriefly invites for a second and some more, so that the subjects of a
// trial expire one after the other.
func inviteBriefly(ctx context.Context, t *trial, s *subject) error {
	return inviteFor(ctx, t, s, (time.Duration(1+s.number) * time.Second).String())
}

func inviteFor(ctx context.Context, t *trial, s *subject, lifespan string) error {
	return inviteBy(ctx, t, s, map[string]any{"email": s.email, "expires_in": lifespan})
}

func inviteBy(ctx context.Context, t *trial, s *subject, body map[string]any) error {
	a, err := call(ctx, http.MethodPost, t.process.admin, "/", body)
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
	a, err := t.send(ctx, s, s.tokens[0], s.password)
	if err != nil {
		return err
	}
	if a.Error.ID == "invitation_accepted" && s.asked > 1 {
		return nil // by what was asked before, whose answer was lost
	}
	return a.is(http.StatusOK)
}

// send sends a password with a token.
func (t *trial) send(ctx context.Context, s *subject, token, password string) (answer, error) {
	s.asked++
	return call(ctx, http.MethodPost, t.process.public, "/"+token, map[string]any{"password": password})
}

// leaveClaim leaves a claim behind, and waits for nothing.
func leaveClaim(ctx context.Context, t *trial, s *subject) error {
	if err := invite(ctx, t, s); err != nil {
		return err
	}
	if err := landClaim(ctx, t, s); err != nil {
		return err
	}
	s.until = time.Now().Add(t.kratos.lease())
	return errors.Join(t.process.arm(""), t.process.start(ctx))
}

// landClaim has the bridge killed when Kratos has activated the identity, and
// before the bridge has noted it.
func landClaim(ctx context.Context, t *trial, s *subject) error {
	if err := t.process.arm("accept.activate1.after"); err != nil {
		return err
	}
	_ = accept(ctx, t, s) // there is no answer
	if !t.process.dies(10 * time.Second) {
		return errors.New("it was not killed at accept.activate1.after")
	}
	shown, err := t.kratos.Show(ctx, s.identity)
	if err == nil && shown.State != "active" {
		err = errors.New("the write took Kratos too long")
	}
	return err
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

// revokeWhileRunning revokes while a hook is being asked whether the invitation
// may be accepted. Repeated, it revokes until nobody is at work any more.
func revokeWhileRunning(ctx context.Context, t *trial, s *subject) error {
	if s.asked > 0 {
		return revoke(ctx, t, s)
	}
	asked, goOn := t.world.holdBack(s.id)
	defer goOn()
	var accepting sync.WaitGroup
	accepting.Go(func() { _ = accept(ctx, t, s); goOn() })
	select {
	case <-asked:
	case <-t.process.ended:
	case <-ctx.Done():
	}
	err := revoke(ctx, t, s)
	goOn()
	accepting.Wait()
	return err
}

// revokeUntilSettled revokes an invitation that was accepted, as nobody knows
// yet.
func revokeUntilSettled(ctx context.Context, t *trial, s *subject) error {
	for {
		a, err := call(ctx, http.MethodPost, t.process.admin, "/"+s.id.String()+"/revoke", nil)
		switch {
		case err != nil:
			return err
		case a.Error.ID == "invitation_accepted":
			return nil
		case a.status != http.StatusAccepted:
			return a.is(http.StatusAccepted)
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
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
