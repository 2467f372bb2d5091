package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"invitebridge/bridge/testenv"
)

const hookConfig = `  - id: crm%d
    url: http://%s/
    events: [ invitation_token_created ]
    secrets: [ whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE= ]
`

// sender is a bridge that sends webhooks for each invitation to the receiver, one by
// each hook.
type sender struct {
	stage  *stage
	bridge *bridgeProcess
	invite func(context.Context) error
	hooks  int
}

// startSender starts one with a Kratos that answers at once.
func (s *stage) startSender(ctx context.Context, hooks int) (*sender, error) {
	var err error
	if s.receiver, err = s.startHelper("webhooks"); err != nil {
		return nil, err
	}
	k, err := s.startAnswering()
	if err != nil {
		return nil, err
	}
	var lines strings.Builder
	for i := range hooks {
		fmt.Fprintf(&lines, hookConfig, i, s.receiver.Address)
	}
	b, err := s.startBridge(ctx, k, "hooks:\n"+lines.String())
	return &sender{s, b, s.invite(k, b).call, hooks}, err
}

// fill builds a backlog of n webhooks. The receiver answers that it wants nothing more,
// so the bridge sends nothing until drain.
func (d *sender) fill(ctx context.Context, n int) error {
	if err := d.stage.receiver.refuse(ctx, true); err != nil {
		return err
	}
	if err := d.invite(ctx); err != nil {
		return err
	}
	for deadline := time.Now().Add(testenv.Limit); ; {
		metrics, err := d.bridge.metrics(ctx)
		if err != nil {
			return err
		}
		if int(scrape(metrics, "invitebridge_outbox_endpoint_disabled")) == d.hooks {
			break
		}
		if time.Now().After(deadline) {
			return errors.New("the bridge did not disable its hooks in time")
		}
	}
	if err := d.stage.receiver.refuse(ctx, false); err != nil {
		return err
	}
	return repeat(ctx, d.invite, n/d.hooks)
}

// drain lets the bridge send again, and waits until the receiver has got n webhooks.
func (d *sender) drain(ctx context.Context, n int) error {
	before, err := d.stage.receiver.count(ctx)
	if err != nil {
		return err
	}
	for i := range d.hooks {
		enable := request{method: http.MethodPost, url: fmt.Sprintf("%s%s/endpoints/crm%d/enable", d.bridge.admin, base, i), key: apiKey, want: http.StatusOK}
		if _, err := enable.send(ctx, ""); err != nil {
			return err
		}
	}
	return d.stage.receiver.await(ctx, before+n)
}
