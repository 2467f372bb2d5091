package main

import (
	"context"
	"fmt"
	"net/http"
)

// mineConfig lets members invite who have a role, and as many as they like.
const mineConfig = `inviters: { enabled: true, allow: [ { metadata_public.roles: lead } ], max_pending: 0, rate_limit: { requests: 0 } }
`

// measureMine compares an invite by a member's session with the one by an API key: Kratos
// is asked for the session in addition. And it compares an invite and the removal of the
// person with the create and the delete of an identity.
func measureMine(ctx context.Context, s *stage) error {
	k, err := s.startKratos(ctx, cheapBcrypt, "")
	if err != nil {
		return err
	}
	b, err := s.startBridge(ctx, k, mineConfig)
	if err != nil {
		return err
	}
	session, err := s.lead(ctx, k)
	if err != nil {
		return err
	}
	for _, clients := range clientCounts {
		all, err := s.compare(ctx, clients, s.invite(k, b), s.inviteMine(k, b, session), s.whoami(k, session), s.inviteAndRemove(k, b), s.createAndDelete(k))
		if err != nil {
			return err
		}
		s.bench.report.compare(all)
		s.bench.report.ratio(fmt.Sprintf("invite by a member / invite by a key, %d at once", clients), all[1], all[0], 0)
		s.bench.report.ratio(fmt.Sprintf("invite + removal / bare create + delete, %d at once", clients), all[3], all[4], 0)
	}
	return nil
}

// lead returns the session of a member who may invite.
func (s *stage) lead(ctx context.Context, k *kratosServer) (session string, err error) {
	email := s.bench.addresses.next()
	_, err = k.server.Create(ctx, fmt.Sprintf(`{"schema_id":"default","traits":{"email":%q},"metadata_public":{"roles":["lead"]},
		"credentials":{"password":{"config":{"password":%q}}}}`, email, password))
	if err != nil {
		return "", err
	}
	return k.server.Login(ctx, email, password)
}

func (s *stage) inviteMine(k *kratosServer, b *bridgeProcess, session string) *way {
	invite := request{method: http.MethodPost, url: b.public + base + "/mine", key: session, want: http.StatusCreated}
	return &way{name: "invite by a member", kratos: k, bridge: b, call: func(ctx context.Context) error {
		_, err := invite.send(ctx, `{"email":"`+s.bench.addresses.next()+`"}`)
		return err
	}}
}

func (s *stage) whoami(k *kratosServer, session string) *way {
	ask := request{method: http.MethodGet, url: k.public + "/sessions/whoami", key: session, want: http.StatusOK}
	return &way{name: "bare whoami", kratos: k, call: func(ctx context.Context) error {
		_, err := ask.send(ctx, "")
		return err
	}}
}

func (s *stage) inviteAndRemove(k *kratosServer, b *bridgeProcess) *way {
	invite := b.inviting()
	return &way{name: "invite + removal", kratos: k, bridge: b, call: func(ctx context.Context) error {
		made, err := invite.send(ctx, `{"email":"`+s.bench.addresses.next()+`"}`)
		if err != nil {
			return err
		}
		_, err = request{method: http.MethodDelete, url: b.admin + base + "/" + member(made, "id"), key: apiKey, want: http.StatusOK}.send(ctx, "")
		return err
	}}
}

func (s *stage) createAndDelete(k *kratosServer) *way {
	create := request{method: http.MethodPost, url: k.admin + "/admin/identities", want: http.StatusCreated}
	return &way{name: "bare create + delete", kratos: k, call: func(ctx context.Context) error {
		made, err := create.send(ctx, `{"schema_id":"default","state":"inactive","traits":{"email":"`+s.bench.addresses.next()+`"}}`)
		if err != nil {
			return err
		}
		_, err = request{method: http.MethodDelete, url: k.admin + "/admin/identities/" + member(made, "id"), want: http.StatusNoContent}.send(ctx, "")
		return err
	}}
}
