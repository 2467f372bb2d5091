package kratos

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"invitebridge/bridge"
)

// read reads created identities, which gives them their results. It returns those
// that Kratos does not show; whether they exist is unknown.
func (b *batch) read(ctx context.Context, items []*item) (hidden []*item) {
	if len(items) == 0 {
		return nil
	}
	shown, err := b.list(ctx, items)
	switch {
	case err == nil:
		for _, t := range items {
			i, ok := shown[t.id]
			if !ok {
				i.err = bridge.ErrIdentityNotFound
				hidden = append(hidden, t)
			}
			b.take(t, i.identity, i.err)
		}
		return hidden
	case !mayBeOne(err):
		for _, t := range items {
			b.take(t, bridge.Identity{}, b.classify(err, nil))
		}
		return nil
	case len(items) <= fewItems:
		return b.readEach(ctx, items)
	}
	half := len(items) / 2
	return append(b.read(ctx, items[:half]), b.read(ctx, items[half:])...)
}

// take records what a read shows of a created identity. Without that, all that is
// known is that Kratos reported it as created.
func (b *batch) take(t *item, i bridge.Identity, err error) {
	var e *bridge.IdentityError
	switch {
	case err == nil && i.Mark.InvitationID == t.params.InvitationID:
		*t.result = bridge.CreateResult{Identity: i}
	case errors.Is(err, bridge.ErrIdentityNotFound):
		t.fail(b.fail(bridge.OutcomeUnknown, http.StatusOK, textHidden, nil))
	case errors.As(err, &e):
		t.fail(b.fail(bridge.OutcomeUnknown, e.Status, textUnread+e.Reason, e.Cause))
	default:
		t.fail(b.fail(bridge.OutcomeUnknown, http.StatusOK, textUnread+textMalformedBody, err))
	}
}

// mayBeOne reports whether a list failed for a reason that may concern only some
// of its identities, or its length.
func mayBeOne(err error) bool {
	var e *bridge.IdentityError
	if errors.As(err, &e) {
		return e.Reason == textTruncated || e.Reason == textMalformedBody
	}
	var r statusError
	if !errors.As(err, &r) {
		return false
	}
	switch r.status {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusRequestURITooLong,
		http.StatusRequestHeaderFieldsTooLarge, http.StatusInternalServerError:
		return true
	}
	return false
}

// readEach reads the items one by one.
func (b *batch) readEach(ctx context.Context, items []*item) (hidden []*item) {
	missing := make([]bool, len(items))
	var all errgroup.Group
	all.SetLimit(atOnce)
	for n, t := range items {
		all.Go(func() error {
			i, err := b.get(ctx, t.id)
			missing[n] = errors.Is(err, bridge.ErrIdentityNotFound)
			b.take(t, i, err)
			return nil
		})
	}
	_ = all.Wait() // the errors are in the results
	for n, t := range items {
		if missing[n] {
			hidden = append(hidden, t)
		}
	}
	return hidden
}

// shownIdentity is an identity of a list, or why it could not be understood.
type shownIdentity struct {
	identity bridge.Identity
	err      error
}

// list reads created identities in one request, by id. Kratos shows the same of each
// as in a GET, from v1.3.1 on, because their credentials are requested. A
// CockroachDB with follower reads would otherwise not show them yet.
func (b *batch) list(ctx context.Context, items []*item) (map[uuid.UUID]shownIdentity, error) {
	query := url.Values{
		"consistency": {"strong"}, "include_credential": declassified, "page_size": {strconv.Itoa(len(items))},
	}
	asked := make(map[uuid.UUID]bool, len(items))
	for _, t := range items {
		query.Add("ids", t.id.String())
		asked[t.id] = true
	}
	k := b.call
	k.items = len(items)
	a, err := k.read(ctx, k.client.getRequest("/admin/identities?"+query.Encode()))
	if err != nil {
		return nil, err
	}
	var raw []json.RawMessage
	if err := parse(a.body, &raw); err != nil || raw == nil {
		return nil, k.fail(bridge.OutcomeUnknown, a.status, textMalformedBody, nil)
	}
	shown := make(map[uuid.UUID]shownIdentity, len(raw))
	for _, one := range raw {
		var only struct {
			ID uuid.UUID `json:"id"`
		}
		if parse(one, &only) != nil || !asked[only.ID] {
			return nil, k.fail(bridge.OutcomeUnknown, a.status, textMalformedBody, nil) // ids was ignored
		}
		i, err := k.client.parseRecord(ctx, one, credentialConfigs)
		shown[only.ID] = shownIdentity{i, err}
	}
	return shown, nil
}
