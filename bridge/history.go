package bridge

import (
	"context"
	"encoding/binary"
	"time"

	"github.com/google/uuid"
)

// HistoryEntry is one change of an invitation: what, when and by whom. It is written in
// the Update of the change, never changed, and deleted with the invitation. Its JSON is
// that in the store and a part of the API.
type HistoryEntry struct {
	ID           uuid.UUID `json:"id"` // a UUIDv7 of the time at which the change began: entries are ordered by it
	InvitationID uuid.UUID `json:"invitation_id"`
	At           time.Time `json:"at"` // UTC, truncated to microseconds
	Action       Action    `json:"action"`
	By           Actor     `json:"by"`
	// RequestID is that of the API request during which it happened; empty: of none.
	RequestID string `json:"request_id,omitempty"`
}

// Action is what happened to an invitation.
type Action string

// The actions.
const (
	ActionInvited         Action = "invited"
	ActionTokenIssued     Action = "token_issued" // another token, for the caller or in another email, and nothing else has changed
	ActionResent          Action = "resent"       // the expiry was reset, by an inviter or by the invitee
	ActionReminded        Action = "reminded"
	ActionAccepted        Action = "accepted"
	ActionExpired         Action = "expired"
	ActionRevokeRequested Action = "revoke_requested" // during an acceptance, which may still succeed
	ActionRevoked         Action = "revoked"
	ActionIdentityCleaned Action = "identity_cleaned" // the removal of a former holder's credentials began
)

// Actions returns every action.
func Actions() []Action {
	return []Action{
		ActionInvited, ActionTokenIssued, ActionResent, ActionReminded, ActionAccepted, ActionExpired,
		ActionRevokeRequested, ActionRevoked, ActionIdentityCleaned,
	}
}

// ActorKind is the kind of an actor.
type ActorKind string

// The kinds. The first two have the ids of a [Creator].
const (
	ActorKey     ActorKind = "key"     // an API key
	ActorSession ActorKind = "session" // a session in the identity system
	ActorInvitee ActorKind = "invitee" // a request to the public listener: the invitee, as a rule
	ActorBridge  ActorKind = "bridge"  // the sweep, a worker, or what a request merely discovered
)

// ActorKinds returns every kind.
func ActorKinds() []ActorKind { return []ActorKind{ActorKey, ActorSession, ActorInvitee, ActorBridge} }

// Actor is who changed an invitation. ID is empty for the invitee and the bridge.
type Actor struct {
	Kind ActorKind `json:"kind"`
	ID   string    `json:"id,omitempty"`
}

// Actor returns the creator as an actor; zero for the zero Creator.
func (c Creator) Actor() Actor { return Actor{Kind: ActorKind(c.Kind), ID: c.ID} }

func (a Actor) isInviter() bool { return a.Kind == ActorKey || a.Kind == ActorSession }

type actorKey struct{}

// acting is who acts, and in which request.
type acting struct {
	by        Actor
	requestID string
}

// WithActor returns a context whose changes of invitations are recorded as those of an
// actor, in a request. Without it they are those of the bridge itself.
func WithActor(ctx context.Context, by Actor, requestID string) context.Context {
	return context.WithValue(ctx, actorKey{}, acting{by, requestID})
}

func actingIn(ctx context.Context) acting {
	a, _ := ctx.Value(actorKey{}).(acting)
	if a.by == (Actor{}) {
		a.by = Actor{Kind: ActorBridge}
	}
	return a
}

// actions returns what a change did to an invitation, in the order of a life. before is
// zero for a new one.
func actions(before, after Invitation) (list []Action) {
	add := func(happened bool, a Action) {
		if happened {
			list = append(list, a)
		}
	}
	created := before.ID == uuid.Nil
	became := func(s State) bool { return after.State == s && before.State != s }
	add(created, ActionInvited)
	add(!created && after.State == StatePending && (after.Epoch != before.Epoch || !after.ExpiresAt.Equal(before.ExpiresAt)), ActionResent)
	add(after.ReminderCount > before.ReminderCount, ActionReminded)
	add(before.CleaningBeganAt.IsZero() && !after.CleaningBeganAt.IsZero(), ActionIdentityCleaned)
	add(before.RevokeRequestedAt.IsZero() && !after.RevokeRequestedAt.IsZero(), ActionRevokeRequested)
	add(became(StateAccepted), ActionAccepted)
	add(became(StateExpired), ActionExpired)
	add(became(StateRevoked), ActionRevoked)
	// What is sent first about a row of an import belongs to its creation.
	mailed := after.InviteeNotifiedAt.After(before.InviteeNotifiedAt) && (after.ImportID == uuid.Nil || !before.InviteeNotifiedAt.IsZero())
	hooked := after.HooksNotifiedAt.After(before.HooksNotifiedAt) && !before.HooksNotifiedAt.IsZero()
	add(len(list) == 0 && (mailed || hooked), ActionTokenIssued)
	return list
}

// attribute returns who an action of a context belongs to. What a request only finds out
// is the bridge's: that an invitation has expired, that its identity is in use, or that
// it was accepted earlier. A row of an import is that of who imported it.
func (a acting) attribute(action Action, after Invitation) acting {
	bridge := acting{Actor{Kind: ActorBridge}, a.requestID}
	switch action {
	case ActionExpired:
		return acting{by: bridge.by} // any request may have come first after the expiry
	case ActionInvited:
		if after.CreatedBy != (Creator{}) {
			a.by = after.CreatedBy.Actor()
		}
	case ActionAccepted:
		if a.by.isInviter() {
			return bridge
		}
	case ActionRevoked:
		if !a.by.isInviter() || after.Reason != ReasonRequested {
			return bridge
		}
	case ActionTokenIssued, ActionResent, ActionReminded, ActionRevokeRequested, ActionIdentityCleaned:
	}
	return a
}

// HistoryQuery selects entries of one invitation.
type HistoryQuery struct {
	InvitationID uuid.UUID
	Before       uuid.UUID // only ids below this one; zero: from the newest
	Limit        int       // at least 1
}

// History returns a page of the history of an invitation, newest first, if it is one of
// a creator; zero: of any. next is the value of q.Before for the next page; zero: this is
// the last one. Invitations of an earlier release have no entries from that time.
//
// Errors: ErrNotFound; ErrStoreUnavailable.
func (s *Service) History(ctx context.Context, by Creator, q HistoryQuery) (page []HistoryEntry, next uuid.UUID, err error) {
	limit := q.Limit
	q.Limit++ // one more shows whether there is a next page
	err = s.view(ctx, func(tx Tx) error {
		inv, err := tx.Invitation(q.InvitationID)
		if err == nil && by != (Creator{}) && inv.CreatedBy != by {
			err = ErrNotFound
		}
		if err != nil {
			return err
		}
		page, err = tx.ListHistory(q)
		return err
	})
	if len(page) > limit {
		page = page[:limit]
		next = page[limit-1].ID
	}
	return page, next, callerError(err)
}

// nth returns the id of the n-th row that has a part in one change. It takes the place of
// the last bits of an id that was minted for the change.
func nth(id uuid.UUID, n int) uuid.UUID {
	binary.BigEndian.PutUint32(id[12:], uint32(n)) //nolint:gosec // a batch
	return id
}
