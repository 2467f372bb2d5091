package kratos

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	ory "github.com/ory/client-go"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"invitebridge/bridge"
)

const (
	// maxBatch is the number of identities in one request. Kratos creates up to a
	// thousand at once, but reads only five hundred.
	maxBatch = 500
	// fewItems is the largest batch that is sent one by one, instead of in halves,
	// after it was refused as a whole. So at most 31 batches are refused.
	fewItems = 32
	// atOnce is the number of concurrent requests for single identities.
	atOnce = 8
	// timePerItem is several times what a crowded machine needs.
	timePerItem = 40 * time.Millisecond
	// responsePerItem is the length of a large identity, or of a long reason why it
	// was refused.
	responsePerItem = 16 << 10
)

const (
	textHidden = "Kratos reported the identity as created, but does not show it"
	textUnread = "the identity was created, but could not be read: "
)

// CreateAll creates many identities. Kratos decides on each of them alone, with
// exceptions that are not visible to the caller:
//
//   - v1.3.1 undoes a whole batch in which one identity exists already, and reports
//     the others as created all the same. They are sent again without that one.
//   - Before v26.2.0 it does not say why it refuses an identity. Those are sent
//     again one by one, for the reason.
//   - Kratos on MySQL refuses a whole batch in which one identity exists already,
//     and a proxy refuses one that is too long. Such a batch is sent again in parts.
//
// After a failure that is no verdict, such as a lost response or a 500, nothing more
// is sent. One identity that a database cannot store causes a 500, such as a trait
// with U+0000 on PostgreSQL; v25.4.0 on PostgreSQL also answers so if an external id
// is taken.
// It takes up to [Config.Timeout] and 40 ms for each identity. See
// [bridge.Identities].
func (c *Client) CreateAll(ctx context.Context, n []bridge.IdentityParams) []bridge.CreateResult {
	k, ctx, cancel := c.beginFor(ctx, c.config.Timeout+time.Duration(len(n))*timePerItem, "create_all")
	defer cancel()
	results := make([]bridge.CreateResult, len(n))
	b := &batch{call: k}
	for items := range slices.Chunk(b.prepare(ctx, n, results), maxBatch) {
		b.create(ctx, items)
	}
	return results
}

// batch is a running CreateAll.
type batch struct {
	call
	halted atomic.Bool // Kratos failed, so nothing more is sent
}

// item is an identity to create.
type item struct {
	params bridge.IdentityParams
	body   ory.CreateIdentityBody
	id     uuid.UUID // once it was created
	result *bridge.CreateResult
}

func (t *item) fail(err error) { *t.result = bridge.CreateResult{Err: err} }

// prepare returns those that can be sent; the others have their result.
func (b *batch) prepare(ctx context.Context, n []bridge.IdentityParams, results []bridge.CreateResult) []*item {
	items := make([]*item, 0, len(n))
	seen := make(map[uuid.UUID]bool, len(n))
	for i := range n {
		body, err := b.createBody(n[i])
		if err == nil && seen[n[i].InvitationID] {
			err = b.rejected("an invitation cannot have two identities")
		}
		if err == nil {
			_, err = b.client.emailAt(ctx, n[i].SchemaID) // without it the identity could not be read
		}
		if err != nil {
			results[i].Err = err
			continue
		}
		seen[n[i].InvitationID] = true
		items = append(items, &item{params: n[i], body: body, result: &results[i]})
	}
	return items
}

// create creates the identities of at most one request.
func (b *batch) create(ctx context.Context, items []*item) {
	if len(items) < 2 {
		b.createEach(ctx, items)
		return
	}
	if b.stopped(ctx, items) {
		return
	}
	verdicts, err := b.send(ctx, items)
	switch {
	case err == nil:
		b.settle(ctx, items, verdicts)
	case isUnknownField(err, "external_id", "organization_id"):
		if rest := withoutUnknown(err, items); len(rest) < len(items) {
			b.create(ctx, rest)
			return
		}
		b.createEach(ctx, items)
	case !concernsOne(err):
		b.failAll(ctx, items, err)
	case len(items) <= fewItems:
		b.createEach(ctx, items)
	default:
		half := len(items) / 2
		b.create(ctx, items[:half])
		b.create(ctx, items[half:])
	}
}

// withoutUnknown returns the items without a field that this Kratos does not know.
// The others get their result.
func withoutUnknown(err error, items []*item) (rest []*item) {
	external, organization := isUnknownField(err, "external_id"), isUnknownField(err, "organization_id")
	for _, t := range items {
		if external && t.params.ExternalID != "" || organization && t.params.OrganizationID != uuid.Nil {
			t.fail(bridge.ErrIdentityFieldUnknown)
			continue
		}
		rest = append(rest, t)
	}
	return rest
}

// concernsOne reports whether a refusal of a batch may concern only some of its
// items. Nothing of the batch was created.
func concernsOne(err error) bool {
	var r statusError
	if !errors.As(err, &r) {
		return false
	}
	_, fromKratos := parseProblem(r)
	return r.status == http.StatusRequestEntityTooLarge ||
		fromKratos && (r.status == http.StatusBadRequest || r.status == http.StatusConflict)
}

// createEach sends the items one by one.
func (b *batch) createEach(ctx context.Context, items []*item) {
	var all errgroup.Group
	all.SetLimit(atOnce)
	for _, t := range items {
		all.Go(func() error {
			if b.stopped(ctx, []*item{t}) {
				return nil
			}
			i, err := b.call.create(ctx, t.params, t.body)
			if err != nil {
				b.failed(t, err)
				return nil
			}
			t.id = i.ID
			return nil
		})
	}
	_ = all.Wait() // the errors are in the results
	made := slices.DeleteFunc(slices.Clone(items), func(t *item) bool { return t.id == uuid.Nil })
	b.read(ctx, made)
}

// stopped fails the items if nothing more may be sent.
func (b *batch) stopped(ctx context.Context, items []*item) bool {
	if !b.halted.Load() && ctx.Err() == nil {
		return false
	}
	for _, t := range items {
		t.fail(b.fail(bridge.OutcomeNotApplied, 0, textNotSent, ctx.Err()))
	}
	return true
}

// failAll fails the items of one request, and nothing more is sent.
func (b *batch) failAll(ctx context.Context, items []*item, err error) {
	b.halted.Store(true)
	for _, t := range items {
		b.failed(t, b.createError(ctx, err, t.params.SchemaID))
	}
}

// failed records an error. A request that became stale was not sent. After an error
// that says nothing about the identity, nothing more is sent.
func (b *batch) failed(t *item, err error) {
	if errors.Is(err, bridge.ErrIdentityRace) {
		err = b.fail(bridge.OutcomeNotApplied, 0, textNotSent, nil)
	}
	var e *bridge.IdentityError
	if errors.As(err, &e) && (e.Outcome == bridge.OutcomeUnknown || e.Outcome == bridge.OutcomeNotApplied) {
		b.halted.Store(true)
	}
	t.fail(err)
}
