package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
)

const defaultBcrypt = 12

// stock is a list of calls that can be made once each.
type stock[T any] struct {
	mu  sync.Mutex
	all []T
}

func (s *stock[T]) put(one T) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, one)
}

func (s *stock[T]) take() (one T, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.all) == 0 {
		return one, errOutOfStock
	}
	one = s.all[0]
	s.all = s.all[1:]
	return one, nil
}

// fill calls one until n are in stock.
func (s *stock[T]) fill(ctx context.Context, n int, one func(context.Context) (T, error)) error {
	return repeat(ctx, func(ctx context.Context) error {
		made, err := one(ctx)
		if err == nil {
			s.put(made)
		}
		return err
	}, n-len(s.all))
}

// person is an inactive identity.
type person struct{ id, email string }

// bareWrites sets the password of identities by calls of Kratos: the PUT alone, or
// also the GET and the PATCH that verifies the address.
func (s *stage) bareWrites(k *kratosServer, verify bool) *way {
	var people stock[person]
	create := request{method: http.MethodPost, url: k.admin + "/admin/identities", want: http.StatusCreated}
	w := &way{name: "bare PUT", kratos: k}
	w.stock = func(ctx context.Context, n int) error {
		return people.fill(ctx, n, func(ctx context.Context) (person, error) {
			email := s.bench.addresses.next()
			made, err := create.send(ctx, `{"schema_id":"default","state":"inactive","traits":{"email":"`+email+`"}}`)
			return person{member(made, "id"), email}, err
		})
	}
	if verify {
		w.name = "bare GET + PATCH + PUT"
	}
	w.call = func(ctx context.Context) error {
		p, err := people.take()
		if err != nil {
			return err
		}
		q := request{url: k.admin + "/admin/identities/" + p.id, want: http.StatusOK}
		if verify {
			q.method = http.MethodGet
			if _, err := q.send(ctx, ""); err != nil {
				return err
			}
			q.method = http.MethodPatch
			if _, err := q.send(ctx, verification); err != nil {
				return err
			}
		}
		q.method = http.MethodPut
		_, err = q.send(ctx, `{"schema_id":"default","state":"active","traits":{"email":"`+p.email+
			`"},"credentials":{"password":{"config":{"password":"`+password+`"}}}}`)
		return err
	}
	return w
}

const verification = `[{"op":"replace","path":"/verifiable_addresses/0/verified","value":true},` +
	`{"op":"replace","path":"/verifiable_addresses/0/status","value":"completed"},` +
	`{"op":"replace","path":"/verifiable_addresses/0/verified_at","value":"2026-01-31T09:00:00Z"}]`

// accept accepts invitations with the tokens that make prepares.
func (s *stage) accept(name string, k *kratosServer, b *bridgeProcess, tokens *stock[string], fill func(ctx context.Context, n int) error) *way {
	return &way{name: name, kratos: k, bridge: b, stock: fill, call: func(ctx context.Context) error {
		token, err := tokens.take()
		if err != nil {
			return err
		}
		accept := request{method: http.MethodPost, url: b.public + base + "/" + token, want: http.StatusOK}
		_, err = accept.send(ctx, `{"password":"`+password+`"}`)
		return err
	}}
}

// acceptByAPI accepts with tokens of the API, which prove nothing about the address.
func (s *stage) acceptByAPI(k *kratosServer, b *bridgeProcess) *way {
	var tokens stock[string]
	invite := b.inviting()
	return s.accept("accept, token of the API", k, b, &tokens, func(ctx context.Context, n int) error {
		return tokens.fill(ctx, n, func(ctx context.Context) (string, error) {
			made, err := invite.send(ctx, `{"email":"`+s.bench.addresses.next()+`"}`)
			return member(made, "invitation_token"), err
		})
	})
}

// acceptByEmail accepts with tokens of emails, which also verify the address.
func (s *stage) acceptByEmail(k *kratosServer, b *bridgeProcess) *way {
	var tokens stock[string]
	return s.accept("accept, token of an email", k, b, &tokens, func(ctx context.Context, n int) error {
		missing := max(0, n-len(tokens.all))
		before, err := s.receiver.count(ctx)
		if err != nil {
			return err
		}
		if err := repeat(ctx, s.invite(k, b).call, missing); err != nil {
			return err
		}
		if err = s.receiver.await(ctx, before+missing); err != nil {
			return err
		}
		received, err := s.receiver.tokens(ctx)
		tokens.all = slices.Concat(tokens.all, received)
		return err
	})
}

func measureAccept(bcrypt int, clientCounts []int) func(context.Context, *stage) error {
	return func(ctx context.Context, s *stage) error {
		if bcrypt == defaultBcrypt {
			s.turn *= 2 // it takes that long for a dozen calls
		}
		var err error
		if s.receiver, err = s.startHelper("mail"); err != nil {
			return err
		}
		k, err := s.startKratos(ctx, bcrypt, "")
		if err != nil {
			return err
		}
		plain, err := s.startBridge(ctx, k, "")
		if err != nil {
			return err
		}
		mailing, err := s.startBridge(ctx, k, fmt.Sprintf(mailConfig, s.receiver.Address))
		if err != nil {
			return err
		}
		for _, clients := range clientCounts {
			all, err := s.compare(ctx, clients, s.bareWrites(k, false), s.acceptByAPI(k, plain), s.bareWrites(k, true), s.acceptByEmail(k, mailing))
			if err != nil {
				return err
			}
			s.bench.report.compare(all)
			put, byAPI, writes, byEmail := all[0], all[1], all[2], all[3]
			suffix := fmt.Sprintf(", bcrypt %d, %d at once", bcrypt, clients)
			var goals [3]float64 // 0: none
			switch {
			case bcrypt == defaultBcrypt:
				goals = [3]float64{0.98, 0, 0.94}
			case clients == 16:
				goals = [3]float64{0.88, 0.90, 0}
			}
			s.bench.report.ratio("accept, token of the API / bare PUT"+suffix, byAPI, put, goals[0])
			s.bench.report.ratio("accept, token of an email / bare GET + PATCH + PUT"+suffix, byEmail, writes, goals[1])
			s.bench.report.ratio("accept, token of an email / bare PUT"+suffix, byEmail, put, goals[2])
		}
		return nil
	}
}
