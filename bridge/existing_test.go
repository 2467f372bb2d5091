package bridge_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/kratos/kratostest"
)

// member is an inactive identity that exists before the bridge knows of it.
type member struct {
	name    string
	traits  string // beside the email address
	change  func(*testing.T, *bridgetest.Harness, uuid.UUID)
	request bridge.InviteRequest
	want    *bridge.Error // nil: success
	// reactivated is the outcome of the same request with Reactivate.
	reactivated *bridge.Error
	origin      bridge.Origin // of the invitation with Reactivate
}

func useAndDeactivate(_ *testing.T, w *bridgetest.Harness, id uuid.UUID) {
	w.Kratos.ActivateByHand(id, "theirs-Before-1")
	w.Kratos.Deactivate(id)
}

func importPassword(t *testing.T, w *bridgetest.Harness, id uuid.UUID) {
	err := w.Kratos.Replace(t.Context(), id, fmt.Sprintf(`{"schema_id":"member","state":"inactive","traits":{"email":%q},"credentials":{"password":{"config":{"password":"theirs-Before-1"}}}}`, email))
	if err != nil {
		t.Fatal(err)
	}
}

func setCredential(method, config string, identifiers ...string) func(*testing.T, *bridgetest.Harness, uuid.UUID) {
	return func(t *testing.T, w *bridgetest.Harness, id uuid.UUID) {
		if err := w.Kratos.SetCredential(id, method, config, identifiers...); err != nil {
			t.Fatal(err)
		}
	}
}

// TestInviteExisting is the table of which existing identities may be invited.
func TestInviteExisting(t *testing.T) {
	deactivated, imported, conflict := bridge.ErrIdentityDeactivated, bridge.ErrIdentityHasCredentials, bridge.ErrIdentityConflict
	for _, m := range []member{
		{name: "never used", origin: bridge.OriginAdopted},
		{name: "used and deactivated", change: useAndDeactivate, want: deactivated, origin: bridge.OriginReactivated},
		{name: "with a session from that time", want: deactivated, origin: bridge.OriginReactivated, change: func(t *testing.T, w *bridgetest.Harness, id uuid.UUID) {
			w.Kratos.ActivateByHand(id, "theirs-Before-1")
			if _, err := w.Kratos.AddSession(id); err != nil {
				t.Fatal(err)
			}
			w.Kratos.Deactivate(id)
		}},
		{name: "imported with a password", change: importPassword, want: imported, origin: bridge.OriginReactivated},
		{name: "imported with a link", change: setCredential("oidc", "", "idp:1"), want: imported, origin: bridge.OriginReactivated},
		{name: "with a passkey", change: setCredential("passkey", `{"credentials":[{}]}`), want: conflict, reactivated: conflict},
		{name: "with a passwordless key", change: setCredential("webauthn", `{"credentials":[{"is_passwordless":true}]}`), want: conflict, reactivated: conflict},
		{name: "with a second factor by key", change: setCredential("webauthn", `{"credentials":[{"is_passwordless":false}]}`), want: imported, origin: bridge.OriginReactivated},
		{name: "with an unknown method", change: setCredential("deviceauthn", `{}`), want: conflict, reactivated: conflict},
		{name: "with a second address", traits: `,"second_email":"stranger@example.org"`, want: conflict, reactivated: conflict},
		{
			name: "with a second address that the inviter keeps", traits: `,"second_email":"mine@example.org"`,
			request: bridge.InviteRequest{KeepAddresses: true}, origin: bridge.OriginAdopted,
		},
		{name: "active", change: func(_ *testing.T, w *bridgetest.Harness, id uuid.UUID) { w.Kratos.ActivateByHand(id, "theirs-1") },
			want: bridge.ErrIdentityAlreadyActive, reactivated: bridge.ErrIdentityAlreadyActive},
	} {
		t.Run(m.name, func(t *testing.T) {
			for _, byID := range []bool{false, true} {
				w := bridgetest.New(t)
				id, err := w.Kratos.Create(t.Context(), fmt.Sprintf(`{"schema_id":"member","state":"inactive","traits":{"email":%q%s}}`, email, m.traits))
				if err != nil {
					t.Fatal(err)
				}
				if m.change != nil {
					m.change(t, w, id)
				}
				r := m.request
				r.SchemaID, r.Email = "member", email
				if byID {
					r.Email, r.IdentityID = "", id
				}
				before, err := w.Kratos.Read(t.Context(), id)
				if err != nil {
					t.Fatal(err)
				}
				m.check(t, w, r, m.want, bridge.OriginAdopted, id)
				if after, err := w.Kratos.Read(t.Context(), id); m.want != nil && (err != nil || string(after) != string(before)) {
					t.Errorf("a refusal changed the identity:\n%s\n%s, %v", before, after, err)
				}
				r.Reactivate = true
				m.check(t, w, r, m.reactivated, m.origin, id)
			}
		})
	}
}

