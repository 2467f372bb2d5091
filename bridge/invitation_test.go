package bridge_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

var (
	createdAt      = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	withinLifespan = createdAt.Add(time.Hour)
	expiresAt      = createdAt.Add(24 * time.Hour)

	heldMessage = uuid.MustParse("01890000-0000-7000-8000-00000000000c")
)

// invitationIn returns an invitation in one of the situations of
// TestTransitions.
func invitationIn(situation string) bridge.Invitation {
	inv := bridge.Invitation{
		ID: uuid.MustParse("01890000-0000-7000-8000-000000000001"), State: bridge.StatePending,
		Email: "ada@example.com", Lifespan: 24 * time.Hour, CreatedAt: createdAt, UpdatedAt: createdAt, ExpiresAt: expiresAt,
	}
	claim := &bridge.Claim{ID: heldMessage, Until: withinLifespan.Add(15 * time.Second)}
	switch situation {
	case "pending":
	case "due":
		inv.ExpiresAt = withinLifespan
	case "claimed":
		inv.Claim = claim
	case "claimed and due":
		inv.ExpiresAt, inv.Claim = withinLifespan, claim
	case "claimed, revocation requested":
		inv.RevokeRequestedAt, inv.Claim = withinLifespan, claim
	case "expired", "revoked", "accepted":
		inv.State = bridge.State(situation)
	default:
		panic(situation)
	}
	return inv
}

// TestTransitions is the whole table: every situation against every verb.
func TestTransitions(t *testing.T) {
	const claimed = bridge.State("pending, claimed")
	type outcome struct {
		state bridge.State
		err   error
	}
	pending, accepted := bridge.StatePending, bridge.StateAccepted
	expired, revoked := bridge.StateExpired, bridge.StateRevoked
	busy := bridge.ErrAcceptInProgress
	newClaim := uuid.New()
	verbs := []struct {
		name string
		do   func(bridge.Invitation) (bridge.Invitation, error)
	}{
		{"begin", func(i bridge.Invitation) (bridge.Invitation, error) {
			return i.BeginAccept(newClaim, uuid.Nil, withinLifespan, 15*time.Second)
		}},
		{"take over", func(i bridge.Invitation) (bridge.Invitation, error) {
			return i.BeginAccept(newClaim, heldMessage, withinLifespan, 15*time.Second)
		}},
		{"release", func(i bridge.Invitation) (bridge.Invitation, error) { return i.ReleaseClaim(withinLifespan), nil }},
		{"accept", func(i bridge.Invitation) (bridge.Invitation, error) { return i.Accept(withinLifespan), nil }},
		{"revoke", func(i bridge.Invitation) (bridge.Invitation, error) {
			return i.Revoke(bridge.ReasonRequested, withinLifespan)
		}},
		{"expire", func(i bridge.Invitation) (bridge.Invitation, error) { return i.Expire(withinLifespan), nil }},
		{"resend", func(i bridge.Invitation) (bridge.Invitation, error) { return i.Resend(withinLifespan) }},
		{"close", func(i bridge.Invitation) (bridge.Invitation, error) {
			return i.Invalidate(bridge.ReasonGone, withinLifespan), nil
		}},
		{"accept late", func(i bridge.Invitation) (bridge.Invitation, error) {
			return i.AcceptLate(createdAt, withinLifespan), nil
		}},
	}
	table := []struct {
		situation string
		want      map[string]outcome
	}{
		{"pending", map[string]outcome{
			"begin": {claimed, nil}, "take over": {claimed, nil}, "release": {pending, nil}, "accept": {pending, nil}, "revoke": {revoked, nil},
			"expire": {pending, nil}, "resend": {pending, nil}, "close": {revoked, nil}, "accept late": {accepted, nil},
		}},
		{"due", map[string]outcome{
			"begin": {pending, bridge.ErrExpired}, "take over": {pending, bridge.ErrExpired}, "release": {pending, nil}, "accept": {pending, nil},
			"revoke": {revoked, nil}, "expire": {expired, nil}, "resend": {pending, nil}, "close": {revoked, nil}, "accept late": {accepted, nil},
		}},
		{"claimed", map[string]outcome{
			"begin": {claimed, busy}, "take over": {claimed, nil}, "release": {pending, nil}, "accept": {accepted, nil}, "revoke": {claimed, nil},
			"expire": {claimed, nil}, "resend": {claimed, nil}, "close": {revoked, nil}, "accept late": {accepted, nil},
		}},
		{"claimed and due", map[string]outcome{
			"begin": {claimed, bridge.ErrExpired}, "take over": {claimed, bridge.ErrExpired}, "release": {pending, nil}, "accept": {accepted, nil},
			"revoke": {claimed, nil}, "expire": {claimed, nil}, "resend": {claimed, busy}, "close": {revoked, nil}, "accept late": {accepted, nil},
		}},
		{"claimed, revocation requested", map[string]outcome{
			"begin": {claimed, bridge.ErrRevoked}, "take over": {claimed, bridge.ErrRevoked}, "release": {revoked, nil}, "accept": {accepted, nil},
			"revoke": {claimed, nil}, "expire": {claimed, nil}, "resend": {claimed, bridge.ErrRevoked}, "close": {revoked, nil}, "accept late": {accepted, nil},
		}},
		{"expired", map[string]outcome{
			"begin": {expired, bridge.ErrExpired}, "take over": {expired, bridge.ErrExpired}, "release": {expired, nil}, "accept": {expired, nil},
			"revoke": {revoked, nil}, "expire": {expired, nil}, "resend": {pending, nil}, "close": {expired, nil}, "accept late": {accepted, nil},
		}},
		{"revoked", map[string]outcome{
			"begin": {revoked, bridge.ErrRevoked}, "take over": {revoked, bridge.ErrRevoked}, "release": {revoked, nil}, "accept": {revoked, nil},
			"revoke": {revoked, nil}, "expire": {revoked, nil}, "resend": {revoked, bridge.ErrRevoked}, "close": {revoked, nil}, "accept late": {accepted, nil},
		}},
		{"accepted", map[string]outcome{
			"begin": {accepted, bridge.ErrAccepted}, "take over": {accepted, bridge.ErrAccepted}, "release": {accepted, nil}, "accept": {accepted, nil},
			"revoke": {accepted, bridge.ErrAccepted}, "expire": {accepted, nil}, "resend": {accepted, bridge.ErrAccepted}, "close": {accepted, nil},
			"accept late": {accepted, nil},
		}},
	}
	for _, row := range table {
		for _, verb := range verbs {
			t.Run(row.situation+"/"+verb.name, func(t *testing.T) {
				want, listed := row.want[verb.name]
				if !listed {
					t.Fatal("missing in the table")
				}
				before := invitationIn(row.situation)
				got, err := verb.do(before)
				state := got.State
				if state == pending && got.Claim != nil {
					state = claimed
				}
				if state != want.state || !errors.Is(err, want.err) {
					t.Errorf("got %q, %v; want %q, %v", state, err, want.state, want.err)
				}
				if fresh := invitationIn(row.situation); fresh.Claim != nil && *fresh.Claim != *before.Claim {
					t.Error("the verb changed the claim of the invitation it was given")
				}
			})
		}
	}
}

