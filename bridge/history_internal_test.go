package bridge

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
)

// TestActions: what a change did follows from the invitation before and after it.
func TestActions(t *testing.T) {
	now := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	later := now.Add(time.Hour)
	claim := uuid.New()
	pending := Invitation{
		ID: uuid.New(), State: StatePending, Email: "ada@example.com", Lifespan: 2 * time.Hour,
		CreatedAt: now, UpdatedAt: now, ExpiresAt: now.Add(2 * time.Hour), Reminders: []time.Duration{time.Minute},
	}.planReminder(now)
	claimed, err := pending.BeginAccept(claim, uuid.Nil, now, time.Minute)
	must := func(i Invitation, err error) Invitation {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return i
	}
	must(claimed, err)
	expired := pending.Expire(pending.ExpiresAt)
	requested := must(claimed.Revoke(ReasonRequested, later))
	revoked := must(pending.Revoke(ReasonRequested, later))
	cleaned := *claimed.noteCleaning(EndSessions{}, Identity{}, later)
	reminded := pending
	reminded.ReminderCount++
	for name, tc := range map[string]struct {
		before, after Invitation
		want          []Action
	}{
		"created":                       {Invitation{}, pending, []Action{ActionInvited}},
		"unchanged":                     {pending, pending, nil},
		"an email is queued":            {pending, pending.MarkNotified(later, true), []Action{ActionTokenIssued}},
		"another email is queued":       {pending.MarkNotified(later, true), pending.MarkNotified(later.Add(time.Hour), true), []Action{ActionTokenIssued}},
		"an email is sent":              {pending, pending.ApplyDelivery(Message{State: MessageSent}, later), nil},
		"claimed":                       {pending, claimed, nil},
		"the claim is released":         {claimed, claimed.ReleaseClaim(later), nil},
		"the outcome is unknown":        {claimed, claimed.MarkUnresolved(later), nil},
		"resent":                        {pending, must(pending.Resend(later)), []Action{ActionResent}},
		"revived":                       {expired, must(expired.Resend(later)), []Action{ActionResent}},
		"revived before the sweep":      {pending, must(pending.Resend(pending.ExpiresAt)), []Action{ActionResent}},
		"reminded":                      {pending, reminded, []Action{ActionReminded}},
		"a reminder is postponed":       {pending, pending.postponeReminder(later), nil},
		"accepted":                      {claimed, claimed.Accept(later), []Action{ActionAccepted}},
		"accepted after the expiry":     {expired, expired.AcceptLate(later, later), []Action{ActionAccepted}},
		"accepted after a revocation":   {revoked, revoked.AcceptLate(later, later), []Action{ActionAccepted}},
		"expired":                       {pending, expired, []Action{ActionExpired}},
		"revoked":                       {pending, revoked, []Action{ActionRevoked}},
		"revoked after the expiry":      {expired, must(expired.Revoke(ReasonRequested, later)), []Action{ActionRevoked}},
		"revoked twice":                 {revoked, must(revoked.Revoke(ReasonRequested, later)), nil},
		"the identity is in use":        {pending, pending.Invalidate(ReasonInUse, later), []Action{ActionRevoked}},
		"revocation requested":          {claimed, requested, []Action{ActionRevokeRequested}},
		"requested again":               {requested, must(requested.Revoke(ReasonRequested, later)), nil},
		"revoked as requested":          {requested, requested.ReleaseClaim(later), []Action{ActionRevoked}},
		"accepted in spite of that":     {requested, requested.Accept(later), []Action{ActionAccepted}},
		"cleaning begins":               {claimed, cleaned, []Action{ActionIdentityCleaned}},
		"the identity is to be deleted": {expired, expired.markForDeletion(later), nil},
		"created and accepted at once":  {Invitation{}, claimed.Accept(later), []Action{ActionInvited, ActionAccepted}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := actions(tc.before, tc.after); !slices.Equal(got, tc.want) {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

// TestAttribution: an entry names who decided. What a request only finds out is the
// bridge's.
func TestAttribution(t *testing.T) {
	key, session, invitee, bridge := ByKey("backend").Actor(), BySession(uuid.New()).Actor(), Actor{Kind: ActorInvitee}, Actor{Kind: ActorBridge}
	own := Invitation{CreatedBy: ByKey("importer"), Reason: ReasonRequested}
	used := Invitation{Reason: ReasonInUse}
	for name, tc := range map[string]struct {
		action  Action
		inv     Invitation
		by      Actor
		want    Actor
		request bool // is kept
	}{
		"invited by a worker":           {ActionInvited, own, bridge, own.CreatedBy.Actor(), true},
		"invited by an unknown creator": {ActionInvited, used, key, key, true},
		"resent by a session":           {ActionResent, own, session, session, true},
		"resent by the invitee":         {ActionResent, own, invitee, invitee, true},
		"accepted by the invitee":       {ActionAccepted, own, invitee, invitee, true},
		"found accepted by a key":       {ActionAccepted, own, key, bridge, true},
		"found accepted by the sweep":   {ActionAccepted, own, bridge, bridge, true},
		"expired during a request":      {ActionExpired, own, key, bridge, false},
		"revoked by a key":              {ActionRevoked, own, key, key, true},
		"found in use by a key":         {ActionRevoked, used, key, bridge, true},
		"found in use by the invitee":   {ActionRevoked, used, invitee, bridge, true},
		"the end of an acceptance":      {ActionRevoked, own, invitee, bridge, true},
		"a revocation requested":        {ActionRevokeRequested, own, session, session, true},
		"cleaned when it was accepted":  {ActionIdentityCleaned, own, invitee, invitee, true},
		"a token for a key":             {ActionTokenIssued, own, key, key, true},
		"reminded":                      {ActionReminded, own, bridge, bridge, true},
	} {
		want := acting{by: tc.want}
		if tc.request {
			want.requestID = "r"
		}
		if got := (acting{tc.by, "r"}).attribute(tc.action, tc.inv); got != want {
			t.Errorf("%s: got %+v, want %+v", name, got, want)
		}
	}
	if got := actingIn(WithActor(t.Context(), Actor{}, "r")); got != (acting{bridge, "r"}) {
		t.Errorf("nobody: %+v", got)
	}
}

// TestNth: ids that are derived for one change are different, and in order.
func TestNth(t *testing.T) {
	one, other := uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7())
	ids := []uuid.UUID{nth(one, 0), nth(one, 1), nth(one, 255), nth(one, 256), nth(one, 1<<20), nth(other, 0), nth(other, 1)}
	if !slices.IsSortedFunc(ids, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) }) || len(slices.Compact(ids)) != 7 {
		t.Error(ids)
	}
	for _, id := range ids {
		if id.Version() != 7 || id.Variant() != uuid.RFC4122 {
			t.Errorf("%s is no UUIDv7", id)
		}
	}
}
