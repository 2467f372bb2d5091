package bridge_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/kratos/kratostest"
)

func forget(t *testing.T, w *bridgetest.Harness, id uuid.UUID) bridge.Forgotten {
	t.Helper()
	f, err := w.Service.Forget(t.Context(), id)
	if err != nil {
		t.Fatalf("forget: %v", err)
	}
	return f
}

// wantForgotten checks that nothing of an invitation can be found.
func wantForgotten(t *testing.T, w *bridgetest.Harness, offer bridge.IssuedInvitation) {
	t.Helper()
	id := offer.Invitation.ID
	_, err := w.Service.Get(t.Context(), id)
	refused(t, err, bridge.ErrNotFound)
	_, err = w.Service.Preview(t.Context(), offer.Token.Reveal())
	refused(t, err, bridge.ErrNotFound)
	_, err = w.Service.Forget(t.Context(), id)
	refused(t, err, bridge.ErrNotFound)
	for what, n := range map[string]int{
		"invitations": len(listed(t, w, bridge.InvitationQuery{Email: offer.Invitation.Email})),
		"messages":    len(messagesOf(t, w, id)),
	} {
		if n != 0 {
			t.Errorf("%d %s are left", n, what)
		}
	}
}

func listed(t *testing.T, w *bridgetest.Harness, q bridge.InvitationQuery) []bridge.Invitation {
	t.Helper()
	q.Limit = 100
	list, _, err := w.Service.List(t.Context(), q)
	noError(t, err)
	return list
}

func messagesOf(t *testing.T, w *bridgetest.Harness, id uuid.UUID) (list []bridge.Message) {
	t.Helper()
	noError(t, w.Store.View(t.Context(), func(tx bridge.Tx) (err error) {
		list, err = tx.ListMessages(bridge.MessageQuery{InvitationID: id, Limit: 100})
		return err
	}))
	return list
}

// TestForget: an invitation in any state is removed, and its identity is deleted unless
// it is somebody's account, whatever happens to unaccepted identities otherwise.
func TestForget(t *testing.T) {
	ends := map[string]struct {
		end  func(*testing.T, *bridgetest.Harness, bridge.IssuedInvitation)
		want bridge.IdentityResult
	}{
		"pending": {func(*testing.T, *bridgetest.Harness, bridge.IssuedInvitation) {}, bridge.IdentityDeleted},
		"past its expiry": {func(_ *testing.T, w *bridgetest.Harness, _ bridge.IssuedInvitation) {
			w.Clock.Advance(25 * time.Hour)
		}, bridge.IdentityDeleted},
		"revoked": {func(t *testing.T, w *bridgetest.Harness, offer bridge.IssuedInvitation) {
			_, err := w.Service.Revoke(t.Context(), offer.Invitation.ID)
			noError(t, err)
		}, bridge.IdentityDeleted},
		"accepted": {func(t *testing.T, w *bridgetest.Harness, offer bridge.IssuedInvitation) {
			accept(t, w, offer, password)
		}, bridge.IdentityKept},
		"accepted, then deactivated": {func(t *testing.T, w *bridgetest.Harness, offer bridge.IssuedInvitation) {
			accept(t, w, offer, password)
			w.Kratos.Deactivate(offer.Invitation.IdentityID)
		}, bridge.IdentityKept},
	}
	for _, policy := range []bridge.Unaccepted{bridge.KeepUnaccepted, bridge.DeleteAtPurge} {
		for how, c := range ends {
			t.Run(fmt.Sprintf("%s/%s", policy, how), func(t *testing.T) {
				w := bridgetest.New(t, func(c *bridge.Config) { c.Unaccepted = policy })
				other := invite(t, w, bridge.InviteRequest{Email: "b@example.com"})
				offer := invite(t, w, bridge.InviteRequest{Email: email})
				c.end(t, w, offer)
				f := forget(t, w, offer.Invitation.ID)
				want := bridge.ForgottenInvitation{ID: offer.Invitation.ID, IdentityID: offer.Invitation.IdentityID, Identity: c.want}
				if f.ForgottenInvitation != want || len(f.Others) != 0 || f.ImportRows != 0 {
					t.Errorf("got %+v, want %+v", f, want)
				}
				if got := w.Kratos.Exists(want.IdentityID); got != (c.want == bridge.IdentityKept) {
					t.Errorf("the identity exists: %v", got)
				}
				wantForgotten(t, w, offer)
				if !w.Kratos.Exists(other.Invitation.IdentityID) {
					t.Error("another person was forgotten too")
				}
				invite(t, w, bridge.InviteRequest{Email: "c@example.com"}) // nothing is locked
			})
		}
	}
}

