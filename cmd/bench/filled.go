package main

import (
	"context"
	"errors"
	"time"

	"invitebridge/bridge"
)

// filled is a store and its bridge, once it is started.
type filled struct {
	name, dsn    string
	keeper       keeper
	bridge       *bridgeProcess
	tokens       []string
	open, expire float64 // milliseconds to open the store, and to expire 100 invitations
}

// expiring is how many invitations expire in each store before its bridge is started.
const expiring = 1000

// fillStores makes a store with n pending invitations and one with none.
func (s *stage) fillStores(ctx context.Context, k keeper, n int) (small, large *filled, err error) {
	const day = 24 * time.Hour
	begin := time.Now()
	// Fill makes invitations in the day before its time. A seventh of them expires
	// two days after it was made: those of the first moments of that day are due.
	dueWithin := min(day, 7*day*expiring/time.Duration(n))
	if large, err = s.fillStore(ctx, k, "store with many", n, begin.Add(-day-dueWithin)); err != nil {
		return nil, nil, err
	}
	small, err = s.fillStore(ctx, k, "store with none", expiring, begin.Add(-9*day)) // all are due
	return small, large, err
}

// fillStore makes a store with n invitations made in the day before a time.
func (s *stage) fillStore(ctx context.Context, k keeper, name string, n int, at time.Time) (f *filled, err error) {
	s.bench.progress("making a store of %d invitations", n)
	f = &filled{name: name, keeper: k}
	if f.dsn, err = k.create(ctx, s); err != nil {
		return nil, err
	}
	list, err := k.fill(ctx, f.dsn, n, at)
	if err != nil {
		return nil, err
	}
	now := time.Now().Add(time.Hour) // later than the section takes
	for _, one := range list {
		if one.Invitation.ExpiresAt.After(now) {
			f.tokens = append(f.tokens, one.Token.Reveal())
		}
	}
	return f, f.inProcess(ctx)
}

// inProcess measures what no request shows.
func (f *filled) inProcess(ctx context.Context) error {
	var opening, expiry []float64
	for range 5 {
		begin := time.Now()
		store, err := f.keeper.open(ctx, f.dsn)
		if err != nil {
			return err
		}
		opening = append(opening, time.Since(begin).Seconds()*1000)
		if err := store.Close(); err != nil {
			return err
		}
	}
	store, err := f.keeper.open(ctx, f.dsn)
	if err != nil {
		return err
	}
	service := bridge.NewService(store, nil, bridge.Config{EndpointsFor: func(bridge.Event) []string { return nil }})
	for n := 1; n > 0 && err == nil; {
		begin := time.Now()
		if n, err = service.ExpireDue(ctx); n > 0 {
			expiry = append(expiry, time.Since(begin).Seconds()*1000*100/float64(n))
		}
	}
	f.open, f.expire = median(opening), median(expiry)
	return errors.Join(err, store.Close())
}

// prepare makes as many invitations as fill a page. Their tokens are kept unless there
// are others.
func (f *filled) prepare(ctx context.Context, s *stage) error {
	var tokens stock[string]
	invite := f.bridge.inviting()
	err := tokens.fill(ctx, 200, func(ctx context.Context) (string, error) {
		made, err := invite.send(ctx, `{"email":"`+s.bench.addresses.next()+`"}`)
		return member(made, "invitation_token"), err
	})
	if len(f.tokens) == 0 {
		f.tokens = tokens.all
	}
	return err
}
