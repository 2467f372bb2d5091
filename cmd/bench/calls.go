package main

import (
	"context"
	"net/http"
)

const password = "correct-Horse-7-battery"

// bareCreate creates an inactive identity, as the bridge does.
func (s *stage) bareCreate(k *kratosServer) *way {
	create := request{method: http.MethodPost, url: k.admin + "/admin/identities", want: http.StatusCreated}
	return &way{name: "bare create", kratos: k, call: func(ctx context.Context) error {
		_, err := create.send(ctx, `{"schema_id":"default","state":"inactive","traits":{"email":"`+s.bench.addresses.next()+`"}}`)
		return err
	}}
}

func (b *bridgeProcess) inviting() request {
	return request{method: http.MethodPost, url: b.admin + base + "/", key: apiKey, want: http.StatusCreated}
}

// invite invites by the bridge.
func (s *stage) invite(k *kratosServer, b *bridgeProcess) *way {
	invite := b.inviting()
	return &way{name: "invite", kratos: k, bridge: b, call: func(ctx context.Context) error {
		_, err := invite.send(ctx, `{"email":"`+s.bench.addresses.next()+`"}`)
		return err
	}}
}

// inviteByEmail invites by a bridge that sends email, which counts once it has
// arrived.
func (s *stage) inviteByEmail(k *kratosServer, b *bridgeProcess) *way {
	w := s.invite(k, b)
	w.name = "invite with an email"
	s.untilReceived(w)
	return w
}

// untilReceived makes a turn last until the receiver has got one for each call.
func (s *stage) untilReceived(w *way) {
	before, begin := 0, w.begin
	w.receives = true
	w.begin = func() (err error) {
		if begin != nil {
			if err := begin(); err != nil {
				return err
			}
		}
		before, err = s.receiver.count(context.Background())
		return err
	}
	w.settle = func(ctx context.Context, n int) error {
		return s.receiver.await(ctx, before+n)
	}
}

// recoveryCode does what Kratos documents for inviting: an identity, and a code that
// an administrator passes on.
func (s *stage) recoveryCode(k *kratosServer) *way {
	create := request{method: http.MethodPost, url: k.admin + "/admin/identities", want: http.StatusCreated}
	code := request{method: http.MethodPost, url: k.admin + "/admin/recovery/code", want: http.StatusCreated}
	return &way{name: "create + recovery code", kratos: k, call: func(ctx context.Context) error {
		made, err := create.send(ctx, `{"schema_id":"default","traits":{"email":"`+s.bench.addresses.next()+`"}}`)
		if err != nil {
			return err
		}
		_, err = code.send(ctx, `{"identity_id":"`+member(made, "id")+`"}`)
		return err
	}}
}

// recoveryEmail does the same with a Kratos whose courier sends the code.
func (s *stage) recoveryEmail(k *kratosServer) *way {
	create := request{method: http.MethodPost, url: k.admin + "/admin/identities", want: http.StatusCreated}
	begin := request{method: http.MethodGet, url: k.public + "/self-service/recovery/api", want: http.StatusOK}
	w := &way{
		name: "create + recovery email by Kratos' courier", kratos: k, begin: k.resume, end: k.suspend,
		call: func(ctx context.Context) error {
			email := s.bench.addresses.next()
			if _, err := create.send(ctx, `{"schema_id":"default","traits":{"email":"`+email+`"}}`); err != nil {
				return err
			}
			flow, err := begin.send(ctx, "")
			if err != nil {
				return err
			}
			submit := request{method: http.MethodPost, url: k.public + "/self-service/recovery?flow=" + member(flow, "id"), want: http.StatusOK}
			_, err = submit.send(ctx, `{"method":"code","email":"`+email+`"}`)
			return err
		},
	}
	s.untilReceived(w)
	return w
}
