package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge/testenv"
	"invitebridge/kratos/kratostest"
)

// contend lets clients accept one token, and invite one address, all at once at
// different replicas, in a number of rounds.
func contend(ctx context.Context, o options) error {
	f, fake, stop, err := startFleet(ctx, o)
	if err != nil {
		return err
	}
	defer stop()
	f.kratos.timeout = patience
	t, remove, err := newReplicaTrial(ctx, scenario{cooldown: day}, f, 0, nil)
	if err != nil {
		return err
	}
	defer remove()
	if err := t.bridges.start(ctx); err != nil {
		return err
	}
	for _, c := range []struct {
		name string
		run  func(context.Context, *trial, *kratostest.Fake, int) (rush, error)
	}{{"acceptances of one token", acceptAtOnce}, {"invitations of one address", inviteAtOnce}} {
		answers := make(map[string]int)
		var longest time.Duration
		for round := range o.rounds {
			r, err := c.run(ctx, t, fake, o.clients)
			if err != nil {
				return fmt.Errorf("%s, round %d: %w\n%s", c.name, round+1, errors.Join(t.bridges.(*replicas).proxy.fault(), err), t.logged("store_unavailable"))
			}
			for what, n := range r.answers {
				answers[what] += n
			}
			longest = max(longest, r.took)
		}
		fmt.Fprintf(o.out, "%d rounds of %d %s at %d replicas: one winner in each; %s; longest round %v\n",
			o.rounds, o.clients, c.name, o.replicas, counts(answers), longest.Round(time.Millisecond))
	}
	return nil
}

// patience is the time for Kratos where no request may fail, though many keep a small
// machine busy.
const patience = 30 * time.Second

// rush is the result of many requests at once.
type rush struct {
	all     []answer
	answers map[string]int // by status and error id
	took    time.Duration
}

// atOnce sends a request from each of n clients, the first ones at different
// replicas. No one may be left without a response.
func atOnce(ctx context.Context, n int, send func(context.Context, int) (answer, error)) (rush, error) {
	r := rush{all: make([]answer, n), answers: make(map[string]int)}
	errs := make([]error, n)
	begin := make(chan struct{})
	var sending sync.WaitGroup
	for i := range n {
		sending.Go(func() {
			<-begin
			r.all[i], errs[i] = send(ctx, i)
		})
	}
	began := time.Now()
	close(begin)
	sending.Wait()
	r.took = time.Since(began)
	for _, a := range r.all {
		r.answers[strings.TrimSpace(fmt.Sprintf("%d %s", a.status, a.Error.ID))]++
	}
	return r, errors.Join(errs...)
}

// acceptAtOnce accepts a token with a different password for each client.
func acceptAtOnce(ctx context.Context, t *trial, _ *kratostest.Fake, n int) (rush, error) {
	s := newSubjects(1)[0]
	if err := invite(ctx, t, s); err != nil {
		return rush{}, err
	}
	password := func(i int) string { return fmt.Sprintf("%s-%d", s.password, i) }
	r, err := atOnce(ctx, n, func(ctx context.Context, i int) (answer, error) {
		return call(ctx, http.MethodPost, t.public, "/"+s.tokens[0], map[string]any{"password": password(i)})
	})
	if err != nil {
		return r, err
	}
	winner, winners := 0, 0
	for i, a := range r.all {
		switch {
		case a.status == http.StatusOK:
			winner, winners = i, winners+1
		case a.Error.ID == "invitation_accepted":
		case a.Error.ID == "accept_in_progress" && a.retryAfter != "":
		default:
			return r, fmt.Errorf("%d %s", a.status, a.text)
		}
	}
	if winners != 1 {
		return r, fmt.Errorf("%d clients got 200: %s", winners, counts(r.answers))
	}
	s.password = password(winner)
	t.subjects = []*subject{s}
	failed, _ := t.each(ctx, testenv.Limit, all(isAccepted, deliveredOnce("post_password_creation")))
	if len(failed) > 0 {
		return r, fmt.Errorf("%q", failed)
	}
	return r, nil
}

// inviteAtOnce invites an address from each client.
func inviteAtOnce(ctx context.Context, t *trial, fake *kratostest.Fake, n int) (rush, error) {
	s := newSubjects(1)[0]
	before := fake.Len()
	r, err := atOnce(ctx, n, func(ctx context.Context, _ int) (answer, error) {
		return call(ctx, http.MethodPost, t.admin, "/", map[string]any{"email": s.email})
	})
	if err != nil {
		return r, err
	}
	created, refused := 0, 0
	ids := make(map[uuid.UUID]bool)
	for _, a := range r.all {
		switch {
		case a.status == http.StatusCreated || a.status == http.StatusOK:
			if a.status == http.StatusCreated {
				created++
			}
			ids[a.ID] = true
			s.id, s.identity, s.tokens = a.ID, a.Who, append(s.tokens, a.Token)
		case a.isLocked():
		case a.Error.ID == "store_unavailable" && a.retryAfter != "": // four seconds were too short for so many
			refused++
		default:
			return r, fmt.Errorf("%d %s", a.status, a.text)
		}
	}
	if identities := fake.Len() - before; created > 1 || created+refused == 0 || len(ids) != 1 || identities != 1 {
		return r, fmt.Errorf("%d created, %d invitations, %d identities: %s", created, len(ids), identities, counts(r.answers))
	}
	t.subjects = []*subject{s}
	failed, _ := t.each(ctx, testenv.Limit, all(isPending, deliveredOnce("invitation_token_created"), emailedAtMost(1)))
	if len(failed) > 0 {
		return r, fmt.Errorf("%q", failed)
	}
	return r, nil
}

func counts(of map[string]int) string {
	var texts []string
	for _, what := range slices.Sorted(maps.Keys(of)) {
		texts = append(texts, fmt.Sprintf("%s: %d", what, of[what]))
	}
	return strings.Join(texts, ", ")
}
