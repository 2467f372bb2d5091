package main

import (
	"context"
	"errors"
	"fmt"
)

// repeatRequests repeats the invitations that got no response, so that every
// address is invited.
func (s *soakTest) repeatRequests(ctx context.Context) {
	s.trial.subjects = s.all
	limit := s.limit
	if s.several() {
		limit += s.trial.kratos.lease()
	}
	failed, _ := s.trial.each(ctx, limit, func(ctx context.Context, t *trial, x *subject) error {
		if len(x.tokens) > 0 {
			return nil
		}
		return invite(ctx, t, x)
	})
	s.broken = append(s.broken, failed...)
}

// verdict compares the responses with the resulting state.
func (s *soakTest) verdict(ctx context.Context) error {
	failed, _ := s.trial.each(ctx, s.trial.kratos.lease()+messageTimeout, func(ctx context.Context, t *trial, x *subject) error {
		a, err := t.get(ctx, x)
		if err != nil {
			return err
		}
		signIn := t.kratos.SignIn(ctx, x.email, x.password)
		switch {
		case x.accepted && (a.State != "accepted" || signIn != nil):
			return fmt.Errorf("it was accepted but is %s; sign-in: %w", a.State, signIn)
		case x.revoked && !x.accepted && (a.State != "revoked" || signIn == nil):
			return fmt.Errorf("it was revoked but is %s; sign-in works: %v", a.State, signIn == nil)
		case x.revocationAccepted && a.State != "accepted" && a.State != "revoked":
			return fmt.Errorf("its revocation was answered 202, but it is %s", a.State)
		case (a.State == "accepted") != (signIn == nil):
			return fmt.Errorf("it is %s; sign-in: %w", a.State, signIn)
		case a.State == "accepted":
			return deliveredOnce("post_password_creation")(ctx, t, x)
		case a.State == "pending":
			return isPending(ctx, t, x)
		}
		return nil
	})
	s.broken = append(s.broken, failed...)
	if n := s.fake.Len(); n != len(s.all) {
		s.broken = append(s.broken, fmt.Sprintf("%d addresses have %d identities", len(s.all), n))
	}
	if err := s.trial.checkSecrets(ctx); err != nil {
		s.broken = append(s.broken, err.Error())
	}
	s.report(ctx)
	s.broken = append(s.broken, s.checkGrowth()...)
	if most := s.asked / 30; s.refused > most { // one of a hundred requests to Kratos fails, and an acceptance makes several
		s.broken = append(s.broken, fmt.Sprintf("%d of %d requests were answered 503 while Kratos was available", s.refused, s.asked))
	}
	s.out("responses: %s", counts(s.answers))
	s.out("%d violations", len(s.broken))
	for _, line := range s.broken[:min(len(s.broken), 20)] {
		s.out("  %s", line)
	}
	if len(s.broken) > 0 {
		return errors.Join(errBroken, ctx.Err())
	}
	return ctx.Err()
}
