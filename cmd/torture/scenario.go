package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"invitebridge/bridge/testenv"
	"invitebridge/kratos/kratostest"
)

// scenario is an operation during which the bridge is killed: a client request or
// background work.
type scenario struct {
	name     string
	points   []string
	sample   []string      // those of the short form; nil: all
	verbs    []string      // the operations whose failpoints are tested
	cooldown time.Duration // between two emails
	deletes  bool          // delete unaccepted identities
	claims   bool          // clients may have to wait for a lease
	lease    time.Duration // of what a replica was doing, if it is longer than a claim's
	// prepare brings a subject into the initial state of the scenario.
	prepare func(context.Context, *trial, *subject) error
	// beforeKill prepares state that must be recent when the bridge is killed. It
	// may be nil.
	beforeKill func(context.Context, *trial, *subject) error
	// settle waits for work that is left from earlier kills, before the failpoint is
	// armed. Nil: that work may be killed there instead.
	settle func(context.Context, *trial, *subject) error
	// dueAt returns when the prepared state takes effect. Nil means at once.
	dueAt func(*subject) time.Time
	// act sends the request once. It is repeated until it succeeds.
	act func(context.Context, *trial, *subject) error
	// afterKill runs between a kill and the next start. It checks the state and may
	// act as an administrator. It may be nil.
	afterKill check
	// state checks what must hold immediately and at the end.
	state check
	// messages checks webhooks and emails, which may take a while to arrive.
	messages check
}

const day = 24 * time.Hour

var scenarios = []scenario{
	{name: "invite", points: invitePoints, verbs: []string{"invite"}, cooldown: day,
		prepare: nothing, act: invite, state: isPending, messages: all(deliveredOnce("invitation_token_created"), emailedAtMost(1))},
	{name: "adopt", points: adoptPoints, verbs: []string{"invite"}, cooldown: day,
		prepare: exist, act: invite, state: all(isPending, isAdopted), messages: all(deliveredOnce("invitation_token_created"), emailedAtMost(1))},
	{name: "accept", points: acceptPoints, verbs: []string{"accept"}, cooldown: day, claims: true,
		prepare: invite, act: accept, state: isAccepted, messages: deliveredOnce("post_password_creation")},
	{name: "accept-email", points: emailPoints, verbs: []string{"accept"}, cooldown: day, claims: true,
		prepare: inviteByEmail, act: accept, state: isAccepted, messages: deliveredOnce("post_password_creation")},
	{name: "accept-kratos", points: kratosPoints, verbs: []string{"accept"}, cooldown: day, claims: true,
		prepare: inviteByEmail, act: acceptByKratos, state: isActivated, messages: deliveredOnce("post_password_creation")},
	{name: "reactivate-invite", points: reactivateInvitePoints, verbs: []string{"invite"}, cooldown: day,
		prepare: createFormerAccount, act: inviteAnew, afterKill: isUntouched, state: all(isPending, isAdopted, isUntouched),
		messages: all(deliveredOnce("invitation_token_created"), emailedAtMost(1))},
	{name: "reactivate-accept", points: reactivateAcceptPoints, verbs: []string{"accept"}, cooldown: day, claims: true,
		prepare: inviteFormer, act: acceptOrReturn, afterKill: reclaim, state: isHandedOver, messages: deliveredEnd},
	{name: "resend", points: resendPoints, verbs: []string{"resend"}, cooldown: day,
		prepare: invite, act: resend, state: all(isPending, isExtended), messages: emailedAtMost(2)},
	{name: "revoke", points: revokePoints, verbs: []string{"revoke"}, cooldown: day,
		prepare: invite, act: revoke, state: hasEnded("revoked"), messages: deliveredOnce("invitation_revoked")},
	{name: "revoke-running", points: revokeRunningPoints, verbs: []string{"accept", "revoke"}, cooldown: day, claims: true,
		prepare: invite, act: revokeWhileRunning, state: hasEnded("revoked"), messages: deliveredOnce("invitation_revoked")},
	{name: "revoke-landed", points: revokeLandedPoints, verbs: []string{"revoke"}, cooldown: day, claims: true,
		prepare: invite, beforeKill: landClaim, act: revokeUntilSettled, state: isAccepted, messages: deliveredOnce("post_password_creation")},
	{name: "forget", points: forgetPoints, sample: forgetSample, verbs: []string{"forget"}, cooldown: day,
		prepare: inviteBeside, act: forget, state: isForgotten, messages: isErased},
	{name: "renew", points: renewPoints, verbs: []string{"renew"}, cooldown: time.Second,
		prepare: inviteBriefly, dueAt: expiry, act: renewUntilEmailed, state: all(isExtended, cannotSignIn), messages: emailedAtMost(2)},
	{name: "expire", points: expirePoints, verbs: []string{"sweep"}, cooldown: day,
		prepare: inviteBriefly, dueAt: expiry, act: await("expired"), state: hasEnded("expired"), messages: deliveredOnce("invitation_expired")},
	{name: "delete", points: deletePoints, verbs: []string{"sweep"}, cooldown: day, deletes: true,
		prepare: inviteBriefly, dueAt: expiry, act: isDeleted, state: isDeleted, messages: deliveredOnce("invitation_expired")},
	{name: "reconcile", points: reconcilePoints, verbs: []string{"sweep"}, cooldown: day,
		prepare: leaveClaim, dueAt: afterLease, act: await("accepted"), state: isAccepted, messages: deliveredOnce("post_password_creation")},
	{name: "import", points: importPoints, sample: importSample, verbs: []string{"load", "import"}, cooldown: day,
		lease: 3 * time.Minute, prepare: prepareImport, settle: settleImports, act: importFile, state: isImported, messages: rowsDelivered},
	{name: "send", points: sendPoints, verbs: []string{"send", "finish"}, cooldown: day,
		prepare: nothing, act: invite, state: isPending, messages: all(deliveredOnce("invitation_token_created"), emailedAtMost(1))},
	{name: "deliver", points: deliverPoints, verbs: []string{"claim", "send", "finish"}, cooldown: day,
		prepare: invite, act: revoke, state: hasEnded("revoked"), messages: deliveredOnce("invitation_revoked")},
}