// TestForget_identity: an identity that may be an account, or that the bridge did not
// create, is kept.
func TestForget_identity(t *testing.T) {
	changes := map[string]func(*testing.T, *bridgetest.Harness, uuid.UUID){
		"active":           func(_ *testing.T, w *bridgetest.Harness, id uuid.UUID) { w.Kratos.ActivateByHand(id, ownerPassword) },
		"used":             func(t *testing.T, w *bridgetest.Harness, id uuid.UUID) { toggle(t, w, id) },
		"given a password": importPassword,
		"marked by another": func(t *testing.T, w *bridgetest.Harness, id uuid.UUID) {
			patch(t, w, id, `[{"op":"add","path":"/metadata_admin/invitation","value":{"id":"`+uuid.NewString()+`"}}]`)
		},
	}
	for what, change := range changes {
		t.Run(what, func(t *testing.T) {
			w := bridgetest.New(t)
			offer := invite(t, w, bridge.InviteRequest{Email: email})
			change(t, w, offer.Invitation.IdentityID)
			if f := forget(t, w, offer.Invitation.ID); f.Identity != bridge.IdentityKept || !w.Kratos.Exists(f.IdentityID) {
				t.Errorf("%+v", f)
			}
			wantForgotten(t, w, offer)
		})
	}
	for _, origin := range []bridge.Origin{bridge.OriginAdopted, bridge.OriginReactivated} {
		t.Run(string(origin), func(t *testing.T) {
			w := bridgetest.New(t)
			id := w.Kratos.Add(email, false)
			if origin == bridge.OriginReactivated {
				useAndDeactivate(t, w, id)
			}
			offer := invite(t, w, bridge.InviteRequest{Email: email, Reactivate: true})
			if f := forget(t, w, offer.Invitation.ID); offer.Invitation.Origin != origin || f.Identity != bridge.IdentityKept || !w.Kratos.Exists(id) {
				t.Errorf("%s: %+v", offer.Invitation.Origin, f)
			}
			wantForgotten(t, w, offer)
		})
	}
	t.Run("deleted before", func(t *testing.T) {
		w := bridgetest.New(t)
		offer := invite(t, w, bridge.InviteRequest{Email: email})
		w.Kratos.Remove(offer.Invitation.IdentityID)
		if f := forget(t, w, offer.Invitation.ID); f.Identity != bridge.IdentityNone {
			t.Errorf("%+v", f)
		}
		wantForgotten(t, w, offer)
	})
}

// TestForget_others: all invitations of the address are removed, by whichever of them
// the person is named. They share an identity, which is deleted.
func TestForget_others(t *testing.T) {
	for _, named := range []int{0, 1, 2} {
		w := bridgetest.New(t)
		var offers []bridge.IssuedInvitation
		for range 3 {
			offer := invite(t, w, bridge.InviteRequest{Email: email})
			if offers = append(offers, offer); len(offers) < 3 {
				_, err := w.Service.Revoke(t.Context(), offer.Invitation.ID)
				noError(t, err)
			}
		}
		f := forget(t, w, offers[named].Invitation.ID)
		deleted := 0
		for _, o := range append(f.Others, f.ForgottenInvitation) {
			if o.Identity == bridge.IdentityDeleted {
				deleted++
			}
		}
		if len(f.Others) != 2 || deleted != 3 || w.Kratos.Len() != 0 {
			t.Errorf("%+v; %d identities", f, w.Kratos.Len())
		}
		for _, offer := range offers {
			wantForgotten(t, w, offer)
		}
	}
}

// TestForget_claim: during an acceptance nothing is removed. The invitation ends, and
// what its write did in the meantime counts.
func TestForget_claim(t *testing.T) {
	for name, fault := range map[string]kratostest.Fault{"no effect": bridgetest.CutBefore, "its effect": bridgetest.CutAfter} {
		t.Run("the write had "+name, func(t *testing.T) {
			w := bridgetest.New(t)
			offer := invite(t, w, bridge.InviteRequest{Email: email})
			cutAccept(t, w, offer, fault)
			_, err := w.Service.Forget(t.Context(), offer.Invitation.ID)
			if e := refusal(t, err, bridge.ErrAcceptInProgress); e.RetryAfter <= 0 {
				t.Error("it does not say when to try again")
			}
			acceptRefused(t, w, offer, bridge.ErrRevoked)
			w.Clock.Advance(testLease)
			f, err := w.Service.Forget(t.Context(), offer.Invitation.ID)
			if fault.Do == kratostest.CutAfter {
				if err != nil || f.Identity != bridge.IdentityKept || w.Kratos.SignIn(t.Context(), email, password) != nil {
					t.Fatalf("the account is lost: %+v, %v", f, err)
				}
				wantForgotten(t, w, offer)
				return
			}
			// For ten minutes, the write may still take effect.
			e := refusal(t, err, bridge.ErrAcceptInProgress)
			w.Clock.Advance(e.RetryAfter - time.Second)
			_, err = w.Service.Forget(t.Context(), offer.Invitation.ID)
			refused(t, err, bridge.ErrAcceptInProgress)
			w.Clock.Advance(time.Second)
			if f := forget(t, w, offer.Invitation.ID); f.Identity != bridge.IdentityDeleted {
				t.Errorf("%+v", f)
			}
			wantForgotten(t, w, offer)
		})
	}
}
