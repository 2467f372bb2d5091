package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"invitebridge/bridge/mail/mailtest"
)

// receivers stands in for the invitee's mailbox and for a webhook receiver.
type receivers struct {
	mailbox *mailtest.Mailbox
	hookURL string
	secret  string
	http    *http.Server
}

func startReceivers(ctx context.Context) (*receivers, error) {
	mailbox, err := mailtest.Start()
	if err != nil {
		return nil, err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		mailbox.Stop()
		return nil, err
	}
	r := &receivers{
		mailbox: mailbox, hookURL: "http://" + l.Addr().String() + "/hooks/invitations",
		secret: "whsec_ZGVtby1zaWduaW5nLXNlY3JldC1vZi0zMi1ieXRlcyE=",
	}
	r.http = &http.Server{Handler: http.HandlerFunc(r.receive), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = r.http.Serve(l) }()
	return r, nil
}

func (r *receivers) stop() {
	r.mailbox.Stop()
	_ = r.http.Close()
}

// email waits for an email and prints it.
func (r *receivers) email() (mailtest.Email, error) {
	select {
	case message := <-r.mailbox.Emails:
		fmt.Println("   Email:\n      | " + strings.ReplaceAll(strings.TrimSpace(message.String()), "\n", "\n      | "))
		return message, nil
	case <-time.After(startTimeout):
		return mailtest.Email{}, errors.New("no email arrived")
	}
}

// follow prints arriving emails until ctx ends.
func (r *receivers) follow(ctx context.Context) {
	for ctx.Err() == nil {
		_, _ = r.email()
	}
}

// receive verifies a webhook with the official library and prints it.
func (r *receivers) receive(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(io.LimitReader(request.Body, 1<<20))
	if err == nil {
		err = r.verify(body, request.Header)
	}
	if err != nil {
		fmt.Println("   Webhook rejected:", err)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	var event struct {
		Type string `json:"type"`
		Data struct {
			Invitation struct{ Email, State string }
			Token      string `json:"invitation_token"`
		} `json:"data"`
	}
	_ = json.Unmarshal(body, &event)
	note := ""
	if event.Data.Token != "" {
		note = ", with its own token"
	}
	fmt.Printf("   Webhook, signature verified: %s, %s is %s%s (webhook-id %s)\n",
		event.Type, event.Data.Invitation.Email, event.Data.Invitation.State, note, request.Header.Get("Webhook-Id"))
}

func (r *receivers) verify(body []byte, header http.Header) error {
	verifier, err := standardwebhooks.NewWebhook(r.secret)
	if err != nil {
		return err
	}
	return verifier.Verify(body, header)
}