func (m member) check(t *testing.T, w *bridgetest.Harness, r bridge.InviteRequest, want *bridge.Error, origin bridge.Origin, id uuid.UUID) {
	t.Helper()
	offer, err := w.Service.Invite(t.Context(), r)
	if want != nil {
		refused(t, err, want)
		return
	}
	if err != nil {
		t.Fatalf("invite: %v", err)
	}
	inv := offer.Invitation
	if inv.IdentityID != id || inv.Origin != origin || inv.View().Origin != origin {
		t.Errorf("invited %s as %s, want %s as %s", inv.IdentityID, inv.Origin, id, origin)
	}
	if !slices.Contains(w.EventsFor(t, bridgetest.Hook), bridge.EventTokenCreated) {
		t.Error("no event")
	}
}

// TestAddressesAreNamed: the error names the addresses that the inviter has to
// decide about.
func TestAddressesAreNamed(t *testing.T) {
	w := bridgetest.New(t)
	id, err := w.Kratos.Create(t.Context(), fmt.Sprintf(`{"schema_id":"member","state":"inactive","traits":{"email":%q,"second_email":"stranger@example.org"}}`, email))
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Service.Invite(t.Context(), bridge.InviteRequest{IdentityID: id})
	e := refusal(t, err, bridge.ErrIdentityConflict)
	if got, _ := e.Extra["addresses"].([]string); !slices.Equal(got, []string{"stranger@example.org"}) {
		t.Errorf("details: %v", e.Extra)
	}
	// Accept judges again: an address other than the kept one is refused.
	offer := invite(t, w, bridge.InviteRequest{IdentityID: id, KeepAddresses: true})
	if err := w.Kratos.Replace(t.Context(), id, fmt.Sprintf(`{"schema_id":"member","state":"inactive","traits":{"email":%q,"second_email":"late@example.org"}}`, email)); err != nil {
		t.Fatal(err)
	}
	_, err = w.Service.Accept(t.Context(), offer.Token.Reveal(), password)
	refused(t, err, bridge.ErrRevoked)
}

// TestUserNameIsNoAddress: an identity whose user name looks like the address,
// without having that address, is not the invitee's.
func TestUserNameIsNoAddress(t *testing.T) {
	w := bridgetest.New(t)
	id, err := w.Kratos.Create(t.Context(), fmt.Sprintf(`{"schema_id":"member","state":"inactive","traits":{"username":%q}}`, email))
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Service.Invite(t.Context(), bridge.InviteRequest{Email: email, SchemaID: "member", Reactivate: true})
	refused(t, err, bridge.ErrIdentityConflict)
	if w.Kratos.Active(id) {
		t.Error("it is active")
	}
}

