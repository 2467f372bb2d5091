package bridge_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/kratos/kratostest"
)

const externalID = "crm-7"

var organizationID = uuid.MustParse("7b6f3b1e-52a5-4c77-9d1f-2f2f6f1f1a11")

// TestInviteIDs: external_id and organization_id reach the identity, and are still
// there once it is accepted.
func TestInviteIDs(t *testing.T) {
	w := bridgetest.NewAt(t, kratostest.FakeOptions{ExternalIDs: true})
	r := bridge.InviteRequest{Email: email, ExternalID: externalID, OrganizationID: organizationID}
	offer := invite(t, w, r)
	if again := invite(t, w, r); again.Created {
		t.Error("the same request created another invitation")
	}
	accept(t, w, offer, password)
	i, err := w.Identities().Get(t.Context(), offer.Invitation.IdentityID)
	noError(t, err)
	if !i.Active || i.ExternalID != externalID || i.OrganizationID != organizationID {
		t.Errorf("%+v", i)
	}
}

// TestInviteIDs_existing: an existing identity is invited only if it already has the
// ids in the request. It is never rewritten.
func TestInviteIDs_existing(t *testing.T) {
	for name, c := range map[string]struct {
		request bridge.InviteRequest
		differs string // empty: invited
	}{
		"none given":         {request: bridge.InviteRequest{}},
		"equal":              {request: bridge.InviteRequest{ExternalID: externalID, OrganizationID: organizationID}},
		"other external_id":  {request: bridge.InviteRequest{ExternalID: "crm-8", OrganizationID: organizationID}, differs: "external_id"},
		"other organization": {request: bridge.InviteRequest{ExternalID: externalID, OrganizationID: uuid.New()}, differs: "organization_id"},
	} {
		for _, byID := range []bool{false, true} {
			w := bridgetest.NewAt(t, kratostest.FakeOptions{ExternalIDs: true})
			id, err := w.Kratos.Create(t.Context(), fmt.Sprintf(`{"schema_id":"default","state":"inactive","external_id":%q,"organization_id":%q,"traits":{"email":%q}}`,
				externalID, organizationID, email))
			noError(t, err)
			r := c.request
			if r.Email = email; byID {
				r.Email, r.IdentityID = "", id
			}
			if c.differs == "" {
				offer := invite(t, w, r)
				accept(t, w, offer, password)
			} else {
				_, err := w.Service.Invite(t.Context(), r)
				if e := refusal(t, err, bridge.ErrIdentityConflict); !strings.Contains(e.Reason, "different "+c.differs) {
					t.Errorf("%s, by id: %t: %s", name, byID, e.Reason)
				}
			}
			i, err := w.Identities().Get(t.Context(), id)
			noError(t, err)
			if i.ExternalID != externalID || i.OrganizationID != organizationID || i.Active != (c.differs == "") {
				t.Errorf("%s, by id: %t: %+v", name, byID, i)
			}
		}
	}
}

// TestInviteIDs_pending: a pending invitation is not given to a request that means
// another identity.
func TestInviteIDs_pending(t *testing.T) {
	w := bridgetest.NewAt(t, kratostest.FakeOptions{ExternalIDs: true})
	invite(t, w, bridge.InviteRequest{Email: email, ExternalID: externalID})
	_, err := w.Service.Invite(t.Context(), bridge.InviteRequest{Email: email, ExternalID: "crm-8"})
	refused(t, err, bridge.ErrIdentityConflict)
}

// TestInviteIDs_taken: the external_id of another identity is refused with words that
// name it.
func TestInviteIDs_taken(t *testing.T) {
	w := bridgetest.NewAt(t, kratostest.FakeOptions{ExternalIDs: true})
	invite(t, w, bridge.InviteRequest{Email: "other@example.com", ExternalID: externalID})
	_, err := w.Service.Invite(t.Context(), bridge.InviteRequest{Email: email, ExternalID: externalID})
	if e := refusal(t, err, bridge.ErrIdentityConflict); !strings.Contains(e.Reason, "external_id") {
		t.Error(e.Reason)
	}
}

// TestInviteIDs_unsupported: a Kratos that does not know the fields refuses them. So
// does the bridge, also for an address that has an identity.
func TestInviteIDs_unsupported(t *testing.T) {
	w := bridgetest.New(t)
	w.Kratos.Add("there@example.com", false)
	for _, r := range []bridge.InviteRequest{
		{Email: email, ExternalID: externalID}, {Email: email, OrganizationID: organizationID}, {Email: "there@example.com", ExternalID: externalID},
	} {
		_, err := w.Service.Invite(t.Context(), r)
		if e := refusal(t, err, bridge.ErrFieldNotSupported); !strings.Contains(e.Reason, "v25.4.0") {
			t.Error(e.Reason)
		}
	}
	if list, _, err := w.Service.List(t.Context(), bridge.InvitationQuery{Limit: 9}); err != nil || len(list) > 0 {
		t.Errorf("%d invitations, %v", len(list), err)
	}
}

func TestInviteIDs_invalid(t *testing.T) {
	w := bridgetest.NewAt(t, kratostest.FakeOptions{ExternalIDs: true})
	for _, id := range []string{strings.Repeat("x", 65), "crm\n7", "\x00"} {
		_, err := w.Service.Invite(t.Context(), bridge.InviteRequest{Email: email, ExternalID: id})
		refused(t, err, bridge.ErrBadRequest)
	}
	invite(t, w, bridge.InviteRequest{Email: email, ExternalID: strings.Repeat("x", 64)})
}