func nothing(context.Context, *trial, *subject) error { return nil }

func invite(ctx context.Context, t *trial, s *subject) error { return inviteFor(ctx, t, s, "48h") }

// exist creates the identity before the bridge knows of it.
func exist(ctx context.Context, t *trial, s *subject) (err error) {
	s.adopted, err = t.kratos.Create(ctx, fmt.Sprintf(`{"schema_id":%q,"state":"inactive","traits":{"email":%q}}`, kratostest.DefaultSchema, s.email))
	return err
}

// inviteByEmail invites and keeps only the token of the email.
func inviteByEmail(ctx context.Context, t *trial, s *subject) error {
	if err := invite(ctx, t, s); err != nil {
		return err
	}
	for deadline := time.Now().Add(messageTimeout); time.Now().Before(deadline) && ctx.Err() == nil; time.Sleep(5 * time.Millisecond) {
		if token := t.env.emailToken(s.email); token != "" {
			s.tokens = []string{token}
			return nil
		}
	}
	return errors.New("no email arrived")
}

// inviteBriefly invites for a few seconds, so that the subjects of a trial expire
// one after the other.
func inviteBriefly(ctx context.Context, t *trial, s *subject) error {
	return inviteFor(ctx, t, s, (time.Duration(1+s.number) * time.Second).String())
}

func inviteFor(ctx context.Context, t *trial, s *subject, lifespan string) error {
	return inviteBy(ctx, t, s, map[string]any{"email": s.email, "expires_in": lifespan})
}