// TestMarkOfAdoption: an adopted identity has the bridge's mark before Invite
// returns, and the mark says that it was adopted.
func TestMarkOfAdoption(t *testing.T) {
	w := bridgetest.New(t)
	id := w.Kratos.Add(email, false)
	offer := invite(t, w, bridge.InviteRequest{Email: email})
	shown, err := w.Kratos.Show(t.Context(), id)
	if want := fmt.Sprintf(`{"invitation":{"id":"%s","origin":"adopted"}}`, offer.Invitation.ID); err != nil || string(shown.MetadataAdmin) != want {
		t.Errorf("metadata_admin is %s, %v; want %s", shown.MetadataAdmin, err, want)
	}
	w.Kratos.Inject(kratostest.Fault{Method: "PATCH", Route: kratostest.RouteIdentity, Do: kratostest.CutBefore})
	other := w.Kratos.Add("b@example.com", false)
	_, err = w.Service.Invite(t.Context(), bridge.InviteRequest{IdentityID: other})
	refused(t, err, bridge.ErrKratosUnavailable)
	if list, _, err := w.Service.List(t.Context(), bridge.InvitationQuery{Email: "b@example.com", Limit: 1}); err != nil || len(list) != 0 {
		t.Errorf("an invitation was stored without the mark: %v, %v", list, err)
	}
}

// TestTwoInvitationsNeverShareAnIdentity: two pending invitations never share
// an identity, not even under two addresses.
func TestTwoInvitationsNeverShareAnIdentity(t *testing.T) {
	w := bridgetest.New(t)
	first := invite(t, w, bridge.InviteRequest{Email: email})
	id := first.Invitation.IdentityID
	rename := func(address string) {
		t.Helper()
		if err := w.Kratos.Replace(t.Context(), id, fmt.Sprintf(`{"schema_id":"default","state":"inactive","traits":{"email":%q}}`, address)); err != nil {
			t.Fatal(err)
		}
	}
	rename("b@example.com")
	second := invite(t, w, bridge.InviteRequest{IdentityID: id})
	if got := stateOf(t, w, first); got != bridge.StateRevoked {
		t.Errorf("the invitation of the former address is %s", got)
	}
	rename(email)
	third := invite(t, w, bridge.InviteRequest{IdentityID: id})
	if got := stateOf(t, w, second); got != bridge.StateRevoked {
		t.Errorf("the second one is %s", got)
	}
	accept(t, w, third, password)
}

// TestInviteAgainWhatIsUnchanged: an identity for which this store holds the
// baseline belongs to no one as long as it is unchanged.
func TestInviteAgainWhatIsUnchanged(t *testing.T) {
	for _, ends := range []string{"expired", "revoked"} {
		t.Run(ends, func(t *testing.T) {
			w := bridgetest.New(t)
			end := func(offer bridge.IssuedInvitation) {
				t.Helper()
				if ends == "expired" {
					w.Clock.Advance(day)
					_, _ = w.Service.Sweep(t.Context())
				} else if _, err := w.Service.Revoke(t.Context(), offer.Invitation.ID); err != nil {
					t.Fatal(err)
				}
			}
			first := invite(t, w, bridge.InviteRequest{Email: email})
			end(first)
			second := invite(t, w, bridge.InviteRequest{Email: email})
			if second.Invitation.Origin != bridge.OriginCreated || second.Invitation.IdentityID != first.Invitation.IdentityID {
				t.Errorf("invited again as %s", second.Invitation.Origin)
			}
			end(second)
			useAndDeactivate(t, w, first.Invitation.IdentityID)
			_, err := w.Service.Invite(t.Context(), bridge.InviteRequest{Email: email})
			refused(t, err, bridge.ErrIdentityDeactivated)
			third := invite(t, w, bridge.InviteRequest{Email: email, Reactivate: true})
			end(third)
			_, err = w.Service.Invite(t.Context(), bridge.InviteRequest{Email: email})
			refused(t, err, bridge.ErrIdentityDeactivated) // each invite must ask for reactivation
			fourth := invite(t, w, bridge.InviteRequest{Email: email, Reactivate: true})
			w.Clock.Advance(time.Hour)
			accept(t, w, fourth, password)
		})
	}
}
