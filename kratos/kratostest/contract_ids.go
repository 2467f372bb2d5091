package kratostest

import (
	"fmt"
	"testing"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

// idsTests cover external_id and organization_id, which Kratos takes from v25.4.0 on.
var idsTests = map[string]func(*testing.T, *contract){
	"kept by every write": func(t *testing.T, c *contract) {
		n := newIdentity(freshEmail())
		n.ExternalID, n.OrganizationID = uuid.NewString(), uuid.New()
		made, err := c.ids.Create(c.ctx, n)
		if !c.takesIDs(t) {
			wantError(t, err, bridge.ErrIdentityFieldUnknown)
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		check := func(after string, i bridge.Identity) {
			t.Helper()
			if i.ExternalID != n.ExternalID || i.OrganizationID != n.OrganizationID {
				t.Errorf("after %s: external_id %q, organization_id %s", after, i.ExternalID, i.OrganizationID)
			}
		}
		check("create", made)
		for _, w := range []bridge.Write{
			bridge.WriteMark{Mark: bridge.Mark{InvitationID: n.InvitationID, Origin: bridge.OriginAdopted}},
			bridge.WritePassword{Password: otherPassword},
			bridge.WriteVerified{At: acceptedAt},
			activation(n.InvitationID, goodPassword),
		} {
			c.mustWrite(t, made.ID, w)
			check(w.Name(), c.get(t, made.ID))
		}
	},
	"each alone": func(t *testing.T, c *contract) {
		for _, n := range []bridge.IdentityParams{{ExternalID: uuid.NewString()}, {OrganizationID: uuid.New()}} {
			whole := newIdentity(freshEmail())
			whole.ExternalID, whole.OrganizationID = n.ExternalID, n.OrganizationID
			made, err := c.ids.Create(c.ctx, whole)
			if !c.takesIDs(t) {
				wantError(t, err, bridge.ErrIdentityFieldUnknown)
			} else if err != nil || made.ExternalID != n.ExternalID || made.OrganizationID != n.OrganizationID {
				t.Errorf("made %+v, %v", made, err)
			}
		}
	},
	"external_id taken": func(t *testing.T, c *contract) {
		n, other := newIdentity(freshEmail()), newIdentity(freshEmail())
		n.ExternalID = uuid.NewString()
		other.ExternalID = n.ExternalID
		_, first := c.ids.Create(c.ctx, n)
		_, err := c.ids.Create(c.ctx, other)
		if !c.takesIDs(t) {
			wantError(t, err, bridge.ErrIdentityFieldUnknown)
			return
		}
		if first != nil {
			t.Fatal(first)
		}
		wantError(t, err, bridge.ErrIdentityExists)
	},
}

// takesIDs reports whether this Kratos takes an external_id, as its admin API says.
func (c *contract) takesIDs(t *testing.T) bool {
	t.Helper()
	_, err := c.admin.Create(c.ctx, fmt.Sprintf(`{"schema_id":%q,"external_id":%q,"traits":{"email":%q}}`, DefaultSchema, uuid.NewString(), freshEmail()))
	return err == nil
}