func TestBeginAccept(t *testing.T) {
	id := uuid.New()
	inv, err := invitationIn("pending").BeginAccept(id, uuid.Nil, withinLifespan, 15*time.Second)
	if err != nil || !inv.HoldsClaim(id) || inv.Claim.Until != withinLifespan.Add(15*time.Second) || !inv.UnresolvedUntil.IsZero() {
		t.Errorf("a first claim: %+v, %v", inv, err)
	}
	// The former claim's write may still arrive, so the identity is checked again.
	inv, err = invitationIn("claimed").BeginAccept(id, heldMessage, withinLifespan, 15*time.Second)
	if err != nil || !inv.HoldsClaim(id) || inv.UnresolvedUntil != withinLifespan.Add(10*time.Minute) || inv.CheckAt.IsZero() {
		t.Errorf("a takeover: %+v, %v", inv, err)
	}
	_, err = invitationIn("claimed").BeginAccept(id, uuid.New(), withinLifespan, time.Second)
	var e *bridge.Error
	if !errors.As(err, &e) || e.RetryAfter != 2*time.Second {
		t.Errorf("beside another claim: %v", err)
	}
}

func TestUnusableAtExpiresAt(t *testing.T) {
	inv := invitationIn("pending")
	if err := inv.CheckUsable(expiresAt.Add(-time.Microsecond)); err != nil {
		t.Errorf("a microsecond before: %v", err)
	}
	if err := inv.CheckUsable(expiresAt); !errors.Is(err, bridge.ErrExpired) {
		t.Errorf("at that time: %v", err)
	}
}

func TestRevivalKeepsOldTokensInvalid(t *testing.T) {
	old := bridge.TokenRecord{Epoch: 0}
	inv, err := invitationIn("expired").Resend(withinLifespan)
	if err != nil {
		t.Fatal(err)
	}
	if err := inv.CheckToken(old, withinLifespan); !errors.Is(err, bridge.ErrExpired) {
		t.Errorf("a token from before the revival: %v", err)
	}
	if err := inv.CheckToken(bridge.TokenRecord{Epoch: inv.Epoch}, withinLifespan); err != nil {
		t.Errorf("a token from after it: %v", err)
	}
	again, err := inv.Resend(withinLifespan)
	if err != nil || again.Epoch != inv.Epoch {
		t.Errorf("resending a pending invitation invalidated its tokens: %v", err)
	}
}