func inviteBy(ctx context.Context, t *trial, s *subject, body map[string]any) error {
	a, err := call(ctx, http.MethodPost, t.admin, "/", body)
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

// expiry returns the time of expiry as stated by the bridge. If the invitation
// expired while the bridge is running, the next request would expire it instead of
// the next start.
func expiry(s *subject) time.Time { return s.until.Add(10 * time.Millisecond) }

func accept(ctx context.Context, t *trial, s *subject) error {
	a, err := t.send(ctx, s, s.tokens[0], s.password)
	if err != nil {
		return err
	}
	if a.Error.ID == "invitation_accepted" && s.attempts > 1 {
		return nil // by an earlier attempt whose response was lost
	}
	return a.is(http.StatusOK)
}

// send sends a password with a token.
func (t *trial) send(ctx context.Context, s *subject, token, password string) (answer, error) {
	s.attempts++
	return call(ctx, http.MethodPost, t.public, "/"+token, map[string]any{"password": password})
}

// leaveClaim leaves an unresolved claim behind.
func leaveClaim(ctx context.Context, t *trial, s *subject) error {
	if err := invite(ctx, t, s); err != nil {
		return err
	}
	if err := landClaim(ctx, t, s); err != nil {
		return err
	}
	s.until = time.Now().Add(t.kratos.lease())
	return errors.Join(t.bridges.arm(""), t.bridges.start(ctx))
}

// errNotLanded means that a crash test has nothing to test: Kratos did not activate
// the identity before the bridge was to be killed. A busy machine is the reason.
var errNotLanded = errors.New("the identity was not activated in time")

// landClaim kills the bridge after Kratos has activated the identity and before the
// bridge has recorded it.
//
// Errors: errNotLanded.
func landClaim(ctx context.Context, t *trial, s *subject) error {
	if err := t.bridges.arm("accept.activate1.after"); err != nil {
		return err
	}
	if a, err := t.send(ctx, s, s.tokens[0], s.password); err == nil {
		return fmt.Errorf("%w: the response was %d %s", errNotLanded, a.status, a.text)
	}
	if !t.bridges.waitKilled(testenv.Limit) {
		return errors.New("the bridge was not killed at accept.activate1.after")
	}
	shown, err := t.kratos.Show(ctx, s.identity)
	if err == nil && shown.State != "active" {
		err = errNotLanded
	}
	return err
}

func afterLease(s *subject) time.Time { return s.until }

func resend(ctx context.Context, t *trial, s *subject) error {
	a, err := call(ctx, http.MethodPost, t.admin, "/"+s.id.String()+"/resend", nil)
	if err == nil {
		if err = a.is(http.StatusOK); err == nil {
			s.tokens = append(s.tokens, a.Token)
		}
	}
	return err
}

func revoke(ctx context.Context, t *trial, s *subject) error {
	a, err := call(ctx, http.MethodPost, t.admin, "/"+s.id.String()+"/revoke", nil)
	if err == nil {
		err = a.is(http.StatusOK)
	}
	return err
}

// revokeWhileRunning revokes while an acceptance waits for a blocking hook. Later
// attempts only revoke.
func revokeWhileRunning(ctx context.Context, t *trial, s *subject) error {
	if s.attempts > 0 {
		return revoke(ctx, t, s)
	}
	asked, goOn := t.env.holdBack(s.id)
	defer goOn()
	var accepting sync.WaitGroup
	accepting.Go(func() { _ = accept(ctx, t, s); goOn() })
	select {
	case <-asked:
	case <-t.bridges.down():
	case <-ctx.Done():
	}
	err := revoke(ctx, t, s)
	goOn()
	accepting.Wait()
	return err
}

// revokeUntilSettled revokes an invitation whose acceptance succeeded but is not
// resolved yet, until the bridge reports that it was accepted.
func revokeUntilSettled(ctx context.Context, t *trial, s *subject) error {
	for {
		a, err := call(ctx, http.MethodPost, t.admin, "/"+s.id.String()+"/revoke", nil)
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
	a, err := call(ctx, http.MethodPost, t.public, "/"+s.tokens[0]+"/renew", nil)
	if err == nil {
		err = a.is(http.StatusAccepted)
	}
	return err
}

// renewUntilEmailed fails until an email arrives, as an invitee asks again without one.
// A process that is killed right after its commit leaves the email of that commit
// claimed for a minute, and a request within the cooldown queues no other.
func renewUntilEmailed(ctx context.Context, t *trial, s *subject) error {
	if err := renew(ctx, t, s); err != nil {
		return err
	}
	for deadline := time.Now().Add(t.scenario.cooldown + time.Second); time.Now().Before(deadline) && ctx.Err() == nil; time.Sleep(5 * time.Millisecond) {
		if t.env.emailCount(s.email) > 0 {
			return nil
		}
	}
	return errors.New("no email arrived")
}

// await only reads the invitation, and succeeds once it has a state.
func await(state string) func(context.Context, *trial, *subject) error {
	return func(ctx context.Context, t *trial, s *subject) error {
		a, err := t.get(ctx, s)
		if err == nil && a.State != state {
			err = fmt.Errorf("the invitation is %s, want %s", a.State, state)
		}
		return err
	}
}
